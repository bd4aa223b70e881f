"""``nexio checkin list``: days, spreadsheets, and the list for an evacuation."""

from __future__ import annotations

import csv
from dataclasses import replace

import pytest

from tests.support.cli.running import Nexio
from tests.support.clocks import Clock
from tests.support.reception import at

FRIDAY = "2026-11-20 12:00"


@pytest.fixture
def clock() -> Clock:
    """Friday at noon in London."""
    return Clock(at(FRIDAY))


@pytest.fixture
def house(sqlite_desk: Nexio, clock: Clock) -> Nexio:
    """Harbour House on that clock, with an annex."""
    desk = replace(sqlite_desk, clock=clock)
    desk.done("location", "edit", "Harbour House", "--timezone", "Europe/London")
    desk.done("location", "add", "Annex", "--timezone", "Europe/London")
    return desk


def came(house: Nexio, name: str, location: str = "Harbour House", **options: str) -> None:
    """Register somebody, and check them in."""
    options = {"first_name": name, "email": f"{name.lower()}@example.com"} | options
    house.register("--location", location, "--check-in-now", **options)


def names(house: Nexio, *words: str) -> list[str]:
    """The column "name", and "direction" where it is not "in"."""
    out = house.done("checkin", "list", *words).out
    rows = csv.DictReader(out.splitlines(), delimiter="," if "--csv" in words else "\t")
    return [
        row["name"].split()[0] + (f" {row['direction']}" if row["direction"] != "in" else "")
        for row in rows
    ]


def test_all_locations_and_nobody_lost(house: Nexio, clock: Clock) -> None:
    """Who never checked out stays on the list for 24 hours, and stderr counts them."""
    came(house, "Ada", company="Engines", phone="+44 20 7946 0001")
    came(house, "Bo", host="Ana")
    came(house, "Eve", "Annex")
    ran = house.done("checkin", "list", "--open")
    assert "3 in the building at Fri 20 Nov 2026 12:00 +00:00: Annex 1, Harbour House 2" in ran.err
    assert "\tEngines\t'+44 20 7946 0001\tHarbour House\n" in ran.out
    clock.now = at("2026-11-21 00:00")
    ran = house.done("checkin", "list", "--open")
    assert ran.err.splitlines() == [
        "0 in the building at Sat 21 Nov 2026 00:00 +00:00: Annex 0, Harbour House 0",
        "Never checked out: 3.",
    ]
    assert names(house, "--open") == ["Eve never out", "Ada never out", "Bo never out"]
    came(house, "Zoë")
    assert names(house, "--open", "--csv")[0] == "Zoë"
    ran = house.done("checkin", "list", "--open", "--json")
    assert [tap["name"] for tap in ran.json] == ["Zoë Nguyễn Văn"]
    assert "Never checked out: 3." in ran.err
    clock.now = at("2026-11-22 00:00")
    assert names(house, "--open") == ["Zoë never out"]


def test_a_list_of_one_location_says_who_is_not_on_it(
    house: Nexio, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where NEXIO_LOCATION chose it; --all-locations is stronger."""
    came(house, "Ada")
    came(house, "Eve", "Annex")
    ran = house.done("checkin", "list", "--open", "--location", "Annex")
    assert "Not on this list: Harbour House 1. For all: --all-locations" in ran.err
    clock.now = at("2026-11-21 00:00")
    ran = house.done("checkin", "list", "--open", "--location", "Annex")
    assert "Not on this list: Harbour House 1." in ran.err
    clock.now = at(FRIDAY)
    monkeypatch.setenv("NEXIO_LOCATION", "Annex")
    assert names(house, "--open") == ["Eve"]
    assert names(house, "--open", "--all-locations") == ["Eve", "Ada"]
    assert names(house) == ["Eve"]
    assert names(house, "--all-locations") == ["Ada", "Eve"]


def test_days(house: Nexio, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    """One of them, or from one to another, both among them; without a --to until today."""
    monkeypatch.setenv("NEXIO_LOCATION", "Harbour House")
    came(house, "Ada")
    house.done("checkout", "--visit", "ada@example.com")
    clock.now = at("2026-11-21 09:00")
    came(house, "Bo")
    clock.now = at("2026-11-22 09:00")
    came(house, "Zoë")
    assert names(house) == ["Bo out", "Zoë"]
    assert names(house, "--date", "friday") == ["Ada", "Ada out"]
    assert names(house, "--date", "20 Nov") == ["Ada", "Ada out"]
    assert names(house, "--date", "yesterday") == ["Bo"]
    assert names(house, "--from", "20 Nov", "--to", "yesterday") == ["Ada", "Ada out", "Bo"]
    assert names(house, "--from", "saturday") == names(house, "--from", "yesterday")
    assert names(house, "--from", "yesterday") == ["Bo", "Bo out", "Zoë"]
    assert "No check-ins on these days." in house.done("checkin", "list", "--date", "1 Nov").err


def test_a_spreadsheet(house: Nexio) -> None:
    """Times by ISO 8601, and no cell that is a formula."""
    came(house, "Ada", company="=cmd|' /C calc'!A0", phone="+44 20 7946 0001")
    out = house.done("checkin", "list", "--csv", "--all-locations").out
    (row,) = csv.DictReader(out.splitlines())
    assert row["at"] == "2026-11-20T12:00:00+00:00"
    assert row["company"] == "'=cmd|' /C calc'!A0"
    assert row["phone"] == "'+44 20 7946 0001"


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        ("--open --date today", "--open is about now"),
        ("--csv --json", "--csv and --json do not go together"),
        ("--date today --from monday", "--date is one day"),
        ("--to today", "--to needs --from"),
        ("--from today --to yesterday", "the list would end on 2026-11-19, before it begins"),
        ("--date 10/11/2026", "two readings"),
        ("--date someday", "cannot be read as a day"),
    ],
)
def test_what_does_not_go_together(house: Nexio, words: str, complaint: str) -> None:
    """Exit 2, and what to leave out."""
    ran = house("checkin", "list", *words.split(), "--location", "Annex")
    assert (ran.exit_code, ran.out) == (2, "")
    assert complaint.lower() in ran.err.lower()


def test_a_visit_shows_when_it_was_in(house: Nexio, clock: Clock) -> None:
    """Each time, to a person and in JSON; and that nobody saw the visitor leave."""
    house.done("settings", "set", "token-duration=9d", "--location", "Harbour House")
    came(house, "Ada")
    clock.advance(minutes=30)
    house.done("checkout", "--visit", "1")
    clock.now = at("2026-11-21 09:00")
    house.done("checkin", "--visit", "1")
    shown = house.done("visitor", "show", "1").out
    assert "  was in   Fri 20 Nov 2026 12:00 to 12:30 +00:00\n" in shown
    assert "  is in    from Sat 21 Nov 2026 09:00 +00:00\n" in shown
    clock.now = at("2026-11-22 08:00")
    shown = house.done("visitor", "show", "1").out
    assert "  was in   from Sat 21 Nov 2026 09:00 +00:00, never checked out\n" in shown
    assert house.done("visitor", "show", "1", "--json").json["check_ins"] == [
        {"in": "2026-11-20T12:00:00+00:00", "out": "2026-11-20T12:30:00+00:00", "cut_off": False},
        {"in": "2026-11-21T09:00:00+00:00", "out": "2026-11-22T00:00:00+00:00", "cut_off": True},
    ]
