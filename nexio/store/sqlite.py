"""The store as a SQLite file."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from itertools import chain, islice
from pathlib import Path
from typing import Any, Final, cast
from urllib.parse import quote

from sqlalchemy import URL, Connection, Engine, create_engine, event
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.pool import ConnectionPoolEntry

from nexio.errors import StoreUnreachable
from nexio.store.patience import Patience

MOST_VALUES: Final = 999
"""In one statement: what any SQLite takes."""

FILE: Final = "file"
"""What a connection is to, in its ``info``: see :func:`identity`."""

LOOK_MILLISECONDS: Final = 500
"""How long SQLite itself waits for another writer, who may never end."""


def sqlite_engine(url: URL, patience: Patience) -> Engine:
    """An engine for a file that is there.

    Raises:
        StoreUnreachable: it is not there.
    """
    path = Path(url.database or "")
    if not _is_there(path):
        raise StoreUnreachable(
            f"there is no store at {path}",
            "Make it with 'nexio init', or point NEXIO_HOME at the folder that has it.",
        )
    engine = create_engine(url, hide_parameters=True, creator=lambda: _open(path, patience))
    event.listen(engine, "connect", _prepare)
    event.listen(engine, "begin", lambda connection: _begin(connection, patience))
    _keep_to_file(engine, path)
    return engine


def _keep_to_file(engine: Engine, path: Path) -> None:
    """Drop a connection that was kept when another file has taken the place of its own.

    So whoever uses a store again and again need not open it each time, which costs some
    milliseconds (``python -m benchmarks.recording``).
    """

    def note(_: sqlite3.Connection, entry: ConnectionPoolEntry) -> None:
        entry.info[FILE] = identity(path)

    def check(_: sqlite3.Connection, entry: ConnectionPoolEntry, __: object) -> None:
        if entry.info[FILE] != identity(path):
            raise DisconnectionError("another file is in its place")

    event.listen(engine, "connect", note)
    event.listen(engine, "checkout", check)


def require_file(engine: Engine, file: tuple[int, int] | None) -> None:
    """Hold that a connection's file is still that of the store, right after a commit.

    Args:
        engine: of the store.
        file: what :data:`FILE` says of the connection; None where the store is no file.

    Raises:
        StoreUnreachable: another one is in its place, or none.
    """
    if file is not None and file != identity(Path(engine.url.database or "")):
        raise StoreUnreachable(
            f"another file was put in the place of {engine.url.database} at this moment",
            "Look whether the change is there, and make it again if it is not.",
        )


def identity(path: Path) -> tuple[int, int] | None:
    """Which file it is; None where none is there."""
    try:
        status = os.stat(path)  # noqa: PTH116 - for each transaction
    except OSError:
        return None
    return status.st_dev, status.st_ino


def create_file(path: Path) -> bool:
    """Make an empty file, closed to others, where none is there; whether it was made now."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        # A folder that a group may write to is shared on purpose: so is the store in it.
        shared = path.parent.stat().st_mode & 0o020
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            return False
        if shared:
            os.fchmod(descriptor, 0o660)  # whatever the umask: SQLite's other files follow suit
        os.close(descriptor)
        return True
    except OSError as error:
        raise StoreUnreachable(
            f"the store {path} cannot be made: {error.strerror}",
            "Choose another place with NEXIO_HOME, or run this as a user who may write there.",
        ) from error


def _is_there(path: Path) -> bool:
    """Whether there is a file.

    Raises:
        StoreUnreachable: the folder cannot be read.
    """
    try:
        return path.exists()
    except OSError as error:
        raise StoreUnreachable(
            f"the store {path} cannot be read: {error.strerror}",
            "Run this as a user of its group; a new membership counts from the next login.",
        ) from error


def _open(path: Path, patience: Patience) -> sqlite3.Connection:
    """Open a file that is there; SQLite by itself would make an empty one."""
    return sqlite3.connect(
        f"file:{quote(str(path.absolute()))}?mode=rw",
        uri=True,
        timeout=patience.busy_now,
        check_same_thread=False,
        isolation_level=None,  # transactions are begun below, not by the driver
    )


def _prepare(connection: sqlite3.Connection, entry: ConnectionPoolEntry) -> None:
    """Set up a connection: durable, and nothing deleted stays readable."""
    del entry
    for pragma in (
        "journal_mode = WAL",
        "foreign_keys = ON",
        "synchronous = FULL",
        "secure_delete = ON",
    ):
        connection.execute(f"PRAGMA {pragma}")
    # SQLite's own knows A to Z only, and a search is to find Zoë by "ZOË", as on PostgreSQL.
    connection.create_function("lower", 1, _lower, deterministic=True)


def _lower(text: str | None) -> str | None:
    return None if text is None else text.lower()


def _begin(connection: Connection, patience: Patience) -> None:
    """Take the write lock at once.

    A transaction that reads first and writes later would fail after another one's commit,
    however long it was willing to wait.
    """
    reads_only = connection.get_execution_options().get("nexio_reads_only", False)
    # An import has detached its connection: it has no `driver_connection` any more.
    driver = cast("sqlite3.Connection", connection.connection.dbapi_connection)
    driver.execute(f"PRAGMA query_only = {'ON' if reads_only else 'OFF'}")
    if reads_only:
        driver.execute("BEGIN")
    elif not _has_turn(driver, patience):
        connection.exec_driver_sql("BEGIN IMMEDIATE")


def _has_turn(connection: sqlite3.Connection, patience: Patience) -> bool:
    """Wait for other writers, and see now and then whether the program stops meanwhile."""
    began = time.monotonic()
    connection.execute(f"PRAGMA busy_timeout = {LOOK_MILLISECONDS}")
    while not connection.in_transaction:
        try:
            connection.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError as error:
            is_busy = error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY
            if not is_busy or patience.is_over or time.monotonic() - began > patience.busy:
                return False
    connection.execute(f"PRAGMA busy_timeout = {patience.busy * 1000:.0f}")
    return True


def insert_rows(
    connection: Connection,
    into: str,
    rows: Iterable[Sequence[Any]],
    width: int,
    instant: int,
    *last: int | None,
) -> None:
    """Insert rows as plain values, many in a statement.

    That takes half of the time of a statement for each row, before and after which SQLite gives
    the interpreter to other threads (``python -m benchmarks.recording``).

    Args:
        connection: to a SQLite file.
        into: table and columns, such as ``visit (id, email)``.
        rows: their values.
        width: how many columns there are in each.
        instant: the one of them that is an instant, in seconds since 1970.
        last: what the last columns of all rows have, of which the rows say nothing.
    """
    end = "".join(", NULL" if each is None else f", {each:d}" for each in last)
    at_once, left = MOST_VALUES // width, iter(rows)
    while values := list(chain.from_iterable(islice(left, at_once))):
        values[instant::width] = map(_instant_as_text, values[instant::width])
        statement = _insert(into, len(values) // width, width, end)
        connection.exec_driver_sql(statement, tuple(values))


@lru_cache(maxsize=512)
def _insert(into: str, count: int, width: int, end: str) -> str:
    row = f"({', '.join('?' * width)}{end})"
    return f"INSERT INTO {into} VALUES {', '.join([row] * count)}"  # noqa: S608 (ours)


def _instant_as_text(at: float) -> str:
    """Seconds since 1970 as the store keeps an instant."""
    second, microseconds = divmod(round(at * 1_000_000), 1_000_000)
    return f"{_second_as_text(second)}.{microseconds:06}"


def datetime_as_text(at: datetime) -> str:
    """An aware instant as the store keeps it, for rows that are written as they are."""
    utc = at if at.tzinfo is UTC else at.astimezone(UTC)
    return utc.isoformat(" ", "microseconds")[:26]  # without the zone


@lru_cache(maxsize=64)
def _second_as_text(seconds: int) -> str:
    """Servers write thousands of a second."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S")
