"""Recognises requests that were answered before: they are answered again, and not stored twice.

The Request Authenticator of an Accounting-Request is a digest of all of it with the secret (RFC
2866 section 3).  So the same authenticator means the same octets, sent again by the NAS, or by
somebody who recorded them.
"""

from __future__ import annotations

import logging
from collections import OrderedDict
from typing import TYPE_CHECKING, Final

from nexio.store.spool_folder import FileUnusable, SpoolFile

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

    RequestKey = tuple[int, bytes]
    """Number of a NAS entry, and a Request Authenticator."""

log = logging.getLogger(__name__)

OF_ONE: Final = 32_768
"""How many are remembered for one NAS entry, the newest ones."""

OF_ALL: Final = 131_072
"""How many are remembered in all; beyond that those of the longest silent entry are forgotten."""


class Replays:
    """The authenticators of stored requests.

    Args:
        file: stores them across a restart; None is memory only.
        of_one: how many to remember for one NAS entry.
        of_all: how many to remember in all.
    """

    def __init__(
        self, file: ReplayFile | None = None, of_one: int = OF_ONE, of_all: int = OF_ALL
    ) -> None:
        self._file = file
        self._of_one = of_one
        self._of_all = of_all
        self._seen: OrderedDict[int, OrderedDict[bytes, None]] = OrderedDict()
        self._total = 0
        self._unsaved: list[RequestKey] = []
        for key in file.read() if file is not None else ():
            self._add(*key)

    def __contains__(self, key: RequestKey) -> bool:
        """Whether that request of a NAS entry was stored before."""
        entry, authenticator = key
        return authenticator in self._seen.get(entry, ())

    def add(self, keys: Sequence[RequestKey]) -> None:
        """Remember requests that are stored now."""
        for each in keys:
            self._add(*each)
        if self._file is not None:
            self._unsaved.extend(keys)

    def save(self) -> None:
        """Write the ones added since the last time to the file."""
        if self._file is not None and self._unsaved:
            self._file.append(self._unsaved)
            self._unsaved.clear()

    def _add(self, entry: int, authenticator: bytes) -> None:
        seen = self._seen.setdefault(entry, OrderedDict())
        self._seen.move_to_end(entry)
        if authenticator in seen:
            return
        seen[authenticator] = None
        self._total += 1
        if len(seen) > self._of_one:
            seen.popitem(last=False)
            self._total -= 1
        if self._total > self._of_all:
            _, forgotten = self._seen.popitem(last=False)
            self._total -= len(forgotten)


class ReplayFile:
    """The newest authenticators on disk.

    It does no harm if the last ones are missing after a crash, so nothing waits for the disk; and
    if the file cannot be used, the server works without it.
    """

    def __init__(self, path: Path, most: int = OF_ALL) -> None:
        self._file = SpoolFile(path, "the file of replays", synchronous="OFF", wait_seconds=1.0)
        self._most = most
        self._trouble = False

    def read(self) -> list[RequestKey]:
        """Return the remembered ones, the oldest first."""
        keys: list[RequestKey] = []
        self._use(lambda connection: keys.extend(connection.execute(_READ)))
        return keys

    def append(self, keys: Iterable[RequestKey]) -> None:
        """Append more."""

        def act(connection: sqlite3.Connection) -> None:
            connection.executemany("INSERT INTO told (entry, authenticator) VALUES (?, ?)", keys)
            connection.execute(_FORGET, (self._most,))

        self._use(act)

    def _use(self, act: Callable[[sqlite3.Connection], None]) -> None:
        try:
            self._file.make()
            with self._file.transaction() as connection:
                connection.execute(_CREATE)
                act(connection)
        except FileUnusable as error:
            if not self._trouble:
                log.warning("replays are known in memory alone: %s", error)
            self._trouble = True
        else:
            self._trouble = False


_CREATE: Final = (
    "CREATE TABLE IF NOT EXISTS told"
    " (number INTEGER PRIMARY KEY, entry INTEGER NOT NULL, authenticator BLOB NOT NULL)"
)
_READ: Final = "SELECT entry, authenticator FROM told ORDER BY number"
_FORGET: Final = "DELETE FROM told WHERE number <= (SELECT max(number) FROM told) - ?"
