"""The log: what the RADIUS servers decided, in the store."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import func, insert, select

from nexio.network.events import AuthEvent
from nexio.store.tables import AuthEventRow

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from nexio.locations.locations import Location
    from nexio.store.engine import Reading, Writing


@dataclass(frozen=True, slots=True, kw_only=True)
class LoggedEvent:
    """An event as the log shows it, with its number in the order of arrival in the store."""

    number: int
    event: AuthEvent


def record_events(work: Writing, events: Sequence[AuthEvent]) -> None:
    """Store events; one that is there already is not stored twice."""
    ids = [event.record_id for event in events]
    known = set(
        work.session.scalars(select(AuthEventRow.record_id).where(AuthEventRow.record_id.in_(ids)))
    )
    new = {event.record_id: event for event in events if event.record_id not in known}
    # Rows, not objects: a server writes thousands of them while it answers.
    rows = [{name: getattr(event, name) for name in AuthEvent.__slots__} for event in new.values()]
    if rows:
        work.session.execute(insert(AuthEventRow), rows)


def list_events(
    work: Reading, location: Location | None, *, limit: int, after: int | None = None
) -> list[LoggedEvent]:
    """Events of a location, or of all, oldest first: the newest, or the next after a number.

    Args:
        work: the look at the store.
        location: None is all; of a location, with those that led to none (R19): they are the
            ones that somebody looks for.
        limit: how many at most.
        after: the first ones above this number; None is the newest ones.
    """
    query = select(AuthEventRow).where(AuthEventRow.id > (after or 0)).limit(limit)
    if location is not None:
        here = AuthEventRow.location_id == location.id
        query = query.where(here | AuthEventRow.location_id.is_(None))
    order = AuthEventRow.id.desc() if after is None else AuthEventRow.id
    rows = sorted(work.session.scalars(query.order_by(order)), key=lambda row: row.id)
    return [LoggedEvent(number=row.id, event=_event_of(row)) for row in rows]


@dataclass(frozen=True, slots=True, kw_only=True)
class Repeated:
    """Logins of one device under one name at one NAS, all with the same outcome."""

    user_name: str
    device: str | None
    nas: str
    location_id: int | None
    at: datetime
    """The latest one."""

    count: int


def list_repeated(work: Reading, reason: str, since: datetime, *, limit: int) -> list[Repeated]:
    """Who got that reason since then, the latest first."""
    who = [getattr(AuthEventRow, key) for key in ("user_name", "device", "nas", "location_id")]
    latest = func.max(AuthEventRow.at).label("at")
    rows = work.session.execute(
        select(*who, latest, func.count().label("count"))
        .where(AuthEventRow.at > since, AuthEventRow.reason == reason)
        .group_by(*who)
        .order_by(latest.desc())
        .limit(limit)
    )
    return [Repeated(**row._mapping) for row in rows]  # noqa: SLF001 (SQLAlchemy's public name for it)


def newest_event(work: Reading) -> int:
    """The number of the newest event; 0 where there is none."""
    return work.session.scalar(select(func.max(AuthEventRow.id))) or 0


def _event_of(row: AuthEventRow) -> AuthEvent:
    return AuthEvent(**{name: getattr(row, name) for name in AuthEvent.__slots__})
