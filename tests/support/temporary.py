"""Where the tests put their stores, servers and folders."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

_MEMORY = Path("/dev/shm")  # noqa: S108 (folders of our own are made in it)
_NEEDED = 4 * 1024**3
"""Octets: a run leaves a tenth of that, and a test that fails keeps its folder."""


def temporary_root() -> Path:
    """Memory where the machine has enough of it, as a disk makes each commit wait.

    Not in a container that gives little of it, or lets no program run from there.
    """
    try:
        there = os.statvfs(_MEMORY)
    except OSError:
        return Path(tempfile.gettempdir())
    enough = there.f_bavail * there.f_frsize >= _NEEDED and not there.f_flag & os.ST_NOEXEC
    return _MEMORY if enough and os.access(_MEMORY, os.W_OK) else Path(tempfile.gettempdir())
