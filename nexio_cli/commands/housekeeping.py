"""``nexio housekeeping``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from nexio_cli.terminal import once, options, output, posting

if TYPE_CHECKING:
    from nexio_cli.terminal.json_types import HousekeepingJson


@click.command(cls=once.Command)
@options.as_json
def command(*, as_json: bool) -> None:
    """Run the periodic jobs, at all locations; correctness never depends on them.

    It records the check-outs of the cut-off, and closes sessions on the Wi-Fi whose access point
    has gone silent. It deletes visits that ended or were deleted more
    than retention-days ago, with their PINs, check-ins, sessions, mail and log entries, and
    decisions and sessions of that age. session-, mail-, check-in-, member- and
    audit-retention-days say how long to keep the rest. It deletes old notes of changes that no
    server needs. It sends the mail that waits; a note on stderr says if mail still has to wait.

    It deletes a few rows at a time, so desks and servers go on meanwhile. What it deletes is gone
    for good; backups still have it.
    """
    from nexio.operations.housekeeping import tidy

    with options.opened() as store:
        tidied = tidy(store)
    words = (
        f"Checked out at the end of their day: {tidied.cut_offs};"
        f" forgotten: {tidied.visits} visits, {tidied.events} decisions,"
        f" {tidied.sessions} sessions, {tidied.mails} mails, {tidied.check_ins} check-ins,"
        f" {tidied.members} members, {tidied.audit} entries of the audit;"
        f" closed as lost: {tidied.lost} sessions."
    )
    shape: HousekeepingJson = {
        "cut_offs": tidied.cut_offs,
        "visits": tidied.visits,
        "events": tidied.events,
        "sessions": tidied.sessions,
        "lost": tidied.lost,
        "mails": tidied.mails,
        "check_ins": tidied.check_ins,
        "members": tidied.members,
        "audit": tidied.audit,
    }
    output.print_answer(shape, words, as_json=as_json)
    posting.deliver_all()
