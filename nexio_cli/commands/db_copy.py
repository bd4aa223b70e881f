"""``nexio db copy``: the store moves to another database."""

from __future__ import annotations

import os
from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING

import click

from nexio.clock import utc_now
from nexio.configuration_file import masked
from nexio.errors import InvalidValue
from nexio.input.names import counted
from nexio_cli.terminal import once, options, output, progress

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nexio.configuration import Configuration
    from nexio_cli.terminal.json_types import CopiedJson


@click.command(cls=once.Command)
@click.option(
    "--to",
    "to",
    metavar="URL",
    help="Where the new store is to be; default, with --from: the store of this deployment.",
)
@click.option(
    "--from",
    "from_",
    metavar="URL",
    help="The old store; default: the store of this deployment.",
)
@click.option("--dry-run", is_flag=True, help="Only look whether it can be copied.")
@options.as_json
def copy(to: str | None, from_: str | None, *, dry_run: bool, as_json: bool) -> None:
    """Copy all that a store holds into an empty database, and compare every row.

    It goes from SQLite to PostgreSQL and back. A URL is postgresql://user@host/database or
    sqlite:////folder/nexio.db; '-' reads it from the first line of stdin, so that no history and
    no list of processes shows its password. The new database must be empty; the file must not be
    there yet.

    The old store is only read, as of one moment, and may be in use. If somebody writes into it
    before all rows are compared, nothing stays of the copy (exit code 4). What is written there
    later is not in the new store: so let the servers have the new address first, and name the old
    one with --from. Until then they answer guests from memory, and keep decisions in the spool.

    The key file stays the same: the new store opens with it alone. At the end nexio says what to
    change on the servers.
    """
    from nexio.keys.ownership import refuse_open_folders
    from nexio.operations.copying import copy_store, look
    from nexio.store.engine import Store, parse_url

    configuration = options.configuration()
    to, from_ = _url("--to", to), _url("--from", from_)
    old, new = from_ or configuration.database_url, to or configuration.database_url
    if parse_url(old) == parse_url(new):
        raise InvalidValue("both are the same store", "Name the new one with --to.")
    refuse_open_folders(replace(configuration, database_url=new))
    clock = click.get_current_context().obj or utc_now
    with closing(Store.open(replace(configuration, database_url=old), clock)) as store:
        if dry_run:
            copied = look(store, new)
        else:
            with progress.watching(quiet=as_json) as watch:
                copied = copy_store(store, new, watch.step)
    steps = list(_next(configuration, new))
    shape: CopiedJson = {
        "old": masked(old),
        "new": masked(new),
        "done": not dry_run,
        "rows": copied.rows,
        "tables": copied.tables,
        "next": steps,
    }
    what = f"{counted(copied.rows, 'row')} of {counted(copied.tables, 'table')}"
    ways = f"from {masked(old)} to {masked(new)}"
    words = f"Copied {what} {ways}, and compared each."
    if dry_run:
        words = f"{what} can be copied {ways}."
    output.print_answer(shape, words, as_json=as_json)
    if not as_json:
        output.print_line("Then:" if dry_run else "What to do now, in this order:")
        for number, step in enumerate(steps, 1):
            output.print_line(f"{number}. {step}.")


def _url(option: str, typed: str | None) -> str | None:
    from nexio.store.engine import parse_url

    url = options.typed_or_read(typed)
    if url is not None:
        parse_url(url, option)
    return url


def _next(configuration: Configuration, new: str) -> Iterator[str]:
    """What to change, with no password in it."""
    keys, they = f"the key file {configuration.key_file}", "it opens"
    if configuration.nas_key_file.exists():
        keys, they = f"{keys} and the second one {configuration.nas_key_file}", "they open"
    yield f"Keep {keys}: {they} the new store, too, and every machine that uses it needs a copy"
    if new == configuration.database_url:
        yield "This deployment names the new store already: its servers follow it within seconds"
    else:
        yield "Let nobody write into the old store: what is written there now is not in the new one"
        yield from _new_address(configuration, new)
    yield "Restart servers that had the old address: systemctl restart nexio-radiusd nexio-webd"
    yield (
        "Where FreeRADIUS has the plugin: sudo nexio freeradius install, with the new address in"
        " the environment or the configuration file; then sudo systemctl restart freeradius"
    )
    yield "Look it over: nexio doctor, nexio db check, nexio radius status"
    yield "Remove the old store when all is well: it holds names and sealed PINs"


def _new_address(configuration: Configuration, new: str) -> Iterator[str]:
    """Where that is to be written: where the old address stands."""
    variable, shown = "NEXIO_DATABASE_URL", masked(new)
    if variable in options.settings() and not os.environ.get(variable):
        yield (
            f'On every machine, in {configuration.file}: database-url = "{shown}"; a password goes'
            " into a file of its own (database-password-file)"
        )
    else:
        yield (
            f"On every machine: {variable}='{shown}' in /etc/nexio/radiusd.env, webd.env"
            " and housekeeping.env, and wherever nexio is typed; or once for all of them"
            f' database-url = "{shown}" in /etc/nexio/nexio.toml'
        )
