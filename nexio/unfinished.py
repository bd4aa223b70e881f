"""Files that are written temporary_folder and put in place when they are whole.

Each is in a folder of its own, which its writer holds locked.  A writer that is killed leaves the
folder, and the lock is gone with it: the next one in the same place removes what nobody holds.
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
    """An empty folder, closed to others, on the disk of ``place``; removed at the end.

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
    """A new folder that nobody else takes for one that was left; until it is held, somebody may."""
    while True:
        folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=place))
        try:
            stack.enter_context(_locked(folder))
        except (BlockingIOError, FileNotFoundError):
            continue
        except OSError:  # a disk of the network may know no locks, and keeps what is left
            return folder
        if folder.exists():
            return folder


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Hold a folder.

    Raises:
        OSError: somebody else does.
    """
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(descriptor)
