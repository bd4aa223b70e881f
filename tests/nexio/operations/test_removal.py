"""Removing a location: all that belongs to it goes, and nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select

from nexio.checkin.desks import issue_link
from nexio.checkin.tablets import pair_at_once
from nexio.errors import NotFound, Refused
from nexio.locations.locations import get_location, list_locations
from nexio.network import news as reading
from nexio.network.accounting_records import Status
from nexio.network.event_log import record_events
from nexio.network.following import Horizon
from nexio.network.nas import NewNas, add_nas
from nexio.operations.removal import contents_of, remove_location
from nexio.reception.passes import issue_pass
from nexio.store.tables import Row
from tests.support.accounting import record, tell
from tests.support.people import add_location, delete, register
from tests.support.radius.decisions import event
from tests.support.reception import add_member, by_hand
from tests.support.stores import row_counts

if TYPE_CHECKING:
    from nexio.locations.locations import Location
    from nexio.store.engine import Store
    from tests.support.clocks import Clock


def fill(store: Store, location: Location) -> None:
    """A visit that was here, a member with a pass, a NAS, a tablet, a desk, a session, a log."""
    visit = register(store, location)
    by_hand(store, visit)
    tell(store, record(Status.START, visit, location_id=location.id, key=f"{location.id:032x}"))
    member = add_member(store, location)
    with store.write() as work:
        issue_pass(work, member.id)
        add_nas(work, location, NewNas(name=f"ap-{location.id}", address=f"192.0.2.{location.id}"))
        pair_at_once(work, location)
        issue_link(work, location)
        decided = event(location.id, location_id=location.id, visit_id=visit.id)
        record_events(work, [decided])


def test_all_of_it_goes_and_nothing_else(store: Store, location: Location, clock: Clock) -> None:
    """No row is about it any more; the other location has every row that it had."""
    fill(store, location)
    before = row_counts(store)
    annex = add_location(store, "Annex", "Europe/London", "visitor-tokens=on")
    fill(store, annex)
    clock.advance(days=2)
    with store.read() as work:
        words = contents_of(work, annex).words
        position = reading.read_all(work, Horizon()).position
    assert words == "1 past visit, 1 member, 1 NAS, 1 tablet, 1 desk"
    remove_location(store, annex)
    with store.read() as work:
        assert [each.name for each in list_locations(work)] == [location.name]
        for table in Row.metadata.sorted_tables:
            if "location_id" in table.c:
                numbers = set(work.session.scalars(select(table.c.location_id)))
                assert annex.id not in numbers, table.name
        news = reading.read_news(work, position)
    changing = ("audit", "change", "removed")
    after = {name: count for name, count in row_counts(store).items() if name not in changing}
    assert after == {name: count for name, count in before.items() if name not in changing}
    assert news is not None
    assert news.locations is not None
    assert [each.id for each in news.locations] == [location.id]
    assert news.nas is not None
    assert [each.name for each in news.nas] == [f"ap-{location.id}"]
    with store.read() as work, pytest.raises(NotFound):
        get_location(work, "Annex")


def test_a_visit_that_is_to_come(store: Store, location: Location) -> None:
    """Refused, with its number; a deleted one is nobody's."""
    annex = add_location(store, "Annex", "Europe/London")
    visit = register(store, annex)
    with pytest.raises(Refused, match="1 visit is not over at Annex"):
        remove_location(store, annex)
    delete(store, visit)
    remove_location(store, annex)


def test_the_only_location(store: Store, location: Location) -> None:
    """A store without one is of no use."""
    with pytest.raises(Refused, match="the only location"):
        remove_location(store, location)
