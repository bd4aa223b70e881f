"""Keeping the guard: a thread that shares it with the other processes of this host."""

from __future__ import annotations

import logging
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

from nexio.errors import NexioError
from nexio.store.engine import utc_now
from radius_auth.budgets import HOUR
from radius_auth.guard import Guard
from radius_auth.guard_file import GuardFile

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from nexio.store.engine import Clock

log = logging.getLogger(__name__)

EVERY_SECONDS = 0.4
"""How long the others do not know of a guess, or of a wait that was lifted."""


def guard_path(home: Path) -> Path:
    """Where the guard's file of a deployment is."""
    return home / "spool" / "guard.db"


@contextmanager
def kept(path: Path) -> Iterator[Guard]:
    """A guard that is shared through a file while it is in use."""
    keeper = GuardKeeper(path)
    keeper.start()
    try:
        yield keeper.guard
    finally:
        keeper.stop()


class GuardKeeper:
    """Holds a guard, and writes and reads its file.

    No request waits for that.  Where the file cannot be used, the guard goes on in memory.

    Args:
        path: the file.
        clock: aware time of day.
    """

    def __init__(self, path: Path, clock: Clock = utc_now) -> None:
        self.guard = Guard()
        self._file = GuardFile(path)
        self._clock = clock
        self._tidied = 0.0
        self._failing = False
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="nexio-guard", daemon=True)

    def start(self) -> None:
        """Read what is known, then go on in the background until :meth:`stop`."""
        self.exchange()
        self._thread.start()

    def stop(self) -> None:
        """Write what is left, and end."""
        self._stopping.set()
        if self._thread.ident is not None:
            self._thread.join()
        self.exchange()

    def exchange(self) -> None:
        """Tell the others, and hear what they have to tell; never fails."""
        news = self.guard.take_news()
        try:
            heard = self._file.exchange(news)
            news = []
            self.guard.apply(heard)
            self._tidy()
        except NexioError as error:
            self.guard.put_news_back(news)
            if not self._failing:
                log.warning("guesses are counted in memory alone: %s", error)
            self._failing = True
        except Exception:
            # A fault of ours must not end the sharing: the rest of the news comes later.
            log.exception("guesses are counted in memory alone")
        else:
            if self._failing:
                log.warning("guesses are kept on disk again")
            self._failing = False

    def _tidy(self) -> None:
        now = self._clock().timestamp()
        if abs(now - self._tidied) > HOUR:
            self._file.forget_old(now)
            self._tidied = now

    def _run(self) -> None:
        while not self._stopping.wait(EVERY_SECONDS):
            self.exchange()
