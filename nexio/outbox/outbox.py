"""Mail to send, or sent: rows without text, written in the transaction that causes them.

So no mail is lost, and none is sent for a registration that failed.  The text is rendered when
the mail is sent: no rendered text and no PIN is stored here.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import ColumnElement, bindparam, delete, exists, func, insert, or_, select, update
from sqlalchemy.orm import aliased

from nexio.input.addresses import email_key
from nexio.input.names import full_name, search_key
from nexio.locations.locations import Location
from nexio.outbox.mailboxes import Mailbox
from nexio.store.engine import Reading, Writing
from nexio.store.groups import in_groups
from nexio.store.tables import MemberRow, OutboxRow, VisitRow


class Template(StrEnum):
    """The kind of a mail, by what has happened; the files of its text are named after it."""

    VISITOR_REGISTERED = "visitor-registered"
    """To the visitor: the PIN, the QR code, the Wi-Fi."""

    VISITOR_UPDATED = "visitor-updated"
    """To the visitor: the visit is at another time (R13)."""

    VISITOR_EXTENDED = "visitor-extended"
    """To the visitor: the Wi-Fi lasts longer (R2)."""

    VISITOR_CANCELLED = "visitor-cancelled"
    """To the visitor: the visit was deleted (R13)."""

    VISITOR_ARRIVED = "visitor-arrived"
    """To the host: the visitor has checked in."""

    MEMBER_PIN = "member-pin"
    """To a member: the PIN."""

    MEMBER_PASS = "member-pass"
    """To a member: the link to the pass on the phone."""


_INSERT = insert(OutboxRow)

ABOUT_DELETED = frozenset({Template.VISITOR_CANCELLED, Template.VISITOR_ARRIVED})
"""Mails that go out although their visit was deleted."""


class MailState(StrEnum):
    """The state of a mail; ``none`` if there is no mail."""

    QUEUED = "queued"
    SENT = "sent"
    FAILED = "failed"
    NONE = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class Mail:
    """A mail without its text; all times are in UTC."""

    id: int
    template: Template
    to: Mailbox | None
    """None if there is no receiver any more: a host or a member who was removed."""

    visit_id: int | None
    member_id: int | None
    state: MailState
    attempts: int
    created_at: datetime
    next_try_at: datetime | None
    """None if it is not tried any more."""

    sent_at: datetime | None
    answer: str | None
    """The last reply of the mail server, or why the mail failed."""

    void: bool
    """Whether it waits but is about a deleted visit: it does not go out (R13)."""


def queue_mail(
    work: Writing,
    template: Template,
    *,
    visit_id: int | None = None,
    member_id: int | None = None,
) -> int | None:
    """Have a mail sent once this transaction is committed.

    It replaces a waiting mail of the same kind about the same visit or member: both would say the
    same, as the text is made when the mail is sent.

    Args:
        work: the transaction that causes the mail.
        template: what has happened.
        visit_id: the visit, or
        member_id: the member that it is about.

    Returns:
        The mail's number, or None if there is nobody to write to: a host who is no member, or
        a visitor without an e-mail.
    """
    work.session.flush()
    if visit_id is not None and not _has_receiver(work, template, visit_id):
        return None
    subject = (
        OutboxRow.member_id == member_id if visit_id is None else OutboxRow.visit_id == visit_id
    )
    same = (OutboxRow.template == template.value) & subject & is_waiting(work.now)
    connection = work.session.connection()
    connection.execute(delete(OutboxRow).where(same))
    about = {"visit_id": visit_id, "member_id": member_id}
    inserted = _INSERT.returning(OutboxRow.id)
    return connection.execute(inserted, _queued(work, template) | about).scalar_one()


def queue_first_mails(work: Writing, visit_ids: Sequence[int]) -> None:
    """Queue the registration mails of new visits, in one statement; each visit has an e-mail."""
    if visit_ids:
        work.session.connection().execute(
            _INSERT,
            [
                _queued(work, Template.VISITOR_REGISTERED) | {"visit_id": visit_id}
                for visit_id in visit_ids
            ],
        )


def move_waiting(work: Writing, successors: Mapping[int, int]) -> None:
    """Move or drop waiting mail when visits are replaced (R5).

    The host is still notified of the arrival; the visitor gets only the new mail.

    Args:
        work: the transaction.
        successors: the number of the new visit by that of the old one.
    """
    for group in in_groups(list(successors)):
        waiting = work.session.execute(
            select(OutboxRow.id, OutboxRow.visit_id, OutboxRow.template)
            .where(OutboxRow.visit_id.in_(group) & is_waiting(work.now))
            .order_by(OutboxRow.id)
            .with_for_update()
        ).all()
        moved = [
            {"id": number, "visit_id": successors[visit_id]}
            for number, visit_id, template in waiting
            if visit_id is not None and template == Template.VISITOR_ARRIVED.value
        ]
        if moved:
            work.session.execute(update(OutboxRow), moved)
        moved_numbers = {each["id"] for each in moved}
        dropped = [number for number, _, _ in waiting if number not in moved_numbers]
        for some in in_groups(dropped):
            work.session.execute(delete(OutboxRow).where(OutboxRow.id.in_(some)))


def _queued(work: Writing, template: Template) -> dict[str, Any]:
    """The columns of a mail that is due now, except whom it is about."""
    return {
        "template": template.value,
        "message_id": secrets.token_hex(16),
        "created_at": work.now,
        "state": MailState.QUEUED.value,
        "attempts": 0,
        "next_try_at": work.now,
    }


def list_mail(
    work: Reading,
    location: Location,
    state: MailState | None = None,
    limit: int = 50,
    after: int | None = None,
) -> list[Mail]:
    """The mail of a location, the newest first; with ``after``, only mails older than that one."""
    here = or_(VisitRow.location_id == location.id, MemberRow.location_id == location.id)
    query = (
        select(OutboxRow)
        .join(VisitRow, VisitRow.id == OutboxRow.visit_id, isouter=True)
        .join(MemberRow, MemberRow.id == OutboxRow.member_id, isouter=True)
        .where(here)
        .order_by(OutboxRow.id.desc())
        .limit(limit)
    )
    if state is not None:
        query = query.where(OutboxRow.state == state.value)
    if after is not None:
        query = query.where(OutboxRow.id < after)
    rows = work.session.scalars(query)
    return list(work.bad_rows.usable(rows, lambda row: _mail_of(work, row)))


def list_undelivered(work: Reading, location: Location) -> list[Mail]:
    """Mail that was tried and has not gone out, about visits that are not over; the newest first.

    Mail that a later one of the same kind replaces is left out.
    """
    newer = aliased(OutboxRow)
    same = (newer.visit_id == OutboxRow.visit_id) & (newer.template == OutboxRow.template)
    tried = (OutboxRow.state == MailState.QUEUED.value) & (OutboxRow.attempts > 0)
    query = (
        select(OutboxRow)
        .join(VisitRow, VisitRow.id == OutboxRow.visit_id)
        .where(
            or_(OutboxRow.state == MailState.FAILED.value, tried),
            VisitRow.location_id == location.id,
            VisitRow.deleted_at.is_(None) | OutboxRow.template.in_(ABOUT_DELETED),
            VisitRow.closes_at > work.now,
            ~exists().where(same, newer.id > OutboxRow.id),
        )
        .order_by(OutboxRow.id.desc())
    )
    rows = work.session.scalars(query)
    return list(work.bad_rows.usable(rows, lambda row: _mail_of(work, row)))


def mail_states(work: Reading, visit_ids: Sequence[int]) -> dict[int, MailState]:
    """The state of each visit's latest registration mail, in one query for many visits."""
    found = dict.fromkeys(visit_ids, MailState.NONE)
    for group in in_groups(visit_ids):
        for visit_id, state in work.session.execute(_STATES, {"visit_ids": group}):
            if visit_id is not None:
                found[visit_id] = MailState(state)
    return found


_STATES: Final = select(OutboxRow.visit_id, OutboxRow.state).where(
    OutboxRow.id.in_(
        select(func.max(OutboxRow.id))
        .where(
            OutboxRow.template == Template.VISITOR_REGISTERED.value,
            OutboxRow.visit_id.in_(bindparam("visit_ids", expanding=True)),
        )
        .group_by(OutboxRow.visit_id)
    )
)
"""The states of the latest registration mails; built once, as every read of a visit uses it."""


def queue_cancellation(work: Writing, visit_id: int) -> None:
    """Queue a cancellation for the visitor, if any mail has announced the visit.

    To the visitor, a reissued visit is the same one: the mail of the original counts.
    """
    announced = (OutboxRow.state == MailState.SENT.value) | OutboxRow.claimed_until.is_not(None)
    to_visitor = OutboxRow.template != Template.VISITOR_ARRIVED.value
    if work.count(OutboxRow.visit_id.in_(replaced_visits(work, visit_id)) & to_visitor & announced):
        queue_mail(work, Template.VISITOR_CANCELLED, visit_id=visit_id)


def replaced_visits(work: Reading, visit_id: int | None) -> list[int]:
    """A visit and all that it replaces (R5), the first one last."""
    chain: list[int] = []
    while visit_id is not None:
        chain.append(visit_id)
        visit_id = work.session.scalar(select(VisitRow.replaces_id).where(VisitRow.id == visit_id))
    return chain


def recipient_of(work: Reading, row: OutboxRow) -> Mailbox | None:
    """The receiver of a mail; None if there is none, such as for a host who is no member."""
    member = row.member
    if row.visit is not None:
        if row.template != Template.VISITOR_ARRIVED:
            return _mailbox(row.visit)
        member = find_host(work, row.visit)
    return None if member is None or member.removed_at is not None else _mailbox(member)


def find_host(work: Reading, visit: VisitRow) -> MemberRow | None:
    """The member whom a visitor comes to see.

    That is the member who registered the visit, else the only member of the location with the
    host's name or e-mail.  If two members have the same name, neither is chosen: the mail names the
    visitor, which is no business of the other one.
    """
    if visit.member_id is not None:
        return work.session.get(MemberRow, visit.member_id)
    if visit.host is None:
        return None
    members = work.session.execute(
        select(
            *(MemberRow.id, MemberRow.email_key, MemberRow.first_name, MemberRow.last_name)
        ).where(MemberRow.location_id == visit.location_id, MemberRow.removed_at.is_(None))
    )
    # Compared in Python: the databases disagree on upper and lower case beyond ASCII.
    name, address = search_key(visit.host), email_key(visit.host)
    found = [
        number
        for number, key, first_name, last_name in members
        if address == key or name == search_key(full_name(first_name, last_name))
    ]
    return work.session.get_one(MemberRow, found[0]) if len(found) == 1 else None


def is_waiting(now: datetime) -> ColumnElement[bool]:
    """Whether a mail has yet to be sent and nobody is sending it at this moment."""
    unclaimed = or_(OutboxRow.claimed_until.is_(None), OutboxRow.claimed_until <= now)
    return (OutboxRow.state == MailState.QUEUED.value) & unclaimed


def count_waiting(work: Reading) -> int:
    """The number of mails still to be sent, at all locations."""
    queued = OutboxRow.state == MailState.QUEUED.value
    return work.count(queued)


def _has_receiver(work: Reading, template: Template, visit_id: int) -> bool:
    visit = work.session.get(VisitRow, visit_id)
    if visit is None:
        return False
    if template is not Template.VISITOR_ARRIVED:
        return bool(visit.email)
    host = find_host(work, visit)
    return host is not None and host.removed_at is None


def _recipient(work: Reading, row: OutboxRow, state: MailState) -> Mailbox | None:
    """The receiver it went to, or would go to now."""
    if state is MailState.QUEUED or row.to_address is None:
        return recipient_of(work, row)
    return Mailbox(name=row.to_name or "", address=row.to_address)


def _mail_of(work: Reading, row: OutboxRow) -> Mail:
    state = MailState(row.state)
    waits = state is MailState.QUEUED
    known = row.fields_of(Mail) | {
        "template": Template(row.template),
        "state": state,
        "next_try_at": row.next_try_at if waits else None,
    }
    gone = row.visit is not None and row.visit.deleted_at is not None
    void = waits and gone and row.template not in ABOUT_DELETED
    return Mail(**known, to=_recipient(work, row, state), void=void)


def _mailbox(person: VisitRow | MemberRow) -> Mailbox:
    return Mailbox(name=full_name(person.first_name, person.last_name), address=person.email)
