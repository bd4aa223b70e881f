"""Notice changes of the store without reading it again and again.

SQLite counts the commits of others (``PRAGMA data_version``, some microseconds per query); for
PostgreSQL see ``listening.py``.
"""

from __future__ import annotations

import os
import sqlite3
import time
from typing import TYPE_CHECKING

from sqlalchemy import Engine

from nexio.store.engine import explain_errors, unreachable

if TYPE_CHECKING:
    from nexio.store.listening import PostgreSQLWatch

POLL_SECONDS = 0.05
"""Polling interval for SQLite."""


def watch(engine: Engine) -> SQLiteWatch | PostgreSQLWatch:
    """Start watching a store: call ``wait`` repeatedly, and ``close`` at the end.

    Raises:
        StoreUnreachable: it cannot be watched at present.
    """
    with explain_errors(engine):
        if engine.dialect.name == "sqlite":
            return SQLiteWatch(engine)
        from nexio.store.listening import PostgreSQLWatch  # noqa: PLC0415 (SQLite needs no psycopg)

        return PostgreSQLWatch(engine)


class SQLiteWatch:
    """Polls the count of commits by other connections."""

    is_pooled = False

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._file = self._identity()
        try:
            self._connection = engine.raw_connection()
        except sqlite3.Error as error:
            raise unreachable(engine, error) from error
        # Else it would return to the pool of an engine that may be disposed by then.
        self._connection.detach()
        try:
            self._version = self._read_version()
        except BaseException:
            self.close()
            raise

    def wait(self) -> bool:
        """Wait a moment; return whether the store may have changed.

        Raises:
            StoreUnreachable: it cannot be watched at present.
        """
        time.sleep(POLL_SECONDS)
        version = self._read_version()
        changed = version != self._version
        self._version = version
        return changed

    def close(self) -> None:
        """Stop watching."""
        self._connection.close()

    def _identity(self) -> tuple[int, int]:
        """The identity of the file: a removed or replaced one would never show a change."""
        try:
            status = os.stat(self._engine.url.database or "")  # noqa: PTH116 - 20 times a second
        except OSError as error:
            raise unreachable(self._engine, error) from error
        return status.st_dev, status.st_ino

    def _read_version(self) -> int:
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
