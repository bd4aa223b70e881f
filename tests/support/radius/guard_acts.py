"""Acts of the guard, made in memory."""

from __future__ import annotations

from typing import Any

from nexio.network.guard_acts import Act, Kind
from tests.support.radius.guesses import NOON, mac

AT = NOON.timestamp()


def act(serial: int = 1, **changes: Any) -> Act:
    """A guess at visit 7, or with ``changes``."""
    fields: dict[str, Any] = {
        "kind": Kind.GUESS, "at": AT, "writer": "w", "serial": serial, "host": "here",
        "location_id": 1, "visit_id": 7, "device": mac(1), "nas": "ap-1", "cost": 1.0,
    }  # fmt: skip
    return Act(**(fields | changes))


ACTS = [
    act(1),
    act(2, kind=Kind.BACK, visit_id=None, cost=1e-6),
    act(3, kind=Kind.IN, cost=3.0, chance=1e-6),
    act(4, kind=Kind.RELEASE, location_id=None, nas=""),
    act(5, kind=Kind.HERE, location_id=0, visit_id=None, device="", nas="", cost=0.0),
]
