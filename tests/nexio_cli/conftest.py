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

from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from nexio.store.engine import Store
from tests.support.cli.running import Nexio
from tests.support.clocks import noon_zone
from tests.support.people import add_location

if TYPE_CHECKING:
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


@pytest.fixture
def desk(nexio: Nexio, request: pytest.FixtureRequest) -> Nexio:
    """A store with Harbour House, on both engines."""
    engine = nexio.configuration.database_url.partition(":")[0].partition("+")[0]
    template: Template = request.getfixturevalue(f"_{engine}_template")
    template.fill(nexio.configuration, _add_harbour_house)
    return nexio


@pytest.fixture
def sqlite_desk(sqlite_nexio: Nexio, _sqlite_template: Template) -> Nexio:
    """A store with Harbour House, on SQLite only."""
    _sqlite_template.fill(sqlite_nexio.configuration, _add_harbour_house)
    return sqlite_nexio


def _add_harbour_house(configuration: Configuration) -> None:
    with closing(Store.open(configuration)) as store:
        add_location(store, "Harbour House", noon_zone(), "visitor-tokens=on")
