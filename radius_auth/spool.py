"""The spool: a server's own file for what it decided, until the store has it.

Decisions are gathered for a moment and written in groups, so that no request waits for a
disk.  A crash loses at most that moment.
"""

from __future__ import annotations

import json
import logging
import os
import secrets
import sqlite3
from contextlib import closing, contextmanager
from datetime import datetime
from typing import TYPE_CHECKING
from urllib.parse import quote

from nexio.errors import StoreUnreachable
from nexio.events import AuthEvent

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

BUSY_SECONDS = 5


log = logging.getLogger(__name__)


class DamagedSpool(StoreUnreachable):
    """The file is not a spool, or not a whole one."""


class Spool:
    """Events on disk, oldest first.

    Raises:
        StoreUnreachable: the file cannot be made or opened.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._uri = f"file:{quote(str(path))}?mode=rw"
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
        except OSError as error:
            raise self._unusable(error) from error
        try:
            self._create_table()
        except DamagedSpool:
            # Guests come first: what was in it is put aside for whoever wants to look.
            aside = path.with_suffix(f".damaged-{secrets.token_hex(4)}")
            log.exception("the spool is put aside as %s", aside)
            path.rename(aside)
            os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
            self._create_table()

    def _create_table(self) -> None:
        with self._transaction() as connection:
            connection.execute(
                "CREATE TABLE IF NOT EXISTS event"
                " (number INTEGER PRIMARY KEY, record_id TEXT UNIQUE, body TEXT NOT NULL)"
            )

    def append(self, events: Sequence[AuthEvent]) -> None:
        """Keep events, in one commit.

        Raises:
            StoreUnreachable: the disk is full, or the file is gone.
        """
        with self._transaction() as connection:
            connection.executemany(
                "INSERT OR IGNORE INTO event (record_id, body) VALUES (?, ?)",
                [(event.record_id, _body(event)) for event in events],
            )

    def oldest(self, count: int) -> list[AuthEvent]:
        """The events that have waited longest.

        Raises:
            StoreUnreachable: the file cannot be read.
        """
        with self._transaction() as connection:
            rows = connection.execute(
                "SELECT number, body FROM event ORDER BY number LIMIT ?", (count,)
            ).fetchall()
            events = [(number, _event(body)) for number, body in rows]
            unreadable = [(number,) for number, event in events if event is None]
            connection.executemany("DELETE FROM event WHERE number = ?", unreadable)
        if unreadable:
            log.error("%d decisions in the spool were unreadable and are lost", len(unreadable))
        return [event for _, event in events if event is not None]

    def remove(self, events: Sequence[AuthEvent]) -> None:
        """Forget events that the store has now.

        Raises:
            StoreUnreachable: the file cannot be written.
        """
        with self._transaction() as connection:
            connection.executemany(
                "DELETE FROM event WHERE record_id = ?", [(event.record_id,) for event in events]
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


def _body(event: AuthEvent) -> str:
    fields = {name: getattr(event, name) for name in AuthEvent.__slots__}  # asdict() copies deeply
    return json.dumps({**fields, "at": event.at.isoformat()})


def _event(body: str) -> AuthEvent | None:
    """Read a row back; None where it is damaged."""
    try:
        fields = json.loads(body)
        return AuthEvent(**{**fields, "at": datetime.fromisoformat(fields["at"])})
    except (KeyError, TypeError, ValueError):
        return None
