"""What RADIUS must know of the store: all of it at first, then what is new.

``news.py`` reads it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from nexio.locations.locations import Location
    from nexio.network.nas import Nas


@dataclass(frozen=True, slots=True, kw_only=True)
class FollowedVisit:
    """A visit with or without a token, as a RADIUS server holds it."""

    id: int
    location_id: int
    email_key: str
    pin_digest: bytes = field(repr=False)
    pin_sealed: bytes = field(repr=False)
    opens_at: datetime
    closes_at: datetime
    deleted_at: datetime | None
    replaced: bool
    token_id: int | None
    valid_from: datetime | None
    valid_until: datetime | None
    revoked_at: datetime | None
    source: str = "admin"
    """How it came about (R21); an accept may say other things to each."""

    max_devices: int | None = None
    """How many devices its token lets on; None is no limit (R18)."""

    devices: tuple[str, ...] = ()
    """Those that hold a slot of it, or are remembered (R22)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Horizon:
    """How far around now a server looks."""

    past: timedelta = timedelta(hours=24)
    """How long after its end or its deletion a visit is still known."""

    ahead: timedelta = timedelta(days=7)
    """How long before its first day a visit is known."""

    def holds(self, visit: FollowedVisit, now: datetime) -> bool:
        """Whether a visit is to be known at a moment."""
        over = min(visit.closes_at, visit.deleted_at or visit.closes_at)
        return over > now - self.past and visit.opens_at < now + self.ahead


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """How much of the store a reader has seen."""

    epoch: str
    number: int
    batch: int | None = field(default=None, compare=False)
    """What is under that number: random, so that another history has another one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class News:
    """What a reader has not seen yet."""

    position: Position
    complete: bool
    """Whether this is all there is, and replaces what the reader held."""

    visits: Sequence[FollowedVisit]
    locations: Sequence[Location] | None
    """All locations where one of them changed, else None."""

    nas: Sequence[Nas] | None
    """All NAS where one of them or a location changed, else None."""

    removed_visits: Sequence[int]
