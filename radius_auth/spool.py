"""The spool: a server's own file for what it has to tell the store, until the store has it.

Decisions are gathered for a moment and written in groups, so that no request waits for a
disk.  A crash loses at most that moment.  Accounting is written before it is answered.
"""

from __future__ import annotations

import json
import logging
import secrets
import sqlite3
from contextlib import closing, contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Generic, TypeVar
from urllib.parse import quote

from nexio.accounting import AccountingRecord
from nexio.errors import StoreUnreachable
from nexio.events import AuthEvent
from radius_auth.spool_folder import make_file

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

BUSY_SECONDS = 5

Record = TypeVar("Record", bound=AuthEvent | AccountingRecord)
"""What is told: a record has a ``record_id`` and the time ``at`` which it happened."""


log = logging.getLogger(__name__)


class DamagedSpool(StoreUnreachable):
    """The file is not a spool, or not a whole one."""


class Spool(Generic[Record]):
    """Records of one kind on disk, oldest first.

    Args:
        path: a file of its own for each kind.
        kind: the class of the records.

    Raises:
        StoreUnreachable: the file cannot be made or opened.
    """

    def __init__(self, path: Path, kind: type[Record]) -> None:
        self._path = path
        self._kind = kind
        self._uri = f"file:{quote(str(path))}?mode=rw"
        try:
            make_file(path)
        except OSError as error:
            raise self._unusable(error) from error
        try:
            self._create_table()
        except DamagedSpool:
            # Guests come first: what was in it is put aside for whoever wants to look.
            aside = path.with_suffix(f".damaged-{secrets.token_hex(4)}")
            log.exception("the spool is put aside as %s", aside)
            path.rename(aside)
            make_file(path)
            self._create_table()

    def _create_table(self) -> None:
        with self._transaction() as connection:
            connection.execute(
                "CREATE TABLE IF NOT EXISTS event"
                " (number INTEGER PRIMARY KEY, record_id TEXT UNIQUE, body TEXT NOT NULL)"
            )

    def append(self, records: Sequence[Record]) -> None:
        """Keep records, in one commit; they are on the disk when this returns.

        Raises:
            StoreUnreachable: the disk is full, or the file is gone.
        """
        with self._transaction() as connection:
            connection.executemany(
                "INSERT OR IGNORE INTO event (record_id, body) VALUES (?, ?)",
                [(record.record_id, written(record)) for record in records],
            )

    def oldest(self, count: int) -> list[Record]:
        """The records that have waited longest.

        Raises:
            StoreUnreachable: the file cannot be read.
        """
        with self._transaction() as connection:
            rows = connection.execute(
                "SELECT number, body FROM event ORDER BY number LIMIT ?", (count,)
            ).fetchall()
            records = [(number, read_back(body, self._kind)) for number, body in rows]
            unreadable = [(number,) for number, record in records if record is None]
            connection.executemany("DELETE FROM event WHERE number = ?", unreadable)
        if unreadable:
            log.error("%d records in the spool were unreadable and are lost", len(unreadable))
        return [record for _, record in records if record is not None]

    def remove(self, records: Sequence[Record]) -> None:
        """Forget records that the store has now.

        Raises:
            StoreUnreachable: the file cannot be written.
        """
        with self._transaction() as connection:
            connection.executemany(
                "DELETE FROM event WHERE record_id = ?", [(each.record_id,) for each in records]
            )

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        try:
            with closing(sqlite3.connect(self._uri, uri=True, timeout=BUSY_SECONDS)) as connection:
                connection.execute("PRAGMA synchronous = FULL")
                with connection:
                    yield connection
        except sqlite3.OperationalError as error:
            raise self._unusable(error) from error
        except sqlite3.DatabaseError as error:
            raise DamagedSpool(str(self._unusable(error))) from error

    def _unusable(self, error: Exception) -> StoreUnreachable:
        return StoreUnreachable(
            f"the spool {self._path} cannot be used: {error}",
            "Look at the rights on its folder and at the space on its disk.",
        )


def written(record: AuthEvent | AccountingRecord) -> str:
    """A record as it stands in the file."""
    fields = {name: getattr(record, name) for name in type(record).__slots__}  # asdict() is slow
    return json.dumps({**fields, "at": record.at.isoformat()})


def read_back(body: str, kind: type[Record]) -> Record | None:
    """A record from the file; None where it is damaged."""
    try:
        fields = json.loads(body)
        return kind(**{**fields, "at": datetime.fromisoformat(fields["at"])})
    except (KeyError, TypeError, ValueError):
        return None
