"""What the plugin does beside answering: it follows the store and records decisions.

FreeRADIUS may fork after it has loaded the plugin, so the threads start at the first call.
FreeRADIUS starts also where the store cannot be read: there is no table then.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from typing import TYPE_CHECKING

from nexio.clock import utc_now
from nexio.errors import NexioError
from nexio.network.event_log import record_events
from nexio.network.events import AuthEvent
from nexio.network.following import Horizon
from nexio.store.engine import Store
from nexio.store.patience import Patience
from radius_auth.guard.sharing import Sharing
from radius_auth.plugin.logins import event_of
from radius_auth.protocol.discards import DiscardReason
from radius_auth.protocol.packet import Discarded
from radius_auth.recording.recorder import MOST_IN_MEMORY, Recorder
from radius_auth.recording.spool import Spool
from radius_auth.replica.follower import RETRY_SECONDS, Follower

if TYPE_CHECKING:
    from datetime import timedelta

    from nexio.clock import Clock
    from nexio.configuration import Configuration
    from radius_auth.guard import Guard
    from radius_auth.plugin.logins import DecidedLogin
    from radius_auth.replica.table import Table

log = logging.getLogger(__name__)

STOP_SECONDS = 3.0
"""How long the end waits for the database."""

LOG_SECONDS = 0.1
"""How long a decision waits for its words."""


class Background:
    """The threads of one FreeRADIUS.

    Args:
        configuration: where the store is.
        max_staleness: how long to go on without the store.
        clock: aware time of day.
    """

    def __init__(
        self, configuration: Configuration, max_staleness: timedelta, clock: Clock = utc_now
    ) -> None:
        self._configuration = configuration
        self._max_staleness = max_staleness
        self._clock = clock
        self._follower: Follower | None = None
        self._recorder: Recorder[AuthEvent] | None = None
        self._decided: deque[DecidedLogin] = deque(maxlen=MOST_IN_MEMORY)
        self._patience = Patience.of_a_server()
        self._guard = Sharing.of(configuration, clock, self._patience)
        self._thread: threading.Thread | None = None
        self._stopping = threading.Event()

    @property
    def guard(self) -> Guard:
        """What counts wrong passwords."""
        return self._guard.guard

    def table(self) -> Table:
        """What is known at the moment; the first call starts the threads.

        Raises:
            Discarded: the store was not read yet, or not for too long.
        """
        follower = self._follower
        if follower is None:
            self._start()
            raise Discarded(DiscardReason.NOT_READ)
        if follower.age > self._max_staleness:
            raise Discarded(DiscardReason.STALE)
        return follower.table

    def record(self, decided: DecidedLogin) -> None:
        """Take one decision."""
        self._decided.append(decided)

    def stop(self) -> None:
        """End the threads; every decision is on the disk then."""
        self._stopping.set()
        self._patience.end_in(STOP_SECONDS)  # the spool keeps what is not in the store by then
        if self._thread is not None:
            self._thread.join()
        if self._recorder is not None:
            self._recorder.stop()
            self._guard.stop()
        if self._follower is not None:
            self._follower.stop()

    def _start(self) -> None:
        # FreeRADIUS makes one call at a time: nobody else is here.
        if self._thread is None and not self._stopping.is_set():
            self._thread = threading.Thread(target=self._run, name="nexio-plugin", daemon=True)
            self._thread.start()

    def _run(self) -> None:
        """Try until the store can be read; then find the words for each decision."""
        recorder = self._load()
        while recorder is not None:
            ended = self._stopping.wait(LOG_SECONDS)
            while self._decided:
                try:
                    recorder.record(event_of(self._decided.popleft()))
                except Exception as fault:  # noqa: BLE001 - the others are to be logged
                    log.error("a decision could not be logged: %s", type(fault).__name__)  # noqa: TRY400
            if ended:
                return

    def _load(self) -> Recorder[AuthEvent] | None:
        logged = ""
        while not self._stopping.is_set():
            try:
                return self._begin()
            except NexioError as error:
                if str(error) != logged:
                    log.error("no guest is answered: %s %s", error, error.advice)  # noqa: TRY400
                logged = str(error)
            except Exception:
                log.exception("no guest is answered")
            self._stopping.wait(RETRY_SECONDS)
        return None

    def _begin(self) -> Recorder[AuthEvent]:
        # The store first: the spool would make the folder of one that is not there yet.
        follower = Follower(self._open_store, Horizon(), self._clock)
        spool = Spool(self._configuration.home / "spool" / "freeradius.db", AuthEvent)
        recorder = Recorder(spool, self._open_store, record_events)
        follower.start()
        recorder.start()
        self._guard.start()
        self._recorder, self._follower = recorder, follower
        log.info("answering from %d visits", len(follower.table))
        return recorder

    def _open_store(self) -> Store:
        return Store.open(self._configuration, self._clock, self._patience)
