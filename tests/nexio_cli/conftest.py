"""What the tests of the commands can ask for, beside ``tests/conftest.py``.

================= ============================================================================
``nexio``         a `Nexio`: runs one command in this process, on an empty store without a
                  location; SQLite and again PostgreSQL
``sqlite_nexio``  the same, on SQLite only: for tests in which the engine does not matter
``desk``          ``nexio`` with Harbour House in its store: visitor tokens on, 60 minutes, and
                  a time zone in which it is about noon now, so that no test runs into midnight
``sqlite_desk``   the same, on SQLite only
================= ============================================================================
"""

from __future__ import annotations

import shutil
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from nexio.locations.locations import add_location, change_settings
from nexio.locations.settings import parse_changes
from nexio.store.engine import Store
from tests.support.cli.running import Nexio
from tests.support.clocks import noon_zone

if TYPE_CHECKING:
    from pathlib import Path

    from nexio.configuration import Configuration
    from tests.support.stores import Template


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


@pytest.fixture(scope="session")
def _sqlite_house(_sqlite_template: Template, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite store with Harbour House, made once: two commands less in each test."""
    made = _sqlite_template.copy(tmp_path_factory.mktemp("house") / "nexio")
    _add_harbour_house(made)
    return made.home / "nexio.db"


@pytest.fixture
def desk(nexio: Nexio, request: pytest.FixtureRequest) -> Nexio:
    """A store with Harbour House, on both engines."""
    if nexio.configuration.database_url.startswith("sqlite"):
        shutil.copy2(request.getfixturevalue("_sqlite_house"), nexio.configuration.home)
    else:
        _add_harbour_house(nexio.configuration)
    return nexio


@pytest.fixture
def sqlite_desk(sqlite_nexio: Nexio, _sqlite_house: Path) -> Nexio:
    """A store with Harbour House, on SQLite only."""
    shutil.copy2(_sqlite_house, sqlite_nexio.configuration.home)
    return sqlite_nexio


def _add_harbour_house(configuration: Configuration) -> None:
    with closing(Store.open(configuration)) as store, store.write() as work:
        house = add_location(work, "Harbour House", noon_zone())
        change_settings(work, house, parse_changes(["visitor-tokens=on"]))
