"""What comes of requests for a pass that no page of ours sends."""

from __future__ import annotations

from http.cookies import SimpleCookie
from typing import TYPE_CHECKING

import pytest

from nexio_web.application import pages, wrapped
from nexio_web.options import Options
from nexio_web.postman import Postman
from tests.support.passes import mailed, opened
from tests.support.reception import add_member
from tests.support.stores import row_counts
from tests.support.web.asgi import Answer, ask

if TYPE_CHECKING:
    from starlette.types import ASGIApp

    from nexio.locations.locations import Location
    from nexio.store.engine import Store

OURS = "http://desk.example.com"
FORM = "application/x-www-form-urlencoded"
NONE = "There is no valid pass on this phone."


@pytest.fixture
def app(sqlite_store: Store) -> ASGIApp:
    """The pages, with all that goes around them."""
    options = Options(listen="127.0.0.1", port=8080)
    return wrapped(pages(sqlite_store, Postman(sqlite_store, None)), options)


@pytest.fixture
def link(sqlite_store: Store, sqlite_location: Location) -> str:
    """What the mail to a member says."""
    return mailed(sqlite_store, add_member(sqlite_store, sqlite_location))


def mine(app: ASGIApp, path: str, body: str = "", browser: str = "", origin: str = OURS) -> Answer:
    """Ask as the page does."""
    headers = {"origin": origin, "content-type": FORM}
    if browser:
        headers["cookie"] = f"nexio-pass={browser}"
    return ask(app, f"/{path}/mine", "POST", body=body.encode(), headers=headers)


def test_the_page_says_nothing_of_anybody(app: ASGIApp, sqlite_store: Store, link: str) -> None:
    """It is the same for each number, is kept by no proxy, and writes nothing."""
    before = row_counts(sqlite_store)
    answers = [
        ask(app, f"/{path}") for path in (link.split("#", maxsplit=1)[0], "pass/999", "pass")
    ]
    assert len({answer.body for answer in answers}) == 1
    for answer in answers:
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["Referrer-Policy"] == "no-referrer"
        policy = answer.headers["Content-Security-Policy"]
        assert "script-src 'self'" in policy
        assert "trusted-types worker" in policy
    assert row_counts(sqlite_store) == before


def test_the_cookie(app: ASGIApp) -> None:
    """Scripts cannot read it; by TLS it is this host's; who has one keeps it."""
    for scheme, name in (("http", "nexio-pass"), ("https", "__Host-nexio-pass")):
        cookie = SimpleCookie(ask(app, "/pass/1", scheme=scheme).headers["Set-Cookie"])[name]
        assert cookie["httponly"]
        assert cookie["samesite"] == "lax"
        assert bool(cookie["secure"]) == (scheme == "https")
        assert len(cookie.value) == 43
    again = ask(app, "/pass/1", headers={"cookie": "nexio-pass=mine"})
    assert SimpleCookie(again.headers["Set-Cookie"])["nexio-pass"].value == "mine"


def test_the_link_alone_opens_it_once(app: ASGIApp, link: str) -> None:
    """The first browser gets the key, another one the sentence; HEAD and GET take nothing."""
    path, _, secret = link.partition("#")
    assert ask(app, f"/{path}", "HEAD").status == 200
    assert mine(app, path, f"link={secret}").text.count(NONE) == 1  # no cookie, no pass
    first = mine(app, path, f"link={secret}", browser="phone")
    assert '"key":"' in first.text
    assert first.headers["Cache-Control"] == "no-store"
    assert "This link has been used" in mine(app, path, f"link={secret}", browser="other").text
    assert '"key":null' in mine(app, path, browser="phone").text
    assert NONE in mine(app, path, browser="other").text


@pytest.mark.parametrize("path", ["pass/2", "pass/0", "pass/x", "pass/" + "9" * 40])
def test_a_number_of_nobody(app: ASGIApp, link: str, path: str) -> None:
    """Says no more than the number of somebody else."""
    assert NONE in mine(app, path, f"link={link.split('#')[1]}", browser="phone").text


def test_a_page_of_somebody_else(app: ASGIApp, sqlite_store: Store, link: str) -> None:
    """It cannot open a link, nor ask for a code (CSRF)."""
    path, _, secret = link.partition("#")
    answer = mine(app, path, f"link={secret}", browser="phone", origin="https://example.com")
    assert answer.status == 403
    assert opened(sqlite_store, link, "the right one") is not None
