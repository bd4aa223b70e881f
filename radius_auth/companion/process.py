"""The companion process: it does everything but answer logins.

``nexio-radiusd`` forks one beside its workers; the plugin starts one beside FreeRADIUS.
"""

from __future__ import annotations

import gc
import logging
import os
import select
import sys
import time
from contextlib import ExitStack
from typing import TYPE_CHECKING, Protocol

from nexio.clock import utc_now
from nexio.errors import NexioError, SchemaMismatch, StoreUnreachable
from nexio.input.durations import words_for
from nexio.network.event_log import forget_batches, record_batches
from nexio.network.events import EventBatch
from nexio.network.following import Horizon
from nexio.service_manager import READY, notify, notify_reloading
from nexio.store.engine import Store
from nexio.store.patience import Patience
from radius_auth.companion.hub import Hub
from radius_auth.companion.memory import freeze_companion_memory
from radius_auth.companion.presence import Presence
from radius_auth.companion.slots import Slots
from radius_auth.guard.sharing import Sharing
from radius_auth.recording.recorder import Recorder
from radius_auth.recording.spool import Spool
from radius_auth.replica.follower import RETRY_SECONDS, Follower
from radius_auth.replica.keeper import Keeper
from radius_auth.replica.saved_table import find_saved_table

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable
    from contextlib import AbstractContextManager
    from datetime import timedelta

    from nexio.configuration import Configuration
    from radius_auth.companion.monitor import Monitor
    from radius_auth.companion.myself import Myself
    from radius_auth.companion.numbers import RadiusNumbers
    from radius_auth.disconnecting.ending import Ended

    Beside = Callable[[Follower, Callable[[], Store]], AbstractContextManager[None]]
    """A context that is open as long as the store is followed."""

log = logging.getLogger(__name__)

HAND_OVER_SECONDS = 0.0005
"""How long one thread may compute while another one wants to: with Python's default of 5 ms,
recording would delay accounting, and changes on their way to the workers."""

STOP_SECONDS = 3.0
"""How long to wait at the end for the workers, and then for the database."""

LEAVE_SECONDS = 1.0
"""How long threads that have nothing to record may wait for the database, before that."""

SENT_SECONDS = 3.0
"""How long the workers may take to receive the table before everything else begins."""

SENT_LOOK_SECONDS = 0.02


class Companion:
    """The threads of that process.

    Args:
        door: the listening socket for the processes that answer.
        life: a descriptor that becomes readable when the process that started it has died.
        configuration: where the store is.
        myself: the server that it belongs to.
        spool: the file for decisions.
        max_staleness: how old the table on the disk may be.
        beside: a context that is open while the store is followed.
        monitor: what is needed to answer a monitor, where that is wanted.
        is_patient: whether the first start waits for the store, too.
    """

    def __init__(  # noqa: PLR0913, PLR0917 - its surroundings, each of its own kind
        self,
        door: socket.socket,
        life: int,
        configuration: Configuration,
        myself: Myself,
        spool: str,
        max_staleness: timedelta,
        beside: Beside | None = None,
        monitor: Monitor | None = None,
        *,
        is_patient: bool = False,
    ) -> None:
        self._life = life
        self._configuration = configuration
        self._myself = myself
        self._patience = Patience.of_a_server()
        self._spool = configuration.home / "spool" / spool
        self._saved = self._spool.with_suffix(".table")
        self._max_staleness = max_staleness
        self._beside = beside
        self._monitor = monitor
        self._is_patient = is_patient
        self._follower: Follower | None = None
        self._wake_read, self._wake_write = os.pipe()
        os.set_blocking(self._wake_write, False)
        self._sharing = Sharing.of(configuration, patience=self._patience)
        self._door = door

    def run(self, ready: Callable[[], None], *, replaces: bool) -> None:
        """Be the companion until :meth:`stop`, or until the process that started it has died.

        Args:
            ready: called once when workers can be served.
            replaces: whether it replaces another one: the workers go on from memory, so it waits
                for the store.

        Raises:
            NexioError: the store or its key cannot be used at the first start, and there is no
                table on the disk.
        """
        sys.setswitchinterval(HAND_OVER_SECONDS)
        # The store first: the spool would create the folder of a store that does not exist yet.
        follower = None if replaces else self._first_follower()
        if follower is None and not replaces:
            return
        with ExitStack() as stack:
            recorder = Recorder(
                Spool(self._spool, EventBatch),
                self._open_store,
                record_batches,
                forget_batches,
                lambda batches: hub.stored(batches),  # noqa: PLW0108 (there is none yet)
            )
            slots = Slots(self._open_store)
            numbers = self._numbers()
            record = recorder.record if numbers is None else numbers.before(recorder.record)
            presence = Presence(self._myself, self._open_store, self._spool)
            hub = Hub(self._door, presence.before(record), recorder, self._sharing, slots)
            _begin(self._sharing, stack)
            _begin(recorder, stack)
            stack.callback(presence.stop)
            stack.callback(self._patience.end_in, STOP_SECONDS)  # the rest is spooled by then
            _begin(slots, stack)
            hub.start()
            stack.callback(hub.stop, STOP_SECONDS)
            if numbers is not None:
                numbers.counts, numbers.discards = lambda: hub.counts, hub.discards
                stack.enter_context(numbers.served(self._open_store))
            if follower is None:
                follower = self._follow_when_it_can(_log_not_following)
            if follower is None:
                return
            self._follower = follower
            if numbers is not None:
                numbers.follower = follower
            follower.reloaded = lambda: notify(READY)
            _begin(follower, stack)
            hub.follow(follower)
            presence.begin(follower, hub)
            if self._beside is not None:
                stack.enter_context(self._beside(follower, self._open_store))
            ready()
            self._wait_until_sent(hub)
            _begin(Keeper(self._saved, follower), stack)
            from radius_auth.companion.lost import LostSessions  # noqa: PLC0415
            from radius_auth.disconnecting.ending import SessionEnder  # noqa: PLC0415

            count_ended = numbers.take_ended if numbers else _not_counted
            _begin(SessionEnder(self._open_store, count_ended), stack)
            _begin(LostSessions(self._open_store), stack)
            stack.callback(self._patience.end_in, LEAVE_SECONDS)
            stack.callback(follower.leave)
            select.select([self._wake_read, self._life], [], [])

    def _wait_until_sent(self, hub: Hub) -> None:
        """Let the workers have the table before other threads of this process compute.

        Guests wait for it (``python -m benchmarks.start``).
        """
        until = time.monotonic() + SENT_SECONDS
        ends = self._wake_read, self._life
        while hub.is_sending and time.monotonic() < until:
            if select.select(ends, [], [], SENT_LOOK_SECONDS)[0]:
                return

    def stop(self) -> None:
        """End; safe in a signal handler."""
        os.write(self._wake_write, b"\0")

    def reload(self) -> None:
        """Read the whole store again."""
        if self._follower is not None:
            notify_reloading()
            self._follower.reload()

    def _numbers(self) -> RadiusNumbers | None:
        if self._monitor is None:
            return None
        from radius_auth.companion.numbers import RadiusNumbers  # noqa: PLC0415 (as wanted)

        return RadiusNumbers(self._monitor, self._spool)

    def _first_follower(self) -> Follower | None:
        return self._follow_when_it_can(_log_no_answer) if self._is_patient else self._follow()

    def _follow(self) -> Follower:
        """Read the store or, if it is away, the table on the disk."""
        gc.disable()  # else everything read so far is walked again and again
        try:
            return Follower(self._open_store, Horizon())
        except (StoreUnreachable, SchemaMismatch) as error:  # it is to be copied there, or upgraded
            saved = find_saved_table(self._saved, self._configuration, self._max_staleness)
            if saved is None:
                raise
            log.warning(
                "the store is away, and guests are answered by the table of the disk, as it was"
                " %s ago; for %s at most: %s",
                words_for(saved.age(utc_now())),
                words_for(self._max_staleness),
                error,
            )
            return Follower(self._open_store, Horizon(), saved=saved)
        finally:
            freeze_companion_memory()

    def _follow_when_it_can(self, log_trouble: Callable[[NexioError], None]) -> Follower | None:
        """Try until the store can be read; return None if the end comes first."""
        logged = ""
        while True:
            try:
                return self._follow()
            except NexioError as error:
                if str(error) != logged:
                    log_trouble(error)
                logged = str(error)
            except Exception:
                log.exception("not following the store")
            if select.select([self._wake_read, self._life], [], [], RETRY_SECONDS)[0]:
                return None

    def _open_store(self) -> Store:
        return Store.open(self._configuration, patience=self._patience)


class _Thread(Protocol):
    def start(self) -> None: ...
    def stop(self) -> None: ...


def _begin(thread: _Thread, stack: ExitStack) -> None:
    thread.start()
    stack.callback(thread.stop)


def _not_counted(_: Ended) -> None:
    """Ignore it: there are no metrics."""


def _log_not_following(error: NexioError) -> None:
    log.warning("not following the store: %s", error)


def _log_no_answer(error: NexioError) -> None:
    log.error("no guest is answered: %s %s", error, error.advice)
