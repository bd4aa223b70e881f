"""``nexio today``: the day of reception on one screen."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Final

import click

from nexio.errors import Unreachable
from nexio_cli.terminal import once, options, output, places
from nexio_cli.terminal.shapes import today_json

if TYPE_CHECKING:
    from nexio.checkin.today import Today

LOOKS_EVERY: Final = 2.0
"""Seconds."""


@click.command(cls=once.Command)
@click.option("--watch", is_flag=True, help="On a terminal: go on showing it, until Ctrl-C.")
@options.location
@places.all_locations
@options.as_json
def command(location_name: str | None, *, watch: bool, all_locations: bool, as_json: bool) -> None:
    """Show the day on one screen: who is expected, in, out, and what went wrong.

    Below them: who was still in at the cut-off within 24 hours and so never checked out, whose
    mail has not gone out, and whom the Wi-Fi refused today and has not let on since, with the
    reason. Who is late stands first.

    --watch looks again every 2 seconds. While the store is away it says so, and shows what was
    there before.
    """
    if watch and (as_json or not sys.stdout.isatty()):
        raise click.UsageError("'--watch' is for a terminal, without '--json'.")
    days = _look(location_name, everywhere=all_locations)
    if as_json:
        output.print_json([today_json(each) for each in days])
    elif watch:
        _watch(days, location_name, everywhere=all_locations)
    elif sys.stdout.isatty():
        from nexio_cli.terminal.day_view import Screen, console

        console().print(Screen(days, may_scroll=True))
    else:
        from nexio_cli.terminal.day_rows import COLUMNS, rows_of

        rows = [row for each in days for row in rows_of(each)]
        output.print_table(COLUMNS, rows, "Nobody is expected today, and nobody is in.")


def _look(location_name: str | None, *, everywhere: bool) -> list[Today]:
    from nexio.checkin.today import today_at
    from nexio_cli.terminal.day_rows import NO_GUESTS

    with options.reading() as work:
        chosen = places.chosen_locations(work, location_name, everywhere=everywhere)
        return [today_at(work, each, NO_GUESTS) for each in chosen]


def _watch(days: list[Today], location_name: str | None, *, everywhere: bool) -> None:
    from rich.live import Live

    from nexio_cli.terminal.day_view import Screen, console

    away: Unreachable | None = None
    screen = Live(console=console(), screen=True, auto_refresh=False)
    with options.until_ctrl_c(), screen as live:
        while True:
            live.update(Screen(days, away), refresh=True)
            time.sleep(LOOKS_EVERY)
            try:
                days, away = _look(location_name, everywhere=everywhere), None
            except Unreachable as error:  # for a moment: the next look may see it again
                away = error
