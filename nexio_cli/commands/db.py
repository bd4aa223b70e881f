"""``nexio db``."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from nexio.errors import InvalidValue, Refused
from nexio.input.names import counted
from nexio_cli.commands.db_copy import copy
from nexio_cli.terminal import once, options, output

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Engine

    from nexio_cli.terminal.json_types import BackupJson, RestoredJson, UpgradeJson


@click.group(cls=once.Group)
def command() -> None:
    """Upgrade, check, back up, restore and move the store."""


command.add_command(copy)


@command.command()
@click.option("--no-backup", is_flag=True, help="Make no backup first: you have one.")
@options.as_json
def upgrade(*, no_backup: bool, as_json: bool) -> None:
    """Upgrade the store of an older version to this one, all of it or nothing.

    nexio makes a backup first, in the folder "backups" of NEXIO_HOME, and says how long each step
    took. Nobody else writes meanwhile, and servers answer guests from memory. If somebody else
    uses the store and does not let go of it within 5 seconds (SQLite: 30), as a backup, an import
    or another upgrade, nothing is changed.
    """
    from nexio.operations.backups import backup_first
    from nexio.store import schema
    from nexio.store.audit import upgrade_noted

    done: list[schema.Migration] = []
    with _opened() as engine:
        with engine.connect() as connection:
            before = schema.require_known(connection)
        path = None if no_backup else _place_for(before)
        first = None if path is None else backup_first(path, partial(_report_backup, path))
        last = upgrade_noted(options.configuration().operator)
        # Somebody else may have brought it up since.
        before = schema.upgrade(engine, first=first, last=last, on_step=done.append) or before
    shape: UpgradeJson = {
        "before": before,
        "version": schema.HEAD,
        "backup": str(path) if path is not None and path.exists() else None,
        "steps": [
            {"version": each.version, "about": each.about, "seconds": round(each.seconds, 3)}
            for each in done
        ],
    }
    words = f"The store has version {schema.HEAD} now (it had {before})."
    if before == schema.HEAD:
        words = f"The store has version {before} already."
    steps = [(each.version, f"{each.seconds:.2f} s  {each.about}") for each in done]
    output.print_answer(shape, words, steps, as_json=as_json)


@command.command()
@options.as_json
def current(*, as_json: bool) -> None:
    """Show the store's version, and the one that this software needs."""
    from nexio.store import schema

    with _opened() as engine, engine.connect() as connection:
        version = schema.current_version(connection)
    words = f"The store has version {version}; {schema.HEAD} is needed."
    output.print_answer({"version": version, "needed": schema.HEAD}, words, as_json=as_json)


@command.command()
@options.as_json
@click.pass_context
def check(context: click.Context, *, as_json: bool) -> None:
    """Look for damage: the file, the tables, and every encrypted value.

    Exit code 4 means that there is damage, a line each: of the file (SQLite) or the tables;
    PINs, secrets and the store's own key that the key file does not open; digests that are not
    those of their PINs, so that the right PIN is refused; rows that cannot be used, such as a
    location of an unknown time zone; a database (PostgreSQL) that cannot hold every name.

    A damaged row stops nothing else. Commands and servers leave it out, or show the rest of it
    (a visit without its PIN, times in UTC), and warn once. Repair it with 'nexio nas edit',
    'nexio location edit', 'nexio member set-pin' or 'nexio visitor reissue'.
    """
    from nexio.operations.checking import find_damage

    with options.reading() as work:
        damage = find_damage(work)
    if as_json:
        output.print_json(damage)
    else:
        for line in damage:
            output.print_line(line)
    if not damage:
        output.say("The store is sound.")
    context.exit(Refused.exit_code if damage else 0)


def _place_for(version: str) -> Path:
    """Where the backup of a store of that version goes before it is upgraded."""
    now = datetime.now(UTC)
    name = f"before-upgrade-from-{version}-{now:%Y%m%dT%H%M%SZ}.db"
    return options.configuration().home / "backups" / name


def _report_backup(path: Path, rows: int) -> None:
    output.say(f"Backup written to {path} ({rows} rows).")


@contextmanager
def _opened() -> Iterator[Engine]:
    """The store of this deployment, whatever its version."""
    from nexio.keys.ownership import refuse_open_folders
    from nexio.store.engine import connected

    configuration = options.configuration()
    refuse_open_folders(configuration)
    with connected(configuration.database_url) as engine:
        yield engine


@command.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--keep",
    type=click.IntRange(1),
    metavar="N",
    help="With a folder: remove the older backups in it, but for the newest N.",
)
@options.as_json
def backup(file: Path, keep: int | None, *, as_json: bool) -> None:
    """Write all that the store holds at one moment into a new FILE, while it is in use.

    '-' writes to stdout, for a pipe to another machine. In a folder the file gets the time as
    its name, such as nexio-20261120T173100Z.db.

    The backup is an SQLite file of mode 0600, whatever the store is, and has the version of the
    store. It is worth nothing without the key file: back that up as well, elsewhere.
    """
    from nexio.clock import utc_now
    from nexio.operations.backups import back_up, back_up_to, dated, remove_older

    options.refuse_two_on_stdout(str(file), as_json=as_json)
    folder = file if file.is_dir() else None
    if keep is not None and folder is None:
        raise InvalidValue("--keep goes with a folder", "Name the folder that has the backups.")
    with _opened() as engine:
        if str(file) == "-":
            _refuse_terminal()
            rows = back_up_to(engine, sys.stdout.buffer)
            output.say(f"Backup written ({rows} rows).")
            return
        file = file if folder is None else dated(folder, utc_now())
        rows = back_up(engine, file)
    removed = [] if folder is None or keep is None else remove_older(folder, keep)
    shape: BackupJson = {
        "file": str(file),
        "rows": rows,
        "removed": [str(each) for each in removed],
    }
    output.print_answer(shape, f"Backup written to {file} ({rows} rows).", as_json=as_json)
    if removed:
        output.say(f"Removed {counted(len(removed), 'older backup')}.")
    both = options.configuration().nas_key_file.exists()
    files, they = ("both key files", "those") if both else ("the key file", "that")
    output.say(f"It opens only with {files}: keep a copy of {they} too, in another place.")


def _refuse_terminal() -> None:
    """Refuse to write octets to a terminal."""
    if sys.stdout.isatty():
        raise InvalidValue(
            "a backup is no text for a terminal", "Send it on: nexio db backup - > FILE"
        )


@command.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@options.yes
@options.as_json
def restore(file: Path, *, yes: bool, as_json: bool) -> None:
    """Replace all that the store holds by a backup, in one transaction.

    Running servers follow within a second. nexio upgrades a backup of an older version; the
    file stays as it is. It may come from SQLite or PostgreSQL, whatever the store is.

    The key file must hold the key of the backup. After 'nexio key rotate' that is the old key,
    in key.retired.
    """
    from nexio.operations.backups import restore as put_back
    from nexio.operations.checking import find_damage

    options.confirm("Replace everything in the store by this backup?", yes=yes)
    with options.opened() as store:
        rows = put_back(store, file)
        with store.read() as work:
            damage = find_damage(work)
    shape: RestoredJson = {"file": str(file), "rows": rows, "damage": damage}
    output.print_answer(shape, f"Restored {rows} rows from {file}.", as_json=as_json)
    if damage:
        output.warn([f"{len(damage)} things in it are damaged: nexio db check"])
