"""Recording: from memory to the spool, from the spool to the store."""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from contextlib import closing
from typing import TYPE_CHECKING, Generic

from nexio.errors import NexioError
from radius_auth.spool import Record

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from nexio.store.engine import Store, Writing
    from radius_auth.spool import Spool

    Keep = Callable[[Writing, Sequence[Record]], None]

log = logging.getLogger(__name__)

EVERY_SECONDS = 0.5
"""How long a record stays in memory alone, and how long one in the spool waits."""

GROUP = 500
"""How many records go into the store in one transaction."""

REST = 9
"""After each such group, how many times as long as it took nothing is written."""

LONGEST_REST = 2.0
"""Seconds: most of the time that a group took may have been spent waiting for another writer."""

MOST_IN_MEMORY = 100_000
"""Where even the spool cannot be written: the newest that are kept."""


class Recorder(Generic[Record]):
    """Takes records of one kind without ever making a request wait.

    Args:
        spool: where they go first; what others have put into it goes on with them.
        open_store: opens the store that they go to.
        keep: writes them into the store; twice is as good as once.
    """

    def __init__(
        self, spool: Spool[Record], open_store: Callable[[], Store], keep: Keep[Record]
    ) -> None:
        self._spool = spool
        self._open_store = open_store
        self._keep = keep
        self._waiting: deque[Record] = deque(maxlen=MOST_IN_MEMORY)
        self._stopping = threading.Event()
        self._spooling = _Step(self._to_spool, "wait in memory", "reach the spool again")
        self._delivering = _Step(self._deliver, "wait in the spool", "reach the store again")
        # Each has a thread: while the store keeps one waiting, a crash still loses but a moment.
        self._threads = [
            threading.Thread(target=self._run, args=[step], name="nexio-recorder", daemon=True)
            for step in (self._spooling, self._delivering)
        ]

    def record(self, record: Record) -> None:
        """Take one record."""
        self._waiting.append(record)

    def start(self) -> None:
        """Begin to write, in the background until :meth:`stop`."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Write what is left, and end."""
        self._stopping.set()
        for thread in self._threads:
            if thread.ident is not None:
                thread.join()
        self._spooling.take()
        self._delivering.take()

    def flush(self) -> None:
        """Write what waits in memory to the spool, and what the spool holds to the store.

        Raises:
            NexioError: one of the two cannot be written now; nothing is lost by that.
        """
        self._to_spool()
        self._deliver()

    def _to_spool(self) -> None:
        records = [self._waiting.popleft() for _ in range(len(self._waiting))]
        if not records:
            return
        try:
            self._spool.append(records)
        except BaseException:
            self._waiting.extendleft(reversed(records))
            raise

    def _deliver(self) -> None:
        while records := self._spool.oldest(GROUP):
            began = time.monotonic()
            self._to_store(records)
            self._spool.remove(records)
            # Guests come first: they wait for the same interpreter, and the log can wait.
            self._stopping.wait(min((time.monotonic() - began) * REST, LONGEST_REST))

    def _to_store(self, records: list[Record]) -> None:
        # Opened for each group: the store of a moment ago may have been exchanged for another.
        with closing(self._open_store()) as store, store.write() as work:
            self._keep(work, records)

    def _run(self, step: _Step) -> None:
        while not self._stopping.wait(EVERY_SECONDS):
            step.take()


class _Step:
    """One part of the way, tried again and again; the log has the beginning and the end of trouble.

    Args:
        take: tries it.
        failing: what becomes of the records while it fails.
        working: and once it does not any more.
    """

    def __init__(self, take: Callable[[], None], failing: str, working: str) -> None:
        self._take = take
        self._failing = failing
        self._working = working
        self._trouble = ""

    def take(self) -> None:
        """Try it; never fails."""
        try:
            self._take()
        except NexioError as error:
            if not self._trouble:
                log.warning("records %s: %s", self._failing, error)
            self._trouble = str(error)
        except Exception as fault:
            # A fault of ours must not end the recording: what waits is tried again.
            if self._trouble != repr(fault):
                log.exception("records %s", self._failing)
            self._trouble = repr(fault)
        else:
            if self._trouble:
                log.warning("records %s", self._working)
            self._trouble = ""
