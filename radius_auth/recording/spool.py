"""The spool: a server's own file for records on their way into the store.

Decisions are collected for a moment and written in groups, so that no request waits for a disk.
A crash loses at most that moment.  Accounting is written before it is answered.  However much one
NAS sends, the others get their share of the way into the store.
"""

from __future__ import annotations

import json
import logging
import sqlite3
import threading
import time
from collections import Counter
from contextlib import closing, suppress
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar
from urllib.parse import quote

from nexio.network.accounting_records import AccountingBatch, AccountingRecord
from nexio.network.events import AuthEvent, EventBatch, decided
from nexio.network.masking import mask_pins
from nexio.store.plain_values import as_octets, of_octets
from nexio.store.spool_folder import FileDamaged, FileUnusable, SpoolFile

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

MOST_OF_ONE = 50_000
"""Records of one NAS that may wait for the store; beyond that its accounting gets no answer."""

MOST_OF_ALL = 500_000
"""Records of all NAS that may wait: some 450 MB."""

ROOM_TO_GIVE_BACK = 256
"""The file is shrunk when it has at least so many free pages of 4 KiB."""

INCREMENTAL: Final = 2
"""SQLite's number for auto_vacuum=INCREMENTAL: the file gives pages back on request."""

NOBODY = "-"
"""The source of records of an older version."""

Record = TypeVar("Record", bound=AuthEvent | AccountingBatch | EventBatch)
"""A record or a batch: it has a ``record_id`` and a ``source``, the NAS whose share it takes."""

MOST_WRITERS: Final = 1_000
"""How many processes' latest batch numbers are remembered, those of the newest processes."""

log = logging.getLogger(__name__)


class Spool(Generic[Record]):
    """Records of one kind on disk.

    If the file cannot be used, the object is made all the same, and tries again at each use.

    Args:
        path: the file; each kind has its own.
        kind: the class of the records.
    """

    def __init__(self, path: Path, kind: type[Record]) -> None:
        self._file = SpoolFile(path, "the spool")
        self._kind = kind
        self.is_made = False
        """Whether the file could be used so far."""

        self._counting = threading.Lock()
        self._waiting: Counter[str] = Counter()
        self._total = 0
        self._latest: dict[str, int] = {}
        self._after = ""
        try:
            self.make()
        except FileUnusable as error:
            log.warning("%s %s", error, error.advice)

    def make(self) -> None:
        """Make the file, or upgrade that of an older version, unless done before.

        Raises:
            FileUnusable: it cannot be made or opened.
        """
        if self.is_made:
            return
        self._file.make()
        try:
            self._create_table()
        except FileDamaged:
            self._file.put_aside()
            self._file.make()
            self._create_table()
        self.is_made = True

    def has_room(self, source: str) -> bool:
        """Whether another record of that NAS may wait."""
        with self._counting:
            return self._waiting[source] < MOST_OF_ONE and self._total < MOST_OF_ALL

    def try_out(self) -> None:
        """Write something without meaning, to find out whether the file can be written.

        Raises:
            FileUnusable: it cannot.
        """
        self.make()
        with self._file.transaction() as connection:
            connection.execute("PRAGMA user_version = 1")

    def append(self, records: Sequence[Record]) -> None:
        """Store records in one commit; they are on the disk when this returns.

        Raises:
            FileUnusable: the disk is full, or the file is gone.
        """
        self.make()
        new = [record for record in records if not self._is_repeated(record)]
        latest = {each.writer: each.number for each in new if isinstance(each, EventBatch)}
        with self._file.transaction() as connection:
            connection.executemany(
                "INSERT OR IGNORE INTO event (record_id, source, weight, body) VALUES (?, ?, ?, ?)",
                [(each.record_id, each.source, weight(each), written(each)) for each in new],
            )
            connection.executemany(
                "INSERT OR REPLACE INTO heard (writer, number) VALUES (?, ?)", latest.items()
            )
        self._latest.update(latest)
        with self._counting:
            self._waiting.update(_weights(new))
            self._total = self._waiting.total()

    def _is_repeated(self, record: Record) -> bool:
        """Whether a process sent this before: it could not know that it was on the disk."""
        return isinstance(record, EventBatch) and record.number <= self._latest.get(
            record.writer, 0
        )

    def oldest(self, count: int) -> list[Record]:
        """The records that have waited longest, the same number for each NAS.

        A batch counts as the number of its records, and is returned whole.

        Raises:
            FileUnusable: the file cannot be read.
        """
        self.make()
        with self._file.transaction() as connection:
            rows = sorted(self._fair_rows(connection, count))
            records = [(number, read_back(body, self._kind)) for number, body in rows]
            unreadable = [(number,) for number, record in records if record is None]
            connection.executemany("DELETE FROM event WHERE number = ?", unreadable)
        if unreadable:
            log.error("%d records in the spool were unreadable and are lost", len(unreadable))
        if not rows:
            with self._counting:
                self._waiting.clear()
                self._total = 0
        return [record for _, record in records if record is not None]

    def remove(self, records: Sequence[Record]) -> None:
        """Forget records that the store has now.

        Raises:
            FileUnusable: the file cannot be written.
        """
        self.make()
        try:
            self._remove(records)
        except FileUnusable:
            self._file.make_room()  # the disk may be full
            self._remove(records)
        with self._counting:
            self._waiting.subtract(_weights(records))
            self._waiting = +self._waiting
            self._total = self._waiting.total()

    def _remove(self, records: Sequence[Record]) -> None:
        with self._file.transaction() as connection:
            connection.executemany(
                "DELETE FROM event WHERE record_id = ?", [(each.record_id,) for each in records]
            )
        with self._file.transaction() as connection:
            (free,) = connection.execute("PRAGMA freelist_count").fetchone()
            (pages,) = connection.execute("PRAGMA page_count").fetchone()
            if free > max(ROOM_TO_GIVE_BACK, pages // 2):
                # A script: `execute` would take one step, which gives back one page.
                connection.executescript("PRAGMA incremental_vacuum")
                connection.execute("PRAGMA wal_checkpoint = TRUNCATE")

    def _fair_rows(self, connection: sqlite3.Connection, count: int) -> Iterator[tuple[int, str]]:
        """Rows in fair shares: all of those sources with few records; the others share the rest."""
        sources = sorted(self._next_sources(connection, count), key=self._waiting.__getitem__)
        left = count
        for i, source in enumerate(sources):
            share = max(1, left // (len(sources) - i))
            rows = connection.execute(
                "SELECT number, body, weight FROM event WHERE source = ? ORDER BY number LIMIT ?",
                (source, share),
            )
            for number, body, weighs in rows:
                yield number, body
                left, share = left - weighs, share - weighs
                if share <= 0:
                    break

    def _next_sources(self, connection: sqlite3.Connection, count: int) -> list[str]:
        """The sources whose turn it is: all, or ``count`` of them if there are more."""
        found = _sources_after(connection, self._after, count)
        if len(found) < count and self._after:
            found = list(dict.fromkeys([*found, *_sources_after(connection, "", count)]))[:count]
        self._after = found[-1] if len(found) == count else ""
        return found

    def _create_table(self) -> None:
        with self._file.transaction() as connection:
            connection.execute(f"PRAGMA auto_vacuum = {INCREMENTAL}")
            connection.execute(
                "CREATE TABLE IF NOT EXISTS event (number INTEGER PRIMARY KEY,"
                " record_id TEXT UNIQUE, body TEXT NOT NULL)"
            )
            columns = {row[1] for row in connection.execute("PRAGMA table_info(event)")}
            if "source" not in columns:
                self._bring_up(connection)
            if "weight" not in columns:
                connection.execute("ALTER TABLE event ADD COLUMN weight INTEGER NOT NULL DEFAULT 1")
            self._read_latest(connection)
            connection.execute("CREATE INDEX IF NOT EXISTS of_source ON event (source, number)")
            waiting = connection.execute("SELECT source, sum(weight) FROM event GROUP BY source")
            with self._counting:
                self._waiting = Counter(dict(waiting.fetchall()))
                self._total = self._waiting.total()
            connection.commit()
            (vacuum,) = connection.execute("PRAGMA auto_vacuum").fetchone()
            if vacuum != INCREMENTAL:
                # Once, for a file of an older version, which cannot shrink otherwise.
                with suppress(sqlite3.OperationalError):  # no disk space for it now
                    connection.execute("VACUUM")
                    connection.execute("PRAGMA wal_checkpoint = TRUNCATE")

    def _read_latest(self, connection: sqlite3.Connection) -> None:
        connection.execute(
            "CREATE TABLE IF NOT EXISTS heard (writer TEXT PRIMARY KEY, number INTEGER NOT NULL)"
        )
        connection.execute(
            "DELETE FROM heard WHERE rowid <= (SELECT max(rowid) FROM heard) - ?", (MOST_WRITERS,)
        )
        rows = connection.execute("SELECT writer, number FROM heard")
        self._latest = dict(rows.fetchall())

    @staticmethod
    def _bring_up(connection: sqlite3.Connection) -> None:
        """Upgrade a spool of an older version: without sources, and with PINs in User-Names."""
        connection.execute(f"ALTER TABLE event ADD COLUMN source TEXT NOT NULL DEFAULT '{NOBODY}'")
        rows = connection.execute("SELECT number, body FROM event").fetchall()
        connection.executemany(
            "UPDATE event SET body = ? WHERE number = ?",
            [(_without_pins(body), number) for number, body in rows],
        )


def look_at(path: Path, kind: type[AccountingBatch | EventBatch]) -> tuple[int, float] | None:
    """How many records wait in the file of a spool, and when the oldest came (since 1970).

    Returns:
        None where it cannot be read at present.
    """
    uri = f"file:{quote(str(path))}?mode=ro"
    try:
        with closing(sqlite3.connect(uri, uri=True, timeout=1.0)) as connection:
            number, oldest = connection.execute(
                "SELECT coalesce(sum(weight), 0),"
                " (SELECT body FROM event ORDER BY number LIMIT 1) FROM event"
            ).fetchone()
    except sqlite3.Error:
        return None
    first = None if oldest is None else read_back(oldest, kind)
    return number, time.time() if first is None else first.since()


def _sources_after(connection: sqlite3.Connection, after: str, count: int) -> list[str]:
    """The next sources in the order of their names, by one index lookup for each."""
    rows = connection.execute(
        "WITH RECURSIVE next(source) AS ("
        " SELECT min(source) FROM event WHERE source > ?"
        " UNION ALL"
        " SELECT (SELECT min(source) FROM event WHERE event.source > next.source) FROM next"
        " WHERE next.source IS NOT NULL LIMIT ?"
        ") SELECT source FROM next WHERE source IS NOT NULL",
        (after, count),
    )
    return [source for (source,) in rows]


def _without_pins(body: str) -> str:
    """Mask PINs: no e-mail is known here, so all digits go."""
    try:
        fields = json.loads(body)
        fields["user_name"] = mask_pins(fields["user_name"], lambda _: False)
    except (KeyError, TypeError, ValueError):
        return ""
    return json.dumps(fields)


def weight(record: AuthEvent | AccountingBatch | EventBatch) -> int:
    """The number of records in it."""
    return 1 if isinstance(record, AuthEvent) else len(record)


def alone(record: Record) -> list[Record]:
    """Split a batch into records of its own kind with one entry each."""
    several: list[Any] = [record] if isinstance(record, AuthEvent) else record.alone()
    return several


def _weights(records: Sequence[Record]) -> Counter[str]:
    weights: Counter[str] = Counter()
    for record in records:
        weights[record.source] += weight(record)
    return weights


def written(record: AuthEvent | AccountingBatch | EventBatch) -> str | bytes:
    """A record as the file stores it."""
    if isinstance(record, AuthEvent):
        fields = {name: getattr(record, name) for name in AuthEvent.__slots__}
        return json.dumps({**fields, "at": record.at.isoformat()})
    whose = (record.server,) if isinstance(record, EventBatch) and record.server else ()
    return as_octets((record.record_id, record.source, record.values(), *whose))


def read_back(body: str | bytes, kind: type[Record]) -> Record | None:
    """A record from the file; None where it is damaged."""
    try:
        read: Record = _read(body, kind)
    except (AttributeError, KeyError, TypeError, ValueError):
        return None
    return read


def _read(body: str | bytes, kind: Any) -> Any:
    if kind is AuthEvent:
        fields = json.loads(body)
        return AuthEvent(**{**fields, "at": datetime.fromisoformat(fields["at"])})
    if isinstance(body, bytes):
        return kind.of_values(*of_octets(body))
    return (_old_decisions if kind is EventBatch else _old_accounting)(body)


def _old_accounting(body: str) -> AccountingBatch:
    """One record of an older version as a batch of its own."""
    fields = json.loads(body)
    record_id, sealed = fields.pop("record_id"), fields.get("user_name_sealed")
    fields["user_name_sealed"] = None if sealed is None else bytes.fromhex(sealed)
    fields["at"] = datetime.fromisoformat(fields["at"])
    record = AccountingRecord(**fields)
    return AccountingBatch(record_id=record_id, source=record.source_address, records=(record,))


def _old_decisions(body: str) -> EventBatch:
    """A batch, or one decision as a batch of its own."""
    fields = json.loads(body)
    if isinstance(fields, dict):
        event = AuthEvent(**{**fields, "at": datetime.fromisoformat(fields["at"])})
        return EventBatch(record_id=event.record_id, source=event.source, events=(decided(event),))
    record_id, source, events = fields
    return EventBatch(record_id=record_id, source=source, events=tuple(map(tuple, events)))
