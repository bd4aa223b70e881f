"""Replaces standard input, output and error if a supervisor, cron or a shell has closed them."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TextIO


def open_closed() -> None:
    """Open /dev/null for each closed stream (``<&-``, ``>&-``, ``2>&-``).

    Otherwise the first file that is opened gets the stream's number, and output is written into
    the store.
    """
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if not _is_open(number):
            os.open(os.devnull, os.O_RDWR)  # gets the lowest free number: this one
        if getattr(sys, name) is None:
            mode = "r" if name == "stdin" else "w"
            null = Path(os.devnull).open(mode, encoding="utf-8")  # noqa: SIM115 (it stays open)
            setattr(sys, name, null)


def silence(stream: TextIO) -> None:
    """Send the rest of a stream's output to /dev/null, as it can no longer be written."""
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, stream.fileno())
    os.close(null)


def _is_open(number: int) -> bool:
    try:
        os.fstat(number)
    except OSError:
        return False
    return True
