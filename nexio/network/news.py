"""Reading what a follower of the store has not seen yet."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import and_, or_, select
from sqlalchemy.orm import aliased

from nexio.locations.locations import list_locations
from nexio.network.following import FollowedVisit, News, Position
from nexio.network.nas import list_nas
from nexio.store.groups import in_groups
from nexio.store.tables import (
    AccessTokenRow,
    ChangeRow,
    LocationRow,
    NasRow,
    RemovedRow,
    StoreRevisionRow,
    VisitRow,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from sqlalchemy import ColumnElement, Row

    from nexio.network.following import Horizon
    from nexio.store.engine import Reading


def read_all(work: Reading, horizon: Horizon) -> News:
    """Everything within the horizon."""
    return News(
        position=_position(work),
        complete=True,
        visits=list(_visits(work, _within(horizon, work.now))),
        locations=list_locations(work),
        nas=list_nas(work),
        removed_visits=[],
    )


def read_news(work: Reading, seen: Position) -> News | None:
    """What changed after ``seen``, or None where only :func:`read_all` can tell.

    Visits outside the reader's horizon are among them: the reader drops those.
    """
    revision = work.session.scalars(select(StoreRevisionRow)).one()
    if revision.epoch != seen.epoch or seen.number < revision.oldest:
        return None
    newer = ChangeRow.number > seen.number
    batches = list(work.session.scalars(select(ChangeRow.batch).where(newer)))
    visits: dict[int, FollowedVisit] = {}
    removed: list[tuple[str, int]] = []
    locations_changed = nas_changed = False
    for group in in_groups(batches):
        changed = or_(VisitRow.batch.in_(group), AccessTokenRow.batch.in_(group))
        visits.update((visit.id, visit) for visit in _visits(work, changed))
        removed += [(row.kind, row.object_id) for row in _removed(work, group)]
        locations_changed |= _any(work, LocationRow.batch.in_(group))
        nas_changed |= _any(work, NasRow.batch.in_(group))
    kinds = {kind for kind, _ in removed}
    locations_changed |= "location" in kinds
    return News(
        position=Position(epoch=revision.epoch, number=revision.number),
        complete=False,
        visits=list(visits.values()),
        locations=list_locations(work) if locations_changed else None,
        nas=list_nas(work) if nas_changed or locations_changed or "nas" in kinds else None,
        removed_visits=[number for kind, number in removed if kind == "visit"],
    )


def read_visits_opening(work: Reading, start: datetime, end: datetime) -> list[FollowedVisit]:
    """The visits whose first day begins in ``[start, end)``: the horizon has moved over them."""
    return list(_visits(work, and_(VisitRow.opens_at >= start, VisitRow.opens_at < end)))


def read_visits_of(work: Reading, email_key: str) -> list[FollowedVisit]:
    """All visits of one address, however long ago, in the order of their numbers."""
    found = _visits(work, VisitRow.email_key == email_key)
    return sorted(found, key=lambda visit: visit.id)


def _position(work: Reading) -> Position:
    revision = work.session.scalars(select(StoreRevisionRow)).one()
    return Position(epoch=revision.epoch, number=revision.number)


def _within(horizon: Horizon, now: datetime) -> ColumnElement[bool]:
    """:meth:`Horizon.holds` for the store."""
    since = now - horizon.past
    return and_(
        VisitRow.closes_at > since,
        or_(VisitRow.deleted_at.is_(None), VisitRow.deleted_at > since),
        VisitRow.opens_at < now + horizon.ahead,
    )


def _visits(work: Reading, condition: ColumnElement[bool]) -> Iterator[FollowedVisit]:
    successor = aliased(VisitRow)
    rows = work.session.execute(
        select(
            VisitRow.id,
            VisitRow.location_id,
            VisitRow.email_key,
            VisitRow.pin_digest,
            VisitRow.pin_sealed,
            VisitRow.opens_at,
            VisitRow.closes_at,
            VisitRow.deleted_at,
            successor.id.is_not(None).label("replaced"),
            AccessTokenRow.id.label("token_id"),
            AccessTokenRow.valid_from,
            AccessTokenRow.valid_until,
            AccessTokenRow.revoked_at,
        )
        .outerjoin(VisitRow.token)
        .outerjoin(successor, successor.replaces_id == VisitRow.id)
        .where(condition)
        .execution_options(yield_per=10_000)
    )
    for row in rows:
        yield FollowedVisit(**row._mapping)  # noqa: SLF001 (SQLAlchemy's public name for it)


def _removed(work: Reading, batches: Sequence[int]) -> Sequence[Row[str, int]]:
    columns = select(RemovedRow.kind, RemovedRow.object_id)
    return work.session.execute(columns.where(RemovedRow.batch.in_(batches))).all()


def _any(work: Reading, condition: ColumnElement[bool]) -> bool:
    return work.session.scalar(select(select(1).where(condition).exists())) or False
