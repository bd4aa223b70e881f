"""The folder beside the store for the servers' own SQLite files.

It is closed to other users.  If the folder of the store is open to a group, as for nexio-radiusd
and FreeRADIUS under different users, so are this folder and its files.
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
    """The file cannot be created, read or written."""


class FileDamaged(FileUnusable):
    """The file is not a database, or an incomplete one."""


class SpoolFile:
    """One file in that folder.

    Each thread reuses its connection, and SQLite uses a WAL: so a commit waits for the disk once
    instead of four times, which limits accounting ("accounting" of ``make bench``).

    Args:
        path: of the file.
        what: its name in errors and in the log, such as "the spool".
        synchronous: value of SQLite's ``PRAGMA synchronous``.
        wait_seconds: how long to wait for another process that writes.
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
        """Create an empty file, unless there is one.

        Raises:
            FileUnusable: it cannot be created.
        """
        try:
            if make_file(self.path):
                self._move_companions(None)  # remove the WAL of a file that is gone
        except OSError as error:
            raise self.unusable(error) from error

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """The connection of this thread, committed at the end.

        Raises:
            FileUnusable: it cannot be read or written; FileDamaged if that is permanent.
        """
        try:
            connection = self._connected()
            with connection:
                yield connection
        except (sqlite3.DatabaseError, OSError) as error:
            self._of_thread.__dict__.clear()
            raise self.unusable(error) from error

    def make_room(self) -> None:
        """Shrink the WAL to nothing: a full disk has no room for more of it.

        Raises:
            FileUnusable: it cannot be read or written.
        """
        with self.transaction() as connection:
            connection.execute("PRAGMA wal_checkpoint = TRUNCATE")

    def _connected(self) -> sqlite3.Connection:
        """The thread's connection to the current file, which may have been replaced or removed."""
        status = self.path.stat()
        which = status.st_dev, status.st_ino
        opened: _OpenFile | None = getattr(self._of_thread, "opened", None)
        if opened is None or opened.which != which:
            self._of_thread.__dict__.clear()
            opened = self._of_thread.opened = _OpenFile(self._uri, which, self._wait_seconds)
            opened.connection.execute(f"PRAGMA synchronous = {self._synchronous}")
            opened.connection.execute("PRAGMA journal_mode = WAL")
        return opened.connection

    def put_aside(self) -> None:
        """Move a damaged file and SQLite's files beside it away, so that logins can go on."""
        aside = put_aside(self.path, self._what, "is damaged")
        if aside is not None:
            with suppress(OSError):
                self._move_companions(aside)

    def _move_companions(self, aside: Path | None) -> None:
        """Move SQLite's files beside a file that is gone, or remove them."""
        for end in ("-wal", "-shm"):
            beside = self.path.with_name(self.path.name + end)
            with suppress(FileNotFoundError):
                if aside is None:
                    beside.unlink()
                else:
                    beside.rename(aside.with_name(aside.name + end))

    def unusable(self, cause: BaseException | None) -> FileUnusable:
        """Convert an error of the system or of SQLite."""
        damaged = isinstance(cause, sqlite3.DatabaseError) and not isinstance(
            cause, sqlite3.OperationalError
        )
        return (FileDamaged if damaged else FileUnusable)(
            f"{self._what} {self.path} cannot be used: {cause}",
            "Look at the rights on its folder and at the space on its disk.",
        )


def put_aside(path: Path, what: str, why: str) -> Path | None:
    """Rename a file out of the way, with a line in the log.

    Its content stays for inspection.

    Args:
        path: of the file.
        what: its name in the log.
        why: what is wrong with it, such as "is damaged".

    Returns:
        Its new path; None if it could not be moved.
    """
    aside = path.with_suffix(f".damaged-{secrets.token_hex(4)}")
    try:
        path.rename(aside)
    except OSError:
        return None
    log.error("%s %s and is put aside as %s", what, why, aside)
    return aside


class _OpenFile:
    """A connection and the identity of its file; it closes with its thread."""

    def __init__(self, uri: str, which: tuple[int, int], wait_seconds: float) -> None:
        self.which = which
        self.connection = sqlite3.connect(
            uri, uri=True, timeout=wait_seconds, check_same_thread=False
        )

    def __del__(self) -> None:
        """Close the connection; the attribute is missing if opening failed."""
        if hasattr(self, "connection"):
            self.connection.close()


def make_file(path: Path) -> bool:
    """Create an empty file and its folder, unless they exist.

    Returns:
        Whether the file was created.

    Raises:
        OSError: one of them cannot be created, or not be opened for writing.
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
    """Create the folder unless it exists, with the access rights of the store's folder."""
    with suppress(FileExistsError):
        folder.mkdir(mode=0o700, parents=True)
        if folder.parent.stat().st_mode & stat.S_IWGRP:
            folder.chmod(stat.S_IRWXU | GROUP)
