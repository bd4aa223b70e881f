"""Periodic jobs.  Correctness never depends on them."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, astuple, dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, delete, func, or_, select, true
from sqlalchemy.orm import InstrumentedAttribute

from nexio.checkin.cut_offs import write_cut_offs
from nexio.checkin.offline_taps import forget_delivered
from nexio.locations.locations import Location, list_locations
from nexio.network.guard_table import is_obsolete
from nexio.network.lost_sessions import close_all_lost
from nexio.network.nas_signatures import forget_signatures
from nexio.network.servers import forget_servers
from nexio.operations.pruning import forget_members, prune, prune_visits, rest
from nexio.outbox.outbox import MailState
from nexio.store import audit
from nexio.store.engine import Reading, Store, Writing
from nexio.store.groups import LARGEST_GROUP
from nexio.store.tables import (
    AuditRow,
    AuthEventRow,
    ChangeRow,
    CheckInRow,
    GuardActRow,
    MemberRow,
    OutboxRow,
    PinDayRow,
    RemovedRow,
    Row,
    StoreRevisionRow,
    VisitRow,
    WifiSessionRow,
)

Logged = AuthEventRow | WifiSessionRow

MOST_CHANGES = 100_000
"""How many changes a reader may be behind before it loads everything again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tidied:
    """How much housekeeping did."""

    cut_offs: int
    """Check-outs by cut-offs that were written to the store."""

    visits: int
    """Deleted past visits, by each location's ``retention-days``."""

    events: int
    """Deleted decisions in the log."""

    sessions: int = 0
    """Deleted Wi-Fi sessions."""

    lost: int = 0
    """Sessions that were closed because their NAS had gone silent."""

    mails: int = 0
    """Deleted notes that a mail was sent, or failed."""

    check_ins: int = 0
    members: int = 0
    """Deleted members who had been removed long ago."""

    audit: int = 0
    """Deleted audit entries."""


def tidy(store: Store, *, most_changes: int = MOST_CHANGES) -> Tidied:
    """Write cut-offs, delete what is past its retention, and drop changes that nobody needs.

    Each transaction changes only a few rows, so that nobody waits for long.
    """
    cut_offs = _write_all_cut_offs(store)
    with store.read() as look:
        locations = list_locations(look)
    visits = sum(_forget_visits(store, location) for location in locations)
    events = _forget_old_rows(store, AuthEventRow, AuthEventRow.at, locations, _days)
    lost = close_all_lost(store)
    last_report = WifiSessionRow.heard_at
    sessions = _forget_old_rows(store, WifiSessionRow, last_report, locations, _session_days)
    mails = sum(_forget_mail(store, location) for location in locations)
    check_ins = sum(_forget_check_ins(store, location) for location in locations)
    members = sum(_forget_members(store, location) for location in locations)
    entries = _forget_audit(store, locations)
    prune(store, GuardActRow, GuardActRow.at, lambda work: is_obsolete(work.now))
    with store.write() as work:
        _drop_days(work)
        forget_servers(work)
        forget_signatures(work)
        forget_delivered(work)
    _drop_changes(store, most_changes)
    tidied = Tidied(
        cut_offs=cut_offs,
        visits=visits,
        events=events,
        sessions=sessions,
        lost=lost,
        mails=mails,
        check_ins=check_ins,
        members=members,
        audit=entries,
    )
    if any(astuple(tidied)):
        with store.write() as work:
            audit.record(work, "housekeeping", "store", 1, asdict(tidied))
    return tidied


def _days(location: Location) -> int | None:
    return location.settings.retention_days


def _session_days(location: Location) -> int | None:
    settings = location.settings
    return settings.session_retention_days or settings.retention_days


def _audit_days(location: Location) -> int | None:
    return location.settings.audit_retention_days


def _write_all_cut_offs(store: Store) -> int:
    count = 0
    while True:
        began = time.monotonic()
        with store.write() as work:
            written = write_cut_offs(work, most=LARGEST_GROUP)
        count += written
        if written < LARGEST_GROUP:
            return count
        rest(began)


def _forget_visits(store: Store, location: Location) -> int:
    """Delete the visits of a location that are past their retention."""
    days = _days(location)
    if days is None:
        return 0
    return prune_visits(store, lambda work: _is_past(location, work.now - timedelta(days=days)))


def _is_past(location: Location, since: datetime) -> ColumnElement[bool]:
    """Whether a visit ended or was deleted before ``since``, and nobody checked in later."""
    ended = func.coalesce(VisitRow.deleted_at, VisitRow.closes_at) < since
    later = VisitRow.check_ins.any(CheckInRow.cut_off_at >= since)
    return (VisitRow.location_id == location.id) & ended & ~later


def _forget_old_rows(
    store: Store,
    table: type[Logged],
    at: InstrumentedAttribute[datetime],
    locations: Sequence[Location],
    days: Callable[[Location], int | None],
) -> int:
    """Delete log rows past the retention of their location, and rows without a location."""
    limits = [(table.location_id == each.id, days(each)) for each in locations]
    limits.append((table.location_id.is_(None), _days_everywhere(locations, days)))
    count = 0
    for here, retention in limits:
        count += _prune_older(store, table, at, here, retention)
    return count


def _days_everywhere(
    locations: Sequence[Location], days: Callable[[Location], int | None]
) -> int | None:
    """The retention of rows without a location: the longest of all locations."""
    known = [retention for retention in map(days, locations) if retention is not None]
    return max(known) if known and len(known) == len(locations) else None


def _prune_older(
    store: Store,
    table: type[Row],
    at: InstrumentedAttribute[datetime],
    which: ColumnElement[bool],
    days: int | None,
) -> int:
    """Delete rows older than so many days; None keeps everything."""
    if days is None:
        return 0
    retention = timedelta(days=days)
    # A session started before its last report, and there is an index by the start.
    by = WifiSessionRow.started_at if table is WifiSessionRow else at

    def past(work: Reading) -> ColumnElement[bool]:
        since = work.now - retention
        return which & (by < since) & (at < since)

    return prune(store, table, by, past)


def _forget_mail(store: Store, location: Location) -> int:
    """Delete mail that was sent long ago, or failed; waiting mail stays."""
    days = location.settings.mail_retention_days
    if days is None:
        return 0
    # Row by row: a list of a location's visits would be built again for each transaction.
    here = or_(
        OutboxRow.visit.has(VisitRow.location_id == location.id),
        OutboxRow.member.has(MemberRow.location_id == location.id),
    )
    done = OutboxRow.state != MailState.QUEUED.value
    retention = timedelta(days=days)
    return prune(
        store,
        OutboxRow,
        OutboxRow.id,
        lambda work: (OutboxRow.created_at < work.now - retention) & done & here,
    )


def _forget_check_ins(store: Store, location: Location) -> int:
    """Delete stays that ended long ago, except of visits that are not over: they need the state."""
    days = location.settings.check_in_retention_days
    if days is None:
        return 0

    def past(work: Reading) -> ColumnElement[bool]:
        since = work.now - timedelta(days=days)
        ended = func.coalesce(CheckInRow.out_at, CheckInRow.cut_off_at) < since
        began = (CheckInRow.location_id == location.id) & (CheckInRow.in_at < since)
        over = CheckInRow.visit.has(VisitRow.closes_at < since)
        return began & ended & (CheckInRow.member_id.is_not(None) | over)

    return prune(store, CheckInRow, CheckInRow.in_at, past)


def _forget_members(store: Store, location: Location) -> int:
    """Delete members who were removed long ago, once no visit names them as its host."""
    days = location.settings.member_retention_days
    if days is None:
        return 0
    retention = timedelta(days=days)
    hosts = select(VisitRow.member_id).where(VisitRow.member_id == MemberRow.id).exists()
    count = 0
    while True:
        began = time.monotonic()
        with store.write() as work:
            gone = (MemberRow.location_id == location.id) & (
                MemberRow.removed_at < work.now - retention
            )
            members = select(MemberRow.id).where(gone, ~hosts).limit(LARGEST_GROUP)
            group = work.session.scalars(members).all()
            forget_members(work, group)
        count += len(group)
        if len(group) < LARGEST_GROUP:
            return count
        rest(began)


def _forget_audit(store: Store, locations: Sequence[Location]) -> int:
    days = _days_everywhere(locations, _audit_days)
    return _prune_older(store, AuditRow, AuditRow.at, true(), days)


def _drop_days(work: Writing) -> None:
    """Delete the days that are over in every time zone: nobody draws a PIN for them."""
    over = work.now.date() - timedelta(days=2)
    work.session.execute(delete(PinDayRow).where(PinDayRow.day < over))


def _drop_changes(store: Store, most: int) -> None:
    """Keep the newest changes; a reader that is further behind loads everything (``oldest``)."""
    with store.write() as work:  # short: all writers wait for this row
        revision = work.session.scalars(select(StoreRevisionRow).with_for_update()).one()
        oldest = revision.oldest = max(revision.oldest, revision.number - most)
    while _drop_some_changes(store, oldest):
        pass


def _drop_some_changes(store: Store, oldest: int) -> bool:
    """Drop one transaction's worth of changes and their removals; return whether there were any."""
    with store.read() as look:
        dropped = select(ChangeRow.number, ChangeRow.batch).where(ChangeRow.number <= oldest)
        dropped = dropped.order_by(ChangeRow.number).limit(LARGEST_GROUP)
        found = look.session.execute(dropped).all()
    if not found:
        return False
    removed = RemovedRow.batch.in_([change.batch for change in found])
    prune(store, RemovedRow, RemovedRow.id, lambda _: removed)
    began = time.monotonic()
    with store.write() as work:
        work.session.execute(delete(ChangeRow).where(ChangeRow.number <= found[-1].number))
    rest(began)
    return True
