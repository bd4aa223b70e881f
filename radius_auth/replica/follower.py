"""Keeping the table current: a thread that follows the store."""

from __future__ import annotations

import logging
import threading
from contextlib import closing
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from nexio.clock import utc_now
from nexio.errors import NexioError
from nexio.network.following import Horizon, Position
from nexio.network.news import read_all, read_news, read_visits_opening
from nexio.store.engine import Store
from nexio.store.watching import watch
from radius_auth.replica.table import Table

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from nexio.clock import Clock
    from nexio.store.engine import Reading

log = logging.getLogger(__name__)

HORIZON_EVERY = timedelta(minutes=1)
RETRY_SECONDS = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far the follower is, for whoever wants to know whether it is current."""

    position: Position
    at: datetime
    """When the store was last followed successfully."""


class Follower:
    """Holds the table and keeps it current.

    Args:
        open_store: opens the store; called again after the store was out of reach or has new
            keys.
        horizon: how far around now visits are held.
        clock: aware time of day.
    """

    def __init__(
        self, open_store: Callable[[], Store], horizon: Horizon, clock: Clock = utc_now
    ) -> None:
        self._open_store = open_store
        self._horizon = horizon
        self._clock = clock
        self._stopping = threading.Event()
        self._reload_wanted = threading.Event()
        self._trouble = ""
        self._moved = threading.Condition()
        self._thread: threading.Thread | None = None
        self._store = open_store()
        try:
            self.table, self._progress = self._load()
        except BaseException:
            self._store.close()
            raise
        self._horizon_at = self._progress.at

    @property
    def progress(self) -> Progress:
        """How far the follower is."""
        return self._progress

    @property
    def age(self) -> timedelta:
        """Since when the store has not been followed successfully."""
        return self._clock() - self._progress.at

    def start(self) -> None:
        """Follow in the background until :meth:`stop`."""
        self._thread = threading.Thread(target=self._run, name="nexio-follower", daemon=True)
        self._thread.start()

    def reload(self) -> None:
        """Let the thread load everything anew; safe in a signal."""
        self._reload_wanted.set()

    def stop(self) -> None:
        """End the thread and give the store back."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join()
        self._store.close()

    def wait_for(self, number: int, seconds: float) -> bool:
        """Wait until the table holds the store's revision ``number``; whether it does."""
        with self._moved:
            return self._moved.wait_for(lambda: self._progress.position.number >= number, seconds)

    def follow(self) -> None:
        """Take in what is new, once.

        Raises:
            NexioError: the store or its key is out of reach; the table stays as it is.
        """
        with self._store.read() as work:
            news = read_news(work, self._progress.position)
            if news is not None:
                self.table.apply(news, self._horizon, work.now)
                self._move_horizon(work)
        if news is None:
            self._reload()
        else:
            self._advance(news.position, work.now)

    def _move_horizon(self, work: Reading) -> None:
        if work.now - self._horizon_at < HORIZON_EVERY:
            return
        ahead = self._horizon.ahead
        self.table.put(read_visits_opening(work, self._horizon_at + ahead, work.now + ahead))
        self.table.drop_outside(self._horizon, work.now)
        self._horizon_at = work.now

    def _reload(self) -> None:
        """Open the store again, with the keys read again, and load all of it."""
        fresh = self._open_store()
        self._store, old = fresh, self._store
        old.close()
        self.table, progress = self._load()
        self._horizon_at = progress.at
        self._advance(progress.position, progress.at)

    def _load(self) -> tuple[Table, Progress]:
        with self._store.read() as work:
            table = Table(work.keyring)
            news = read_all(work, self._horizon)
            table.apply(news, self._horizon, work.now)
        return table, Progress(position=news.position, at=work.now)

    def _advance(self, position: Position, at: datetime) -> None:
        with self._moved:
            self._progress = Progress(position=position, at=at)
            self._moved.notify_all()

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                self._watch()
            except NexioError as error:
                self._tell(str(error))
            except Exception:
                # A fault of ours must not leave the table to grow old in silence.
                log.exception("not following the store")
            self._stopping.wait(RETRY_SECONDS)

    def _watch(self) -> None:
        """Follow until the end, or until the store is out of reach."""
        if self._trouble:
            self._reload()
        with closing(watch(self._store.engine)) as watcher:
            self.follow()
            self._tell("")
            while not self._stopping.is_set():
                changed = watcher.wait()
                if self._reload_wanted.is_set():
                    self._reload_wanted.clear()
                    self._reload()
                elif abs(self._clock() - self._horizon_at) >= 2 * HORIZON_EVERY:
                    self._reload()  # the clock was set: the horizon lies elsewhere now
                elif changed or self._clock() - self._horizon_at >= HORIZON_EVERY:
                    self.follow()
                else:
                    self._advance(self._progress.position, self._clock())

    def _tell(self, trouble: str) -> None:
        """Log the beginning and the end of an outage, not every second of it."""
        if trouble and trouble != self._trouble:
            log.warning("not following the store: %s", trouble)
        if self._trouble and not trouble:
            log.warning("following the store again")
        self._trouble = trouble
