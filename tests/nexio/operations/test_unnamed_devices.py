"""Access points that do not say which device asks."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from nexio.network.events import AuthEvent, new_record_id, record_events
from nexio.operations.unnamed_devices import ENOUGH, nas_that_name_no_device

if TYPE_CHECKING:
    from nexio.locations.locations import Location
    from nexio.store.engine import Store
    from tests.support.clocks import Clock

MAC = "02:00:00:00:00:01"


def logged(store: Store, location: Location, nas: str, *devices: str | None) -> None:
    """Let logins stand in the log."""
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


def found(store: Store) -> list[str]:
    """Whom the doctor names."""
    with store.read() as work:
        return nas_that_name_no_device(work)


def test_those_that_never_name_one_are_found(
    store: Store, location: Location, clock: Clock
) -> None:
    """Of the last week, and not after a test or two."""
    logged(store, location, "silent", *[None] * (ENOUGH - 1))
    logged(store, location, "portal", *["10.0.0.7"] * ENOUGH)
    logged(store, location, "well", *[None] * ENOUGH, MAC)
    assert found(store) == ["portal"]
    logged(store, location, "silent", None)
    assert found(store) == ["portal", "silent"]
    clock.now += timedelta(days=8)
    assert found(store) == []
