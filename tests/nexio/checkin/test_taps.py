"""The lists of the desk: who came and went today, and who is in the building."""

from __future__ import annotations

from nexio.locations.locations import Location
from nexio.store.engine import Store
from tests.support.clocks import Clock
from tests.support.people import add_location, delete, register, set_up
from tests.support.reception import add_member, at, by_hand, reissue, seen, use_pin


def test_who_is_in_the_building(store: Store, location: Location, clock: Clock) -> None:
    """Visitors and members in the order of their arrival; not who left, nor who is elsewhere."""
    annex = add_location(store, "Annex", "Europe/London")
    elsewhere = register(store, annex, first_name="Eve")
    ada = register(store, location, first_name="Ada", last_name="Lovelace")
    zoe, ana = register(store, location), add_member(store, location)
    for place, person in ((annex, elsewhere), (location, ana), (location, zoe), (location, ada)):
        clock.advance(minutes=5)
        use_pin(store, place, person.pin)
    assert seen(store, location, open_only=True) == [
        "in Ana Reyes",
        "in Zoë Nguyễn",
        "in Ada Lovelace",
    ]
    clock.advance(minutes=5)
    use_pin(store, location, zoe.pin)
    assert seen(store, location, open_only=True) == ["in Ana Reyes", "in Ada Lovelace"]
    assert seen(store, annex, open_only=True) == ["in Eve Nguyễn"]


def test_who_was_deleted_or_reissued_is_still_in_the_building(
    store: Store, location: Location
) -> None:
    """For an evacuation it is people who count; nobody counts twice."""
    cancelled = register(store, location, first_name="Ada")
    anew = register(store, location)
    for visit in (cancelled, anew):
        by_hand(store, visit)
    delete(store, cancelled)
    reissue(store, anew)
    assert seen(store, location, open_only=True) == ["in Ada Nguyễn", "in Zoë Nguyễn"]


def test_the_taps_of_today(store: Store, location: Location, clock: Clock) -> None:
    """In their order, each way for itself; a stay that began yesterday shows its end only."""
    set_up(store, location, "cut-off=12:00", "token-duration=9d")
    night, day = register(store, location, first_name="Ada"), register(store, location)
    for now, visit in (
        ("2026-11-20 13:00", day),
        ("2026-11-20 14:00", day),
        ("2026-11-20 23:00", night),
        ("2026-11-21 07:00", night),
        ("2026-11-21 08:00", day),
    ):
        clock.now = at(now)
        use_pin(store, location, visit.pin)
    assert seen(store, location) == ["out Ada Nguyễn", "in Zoë Nguyễn"]
    clock.now = at("2026-11-21 12:00")
    assert seen(store, location) == ["out Ada Nguyễn", "in Zoë Nguyễn", "out Zoë Nguyễn"]
    clock.now = at("2026-11-22 00:00")
    assert seen(store, location) == []


def test_a_cut_off_at_midnight_is_of_the_next_day(
    store: Store, location: Location, clock: Clock
) -> None:
    """At 00:00 sharp: whoever comes in the morning sees who did not check out."""
    visit = register(store, location)
    use_pin(store, location, visit.pin)
    clock.now = at("2026-11-20 23:59:59")
    assert seen(store, location) == ["in Zoë Nguyễn"]
    clock.now = at("2026-11-21 00:00")
    assert seen(store, location) == ["out Zoë Nguyễn"]
