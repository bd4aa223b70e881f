"""The journal: the table of acts in one place, the guard's file of a host or the store."""

from __future__ import annotations

import logging
import secrets
import sqlite3
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from sqlalchemy.exc import DBAPIError

from nexio.errors import StoreUnreachable
from nexio.network.guard_acts import append, forget_old, live_visits, read_after
from nexio.store.engine import connect, unreachable
from nexio.store.patience import Patience
from nexio.store.spool_folder import make_file
from nexio.store.tables import GuardActRow

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence
    from datetime import datetime
    from pathlib import Path

    from sqlalchemy import Connection, Engine

    from nexio.network.guard_acts import Act

log = logging.getLogger(__name__)


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
        self._url, self._path, self._patience = database_url, path, patience
        self._read = 0
        self._engine: Engine | None = None

    @classmethod
    def in_file(cls, path: Path) -> Journal:
        """The journal of a host."""
        return cls(f"sqlite:///{path}", path, Patience.of_a_server())

    def exchange(self, acts: Sequence[Act] = ()) -> list[Act]:
        """Write acts, and read what was written since the last call.

        Raises:
            StoreUnreachable: it cannot be read or written; nothing was written.
        """
        with self._transaction() as connection:
            append(connection, acts)
            found, read = read_after(connection, self._read)
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

    @contextmanager
    def _transaction(self) -> Iterator[Connection]:
        self._make_file()
        engine = self._engine = self._engine or connect(self._url, self._patience)
        try:
            with engine.begin() as connection:
                if self._path is not None:
                    GuardActRow.metadata.create_all(
                        connection, [GuardActRow.metadata.tables["guard_act"]]
                    )
                yield connection
        except DBAPIError as error:
            if self._path is None:
                raise unreachable(engine, error.orig) from error
            if not isinstance(error.orig, sqlite3.OperationalError):
                self._put_aside(self._path)
            raise _unusable(self._path, error.orig) from error
        finally:
            if engine.dialect.name == "sqlite":  # another file may take the place of this one
                engine.dispose()

    def close(self) -> None:
        """Give the connections back."""
        if self._engine is not None:
            self._engine.dispose()

    def _make_file(self) -> None:
        if self._path is None:
            return
        try:
            make_file(self._path)
        except OSError as error:
            raise _unusable(self._path, error) from error

    def _put_aside(self, path: Path) -> None:
        """Guests come first: whoever wants to look finds what was in it."""
        aside = path.with_suffix(f".damaged-{secrets.token_hex(4)}")
        with suppress(OSError):
            path.rename(aside)
            log.error("the guard's file is damaged and is put aside as %s", aside)
        self._read = 0


def _unusable(path: Path, cause: BaseException | None) -> StoreUnreachable:
    return StoreUnreachable(
        f"the guard's file {path} cannot be used: {cause}",
        "Look at the rights on its folder and at the space on its disk.",
    )
