"""``nexio doctor``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from nexio_cli.terminal import once, options, output

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nexio.operations.health import Finding


@click.command(cls=once.Command)
@click.option(
    "--port",
    default=options.setting("NEXIO_RADIUSD_AUTH_PORT", "1812"),
    show_default="1812",
    type=click.IntRange(1, 65535),
    help="Where nexio-radiusd should answer.",
)
@options.as_json
@click.pass_context
def command(context: click.Context, port: int, *, as_json: bool) -> None:
    """Check everything and say what to do; exit code 4 when something is wrong.

    It checks the key, the store, the clock, the free PINs, how likely guessing is, a NAS for
    each location that gives Wi-Fi, mail, the disk, the tables that servers keep for a start
    without the store, all servers that follow the store, whose requests are signed, and the
    server at 127.0.0.1. The server needs a NAS entry for that address: nexio nas add
    this-machine 127.0.0.1. It changes nothing.
    """
    context.exit(output.print_findings(list(_findings(port)), as_json=as_json))


def _findings(port: int) -> Iterator[Finding]:
    from nexio.clock import utc_now
    from nexio.network.nas import list_nas
    from nexio.operations.fleet import look_at_fleet
    from nexio.operations.health import look_over
    from radius_auth.client.liveness import find_server, find_tables

    unwell = set()
    for finding in look_over(options.configuration(), utc_now):
        if not finding.well:
            unwell.add(finding.subject)
        yield finding
    if "key" in unwell:
        return
    newest = None
    # Without the NAS key none of them can be opened, which says nothing about them.
    tables = () if "NAS key" in unwell else find_tables(options.configuration())
    for finding, saved in tables:
        yield finding
        if saved and (newest is None or saved.followed_at > newest.followed_at):
            newest = saved
    if "store" not in unwell:
        with options.reading() as work:
            yield from look_at_fleet(work)
            yield find_server(list_nas(work), port)
    elif newest is not None:  # else nobody knows the secret to ask with
        yield find_server(newest.table.nas.entries, port)
