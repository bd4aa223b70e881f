"""What housekeeping deletes goes in small transactions, and nobody waits for them."""

from __future__ import annotations

import threading
import time
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import Engine
from sqlalchemy.event import listens_for, remove

from nexio.operations.housekeeping import tidy
from nexio.operations.removal import remove_location
from nexio.store.engine import Store
from nexio.store.groups import LARGEST_GROUP
from nexio.store.patience import Patience
from tests.support.many_rows import fill
from tests.support.people import add_location, register, set_up
from tests.support.stores import row_counts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nexio.configuration import Configuration
    from nexio.locations.locations import Location
    from tests.support.clocks import Clock

PAST, DECISIONS = 600, 1_500
WAITS = 5.0
"""Seconds that a desk has patience for a lock, and for its registration."""

PAUSE = 0.05
"""Seconds between two visitors."""

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


@contextmanager
def a_busy_desk(
    configuration: Configuration, clock: Clock, location: Location
) -> Iterator[list[float]]:
    """A desk that registers one visitor after the other, and how long each has taken.

    It gives up, and the test fails, where it has to wait for :data:`WAITS`.
    """
    waits: list[float] = []
    faults: list[BaseException] = []
    over = threading.Event()

    def work() -> None:
        patience = Patience(busy=WAITS)
        try:
            with closing(Store.open(configuration, clock, patience)) as desk:
                while not over.is_set():
                    began = time.monotonic()
                    register(desk, location, email=f"desk{len(waits)}@example.com")
                    waits.append(time.monotonic() - began)
                    over.wait(PAUSE)  # else it would hardly let anybody else in on SQLite
        except BaseException as error:  # noqa: BLE001 (raised below, in the test's thread)
            faults.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield waits
    finally:
        over.set()
        thread.join()
    for fault in faults:
        raise fault


def test_the_desk_goes_on_meanwhile(
    configuration: Configuration, filled: Store, location: Location, clock: Clock
) -> None:
    """It registers visitors, as housekeeping keeps none of them waiting for long."""
    set_up(filled, location, "retention-days=1")
    with a_busy_desk(configuration, clock, location) as waits:
        assert tidy(filled, most_changes=10).visits == PAST
    assert max(waits) < WAITS
    assert row_counts(filled)["visit"] == 6 + len(waits)
