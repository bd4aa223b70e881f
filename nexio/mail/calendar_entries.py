"""A visit as an entry for the visitor's calendar (RFC 5545, RFC 5546), and its edition.

Instants are in UTC, which every calendar shows in its owner's own zone, and which needs no
table of clock changes.  The PIN is not in it: people share their calendars.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from icalendar import Calendar, Event, vCalAddress, vText
from sqlalchemy import select

from nexio.outbox.mailboxes import Mailbox
from nexio.outbox.outbox import Template
from nexio.reception.visits import Visit
from nexio.store.engine import Reading
from nexio.store.sealed import sign
from nexio.store.tables import OutboxRow, VisitRow

METHOD = "PUBLISH"
"""RFC 5546 section 3.2.1: nobody is asked for an answer, and the same UID with a higher
SEQUENCE takes the place of what was there."""

LONGEST_ENTRY = timedelta(days=1)
"""Wi-Fi for longer than that says nothing about the length of the visit."""


_WITH_ENTRY = (Template.VISITOR_REGISTERED.value, Template.VISITOR_UPDATED.value)


@dataclass(frozen=True, slots=True, kw_only=True)
class Edition:
    """Which entry it is, and which edition of it (RFC 5545 section 3.8.7.4)."""

    uid: str
    sequence: int


def calendar_entry(visit: Visit, sender: Mailbox, edition: Edition, now: datetime) -> str:
    """The visit as a calendar of one event.

    Args:
        visit: what to tell; the event ends with its Wi-Fi, or else where it starts.
        sender: who organises it.
        edition: the same ``uid`` for all mails of a visit, each with a higher ``sequence``.
        now: when this was made.
    """
    event = Event()
    event.add("uid", edition.uid)
    event.add("sequence", edition.sequence)
    event.add("dtstamp", now)
    event.add("dtstart", visit.expected_arrival)
    end = _end(visit)
    if end is not None:
        event.add("dtend", end)
    event.add("summary", f"Visit to {visit.location.name}")
    event.add("location", visit.location.name)
    host = f"Your host: {visit.host}\n" if visit.host else ""
    event.add("description", f"{host}Your PIN and your QR code are in the e-mail.")
    event.add("organizer", _organizer(sender))
    event.add("transp", "TRANSPARENT")  # a short stop at a desk, not an engagement
    calendar = Calendar()
    calendar.add("prodid", "-//nexio//visits//EN")
    calendar.add("version", "2.0")
    calendar.add("method", METHOD)
    calendar.add_component(event)
    text: bytes = calendar.to_ical()
    return text.decode()


def edition_of(work: Reading, row: OutboxRow, sender: Mailbox) -> Edition:
    """The entry of a visit and of those that it replaces (R5): one line in the calendar.

    Signed by the store, so that two stores that send from one domain never meet in a UID.
    """
    visits = _replaced(work, row.visit_id)
    first = min(visits)
    before = OutboxRow.visit_id.in_(visits) & (OutboxRow.id < row.id)
    return Edition(
        uid=f"visit-{first}-{sign(work, f'calendar:{first}').hex()[:16]}@{sender.domain}",
        sequence=work.count(before & OutboxRow.template.in_(_WITH_ENTRY)),
    )


def _end(visit: Visit) -> datetime | None:
    token = visit.token
    if token is None or token.valid_from is None or token.valid_until is None:
        return None
    short = token.valid_until - token.valid_from <= LONGEST_ENTRY
    return token.valid_until if short else None


def _organizer(sender: Mailbox) -> vCalAddress:
    organizer = vCalAddress(f"mailto:{sender.envelope}")
    if sender.name:
        organizer.params["CN"] = vText(sender.name)
    return organizer


def _replaced(work: Reading, visit_id: int | None) -> list[int]:
    """A visit and all before it."""
    chain: list[int] = []
    while visit_id is not None:
        chain.append(visit_id)
        visit_id = work.session.scalar(select(VisitRow.replaces_id).where(VisitRow.id == visit_id))
    return chain
