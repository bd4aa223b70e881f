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
        self._thread = threading.Thread(target=self._run, name="nexio-recorder", daemon=True)
        self._failing = False

    def record(self, record: Record) -> None:
        """Take one record."""
        self._waiting.append(record)

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
        while records := self._spool.oldest(GROUP):
            began = time.monotonic()
            self._to_store(records)
            self._spool.remove(records)
            # Guests come first: they wait for the same interpreter, and the log can wait.
            self._stopping.wait((time.monotonic() - began) * REST)

    def _to_spool(self) -> None:
        records = [self._waiting.popleft() for _ in range(len(self._waiting))]
        if not records:
            return
        try:
            self._spool.append(records)
        except NexioError:
            self._waiting.extendleft(reversed(records))
            raise

    def _to_store(self, records: list[Record]) -> None:
        # Opened for each group: the store of a moment ago may have been exchanged for another.
        with closing(self._open_store()) as store, store.write() as work:
            self._keep(work, records)

    def _run(self) -> None:
        while not self._stopping.wait(EVERY_SECONDS):
            self._pass_on()

    def _pass_on(self) -> None:
        try:
            self.flush()
        except NexioError as error:
            if not self._failing:
                log.warning("records wait in the spool: %s", error)
            self._failing = True
        except Exception:
            # A fault of ours must not end the recording: what waits is tried again.
            log.exception("records wait in the spool")
        else:
            if self._failing:
                log.warning("records reach the store again")
            self._failing = False
