"""Waiting for a warning in the log."""

from __future__ import annotations

import logging
import threading


class Warned(logging.Handler):
    """Waits for a warning."""

    def __init__(self, words: str) -> None:
        super().__init__(logging.WARNING)
        self._words = words
        self.heard = threading.Event()

    def emit(self, record: logging.LogRecord) -> None:
        """Take a line of the log."""
        if self._words in record.getMessage():
            self.heard.set()
