"""``nexio today``: the day on one screen."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from nexio.locations.locations import get_location
from nexio.network.event_log import record_events
from nexio.network.events import AuthEvent
from nexio.store.engine import Store
from tests.support.cli.programs import Terminal, program
from tests.support.clocks import Clock
from tests.support.reception import at

if TYPE_CHECKING:
    from tests.support.cli.running import Nexio

PERSON_KEYS = ["kind", "id", "name", "at", "host", "company", "phone", "notes"]


@pytest.fixture
def clock() -> Clock:
    """Thursday afternoon in London."""
    return Clock(at("2026-11-19 15:00"))


@pytest.fixture
def house(sqlite_desk: Nexio, clock: Clock) -> Nexio:
    """Harbour House on that clock."""
    desk = replace(sqlite_desk, clock=clock)
    desk.done("location", "edit", "Harbour House", "--timezone", "Europe/London")
    return desk


def refuse(desk: Nexio, user_name: str, reason: str) -> None:
    """A RADIUS server says no."""
    with closing(Store.open(desk.configuration, desk.clock)) as store, store.write() as work:
        event = AuthEvent(
            at=work.now,
            user_name=user_name,
            device=None,
            nas="lobby",
            location_id=get_location(work, "Harbour House").id,
            visit_id=None,
            outcome="reject",
            reason=reason,
            latency_us=1,
        )
        record_events(work, [event])


@pytest.fixture
def friday(house: Nexio, clock: Clock) -> Nexio:
    """The next morning: one of each kind."""
    house.register("--check-in-now", first_name="Owl", email="owl@example.com", phone="030 1")
    clock.now = at("2026-11-20 08:00")
    house.register(first_name="Ada", email="ada@example.com", arrival="08:30", host="Ana")
    house.register(first_name="Bo", email="bo@example.com", arrival="16:00")
    house.register("--check-in-now", first_name="Eve", email="eve@example.com", company="Ltd")
    house.register("--check-in-now", first_name="Kim", email="kim@example.com")
    clock.advance(hours=1)
    house.done("checkout", "--visit", "kim@example.com")
    house.sql("UPDATE outbox SET state = 'failed', answer = '550 unknown' WHERE visit_id = 2")
    refuse(house, "aba@example.com", "unknown user")
    refuse(house, "02:00:00:00:00:01", "MAC authentication")
    return house


def test_everybody_is_in_one_list(friday: Nexio) -> None:
    """As JSON: with all keys, and what went wrong."""
    (day,) = friday.done("today", "--json").json
    assert list(day)[:2] == ["location", "at"]
    assert (day["location"], day["at"]) == ("Harbour House", "2026-11-20T09:00:00+00:00")
    lists = ("expected", "inside", "left", "never_out")
    assert {name: [each["name"].split()[0] for each in day[name]] for name in lists} == {
        "expected": ["Ada", "Bo"],
        "inside": ["Eve"],
        "left": ["Kim"],
        "never_out": ["Owl"],
    }
    assert list(day["never_out"][0]) == PERSON_KEYS
    assert day["never_out"][0]["at"] == "2026-11-19T15:00:00+00:00"
    assert day["never_out"][0]["phone"] == "030 1"
    assert [(each["visit"], each["answer"]) for each in day["mail"]] == [(2, "550 unknown")]
    assert [(each["user_name"], each["reason"]) for each in day["refused"]] == [
        ("aba@example.com", "unknown user")
    ]


def test_in_a_pipe_each_is_a_line(friday: Nexio) -> None:
    """With the name of its list, and who is late."""
    lines = [line.split("\t") for line in friday.done("today").out.splitlines()]
    assert [(row[0], row[2].split()[0]) for row in lines[1:]] == [
        ("expected", "Ada"),
        ("expected", "Bo"),
        ("in", "Eve"),
        ("out", "Kim"),
        ("never checked out", "Owl"),
        ("mail not sent", "Ada"),
        ("refused", "aba@example.com"),
    ]
    assert {len(row) for row in lines} == {9}
    assert [row[2].split()[0] for row in lines if row[7] == "late"] == ["Ada"]


def test_all_locations(friday: Nexio, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each a day of its own; without the option one has to be named."""
    friday.done("location", "add", "Annex", "--timezone", "Asia/Tokyo")
    assert "Annex, Harbour House" in friday("today").refused(2)
    monkeypatch.setenv("NEXIO_LOCATION", "Annex")
    days = friday.done("today", "--all-locations", "--json").json
    assert [(day["location"], day["at"][-6:]) for day in days] == [
        ("Annex", "+09:00"),
        ("Harbour House", "+00:00"),
    ]
    assert friday.done("today").err == "Nobody is expected today, and nobody is in.\n"


def test_watch_is_for_a_terminal(house: Nexio) -> None:
    """A script would never end."""
    assert "--watch" in house("today", "--watch").refused(2)


def shown(screen: str) -> str:
    """The last picture of a terminal that is painted over."""
    return screen.rpartition("\x1b[H")[2]


def test_a_screen_is_watched(sqlite_desk: Nexio) -> None:
    """It follows the store, says when that is away, goes on when it is back, and ends by Ctrl-C."""
    for number in range(40):
        ago = timedelta(minutes=number)
        sqlite_desk.register_ago(ago, first_name=f"V{chr(97 + number % 26)}", last_name="Example")
    store = sqlite_desk.configuration.home / "nexio.db"
    with Terminal((program("nexio"), "today", "--watch")) as terminal:
        terminal.read_until(lambda screen: "In the building 0" in shown(screen))
        terminal.read_until(lambda screen: "Expected 40" in shown(screen))
        picture = shown(terminal.shown).replace("\r", "").splitlines()
        assert len(picture) <= 24
        sqlite_desk.done("checkin", "--visit", "1")
        terminal.wait_for("In the building 1")
        away = store.rename(store.with_name("away.db"))
        terminal.wait_for("This is from before: there is no store at")
        # A screen comes in parts.
        terminal.read_until(lambda screen: "In the building 1" in shown(screen))
        away.rename(store)
        sqlite_desk.done("checkin", "--visit", "2")
        terminal.wait_for("In the building 2")
        terminal.read_until(lambda screen: "This is from before" not in shown(screen))
        terminal.type("\x03")
        assert terminal.end() == 130
    assert "Traceback" not in terminal.shown
    assert "Error" not in terminal.shown


def test_a_normal_day_fits_a_screen(sqlite_desk: Nexio) -> None:
    """40 visitors below each other on 80 columns and 24 lines, and everybody's name."""
    for number in range(40):
        ago = timedelta(minutes=number)
        sqlite_desk.register_ago(ago, first_name=f"V{chr(97 + number % 26)}", last_name="Example")
    with Terminal((program("nexio"), "today")) as terminal:
        assert terminal.end() == 0
    lines = terminal.shown.replace("\r", "").splitlines()
    assert len(lines) < 24
    assert max(map(len, lines)) <= 80
    assert terminal.shown.count("Example") == 40
    said = terminal.shown.split("Expected 40, ")[1].split()[0]
    assert terminal.shown.count(" late V") == int(said) >= 39
