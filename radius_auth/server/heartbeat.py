"""Feeds the watchdog of systemd from the request loops themselves.

The parent sends each worker an octet periodically, and the worker sends it back between two
requests.  systemd is notified only when all have done so; a loop that hangs gets the server
restarted.
"""

from __future__ import annotations

import contextlib
import socket
import time
from typing import TYPE_CHECKING

from nexio.service_manager import WATCHDOG, notify

if TYPE_CHECKING:
    from collections.abc import Iterable


class Heartbeat:
    """Socket pairs between the parent and its workers.

    Args:
        workers: how many there are.
        every: seconds between two beats.
    """

    def __init__(self, workers: int, every: float) -> None:
        self._every = every
        self._next = time.monotonic()
        self._lines = [socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM) for _ in range(workers)]
        for line in self._lines:
            for end in line:
                end.setblocking(False)  # noqa: FBT003 - its name says it

    def fileno(self, worker: int) -> int:
        """The file descriptor that becomes readable in a worker when it is to answer."""
        return self._lines[worker][1].fileno()

    def answer(self, worker: int) -> None:
        """Send back the octet; the worker calls it."""
        end = self._lines[worker][1]
        with contextlib.suppress(BlockingIOError):
            end.send(end.recv(1))

    def until_next(self) -> float:
        """Seconds until the next `beat`."""
        return max(0.0, self._next - time.monotonic())

    def beat(self, working: Iterable[int]) -> None:
        """Notify systemd if all have answered, and ask them again.

        Args:
            working: numbers of the workers that have started; one that is being replaced need not
                answer.
        """
        if time.monotonic() < self._next:
            return
        self._next = time.monotonic() + self._every
        asked = [self._lines[worker][0] for worker in working]
        if sum(map(_is_answered, asked)) == len(asked):
            notify(WATCHDOG)
        for end in asked:
            with contextlib.suppress(BlockingIOError):  # it has not read the earlier ones
                end.send(b"\1")


def _is_answered(end: socket.socket) -> bool:
    answered = False
    with contextlib.suppress(BlockingIOError):
        while end.recv(1):
            answered = True
    return answered
