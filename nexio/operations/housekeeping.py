"""Periodic jobs.  Correctness never depends on them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, delete, func, select, update
from sqlalchemy.orm import InstrumentedAttribute

from nexio.checkin.cut_offs import write_cut_offs
from nexio.checkin.offline_taps import forget_delivered
from nexio.locations.locations import Location, list_locations
from nexio.network.guard_table import forget_old, live_visits
from nexio.network.lost_sessions import close_lost
from nexio.store.batches import batch_of
from nexio.store.engine import Reading, Store, Writing
from nexio.store.tables import (
    AccessTokenRow,
    AuditRow,
    AuthEventRow,
    ChangeRow,
    CheckInRow,
    DeviceRow,
    GuardActRow,
    OutboxRow,
    PinDayRow,
    PinRow,
    RemovedRow,
    StoreRevisionRow,
    VisitRow,
    WifiSessionRow,
)

Logged = AuthEventRow | WifiSessionRow

MOST_CHANGES = 100_000
"""How many changes a reader may be behind before it loads everything again."""

VISITS_PER_TRANSACTION = 500
"""Visits that are forgotten in one transaction, so that no desk waits for long."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tidied:
    """What housekeeping did."""

    cut_offs: int
    """Check-outs that the end of the day had made."""

    visits: int
    """Past visits that were forgotten, by each location's ``retention-days``."""

    events: int
    """Decisions in the log that were forgotten."""

    sessions: int = 0
    """Sessions on the Wi-Fi that were forgotten."""

    lost: int = 0
    """Those whose NAS had gone silent, and that were closed."""


def tidy(store: Store, *, most_changes: int = MOST_CHANGES) -> Tidied:
    """Write cut-offs, forget what is past its time, and drop changes that nobody needs.

    Each part is a transaction of its own, so that nobody waits for the whole.
    """
    with store.write() as work:
        cut_offs = write_cut_offs(work)
    with store.read() as look:
        locations = list_locations(look)
    visits = sum(_forget_visits(store, location) for location in locations)
    with store.write() as work:
        events = _forget_old_rows(work, AuthEventRow, AuthEventRow.at, locations)
    with store.write() as work:
        lost = close_lost(work)
    with store.write() as work:
        sessions = _forget_old_rows(work, WifiSessionRow, WifiSessionRow.heard_at, locations)
    with store.write() as work:
        _drop_days(work)
        forget_delivered(work)
        connection = work.session.connection()
        forget_old(connection, work.now, live_visits(connection, work.now))
    with store.write() as work:
        _drop_changes(work, most_changes)
    return Tidied(cut_offs=cut_offs, visits=visits, events=events, sessions=sessions, lost=lost)


def _since(work: Reading, location: Location) -> datetime | None:
    """The instant before which everything is deleted; None deletes nothing."""
    days = location.settings.retention_days
    return None if days is None else work.now - timedelta(days=days)


def _forget_visits(store: Store, location: Location) -> int:
    """Visits of a location that are past their time, a group in each transaction."""
    count = 0
    while True:
        with store.write() as work:
            since = _since(work, location)
            if since is None:
                return count
            group = work.session.scalars(
                select(VisitRow.id).where(_is_past(location, since)).limit(VISITS_PER_TRANSACTION)
            ).all()
            _forget(work, group)
        count += len(group)
        if len(group) < VISITS_PER_TRANSACTION:
            return count


def _is_past(location: Location, since: datetime) -> ColumnElement[bool]:
    """Whether a visit ended or was deleted before then, and nobody checked in later."""
    ended = func.coalesce(VisitRow.deleted_at, VisitRow.closes_at) < since
    later = VisitRow.check_ins.any(CheckInRow.cut_off_at >= since)
    return (VisitRow.location_id == location.id) & ended & ~later


def _forget(work: Writing, visits: Sequence[int]) -> None:
    """Delete visits with everything that refers to them."""
    if not visits:
        return
    batch = batch_of(work.session)
    work.session.add_all(RemovedRow(kind="visit", object_id=id_, batch=batch) for id_ in visits)
    replaced = update(VisitRow).where(VisitRow.replaces_id.in_(visits))
    work.session.execute(replaced.values(replaces_id=None))
    # Sessions before the tokens that they lead to.
    hanging = (
        WifiSessionRow, AccessTokenRow, PinRow, CheckInRow, OutboxRow, AuthEventRow, GuardActRow,
        DeviceRow,
    )  # fmt: skip
    for table in hanging:
        work.session.execute(delete(table).where(table.visit_id.in_(visits)))
    of_visits = (AuditRow.subject == "visit") & AuditRow.subject_id.in_(visits)
    work.session.execute(delete(AuditRow).where(of_visits))
    work.session.execute(delete(VisitRow).where(VisitRow.id.in_(visits)))


def _forget_old_rows(
    work: Writing,
    table: type[Logged],
    at: InstrumentedAttribute[datetime],
    locations: Sequence[Location],
) -> int:
    """Rows of a log that are past the time of their location; those of no location, too."""
    limits = [(table.location_id == each.id, _since(work, each)) for each in locations]
    limits.append((table.location_id.is_(None), _since_everywhere(work, locations)))
    count = 0
    for of_location, since in limits:
        if since is not None:
            past = of_location & (at < since)
            count += work.count(past)
            work.session.execute(delete(table).where(past))
    return count


def _since_everywhere(work: Reading, locations: Sequence[Location]) -> datetime | None:
    """Rows without a location stay as long as those of the location that keeps them longest."""
    limits = [_since(work, location) for location in locations]
    known = [since for since in limits if since is not None]
    return min(known) if known and len(known) == len(limits) else None


def _drop_days(work: Writing) -> None:
    """Nobody draws a PIN for a day that is over in every time zone."""
    over = work.now.date() - timedelta(days=2)
    work.session.execute(delete(PinDayRow).where(PinDayRow.day < over))


def _drop_changes(work: Writing, most: int) -> None:
    """Keep the newest changes; a reader that is further behind loads everything (``oldest``)."""
    revision = work.session.scalars(select(StoreRevisionRow).with_for_update()).one()
    oldest = revision.number - most
    if oldest <= revision.oldest:
        return
    dropped = select(ChangeRow.batch).where(ChangeRow.number <= oldest)
    work.session.execute(delete(RemovedRow).where(RemovedRow.batch.in_(dropped)))
    work.session.execute(delete(ChangeRow).where(ChangeRow.number <= oldest))
    revision.oldest = oldest
