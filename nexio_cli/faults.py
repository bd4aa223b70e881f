"""A fault of ours: a report file that can be sent to whoever maintains nexio."""

from __future__ import annotations

import os
import tempfile
import traceback
from datetime import UTC, datetime
from pathlib import Path

from nexio import __version__
from nexio.configuration import Configuration


def report(error: Exception) -> str:
    """Write what happened into a file and say where it is.

    It holds the lines of our code that were passed and the kind of the error, but not its
    text: a driver's or a library's text may repeat what somebody typed.
    """
    now = datetime.now(UTC)
    frames = "".join(traceback.format_tb(error.__traceback__))
    text = f"nexio {__version__}\n{now.isoformat()}\n\n{frames}\n{type(error).__qualname__}\n"
    for folder in (Configuration.from_environment(os.environ).home, Path(tempfile.gettempdir())):
        try:
            folder = folder / "faults"  # noqa: PLW2901
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            path = folder / f"{now:%Y%m%dT%H%M%S%f}.txt"
            path.write_text(text, encoding="utf-8")
        except OSError:
            continue
        return f"Please send this report to those who maintain it: {path}"
    return f"{type(error).__qualname__}, and no report could be written"
