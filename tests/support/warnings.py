"""Waiting for a warning in the log."""

from __future__ import annotations

import logging
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


class _Listener(logging.Handler):
    def __init__(self, words: str) -> None:
        super().__init__(logging.WARNING)
        self._words = words
        self.heard = threading.Event()

    def emit(self, record: logging.LogRecord) -> None:
        if self._words in record.getMessage():
            self.heard.set()


@contextmanager
def warning(words: str, logger: str = "radius_auth.protocol.discards") -> Iterator[threading.Event]:
    """An event that is set when a warning has these words."""
    listener, log = _Listener(words), logging.getLogger(logger)
    log.addHandler(listener)
    try:
        yield listener.heard
    finally:
        log.removeHandler(listener)
