"""Keeps the table current: a thread that follows the store."""

from __future__ import annotations

import logging
import threading
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING

from nexio.clock import utc_now
from nexio.errors import NexioError
from nexio.network.following import Horizon, Position
from nexio.network.news import has_seen, read_all, read_news, read_visits_opening
from nexio.store.engine import Store
from nexio.store.watching import watch
from radius_auth.replica.table import Change, Table

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from nexio.clock import Clock
    from nexio.network.following import FollowedVisit, News
    from nexio.store.engine import Reading
    from radius_auth.replica.saved_table import SavedTable

log = logging.getLogger(__name__)

HORIZON_EVERY = timedelta(minutes=1)
RETRY_SECONDS = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far the follower is, to check whether the table is current."""

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
        saved: the table to start with while the store is away; None opens the store at once.
    """

    def __init__(
        self,
        open_store: Callable[[], Store],
        horizon: Horizon,
        clock: Clock = utc_now,
        saved: SavedTable | None = None,
    ) -> None:
        self.changing = threading.RLock()
        """Held while the table changes."""

        self.listeners: list[Callable[[Change], None]] = []
        """Each is called with each change, while ``changing`` is held."""

        self.reloaded: Callable[[], None] = lambda: None
        """Called after a requested reload, whether it succeeded or not."""

        self._open_store = open_store
        self._horizon = horizon
        self._clock = clock
        self._stopping = threading.Event()
        self._reload_wanted = threading.Event()
        self._trouble = ""
        self._has_logged_pooler = False
        self._moved = threading.Condition()
        self._thread: threading.Thread | None = None
        self._store: Store | None = None
        if saved is None:
            self._store = open_store()
            try:
                self.table, self._progress = self._load(self._store)
            except BaseException:
                self._store.close()
                raise
        else:
            self._trouble = "the store was away at the start"
            self.table = saved.table
            self._progress = Progress(position=saved.position, at=saved.followed_at)
        self._horizon_at = self._progress.at

    @property
    def progress(self) -> Progress:
        """How far the follower is."""
        return self._progress

    @property
    def is_from_disk(self) -> bool:
        """Whether the store has been away since the start."""
        return self._store is None

    @property
    def age(self) -> timedelta:
        """Time since the store was last followed successfully."""
        return self._clock() - self._progress.at

    def start(self) -> None:
        """Follow in the background until :meth:`stop`."""
        self._thread = threading.Thread(target=self._run, name="nexio-follower", daemon=True)
        self._thread.start()

    def reload(self) -> None:
        """Let the thread reload everything; safe in a signal handler."""
        self._reload_wanted.set()

    def leave(self) -> None:
        """Let the thread end, without waiting for it."""
        self._stopping.set()

    def stop(self) -> None:
        """End the thread and close the store."""
        self.leave()
        if self._thread is not None:
            self._thread.join()
        if self._store is not None:
            self._store.close()

    def wait_for(self, number: int, seconds: float) -> bool:
        """Wait until the table holds the store's revision ``number``; True if it does."""
        with self._moved:
            return self._moved.wait_for(lambda: self._progress.position.number >= number, seconds)

    def follow(self) -> None:
        """Apply what is new in the store, once.

        Raises:
            NexioError: the store or its key is out of reach; the table stays as it is.
        """
        if self._store is None:
            self._reload()
            return
        with self._store.read() as work:
            news = read_news(work, self._progress.position)
            opening = None if news is None else self._opening(work)
        if news is None:
            self._reload()
            return
        with self.changing:
            self._notify(self._take(news, opening, work.now))
        self._advance(news.position, work.now)

    def _opening(self, work: Reading) -> list[FollowedVisit] | None:
        """The visits that enter the horizon, or None while it need not be moved."""
        if work.now - self._horizon_at < HORIZON_EVERY:
            return None
        ahead = self._horizon.ahead
        return read_visits_opening(work, self._horizon_at + ahead, work.now + ahead)

    def _take(self, news: News, opening: list[FollowedVisit] | None, now: datetime) -> Change:
        """Apply what is new, and the visits that enter or leave the horizon."""
        holds = self._horizon.holds
        visits = [visit for visit in news.visits if holds(visit, now)]
        gone = [*news.removed_visits, *(each.id for each in news.visits if not holds(each, now))]
        if opening is not None:
            visits += opening
            gone += [each.id for each in self.table.all_visits() if not holds(each, now)]
            self._horizon_at = now
        taken = replace(news, visits=visits, removed_visits=gone)
        self.table.apply(taken, self._horizon, now)
        return Change(visits=visits, gone=gone, locations=news.locations, nas=news.nas)

    def _reopen(self) -> Store:
        """Open the store again after an outage, and go on if it is the same store.

        Otherwise load all of it.
        """
        if self._store is None:
            return self._reload()
        fresh = self._open_store()
        try:
            with fresh.read() as work:
                is_known = has_seen(work, self._progress.position)
                is_known = is_known and work.keyring == self.table.keyring
        except BaseException:
            fresh.close()
            raise
        if not is_known:
            fresh.close()
            return self._reload()
        self._store.close()
        self._store = fresh
        return fresh

    def _reload(self) -> Store:
        """Open the store again, read the keys again, and load all of it."""
        fresh = self._open_store()
        try:
            table, progress = self._load(fresh)
        except BaseException:
            fresh.close()
            raise
        self._store, old = fresh, self._store
        if old is not None:
            old.close()
        with self.changing:
            before, self.table = self.table, table
            is_other = progress.position.epoch != self._progress.position.epoch
            self._notify(Change(is_whole=True) if is_other else _between(before, table))
        self._horizon_at = progress.at
        self._advance(progress.position, progress.at)
        return fresh

    def _notify(self, change: Change) -> None:
        for listener in self.listeners:
            listener(change)

    def _load(self, store: Store) -> tuple[Table, Progress]:
        with store.read() as work:
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
                if not self._stopping.is_set():
                    self._log_trouble(str(error))
            except Exception:
                # A fault of ours must not silently leave the table outdated.
                log.exception("not following the store")
            self._stopping.wait(RETRY_SECONDS)

    def _watch(self) -> None:
        """Follow until the end, or until the store is out of reach."""
        store = self._store
        if self._trouble or store is None:
            store = self._reopen()
        with closing(watch(store.engine)) as watcher:
            self.follow()
            self._log_trouble("")
            if watcher.is_pooled and not self._has_logged_pooler:
                self._has_logged_pooler = True
                log.info(
                    "a pooler is in front of PostgreSQL: changes are looked for twice a second"
                )
            while not self._stopping.is_set():
                changed = watcher.wait()
                if self._reload_wanted.is_set():
                    self._reload_wanted.clear()
                    try:
                        self._reload()
                    finally:
                        self.reloaded()
                elif abs(self._clock() - self._horizon_at) >= 2 * HORIZON_EVERY:
                    self._reload()  # the clock was set, so the horizon has moved
                elif changed or self._clock() - self._horizon_at >= HORIZON_EVERY:
                    self.follow()
                else:
                    self._advance(self._progress.position, self._clock())

    def _log_trouble(self, trouble: str) -> None:
        """Log only the beginning and the end of an outage."""
        if trouble and trouble != self._trouble:
            log.warning("not following the store: %s", trouble)
        if self._trouble and not trouble:
            log.warning("following the store again")
        self._trouble = trouble


def _between(old: Table, new: Table) -> Change:
    """The change between two tables of the same store."""
    if old.keyring != new.keyring:
        return Change(is_whole=True)
    known = {visit.id: visit for visit in old.all_visits()}
    visits = [visit for visit in new.all_visits() if known.pop(visit.id, None) != visit]
    locations, nas = tuple(new.locations.values()), new.nas.entries
    return Change(
        visits=visits,
        gone=list(known),
        locations=None if locations == tuple(old.locations.values()) else locations,
        nas=None if nas == old.nas.entries else nas,
    )
