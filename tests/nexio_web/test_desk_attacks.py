"""What comes of requests to the desk that somebody else's page, a thief or a machine sends."""

from __future__ import annotations

from http.cookies import SimpleCookie
from typing import TYPE_CHECKING
from urllib.parse import urlencode

import pytest
from sqlalchemy import select

from nexio.checkin.check_ins import tap_visit
from nexio.checkin.desks import LASTS, issue_link, list_desks, open_link, revoke_desk
from nexio.checkin.taps import Direction, list_taps
from nexio.reception.members import add_member
from nexio.store.tables import AuditRow
from nexio_web.application import pages, wrapped
from nexio_web.options import Options
from nexio_web.postman import Postman
from tests.support.people import add_location, register
from tests.support.stores import run_sql
from tests.support.web.asgi import FORM, ask, post

if TYPE_CHECKING:
    from starlette.types import ASGIApp

    from nexio.locations.locations import Location
    from nexio.store.engine import Store
    from tests.support.clocks import Clock

PATHS = ("/desk", "/desk/register", "/desk/evacuation", "/desk/people")
POSTS = ("/desk/tap", "/desk/undo", "/desk/register", "/desk/leave", "/desk/open")


@pytest.fixture
def app(sqlite_store: Store) -> ASGIApp:
    """The pages, with all that goes around them."""
    options = Options(listen="127.0.0.1", port=8080)
    return wrapped(pages(sqlite_store, Postman(sqlite_store, None)), options)


@pytest.fixture
def cookie(sqlite_store: Store, sqlite_location: Location) -> str:
    """What a desk of Harbour House sends."""
    with sqlite_store.write() as work:
        _, secret = issue_link(work, sqlite_location, "Front desk")
        return f"nexio-desk={open_link(work, secret, '127.0.0.1')}"


def who_came(store: Store, location: Location) -> list[str]:
    """The names of those who were checked in or out today."""
    with store.read() as work:
        return [tap.name for tap in list_taps(work, location, open_only=False)]


def notice_of(text: str) -> str:
    """What a page says of the thing that was just done."""
    return text.partition('<div id="notice">')[2].partition("</div>")[0].strip()


def test_a_page_of_somebody_else(
    app: ASGIApp, sqlite_store: Store, sqlite_location: Location, cookie: str
) -> None:
    """CSRF: refused, although the cookie came along; so is a request that says no origin."""
    visit = register(sqlite_store, sqlite_location)
    fields = {"kind": "visitor", "number": visit.id, "way": "in"}
    for origin in ("https://evil.example", "http://desk.example.com:81", "null", ""):
        for path in POSTS:
            assert post(app, path, fields, cookie=cookie, origin=origin).status == 403
    for kind in ("text/plain", "application/json", "multipart/form-data; boundary=x"):
        for path in POSTS:
            assert post(app, path, fields, cookie=cookie, content_type=kind).status == 415
    assert who_came(sqlite_store, sqlite_location) == []
    assert post(app, "/desk/tap", fields, cookie=cookie).status == 200
    assert len(who_came(sqlite_store, sqlite_location)) == 1


def test_nobody_is_told_anything_without_a_login(
    app: ASGIApp, sqlite_store: Store, sqlite_location: Location, clock: Clock, cookie: str
) -> None:
    """No cookie, a wrong one, a tablet's, one whose time is over or that was revoked."""
    visit = register(sqlite_store, sqlite_location, first_name="Secretive")
    fields = {"kind": "visitor", "number": visit.id, "way": "in", "stay": 1, "link": "x"}

    def is_refused(**headers: str) -> bool:
        answers = [ask(app, path, headers=headers) for path in PATHS]
        answers += [post(app, path, fields, **headers) for path in POSTS if path != "/desk/leave"]
        assert {each.status for each in answers[3:]} == {401}
        return not any("Secretive" in each.text for each in answers)

    for other in ("", "nexio-desk=wrong", f"nexio-desk={'x' * 5000}", f"nexio-tablet={cookie}"):
        assert is_refused(cookie=other)
    assert "Secretive" in ask(app, "/desk", headers={"cookie": cookie}).text
    with sqlite_store.write() as work:
        (desk,) = list_desks(work)
        revoke_desk(work, desk)
    assert is_refused(cookie=cookie)
    with sqlite_store.write() as work:
        _, secret = issue_link(work, sqlite_location)
        later = f"nexio-desk={open_link(work, secret, '127.0.0.1')}"
    clock.now += LASTS
    assert is_refused(cookie=later)
    assert who_came(sqlite_store, sqlite_location) == []


def test_a_stolen_cookie_of_a_desk(app: ASGIApp, sqlite_store: Store, cookie: str) -> None:
    """It works until it is revoked; the list shows from where it was used last."""
    ask(app, "/desk", headers={"cookie": cookie}, client="203.0.113.9")
    with sqlite_store.write() as work:
        (desk,) = list_desks(work)
        assert desk.seen_from == "203.0.113.9"
        revoke_desk(work, desk)
    assert ask(app, "/desk/people", headers={"cookie": cookie}, client="203.0.113.9").status == 401


def test_the_cookie_cannot_be_read_or_sent_by_others(
    app: ASGIApp, sqlite_store: Store, sqlite_location: Location
) -> None:
    """HttpOnly, SameSite=Strict, and by TLS of this host alone; logging out takes it away."""
    with sqlite_store.write() as work:
        _, secret = issue_link(work, sqlite_location)
    headers = {"origin": "https://desk.example.com", "content-type": FORM}
    body = urlencode({"link": f"https://desk.example.com/desk#{secret}"}).encode()
    answer = ask(app, "/desk/open", "POST", body=body, headers=headers, scheme="https")
    assert (answer.status, answer.headers["location"]) == (303, "/desk")
    kept = SimpleCookie(answer.headers["set-cookie"])["__Host-nexio-desk"]
    assert (kept["httponly"], kept["secure"], kept["samesite"]) == (True, True, "strict")
    assert (kept["path"], kept["domain"]) == ("/", "")
    assert kept["max-age"] == str(int(LASTS.total_seconds()))
    headers["cookie"] = f"__Host-nexio-desk={kept.value}"
    left = ask(app, "/desk/leave", "POST", headers=headers, scheme="https")
    assert SimpleCookie(left.headers["set-cookie"])["__Host-nexio-desk"].value == ""
    gone = ask(app, "/desk/people", headers=headers, scheme="https")
    assert gone.status == 401


def test_a_page_that_frames_or_keeps_ours(app: ASGIApp, cookie: str) -> None:
    """Browsers refuse to frame it, and keep no copy; nothing is loaded from elsewhere."""
    for path in PATHS:
        answer = ask(app, path, headers={"cookie": cookie})
        assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
        assert answer.headers["x-frame-options"] == "DENY"
        assert answer.headers["cache-control"] == "no-store"
        for word in ("style=", "onclick", "http://", "https://", "<script>"):
            assert word not in answer.text


def test_a_desk_of_another_location(app: ASGIApp, sqlite_store: Store, cookie: str) -> None:
    """It neither sees nor taps whoever comes elsewhere, nor learns whether there is anybody."""
    other = add_location(sqlite_store, "Elsewhere")
    visit = register(sqlite_store, other, first_name="Secretive")
    said = {"first_name": "Secretive", "last_name": "Peep", "email": "peep@example.com"}
    with sqlite_store.write() as work:
        member = add_member(work, other, said, send_pin=False)
    for kind, number in (("visitor", visit.id), ("member", member.id), ("visitor", "x"), ("", "")):
        for more in ({"way": "in"}, {"way": "out"}, {"override": "1"}, {"way": "up"}, {}):
            fields = {"kind": kind, "number": number, **more}
            answer = post(app, "/desk/tap", fields, cookie=cookie)
            assert answer.status == 200
            assert "Secretive" not in answer.text
    assert who_came(sqlite_store, other) == []
    with sqlite_store.write() as work:
        stay = tap_visit(work, visit.id, way=Direction.IN).stay
    for way in ("in", "out"):
        theirs, nobodys = (
            post(app, "/desk/undo", {"stay": each, "way": way}, cookie=cookie).text
            for each in (stay, 99_999)
        )
        assert notice_of(theirs) == notice_of(nobodys) != ""
    for kind, number in (("visitor", visit.id), ("member", member.id)):
        theirs, nobodys = (
            post(app, "/desk/tap", {"kind": kind, "number": each, "way": "in"}, cookie=cookie).text
            for each in (number, 99_999)
        )
        assert notice_of(theirs) == notice_of(nobodys) != ""
    assert who_came(sqlite_store, other) == ["Secretive Nguyễn"]


def test_markup_in_every_name_and_note(
    app: ASGIApp, sqlite_store: Store, sqlite_location: Location, cookie: str
) -> None:
    """It is text, on each page, also in what is only repeated because it is wrong."""
    evil = "\"><script>alert(1)</script>'"
    visit = register(sqlite_store, sqlite_location, company=evil, host=evil, notes=evil)
    run_sql(sqlite_store, "UPDATE visit SET first_name = :evil", evil=evil)
    fields: dict[str, object] = {"kind": "visitor", "number": visit.id, "way": "in"}
    answers = [post(app, "/desk/tap", fields, cookie=cookie)]
    answers += [ask(app, path, headers={"cookie": cookie}) for path in PATHS]
    names = ("first_name", "last_name", "email", "expected_arrival", "duration", "nonce", "host")
    answers.append(post(app, "/desk/register", dict.fromkeys(names, evil), cookie=cookie))
    answers.append(post(app, "/desk/open", {"link": evil}))
    for answer in answers:
        assert "<script>" not in answer.text
    assert "&lt;script&gt;" in answers[0].text


def test_no_pin_is_in_the_lists(
    app: ASGIApp, sqlite_store: Store, sqlite_location: Location, cookie: str
) -> None:
    """A PIN is shown once, to whoever has registered the visitor just now."""
    visit = register(sqlite_store, sqlite_location)
    for path in PATHS:
        text = ask(app, path, headers={"cookie": cookie}).text
        assert visit.name in text
        assert visit.pin not in text
        assert visit.email not in text


def test_the_audit_names_the_desk(
    app: ASGIApp, sqlite_store: Store, sqlite_location: Location, cookie: str
) -> None:
    """Not only the user that the server runs as."""
    fields = {"first_name": "Ada", "email": "ada@example.com", "check_in_now": "1"}
    assert post(app, "/desk/register", fields, cookie=cookie).status == 200
    assert who_came(sqlite_store, sqlite_location) == ["Ada"]
    with sqlite_store.read() as work:
        query = select(AuditRow.operator).where(AuditRow.action == "register")
        assert work.session.scalars(query).all() == ["desk Front desk"]


def test_what_the_page_has_is_not_sent_again(
    app: ASGIApp, sqlite_store: Store, sqlite_location: Location, cookie: str
) -> None:
    """It asks every other second: 304 until somebody comes."""
    first = ask(app, "/desk/people", headers={"cookie": cookie})
    known = {"cookie": cookie, "if-none-match": first.headers["etag"]}
    assert ask(app, "/desk/people", headers=known).status == 304
    register(sqlite_store, sqlite_location)
    assert ask(app, "/desk/people", headers=known).status == 200
