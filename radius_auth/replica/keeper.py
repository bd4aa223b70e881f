"""Saves the table on disk, in a thread that no request waits for."""

from __future__ import annotations

import logging
import threading
import time
from typing import TYPE_CHECKING, Final

from radius_auth.replica.saved_table import SavedTable, SavedTableFile, put_strange_aside

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from pathlib import Path

    from nexio.network.following import FollowedVisit
    from radius_auth.replica.follower import Follower
    from radius_auth.replica.table import Change

log = logging.getLogger(__name__)

CHANGES_EVERY: Final = 1.0
"""Minimum seconds between two writes of changes."""

FOLLOWED_EVERY: Final = 10.0
"""Seconds after which the file notes that the store is still followed."""

WHOLE_EVERY: Final = 3600.0
"""Seconds after which a changed table is rewritten, so that the file drops old visits."""


class Keeper:
    """Writes the table of a follower into a file.

    Args:
        path: the file.
        follower: whose table it saves.
    """

    def __init__(self, path: Path, follower: Follower) -> None:
        self._path = path
        self._file: SavedTableFile | None = None
        self._follower = follower
        self._changes: list[Change] = []
        self._is_whole_due = True
        self._has_changes = False
        self._whole_at = 0.0
        self._noted_at: datetime | None = None
        self._trouble = ""
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="nexio-keeper", daemon=True)

    def start(self) -> None:
        """Start the thread, until :meth:`stop`."""
        follower = self._follower
        if not follower.is_from_disk:
            put_strange_aside(self._path, follower.table.keyring, follower.progress.position.epoch)
        with follower.changing:
            follower.listeners.append(self._add_change)
        self._thread.start()

    def stop(self) -> None:
        """Write the remaining changes, and end."""
        self._stopping.set()
        self._wake.set()
        self._thread.join()
        self._try()
        self.close()

    def write_changes(self) -> None:
        """Write the changes since the last call, or the whole table if it is due.

        Raises:
            OSError: it cannot be written.
        """
        file, follower = self._file, self._follower
        if file is not None and self._must_be_whole(file):
            self._is_whole_due = True
        with follower.changing:
            is_whole, self._is_whole_due = self._is_whole_due, False
            changes, self._changes = self._changes, []
            table, at, position = follower.table, follower.progress.at, follower.progress.position
            visits = table.all_visits() if is_whole else ()
        try:
            if is_whole:
                self._write(SavedTable(table=table, position=position, followed_at=at), visits)
            elif file is not None and (changes or at != self._noted_at):
                file.add(changes, position, at)
                self._has_changes = self._has_changes or bool(changes)
        except BaseException:
            self._is_whole_due = True
            raise
        self._noted_at = at

    def _must_be_whole(self, file: SavedTableFile) -> bool:
        is_old = time.monotonic() - self._whole_at > WHOLE_EVERY
        return file.has_grown or (self._has_changes and is_old) or not file.is_in_place

    def _write(self, saved: SavedTable, visits: Sequence[FollowedVisit]) -> None:
        self.close()
        self._file = SavedTableFile.write(self._path, saved, visits)
        self._has_changes, self._whole_at = False, time.monotonic()

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _add_change(self, change: Change) -> None:
        """Add a change; the follower calls this while it holds its lock."""
        if change.is_whole:
            self._changes.clear()
            self._is_whole_due = True
        else:
            self._changes.append(change)
        self._wake.set()

    def _run(self) -> None:
        while not self._stopping.is_set():
            self._try()
            self._stopping.wait(CHANGES_EVERY)
            self._wake.wait(FOLLOWED_EVERY)
            self._wake.clear()

    def _try(self) -> None:
        try:
            self.write_changes()
        except OSError as error:
            if str(error) != self._trouble:
                log.warning("the table is not kept on disk: %s", error)
            self._trouble = str(error)
        except Exception:
            log.exception("the table is not kept on disk")
        else:
            if self._trouble:
                log.warning("the table is kept on disk again")
            self._trouble = ""
