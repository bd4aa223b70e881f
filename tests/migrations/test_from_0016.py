"""A store of version 0016 is brought up: its sessions go on, and may be lost."""

from __future__ import annotations

from contextlib import closing
from datetime import timedelta
from typing import TYPE_CHECKING

from nexio.network.accounting_records import Status
from nexio.network.lost_sessions import close_lost
from nexio.store.engine import Store
from tests.support.accounting import record, sessions, tell
from tests.support.clocks import FRIDAY_MORNING
from tests.support.old_rows import rows_of_0010
from tests.support.old_stores import upgrade

if TYPE_CHECKING:
    from nexio.configuration import Configuration
    from tests.support.clocks import Clock

OLD = "0016", rows_of_0010


def test_open_sessions_can_be_lost(old: Configuration, clock: Clock) -> None:
    """Nothing else changes; how often they are reported is learnt from then on."""
    done = upgrade(old)
    assert done.version == "0016"
    done.check_rows()
    later = FRIDAY_MORNING + timedelta(minutes=15)
    with closing(Store.open(old, clock)) as store:
        tell(store, record(Status.UPDATE, key=f"{1:032x}", at=later))
        for hours, lost in ((2, 1), (23, 0), (25, 1)):
            clock.now = FRIDAY_MORNING + timedelta(hours=hours)
            with store.write() as work:
                assert close_lost(work) == lost
        ends = [(each.ended_by, each.ended_at) for each in sessions(store)]
        assert ends == [("lost", later), ("reuse", FRIDAY_MORNING), ("lost", FRIDAY_MORNING)]
