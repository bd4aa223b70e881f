"""Access points that do not say which device asks."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from nexio.operations.health import ENOUGH, nas_that_name_no_device
from tests.support.log_entries import logged

if TYPE_CHECKING:
    from nexio.locations.locations import Location
    from nexio.store.engine import Store
    from tests.support.clocks import Clock

MAC = "02:00:00:00:00:01"


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
