"""``nexio mail``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from nexio.errors import MailServerUnreachable
from nexio.input.zones import show
from nexio_cli.commands import mail_template
from nexio_cli.terminal import once, options, output
from nexio_cli.terminal.shapes import mail_json

if TYPE_CHECKING:
    from nexio.locations.locations import Location
    from nexio.mail.delivery import Report
    from nexio.outbox.outbox import Mail
    from nexio.store.engine import Store
    from nexio_cli.terminal.json_types import DeliveryJson

STATES = click.Choice(["queued", "sent", "failed"])


@click.group(cls=once.Group)
def command() -> None:
    """See what is sent by e-mail, send what waits, and change what mails say."""


command.add_command(mail_template.command)


@command.command("list")
@click.option("--state", type=STATES, help="Only mail in this state.")
@click.option(
    "--limit",
    default=50,
    show_default=True,
    type=click.IntRange(1),
    metavar="N",
    help="How many to show.",
)
@options.after_option
@options.location
@options.as_json
def list_(
    state: str | None, limit: int, after: int | None, location_name: str | None, *, as_json: bool
) -> None:
    """List the mail of a location, the newest first, with the mail server's last answer.

    The column "when" is the time at which the mail was sent, or is tried next, or was queued.

    A queued mail is tried again after 1, 5, 15 and 60 minutes, then every 4 hours, for 3 days.
    A mail is sent when the mail server has taken it. It fails if the server refuses it for
    good, if nexio gives up, or if its visit or member is deleted or over.
    """
    from nexio.locations.locations import get_location
    from nexio.outbox.outbox import MailState, list_mail

    with options.reading() as work:
        location = get_location(work, location_name)
        wanted = MailState(state) if state is not None else None
        mails = list_mail(work, location, wanted, limit, after)
    output.print_list(
        mails,
        lambda mail: mail_json(mail, location),
        ["mail", "about", "to", "state", "when", "tries", "last answer"],
        lambda mail: _row(mail, location),
        "No mail here.",
        as_json=as_json,
        only_wide=("about", "tries"),
    )


@command.command()
@options.as_json
def deliver(*, as_json: bool) -> None:
    """Send the mail that waits, at all locations; run it from cron or a timer every minute.

    Commands that cause mail send it at once; this sends what had to wait. 'nexio housekeeping'
    does the same. Several may run at the same time: each mail is sent by one of them.

    The exit code is 0 also if single mails fail, and 5 if mail waits and the mail server is out
    of reach or not configured.
    """
    with options.opened() as store:
        report = _delivered(store)
    counts: DeliveryJson = {"sent": report.sent, "failed": report.failed, "waiting": report.waiting}
    words = f"Sent: {report.sent}. Failed: {report.failed}. Waiting: {report.waiting}."
    output.print_answer(counts, words, as_json=as_json)
    if report.trouble is not None and report.waiting:
        raise report.trouble
    if report.failed:
        output.say("Why they failed: nexio mail list --state failed")


def _delivered(store: Store) -> Report:
    from nexio.mail.delivery import Report, deliver, note_delivery, outgoing_of
    from nexio.outbox.outbox import count_waiting

    outgoing = outgoing_of(options.configuration())
    if outgoing is not None:
        report = deliver(store, outgoing)
        note_delivery(store, report)
        return report
    with store.read() as work:
        waiting = count_waiting(work)
    trouble = MailServerUnreachable(
        "no mail server is configured, so nothing is sent",
        "Say where it is: NEXIO_SMTP_URL=smtp://user:password@mail.example.com:587",
    )
    if not waiting:
        output.say("No mail server is configured (NEXIO_SMTP_URL), and nothing waits.")
    return Report(sent=0, failed=0, waiting=waiting, trouble=trouble)


def _row(mail: Mail, location: Location) -> list[str]:

    when = mail.sent_at or mail.next_try_at or mail.created_at
    return [
        str(mail.id),
        mail.template.value,
        "nobody" if mail.to is None else mail.to.address,
        mail.state.value,
        show(when, location.zone),
        str(mail.attempts),
        "does not go out: the visit was deleted" if mail.void else mail.answer or "",
    ]
