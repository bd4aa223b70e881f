"""A store of version 0002 is brought up: nothing is lost, and sessions and disconnects are new."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

from nexio.network.accounting_records import Status
from nexio.network.nas import NasChanges, edit_nas
from nexio.reception.visits import VisitState, get_visit
from nexio.store.engine import Store
from tests.support.accounting import record, tell
from tests.support.clocks import Clock
from tests.support.old_rows import rows_of_0002

if TYPE_CHECKING:
    from tests.support.old_stores import Upgrade


OLD = "0002", rows_of_0002


def test_nothing_is_lost(upgraded: Upgrade) -> None:
    """Each row of each table has the values that it had; what is new is empty."""
    assert upgraded.version == "0002"
    assert all(upgraded.before.values())
    upgraded.check_rows()
    assert upgraded.new_tables() == {
        "mail_text",
        "server",
        "nas_signature",
        "guard_act",
        "wifi_session",
        "pin_day",
        "tablet",
        "desk",
        "offline_tap",
        "member_pass",
        "pass_code",
        "device",
        "event_batch",
    }


def test_what_was_there_is_of_use(upgraded: Upgrade, clock: Clock) -> None:
    """Sessions of old visits are kept, and an old NAS can be told where disconnects go."""
    with closing(Store.open(upgraded.configuration, clock)) as store:
        with store.write() as work:
            zoe = get_visit(work, "1", None)
            nas = edit_nas(work, "Lobby", NasChanges(disconnect="198.51.100.7"))
        (session,) = tell(store, record(Status.START, zoe))
    assert (nas.disconnect_host, nas.disconnect_port) == ("198.51.100.7", 3799)
    assert (zoe.state, session.email) == (VisitState.CHECKED_IN, "Zoe@example.com")
