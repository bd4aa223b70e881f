"""Sends the mail to a host, once the check-in can no longer be taken back."""

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
    """A thread that sends waiting mail, shortly after it is woken.

    ``nexio mail deliver`` and ``nexio housekeeping`` retry what it cannot send.

    Args:
        store: the store with the mail.
        outgoing: how to send it; None if this deployment sends no mail.
        waits: seconds between :meth:`wake` and the mail.
    """

    def __init__(self, store: Store, outgoing: Outgoing | None, waits: float = WAITS) -> None:
        self._store, self._outgoing, self._waits = store, outgoing, waits
        self._woken, self._ends = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._work, daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def wake(self) -> None:
        """Have waiting mail sent soon."""
        self._woken.set()

    def end(self) -> None:
        """Send no more, and wait until the mail that is being sent has gone out."""
        self._ends.set()
        self._woken.set()
        self._thread.join()

    def _work(self) -> None:
        while not self._ends.is_set():
            self._woken.wait()
            if self._ends.wait(self._waits) or self._outgoing is None:
                self._woken.clear()
                continue
            self._woken.clear()
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
