"""The loop that answers: from the sockets to the queue, to the responder, and back."""

from __future__ import annotations

import logging
import math
import os
import selectors
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from nexio.clock import utc_now
from nexio.network.events import decided
from radius_auth.protocol.discards import Discards, Ignored
from radius_auth.server import sockets
from radius_auth.server.fair_queue import FairQueue
from radius_auth.server.responder import Responder

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Sequence

    from nexio.clock import Clock
    from nexio.network.events import AuthEvent, Decided
    from radius_auth.guard import Guard
    from radius_auth.protocol.statistics import Counts, Recording
    from radius_auth.server.options import Options
    from radius_auth.server.responder import Knowledge
    from radius_auth.server.sockets import Source

log = logging.getLogger(__name__)

LONGEST_WAIT = 2.0
"""Seconds that a datagram may have waited for the server: its NAS is about to ask again."""

HAND_OVER_SECONDS = 0.25
"""How long a decision waits in the worker."""

ANSWERS_PER_ROUND = 64
"""Datagrams answered before the held replies have their turn."""

DATAGRAMS_PER_READ = 1_024
"""Datagrams taken from one socket before some are answered."""

OF_ONE_NAS, OF_ALL = 1_024, 16_384
"""Datagrams that may wait: each NAS has its turn, however many another one sends."""

STRANGERS = ""
"""Who is no NAS has one turn with all others."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Inherited:
    """What a worker has from its parent, and its successor after it."""

    sockets: Sequence[socket.socket]
    life: int
    """A file descriptor that becomes readable when the parent has died."""


class Worker:
    """Answers on sockets that its parent has opened.

    Args:
        inherited: what the parent has opened.
        follower: holds the table.
        hand_over: takes the decisions of a quarter of a second; it must not wait.
        options: how to run.
        clock: aware time of day.
        guard: counts wrong passwords; None is a new one.
        recording: says how the recording of decisions goes.
    """

    def __init__(  # noqa: PLR0913, PLR0917 - its surroundings, each of its own kind
        self,
        inherited: Inherited,
        follower: Knowledge,
        hand_over: Callable[[list[Decided]], None],
        options: Options,
        clock: Clock = utc_now,
        guard: Guard | None = None,
        recording: Recording | None = None,
    ) -> None:
        self._sockets = {each.fileno(): each for each in inherited.sockets}
        self._life = inherited.life
        self._follower = follower
        self._options = options
        self._discards = Discards()
        self._responder = Responder(
            follower,
            self._note,
            options.reject_delay,
            clock,
            self._discards,
            self._lost,
            guard,
            recording,
        )
        self._guard = guard
        self._hand_over = hand_over
        self._decided: list[Decided] = []
        self._handed_over = time.monotonic()
        self._watched: dict[int, Callable[[], None]] = {}
        self._queue: FairQueue[tuple[bytes, Source, float]] = FairQueue(OF_ONE_NAS, OF_ALL)
        self._began = time.monotonic()
        self._wake_read, self._wake_write = os.pipe()
        os.set_blocking(self._wake_write, False)
        self._stopping = False

    def stop(self) -> None:
        """Take no more requests, answer those that were taken, then end; safe in a signal.

        Safe a second time, too: a terminal and the parent both pass on a Ctrl-C.
        """
        if not self._stopping:
            self._stopping = True
            os.write(self._wake_write, b"\0")

    def watch(self, descriptor: int, action: Callable[[], None]) -> None:
        """Call something between two requests while a descriptor is readable."""
        self._watched[descriptor] = action

    def counts(self) -> Counts:
        """What it has done."""
        return self._responder.counts()

    def run(self) -> None:
        """Answer until :meth:`stop`."""
        with selectors.DefaultSelector() as selector:
            selector.register(self._wake_read, selectors.EVENT_READ)
            selector.register(self._life, selectors.EVENT_READ)
            for descriptor in (*self._sockets, *self._watched):
                selector.register(descriptor, selectors.EVENT_READ)
            while not self._stopping:
                for key, _ in selector.select(0 if self._queue else self._until_next()):
                    if key.fd in self._sockets:
                        self._take(self._sockets[key.fd])
                    elif key.fd in self._watched:
                        self._watched[key.fd]()
                    self._stopping = self._stopping or key.fd == self._life
                self._answer()
                self._send_due()
                self._tell(time.monotonic())
                if self._guard is not None:
                    self._guard.finish()
        while self._queue:
            self._answer()
        self._tell(time.monotonic(), at_once=True)
        while (wait := self._until_next()) is not None:
            time.sleep(wait)
            self._send_due()
            self._tell(time.monotonic(), at_once=True)

    def close(self) -> None:
        """Give back what the worker itself has opened."""
        os.close(self._wake_read)
        os.close(self._wake_write)

    def _take(self, opened: socket.socket) -> None:
        for _ in range(DATAGRAMS_PER_READ):
            received = sockets.receive(opened)
            if received is None:
                return
            now, host = time.monotonic(), str(received[1].address[0])
            is_known = self._follower.table.nas.find(host) is not None
            if not self._queue.put(host if is_known else STRANGERS, (*received, now)):
                self._discards.count(Ignored.OVER_SHARE, host, now)

    def _answer(self) -> None:
        for datagram, source, taken in self._queue.take(ANSWERS_PER_ROUND):
            now = time.monotonic()
            # What came before this worker did has waited for it, and is answered.
            if min(source.waited + now - taken, now - self._began) > LONGEST_WAIT:
                self._discards.count(Ignored.TOO_LATE, str(source.address[0]), now)
                continue
            if self._follower.age > self._options.max_staleness:
                self._discards.count(Ignored.STALE, str(source.address[0]), now)
                continue
            try:
                reply = self._responder.receive(datagram, source, now)
            except Exception:
                # A fault of ours costs this guest an answer, and nobody else.
                if self._discards.count(Ignored.FAULT, str(source.address[0]), now):
                    log.exception("a request could not be answered")
                continue
            if reply is not None:
                self._send(reply, source)

    def _send_due(self) -> None:
        try:
            for source, octets in self._responder.due(time.monotonic()):
                self._send(octets, source)
        except Exception:
            # What waits beside it is sent in the next round.
            if self._discards.count(Ignored.FAULT, "one whose reject waited", time.monotonic()):
                log.exception("a reject could not be sent")

    def _send(self, octets: bytes, source: Source) -> None:
        try:
            sockets.send(self._sockets[source.socket], octets, source)
        except OSError:
            # The NAS asks again, and gets the same octets then.
            self._discards.count(Ignored.NOT_SENT, str(source.address[0]), time.monotonic())

    def _note(self, event: AuthEvent) -> None:
        self._decided.append(decided(event))

    def _tell(self, now: float, *, at_once: bool = False) -> None:
        if self._decided and (at_once or now - self._handed_over >= HAND_OVER_SECONDS):
            self._hand_over(self._decided)
            self._decided, self._handed_over = [], now

    def _lost(self) -> int:
        return sum(sockets.lost(each) for each in self._sockets.values())

    def _until_next(self) -> float | None:
        due = self._responder.next_due()
        if self._decided:
            due = min(self._handed_over + HAND_OVER_SECONDS, due or math.inf)
        return None if due is None else max(0.0, due - time.monotonic())
