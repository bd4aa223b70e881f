"""Temporary folders for files that are written first and moved into place when complete.

The writer holds a lock on its folder.  A killed writer leaves the folder but loses the lock: the
next writer in the same place removes folders that nobody has locked.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

PREFIX = ".nexio-unfinished-"


@contextmanager
def temporary_folder(place: Path) -> Iterator[Path]:
    """Make an empty folder, closed to others, on the disk of ``place``; remove it at the end.

    Raises:
        OSError: it cannot be made.
    """
    for left in place.glob(f"{PREFIX}*"):
        with suppress(OSError), _locked(left):
            if left.stat().st_uid == os.geteuid():
                shutil.rmtree(left)
    with ExitStack() as stack:
        folder = _held_folder(place, stack)
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        yield folder


def _held_folder(place: Path, stack: ExitStack) -> Path:
    """Make and lock a folder.  Until it is locked, another writer may remove it as abandoned."""
    while True:
        folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=place))
        try:
            stack.enter_context(_locked(folder))
        except (BlockingIOError, FileNotFoundError):
            continue
        except OSError:  # a network disk may not support locks: abandoned folders stay there
            return folder
        if folder.exists():
            return folder


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Lock a folder.

    Raises:
        OSError: another process has locked it.
    """
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(descriptor)
