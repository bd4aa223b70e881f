"""Noticing changes of the store without reading it again and again.

SQLite counts the commits of others (``PRAGMA data_version``, some microseconds a look);
PostgreSQL notifies (``LISTEN``), and is read from time to time in case a notification was lost,
or because a standby calls nobody, and a pooler does not pass a call on.
"""

from __future__ import annotations

import os
import sqlite3
import time
from typing import TYPE_CHECKING, cast

import psycopg
from psycopg import errors
from sqlalchemy import Engine

from nexio.store.batches import CHANNEL
from nexio.store.engine import explain_errors, unreachable

if TYPE_CHECKING:
    from nexio.store.postgresql import PatientConnection

LOOK_SECONDS = 0.05
"""How often SQLite is looked at."""

CALL_SECONDS = 0.5
"""How long a call from PostgreSQL is waited for at a time."""


def watch(engine: Engine) -> SQLiteWatch | PostgreSQLWatch:
    """Start watching a store, for as long as ``wait`` is called; ``close`` ends it.

    Raises:
        StoreUnreachable: it cannot be watched at present.
    """
    with explain_errors(engine):
        return SQLiteWatch(engine) if engine.dialect.name == "sqlite" else PostgreSQLWatch(engine)


class SQLiteWatch:
    """Looks at the count of commits that other connections made."""

    is_pooled = False

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._file = self._identity()
        try:
            self._connection = engine.raw_connection()
        except sqlite3.Error as error:
            raise unreachable(engine, error) from error
        # Else it would go back to the pool of an engine that may be disposed of by then.
        self._connection.detach()
        try:
            self._version = self._look()
        except BaseException:
            self.close()
            raise

    def wait(self) -> bool:
        """Wait a moment; whether the store may have changed.

        Raises:
            StoreUnreachable: it cannot be watched at present.
        """
        time.sleep(LOOK_SECONDS)
        version = self._look()
        changed = version != self._version
        self._version = version
        return changed

    def close(self) -> None:
        """Stop watching."""
        self._connection.close()

    def _identity(self) -> tuple[int, int]:
        """Which file it is: a removed or exchanged one would be read on and never change."""
        try:
            status = os.stat(self._engine.url.database or "")  # noqa: PTH116 - 20 times a second
        except OSError as error:
            raise unreachable(self._engine, error) from error
        return status.st_dev, status.st_ino

    def _look(self) -> int:
        if self._identity() != self._file:
            raise unreachable(self._engine, OSError("another file is in its place"))
        cursor = self._connection.cursor()
        try:
            cursor.execute("PRAGMA data_version")
            row = cursor.fetchone()
        except sqlite3.Error as error:
            raise unreachable(self._engine, error) from error
        finally:
            cursor.close()
        return 0 if row is None else int(row[0])


class PostgreSQLWatch:
    """Listens for the call that a publishing transaction makes.

    Attributes:
        is_pooled: whether a pooler is between, so that no call comes.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._connection = _connect(engine)
        self.is_pooled = self._connection.is_pooled
        self._is_called = not self.is_pooled
        if self.is_pooled:
            return
        try:
            self._connection.execute(f"LISTEN {CHANNEL}".encode())
        except errors.ReadOnlySqlTransaction:
            self._is_called = False
        except psycopg.Error as error:
            self.close()
            raise unreachable(engine, error) from error

    def wait(self) -> bool:
        """As :meth:`SQLiteWatch.wait`; True also when nothing was heard for a while."""
        if not self._is_called:
            time.sleep(CALL_SECONDS)
            return True
        try:
            for _ in self._connection.notifies(timeout=CALL_SECONDS, stop_after=1):
                pass
        except psycopg.Error as error:
            raise unreachable(self._engine, error) from error
        return True

    def close(self) -> None:
        """Stop watching."""
        self._connection.close()


def _connect(engine: Engine) -> PatientConnection:
    """A connection of its own: one that listens is of no use to others."""
    try:
        pooled = engine.raw_connection()
    except psycopg.Error as error:
        raise unreachable(engine, error) from error
    connection = cast("PatientConnection", pooled.driver_connection)
    pooled.detach()
    connection.autocommit = True
    return connection
