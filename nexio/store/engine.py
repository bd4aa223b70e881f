"""Open the store, read it and write it.

All code that touches the store takes a :class:`Reading` or a :class:`Writing`: one transaction,
with the keys and the time of the transaction.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Self

from sqlalchemy import URL, ColumnElement, Connection, Engine, func, select, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, IntegrityError
from sqlalchemy.orm import Session

from nexio.clock import Clock, utc_now
from nexio.configuration import Configuration
from nexio.errors import InvalidValue, Refused, StoreUnreachable
from nexio.keys.keyring import Keyring
from nexio.keys.ownership import load_trusted_keys
from nexio.store import schema
from nexio.store.bad_rows import BadRows
from nexio.store.batches import publish
from nexio.store.locking import is_about_a_lock, lock_writers
from nexio.store.patience import Patience
from nexio.store.sqlite import FILE, create_file, require_file, sqlite_engine

DRIVERS = {"sqlite", "sqlite+pysqlite", "postgresql+psycopg"}
"""The drivers that come with this software; ``postgresql`` alone means the last."""

WITHOUT_EFFECT = {"uri", "timeout", "check_same_thread", "cached_statements"}
"""Parameters allowed after the ``?`` of an SQLite URL: other software uses them, we ignore them."""


_KEYS_IN_USE = text("SELECT key_id, nas_key_id FROM store_revision")
"""Plain text: only code that changes the revision needs its table."""

_VERSION_AND_KEYS = text(
    "SELECT version_num, key_id, nas_key_id FROM alembic_version, store_revision"
)


@dataclass(frozen=True, kw_only=True)
class Reading:
    """One consistent view of the store."""

    session: Session
    keyring: Keyring
    now: datetime
    bad_rows: BadRows = field(default_factory=BadRows)

    def count(self, condition: ColumnElement[bool]) -> int:
        """Count the rows for which a condition holds."""
        return self.session.scalar(select(func.count()).where(condition)) or 0


@dataclass(frozen=True, kw_only=True)
class Writing(Reading):
    """One transaction: all of it or nothing."""

    operator: str
    done: list[str] = field(default_factory=list)
    """The actions so far, such as ``register visit 7``."""


class Store:
    """An open store of the right version, with the keys that belong to it.

    Args:
        engine: from :func:`connect`.
        load: reads the key file.
        clock: gives the aware time of a transaction.
        operator: the name in the audit.
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
        self._missing_second: str | None = None
        """The second key that could not be read at the last attempt."""
        self.clock = clock
        self.operator = operator
        self.done: list[str] = []
        """The actions committed through this store."""
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
            clock: gives the aware time of a transaction.
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
            with explain_errors(engine), store._reader.connect() as connection:
                store._begin(connection)
        except BaseException:
            engine.dispose()
            raise
        return store

    @contextmanager
    def read(self) -> Iterator[Reading]:
        """A snapshot of the store; it cannot write."""
        with explain_errors(self.engine), Session(self._reader) as session:
            self._use_key(session.connection())
            yield Reading(
                session=session, keyring=self.keyring, now=self.clock(), bad_rows=self.bad_rows
            )

    @contextmanager
    def write(
        self, *, alone: bool = False, connection: Connection | None = None
    ) -> Iterator[Writing]:
        """A transaction: committed and published at the end, rolled back at any exception.

        Args:
            alone: lock out all other writers: for a change of keys.
            connection: the connection to use, if something is attached to it; None is any.

        Raises:
            StoreUnreachable: it cannot be written, or at the commit another file had taken the
                place of the SQLite file: the changes are not in the current store.
        """
        where = self.engine if connection is None else connection
        with explain_errors(self.engine), Session(where, expire_on_commit=False) as session:
            lock_writers(session.connection(), alone=alone)
            self._use_key(session.connection())
            work = Writing(
                session=session,
                keyring=self.keyring,
                now=self.clock(),
                bad_rows=self.bad_rows,
                operator=self.operator,
            )
            yield work
            publish(session)
            file = session.connection().info.get(FILE)
            session.commit()
            require_file(self.engine, file)
            self.done += work.done

    def can_use(self, *key_ids: str | None) -> bool:
        """Whether the key files hold those keys now; None is no key.

        Another process may have removed a key that is still in memory.
        """
        return {*key_ids} - {None} <= self._load().keys.keys()

    def close(self) -> None:
        """Close the connections."""
        self.engine.pool.dispose()  # engine.dispose() would make another pool

    def _begin(self, connection: Connection) -> None:
        """Require our version, and use the key; normally one query does both."""
        try:
            found = connection.execute(_VERSION_AND_KEYS).first()
        except DBAPIError as error:
            if error.connection_invalidated or is_about_a_lock(error.orig):
                raise
            found = None
        if found is not None and found[0] == schema.HEAD:
            self._use(*found[1:])
            return
        connection.rollback()
        schema.require_head(connection)
        self._use_key(connection)

    def _use_key(self, connection: Connection) -> None:
        """Use the key that the store is currently sealed with."""
        found = connection.execute(_KEYS_IN_USE).first()
        if found is None:
            raise StoreUnreachable("the store is not complete", "Finish it with: nexio init")
        self._use(*found)

    def _use(self, key_id: str, second: str | None) -> None:
        """Use a key of the key file; read the file again if the key is new."""
        known = {None, self._missing_second, *self.keyring.keys}
        if key_id not in self.keyring.keys or second not in known:
            self.keyring = self._load()
            self._missing_second = None if second in self.keyring.keys else second
        if (key_id, second) != (self.keyring.active, self.keyring.second):
            self.keyring = self.keyring.using(key_id, second)


def connect(database_url: str, patience: Patience | None = None) -> Engine:
    """An engine for SQLite or PostgreSQL; nothing is opened yet.

    Args:
        database_url: where it is.
        patience: how long to wait for it; None is that of a command.

    Raises:
        InvalidValue: not a URL of one of the two.
        StoreUnreachable: the SQLite file does not exist.
    """
    url, patience = parse_url(database_url), patience or Patience()
    if url.get_backend_name() == "sqlite":
        return sqlite_engine(url, patience)
    from nexio.store.postgresql import postgresql_engine  # noqa: PLC0415 (SQLite needs no psycopg)

    return postgresql_engine(url, patience)


def create_sqlite_file(database_url: str) -> bool:
    """Create an empty SQLite file, closed to others, if the URL names one that does not exist.

    Returns:
        Whether this call created it.
    """
    url = parse_url(database_url)
    return url.get_backend_name() == "sqlite" and create_file(Path(url.database or ""))


@contextmanager
def connected(database_url: str) -> Iterator[Engine]:
    """An engine for the duration of a block, whatever version the store has.

    Raises:
        InvalidValue, StoreUnreachable: as :func:`connect` and :func:`explain_errors`.
    """
    engine = connect(database_url)
    try:
        with explain_errors(engine):
            yield engine
    finally:
        engine.dispose()


@contextmanager
def explain_errors(engine: Engine) -> Iterator[None]:
    """Convert errors of a database driver into errors with advice."""
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
    except engine.dialect.loaded_dbapi.OperationalError as error:  # of a COPY without SQLAlchemy
        raise unreachable(engine, error) from error


def _is_about_uniqueness(cause: BaseException | None) -> bool:
    """Whether a constraint was violated by a duplicate.

    PostgreSQL's message is in the language of the server; its code is not.
    """
    state = getattr(cause, "sqlstate", None)
    return state == "23505" if state else "unique" in str(cause).lower()


def unreachable(engine: Engine, cause: BaseException | None) -> StoreUnreachable:
    """Convert a driver's error into an error with advice."""
    first_line = (str(cause).strip().splitlines() or ["no reason given"])[0]
    if engine.dialect.name == "sqlite":
        advice = f"Look at {engine.url.database}, the rights on its folder and its disk's space."
    else:
        from nexio.store.postgresql import advice_for  # noqa: PLC0415 (as above)

        advice = advice_for(cause, engine.url)
    return StoreUnreachable(f"the store cannot be used: {first_line}", advice)


def parse_url(database_url: str, what: str = "NEXIO_DATABASE_URL") -> URL:
    """The URL of a store.

    Args:
        database_url: as somebody wrote it.
        what: its name in an error, which does not quote the URL: it may hold a password.

    Raises:
        InvalidValue: not a URL of SQLite or PostgreSQL.
    """
    try:
        url = make_url(database_url)
        url = url.set(drivername="postgresql+psycopg") if url.drivername == "postgresql" else url
    except (ArgumentError, ValueError):  # ValueError quotes the text in the place of the port
        raise _bad_url(what) from None
    # A password with an @ that is not written as %40 spills into the host, or the user.
    spilt = "@" in (url.host or "") or "?" in database_url.rpartition("@")[0]
    if url.drivername not in DRIVERS or spilt:
        raise _bad_url(what)
    if url.get_backend_name() != "sqlite":
        return url
    if url.database in {None, "", ":memory:"}:
        raise InvalidValue(
            "a store in memory cannot be shared", "Name a file: sqlite:////folder/nexio.db"
        )
    if url.query.keys() - WITHOUT_EFFECT:
        raise InvalidValue(
            f"{what} has something behind a '?' that SQLite does not know",
            "Leave it out: sqlite:////folder/nexio.db. A '?' in a name is written %3F.",
        )
    return url.set(query={})


def _bad_url(what: str) -> InvalidValue:
    return InvalidValue(
        f"{what} is not the URL of a store",
        "Write sqlite:////folder/nexio.db or postgresql://user@host/database",
    )


def for_reading(engine: Engine) -> Engine:
    """The same engine with read-only transactions, each of which sees one snapshot."""
    if engine.dialect.name == "sqlite":
        return engine.execution_options(nexio_reads_only=True)
    return engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
