"""``nexio location``."""

from __future__ import annotations

import pytest

from tests.support.cli.running import Nexio


def test_add_and_list(nexio: Nexio) -> None:
    """By name; the zone is spelled as the world spells it."""
    added = nexio.done("location", "add", "Harbour House", "--timezone", "europe/london", "--json")
    assert added.json == {
        "id": 1,
        "name": "Harbour House",
        "time_zone": "Europe/London",
        "reply": [],
    }
    assert "Added Annex" in nexio.done("location", "add", "Annex", "--timezone", "UTC").out
    assert nexio.done("location", "list").out.splitlines() == [
        "location\ttime zone",
        "Annex\tUTC",
        "Harbour House\tEurope/London",
    ]
    listed = nexio.done("location", "list", "--json").json
    assert [list(location) for location in listed] == [["id", "name", "time_zone", "reply"]] * 2


def test_none_yet(sqlite_nexio: Nexio) -> None:
    """An empty array for a script; advice for a person."""
    assert sqlite_nexio.done("location", "list", "--json").json == []
    assert "nexio location add" in sqlite_nexio.done("location", "list").err


@pytest.mark.parametrize(
    ("words", "exit_code"),
    [
        (["Annex"], 2),
        (["Annex", "--timezone", "Europe/Londn"], 2),
        (["", "--timezone", "UTC"], 2),
        (["x" * 61, "--timezone", "UTC"], 2),
        (["a\nb", "--timezone", "UTC"], 2),
        (["HARBOUR house ", "--timezone", "UTC"], 4),
    ],
)
def test_what_cannot_be_added(words: list[str], exit_code: int, sqlite_desk: Nexio) -> None:
    """A zone is needed; a name is taken in any case."""
    rows = sqlite_desk.rows()
    sqlite_desk("location", "add", *words).refused(exit_code)
    assert sqlite_desk.rows() == rows


def test_edit(desk: Nexio) -> None:
    """Another name and another zone; a visit keeps its instant and is shown with the new offset."""
    desk.register("--arrival", "2099-11-20T09:00+00:00")
    desk.done("location", "edit", "harbour house", "--name", "Pier 9", "--timezone", "Asia/Tokyo")
    visit = desk.done("visitor", "show", "1", "--json").json
    assert (visit["location"], visit["expected_arrival"]) == ("Pier 9", "2099-11-20T18:00:00+09:00")


UNEDITABLE = [
    (["Annex"], 2),
    (["Annex", "--name", ""], 2),
    (["Annex", "--timezone", "Nowhere"], 2),
    (["Annex", "--name", "Pier 9", "--timezone", "Nowhere"], 2),
    (["Annex", "--name", "harbour HOUSE"], 4),
    (["Nowhere", "--name", "Pier 9"], 3),
]


def test_what_cannot_be_edited(sqlite_desk: Nexio) -> None:
    """Nothing to change, a bad value, a taken name, no such location: nothing changes."""
    sqlite_desk.done("location", "add", "Annex", "--timezone", "UTC")
    before = sqlite_desk.done("location", "list").out, sqlite_desk.rows()
    for words, exit_code in UNEDITABLE:
        sqlite_desk("location", "edit", *words).refused(exit_code)
        assert (sqlite_desk.done("location", "list").out, sqlite_desk.rows()) == before


def test_another_spelling_of_the_same_name(desk: Nexio) -> None:
    """A location may be renamed to itself in other letters."""
    desk.done("location", "edit", "Harbour House", "--name", "HARBOUR HOUSE")
    assert "HARBOUR HOUSE" in desk.done("location", "list").out


def test_what_accepts_say_at_a_location(nexio: Nexio) -> None:
    """Shown with the location; a change says what holds now."""
    nexio.done("location", "add", "Annex", "--timezone", "UTC")
    ran = nexio.done("location", "edit", "Annex", "--reply", "vlan=20", "--reply", "walk-in:role=x")
    assert ran.out.splitlines() == ["Changed Annex.", "  reply  vlan=20", "  reply  walk-in:role=x"]
    shown = nexio.done("location", "show", "Annex")
    assert shown.out.splitlines() == ["Annex (UTC).", *ran.out.splitlines()[1:]]
    shape = nexio.done("location", "show", "annex", "--json").json
    assert shape["reply"][1] == {"source": "walk-in", "name": "role", "value": "x"}
    nexio.done("location", "edit", "Annex", "--reply", "vlan=", "--reply", "walk-in:role=")
    assert nexio.done("location", "show", "Annex").out == "Annex (UTC).\n"
    nexio("location", "edit", "Annex").refused(2)
    nexio("location", "show", "Nowhere").refused(3)
