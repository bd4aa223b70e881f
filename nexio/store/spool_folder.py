"""The folder beside the store in which servers keep what is theirs, and its files.

Closed to all others; where the folder of the store is open to a group, as for nexio-radiusd and
FreeRADIUS under users of their own, so is this one, and what is in it.
"""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from pathlib import Path

GROUP = stat.S_IRWXG | stat.S_ISGID


def make_file(path: Path) -> None:
    """Make an empty file, and its folder, where they are not there yet.

    Raises:
        OSError: one of them cannot be made, or not be opened for writing.
    """
    _make_folder(path.parent)
    shared = path.parent.stat().st_mode & stat.S_IWGRP
    with suppress(FileExistsError):
        made = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
        if shared:
            os.fchmod(made, 0o660)
        os.close(made)
    os.close(os.open(path, os.O_RDWR))


def _make_folder(folder: Path) -> None:
    with suppress(FileExistsError):
        folder.mkdir(mode=0o700, parents=True)
        if folder.parent.stat().st_mode & stat.S_IWGRP:
            folder.chmod(stat.S_IRWXU | GROUP)
