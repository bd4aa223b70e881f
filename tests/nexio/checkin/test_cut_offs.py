"""The automatic check-out: computed, and the same before and after it is written."""

from __future__ import annotations

import pytest

from nexio.checkin.cut_offs import write_cut_offs
from nexio.checkin.taps import Direction, Method, Tap, list_taps
from nexio.locations.locations import Location
from nexio.reception.visits import VisitState
from nexio.store.engine import Store
from tests.support.clocks import Clock
from tests.support.people import add_location, look_up, register, set_up
from tests.support.reception import add_member, at, seen, use_pin
from tests.support.stores import row_counts

CUT_OFFS = [
    # zone, setting, checked in at, cut off at
    ("Europe/London", "00:00", "2026-11-20 09:00", "2026-11-21 00:00"),
    ("Europe/London", "22:00", "2026-11-20 09:00", "2026-11-20 22:00"),
    ("Europe/London", "22:00", "2026-11-20 22:00", "2026-11-21 22:00"),
    ("Europe/London", "22:00", "2026-11-20 22:30", "2026-11-21 22:00"),
    ("Europe/London", "04:00", "2026-11-20 23:00", "2026-11-21 04:00"),
    ("Pacific/Auckland", "22:00", "2026-11-20 09:00", "2026-11-21 09:00"),
    ("Pacific/Auckland", "22:00", "2026-11-20 08:59", "2026-11-20 09:00"),
    ("Pacific/Auckland", "00:00", "2026-11-20 10:59", "2026-11-20 11:00"),
    # The clocks go forward at 01:00 UTC, back at 01:00 UTC: 01:30 is not there, or twice.
    ("Europe/London", "01:30", "2027-03-27 20:00", "2027-03-28 01:30"),
    ("Europe/London", "01:30", "2027-10-30 20:00", "2027-10-31 00:30"),
    ("Europe/London", "01:30", "2027-10-31 00:45", "2027-11-01 01:30"),
    ("Europe/London", "00:00", "2027-10-31 00:30", "2027-11-01 00:00"),
]


def written_cut_offs(store: Store) -> int:
    """Let housekeeping write them down."""
    with store.write() as work:
        return write_cut_offs(work)


def listed(store: Store, location: Location) -> list[Tap]:
    """The taps of today."""
    with store.read() as work:
        return list_taps(work, location, open_only=False)


@pytest.mark.parametrize(("zone", "setting", "came", "cut_off"), CUT_OFFS)
def test_who_is_in_is_out_at_the_cut_off(
    sqlite_store: Store, clock: Clock, zone: str, setting: str, came: str, cut_off: str
) -> None:
    """At that instant and not before, by the location's clock; housekeeping changes nothing."""
    store = sqlite_store
    location = add_location(store, "House", zone, f"cut-off={setting}", "visitor-tokens=on")
    set_up(store, location, "token-duration=3d")
    clock.now = at(came)
    visit = register(store, location)
    use_pin(store, location, visit.pin)
    clock.now = at(cut_off)
    clock.advance(microseconds=-1)
    assert look_up(store, visit).state is VisitState.CHECKED_IN
    assert written_cut_offs(store) == 0
    clock.now = at(cut_off)
    assert look_up(store, visit).state is VisitState.CHECKED_OUT
    assert written_cut_offs(store) == 1
    assert look_up(store, visit).state is VisitState.CHECKED_OUT


@pytest.mark.parametrize("kind", ["visitor", "member"])
def test_a_cut_off_is_the_same_before_and_after_it_is_written(
    store: Store, location: Location, clock: Clock, kind: str
) -> None:
    """A check-out at the instant of the cut-off, marked as nobody's."""
    set_up(store, location, "cut-off=22:00")
    person = register(store, location) if kind == "visitor" else add_member(store, location)
    use_pin(store, location, person.pin)
    clock.now = at("2026-11-20 23:15")
    before = listed(store, location)
    assert [tap.direction for tap in before] == [Direction.IN, Direction.OUT]
    out = before[1]
    assert (out.at, out.method, out.cut_off) == (at("2026-11-20 22:00"), Method.CUT_OFF, True)
    assert seen(store, location, open_only=True) == []
    assert written_cut_offs(store) == 1
    assert written_cut_offs(store) == 0
    assert listed(store, location) == before


def test_somebody_who_was_cut_off_comes_in_again(
    store: Store, location: Location, clock: Clock
) -> None:
    """Whether or not it was written down: only one stay may be open in the store."""
    set_up(store, location, "token-duration=9d")
    visit, member = register(store, location), add_member(store, location)
    for day in range(20, 24):
        clock.now = at(f"2026-11-{day} 09:00")
        for person in (visit, member):
            assert use_pin(store, location, person.pin).direction is Direction.IN
        if day == 21:
            clock.now = at("2026-11-22 00:00")
            assert written_cut_offs(store) == 2
    assert row_counts(store)["check_in"] == 8


def test_a_cut_off_just_now_is_no_tap_to_repeat(
    store: Store, location: Location, clock: Clock
) -> None:
    """R14's ten seconds are between two uses of a code, not after midnight."""
    set_up(store, location, "token-duration=3d")
    visit = register(store, location, arrival="23:00")
    clock.now = at("2026-11-20 23:59:58")
    use_pin(store, location, visit.pin)
    clock.now = at("2026-11-21 00:00:03")
    tap = use_pin(store, location, visit.pin)
    assert (tap.direction, tap.repeated) == (Direction.IN, False)


def test_a_new_cut_off_is_for_those_who_come_later(
    store: Store, location: Location, clock: Clock
) -> None:
    """It is copied at the check-in, as the windows are."""
    early = register(store, location, first_name="Ada")
    use_pin(store, location, early.pin)
    set_up(store, location, "cut-off=18:00")
    late = register(store, location)
    use_pin(store, location, late.pin)
    clock.now = at("2026-11-20 18:00")
    assert seen(store, location, open_only=True) == ["in Ada Nguyễn"]
