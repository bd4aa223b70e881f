"""What the tests of the commands can ask for, beside ``tests/conftest.py``.

================= ============================================================================
``nexio``         a `Nexio`: runs one command in this process, on an empty store without a
                  location; SQLite and again PostgreSQL
``sqlite_nexio``  the same, on SQLite only: for tests in which the engine does not matter
``desk``          ``nexio`` with Harbour House in its store: visitor tokens on, 60 minutes, and
                  a time zone in which it is about noon now, so that no test runs into midnight
``sqlite_desk``   the same, on SQLite only
``zoe``           Zoë Nguyễn Văn, registered at that desk for now: visit 1
================= ============================================================================
"""

from __future__ import annotations

from contextlib import closing
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from nexio.store.engine import Store
from tests.support.cli.running import Nexio, register_ago
from tests.support.clocks import noon_zone
from tests.support.people import add_location

if TYPE_CHECKING:
    from nexio.configuration import Configuration
    from nexio.reception.visits import Visit
    from tests.support.stores import Filling


@pytest.fixture
def nexio(
    environment: dict[str, str],
    configuration: Configuration,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Nexio:
    """The command ``nexio``, on both engines."""
    return Nexio(configuration, monkeypatch, capsys)


@pytest.fixture
def sqlite_nexio(
    sqlite_environment: dict[str, str],
    sqlite_configuration: Configuration,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Nexio:
    """The command ``nexio``, on SQLite only."""
    return Nexio(sqlite_configuration, monkeypatch, capsys)


@pytest.fixture
def _filling(request: pytest.FixtureRequest) -> Filling | None:
    """What a test finds in its store: copying it is quicker than making it."""
    if "zoe" in request.fixturenames:
        return _register_zoe
    return _add_harbour_house if {"desk", "sqlite_desk"} & {*request.fixturenames} else None


@pytest.fixture
def desk(nexio: Nexio) -> Nexio:
    """A store with Harbour House, on both engines."""
    return nexio


@pytest.fixture
def sqlite_desk(sqlite_nexio: Nexio) -> Nexio:
    """A store with Harbour House, on SQLite only."""
    return sqlite_nexio


@pytest.fixture
def zoe(request: pytest.FixtureRequest) -> Visit:
    """Zoë, whom ``desk`` or ``sqlite_desk`` has registered for now."""
    desk: Nexio = request.getfixturevalue(
        "desk" if "desk" in request.fixturenames else "sqlite_desk"
    )
    engine = "sqlite" if desk.configuration.database_url.startswith("sqlite") else "postgresql"
    visit: Visit = request.getfixturevalue(f"_{engine}_template").results[_register_zoe]
    return visit


def _add_harbour_house(configuration: Configuration) -> None:
    with closing(Store.open(configuration)) as store:
        add_location(store, "Harbour House", noon_zone(), "visitor-tokens=on")


def _register_zoe(configuration: Configuration) -> Visit:
    _add_harbour_house(configuration)
    return register_ago(configuration, timedelta(0))
