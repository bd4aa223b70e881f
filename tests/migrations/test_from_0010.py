"""A store of version 0010 is brought up: its open sessions can be ended by a server."""

from __future__ import annotations

from contextlib import closing
from datetime import timedelta
from typing import TYPE_CHECKING

from nexio.network.endings import claim_endings, record_disconnect
from nexio.store.engine import Store
from tests.support.accounting import sessions
from tests.support.clocks import FRIDAY_MORNING
from tests.support.old_rows import rows_of_0010

if TYPE_CHECKING:
    from tests.support.clocks import Clock
    from tests.support.old_stores import Upgrade


OLD = "0010", rows_of_0010


def test_nothing_else_changes(upgraded: Upgrade) -> None:
    """Each row has what it had."""
    assert upgraded.version == "0010"
    upgraded.check_rows()


def test_what_was_open_can_be_ended(upgraded: Upgrade, clock: Clock) -> None:
    """The visitor's open session, after the end of its window; and it may be gone."""
    clock.now = FRIDAY_MORNING + timedelta(days=2)
    with closing(Store.open(upgraded.configuration, clock)) as store:
        with store.write() as work:
            (ending,) = claim_endings(work, lambda *_: "ended", {}, 10)
            record_disconnect(work, ending.session.id, "nak", 503, ending.reason)
        assert [each.ended_by for each in sessions(store)] == ["gone", "reuse", None]
