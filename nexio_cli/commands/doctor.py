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
    default=1812,
    show_default=True,
    envvar="NEXIO_RADIUSD_AUTH_PORT",
    type=click.IntRange(1, 65535),
    help="Where nexio-radiusd should answer.",
)
@options.as_json
@click.pass_context
def command(context: click.Context, port: int, *, as_json: bool) -> None:
    """Check everything and say what to do; exit code 4 when something is wrong.

    It checks the key, the store, the clock, the free PINs, how likely guessing is, a NAS for
    each location that gives Wi-Fi, mail, the disk, and the server at 127.0.0.1. The server
    needs a NAS entry for that address: nexio nas add this-machine 127.0.0.1. It changes
    nothing.
    """
    context.exit(output.print_findings(list(_findings(port)), as_json=as_json))


def _findings(port: int) -> Iterator[Finding]:
    from nexio.clock import utc_now
    from nexio.operations.health import look_over
    from radius_auth.client.liveness import find_server

    well = True
    for finding in look_over(options.configuration(), utc_now):
        well = well and (finding.well or finding.subject not in {"key", "store"})
        yield finding
    if well:  # without the store nobody knows the secret to ask with
        with options.reading() as work:
            yield find_server(work, port)
