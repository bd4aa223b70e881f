"""Migration 0009: a store of the version before is brought up, and tablets can be paired."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

from nexio.checkin.tablets import find_tablet, pair_at_once
from nexio.locations.locations import get_location
from nexio.operations.checking import find_damage
from nexio.store.engine import Store
from tests.support.old_rows import rows_of_0002
from tests.support.old_stores import upgrade

if TYPE_CHECKING:
    from nexio.configuration import Configuration
    from tests.support.clocks import Clock

OLD = "0008", rows_of_0002


def test_nothing_is_lost_and_tablets_can_be_paired(old: Configuration, clock: Clock) -> None:
    """Each row is what it was; the new table is empty, and takes a tablet."""
    done = upgrade(old)
    done.check_rows()
    assert "tablet" in done.new_tables()
    assert done.after["tablet"] == []
    with closing(Store.open(old, clock)) as store:
        with store.write() as work:
            credential = pair_at_once(work, get_location(work, "Harbour House"))
        with store.read() as work:
            assert find_tablet(work, credential) is not None
            assert find_damage(work) == []
