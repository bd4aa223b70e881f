"""``nexio housekeeping``."""

from __future__ import annotations

from dataclasses import asdict

import click

from nexio_cli.terminal import once, options, output, posting


@click.command(cls=once.Command)
@options.as_json
def command(*, as_json: bool) -> None:
    """Periodic jobs, for cron: check out at cut-off, send mail, delete what is past its time."""
    from nexio.operations.housekeeping import tidy

    with options.opened() as store:
        tidied = tidy(store)
    words = (
        f"Checked out at the end of their day: {tidied.cut_offs};"
        f" forgotten: {tidied.visits} visits, {tidied.events} decisions,"
        f" {tidied.sessions} sessions."
    )
    output.print_answer(asdict(tidied), words, as_json=as_json)
    posting.deliver_all()
