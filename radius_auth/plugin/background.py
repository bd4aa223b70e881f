"""What the plugin does beside answering: following the store and recording decisions.

FreeRADIUS may fork after it has loaded the plugin, so the threads start at the first call.  Until
the store can be read there is no table, and FreeRADIUS starts all the same.
"""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING

from nexio.clock import utc_now
from nexio.errors import NexioError
from nexio.network.event_log import record_events
from nexio.network.events import AuthEvent
from nexio.network.following import Horizon
from nexio.store.engine import Store
from nexio.store.patience import Patience
from radius_auth.guard.sharing import Sharing
from radius_auth.plugin.plugin import OutOfReach
from radius_auth.protocol.discards import DiscardReason
from radius_auth.recording.recorder import Recorder
from radius_auth.recording.spool import Spool
from radius_auth.replica.follower import RETRY_SECONDS, Follower

if TYPE_CHECKING:
    from datetime import timedelta

    from nexio.clock import Clock
    from nexio.configuration import Configuration
    from radius_auth.guard import Guard
    from radius_auth.replica.table import Table

log = logging.getLogger(__name__)

STOP_SECONDS = 3.0
"""How long the database is still waited for at the end."""


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
        self._patience = Patience.of_a_server()
        self._guard = Sharing.of(configuration, clock, self._patience)
        self._starting: threading.Thread | None = None
        self._stopping = threading.Event()

    @property
    def guard(self) -> Guard:
        """What counts wrong passwords."""
        return self._guard.guard

    def table(self) -> Table:
        """What is known at the moment; the first call starts the threads.

        Raises:
            OutOfReach: the store was not read yet, or not for too long.
        """
        follower = self._follower
        if follower is None:
            self._start()
            raise OutOfReach(DiscardReason.NOT_READ)
        if follower.age > self._max_staleness:
            raise OutOfReach(DiscardReason.STALE)
        return follower.table

    def record(self, event: AuthEvent) -> None:
        """Take one decision."""
        if self._recorder is not None:
            self._recorder.record(event)

    def stop(self) -> None:
        """End the threads; what was decided is on the disk then."""
        self._stopping.set()
        self._patience.end_in(STOP_SECONDS)  # what is not in the store by then is spooled
        if self._starting is not None:
            self._starting.join()
        if self._recorder is not None:
            self._recorder.stop()
            self._guard.stop()
        if self._follower is not None:
            self._follower.stop()

    def _start(self) -> None:
        # Calls of FreeRADIUS are serialised: nobody else is here at the same time.
        if self._starting is None and not self._stopping.is_set():
            self._starting = threading.Thread(target=self._load, name="nexio-start", daemon=True)
            self._starting.start()

    def _load(self) -> None:
        """Try until the store can be read."""
        logged = ""
        while not self._stopping.is_set():
            try:
                self._begin()
            except NexioError as error:
                if str(error) != logged:
                    log.error("no guest is answered: %s %s", error, error.advice)  # noqa: TRY400
                logged = str(error)
            except Exception:
                log.exception("no guest is answered")
            else:
                log.info("answering from %d visits", len(self.table()))
                return
            self._stopping.wait(RETRY_SECONDS)

    def _begin(self) -> None:
        # The store first: the spool would make the folder of one that is not there yet.
        follower = Follower(self._open_store, Horizon(), self._clock)
        spool = Spool(self._configuration.home / "spool" / "freeradius.db", AuthEvent)
        recorder = Recorder(spool, self._open_store, record_events)
        follower.start()
        recorder.start()
        self._guard.start()
        self._recorder, self._follower = recorder, follower

    def _open_store(self) -> Store:
        return Store.open(self._configuration, self._clock, self._patience)
