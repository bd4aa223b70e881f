"""Closes sessions whose NAS has gone silent, as long as this server takes accounting."""

from __future__ import annotations

import logging
import threading
from contextlib import closing
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from nexio.errors import NexioError
from nexio.network.lost_sessions import close_all_lost

if TYPE_CHECKING:
    from collections.abc import Callable

    from nexio.store.engine import Store

log = logging.getLogger(__name__)

EVERY_SECONDS: Final = 30.0
"""How often the store is asked for them."""

DEAF: Final = timedelta(minutes=2)
"""After such a gap between two checks the store counts as having been away: accounting of that time
is still on its way."""


class LostSessions:
    """Closes sessions that have been silent for too long, in a thread.

    Several servers may do so: one of them closes a session, and the others find it closed.

    Args:
        open_store: opens the store; it is closed at the end.
    """

    def __init__(self, open_store: Callable[[], Store]) -> None:
        self._open_store = open_store
        self._listening_since: datetime | None = None
        self._looked_at: datetime | None = None
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="lost-sessions", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self) -> None:
        """Stop the thread."""
        self._stopping.set()
        self._thread.join()

    def look(self) -> int:
        """Close the sessions that are lost now; return how many.

        Raises:
            NexioError: the store cannot be used now.
        """
        with closing(self._open_store()) as store:
            now = store.clock()
            if self._looked_at is None or not timedelta(0) <= now - self._looked_at <= DEAF:
                self._listening_since = now
            self._looked_at = now
            return close_all_lost(store, self._listening_since)

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                closed = self.look()
                if closed:
                    log.warning("%d sessions were not heard of for long, and are closed", closed)
            except NexioError as error:
                log.debug("lost sessions are not closed: %s", error)  # the follower warns of it
            except Exception:
                log.exception("lost sessions are not closed")
            self._stopping.wait(EVERY_SECONDS)
