"""What tests of the RADIUS side can ask for, beside ``tests/conftest.py``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from nexio.network.following import Horizon
from nexio.network.nas import NewNas, add_nas
from nexio.store.engine import Store
from radius_auth.replica.follower import Follower
from tests.support.radius.desk import Desk, desk_with
from tests.support.radius.guests import SECRET

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nexio.configuration import Configuration
    from nexio.locations.locations import Location
    from tests.support.clocks import Clock
    from tests.support.stores import Template


@pytest.fixture(scope="module")
def desk(_sqlite_template: Template, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """A desk on SQLite, for all tests of a module."""
    configuration = _sqlite_template.copy(tmp_path_factory.mktemp("desk") / "nexio")
    with desk_with(configuration) as made:
        yield made


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
