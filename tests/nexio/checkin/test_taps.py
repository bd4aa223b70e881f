"""The lists of the desk: who came and went today, and who is in the building."""

from __future__ import annotations

from nexio.checkin.cut_offs import write_cut_offs
from nexio.checkin.taps import list_never_out
from nexio.locations.locations import Location
from nexio.store.engine import Store
from tests.support.clocks import Clock
from tests.support.people import add_location, delete, register, set_up
from tests.support.reception import add_member, at, by_hand, reissue, seen, use_pin


def never_out(store: Store, location: Location) -> list[str]:
    """Whom the cut-off checked out: "Zoë Nguyễn", and when they came."""
    with store.read() as work:
        taps = list_never_out(work, location)
    return [f"{tap.name} {tap.at:%d %H:%M}" for tap in taps]


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


def test_nobody_is_lost_at_midnight(store: Store, location: Location, clock: Clock) -> None:
    """For 24 hours it is known who never checked out, written down or not; nobody else is."""
    annex = add_location(store, "Annex", "Europe/London")
    set_up(store, location, "token-duration=9d")
    zoe, ada = register(store, location), register(store, location, first_name="Ada")
    eve, ana = register(store, annex, first_name="Eve"), add_member(store, location)
    for place, person in ((location, zoe), (location, ada), (annex, eve), (location, ana)):
        clock.advance(minutes=5)
        use_pin(store, place, person.pin)
    clock.advance(hours=1)
    by_hand(store, ada)
    assert never_out(store, location) == []
    clock.now = at("2026-11-21 00:00")
    forgotten = ["Zoë Nguyễn 20 08:35", "Ana Reyes 20 08:50"]
    assert never_out(store, location) == forgotten
    assert never_out(store, annex) == ["Eve Nguyễn 20 08:45"]
    with store.write() as work:
        write_cut_offs(work)
    assert never_out(store, location) == forgotten
    clock.now = at("2026-11-21 09:00")
    use_pin(store, location, ana.pin)
    assert never_out(store, location) == forgotten[:1]
    clock.now = at("2026-11-22 00:00")
    assert never_out(store, location) == ["Ana Reyes 21 09:00"]
    delete(store, eve)
    assert never_out(store, annex) == []
