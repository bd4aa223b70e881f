"""Queueing, rendering and delivering in one line each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select

from nexio.mail import delivery
from nexio.mail.delivery import Outgoing
from nexio.mail.rendering import render
from nexio.mail.server import parse_smtp_url
from nexio.mail.smtp import MailTimeouts
from nexio.outbox.mailboxes import parse_sender
from nexio.outbox.outbox import list_mail, queue_mail
from nexio.store.tables import OutboxRow

if TYPE_CHECKING:
    from email.message import EmailMessage

    from nexio.locations.locations import Location
    from nexio.mail.delivery import Report
    from nexio.outbox.outbox import Mail, Template
    from nexio.reception.visits import Visit
    from nexio.store.engine import Store

SENDER = parse_sender("Harbour House <desk@example.com>")
SHORT = MailTimeouts(mail=1.0, receipt=1.0)
"""Short, because some servers hang."""


def outgoing_to(url: str) -> Outgoing:
    """The configuration for mail from the desk by that server."""
    return Outgoing(server=parse_smtp_url(url), sender=SENDER)


def deliver(store: Store, url: str, timeouts: MailTimeouts | None = None) -> Report:
    """Send the mail that is due."""
    return delivery.deliver(store, outgoing_to(url), timeouts=timeouts)


def queue(store: Store, template: Template, visit: Visit) -> int | None:
    """Queue a mail about a visit."""
    with store.write() as work:
        return queue_mail(work, template, visit_id=visit.id)


def mails(store: Store, location: Location) -> list[Mail]:
    """The mail of a location, the oldest first."""
    with store.read() as work:
        return list_mail(work, location)[::-1]


def rendered(store: Store, number: int | None = None) -> EmailMessage:
    """The mail of that number, or the newest one, rendered as of now."""
    with store.read() as work:
        newest = work.session.scalars(select(OutboxRow.id).order_by(OutboxRow.id.desc())).first()
        row = work.session.get_one(OutboxRow, number or newest)
        return render(work, row, SENDER, "https://visit.example.com/").message


def text_of(message: EmailMessage, kind: str = "plain") -> str:
    """The plain text of a mail, or its ``html``."""
    body = message.get_body((kind,))
    assert body is not None
    text: str = body.get_content()
    return text


def attached(message: EmailMessage, content_type: str) -> EmailMessage:
    """The only part of a mail that has that type."""
    (part,) = [each for each in message.walk() if each.get_content_type() == content_type]
    return part
