"""The day at reception: everybody once, as expected, in the building, or gone."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from nexio.checkin.check_ins import tap_member, tap_visit, undo_tap
from nexio.checkin.days import day_of
from nexio.checkin.taps import Direction, Method
from nexio.reception.members import add_member
from tests.support.people import add_location, register

if TYPE_CHECKING:
    from nexio.checkin.days import Day
    from nexio.locations.locations import Location
    from nexio.store.engine import Store
    from tests.support.clocks import Clock

BO = {"first_name": "Bo", "last_name": "Peep", "email": "bo@example.com"}


def names(day: Day) -> tuple[list[str], list[str], list[str]]:
    """Who is expected, in, and gone."""
    lists = (day.expected, day.inside, day.left)
    return tuple([person.name for person in each] for each in lists)  # type: ignore[return-value]


def test_everybody_is_in_one_list(store: Store, location: Location, clock: Clock) -> None:
    """Not those of another day or of another location; who is back is in, and not gone."""
    ada = register(store, location, first_name="Ada", company="Engines", notes="by bicycle")
    register(store, location, first_name="Later", arrival="tomorrow 09:00")
    register(store, add_location(store, "Elsewhere"), first_name="Else")
    register(store, location, first_name="Waits", email="waits@example.com")
    with store.write() as work:
        bo = add_member(work, location, BO, send_pin=False)
        tap_visit(work, ada.id)
        tap = tap_member(work, bo.id, Direction.IN)
        assert tap.method is Method.DESK
    with store.read() as work:
        day = day_of(work, location)
    assert names(day) == (["Waits Nguyễn"], ["Ada Nguyễn", "Bo Peep"], [])
    assert (day.inside[0].company, day.inside[0].notes) == ("Engines", "by bicycle")

    clock.now += timedelta(minutes=1)
    with store.write() as work:
        tap_visit(work, ada.id, way=Direction.OUT)
        out = tap_member(work, bo.id, Direction.OUT)
    with store.read() as work:
        assert names(day_of(work, location))[2] == ["Ada Nguyễn", "Bo Peep"]
    with store.write() as work:
        undo_tap(work, location, out.stay, Direction.OUT)
        tap_visit(work, ada.id, override=True)
    with store.read() as work:
        assert names(day_of(work, location)) == (["Waits Nguyễn"], ["Ada Nguyễn", "Bo Peep"], [])
