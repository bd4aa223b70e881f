"""Migration 0013: a store of the version before is brought up, and desks can log in."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

from nexio.checkin.desks import find_desk, issue_link, open_link
from nexio.locations.locations import get_location
from nexio.operations.checking import find_damage
from nexio.store.engine import Store
from tests.support.old_rows import rows_of_0002
from tests.support.old_stores import upgrade

if TYPE_CHECKING:
    from nexio.configuration import Configuration
    from tests.support.clocks import Clock

OLD = "0012", rows_of_0002


def test_nothing_is_lost_and_desks_can_log_in(old: Configuration, clock: Clock) -> None:
    """Each row is what it was; the new table is empty, and takes a desk."""
    done = upgrade(old)
    done.check_rows()
    assert "desk" in done.new_tables()
    assert done.after["desk"] == []
    with closing(Store.open(old, clock)) as store:
        with store.write() as work:
            _, secret = issue_link(work, get_location(work, "Harbour House"))
            credential = open_link(work, secret, "192.0.2.7")
        assert credential is not None
        with store.read() as work:
            assert find_desk(work, credential) is not None
            assert find_damage(work) == []
