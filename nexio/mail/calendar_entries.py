"""A visit as an entry for the visitor's calendar (RFC 5545, RFC 5546), and its edition.

Instants are in UTC: every calendar shows them in its owner's zone, and they need no table of
clock changes.  The PIN is not in it: people share their calendars.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from icalendar import Calendar, Event, vCalAddress, vText

from nexio.languages import Language
from nexio.outbox.mailboxes import Mailbox
from nexio.outbox.outbox import Template, replaced_visits
from nexio.reception.visits import Visit
from nexio.store.engine import Reading
from nexio.store.signing import sign
from nexio.store.tables import OutboxRow

VISIT = timedelta(hours=1)
"""The length of a visit without a known end."""

LONGEST = timedelta(days=1)
"""A visit that ends later does not fill the calendar as one block."""


class Method(StrEnum):
    """What the mail does to the calendar (RFC 5546 sections 3.2.1 and 3.2.5).

    No answer is requested; the same UID with a higher SEQUENCE replaces the previous entry.
    """

    PUBLISH = "PUBLISH"
    CANCEL = "CANCEL"


METHODS: Mapping[str, Method] = {
    Template.VISITOR_REGISTERED: Method.PUBLISH,
    Template.VISITOR_UPDATED: Method.PUBLISH,
    Template.VISITOR_EXTENDED: Method.PUBLISH,
    Template.VISITOR_CANCELLED: Method.CANCEL,
}
"""The mails that have a calendar entry."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Edition:
    """Which entry it is, and which edition of it (RFC 5545 section 3.8.7.4)."""

    uid: str
    sequence: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """The content of a calendar entry."""

    visit: Visit
    ends_at: datetime | None
    """When the visit ends, if somebody has given that."""

    sender: Mailbox
    """The organizer."""

    edition: Edition
    """The same ``uid`` for all mails of a visit, each with a higher ``sequence``."""

    method: Method
    language: Language


def calendar_entry(entry: Entry, now: datetime) -> str:
    """The visit as a calendar of one event: the time of the visit, not of its Wi-Fi."""
    visit, language = entry.visit, entry.language
    start, where = visit.expected_arrival, visit.location
    host = language.say("Your host: %(host)s", host=visit.host) + "\n" if visit.host else ""
    event = Event()
    event.add("uid", entry.edition.uid)
    event.add("sequence", entry.edition.sequence)
    event.add("dtstamp", now)
    event.add("dtstart", start)
    event.add("dtend", _end(start, entry.ends_at))
    event.add("summary", language.say("Visit to %(location)s", location=where.name))
    event.add("location", ", ".join(filter(None, (where.name, where.settings.address))))
    event.add("organizer", _organizer(entry.sender))
    event.add("transp", "OPAQUE")  # the visitor is busy at that time
    if entry.method is Method.CANCEL:
        event.add("status", "CANCELLED")
    else:
        note = language.say("Your PIN and your QR code are in the e-mail.")
        event.add("description", f"{host}{note}")
    calendar = Calendar()
    calendar.add("prodid", "-//nexio//visits//EN")
    calendar.add("version", "2.0")
    calendar.add("method", entry.method.value)
    calendar.add_component(event)
    text: bytes = calendar.to_ical()
    return text.decode()


def edition_of(work: Reading, row: OutboxRow, sender: Mailbox) -> Edition:
    """The edition for a visit; a visit and those that it replaces (R5) share one entry.

    The UID is signed by the store, so that two stores that send from one domain never share one.
    """
    visits = replaced_visits(work, row.visit_id)
    first = min(visits)
    before = OutboxRow.visit_id.in_(visits) & (OutboxRow.id < row.id)
    return Edition(
        uid=f"visit-{first}-{sign(work, f'calendar:{first}').hex()[:16]}@{sender.domain}",
        sequence=work.count(before & OutboxRow.template.in_(METHODS)),
    )


def _end(start: datetime, ends_at: datetime | None) -> datetime:
    return ends_at if ends_at is not None and start < ends_at <= start + LONGEST else start + VISIT


def _organizer(sender: Mailbox) -> vCalAddress:
    organizer = vCalAddress(f"mailto:{sender.envelope}")
    if sender.name:
        organizer.params["CN"] = vText(sender.name)
    return organizer
