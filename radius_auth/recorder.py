"""Recording decisions: from memory to the spool, from the spool to the store."""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from contextlib import closing
from typing import TYPE_CHECKING

from nexio.errors import NexioError
from nexio.events import record_events

if TYPE_CHECKING:
    from collections.abc import Callable

    from nexio.events import AuthEvent
    from nexio.store.engine import Store
    from radius_auth.spool import Spool

log = logging.getLogger(__name__)

EVERY_SECONDS = 0.5
"""How long a decision stays in memory alone."""

GROUP = 500
"""How many events go into the store in one transaction."""

REST = 4
"""After each such group, how many times as long as it took nothing is written."""

MOST_IN_MEMORY = 100_000
"""Where even the spool cannot be written: the newest that are kept."""


class Recorder:
    """Takes decisions without ever making a request wait.

    Args:
        spool: where they go first.
        open_store: opens the store that they go to.
    """

    def __init__(self, spool: Spool, open_store: Callable[[], Store]) -> None:
        self._spool = spool
        self._open_store = open_store
        self._waiting: deque[AuthEvent] = deque(maxlen=MOST_IN_MEMORY)
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="nexio-recorder", daemon=True)
        self._failing = False

    def record(self, event: AuthEvent) -> None:
        """Take one decision."""
        self._waiting.append(event)

    def start(self) -> None:
        """Begin to write, in the background until :meth:`stop`."""
        self._thread.start()

    def stop(self) -> None:
        """Write what is left, and end."""
        self._stopping.set()
        if self._thread.ident is not None:
            self._thread.join()
        self._pass_on()

    def flush(self) -> None:
        """Write what waits in memory to the spool, and what the spool holds to the store.

        Raises:
            NexioError: one of the two cannot be written now; nothing is lost by that.
        """
        self._to_spool()
        while events := self._spool.oldest(GROUP):
            began = time.monotonic()
            self._to_store(events)
            self._spool.remove(events)
            # Guests come first: they wait for the same interpreter, and the log can wait.
            self._stopping.wait((time.monotonic() - began) * REST)

    def _to_spool(self) -> None:
        events = [self._waiting.popleft() for _ in range(len(self._waiting))]
        if not events:
            return
        try:
            self._spool.append(events)
        except NexioError:
            self._waiting.extendleft(reversed(events))
            raise

    def _to_store(self, events: list[AuthEvent]) -> None:
        # Opened for each group: the store of a moment ago may have been exchanged for another.
        with closing(self._open_store()) as store, store.write() as work:
            record_events(work, events)

    def _run(self) -> None:
        while not self._stopping.wait(EVERY_SECONDS):
            self._pass_on()

    def _pass_on(self) -> None:
        try:
            self.flush()
        except NexioError as error:
            if not self._failing:
                log.warning("decisions wait in the spool: %s", error)
            self._failing = True
        except Exception:
            # A fault of ours must not end the recording: what waits is tried again.
            log.exception("decisions wait in the spool")
        else:
            if self._failing:
                log.warning("decisions reach the store again")
            self._failing = False
