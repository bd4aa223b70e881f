"""The companion as a program, for a server that must not fork: FreeRADIUS.

The process that starts it (see ``child.py``) keeps its standard input open as long as it lives,
holds its listening sockets, and reads its log from its standard error.
"""

from __future__ import annotations

import contextlib
import logging
import pickle
import signal
import socket
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from nexio.errors import NexioError
from nexio.metrics.place import listen
from radius_auth.companion.accounting import accounting
from radius_auth.companion.monitor import Monitor
from radius_auth.companion.process import Companion
from radius_auth.protocol.discards import Discards

if TYPE_CHECKING:
    from nexio.metrics.place import Place
    from radius_auth.companion.child import Task

log = logging.getLogger(__name__)


def main() -> None:
    """Be the companion until the standard input is closed."""
    with contextlib.suppress(OSError):  # only a name
        Path("/proc/self/comm").write_text("nexio-companion", "ascii")
    # A service manager signals all processes to end: this one ends after FreeRADIUS.
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Lines())
    logging.basicConfig(level=logging.INFO, handlers=[handler])
    task: Task = pickle.load(sys.stdin.buffer)  # noqa: S301 (ours)
    door, accounting_door = (
        socket.socket(fileno=each) for each in (task.door, task.accounting_door)
    )
    spool = task.myself.accounting
    discards = Discards()
    beside = partial(accounting, accounting_door, spool, discards)
    companion = Companion(
        door,
        sys.stdin.fileno(),
        task.configuration,
        task.myself,
        task.spool,
        task.max_staleness,
        beside,
        _monitor(task.metrics_listen, spool, discards),
        is_patient=True,
    )
    companion.run(lambda: None, replaces=task.replaces)


def _monitor(place: Place | None, spool: Path, discards: Discards) -> Monitor | None:
    """Open the metrics endpoint; a failure does not stop the service of guests."""
    if place is None:
        return None
    try:
        monitor = Monitor(listen(place), spool, discards)
        log.info("metrics on http://%s/metrics", place)
        return monitor
    except NexioError as error:
        log.error("%s %s", error, error.advice)  # noqa: TRY400 - that says it all
        return None


class _Lines(logging.Formatter):
    """Puts the number of the level before each line."""

    def format(self, record: logging.LogRecord) -> str:
        """The lines of one message."""
        lines = super().format(record).splitlines() or [""]
        return "\n".join(f"{record.levelno} {line}" for line in lines)
