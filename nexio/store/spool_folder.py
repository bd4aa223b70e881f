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
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
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

    Args:
        path: where it is.
        what: names it in errors and in the log, such as "the spool".
    """

    def __init__(self, path: Path, what: str) -> None:
        self.path = path
        self._what = what
        self._uri = f"file:{quote(str(path))}?mode=rw"

    def make(self) -> None:
        """Make an empty file where none is there yet.

        Raises:
            FileUnusable: it cannot be made.
        """
        try:
            make_file(self.path)
        except OSError as error:
            raise self.unusable(error) from error

    @contextmanager
    def transaction(
        self, journal: str = "DELETE", synchronous: str = "FULL", wait_seconds: float = 5.0
    ) -> Iterator[sqlite3.Connection]:
        """A connection of its own, committed at the end.

        Raises:
            FileUnusable: it cannot be read or written; FileDamaged where it never will.
        """
        try:
            with closing(sqlite3.connect(self._uri, uri=True, timeout=wait_seconds)) as connection:
                connection.execute(f"PRAGMA synchronous = {synchronous}")
                connection.execute(f"PRAGMA journal_mode = {journal}")
                with connection:
                    yield connection
        except sqlite3.DatabaseError as error:
            raise self.unusable(error) from error

    def put_aside(self) -> None:
        """Take a damaged file out of the way: guests come first."""
        put_aside(self.path, self._what, "is damaged")

    def unusable(self, cause: BaseException | None) -> FileUnusable:
        """What an error of the system or of SQLite means."""
        damaged = isinstance(cause, sqlite3.DatabaseError) and not isinstance(
            cause, sqlite3.OperationalError
        )
        return (FileDamaged if damaged else FileUnusable)(
            f"{self._what} {self.path} cannot be used: {cause}",
            "Look at the rights on its folder and at the space on its disk.",
        )


def put_aside(path: Path, what: str, why: str) -> None:
    """Take a file out of the way, with a line in the log.

    Its content stays, for somebody who wants to look.

    Args:
        path: where it is.
        what: names it in the log.
        why: what is wrong with it, such as "is damaged".
    """
    aside = path.with_suffix(f".damaged-{secrets.token_hex(4)}")
    with suppress(OSError):
        path.rename(aside)
        log.error("%s %s and is put aside as %s", what, why, aside)


def make_file(path: Path) -> None:
    """Make an empty file, and its folder, where they are not there yet.

    Raises:
        OSError: one of them cannot be made, or not be opened for writing.
    """
    make_folder(path.parent)
    shared = path.parent.stat().st_mode & stat.S_IWGRP
    with suppress(FileExistsError):
        made = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
        if shared:
            os.fchmod(made, 0o660)
        os.close(made)
    os.close(os.open(path, os.O_RDWR))


def make_folder(folder: Path) -> None:
    """Make the folder where it is not there yet; closed as that of the store is."""
    with suppress(FileExistsError):
        folder.mkdir(mode=0o700, parents=True)
        if folder.parent.stat().st_mode & stat.S_IWGRP:
            folder.chmod(stat.S_IRWXU | GROUP)
