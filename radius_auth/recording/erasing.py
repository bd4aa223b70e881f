"""Erases a person from the spools of this machine, whose records are not in the store yet."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from nexio.network.accounting_records import AccountingBatch
from nexio.network.events import EventBatch
from nexio.store.spool_folder import SpoolFile
from nexio.store.wiping import wipe_file
from radius_auth.recording.spool import read_back, weight, written

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    About = Callable[[str, str | None, int | None], bool]
    """Whether a record is about the person, by User-Name, device and number of the visit."""

SPOOLS: Final = {
    "radiusd.db": EventBatch,
    "freeradius.db": EventBatch,
    "accounting.db": AccountingBatch,
    "freeradius-accounting.db": AccountingBatch,
}


def spools_of(folder: Path) -> list[Path]:
    """The spools that exist."""
    return [path for name in SPOOLS if (path := folder / name).exists()]


def remove_tables(folder: Path) -> None:
    """Remove the tables for a start without the store; a running server writes its table anew.

    Raises:
        OSError: a file cannot be removed.
    """
    for path in (*folder.glob("*.table"), *folder.glob("*.table-new")):
        path.unlink(missing_ok=True)


def damaged_in(folder: Path) -> list[Path]:
    """Files that were put aside as damaged: their content is unknown."""
    return sorted(folder.glob("*.damaged-*")) if folder.is_dir() else []


def holds(path: Path, is_about: About) -> bool:
    """Whether a record in a spool is about the person.

    Raises:
        FileUnusable: it cannot be read.
    """
    with SpoolFile(path, "the spool").transaction() as connection:
        return any(True for _ in _records_about(connection, SPOOLS[path.name], is_about))


def erase(path: Path, is_about: About) -> list[str]:
    """Remove the person's records from a spool; records of others stay.

    Returns:
        What remains, as sentences for the user.

    Raises:
        FileUnusable: it cannot be written.
    """
    with SpoolFile(path, "the spool").transaction() as connection:
        for number, left in [*_records_about(connection, SPOOLS[path.name], is_about)]:
            if left is None:
                connection.execute("DELETE FROM event WHERE number = ?", (number,))
            else:
                connection.execute(
                    "UPDATE event SET body = ?, weight = ? WHERE number = ?",
                    (written(left), weight(left), number),
                )
    with closing(sqlite3.connect(path, timeout=5.0, isolation_level=None)) as connection:
        return [f"{path}: {each}" for each in wipe_file(connection)]


def _records_about(
    connection: sqlite3.Connection, kind: type[Any], is_about: About
) -> Iterator[tuple[int, EventBatch | AccountingBatch | None]]:
    """The number of each record about the person, and the rest of it without them."""
    for number, body in connection.execute("SELECT number, body FROM event"):
        batch = read_back(body, kind)
        if batch is not None:
            left = _without(batch, is_about)
            if len(left) < len(batch):
                yield number, left if len(left) else None


def _without(batch: EventBatch | AccountingBatch, is_about: About) -> EventBatch | AccountingBatch:
    if isinstance(batch, EventBatch):
        decisions = [each for each in batch.events if not is_about(each[1], each[2], each[5])]
        return replace(batch, events=tuple(decisions))
    records = [
        each
        for each in batch.records
        if not is_about(each.user_name, each.device, each.claimed_visit)
    ]
    return replace(batch, records=tuple(records))
