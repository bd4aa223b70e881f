"""Sends the mail in the outbox, so that none is lost and hardly any is sent twice.

A mail is claimed in its own transaction, sent outside of any, and marked at once.  A process that
dies in between leaves a claim that expires: then the mail is sent once more, with the same
Message-ID.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from nexio.configuration import Configuration
from nexio.configuration_file import with_password
from nexio.errors import InvalidValue, MailServerUnreachable, NexioError, Refused
from nexio.input.web_urls import parse_web_url
from nexio.mail.attempts import GIVE_UP, claim_next, count_due, mark, postpone_due
from nexio.mail.rendering import Letter, render
from nexio.mail.server import MailServer, parse_smtp_url
from nexio.mail.smtp import MailOutcome, MailReply, MailTimeouts, SmtpConnection
from nexio.outbox.mailboxes import Mailbox, parse_sender
from nexio.outbox.outbox import count_waiting
from nexio.store import audit
from nexio.store.engine import Store
from nexio.store.tables import OutboxRow

FAILURES_IN_A_ROW = 3
"""After so many broken connections in a row, the server is at fault, not the mails."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outgoing:
    """The sender, and the server to send through."""

    server: MailServer
    sender: Mailbox
    web_url: str | None = None
    """The address of the web pages that mails link to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """The result of a delivery."""

    sent: int
    failed: int
    """Mails given up; ``nexio mail list`` shows the reason of each."""

    waiting: int
    """Mails still to be sent, now or later."""

    postponed: int = 0
    """Mails that were due in this run and not sent: they failed, or there was no time left."""

    trouble: MailServerUnreachable | None = None
    """Why it stopped early, if it did."""


def outgoing_of(configuration: Configuration) -> Outgoing | None:
    """How this deployment sends mail; None if it does not.

    Raises:
        InvalidValue: ``NEXIO_SMTP_URL``, ``NEXIO_MAIL_FROM`` or ``NEXIO_WEB_URL`` cannot be read.
        SecretUnusable: the file of the password cannot be used.
    """
    if configuration.smtp_url is None:
        return None
    url = with_password(configuration.smtp_url, configuration.smtp_password_file)
    server = parse_smtp_url(url)
    return Outgoing(
        server=server,
        sender=parse_sender(configuration.mail_from),
        web_url=None if configuration.web_url is None else parse_web_url(configuration.web_url),
    )


def deliver(
    store: Store,
    outgoing: Outgoing,
    *,
    newest_first: bool = False,
    timeouts: MailTimeouts | None = None,
) -> Report:
    """Send the mails that are due by the store's clock.

    Args:
        store: the store with the outbox.
        outgoing: from :func:`outgoing_of`.
        newest_first: prefer mails that were just queued to those that have waited for long.
        timeouts: how long to wait for the server.
    """
    tally: Counter[MailOutcome] = Counter()
    trouble: MailServerUnreachable | None = None
    broken = 0
    with SmtpConnection(outgoing.server, timeouts or MailTimeouts()) as connection:
        while trouble is None and not connection.is_late:
            number = claim_next(store, newest_first=newest_first)
            if number is None:
                break
            answer, trouble = _send(store, outgoing, connection, number)
            tally[mark(store, number, answer)] += 1
            broken = broken + 1 if answer.broken else 0
            if broken == FAILURES_IN_A_ROW:
                trouble = MailServerUnreachable(answer.words, "Look at the mail server's log.")
        if trouble is not None and not connection.is_late:
            postpone_due(store, str(trouble))
    with store.read() as work:
        waiting, due = count_waiting(work), count_due(work)
    return Report(
        sent=tally[MailOutcome.SENT],
        failed=tally[MailOutcome.REFUSED],
        waiting=waiting,
        postponed=tally[MailOutcome.LATER] + due,
        trouble=trouble,
    )


def note_delivery(store: Store, report: Report) -> None:
    """Record in the audit who sent mail; the outbox has the result of each mail."""
    if report.sent or report.failed:
        with store.write() as work:
            details = {"sent": report.sent, "failed": report.failed}
            audit.record(work, "deliver", "mail", 0, details)


def _send(
    store: Store, outgoing: Outgoing, connection: SmtpConnection, number: int
) -> tuple[MailReply, MailServerUnreachable | None]:
    """Render a mail and send it, outside of any transaction."""
    try:
        letter = _letter(store, outgoing, number)
        sender, to = outgoing.sender.envelope, letter.to.envelope
        return connection.send(sender, to, letter.message), None
    except MailServerUnreachable as error:
        return MailReply(outcome=MailOutcome.LATER, words=str(error)), error
    except (Refused, InvalidValue) as error:
        return MailReply(outcome=MailOutcome.REFUSED, words=str(error)), None
    except ValueError:  # its row, or what it is about, cannot be used
        return MailReply(
            outcome=MailOutcome.REFUSED, words="its row is damaged: nexio db check"
        ), None
    except NexioError as error:  # the key or the store: once repaired, the mail goes out
        return MailReply(outcome=MailOutcome.LATER, words=str(error)), None


def _letter(store: Store, outgoing: Outgoing, number: int) -> Letter:
    with store.read() as work:
        row = work.session.get(OutboxRow, number)
        if row is None:
            raise Refused("it was about somebody who is forgotten")
        # A mail that no server took for weeks is too old to be of use.
        if row.attempts == 0 and work.now > row.created_at + GIVE_UP:
            raise Refused(f"gave up after {GIVE_UP.days} days in which nothing was sent")
        return render(work, row, outgoing.sender, outgoing.web_url)
