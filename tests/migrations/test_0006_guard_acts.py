"""Migration 0006: a store of the version before is brought up, and servers share guesses in it."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

from alembic.config import Config
from alembic.script import ScriptDirectory

from nexio.operations.housekeeping import tidy
from nexio.store.engine import Store
from radius_auth.guard.journal import Journal
from tests.support.clocks import FRIDAY_MORNING, Clock
from tests.support.old_rows import rows_of_0002
from tests.support.old_stores import upgrade
from tests.support.radius.guard_acts import ACTS

if TYPE_CHECKING:
    from nexio.configuration import Configuration


def version_before() -> str:
    """The version that 0006 is built upon."""
    config = Config()
    config.set_main_option("script_location", "nexio_migrations:")
    before = ScriptDirectory.from_config(config).get_revision("0006").down_revision
    assert isinstance(before, str)
    return before


OLD = version_before(), rows_of_0002


def test_nothing_is_lost_and_guesses_are_shared(old: Configuration) -> None:
    """Each row is what it was; the new table takes acts, and housekeeping removes old ones."""
    done = upgrade(old)
    done.check_rows()
    assert done.after["guard_act"] == []

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
