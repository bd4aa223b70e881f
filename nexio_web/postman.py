"""Sends the mail to a host, once nobody can take the check-in back any more."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING, Final

from sqlalchemy.exc import SQLAlchemyError

from nexio.errors import NexioError
from nexio.mail.delivery import deliver
from nexio.mail.smtp import MailTimeouts
from nexio_web.door import LATE, UNDO

if TYPE_CHECKING:
    from nexio.mail.delivery import Outgoing
    from nexio.store.engine import Store

log = logging.getLogger("nexio-webd")

WAITS: Final = (UNDO + LATE).total_seconds()


class Postman:
    """A thread that sends what waits, soon after it was called.

    What it does not get rid of, ``nexio mail deliver`` and ``nexio housekeeping`` try again.

    Args:
        store: whose mail.
        outgoing: how; None where this deployment sends no mail.
        waits: seconds between the call and the mail.
    """

    def __init__(self, store: Store, outgoing: Outgoing | None, waits: float = WAITS) -> None:
        self._store, self._outgoing, self._waits = store, outgoing, waits
        self._called, self._ends = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._work, daemon=True)

    def start(self) -> None:
        """Begin to wait for calls."""
        self._thread.start()

    def come(self) -> None:
        """There is mail."""
        self._called.set()

    def end(self) -> None:
        """Send no more, and wait until a mail that is on its way is there."""
        self._ends.set()
        self._called.set()
        self._thread.join()

    def _work(self) -> None:
        while not self._ends.is_set():
            self._called.wait()
            if self._ends.wait(self._waits) or self._outgoing is None:
                self._called.clear()
                continue
            self._called.clear()
            try:
                report = deliver(
                    self._store,
                    self._outgoing,
                    newest_first=True,
                    timeouts=MailTimeouts(total=60.0),
                )
            except (NexioError, SQLAlchemyError) as error:
                log.error("mail waits: %s", str(error).partition("\n")[0])  # noqa: TRY400
            else:
                if report.trouble is not None:
                    log.error("mail waits: %s", report.trouble)
