"""What housekeeping deletes goes in small transactions, and nobody waits for them."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import Engine
from sqlalchemy.event import listens_for, remove

from nexio.operations.housekeeping import tidy
from nexio.operations.removal import remove_location
from nexio.store.groups import LARGEST_GROUP
from tests.support.busy_desk import WAITS, a_busy_desk
from tests.support.many_rows import fill
from tests.support.people import add_location, set_up
from tests.support.stores import row_counts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nexio.configuration import Configuration
    from nexio.locations.locations import Location
    from nexio.store.engine import Store
    from tests.support.clocks import Clock

PAST, DECISIONS = 600, 1_500
MOST = 4 * LARGEST_GROUP
"""Rows of a transaction: of the visits in it, of all tables."""


@pytest.fixture
def filled(store: Store, location: Location) -> Store:
    """A store with a past: of each table, more than fits a transaction."""
    fill(store, location, past=PAST, live=5, events=DECISIONS)
    return store


@contextmanager
def transactions() -> Iterator[list[int]]:
    """How many rows each transaction from now on deletes or changes."""
    sizes: list[int] = []

    @listens_for(Engine, "begin")
    def begin(_: object) -> None:
        sizes.append(0)

    @listens_for(Engine, "after_cursor_execute")
    def count(_: object, cursor: Any, statement: str, *__: object) -> None:
        if statement.startswith(("DELETE", "UPDATE")):
            sizes[-1] += max(0, cursor.rowcount)

    try:
        yield sizes
    finally:
        remove(Engine, "begin", begin)
        remove(Engine, "after_cursor_execute", count)


def test_each_transaction_is_about_a_few_rows(filled: Store, location: Location) -> None:
    """Visits, then what is left of each kind, and the changes."""
    kinds = ("session", "mail", "check-in", "audit")
    set_up(filled, location, *(f"{kind}-retention-days=1" for kind in kinds))
    with transactions() as sizes:
        first = tidy(filled, most_changes=10)
        set_up(filled, location, "retention-days=1")
        second = tidy(filled, most_changes=10)
    assert max(sizes) <= LARGEST_GROUP
    assert (first.sessions, first.mails, first.check_ins) == (PAST, PAST, PAST)
    assert first.audit == PAST
    assert second.visits == PAST
    counts = row_counts(filled)
    assert (counts["auth_event"], counts["wifi_session"], counts["change"]) == (1, 1, 10)


def test_a_visit_goes_with_all_that_hangs_on_it(filled: Store, location: Location) -> None:
    """Also with decisions, to which no index leads."""
    set_up(filled, location, "retention-days=1")
    with transactions() as sizes:
        assert tidy(filled).visits == PAST
    assert max(sizes) <= MOST
    counts = row_counts(filled)
    assert (counts["visit"], counts["auth_event"], counts["wifi_session"]) == (6, 1, 1)


def test_a_location_goes_the_same_way(filled: Store, location: Location, clock: Clock) -> None:
    """All of it, while the other one has its store."""
    add_location(filled, "Annex")
    clock.advance(days=2)
    with transactions() as sizes:
        remove_location(filled, location)
    assert max(sizes) <= MOST
    counts = row_counts(filled)
    emptied = ("visit", "auth_event", "wifi_session", "check_in", "outbox", "pin", "device")
    assert [counts[table] for table in emptied] == [0] * len(emptied)


def test_the_desk_goes_on_meanwhile(
    configuration: Configuration, filled: Store, location: Location, clock: Clock
) -> None:
    """It registers visitors, as housekeeping keeps none of them waiting for long."""
    set_up(filled, location, "retention-days=1")
    with a_busy_desk(configuration, location, clock) as waits:
        assert tidy(filled, most_changes=10).visits == PAST
    assert max(waits) < WAITS
    assert row_counts(filled)["visit"] == 6 + len(waits)
