"""The folder beside the store in which servers keep SQLite files of their own.

Closed to all others; where the folder of the store is open to a group, as for nexio-radiusd and
FreeRADIUS under users of their own, so is this one, and what is in it.
"""

from __future__ import annotations

import logging
import os
import secrets
import sqlite3
import stat
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import quote

from nexio.errors import StoreUnreachable

GROUP = stat.S_IRWXG | stat.S_ISGID

log = logging.getLogger(__name__)


class FileUnusable(StoreUnreachable):
    """The file cannot be made, read or written."""


class FileDamaged(FileUnusable):
    """The file is not a database, or not a whole one."""


class SpoolFile:
    """One file in that folder.

    Each thread keeps its connection, and SQLite writes ahead: so a commit waits for the disk once
    and not four times, which is what accounting waits for ("accounting" of ``make bench``).

    Args:
        path: where it is.
        what: names it in errors and in the log, such as "the spool".
        synchronous: SQLite's word for what a commit waits for.
        wait_seconds: how long for another process that writes.
    """

    def __init__(
        self, path: Path, what: str, synchronous: str = "FULL", wait_seconds: float = 5.0
    ) -> None:
        self.path = path
        self._what = what
        self._uri = f"file:{quote(str(path))}?mode=rw"
        self._synchronous = synchronous
        self._wait_seconds = wait_seconds
        self._of_thread = threading.local()

    def make(self) -> None:
        """Make an empty file where none is there yet.

        Raises:
            FileUnusable: it cannot be made.
        """
        try:
            if make_file(self.path):
                self._take_along(None)  # what was written ahead in one that is gone
        except OSError as error:
            raise self.unusable(error) from error

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """The connection of this thread, committed at the end.

        Raises:
            FileUnusable: it cannot be read or written; FileDamaged where it never will.
        """
        try:
            connection = self._connected()
            with connection:
                yield connection
        except (sqlite3.DatabaseError, OSError) as error:
            self._of_thread.__dict__.clear()
            raise self.unusable(error) from error

    def make_room(self) -> None:
        """Give back what was written ahead: a full disk has no room for more of it.

        Raises:
            FileUnusable: it cannot be read or written.
        """
        with self.transaction() as connection:
            connection.execute("PRAGMA wal_checkpoint = TRUNCATE")

    def _connected(self) -> sqlite3.Connection:
        """Of the file that is there now: another one may have taken its place, or none."""
        status = self.path.stat()
        which = status.st_dev, status.st_ino
        kept: _Kept | None = getattr(self._of_thread, "kept", None)
        if kept is None or kept.which != which:
            self._of_thread.__dict__.clear()
            kept = self._of_thread.kept = _Kept(self._uri, which, self._wait_seconds)
            kept.connection.execute(f"PRAGMA synchronous = {self._synchronous}")
            kept.connection.execute("PRAGMA journal_mode = WAL")
        return kept.connection

    def put_aside(self) -> None:
        """Take a damaged file and what SQLite keeps beside it out of the way: guests come first."""
        aside = put_aside(self.path, self._what, "is damaged")
        if aside is not None:
            with suppress(OSError):
                self._take_along(aside)

    def _take_along(self, aside: Path | None) -> None:
        """Move the files that SQLite keeps beside one that is gone, or remove them."""
        for end in ("-wal", "-shm"):
            beside = self.path.with_name(self.path.name + end)
            with suppress(FileNotFoundError):
                if aside is None:
                    beside.unlink()
                else:
                    beside.rename(aside.with_name(aside.name + end))

    def unusable(self, cause: BaseException | None) -> FileUnusable:
        """What an error of the system or of SQLite means."""
        damaged = isinstance(cause, sqlite3.DatabaseError) and not isinstance(
            cause, sqlite3.OperationalError
        )
        return (FileDamaged if damaged else FileUnusable)(
            f"{self._what} {self.path} cannot be used: {cause}",
            "Look at the rights on its folder and at the space on its disk.",
        )


def put_aside(path: Path, what: str, why: str) -> Path | None:
    """Take a file out of the way, with a line in the log.

    Its content stays, for somebody who wants to look.

    Args:
        path: where it is.
        what: names it in the log.
        why: what is wrong with it, such as "is damaged".

    Returns:
        Where it is now; None where it could not be moved.
    """
    aside = path.with_suffix(f".damaged-{secrets.token_hex(4)}")
    try:
        path.rename(aside)
    except OSError:
        return None
    log.error("%s %s and is put aside as %s", what, why, aside)
    return aside


class _Kept:
    """A connection, and to which file; it closes with its thread."""

    def __init__(self, uri: str, which: tuple[int, int], wait_seconds: float) -> None:
        self.which = which
        self.connection = sqlite3.connect(
            uri, uri=True, timeout=wait_seconds, check_same_thread=False
        )

    def __del__(self) -> None:
        """Close it; not there where it could not be opened."""
        if hasattr(self, "connection"):
            self.connection.close()


def make_file(path: Path) -> bool:
    """Make an empty file, and its folder, where they are not there yet.

    Returns:
        Whether it was made.

    Raises:
        OSError: one of them cannot be made, or not be opened for writing.
    """
    make_folder(path.parent)
    shared = path.parent.stat().st_mode & stat.S_IWGRP
    is_new = False
    with suppress(FileExistsError):
        made = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
        if shared:
            os.fchmod(made, 0o660)
        os.close(made)
        is_new = True
    os.close(os.open(path, os.O_RDWR))
    return is_new


def make_folder(folder: Path) -> None:
    """Make the folder where it is not there yet; closed as that of the store is."""
    with suppress(FileExistsError):
        folder.mkdir(mode=0o700, parents=True)
        if folder.parent.stat().st_mode & stat.S_IWGRP:
            folder.chmod(stat.S_IRWXU | GROUP)
