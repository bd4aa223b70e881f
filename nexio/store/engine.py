"""Opening the store, and the two ways of using it: reading and writing.

Everything that touches the store takes a :class:`Reading` or a :class:`Writing`; both are one
transaction with the keys and the time that it happens at.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self
from urllib.parse import quote

from sqlalchemy import URL, Connection, Engine, create_engine, event, func, select
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, IntegrityError
from sqlalchemy.orm import Session
from sqlalchemy.pool import ConnectionPoolEntry

from nexio.configuration import Configuration
from nexio.errors import InvalidValue, Refused, StoreUnreachable
from nexio.keys.keyring import Keyring
from nexio.keys.ownership import load_trusted_keys
from nexio.store import schema
from nexio.store.bad_rows import BadRows
from nexio.store.batches import publish
from nexio.store.patience import Patience
from nexio.store.tables import StoreRevisionRow

Clock = Callable[[], datetime]

KEY_CHANGE_LOCK = 0x6E6578696F
"""Number of the advisory lock of PostgreSQL: "nexio" in octets."""

DRIVERS = {"sqlite", "sqlite+pysqlite", "postgresql+psycopg"}
"""The ones that come with this software; ``postgresql`` alone means the last."""


def utc_now() -> datetime:
    """The time of day; the clock of everything that is not a test."""
    return datetime.now(UTC)


@dataclass(frozen=True, kw_only=True)
class Reading:
    """One consistent look at the store."""

    session: Session
    keyring: Keyring
    now: datetime
    bad_rows: BadRows = field(default_factory=BadRows)


@dataclass(frozen=True, kw_only=True)
class Writing(Reading):
    """One transaction: all of it or nothing."""

    operator: str
    done: list[str] = field(default_factory=list)
    """What was done so far, such as ``register visit 7``."""


class Store:
    """An open store of the right version, with the keys that belong to it.

    Args:
        engine: from :func:`connect`.
        load: reads the key file.
        clock: gives the aware time at which a transaction happens.
        operator: whom the audit names.
    """

    def __init__(
        self,
        engine: Engine,
        load: Callable[[], Keyring],
        clock: Clock = utc_now,
        operator: str = "unknown",
    ) -> None:
        self.engine = engine
        self._load = load
        self.keyring = load()
        self.clock = clock
        self.operator = operator
        self.done: list[str] = []
        """What was committed through this store."""
        self.bad_rows = BadRows()
        self._reader = for_reading(engine)

    @classmethod
    def open(
        cls,
        configuration: Configuration,
        clock: Clock = utc_now,
        patience: Patience | None = None,
    ) -> Self:
        """Open the store of this deployment.

        Args:
            configuration: where it is.
            clock: gives the aware time at which a transaction happens.
            patience: how long to wait for a database; None is that of a command.

        Raises:
            StoreUnreachable: no store there, it cannot be opened, or everybody may write there.
            SchemaMismatch: it has another version.
            KeyUnusable: the key file is missing, unreadable, a stranger's, or another store's.
        """
        engine = connect(configuration.database_url, patience)
        try:
            store = cls(
                engine, lambda: load_trusted_keys(configuration), clock, configuration.operator
            )
            with readable(engine), Session(store._reader) as session:
                schema.require_head(session.connection())
                store._use_key(session)
        except BaseException:
            engine.dispose()
            raise
        return store

    @contextmanager
    def read(self) -> Iterator[Reading]:
        """A snapshot of the store; it cannot write."""
        with readable(self.engine), Session(self._reader) as session:
            self._use_key(session)
            yield Reading(
                session=session, keyring=self.keyring, now=self.clock(), bad_rows=self.bad_rows
            )

    @contextmanager
    def write(self, *, alone: bool = False) -> Iterator[Writing]:
        """A transaction: committed and published at the end, undone at any exception.

        Args:
            alone: wait until nobody else writes, and let nobody: for a change of keys.
        """
        with readable(self.engine), Session(self.engine, expire_on_commit=False) as session:
            hold_writers(session.connection(), alone=alone)
            self._use_key(session)
            work = Writing(
                session=session,
                keyring=self.keyring,
                now=self.clock(),
                bad_rows=self.bad_rows,
                operator=self.operator,
            )
            yield work
            publish(session)
            session.commit()
            self.done += work.done

    def can_use(self, key_id: str) -> bool:
        """Whether the key file holds that key at this moment.

        What is in memory may have been taken out of the file by another process.
        """
        return key_id in self._load().keys

    def close(self) -> None:
        """Give the connections back."""
        self.engine.dispose()

    def _use_key(self, session: Session) -> None:
        """Use the key that the store is sealed with now; read the file again if it is new."""
        key_id = session.scalar(select(StoreRevisionRow.key_id))
        if key_id is None:
            raise StoreUnreachable("the store is not complete", "Finish it with: nexio init")
        if key_id not in self.keyring.keys:
            self.keyring = self._load()
        if key_id != self.keyring.active:
            self.keyring = self.keyring.using(key_id)


def hold_writers(connection: Connection, *, alone: bool) -> None:
    """Begin a write that no change of keys can cut in two.

    SQLite has one writer at a time, let in by the first statement.  On PostgreSQL writers
    share an advisory lock, which a change of keys has for itself.
    """
    if connection.dialect.name == "postgresql":
        lock = func.pg_advisory_xact_lock if alone else func.pg_advisory_xact_lock_shared
        connection.execute(select(lock(KEY_CHANGE_LOCK)))


def connect(database_url: str, patience: Patience | None = None) -> Engine:
    """An engine for SQLite or PostgreSQL; nothing is opened yet.

    Args:
        database_url: where it is.
        patience: how long to wait for it; None is as long as a command does.

    Raises:
        InvalidValue: not a URL of one of the two.
        StoreUnreachable: the SQLite file is not there.
    """
    url, patience = _parse_url(database_url), patience or Patience()
    if url.get_backend_name() == "sqlite":
        path = Path(url.database or "")
        if not _is_there(path):
            raise StoreUnreachable(
                f"there is no store at {path}",
                "Make it with 'nexio init', or point NEXIO_HOME at the folder that has it.",
            )
        engine = create_engine(
            url, hide_parameters=True, creator=lambda: _open_sqlite(path, patience)
        )
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
        return engine
    return _postgresql(url, patience)


def _postgresql(url: URL, patience: Patience) -> Engine:
    from nexio.store.postgresql import open_connection  # noqa: PLC0415 (SQLite needs no psycopg)

    engine = create_engine(url, hide_parameters=True, pool_pre_ping=True)

    def connect_it(_: object, __: object, args: list[Any], kwargs: dict[str, Any]) -> object:
        return open_connection(patience, *args, **kwargs)

    event.listen(engine, "do_connect", connect_it)
    return engine


def create_sqlite_file(database_url: str) -> None:
    """Make an empty SQLite store, closed to others, where the URL names one that is not there."""
    url = _parse_url(database_url)
    if url.get_backend_name() != "sqlite":
        return
    path = Path(url.database or "")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        # A folder that a group may write to is shared on purpose: so is the store in it.
        shared = path.parent.stat().st_mode & 0o020
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        if shared:
            os.fchmod(descriptor, 0o660)  # whatever the umask: SQLite's other files follow suit
    except OSError as error:
        raise StoreUnreachable(
            f"the store {path} cannot be made: {error.strerror}",
            "Choose another place with NEXIO_HOME, or run this as a user who may write there.",
        ) from error
    os.close(descriptor)


@contextmanager
def readable(engine: Engine) -> Iterator[None]:
    """Turn what a database driver raises into an error that says what to do."""
    try:
        yield
    except IntegrityError as error:
        if not _is_about_uniqueness(error.orig):
            raise
        raise Refused(
            "somebody else made the same change at the same moment",
            "Look at what is there now, and try again if it is still needed.",
        ) from error
    except DBAPIError as error:
        raise unreachable(engine, error.orig) from error


def _is_about_uniqueness(cause: BaseException | None) -> bool:
    """PostgreSQL says so in the language of its server, and by a code in none."""
    state = getattr(cause, "sqlstate", None)
    return state == "23505" if state else "unique" in str(cause).lower()


def unreachable(engine: Engine, cause: BaseException | None) -> StoreUnreachable:
    """What a driver's error means to the person at the keyboard."""
    first_line = (str(cause).strip().splitlines() or ["no reason given"])[0]
    if engine.dialect.name == "sqlite":
        advice = f"Look at {engine.url.database}, the rights on its folder and its disk's space."
    else:
        from nexio.store.postgresql_errors import advice_for  # noqa: PLC0415 (as above)

        advice = advice_for(cause, engine.url)
    return StoreUnreachable(f"the store cannot be used: {first_line}", advice)


def _is_there(path: Path) -> bool:
    """Whether there is a file, where that can be told."""
    try:
        return path.exists()
    except OSError as error:
        raise StoreUnreachable(
            f"the store {path} cannot be read: {error.strerror}",
            "Run this as a user of its group; a new membership counts from the next login.",
        ) from error


def _parse_url(database_url: str) -> URL:
    try:
        url = make_url(database_url)
        url = url.set(drivername="postgresql+psycopg") if url.drivername == "postgresql" else url
    except (ArgumentError, ValueError):  # ValueError quotes what stands where a port should
        raise _bad_url() from None
    # A password with an @ that is not written as %40 spills into the host.
    if url.drivername not in DRIVERS or "@" in (url.host or ""):
        raise _bad_url()
    if url.get_backend_name() == "sqlite" and url.database in {None, "", ":memory:"}:
        raise InvalidValue(
            "a store in memory cannot be shared", "Name a file: sqlite:////folder/nexio.db"
        )
    return url


def _bad_url() -> InvalidValue:
    return InvalidValue(
        "NEXIO_DATABASE_URL is not the URL of a store",
        "Write sqlite:////folder/nexio.db or postgresql://user@host/database",
    )


def for_reading(engine: Engine) -> Engine:
    """The same store, of which each transaction is one look that changes nothing."""
    if engine.dialect.name == "sqlite":
        return engine.execution_options(nexio_reads_only=True)
    return engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)


def _open_sqlite(path: Path, patience: Patience) -> sqlite3.Connection:
    """Open a file that is there; SQLite by itself would make an empty one."""
    return sqlite3.connect(
        f"file:{quote(str(path.absolute()))}?mode=rw",
        uri=True,
        timeout=patience.busy_now,
        check_same_thread=False,
        isolation_level=None,  # transactions are begun below, not by the driver
    )


def _prepare_sqlite(connection: sqlite3.Connection, entry: ConnectionPoolEntry) -> None:
    """Durable, private and patient."""
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


def _begin_sqlite(connection: Connection) -> None:
    """Take the write lock at once.

    A transaction that reads first and writes later would fail after another one's commit,
    however long it was willing to wait.
    """
    reads_only = connection.get_execution_options().get("nexio_reads_only", False)
    connection.exec_driver_sql(f"PRAGMA query_only = {'ON' if reads_only else 'OFF'}")
    connection.exec_driver_sql("BEGIN" if reads_only else "BEGIN IMMEDIATE")
