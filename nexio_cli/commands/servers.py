"""``nexio servers``."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

import click

from nexio.input.durations import words_for
from nexio_cli.terminal import once, options, output

if TYPE_CHECKING:
    from nexio.network.servers import Server

COLUMNS: Final = (
    *("server", "kind", "state", "seen", "up for", "version"),
    *("table", "logins/s", "spool", "clock", "guesses"),
)
ONLY_WIDE: Final = ("kind", "up for", "version", "spool", "guesses")


@click.command(cls=once.Command)
@options.paged
@options.as_json
def command(limit: int | None, after: int | None, *, as_json: bool) -> None:
    """See every server that follows the store, and how it does.

    Each nexio-radiusd, and each FreeRADIUS with the plugin, tells the store of itself every ten
    seconds. "Silent" is one that has not for 45 seconds: it is down, or does not reach the store.
    One that was told to end is "stopped". After 90 days it is forgotten.

    "Table" is how long ago it followed the store, "logins/s" how many it decided lately, "spool"
    what waits for the store and how long, "clock" how far its clock is from the database's: more
    than a second is wrong. Last comes whether it counts guesses together with the others.
    """
    from nexio.network.guard_table import servers_at_work
    from nexio.network.servers import list_servers
    from nexio_cli.terminal.shapes import server_json

    with options.reading() as work:
        found = list_servers(work)
        sharing = servers_at_work(work.session.connection(), work.now)

    def shares(server: Server) -> bool:
        return server.state != "stopped" and server.report.writer in sharing

    output.print_list(
        options.page(found, limit, after),
        lambda server: server_json(server, shares_guesses=shares(server)),
        COLUMNS,
        lambda server: [
            server.identity.name,
            server.identity.kind,
            server.state,
            f"{words_for(server.silent_for)} ago",
            words_for(server.seen_at - server.report.started_at),
            server.report.version,
            f"{words_for(server.table_age)} old",
            f"{server.report.requests:.1f}",
            _spool(server),
            _clock(server),
            "shared" if shares(server) else "alone",
        ],
        "No server has told this store of itself.",
        as_json=as_json,
        only_wide=ONLY_WIDE,
        whole=("server", "kind"),
    )
    if not as_json:
        wrong = [each for each in found if each.state == "running" and each.is_clock_off]
        output.warn(
            f"the clock of {each.identity.name} is {each.clock_words} the database's"
            for each in wrong
        )


def _spool(server: Server) -> str:
    report = server.report
    if not report.spooled:
        return "0"
    return f"{report.spooled}, {words_for(timedelta(seconds=report.spool_age))} old"


def _clock(server: Server) -> str:
    off = server.report.clock_off
    if off is None:
        return "the same"
    return f"{abs(off):.1f} s {'ahead' if off > 0 else 'behind'}"
