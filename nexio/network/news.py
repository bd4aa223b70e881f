"""Read the changes that a follower of the store has not seen yet."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import Text, and_, func, or_, select, type_coerce, union
from sqlalchemy.orm import aliased

from nexio.locations.locations import list_locations
from nexio.network.following import INSTANTS, FollowedVisit, News, Position
from nexio.network.nas import Nas, list_nas
from nexio.store.groups import in_groups
from nexio.store.tables import (
    AccessTokenRow,
    ChangeRow,
    DeviceRow,
    LocationRow,
    NasRow,
    RemovedRow,
    StoreRevisionRow,
    VisitRow,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sqlalchemy import ColumnElement, Row
    from sqlalchemy.orm import InstrumentedAttribute

    from nexio.network.following import Horizon
    from nexio.store.engine import Reading


def read_all(work: Reading, horizon: Horizon) -> News:
    """Everything within the horizon."""
    return News(
        position=_position(work),
        complete=True,
        visits=list(_visits(work, _within(horizon, work.now))),
        locations=list_locations(work),
        nas=_served_nas(work),
        removed_visits=[],
    )


def read_news(work: Reading, seen: Position) -> News | None:
    """The changes after ``seen``, or None if the reader has to call :func:`read_all`.

    They include visits outside the reader's horizon, which the reader drops.
    """
    revision = work.session.scalars(select(StoreRevisionRow)).one()
    if revision.epoch != seen.epoch or seen.number < revision.oldest:
        return None
    newer = select(ChangeRow.batch).where(ChangeRow.number > seen.number)
    batches = list(work.session.scalars(newer.order_by(ChangeRow.number)))
    visits: dict[int, FollowedVisit] = {}
    removed: list[tuple[str, int]] = []
    locations_changed = nas_changed = False
    for group in in_groups(batches):
        # Select numbers first: one condition about two tables would scan all visits.
        changed = union(
            select(VisitRow.id).where(VisitRow.batch.in_(group)),
            select(AccessTokenRow.visit_id).where(AccessTokenRow.batch.in_(group)),
        )
        visits.update((visit.id, visit) for visit in _visits(work, VisitRow.id.in_(changed)))
        removed += [(row.kind, row.object_id) for row in _removed(work, group)]
        locations_changed |= _any(work, LocationRow.batch.in_(group))
        nas_changed |= _any(work, NasRow.batch.in_(group))
    kinds = {kind for kind, _ in removed}
    locations_changed |= "location" in kinds
    return News(
        position=Position(
            epoch=revision.epoch,
            number=revision.number,
            batch=batches[-1] if batches else seen.batch,
        ),
        complete=False,
        visits=sorted(visits.values(), key=lambda visit: visit.id),
        locations=list_locations(work) if locations_changed else None,
        nas=_served_nas(work) if nas_changed or locations_changed or "nas" in kinds else None,
        removed_visits=[number for kind, number in removed if kind == "visit"],
    )


def has_seen(work: Reading, seen: Position) -> bool:
    """Whether a position belongs to this store's history, so that :func:`read_news` can continue.

    A standby that has become the primary may lack the last changes, and have others under the same
    numbers.
    """
    return seen.batch is not None and seen.batch == _batch_at(work, seen.number)


def read_visits_opening(work: Reading, start: datetime, end: datetime) -> list[FollowedVisit]:
    """The visits whose first day begins in ``[start, end)``: they have entered the horizon."""
    opening = and_(VisitRow.opens_at >= start, VisitRow.opens_at < end)
    # Implied, as no visit closes before it opens; closes_at has an index.
    return list(_visits(work, and_(VisitRow.closes_at > start, opening)))


def read_visits_of(work: Reading, email_key: str) -> list[FollowedVisit]:
    """All visits of one address, however long ago, in the order of their numbers."""
    found = _visits(work, VisitRow.email_key == email_key)
    return sorted(found, key=lambda visit: visit.id)


def read_visits(work: Reading, numbers: Sequence[int]) -> dict[int, FollowedVisit]:
    """The visits of those numbers, at most :data:`~nexio.store.groups.LARGEST_GROUP`."""
    return {visit.id: visit for visit in _visits(work, VisitRow.id.in_(numbers))}


def _position(work: Reading) -> Position:
    revision = work.session.scalars(select(StoreRevisionRow)).one()
    batch = _batch_at(work, revision.number)
    return Position(epoch=revision.epoch, number=revision.number, batch=batch)


def _batch_at(work: Reading, number: int) -> int | None:
    return work.session.scalar(select(ChangeRow.batch).where(ChangeRow.number == number))


def _within(horizon: Horizon, now: datetime) -> ColumnElement[bool]:
    """:meth:`Horizon.holds` as a condition of SQL."""
    since = now - horizon.past
    return and_(
        VisitRow.closes_at > since,
        or_(VisitRow.deleted_at.is_(None), VisitRow.deleted_at > since),
        VisitRow.opens_at < now + horizon.ahead,
    )


def _visits(work: Reading, condition: ColumnElement[bool]) -> Iterator[FollowedVisit]:
    # Not through the ORM: it takes longer for plain columns (``python -m benchmarks.start``).
    rows = work.session.connection().execute(_FOLLOWED.where(condition))
    known: dict[Any, datetime | None] = {None: None}
    for row in rows:
        *values, source, most, macs = row
        for position in INSTANTS:
            stored = values[position]
            if stored not in known:
                known[stored] = _instant(stored)
            values[position] = known[stored]
        devices = tuple(sorted(macs.split(","))) if macs else ()
        # A million visits have three sources.
        yield FollowedVisit._make((*values, sys.intern(source), most, devices))


def _instant(stored: str | datetime) -> datetime:
    """Convert an instant as the driver returns it: in SQLite text, in UTC and without a zone."""
    instant = datetime.fromisoformat(stored) if isinstance(stored, str) else stored
    return instant.replace(tzinfo=UTC) if instant.tzinfo is None else instant.astimezone(UTC)


def _stored(instant: InstrumentedAttribute[Any]) -> ColumnElement[str]:
    """An instant as the driver returns it: many visits share one, which is converted once."""
    return type_coerce(instant, Text)


_DEVICES: Final = (
    select(func.aggregate_strings(DeviceRow.mac, ","))
    .where(DeviceRow.visit_id == VisitRow.id, DeviceRow.freed_at.is_(None))
    .correlate(VisitRow)
    .scalar_subquery()
)
"""The devices that were not freed, in no particular order."""

_SUCCESSOR: Final = aliased(VisitRow)
_FOLLOWED: Final = (
    select(
        VisitRow.id,
        VisitRow.location_id,
        VisitRow.email_key,
        VisitRow.pin_digest,
        VisitRow.pin_sealed,
        _stored(VisitRow.opens_at),
        _stored(VisitRow.closes_at),
        _stored(VisitRow.deleted_at),
        _SUCCESSOR.id.is_not(None),
        AccessTokenRow.id,
        _stored(AccessTokenRow.valid_from),
        _stored(AccessTokenRow.valid_until),
        _stored(AccessTokenRow.revoked_at),
        VisitRow.source,
        AccessTokenRow.max_devices,
        _DEVICES,
    )
    .outerjoin(VisitRow.token)
    .outerjoin(_SUCCESSOR, _SUCCESSOR.replaces_id == VisitRow.id)
    .execution_options(yield_per=10_000)
)
"""All visits, in the order of the fields of :class:`FollowedVisit`.

Built once: servers run it at each change, and building it takes a millisecond.
"""


def _removed(work: Reading, batches: Sequence[int]) -> Sequence[Row[str, int]]:
    columns = select(RemovedRow.kind, RemovedRow.object_id)
    return work.session.execute(columns.where(RemovedRow.batch.in_(batches))).all()


def _any(work: Reading, condition: ColumnElement[bool]) -> bool:
    return work.session.scalar(select(select(1).where(condition).exists())) or False


def _served_nas(work: Reading) -> list[Nas]:
    """All NAS, with their secrets: without them a server could answer nobody.

    Raises:
        KeyUnusable: the second key is missing.
    """
    work.keyring.require_second()
    return list_nas(work)
