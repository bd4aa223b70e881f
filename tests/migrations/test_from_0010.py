"""A store of version 0010 is brought up: its open sessions can be ended by a server."""

from __future__ import annotations

from contextlib import closing
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from nexio.network.endings import claim_endings, record_disconnect
from nexio.store.engine import Store
from tests.support.accounting import sessions
from tests.support.clocks import FRIDAY_MORNING
from tests.support.old_rows import rows_of_0002
from tests.support.old_stores import upgrade

if TYPE_CHECKING:
    from nexio.configuration import Configuration
    from nexio.keys.keyring import Keyring
    from tests.support.clocks import Clock


def rows_of_0010(keyring: Keyring) -> dict[str, list[dict[str, Any]]]:
    """As before, with a session that was asked to end, one that ended, and one of nobody."""
    at = FRIDAY_MORNING
    both = {"started_at": at, "heard_at": at, "seconds": 0, "octets_in": 0, "octets_out": 0}
    both |= {"occurrence": 1, "nas": "lobby", "source_address": "192.0.2.10", "session_id": "1"}
    both |= {"sender": f"{1:032x}", "user_name": "zoe@example.com"}
    hers = both | {"visit_id": 1, "token_id": 1}
    asked = {"disconnect_at": at, "disconnect_outcome": "nak", "error_cause": 501}
    return rows_of_0002(keyring) | {
        "wifi_session": [
            hers | asked | {"key": f"{1:032x}"},
            hers | {"key": f"{2:032x}", "ended_at": at, "ended_by": "reuse"},
            both | {"key": f"{3:032x}"},
        ]
    }


OLD = "0010", rows_of_0010


def test_nothing_else_changes(old: Configuration) -> None:
    """Each row has what it had."""
    done = upgrade(old)
    assert done.version == "0010"
    done.check_rows()


def test_what_was_open_can_be_ended(old: Configuration, clock: Clock) -> None:
    """The visitor's open session, after the end of its window; and it may be gone."""
    upgrade(old)
    clock.now = FRIDAY_MORNING + timedelta(days=2)
    with closing(Store.open(old, clock)) as store:
        with store.write() as work:
            (ending,) = claim_endings(work, lambda *_: "ended", {}, 10)
            record_disconnect(work, ending.session.id, "nak", 503, ending.reason)
        assert [each.ended_by for each in sessions(store)] == ["gone", "reuse", None]
