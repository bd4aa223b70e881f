"""What comes of a request that somebody else's page, a thief or a machine sends."""

from __future__ import annotations

import re
from http.cookies import SimpleCookie
from typing import TYPE_CHECKING

import pytest

from nexio.checkin.tablets import list_tablets, offer, pair_at_once, revoke_tablet
from nexio.checkin.taps import list_taps
from nexio_web.application import pages, wrapped
from nexio_web.options import Options
from nexio_web.postman import Postman
from tests.support.people import register
from tests.support.web.asgi import Answer, ask

if TYPE_CHECKING:
    from starlette.types import ASGIApp

    from nexio.locations.locations import Location
    from nexio.store.engine import Store
    from tests.support.clocks import Clock

OURS = "http://desk.example.com"
FORM = "application/x-www-form-urlencoded"


@pytest.fixture
def app(sqlite_store: Store) -> ASGIApp:
    """The pages, with all that goes around them."""
    options = Options(listen="127.0.0.1", port=8080)
    return wrapped(pages(sqlite_store, Postman(sqlite_store, None)), options)


@pytest.fixture
def credential(sqlite_store: Store, sqlite_location: Location) -> str:
    """What a tablet of Harbour House holds."""
    with sqlite_store.write() as work:
        return pair_at_once(work, sqlite_location)


def post(app: ASGIApp, path: str, body: str, **headers: str) -> Answer:
    """Send a form as our page does, or with other headers."""
    sent = {"origin": OURS, "content-type": FORM} | {
        name.replace("_", "-"): value for name, value in headers.items()
    }
    return ask(app, path, "POST", body=body.encode(), headers=sent)


def cookie(credential: str) -> str:
    """What the tablet sends."""
    return f"nexio-tablet={credential}"


def nobody_came(store: Store, location: Location) -> bool:
    """Whether nobody was checked in."""
    with store.read() as work:
        return list_taps(work, location, open_only=False) == []


def test_a_page_of_somebody_else(
    app: ASGIApp, sqlite_store: Store, sqlite_location: Location, credential: str
) -> None:
    """CSRF: refused, although the cookie came along; so is a request that says no origin."""
    body = f"code={register(sqlite_store, sqlite_location).pin}"
    for origin in ("https://evil.example", "http://desk.example.com:81", "null", ""):
        assert post(app, "/kiosk/tap", body, cookie=cookie(credential), origin=origin).status == 403
    assert nobody_came(sqlite_store, sqlite_location)
    for kind in ("text/plain", "application/json", "multipart/form-data; boundary=x"):
        answer = post(app, "/kiosk/tap", body, cookie=cookie(credential), content_type=kind)
        assert answer.status == 415
    assert post(app, "/kiosk/tap", body, cookie=cookie(credential)).status == 200
    assert not nobody_came(sqlite_store, sqlite_location)


def test_a_page_that_frames_ours(app: ASGIApp, credential: str) -> None:
    """Browsers refuse it, old ones too; nothing is loaded from elsewhere or written inline."""
    answer = ask(app, "/kiosk", headers={"cookie": cookie(credential)})
    policy = answer.headers["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in policy
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert answer.headers["X-Frame-Options"] == "DENY"
    assert not re.search(r"(src|href)=\"(?!/static/)", answer.text)
    assert not re.search(r"<script(?![^>]* src=)|<style| style=| on\w+=", answer.text)


@pytest.mark.parametrize("forged", ["", "x", "é", "A" * 43, "A" * 5000, "'; DROP TABLE tablet; --"])
def test_a_forged_cookie(
    app: ASGIApp, sqlite_store: Store, sqlite_location: Location, credential: str, forged: str
) -> None:
    """The pairing page, and no tap."""
    assert "not paired yet" in ask(app, "/kiosk", headers={"cookie": cookie(forged)}).text
    body = f"code={register(sqlite_store, sqlite_location).pin}"
    assert post(app, "/kiosk/tap", body, cookie=cookie(forged)).status == 401
    assert post(app, "/kiosk/undo", "undo=x", cookie=cookie(forged)).status == 401
    assert nobody_came(sqlite_store, sqlite_location)
    assert len(credential) == 43


def test_a_stolen_cookie(
    app: ASGIApp, sqlite_store: Store, sqlite_location: Location, credential: str, clock: Clock
) -> None:
    """It works until it is revoked; the list shows from where; the store holds a digest only."""
    ask(app, "/kiosk", headers={"cookie": cookie(credential)})
    ask(app, "/kiosk", headers={"cookie": cookie(credential)}, client="203.0.113.9")
    with sqlite_store.write() as work:
        (tablet,) = list_tablets(work)
        assert (tablet.seen_from, tablet.seen_at) == ("203.0.113.9", clock.now)
        revoke_tablet(work, tablet.name)
    for path in ("/kiosk/state", "/kiosk/tap"):
        assert '"paired":true' not in post(app, path, "", cookie=cookie(credential)).text
    home = sqlite_store.engine.url.database or ""
    with open(home, "rb") as file:  # noqa: PTH123
        assert credential.encode() not in file.read()


def test_the_cookies_cannot_be_read_or_sent_by_others(app: ASGIApp, credential: str) -> None:
    """HttpOnly, SameSite=Strict; by TLS also Secure, and from this host only."""
    for scheme, prefix in (("http", ""), ("https", "__Host-")):
        given = f"{prefix}nexio-tablet={credential}"
        answer = ask(app, "/kiosk", headers={"cookie": given}, scheme=scheme)
        kept = SimpleCookie(answer.headers["Set-Cookie"])[f"{prefix}nexio-tablet"]
        assert kept.value == credential
        assert (kept["httponly"], kept["samesite"], kept["path"]) == (True, "strict", "/")
        assert bool(kept["secure"]) is (scheme == "https")
        assert not kept["domain"]


def test_whoever_opens_the_page_writes_nothing(app: ASGIApp, sqlite_store: Store) -> None:
    """A thousand pairing pages leave no row."""
    codes = {re.search(r"[B-Z]{4}-[B-Z]{4}", ask(app, "/kiosk").text) for _ in range(20)}
    assert len(codes) == 20
    with sqlite_store.read() as work:
        assert list_tablets(work) == []


def test_a_code_that_somebody_else_has_seen(
    app: ASGIApp, sqlite_store: Store, sqlite_location: Location, clock: Clock
) -> None:
    """Only the tablet that shows it is paired, and only for half a minute."""
    page = ask(app, "/kiosk")
    secret = SimpleCookie(page.headers["Set-Cookie"])["nexio-pairing"].value
    shown = re.search(r"[B-Z]{4}-[B-Z]{4}", page.text)
    assert shown is not None

    def state(held: str) -> bool:
        answer = post(app, "/kiosk/state", "", cookie=f"nexio-pairing={held}")
        return '"paired":true' in answer.text

    with sqlite_store.write() as work:
        offer(work, sqlite_location, shown[0])
    assert not state(shown[0])
    assert not state("A" * 43)
    clock.advance(seconds=31)
    assert not state(secret)
    with sqlite_store.write() as work:
        offer(work, sqlite_location, shown[0].lower().replace("-", " "))
    assert state(secret)
    assert not state(secret)


def test_nothing_of_anybody_is_on_the_page(
    app: ASGIApp, sqlite_store: Store, sqlite_location: Location, credential: str
) -> None:
    """A stolen tablet shows no name and no PIN."""
    visit = register(sqlite_store, sqlite_location)
    page = ask(app, "/kiosk", headers={"cookie": cookie(credential)}).text
    for secret in (visit.pin, visit.name, visit.email, visit.first_name):
        assert secret not in page


@pytest.mark.parametrize(
    "body",
    ["", "code", "code=%00&email=%00", "code=%ff%fe&way=up", "&".join("a=b" for _ in range(50))],
)
def test_odd_forms(app: ASGIApp, credential: str, body: str) -> None:
    """A refusal in words, or 400; no fault of ours."""
    assert post(app, "/kiosk/tap", body, cookie=cookie(credential)).status in {200, 400}
