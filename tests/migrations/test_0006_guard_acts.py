"""Migration 0006: a store of the version before is brought up, and servers share guesses in it."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory

from nexio.operations.housekeeping import tidy
from nexio.store import schema
from nexio.store.engine import Store, connect
from radius_auth.guard.journal import Journal
from tests.support.clocks import FRIDAY_MORNING, Clock
from tests.support.old_rows import rows_of_0002
from tests.support.old_stores import contents, store_of
from tests.support.radius.guard_acts import ACTS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from nexio.configuration import Configuration
    from tests.support.postgresql import PostgreSQL


def version_before() -> str:
    """The version that 0006 is built upon."""
    config = Config()
    config.set_main_option("script_location", "nexio_migrations:")
    before = ScriptDirectory.from_config(config).get_revision("0006").down_revision
    assert isinstance(before, str)
    return before


@pytest.fixture(params=["sqlite", "postgresql"])
def old(
    request: pytest.FixtureRequest, tmp_path: Path, postgresql: PostgreSQL
) -> Iterator[Configuration]:
    """A store of the version before."""
    database = postgresql if request.param == "postgresql" else None
    with store_of(version_before(), tmp_path / "old", database, rows_of_0002) as configuration:
        yield configuration


def test_nothing_is_lost_and_guesses_are_shared(old: Configuration) -> None:
    """Each row is what it was; the new table takes acts, and housekeeping removes old ones."""
    engine = connect(old.database_url)
    before = contents(engine)
    schema.upgrade(engine)
    after = contents(engine)
    assert after["visit"][0].keys() >= before["visit"][0].keys()
    assert [row["id"] for row in after["visit"]] == [row["id"] for row in before["visit"]]
    assert after["guard_act"] == []
    engine.dispose()

    with closing(Journal(old.database_url)) as journal:
        journal.exchange(ACTS)
        with closing(Store.open(old, Clock(FRIDAY_MORNING))) as store:
            tidy(store)
        assert journal.read_again() == ACTS
        later = Clock(FRIDAY_MORNING)
        later.advance(days=100)
        with closing(Store.open(old, later)) as store:
            tidy(store)
        assert journal.read_again() == []
