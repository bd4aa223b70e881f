"""What tests of the migrations can ask for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.old_stores import store_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from nexio.configuration import Configuration


@pytest.fixture(params=["sqlite", "postgresql"])
def old(
    request: pytest.FixtureRequest, tmp_path: Path, sqlite_file: None
) -> Iterator[Configuration]:
    """A store of an older version with something in its tables.

    The module of the test says which: ``OLD``, a version and what gives the rows.
    """
    version, rows_of = request.module.OLD
    database = request.getfixturevalue("postgresql") if request.param == "postgresql" else None
    with store_of(version, tmp_path / "old", database, rows_of) as configuration:
        yield configuration
