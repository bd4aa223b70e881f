"""What housekeeping deletes goes in small transactions, and nobody waits for them."""

from __future__ import annotations

import re
import threading
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.event import listen, listens_for, remove

from nexio.network.accounting_records import Status
from nexio.network.devices import take_slots
from nexio.network.session_updates import record_accounting
from nexio.operations.housekeeping import tidy
from nexio.operations.pruning import forget_visits
from nexio.operations.removal import remove_location
from nexio.store.engine import Store
from nexio.store.groups import LARGEST_GROUP
from tests.support.accounting import record, tell
from tests.support.busy_desk import WAITS, a_busy_desk
from tests.support.many_rows import fill
from tests.support.people import add_location, register, set_up
from tests.support.radius.radiusd import wait_until
from tests.support.stores import row_counts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from nexio.configuration import Configuration
    from nexio.locations.locations import Location
    from nexio.reception.visits import Visit
    from nexio.store.engine import Writing
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


def gives_a_device_its_slot(work: Writing, visit: Visit) -> None:
    """As a server does where a device logs in for the first time."""
    take_slots(work, [(visit.id, "02:00:00:00:00:01")])


def tells_of_two_sessions(work: Writing, visit: Visit) -> None:
    """As a server does: one that goes on, and one that begins."""
    at = work.now
    known, new = ({"at": at, "key": f"{number:032x}", "device": None} for number in (1, 2))
    record_accounting(
        work, [record(Status.UPDATE, visit, **known), record(Status.START, visit, **new)]
    )


@pytest.mark.parametrize("tells", [gives_a_device_its_slot, tells_of_two_sessions])
def test_a_server_that_tells_of_a_visit_that_goes(
    tells: Callable[[Writing, Visit], None],
    postgresql_configuration: Configuration,
    clock: Clock,
) -> None:
    """It has locked its first row: both come to their end, and nothing stays of the visit."""
    with closing(Store.open(postgresql_configuration, clock)) as store:
        location = add_location(store, "Harbour House", "UTC", "visitor-tokens=on")
        visit = register(store, location)
        tell(store, record(Status.START, visit, at=clock(), key=f"{1:032x}", device=None))
        faults: list[BaseException] = []

        def forget() -> None:
            try:
                with store.write() as work:
                    forget_visits(work, [visit.id])
            except BaseException as fault:  # noqa: BLE001 (raised below, in the test's thread)
                faults.append(fault)

        housekeeping, server = threading.Thread(target=forget), threading.get_ident()

        def begin(_: object, __: object, statement: str, *___: object) -> None:
            first = re.search(
                r"(wifi_session|access_token).* FOR (NO KEY )?UPDATE", statement, re.DOTALL
            )
            if first and threading.get_ident() == server and housekeeping.ident is None:
                housekeeping.start()
                wait_until(lambda: not housekeeping.is_alive() or somebody_waits(store))

        with listening("after_cursor_execute", begin), store.write() as work:
            tells(work, visit)
        housekeeping.join()
        assert not faults
        counts = row_counts(store)
        assert [counts[table] for table in ("visit", "access_token", "wifi_session", "device")] == [
            0
        ] * 4


def somebody_waits(store: Store) -> bool:
    """Whether a transaction waits for another one."""
    with store.engine.connect() as connection:
        return bool(connection.scalar(text("SELECT count(*) FROM pg_locks WHERE NOT granted")))


@contextmanager
def listening(event: str, hear: Callable[..., None]) -> Iterator[None]:
    """Hear of an event of any database."""
    listen(Engine, event, hear)
    try:
        yield
    finally:
        remove(Engine, event, hear)
