"""The journal of a host: a file in which its processes share acts, which survives a restart.

Acts that were sent together are one row, so that a busy server writes a few rows a second and not
one for each device (``python -m benchmarks.recording``).
"""

from __future__ import annotations

import logging
import sqlite3
from contextlib import closing, contextmanager
from datetime import datetime
from itertools import chain
from typing import TYPE_CHECKING, Any, Final

from nexio.network.guard_acts import (
    KINDS,
    Act,
    Kind,
    Packed,
    acts_of,
    packed,
    parts_of,
    together,
    unpacked,
)
from nexio.network.guard_table import DEVICES_KEPT, GUESSES_KEPT
from nexio.store.plain_values import as_octets, of_octets
from nexio.store.spool_folder import FileDamaged, SpoolFile
from nexio.store.wiping import wipe_file

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
    from pathlib import Path

log = logging.getLogger(__name__)

AT_ONCE: Final = 1_000
"""Acts in one row at most."""

_OLD_COLUMNS: Final = ", ".join(Act._fields)


def guard_path(home: Path) -> Path:
    """Where the guard's file of a deployment is."""
    return home / "spool" / "guard.db"


class HostJournal:
    """Acts in the order in which they were written, and how far they were read.

    Args:
        path: of the file, which is made where it is missing.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = SpoolFile(path, "the guard's file")
        self._read = 0

    def exchange(self, acts: Sequence[Act] = ()) -> list[Act]:
        """Write acts, and read what others have written since the last call.

        Raises:
            FileUnusable: it cannot be read or written; nothing was written.
        """
        with self._transaction() as connection:
            if acts:
                connection.execute("BEGIN IMMEDIATE")
            last = _last(connection)
            first = self._read if last >= self._read else 0  # another file took its place
            found = [act for _, some in _rows(connection, first, last) for act in some]
            if acts:
                _append(connection, acts)
                last = _last(connection)
        self._read = last
        return found

    def read_again(self) -> list[Act]:
        """All acts.

        Raises:
            FileUnusable: it cannot be read.
        """
        self._read = 0
        return self.exchange()

    def forget_old(self, now: datetime, live: Collection[int] | None = None) -> None:
        """Remove acts that no longer count, and devices at visits other than the live ones.

        Raises:
            FileUnusable: it cannot be written.
        """
        ages = (GUESSES_KEPT, DEVICES_KEPT)
        passed, long_passed = ((now - age).timestamp() for age in ages)

        def is_retained(act: Act) -> bool:
            if act.at >= passed:
                return True
            is_over = live is not None and act.visit_id not in live
            return act.kind == Kind.IN and act.at >= long_passed and not is_over

        with self._transaction() as connection:
            connection.execute("BEGIN IMMEDIATE")
            _retain(connection, is_retained, "WHERE since < ?", passed)

    def erase(self, visits: Collection[int], devices: Collection[str]) -> list[str]:
        """Erase the acts at visits, and the acts of these devices that name no visit.

        Returns:
            What could not be erased, in words.

        Raises:
            FileUnusable: it cannot be written.
        """

        def is_retained(act: Act) -> bool:
            if act.visit_id is None:
                return act.device not in devices
            return act.visit_id not in visits

        with self._transaction() as connection:
            connection.execute("BEGIN IMMEDIATE")
            _retain(connection, is_retained)
        try:
            with closing(sqlite3.connect(self._path, 5.0, isolation_level=None)) as connection:
                return [f"{self._path}: {each}" for each in wipe_file(connection)]
        except sqlite3.Error as error:
            return [f"{self._path} could not be written anew ({error}): run this again"]

    def close(self) -> None:
        """Each thread's connection closes with it."""

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        self._file.make()
        try:
            with self._file.transaction() as connection:
                _make_table(connection)
                yield connection
        except FileDamaged:
            self._file.put_aside()
            self._read = 0
            raise


def _make_table(connection: sqlite3.Connection) -> None:
    """Make the table, and migrate the rows of an older version, one for each act."""
    if _tables(connection) == {"acts"}:
        return
    connection.execute("BEGIN IMMEDIATE")
    connection.execute(
        "CREATE TABLE IF NOT EXISTS acts (id INTEGER PRIMARY KEY AUTOINCREMENT,"
        " since REAL NOT NULL, body BLOB NOT NULL)"
    )
    if "guard_act" in _tables(connection):
        rows = connection.execute(f"SELECT {_OLD_COLUMNS} FROM guard_act ORDER BY id").fetchall()  # noqa: S608
        old = [(kind, _seconds(at), *rest) for kind, at, *rest in rows if kind in KINDS]
        _append(connection, acts_of(old))
        connection.execute("DROP TABLE guard_act")
    connection.commit()


def _tables(connection: sqlite3.Connection) -> set[str]:
    found = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
    return {name for (name,) in connection.execute(found)}


def _seconds(at: str) -> float:
    return datetime.fromisoformat(f"{at}+00:00").timestamp()


def _last(connection: sqlite3.Connection) -> int:
    (last,) = connection.execute("SELECT coalesce(max(id), 0) FROM acts").fetchone()
    number: int = last
    return number


def _append(connection: sqlite3.Connection, acts: Sequence[Act]) -> None:
    parts = acts.parts if isinstance(acts, Packed) else parts_of(acts, AT_ONCE)
    for group in together(parts, AT_ONCE):
        since, octets = min(each.since for each in group), [each.octets for each in group]
        statement = "INSERT INTO acts (since, body) VALUES (?, ?)"
        connection.execute(statement, (since, as_octets(octets)))


def _row_of(acts: Iterable[Act]) -> tuple[float, bytes]:
    return min(act.at for act in acts), as_octets([packed(acts)])


def _rows(connection: sqlite3.Connection, after: int, last: int) -> Iterator[tuple[int, list[Act]]]:
    if after == last:
        return
    which = "WHERE id > ? AND id <= ? ORDER BY id"
    yield from _read(connection, which, after, last)


def _read(
    connection: sqlite3.Connection, which: str = "", *values: float
) -> Iterator[tuple[int, list[Act]]]:
    """Rows with their acts; none for a damaged row."""
    rows = connection.execute(f"SELECT id, body FROM acts {which}", values).fetchall()  # noqa: S608 (ours)
    for number, body in rows:
        try:
            # A newer version may know more kinds.
            yield number, [act for act in _acts_in(of_octets(body)) if act.kind in KINDS]
        except (EOFError, IndexError, TypeError, ValueError):
            log.error("a part of the guard's file is damaged, and is passed over")  # noqa: TRY400
            yield number, []


def _acts_in(values: list[Any]) -> Iterable[Act]:
    """The acts of a row: an older version wrote them one by one, not packed together."""
    if isinstance(values[0], bytes):
        return chain.from_iterable(map(unpacked, values))
    return acts_of(values)


def _retain(
    connection: sqlite3.Connection,
    is_retained: Callable[[Act], bool],
    which: str = "",
    *values: float,
) -> None:
    """Delete all acts of those rows but the retained ones."""
    for number, acts in _read(connection, which, *values):
        remaining = [act for act in acts if is_retained(act)]
        if not remaining:
            connection.execute("DELETE FROM acts WHERE id = ?", (number,))
        elif len(remaining) < len(acts):
            changed = "UPDATE acts SET since = ?, body = ? WHERE id = ?"
            connection.execute(changed, (*_row_of(remaining), number))
