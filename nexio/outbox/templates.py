"""The kinds of mail there are, and whom each is for."""

from __future__ import annotations

from enum import StrEnum

from sqlalchemy import select

from nexio.input.addresses import email_key
from nexio.input.names import full_name, search_key
from nexio.outbox.mailboxes import Mailbox
from nexio.store.engine import Reading
from nexio.store.tables import MemberRow, OutboxRow, VisitRow


class Template(StrEnum):
    """A mail by what has happened; the files of its text are called after it."""

    VISITOR_REGISTERED = "visitor-registered"
    """To the visitor: the PIN, the QR code, the Wi-Fi."""

    VISITOR_UPDATED = "visitor-updated"
    """To the visitor: the visit is at another time (R13)."""

    VISITOR_ARRIVED = "visitor-arrived"
    """To the host: the visitor has checked in."""

    MEMBER_PIN = "member-pin"
    """To a member: the PIN."""


def recipient_of(work: Reading, row: OutboxRow) -> Mailbox | None:
    """Who gets a mail; None where nobody is known, such as a host who is no member."""
    member = row.member
    if row.visit is not None:
        if row.template != Template.VISITOR_ARRIVED:
            return _mailbox(row.visit)
        member = find_host(work, row.visit)
    return None if member is None or member.removed_at is not None else _mailbox(member)


def find_host(work: Reading, visit: VisitRow) -> MemberRow | None:
    """The member whom a visitor comes to see.

    The one who registered the visit, else the only member of the location with the name or the
    e-mail that stands as the host.  Of two members with one name neither is meant: a mail names
    the visitor, and is no business of the other one.
    """
    if visit.member_id is not None:
        return work.session.get(MemberRow, visit.member_id)
    if visit.host is None:
        return None
    members = work.session.scalars(
        select(MemberRow).where(
            MemberRow.location_id == visit.location_id, MemberRow.removed_at.is_(None)
        )
    )
    # Compared here: the databases disagree on upper and lower case beyond ASCII.
    name, address = search_key(visit.host), email_key(visit.host)
    found = [
        member
        for member in members
        if address == member.email_key
        or name == search_key(full_name(member.first_name, member.last_name))
    ]
    return found[0] if len(found) == 1 else None


def _mailbox(person: VisitRow | MemberRow) -> Mailbox:
    return Mailbox(name=full_name(person.first_name, person.last_name), address=person.email)
