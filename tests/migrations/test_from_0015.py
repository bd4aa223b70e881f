"""A store of version 0015 is brought up: its sessions stay, and new ones are kept exactly."""

from __future__ import annotations

from contextlib import closing
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from nexio.network.accounting_records import Status
from nexio.network.endings import close_session
from nexio.store.engine import Store
from tests.support.accounting import record, tell
from tests.support.clocks import FRIDAY_MORNING
from tests.support.old_rows import rows_of_0010
from tests.support.old_stores import upgrade

if TYPE_CHECKING:
    from nexio.configuration import Configuration

OLD = "0015", rows_of_0010


def test_sessions_stay_as_they_were(old: Configuration) -> None:
    """An open one goes on, may be closed by hand, and a new one may have unknown octets."""
    done = upgrade(old)
    assert done.version == "0015"
    done.check_rows()
    assert {row["octets_in"] for row in done.after["wifi_session"]} == {0}
    at = FRIDAY_MORNING + timedelta(minutes=5)
    told: dict[str, Any] = {
        "key": f"{1:032x}",
        "session_id": "1",
        "at": at,
        "octets_in": 9,
        "seconds": 300,
    }
    unknown: dict[str, Any] = {
        "key": f"{9:032x}",
        "octets_in": None,
        "octets_out": None,
        "session_id_hex": "ff",
    }
    with closing(Store.open(old)) as store:
        found = tell(store, record(Status.UPDATE, **told), record(**unknown))
        assert [(each.octets_in, each.ended_by) for each in found] == [
            (9, None),
            (0, "reuse"),
            (0, None),
            (None, None),
        ]
        with store.write() as work:
            close_session(work, found[0].id)
