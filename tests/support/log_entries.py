"""Logins in the log."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nexio.network.event_log import record_events
from nexio.network.events import AuthEvent, event_batches, new_record_id, packed_by_nas

if TYPE_CHECKING:
    from collections.abc import Iterable

    from nexio.locations.locations import Location
    from nexio.network.events import Decided, EventBatch
    from nexio.store.engine import Store


def logged(store: Store, location: Location, nas: str, *devices: str | None) -> None:
    """Write logins into the log."""
    with store.write() as work:
        events = [
            AuthEvent(
                record_id=new_record_id(),
                at=work.now,
                user_name="zoe@example.com",
                device=device,
                nas=nas,
                location_id=location.id,
                visit_id=None,
                outcome="reject",
                reason="wrong PIN",
                latency_us=1,
            )
            for device in devices
        ]
        record_events(work, events)


def batches_of(writer: str, number: int, decisions: Iterable[Decided]) -> list[EventBatch]:
    """What a process has told, as the companion takes it."""
    return event_batches(writer, number, packed_by_nas(decisions))
