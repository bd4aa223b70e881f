"""Periodic jobs.  Correctness never depends on them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, astuple, dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, delete, func, or_, select, update
from sqlalchemy.orm import InstrumentedAttribute

from nexio.checkin.cut_offs import write_cut_offs
from nexio.checkin.offline_taps import forget_delivered
from nexio.locations.locations import Location, list_locations
from nexio.network.guard_table import forget_old, live_visits
from nexio.network.lost_sessions import close_lost
from nexio.network.nas_signatures import forget_signatures
from nexio.network.servers import forget_servers
from nexio.outbox.outbox import MailState
from nexio.store import audit
from nexio.store.batches import batch_of
from nexio.store.engine import Reading, Store, Writing
from nexio.store.groups import in_groups
from nexio.store.tables import (
    AccessTokenRow,
    AuditRow,
    AuthEventRow,
    ChangeRow,
    CheckInRow,
    DeviceRow,
    GuardActRow,
    MemberPassRow,
    MemberRow,
    OutboxRow,
    PassCodeRow,
    PinDayRow,
    PinRow,
    RemovedRow,
    Row,
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

    mails: int = 0
    """Notes that a mail was sent, or failed, that were forgotten."""

    check_ins: int = 0
    members: int = 0
    """Those who were removed long ago, and were forgotten."""

    audit: int = 0
    """Entries of who did what that were forgotten."""


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
        events = _forget_old_rows(work, AuthEventRow, AuthEventRow.at, locations, _days)
    with store.write() as work:
        lost = close_lost(work)
    with store.write() as work:
        heard_at = WifiSessionRow.heard_at
        sessions = _forget_old_rows(work, WifiSessionRow, heard_at, locations, _session_days)
    with store.write() as work:
        mails = sum(_forget_mail(work, location) for location in locations)
    with store.write() as work:
        check_ins = sum(_forget_check_ins(work, location) for location in locations)
    with store.write() as work:
        members = sum(_forget_members(work, location) for location in locations)
    with store.write() as work:
        entries = _forget_audit(work, locations)
    with store.write() as work:
        _drop_days(work)
        forget_servers(work)
        forget_signatures(work)
        forget_delivered(work)
        connection = work.session.connection()
        forget_old(connection, work.now, live_visits(connection, work.now))
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
    with store.write() as work:
        _drop_changes(work, most_changes)
        if any(astuple(tidied)):
            audit.record(work, "housekeeping", "store", 1, asdict(tidied))
    return tidied


def _days(location: Location) -> int | None:
    return location.settings.retention_days


def _session_days(location: Location) -> int | None:
    settings = location.settings
    return settings.session_retention_days or settings.retention_days


def _audit_days(location: Location) -> int | None:
    return location.settings.audit_retention_days


def _since(work: Reading, days: int | None) -> datetime | None:
    """The instant before which everything is deleted; None deletes nothing."""
    return None if days is None else work.now - timedelta(days=days)


def _forget_visits(store: Store, location: Location) -> int:
    """Visits of a location that are past their time, a group in each transaction."""
    count = 0
    while True:
        with store.write() as work:
            since = _since(work, _days(location))
            if since is None:
                return count
            group = work.session.scalars(
                select(VisitRow.id).where(_is_past(location, since)).limit(VISITS_PER_TRANSACTION)
            ).all()
            forget_visits(work, group)
        count += len(group)
        if len(group) < VISITS_PER_TRANSACTION:
            return count


def _is_past(location: Location, since: datetime) -> ColumnElement[bool]:
    """Whether a visit ended or was deleted before then, and nobody checked in later."""
    ended = func.coalesce(VisitRow.deleted_at, VisitRow.closes_at) < since
    later = VisitRow.check_ins.any(CheckInRow.cut_off_at >= since)
    return (VisitRow.location_id == location.id) & ended & ~later


def forget_visits(work: Writing, visits: Sequence[int]) -> None:
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
    days: Callable[[Location], int | None],
) -> int:
    """Rows of a log that are past the time of their location; those of no location, too."""
    limits = [(table.location_id == each.id, _since(work, days(each))) for each in locations]
    limits.append((table.location_id.is_(None), _since_everywhere(work, locations, days)))
    count = 0
    for of_location, since in limits:
        if since is not None:
            past = of_location & (at < since)
            count += _delete(work, table, past)
    return count


def _since_everywhere(
    work: Reading, locations: Sequence[Location], days: Callable[[Location], int | None]
) -> datetime | None:
    """Rows without a location stay as long as those of the location that keeps them longest."""
    limits = [_since(work, days(location)) for location in locations]
    known = [since for since in limits if since is not None]
    return min(known) if known and len(known) == len(limits) else None


def _forget_mail(work: Writing, location: Location) -> int:
    """What was sent long ago, or failed; what waits stays."""
    since = _since(work, location.settings.mail_retention_days)
    if since is None:
        return 0
    here = or_(
        OutboxRow.visit_id.in_(select(VisitRow.id).where(VisitRow.location_id == location.id)),
        OutboxRow.member_id.in_(select(MemberRow.id).where(MemberRow.location_id == location.id)),
    )
    done = OutboxRow.state != MailState.QUEUED.value
    return _delete(work, OutboxRow, here & done & (OutboxRow.created_at < since))


def _forget_check_ins(work: Writing, location: Location) -> int:
    """Stays that ended long ago; those of a visit that is not over say what state it is in."""
    since = _since(work, location.settings.check_in_retention_days)
    if since is None:
        return 0
    ended = func.coalesce(CheckInRow.out_at, CheckInRow.cut_off_at) < since
    over = select(VisitRow.id).where(VisitRow.closes_at < since)
    its_time = CheckInRow.member_id.is_not(None) | CheckInRow.visit_id.in_(over)
    return _delete(work, CheckInRow, (CheckInRow.location_id == location.id) & ended & its_time)


def _forget_members(work: Writing, location: Location) -> int:
    """Members who were removed long ago, once no visit names them as its host."""
    since = _since(work, location.settings.member_retention_days)
    if since is None:
        return 0
    hosts = select(VisitRow.member_id).where(VisitRow.member_id.is_not(None))
    gone = (MemberRow.location_id == location.id) & (MemberRow.removed_at < since)
    members = work.session.scalars(
        select(MemberRow.id).where(gone, MemberRow.id.not_in(hosts))
    ).all()
    for group in in_groups(members):
        forget_members(work, group)
    return len(members)


def forget_members(work: Writing, members: Sequence[int]) -> None:
    """Delete members whom no visit names as its host, with everything that refers to them."""
    about_passes = (AuditRow.subject == "pass") & AuditRow.details["member"].as_integer().in_(
        members
    )
    of_members = (AuditRow.subject == "member") & AuditRow.subject_id.in_(members)
    work.session.execute(delete(AuditRow).where(of_members | about_passes))
    passes = select(MemberPassRow.id).where(MemberPassRow.member_id.in_(members))
    work.session.execute(delete(PassCodeRow).where(PassCodeRow.pass_id.in_(passes)))
    for table in (MemberPassRow, PinRow, CheckInRow, OutboxRow):
        work.session.execute(delete(table).where(table.member_id.in_(members)))
    work.session.execute(delete(MemberRow).where(MemberRow.id.in_(members)))


def _forget_audit(work: Writing, locations: Sequence[Location]) -> int:
    since = _since_everywhere(work, locations, _audit_days)
    return 0 if since is None else _delete(work, AuditRow, AuditRow.at < since)


def _delete(work: Writing, table: type[Row], which: ColumnElement[bool]) -> int:
    count = work.count(which)
    if count:
        work.session.execute(delete(table).where(which))
    return count


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
