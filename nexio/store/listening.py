"""Notice changes of a store on PostgreSQL by its notifications (``LISTEN``).

The store is also polled: a notification may be lost, a standby sends none, and a pooler does not
pass them on.
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

WAIT_SECONDS = 0.5
"""How long one wait for a notification from PostgreSQL lasts."""


class PostgreSQLWatch:
    """Listens for the notification of a publishing transaction.

    Attributes:
        is_pooled: whether a pooler is between, so that no notification arrives.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._connection = _connect(engine)
        self.is_pooled = self._connection.is_pooled
        self._gets_notifications = not self.is_pooled
        if self.is_pooled:
            return
        try:
            self._connection.execute(f"LISTEN {CHANNEL}".encode())
        except errors.ReadOnlySqlTransaction:
            self._gets_notifications = False
        except psycopg.Error as error:
            self.close()
            raise unreachable(engine, error) from error

    def wait(self) -> bool:
        """As ``SQLiteWatch.wait``; also returns True after a while without a notification."""
        if not self._gets_notifications:
            time.sleep(WAIT_SECONDS)
            return True
        try:
            for _ in self._connection.notifies(timeout=WAIT_SECONDS, stop_after=1):
                pass
        except psycopg.Error as error:
            raise unreachable(self._engine, error) from error
        return True

    def close(self) -> None:
        """Stop watching."""
        self._connection.close()


def _connect(engine: Engine) -> PatientConnection:
    """Take a connection out of the pool: one that listens is of no use to others."""
    try:
        pooled = engine.raw_connection()
    except psycopg.Error as error:
        raise unreachable(engine, error) from error
    connection = cast("PatientConnection", pooled.driver_connection)
    pooled.detach()
    connection.autocommit = True
    return connection
