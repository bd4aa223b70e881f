"""``nexio housekeeping``."""

from __future__ import annotations

import click

from nexio_cli.terminal import once, options, output, posting


@click.command(cls=once.Command)
@options.as_json
def command(*, as_json: bool) -> None:
    """What is to be done now and then, for cron: cut-offs, mail, what is past its time."""
    from nexio.operations.housekeeping import tidy

    with options.opened() as store:
        tidied = tidy(store)
    if as_json:
        output.print_json(
            {
                "cut_offs": tidied.cut_offs,
                "visits": tidied.visits,
                "events": tidied.events,
                "sessions": tidied.sessions,
            }
        )
    else:
        output.print_headline(
            f"Checked out at the end of their day: {tidied.cut_offs};"
            f" forgotten: {tidied.visits} visits, {tidied.events} decisions,"
            f" {tidied.sessions} sessions."
        )
    posting.deliver_all()
