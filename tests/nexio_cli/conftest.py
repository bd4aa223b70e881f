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

from typing import TYPE_CHECKING

import pytest

from tests.nexio_cli.running import Nexio, noon_zone

if TYPE_CHECKING:
    from nexio.configuration import Configuration


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
def desk(nexio: Nexio) -> Nexio:
    """A store with Harbour House, on both engines."""
    return _with_harbour_house(nexio)


@pytest.fixture
def sqlite_desk(sqlite_nexio: Nexio) -> Nexio:
    """A store with Harbour House, on SQLite only."""
    return _with_harbour_house(sqlite_nexio)


def _with_harbour_house(nexio: Nexio) -> Nexio:
    nexio.done("location", "add", "Harbour House", "--timezone", noon_zone())
    nexio.done("token", "on")
    return nexio
