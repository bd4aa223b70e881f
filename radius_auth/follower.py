"""Keeping the table current: a thread that follows the store."""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from nexio.errors import NexioError
from nexio.following import Horizon, Position, read_all, read_news, read_visits_opening
from nexio.store.engine import Store, utc_now
from nexio.store.watching import watch
from radius_auth.table import Table

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from nexio.store.engine import Clock, Reading

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
        self._moved = threading.Condition()
        self._thread: threading.Thread | None = None
        self._store = open_store()
        self.table, self._progress = self._load()
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
        """Another epoch, or too far behind: a new table, with the keys read again."""
        store, self._store = self._store, self._open_store()
        store.close()
        self.table, progress = self._load()
        self._horizon_at = progress.at
        self._advance(progress.position, progress.at)

    def _load(self) -> tuple[Table, Progress]:
        table = Table(self._store.keyring)
        with self._store.read() as work:
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
                log.warning("not following the store: %s", error)
                self._stopping.wait(RETRY_SECONDS)

    def _watch(self) -> None:
        """Follow until the end, or until the store is out of reach."""
        watcher = watch(self._store.engine)
        try:
            self.follow()
            while not self._stopping.is_set():
                if watcher.wait() or self._clock() - self._horizon_at >= HORIZON_EVERY:
                    self.follow()
                else:
                    self._advance(self._progress.position, self._clock())
        finally:
            watcher.close()
