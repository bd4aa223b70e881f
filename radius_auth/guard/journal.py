"""The journal: the table of acts in one place, the guard's file of a host or the store."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from sqlalchemy import delete
from sqlalchemy.exc import DBAPIError
from sqlalchemy.schema import CreateTable

from nexio.network.guard_table import exchange, forget_old, live_visits
from nexio.store.engine import connect, unreachable
from nexio.store.patience import Patience
from nexio.store.spool_folder import FileDamaged, SpoolFile
from nexio.store.tables import GuardActRow
from nexio.store.wiping import wipe

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence
    from datetime import datetime
    from pathlib import Path

    from sqlalchemy import Connection, Engine

    from nexio.errors import StoreUnreachable
    from nexio.network.guard_acts import Act


_CREATE: Final = CreateTable(GuardActRow.metadata.tables["guard_act"], if_not_exists=True)


def guard_path(home: Path) -> Path:
    """Where the guard's file of a deployment is."""
    return home / "spool" / "guard.db"


class Journal:
    """Acts in the order in which they were written, and how far they were read.

    Args:
        database_url: where the table is.
        path: of the file, which is made where it is missing; None is the store.
        patience: how long to wait for it; None is as long as a command does.
    """

    def __init__(
        self, database_url: str, path: Path | None = None, patience: Patience | None = None
    ) -> None:
        self._url, self._patience = database_url, patience
        self._file = None if path is None else SpoolFile(path, "the guard's file")
        self._read = 0
        self._engine: Engine | None = None

    @classmethod
    def in_file(cls, path: Path) -> Journal:
        """The journal of a host."""
        return cls(f"sqlite:///{path}", path, Patience.of_a_server())

    def exchange(self, acts: Sequence[Act] = ()) -> list[Act]:
        """Write acts, and read what others have written since the last call.

        Raises:
            StoreUnreachable: it cannot be read or written; nothing was written.
        """
        with self._transaction() as connection:
            found, read = exchange(connection, acts, self._read)
        self._read = read
        return found

    def read_again(self) -> list[Act]:
        """Everything that is in it.

        Raises:
            StoreUnreachable: it cannot be read.
        """
        self._read = 0
        return self.exchange()

    def live_visits(self, now: datetime) -> frozenset[int]:
        """The visits that a device may get in at; of the store alone.

        Raises:
            StoreUnreachable: it cannot be read.
        """
        with self._transaction() as connection:
            return live_visits(connection, now)

    def forget_old(self, now: datetime, live: Collection[int] | None = None) -> None:
        """Remove what nobody looks at any more, and devices at other visits than those.

        Raises:
            StoreUnreachable: it cannot be written.
        """
        with self._transaction() as connection:
            forget_old(connection, now, live)

    def erase(self, visits: Collection[int], devices: Collection[str]) -> list[str]:
        """Erase what happened at visits, and what these devices did at none, from a file.

        Returns:
            What remains, in words.

        Raises:
            StoreUnreachable: it cannot be written.
        """
        nobodys = GuardActRow.visit_id.is_(None) & GuardActRow.device.in_(devices)
        with self._transaction() as connection:
            theirs = GuardActRow.visit_id.in_(visits) | nobodys
            connection.execute(delete(GuardActRow).where(theirs))
        engine = connect(self._url, self._patience)
        try:
            return wipe(engine)
        finally:
            engine.dispose()

    @contextmanager
    def _transaction(self) -> Iterator[Connection]:
        if self._file is not None:
            self._file.make()
        engine = self._engine = self._engine or connect(self._url, self._patience)
        try:
            with engine.begin() as connection:
                if self._file is not None:
                    # Without its indexes: nobody looks for a visit in there, but once in an hour.
                    connection.execute(_CREATE)
                yield connection
        except DBAPIError as error:
            raise self._unusable(engine, error.orig) from error

    def _unusable(self, engine: Engine, cause: BaseException | None) -> StoreUnreachable:
        if self._file is None:
            return unreachable(engine, cause)
        unusable = self._file.unusable(cause)
        if isinstance(unusable, FileDamaged):
            self._file.put_aside()
            self._read = 0
        return unusable

    def close(self) -> None:
        """Give the connections back."""
        if self._engine is not None:
            self._engine.dispose()
