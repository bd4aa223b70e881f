"""What tests of the migrations can ask for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.old_stores import store_of, upgraded_from

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from nexio.configuration import Configuration
    from tests.support.old_stores import Upgrade
    from tests.support.postgresql import PostgreSQL


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, sqlite_file: None) -> PostgreSQL | None:
    """Where the stores of a test are; None is in a file of SQLite."""
    on_sqlite = request.param == "sqlite"
    found: PostgreSQL | None = None if on_sqlite else request.getfixturevalue("postgresql")
    return found


@pytest.fixture
def old(
    request: pytest.FixtureRequest, tmp_path: Path, database: PostgreSQL | None
) -> Iterator[Configuration]:
    """A store of an older version with something in its tables.

    The module of the test says which: ``OLD``, a version and what gives the rows.
    """
    version, rows_of = request.module.OLD
    with store_of(version, tmp_path / "old", database, rows_of) as configuration:
        yield configuration


@pytest.fixture
def upgraded(
    request: pytest.FixtureRequest, tmp_path: Path, database: PostgreSQL | None
) -> Iterator[Upgrade]:
    """The same store in the version of today: it is upgraded once, and each test has a copy."""
    version, rows_of = request.module.OLD
    with upgraded_from(version, tmp_path / "upgraded", database, rows_of) as done:
        yield done
