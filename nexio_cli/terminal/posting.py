"""Sends mail at once, after the command that queued it has done its work."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nexio.errors import NexioError
from nexio_cli.terminal import options, output

if TYPE_CHECKING:
    from nexio.mail.delivery import Outgoing, Report
    from nexio.store.engine import Store

MAIL_SECONDS = 5.0
"""Seconds that somebody at the desk waits for the mail server."""

RECEIPT_SECONDS = 10.0
"""Seconds for the server to confirm a mail: without its answer the mail would be sent twice."""


def deliver_now(*, quiet: bool = False) -> None:
    """Send what was just queued, and wait no longer than somebody at the desk would.

    Args:
        quiet: print nothing if this deployment sends no mail.
    """
    _deliver(at_desk=True, quiet=quiet)


def deliver_all() -> None:
    """Send all that is due, as patiently as 'nexio mail deliver'."""
    _deliver(at_desk=False, quiet=True)


def _deliver(*, at_desk: bool, quiet: bool) -> None:
    """Send mail; any error is only a note, as the mail stays queued."""
    try:
        outgoing = _outgoing()
        if outgoing is not None:
            with options.opened() as store:
                _note(_deliver_through(store, outgoing, at_desk=at_desk))
        elif not quiet:
            output.say("The mail waits: no mail server is configured (NEXIO_SMTP_URL).")
    except NexioError as error:
        output.warn([f"The mail waits: {error}. {error.advice}"])


def _outgoing() -> Outgoing | None:
    configuration = options.configuration()
    if configuration.smtp_url is None:  # then the modules for mail are not loaded
        return None
    from nexio.mail.delivery import outgoing_of

    return outgoing_of(configuration)


def _deliver_through(store: Store, outgoing: Outgoing, *, at_desk: bool) -> Report:
    from nexio.mail.delivery import deliver
    from nexio.mail.smtp import MailTimeouts

    desk = MailTimeouts(mail=MAIL_SECONDS, receipt=RECEIPT_SECONDS, total=MAIL_SECONDS)
    return deliver(store, outgoing, newest_first=at_desk, timeouts=desk if at_desk else None)


def _note(report: Report) -> None:
    if report.trouble is not None:
        output.warn([f"{report.trouble}."])
    if report.failed:
        output.warn(["A mail cannot be sent; see: nexio mail list --state failed"])
    if report.postponed:
        one = report.waiting == 1
        words = "The mail waits and is" if one else f"{report.waiting} mails wait and are"
        output.say(f"{words} tried again by 'nexio mail deliver'.")
