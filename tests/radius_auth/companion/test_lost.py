"""Looking for lost sessions beside a server."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from nexio.errors import StoreUnreachable
from nexio.network.accounting_records import Status
from nexio.store.engine import Store
from radius_auth.companion import lost as lost_module
from radius_auth.companion.lost import LostSessions
from tests.support.accounting import record, sessions, tell
from tests.support.clocks import FRIDAY_MORNING
from tests.support.radius.radiusd import wait_until

if TYPE_CHECKING:
    import pytest

    from nexio.configuration import Configuration
    from nexio.locations.locations import Location
    from tests.support.clocks import Clock

UPDATE = record(Status.UPDATE, at=FRIDAY_MORNING + timedelta(minutes=10), seconds=600)


def test_it_is_not_looked_for_before_three_intervals_after_the_start(
    sqlite_store: Store,
    sqlite_location: Location,
    sqlite_configuration: Configuration,
    clock: Clock,
) -> None:
    """Nor after the store was away: what was told meanwhile is still on its way."""
    del sqlite_location
    tell(sqlite_store, record(), UPDATE)
    lost = LostSessions(lambda: Store.open(sqlite_configuration, clock))
    clock.advance(hours=5)
    for _ in range(32):
        assert lost.look() == 0
        clock.advance(minutes=1)
    clock.advance(minutes=2)  # it was away
    for _ in range(32):
        assert lost.look() == 0
        clock.advance(minutes=1)
    assert lost.look() == 1


def test_it_looks_by_itself(
    sqlite_store: Store,
    sqlite_location: Location,
    sqlite_configuration: Configuration,
    clock: Clock,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As long as it runs, also after the store could not be opened; the log says how many."""
    del sqlite_location
    monkeypatch.setattr(lost_module, "EVERY_SECONDS", 0.01)
    opened = 0

    def open_store() -> Store:
        nonlocal opened
        opened += 1
        if opened == 2:
            raise StoreUnreachable("the store is away", "Wait.")
        clock.advance(minutes=1)
        return Store.open(sqlite_configuration, clock)

    tell(sqlite_store, record(), UPDATE)
    lost = LostSessions(open_store)
    lost.start()
    wait_until(lambda: sessions(sqlite_store)[0].ended_by == "lost")
    lost.stop()
    assert "1 sessions were not heard of for long, and are closed" in caplog.messages
