"""Visitors without an e-mail, and their slips."""

from __future__ import annotations

import stat
from typing import TYPE_CHECKING

from tests.support.cli.running import Keyboard

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.cli.running import Nexio

KIM = ("visitor", "register", "--first-name", "Kim", "--last-name", "Lê Thị", "--no-email")


def test_the_name_to_log_in_with_is_printed(desk: Nexio) -> None:
    """R9: it is unique among those who are expected, and finds the visit."""
    ran = desk.done(*KIM)
    assert "  login    kim.le.thi\n" in ran.out
    assert "e-mail" not in ran.out
    assert ran.err == ""
    other = desk.done(*KIM, "--json").json
    assert (other["email"], other["login"], other["mail"]) == ("", "kim.le.thi2", "none")
    assert desk.done("visitor", "show", "KIM.le.thi2", "--json").json["id"] == other["id"]
    for which in ("kim.le.thi2", str(other["id"])):
        assert desk.done("explain", which).out.startswith("Yes")
    assert desk.done("mail", "list", "--json").json == []
    assert "kim.le.thi2" in desk.done("visitor", "list").out


def test_with_an_email_or_without(sqlite_desk: Nexio) -> None:
    """Not both; without a word it stays required."""
    sqlite_desk(*KIM, "--email", "kim@example.com").refused(2)
    sqlite_desk(*KIM[:-1]).refused(2)


def test_who_has_none_is_not_asked(sqlite_desk: Nexio) -> None:
    """On a terminal, only for the names and the arrival."""
    ran = sqlite_desk.done("visitor", "register", "--no-email", stdin=Keyboard("Kim\n\n\n"))
    assert "Email" not in ran.err
    assert "login    kim\n" in ran.out


def test_the_name_stays_and_an_email_can_come_later(desk: Nexio) -> None:
    """Another e-mail is another PIN and a mail, as ever; a reissue keeps the name."""
    first = desk.done(*KIM, "--json").json
    changed = desk.done("visitor", "edit", "1", "--first-name", "Kimberly", "--json").json
    assert (changed["login"], changed["pin"]) == (first["login"], first["pin"])
    desk("visitor", "resend", "1").refused(4)
    again = desk.done("visitor", "reissue", "1", "--yes", "--json").json[0]["reissued"]
    assert again["mail"] == "none"
    number = str(again["id"])
    named = desk.done("visitor", "edit", number, "--email", "kim@example.com", "--json").json
    assert named["login"] == "kim@example.com"
    assert named["pin"] != again["pin"]


def test_a_slip_is_a_file_of_ones_own(sqlite_desk: Nexio, tmp_path: Path) -> None:
    """Or goes to stdout; a group has one for each."""
    visit = sqlite_desk.done(*KIM, "--group", "Board", "--json").json
    sqlite_desk.register(email="zoe@example.com", group="Board")
    path = tmp_path / "slip.html"
    sqlite_desk.done("visitor", "slip", "kim.le.thi", "--output", str(path))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    page = path.read_text("utf-8")
    assert page.startswith("<!DOCTYPE html>")
    assert visit["pin"] in page
    assert "kim.le.thi" in page
    sqlite_desk("visitor", "slip", "1", "--output", str(path)).refused(2)
    assert sqlite_desk.done("visitor", "slip", "--group", "board").out.count("<section ") == 2
    sqlite_desk("visitor", "slip").refused(2)
