"""Noticing changes of a store on PostgreSQL, which notifies (``LISTEN``).

It is read from time to time as well, in case a notification was lost, or because a standby calls
nobody, and a pooler does not pass a call on.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, cast

import psycopg
from psycopg import errors
from sqlalchemy import Engine

from nexio.store.batches import CHANNEL
from nexio.store.engine import unreachable

if TYPE_CHECKING:
    from nexio.store.postgresql import PatientConnection

CALL_SECONDS = 0.5
"""How long a call from PostgreSQL is waited for at a time."""


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
        """As ``SQLiteWatch.wait`` does; True also when nothing was heard for a while."""
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
