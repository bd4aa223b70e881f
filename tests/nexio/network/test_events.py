"""Auth events: stored once, listed as they came."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError

from nexio.locations.locations import Location
from nexio.network.event_log import (
    EventFilter,
    LoggedEvent,
    forget_batches,
    list_events,
    record_batches,
    record_events,
)
from nexio.network.events import AuthEvent, decided
from nexio.store.engine import Store
from nexio.store.tables import EventBatchRow
from tests.support.log_entries import batches_of
from tests.support.people import add_location
from tests.support.stores import row_counts, run_sql

ACCEPT = AuthEvent(
    record_id="0" * 32,
    at=datetime(2026, 11, 20, 8, 30, 0, 123456, tzinfo=UTC),
    user_name="zoe@example.com",
    device="02-00-00-00-00-01",
    nas="lobby",
    location_id=1,
    visit_id=1,
    outcome="accept",
    reason="valid",
    latency_us=180,
)
REJECT = replace(
    ACCEPT,
    record_id="f" * 32,
    device=None,
    location_id=None,
    visit_id=None,
    outcome="reject",
    reason="unknown user",
)


def recorded(store: Store, *events: AuthEvent) -> None:
    """Store events as the sender of a spool does."""
    with store.write() as work:
        record_events(work, events)


def numbered(count: int, location_id: int | None = 1) -> list[AuthEvent]:
    """Events that differ in their user names, which are "0", "1" and so on."""
    return [
        replace(
            ACCEPT,
            record_id=f"{location_id or 0:016x}{number:016x}",
            user_name=str(number),
            location_id=location_id,
        )
        for number in range(count)
    ]


def test_events_are_read_back_as_they_were(store: Store) -> None:
    """To the microsecond, with everything that may be missing."""
    recorded(store, ACCEPT, REJECT)
    with store.read() as work:
        assert list_events(work, None, limit=10) == [
            LoggedEvent(number=1, event=ACCEPT),
            LoggedEvent(number=2, event=REJECT),
        ]


def test_an_event_is_stored_once(store: Store) -> None:
    """A spool sends again what it does not know to have arrived."""
    recorded(store, ACCEPT)
    recorded(store, ACCEPT, REJECT)
    recorded(store, REJECT, ACCEPT)
    recorded(store)
    with store.read() as work:
        assert [seen.event for seen in list_events(work, None, limit=10)] == [ACCEPT, REJECT]


def test_an_event_that_comes_twice_at_once_is_stored_once(store: Store) -> None:
    """Within one group as well."""
    recorded(store, ACCEPT, REJECT, ACCEPT)
    assert row_counts(store)["auth_event"] == 2


def test_the_newest_events_oldest_first(store: Store) -> None:
    """``limit`` keeps the newest; after a number it keeps the next ones, so that none is missed."""
    recorded(store, *numbered(10))
    for limit, after, names in (
        (3, None, "7 8 9"),
        (100, None, "0 1 2 3 4 5 6 7 8 9"),
        (100, 0, "0 1 2 3 4 5 6 7 8 9"),
        (100, 8, "8 9"),
        (1, 8, "8"),
        (2, 0, "0 1"),
        (100, 10, ""),
        (0, None, ""),
    ):
        with store.read() as work:
            events = list_events(work, None, limit=limit, after=after)
        assert [seen.event.user_name for seen in events] == names.split(), (limit, after)


def test_events_of_one_location(store: Store, location: Location) -> None:
    """With those that led to no location (R19): they are the ones that somebody looks for."""
    annex = add_location(store, "Annex")
    recorded(store, *numbered(2, location.id), *numbered(3, annex.id), *numbered(4, None))
    with store.read() as work:
        assert len(list_events(work, location, limit=100)) == 2 + 4
        assert len(list_events(work, annex, limit=100)) == 3 + 4
        assert len(list_events(work, None, limit=100)) == 9


def hours(store: Store, which: EventFilter, limit: int = 9) -> list[int]:
    """The hours of the day of what is listed."""
    with store.read() as work:
        return [each.event.at.hour for each in list_events(work, None, which, limit=limit)]


def test_events_of_a_time_that_came_in_another_order(store: Store) -> None:
    """A server that was away told the oldest ones last."""
    morning = ACCEPT.at.replace(hour=0)
    order = (5, 6, 9, 2, 3, 8, 1)
    recorded(
        store,
        *(
            replace(ACCEPT, record_id=f"{hour:032x}", at=morning + timedelta(hours=hour))
            for hour in order
        ),
    )
    since, before = morning + timedelta(hours=3), morning + timedelta(hours=8)
    assert hours(store, EventFilter(since=since)) == [5, 6, 9, 3, 8]
    assert hours(store, EventFilter(since=since), limit=2) == [3, 8]
    assert hours(store, EventFilter(before=before)) == [5, 6, 2, 3, 1]
    assert hours(store, EventFilter(since=since, before=before)) == [5, 6, 3]
    assert hours(store, EventFilter(since=morning + timedelta(hours=10))) == []
    assert hours(store, EventFilter(before=morning)) == []


def test_an_event_is_kept_though_its_visit_is_gone(store: Store) -> None:
    """It may have waited in a spool: visit and location are numbers only."""
    recorded(store, replace(ACCEPT, location_id=999, visit_id=999))
    assert row_counts(store)["auth_event"] == 1


def test_many_events_at_once(store: Store) -> None:
    """A group of a spool that could not be sent for a while."""
    recorded(store, *numbered(1_000))
    recorded(store, *numbered(1_000))
    assert row_counts(store)["auth_event"] == 1_000


def test_an_outcome_is_accept_or_reject(store: Store) -> None:
    """By a constraint."""
    recorded(store, ACCEPT)
    with pytest.raises(IntegrityError, match="ck_auth_event_outcome"):
        run_sql(store, "UPDATE auth_event SET outcome = 'maybe'")


def test_events_are_no_news_for_radius_servers(store: Store) -> None:
    """They are what the servers told us."""
    recorded(store, ACCEPT)
    assert row_counts(store)["change"] == 0


def test_a_batch_is_stored_once(store: Store) -> None:
    """Whatever else comes with it; all of its decisions, in their order."""
    events = numbered(5)
    first = batches_of("one", 1, map(decided, events[:3]))
    second = batches_of("one", 2, map(decided, [*events[3:], REJECT]))
    assert [batch.source for batch in (*first, *second)] == ["lobby", "lobby", "-"]
    for batches in (first, first + second, second):
        with store.write() as work:
            record_batches(work, batches)
    with store.read() as work:
        found = [each.event for each in list_events(work, None, limit=99)]
    assert list(map(decided, found)) == list(map(decided, [*events, REJECT]))
    assert len({event.record_id for event in found}) == 6


def test_batches_are_forgotten(store: Store) -> None:
    """When nobody brings them again: their marks are no log."""
    batches = batches_of("one", 1, [decided(ACCEPT)])
    with store.write() as work:
        record_batches(work, batches)
    with store.write() as work:
        assert work.session.scalar(select(func.count()).select_from(EventBatchRow)) == 1
        forget_batches(work, batches)
        assert work.session.scalar(select(func.count()).select_from(EventBatchRow)) == 0


def test_what_one_process_cannot_have_stored_is_split() -> None:
    """One decision that the store does not take costs no other one."""
    (batch,) = batches_of("one", 1, [decided(ACCEPT)] * 3)
    alone = batch.alone()
    assert [each.events for each in alone] == [(decided(ACCEPT),)] * 3
    assert len({batch.record_id, *(each.record_id for each in alone)}) == 4
