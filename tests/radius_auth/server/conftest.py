"""What tests of the server can ask for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from nexio.network.following import Horizon
from nexio.network.nas import NewNas, add_nas
from nexio.store.engine import Store
from radius_auth.replica.follower import Follower
from tests.support.radius.guests import SECRET

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nexio.configuration import Configuration
    from nexio.locations.locations import Location
    from tests.support.clocks import Clock


@pytest.fixture
def follower(
    sqlite_configuration: Configuration,
    sqlite_store: Store,
    sqlite_location: Location,
    clock: Clock,
) -> Iterator[Follower]:
    """It knows a NAS on loopback, and follows only where the test says so."""
    with sqlite_store.write() as work:
        nas = NewNas(name="ap", address="127.0.0.1", secret=SECRET.decode())
        add_nas(work, sqlite_location, nas)
    made = Follower(lambda: Store.open(sqlite_configuration, clock), Horizon(), clock)
    yield made
    made.stop()
