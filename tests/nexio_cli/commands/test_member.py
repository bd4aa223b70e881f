"""``nexio member``, and what members are for: R21 on the command line."""

from __future__ import annotations

import re
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest

from nexio.reception.members import get_member
from nexio.reception.passes import step_of
from nexio.store.engine import Store
from tests.support.cli.running import Nexio, registration
from tests.support.passes import given
from tests.support.web.house import WRONG_ADDRESSES

if TYPE_CHECKING:
    from tests.support.mail_server import MailServer

MEMBER_KEYS = ["id", "first_name", "last_name", "email", "location", "pin"]
ANA = ["--first-name", "Ana", "--last-name", "Reyes", "--email", "ana@example.com"]


def add(desk: Nexio, *arguments: str) -> Any:
    """Add Ana Reyes and return the JSON."""
    return desk.done("member", "add", *ANA, *arguments, "--json").json


def test_add_and_show(desk: Nexio) -> None:
    """The JSON has its keys in their order; a person reads the PIN under the name."""
    member = add(desk)
    assert list(member) == MEMBER_KEYS
    assert member | {"pin": ""} == {
        "id": 1,
        "first_name": "Ana",
        "last_name": "Reyes",
        "email": "ana@example.com",
        "location": "Harbour House",
        "pin": "",
    }
    for which in ("1", "ANA@example.com"):
        assert desk.done("member", "show", which, "--json").json == member
    shown = desk.done("member", "show", "1").out
    assert shown.splitlines()[0] == "Ana Reyes at Harbour House"
    assert f"PIN     {member['pin']}" in shown


def test_a_pin_of_their_own(desk: Nexio) -> None:
    """From the command line or from stdin, where no history keeps it."""
    assert add(desk, "--pin", "012-345")["pin"] == "012345"
    after = desk.done("member", "set-pin", "1", "--pin", "-", "--json", stdin="543210\n").json
    assert after["pin"] == "543210"
    assert "nobody's" in desk("checkin", "012345").refused(4)
    assert "Ana Reyes is checked in" in desk.done("checkin", "543210").out


def test_another_pin_is_drawn(sqlite_desk: Nexio) -> None:
    """The old one is refused at once."""
    old = add(sqlite_desk)["pin"]
    new = sqlite_desk.done("member", "set-pin", "ana@example.com", "--json").json["pin"]
    assert new != old
    assert "nobody's" in sqlite_desk("checkin", old).refused(4)


def test_list(sqlite_desk: Nexio) -> None:
    """By name, without PINs for whoever looks over a shoulder."""
    assert "No members here" in sqlite_desk.done("member", "list").err
    member = add(sqlite_desk)
    ran = sqlite_desk.done("member", "list")
    assert ran.out == "member\tname\te-mail\n1\tAna Reyes\tana@example.com\n"
    assert sqlite_desk.done("member", "list", "--json").json == [member]


def test_edit(desk: Nexio) -> None:
    """The PIN stays."""
    member = add(desk)
    ran = desk.done("member", "edit", "1", "--first-name", "Anna", "--json")
    assert ran.json == member | {"first_name": "Anna"}
    assert "Nothing to change" in desk("member", "edit", "1").refused(2)
    assert "Changed member 1, Anna Li." in desk.done("member", "edit", "1", "--last-name", "Li").out


def test_remove(desk: Nexio) -> None:
    """The PIN is refused, the member gone, and a second time there is nobody."""
    pin = add(desk)["pin"]
    ran = desk.done("member", "remove", "ana@example.com", "--yes")
    assert ran.out == "Removed member 1, Ana Reyes. The PIN is refused now.\n"
    assert "nobody's" in desk("checkin", pin).refused(4)
    assert "There is no member" in desk("member", "remove", "1", "--yes").refused(3)
    assert desk.done("member", "list", "--json").json == []


REFUSED = [
    (["show", "7"], 3, 'There is no member "7"'),
    (["edit", "bo@example.com", "--first-name", "Bo"], 3, "There is no member"),
    (["set-pin", "7"], 3, "There is no member"),
    (["set-pin", "1", "--pin", "12"], 2, "This is not a PIN"),
    (["add", *ANA], 4, "ana@example.com belongs to member 1 already"),
    (["add", *ANA[:-1], "bo"], 2, "bo"),
    (["add", *ANA[:-1], "bo@example.com", "--pin", "123456"], 4, "somebody else"),
    (["add", *ANA[:4]], 2, "--email"),
]


def test_what_is_refused(sqlite_desk: Nexio) -> None:
    """With the exit code of docs/README.md."""
    add(sqlite_desk, "--pin", "123456")
    before = sqlite_desk.rows()
    for arguments, exit_code, words in REFUSED:
        assert words in sqlite_desk("member", *arguments).refused(exit_code)
        assert sqlite_desk.rows() == before


def test_a_mail_with_the_pin_is_queued_on_request(sqlite_desk: Nexio) -> None:
    """It waits where no mail server is configured."""
    add(sqlite_desk)
    assert sqlite_desk.rows()["outbox"] == 0
    sqlite_desk.done("member", "set-pin", "1", "--send-pin")
    assert sqlite_desk.rows()["outbox"] == 1


def test_registered_by_a_member(desk: Nexio) -> None:
    """By number or e-mail: the source is ``customer``, the member is the host."""
    add(desk)
    for number, which in enumerate(("1", "ana@example.com"), 1):
        visit = desk.register("--by", which)
        assert (visit["id"], visit["source"], visit["host"]) == (number, "customer", "Ana Reyes")
        assert visit["token"] is not None
    assert "source   customer" in desk.done("visitor", "show", "1").out


NOT_BY = [
    (["--by", "7"], 3, 'There is no member "7"'),
    (["--by", "1", "--walk-in"], 2, "--by says who registers the visitor"),
    (["--by", "1", "--host", "Bo"], 2, "--by says who registers the visitor"),
]


def test_who_cannot_register(sqlite_desk: Nexio) -> None:
    """Nobody knows them, or two things are said that exclude each other."""
    add(sqlite_desk)
    for arguments, exit_code, words in NOT_BY:
        assert words in sqlite_desk(*registration(*arguments)).refused(exit_code)
        assert sqlite_desk.rows()["visit"] == 0


def test_a_walk_in(sqlite_desk: Nexio) -> None:
    """Gets Wi-Fi by a setting of its own, which the note names."""
    ran = sqlite_desk.done(*registration("--walk-in"))
    assert "walk-in-tokens=on" in ran.err
    sqlite_desk.done("settings", "set", "walk-in-tokens=on")
    visit = sqlite_desk.register("--walk-in")
    assert visit["source"] == "walk-in"
    assert visit["token"] is not None


def test_r6_a_members_pin_of_5_digits(sqlite_desk: Nexio) -> None:
    """Below the floor of NIST SP 800-63B: only who insists gives it."""
    words = ["member", "add", "--first-name", "Ana", "--last-name", "Reyes"]
    words += ["--email", "ana@example.com", "--pin"]
    assert "--insecure-short-pin" in sqlite_desk(*words, "04821").refused(4)
    assert "1 in 8,333" in sqlite_desk.done(*words, "04821", "--insecure-short-pin").err
    assert "NIST" in sqlite_desk("member", "set-pin", "1", "--pin", "04822").refused(4)
    ran = sqlite_desk.done("member", "set-pin", "1", "--pin", "04822", "--insecure-short-pin")
    assert "1 in 8,333" in ran.err


@pytest.fixture
def posting(mail_server: MailServer, monkeypatch: pytest.MonkeyPatch) -> MailServer:
    """The server that this deployment sends mail by, and where its pages are."""
    monkeypatch.setenv("NEXIO_SMTP_URL", mail_server.url)
    monkeypatch.setenv("NEXIO_MAIL_FROM", "desk@example.com")
    monkeypatch.setenv("NEXIO_WEB_URL", "https://visit.example.com")
    return mail_server


def test_a_pass_is_mailed(desk: Nexio, posting: MailServer) -> None:
    """The link goes to the member, and is on no screen."""
    add(desk)
    ran = desk.done("member", "pass", "1")
    assert ran.out == "Ana Reyes gets the link to a pass by mail, to ana@example.com.\n"
    (received,) = posting.received
    body = received.message.get_body(("plain",))
    assert body is not None
    link = re.search(r"https://visit\.example\.com/pass/1#([\w-]{43})\n", body.get_content())
    assert link is not None
    listed = desk.done("mail", "list", "--json").out
    assert '"member-pass"' in listed
    assert link[1] not in listed + ran.out + ran.err


def test_a_pass_is_revoked(desk: Nexio, posting: MailServer) -> None:
    """Once; a mail that still waits is not sent."""
    add(desk)
    posting.answers["ana@example.com"] = "450 later"
    desk.done("member", "pass", "ana@example.com")
    assert desk.done("member", "pass", "1", "--revoke").out == (
        "The pass of Ana Reyes is refused now.\n"
    )
    assert "has no pass" in desk("member", "pass", "1", "--revoke").refused(4)
    assert "no member" in desk("member", "pass", "7", "--revoke").refused(3)


@pytest.mark.parametrize(("url", "words"), [("", "is not set"), *WRONG_ADDRESSES])
def test_a_pass_needs_an_address(
    sqlite_desk: Nexio, monkeypatch: pytest.MonkeyPatch, url: str, words: str
) -> None:
    """Nothing is issued where the link would lead nowhere, or past TLS."""
    monkeypatch.setenv("NEXIO_WEB_URL", url)
    add(sqlite_desk)
    assert words in sqlite_desk("member", "pass", "1").refused(2)
    assert sqlite_desk.done("mail", "list", "--json").json == []


def test_a_code_of_a_pass_at_the_desk(desk: Nexio) -> None:
    """A scanner at the desk reads it, too; held still, it is one tap."""
    add(desk)
    with closing(Store.open(desk.configuration)) as store:
        with store.read() as work:
            member = get_member(work, "1", None)
        code = given(store, member).code(step_of(store.clock()))
    assert "Ana Reyes is checked in" in desk.done("checkin", "--qr", code).out
    assert "already, just now" in desk.done("checkin", "-", stdin=f"{code}\n").out
