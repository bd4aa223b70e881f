"""Wrong PINs at the tablets of a location, and the extra tries that the desk gave.

They are rows in the table of the servers' guard, of kinds that the servers do not read.  No PIN is
stored here, and nothing derived from one.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from sqlalchemy import func, insert, select

from nexio.network.guard_table import GUESSES_KEPT
from nexio.store.tables import GuardActRow

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nexio.store.engine import Reading, Writing

TABLETS_LOCK: Final = 0x7461
"""Space of the advisory locks of PostgreSQL; the number in it is the location's."""


class TabletKind(StrEnum):
    """The kind of an act."""

    WRONG = "tablet-wrong"
    """A PIN matched none of the location's PINs."""

    RELEASE = "tablet-release"
    """The desk allowed some more tries."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TabletAct:
    """One act at a tablet."""

    kind: TabletKind
    at: float
    """Seconds since 1970."""

    location_id: int
    tablet_id: int
    chance: float
    """The chance that the PIN was somebody's; or the amount that the desk gives back."""


def hold_guesses(work: Writing, location_id: int) -> None:
    """Make other tablets of the location wait until this transaction ends.

    On SQLite there is one writer at a time anyway.
    """
    if work.session.connection().dialect.name == "postgresql":
        work.session.execute(select(func.pg_advisory_xact_lock(TABLETS_LOCK, location_id)))


def append_act(work: Writing, act: TabletAct) -> None:
    """Store an act."""
    row = {
        "kind": act.kind.value,
        "at": datetime.fromtimestamp(act.at, UTC),
        "writer": secrets.token_hex(8),
        "serial": 1,
        "host": "tablet",
        "location_id": act.location_id,
        "visit_id": None,
        "device": str(act.tablet_id),
        "nas": "",
        "cost": act.chance,
        "chance": act.chance,
    }
    work.session.execute(insert(GuardActRow).values(row))


def read_acts(work: Reading, location_id: int | None = None) -> Sequence[TabletAct]:
    """The recent acts at the tablets of a location, or of all locations, in order."""
    kinds = GuardActRow.kind.in_([kind.value for kind in TabletKind])
    of_act = (GuardActRow.kind, GuardActRow.at, GuardActRow.location_id, GuardActRow.device)
    query = select(*of_act, GuardActRow.chance).where(
        kinds, GuardActRow.at > work.now - GUESSES_KEPT
    )
    if location_id is not None:
        query = query.where(GuardActRow.location_id == location_id)
    return [
        TabletAct(
            kind=TabletKind(kind),
            at=at.timestamp(),
            location_id=location or 0,
            tablet_id=int(device),
            chance=chance,
        )
        for kind, at, location, device, chance in work.session.execute(
            query.order_by(GuardActRow.at, GuardActRow.id)
        )
    ]
