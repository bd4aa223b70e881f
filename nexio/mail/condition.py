"""Checks for ``nexio doctor`` whether mail goes out."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import select

from nexio.configuration import Configuration
from nexio.errors import Refused
from nexio.mail.delivery import outgoing_of
from nexio.mail.smtp import MailTimeouts, SmtpConnection
from nexio.outbox.outbox import MailState, Template, mail_states
from nexio.store.engine import Reading
from nexio.store.tables import OutboxRow, VisitRow

TOO_LONG = timedelta(hours=1)
"""A mail that waits longer is late."""

TIMEOUTS = MailTimeouts(mail=5.0)


def look_at_mail(work: Reading, configuration: Configuration) -> str:
    """Try the mail server, and look for mail that does not go out.

    Returns:
        The state in words, if all is well.

    Raises:
        NexioError: what is wrong and what to do.
    """
    outgoing = outgoing_of(configuration)
    if outgoing is not None:
        with SmtpConnection(outgoing.server, TIMEOUTS) as connection:
            connection.open()
    late = _count_late(work)
    if late:
        raise Refused(
            f"mails that have waited for more than an hour: {late}",
            "Say where the mail server is: NEXIO_SMTP_URL=smtp://user:password@host:587"
            if outgoing is None
            else "Run 'nexio mail deliver' every minute; see: nexio mail list --state queued",
        )
    failed = _count_without_mail(work)
    if failed:
        raise Refused(
            f"visitors to come whose mail could not be sent: {failed}",
            "See: nexio mail list --state failed. Then: nexio visitor edit, or resend.",
        )
    if outgoing is None:
        return "no mail server is configured (NEXIO_SMTP_URL), and no mail waits for long"
    return f"{outgoing.server.shown} answers, and no mail waits for long"


def _count_late(work: Reading) -> int:
    late = (OutboxRow.state == MailState.QUEUED.value) & (
        OutboxRow.created_at < work.now - TOO_LONG
    )
    return work.count(late)


def _count_without_mail(work: Reading) -> int:
    """Visitors who are still expected and whose latest registration mail has failed."""
    failed = work.session.scalars(
        select(OutboxRow.visit_id)
        .join(VisitRow, VisitRow.id == OutboxRow.visit_id)
        .where(
            OutboxRow.template == Template.VISITOR_REGISTERED.value,
            OutboxRow.state == MailState.FAILED.value,
            VisitRow.deleted_at.is_(None),
            VisitRow.closes_at > work.now,
        )
        .distinct()
    )
    states = mail_states(work, [each for each in failed if each is not None])
    return sum(state is MailState.FAILED for state in states.values())
