"""``nexio visitor reissue``: R5 on the command line."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.support.cli.running import Nexio

BOTH = ("zoe@example.com", "ada@example.com")


@pytest.fixture
def without(desk: Nexio) -> Nexio:
    """Zoë and Ada, who were registered while token generation was off."""
    desk.done("token", "off")
    for email in BOTH:
        desk.register(email=email)
    return desk


def test_one(desk: Nexio) -> None:
    """A new visit that replaces the old one; the summary is the result, the progress is talk."""
    old = desk.register(host="Ana")
    ran = desk.done("visitor", "reissue", "--yes", "zoe@example.com")
    assert ran.out.splitlines()[0] == "Reissued: 1. Failed: 0."
    assert ran.err.splitlines()[0] == "1/1  visit 1, Zoë Nguyễn Văn: now visit 2"
    new = desk.done("visitor", "show", "2", "--json").json
    assert f"PIN      {new['pin']}" in ran.out  # the old one is refused, and a mail may be late
    assert (new["replaces"], new["host"], new["state"]) == (1, "Ana", "expected")
    assert new["pin"] != old["pin"]
    shown = desk.done("visitor", "show", "1", "--json")
    assert shown.json["state"] == "deleted"
    assert "Warning: visit 1 was reissued as visit 2." in shown.err
    assert "reissued as visit 2" in desk("visitor", "delete", "--yes", "1").refused(4)


def test_several_for_scripts(desk: Nexio) -> None:
    """An array in the order that was asked for; a visit that is named twice is done once."""
    for email in BOTH:
        desk.register(email=email)
    ran = desk.done("visitor", "reissue", "--yes", "2", "1", "ada@example.com", "--json")
    assert [(each["visit"], each["reissued"]["id"]) for each in ran.json] == [(2, 3), (1, 4)]
    assert [list(each) for each in ran.json] == [["visit", "reissued"]] * 2
    assert [line[:3] for line in ran.err.splitlines()[:2]] == ["1/2", "2/2"]


def test_while_it_is_off_nobody_would_get_a_token(without: Nexio) -> None:
    """Refused with what to do first; nothing was changed."""
    before = without.rows()
    for more in ([], ["--dry-run"]):
        said = without("visitor", "reissue", "--yes", "--without-token", *more).refused(4)
        assert "Token generation is off at Harbour House" in said
        assert "Turn it on first: nexio token on" in said
    assert without.rows() == before


def test_all_that_have_none(without: Nexio) -> None:
    """Those only; a second run finds nobody, so that nobody is done twice."""
    without.done("token", "on")
    has = without.register(email="has@example.com")
    ran = without.done("visitor", "reissue", "--yes", "--without-token", "--json")
    assert [each["visit"] for each in ran.json] == [1, 2]
    assert all(each["reissued"]["token"]["state"] == "valid" for each in ran.json)
    assert without.done("visitor", "show", str(has["id"]), "--json").json == has
    again = without.done("visitor", "reissue", "--yes", "--without-token")
    assert again.out == "Reissued: 0. Failed: 0.\n"
    assert again.err == "No visit needs it.\n"
    assert without.rows()["visit"] == 5


def test_a_dry_run_lists_them(without: Nexio) -> None:
    """And does nothing else; also of visits that are named."""
    without.done("token", "on")
    before = without.rows()
    ran = without.done("visitor", "reissue", "--without-token", "--dry-run")
    rows = [line.split("\t") for line in ran.out.splitlines()]
    assert rows[0] == ["visit", "arrival", "visitor", "e-mail"]
    assert [(row[0], row[3]) for row in rows[1:]] == [("1", BOTH[0]), ("2", BOTH[1])]
    listed = without.done("visitor", "reissue", "2", "--dry-run", "--json").json
    assert [visit["id"] for visit in listed] == [2]
    assert without.rows() == before
    without.done("visitor", "reissue", "--yes", "1", "2")
    ran = without.done("visitor", "reissue", "--without-token", "--dry-run", "--json")
    assert ran.json == []


def test_one_that_fails_does_not_keep_the_others(desk: Nexio) -> None:
    """Exit 4, what to run again, and nobody twice when everything is given again."""
    over = desk.register_ago(timedelta(hours=2))
    for email in BOTH:
        desk.register(email=email)
    desk.done("visitor", "delete", "3", "--yes")
    ran = desk("visitor", "reissue", "--yes", str(over.id), "2", "3")
    assert ran.exit_code == 4
    assert ran.out == "Reissued: 1. Failed: 2.\n"
    lines = ran.err.splitlines()
    assert lines[0].startswith("1/3  visit 1, Zoë Nguyễn Văn: visit 1 would be over at once")
    assert lines[1] == "2/3  visit 2, Zoë Nguyễn Văn: now visit 4"
    assert lines[2].startswith("3/3  visit 3, Zoë Nguyễn Văn: visit 3 was deleted")
    assert lines[3] == "See a new PIN: nexio visitor show NUMBER"
    assert lines[4] == "When you have fixed that: nexio visitor reissue 1"
    ran = desk("visitor", "reissue", "--yes", "2", "3")
    assert "The new PIN and code are those of visit 4." in ran.err
    assert "When you have fixed that" not in ran.err  # neither can ever be reissued
    before = desk.rows()
    ran = desk("visitor", "reissue", "--yes", "1", "2", "3", "--json")
    assert ran.exit_code == 4
    assert [list(each) for each in ran.json] == [["visit", "error", "code", "advice"]] * 3
    assert ran.json[1]["error"] == "visit 2 was reissued as visit 4"
    assert desk.rows() == before


@pytest.mark.parametrize(
    ("arguments", "exit_code", "words"),
    [
        ([], 2, "Which visits?"),
        (["1", "--without-token"], 2, "Which visits?"),
        (["7"], 3, "There is no visit 7"),
        (["1", "7"], 3, "There is no visit 7"),
        (["nobody@example.com"], 3, "There is no visit of"),
    ],
)
def test_what_is_refused(
    sqlite_desk: Nexio, zoe: object, arguments: list[str], exit_code: int, words: str
) -> None:
    """Before anybody is reissued."""
    before = sqlite_desk.rows()
    assert words in sqlite_desk("visitor", "reissue", *arguments).refused(exit_code)
    assert sqlite_desk.rows() == before
