"""Writes a bug report file that can be sent to the maintainers of nexio."""

from __future__ import annotations

import os
import tempfile
import traceback
from collections.abc import Mapping
from datetime import UTC, datetime

from nexio import __version__
from nexio.configuration import Configuration
from nexio.errors import NexioError
from nexio_cli.terminal import options


def _settings() -> Mapping[str, str]:
    try:
        return options.settings()
    except NexioError:  # it was reported earlier
        return os.environ


def report(error: BaseException) -> str:
    """Write what happened into a file and say where it is.

    It holds the lines of our code in the traceback and the type of the error, but not its text: a
    driver's or a library's text may repeat what somebody typed.
    """
    now = datetime.now(UTC)
    frames = "".join(traceback.format_tb(error.__traceback__))
    text = f"nexio {__version__}\n{now.isoformat()}\n\n{frames}\n{type(error).__qualname__}\n"
    try:
        folder = Configuration.from_environment(_settings()).home / "faults"
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor, path = tempfile.mkstemp(".txt", f"{now:%Y%m%dT%H%M%S}-", folder)
    except OSError:
        descriptor, path = tempfile.mkstemp(".txt", "nexio-fault-")
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
    return f"Please send this report to those who maintain it: {path}"
