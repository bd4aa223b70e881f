"""The journal of all servers: the table of acts in the store."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from sqlalchemy.exc import DBAPIError

from nexio.network.guard_table import exchange, live_visits
from nexio.store.engine import connect, for_reading, unreachable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from sqlalchemy import Connection, Engine

    from nexio.network.guard_acts import Act
    from nexio.store.patience import Patience


class Journal:
    """Acts in the order in which they were written, and how far they were read.

    Args:
        database_url: where the store is.
        patience: how long to wait for it; None is as long as a command does.
    """

    def __init__(self, database_url: str, patience: Patience | None = None) -> None:
        self._url, self._patience = database_url, patience
        self._read = 0
        self._engine: Engine | None = None

    def exchange(self, acts: Sequence[Act] = ()) -> list[Act]:
        """Write acts, and read what others have written since the last call.

        Raises:
            StoreUnreachable: it cannot be read or written; nothing was written.
        """
        with self._transaction(writes=bool(acts)) as connection:
            found, read = exchange(connection, acts, self._read)
        self._read = read
        return found

    def read_again(self) -> list[Act]:
        """All acts.

        Raises:
            StoreUnreachable: it cannot be read.
        """
        self._read = 0
        return self.exchange()

    def live_visits(self, now: datetime) -> frozenset[int]:
        """The visits that a device may log in at.

        Raises:
            StoreUnreachable: it cannot be read.
        """
        with self._transaction(writes=False) as connection:
            return live_visits(connection, now)

    @contextmanager
    def _transaction(self, *, writes: bool) -> Iterator[Connection]:
        engine = self._engine = self._engine or connect(self._url, self._patience)
        try:
            # Reads, several in a second, must not block a desk that writes.
            with (engine if writes else for_reading(engine)).begin() as connection:
                yield connection
        except DBAPIError as error:
            raise unreachable(engine, error.orig) from error

    def close(self) -> None:
        """Close the connections."""
        if self._engine is not None:
            self._engine.dispose()
