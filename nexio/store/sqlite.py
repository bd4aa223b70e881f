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
"""Values in one statement: the limit of any SQLite."""

FILE: Final = "file"
"""Key in a connection's ``info`` for the :func:`identity` of its file."""

POLL_MILLISECONDS: Final = 500
"""How long SQLite itself waits for another writer, who may never end, before we check again."""


def sqlite_engine(url: URL, patience: Patience) -> Engine:
    """An engine for an existing file.

    Raises:
        StoreUnreachable: it does not exist.
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
    """Drop a pooled connection if another file has taken the place of its own.

    So connections can be pooled: opening one each time costs some milliseconds
    (``python -m benchmarks.recording``).
    """

    def note(_: sqlite3.Connection, entry: ConnectionPoolEntry) -> None:
        entry.info[FILE] = identity(path)

    def check(_: sqlite3.Connection, entry: ConnectionPoolEntry, __: object) -> None:
        if entry.info[FILE] != identity(path):
            raise DisconnectionError("another file is in its place")

    event.listen(engine, "connect", note)
    event.listen(engine, "checkout", check)


def require_file(engine: Engine, file: tuple[int, int] | None) -> None:
    """Require that a connection's file is still that of the store, right after a commit.

    Args:
        engine: of the store.
        file: the connection's :data:`FILE`; None if the store is not a file.

    Raises:
        StoreUnreachable: the file was replaced or removed.
    """
    if file is not None and file != identity(Path(engine.url.database or "")):
        raise StoreUnreachable(
            f"another file was put in the place of {engine.url.database} at this moment",
            "Look whether the change is there, and make it again if it is not.",
        )


def identity(path: Path) -> tuple[int, int] | None:
    """The device and inode of a file; None if there is none."""
    try:
        status = os.stat(path)  # noqa: PTH116 - for each transaction
    except OSError:
        return None
    return status.st_dev, status.st_ino


def create_file(path: Path) -> bool:
    """Create an empty file, closed to others, unless there is one; whether it was created."""
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
    """Whether the file exists.

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
    """Open an existing file; SQLite by default would create an empty one."""
    return sqlite3.connect(
        f"file:{quote(str(path.absolute()))}?mode=rw",
        uri=True,
        timeout=patience.busy_now,
        check_same_thread=False,
        isolation_level=None,  # _begin begins transactions, not the driver
    )


def _prepare(connection: sqlite3.Connection, entry: ConnectionPoolEntry) -> None:
    """Set up a connection: commits are durable, and deleted data is overwritten."""
    del entry
    for pragma in (
        "journal_mode = WAL",
        "foreign_keys = ON",
        "synchronous = FULL",
        "secure_delete = ON",
    ):
        connection.execute(f"PRAGMA {pragma}")
    # SQLite's own lower() handles only A to Z; a search has to find Zoë by "ZOË", as on PostgreSQL.
    connection.create_function("lower", 1, _lower, deterministic=True)


def _lower(text: str | None) -> str | None:
    return None if text is None else text.lower()


def _begin(connection: Connection, patience: Patience) -> None:
    """Begin a transaction; one that writes takes the write lock at once.

    If it read first and wrote later, it would fail after another one's commit, however long it was
    willing to wait.
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
    """Wait for other writers, and check periodically whether the program is stopping."""
    began = time.monotonic()
    connection.execute(f"PRAGMA busy_timeout = {POLL_MILLISECONDS}")
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

    That takes half of the time of one statement per row, around each of which SQLite releases the
    interpreter to other threads (``python -m benchmarks.recording``).

    Args:
        connection: to a SQLite file.
        into: table and columns, such as ``visit (id, email)``.
        rows: their values.
        width: number of columns in each row.
        instant: index of the column that is an instant, in seconds since 1970.
        last: constant values of the last columns, which the rows do not contain.
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
    """Convert seconds since 1970 to the store's text of an instant."""
    second, microseconds = divmod(round(at * 1_000_000), 1_000_000)
    return f"{_second_as_text(second)}.{microseconds:06}"


def datetime_as_text(at: datetime) -> str:
    """Convert an aware instant to the store's text, for rows that bypass SQLAlchemy."""
    utc = at if at.tzinfo is UTC else at.astimezone(UTC)
    return utc.isoformat(" ", "microseconds")[:26]  # without the zone


@lru_cache(maxsize=64)
def _second_as_text(seconds: int) -> str:
    """Cached, as servers write thousands of rows with the same second."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S")
