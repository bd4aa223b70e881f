"""What tests of the RADIUS side can ask for, beside ``tests/conftest.py``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.radius.desk import Desk, desk_with

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.stores import Template


@pytest.fixture(scope="module")
def desk(_sqlite_template: Template, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """A desk on SQLite, for all tests of a module."""
    configuration = _sqlite_template.copy(tmp_path_factory.mktemp("desk") / "nexio")
    with desk_with(configuration) as made:
        yield made
