"""A store of version 0009 is brought up: decisions are known again by their batch."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, Any

from nexio.network.event_log import list_events, record_batches, record_events
from nexio.network.events import AuthEvent, EventBatch, decided
from nexio.store.engine import Store
from tests.support.old_rows import rows_of_0002
from tests.support.radius.decisions import event

if TYPE_CHECKING:
    from nexio.keys.keyring import Keyring
    from tests.support.clocks import Clock
    from tests.support.old_stores import Upgrade


def rows_of_0009(keyring: Keyring) -> dict[str, list[dict[str, Any]]]:
    """As before, with a few more decisions."""
    rows = rows_of_0002(keyring)
    (first,) = rows["auth_event"]
    return rows | {"auth_event": [first | {"record_id": f"{n:032x}"} for n in range(1, 4)]}


OLD = "0009", rows_of_0009


def test_nothing_else_changes(upgraded: Upgrade) -> None:
    """Each row has what it had."""
    assert upgraded.version == "0009"
    upgraded.check_rows()


def test_old_decisions_are_known_again(upgraded: Upgrade, clock: Clock) -> None:
    """Those that still lie in a spool, by their own id; new ones by their batch."""
    again = event(1)
    new = event(7)
    batch = EventBatch(record_id="a-1-0", source="ap", events=(decided(new), decided(new)))
    as_batch = EventBatch(record_id=again.record_id, source="ap", events=(decided(again),))
    with closing(Store.open(upgraded.configuration, clock)) as store:
        for _ in range(2):
            with store.write() as work:
                record_batches(work, [batch, as_batch])
                record_events(work, [again])
        with store.read() as work:
            found = [each.event for each in list_events(work, None, limit=99)]
    assert len(found) == 3 + 2
    assert [_without_id(each) for each in found[3:]] == [_without_id(new)] * 2


def _without_id(found: AuthEvent) -> tuple[Any, ...]:
    return decided(found)
