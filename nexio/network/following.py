"""The data that a RADIUS server follows in the store: first all of it, then the changes.

``news.py`` reads it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from nexio.locations.locations import Location
    from nexio.network.nas import Nas


class FollowedVisit(NamedTuple):
    """A visit with or without a token, as a RADIUS server holds it.

    A named tuple for speed: each process of a server makes one for each visit
    (``python -m benchmarks.start``).
    """

    id: int
    location_id: int
    email_key: str
    pin_digest: bytes
    pin_sealed: bytes
    opens_at: datetime
    closes_at: datetime
    deleted_at: datetime | None
    replaced: bool
    token_id: int | None
    valid_from: datetime | None
    valid_until: datetime | None
    revoked_at: datetime | None
    source: str = "admin"
    """How the visit was registered (R21); reply attributes may depend on it."""

    max_devices: int | None = None
    """How many devices its token admits; None is no limit (R18)."""

    devices: tuple[str, ...] = ()
    """The devices that hold a slot of it, or are remembered (R22)."""

    def __repr__(self) -> str:
        """Show nothing of its PIN."""
        return f"FollowedVisit(id={self.id}, location_id={self.location_id})"


INSTANTS: Final = tuple(
    map(
        FollowedVisit._fields.index,
        ("opens_at", "closes_at", "deleted_at", "valid_from", "valid_until", "revoked_at"),
    )
)
"""Which of its fields are instants."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Horizon:
    """The period around now whose visits a server holds."""

    past: timedelta = timedelta(hours=24)
    """How long a server holds a visit after its end or deletion."""

    ahead: timedelta = timedelta(days=7)
    """How long before its first day a server holds a visit."""

    def holds(self, visit: FollowedVisit, now: datetime) -> bool:
        """Whether a server has to hold a visit at that moment."""
        over = min(visit.closes_at, visit.deleted_at or visit.closes_at)
        return over > now - self.past and visit.opens_at < now + self.ahead


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """The point up to which a reader has seen the changes of the store."""

    epoch: str
    number: int
    batch: int | None = field(default=None, compare=False)
    """The batch with that number: random, so it differs in another history of the store."""


@dataclass(frozen=True, slots=True, kw_only=True)
class News:
    """Changes that a reader has not seen yet."""

    position: Position
    complete: bool
    """Whether this is the whole data, which replaces everything that the reader holds."""

    visits: Sequence[FollowedVisit]
    locations: Sequence[Location] | None
    """All locations if any of them changed, else None."""

    nas: Sequence[Nas] | None
    """All NAS if any of them or a location changed, else None."""

    removed_visits: Sequence[int]
