"""The main loop of a worker: read datagrams from the sockets, let the responder answer, send.

Under load, requests pass through a queue in which the NAS take turns.
"""

from __future__ import annotations

import logging
import math
import os
import select
import selectors
import time
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from nexio.clock import utc_now
from radius_auth.protocol.discards import DiscardReason, Discards
from radius_auth.server import sockets
from radius_auth.server.datagrams import AT_ONCE, open_port
from radius_auth.server.fair_queue import FairQueue
from radius_auth.server.responder import Responder

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from nexio.clock import Clock
    from nexio.network.events import Decided
    from radius_auth.guard import Guard
    from radius_auth.protocol.statistics import Counts, Recording
    from radius_auth.server.datagrams import Port
    from radius_auth.server.options import Options
    from radius_auth.server.parking import Parked
    from radius_auth.server.responder import Knowledge
    from radius_auth.server.sockets import Source

    _Waiting = tuple[bytes, Source, float]
    """A datagram, where it came from, and when: in monotonic seconds."""

log = logging.getLogger(__name__)

LONGEST_WAIT = 2.0
"""Seconds after which a waiting datagram is discarded: its NAS is about to send it again."""

ANSWERS_PER_ROUND = 64
"""Datagrams answered before the delayed replies are sent."""

DATAGRAMS_PER_READ = 1_024
"""Datagrams read from one socket before some are answered."""

OF_ONE_NAS, OF_ALL = 1_024, 16_384
"""Datagrams that may wait, of one NAS and in all."""

HAND_OVER_EVERY = 0.25
"""Seconds between two hand-overs of decisions to be recorded."""

STRANGERS = ""
"""All senders that are not a known NAS share one turn."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Inherited:
    """What a worker inherits from its parent, and its successor as well."""

    sockets: Sequence[socket.socket]
    life: int
    """A file descriptor that becomes readable when the parent has died."""


class Worker:
    """Answers requests on sockets that its parent has opened.

    Args:
        inherited: what the parent has opened.
        knowledge: the table that requests are decided by.
        hand_over: takes the decisions, a few times in a second; must not wait.
        options: how to run.
        clock: aware time of day.
        guard: counts wrong passwords; None is a new one.
        recording: the state of the recording of decisions.
        parked: logins that wait for a slot of a device limit.
    """

    def __init__(  # noqa: PLR0913, PLR0917 - its surroundings, each of its own kind
        self,
        inherited: Inherited,
        knowledge: Knowledge,
        hand_over: Callable[[list[Decided]], None],
        options: Options,
        clock: Clock = utc_now,
        guard: Guard | None = None,
        recording: Recording | None = None,
        parked: Parked[Any] | None = None,
    ) -> None:
        self._sockets = list(inherited.sockets)
        self._ports = {each.fileno(): open_port(each) for each in inherited.sockets}
        self._knowledge = knowledge
        self._hand_over = hand_over
        self._max_staleness = options.max_staleness
        self._guard = guard
        self._discards = Discards()
        self._responder = Responder(
            knowledge,
            options.reject_delay,
            clock,
            self._discards,
            self._lost,
            guard,
            recording,
            parked,
        )
        self._queue: FairQueue[_Waiting] = FairQueue(OF_ONE_NAS, OF_ALL)
        self._began = time.monotonic()
        self._handed_over = self._began
        self._wake_read, self._wake_write = os.pipe()
        os.set_blocking(self._wake_write, False)
        self._watched = {self._wake_read: self._wake, inherited.life: self._wake}
        self._news: dict[int, Callable[[], None]] = {}
        self._stopping = False

    def watch(self, number: int, action: Callable[[], None]) -> None:
        """Call ``action`` between requests when a file descriptor is readable; before `run`."""
        self._watched[number] = self._news[number] = action

    @property
    def discards(self) -> Mapping[tuple[str, str], int]:
        """Unanswered requests, by reason and address; a live view, updated in place."""
        return self._discards.by_peer

    @property
    def signatures(self) -> Mapping[tuple[int, bool], int]:
        """Requests of NAS that need not sign; a live view, updated in place."""
        return self._responder.signatures

    def counts(self) -> Counts:
        """The counts of this worker."""
        return self._responder.counts()

    def stop(self) -> None:
        """Take no more requests, answer those already taken, then end; safe in a signal handler.

        May be called twice: a terminal and the parent both pass on a Ctrl-C.
        """
        if not self._stopping:
            self._stopping = True
            os.write(self._wake_write, b"\0")

    def run(self) -> None:
        """Answer until :meth:`stop`."""
        with selectors.DefaultSelector() as selector:
            for number in (*self._watched, *self._ports):
                selector.register(number, selectors.EVENT_READ)
            while not self._stopping:
                for key, _ in selector.select(0 if self._queue else self._until_next()):
                    if key.fd in self._ports:
                        self._take(self._ports[key.fd])
                    else:
                        self._watched[key.fd]()
                self._answer_all(self._queue.take(ANSWERS_PER_ROUND))
                self._send_due()
                if time.monotonic() - self._handed_over >= HAND_OVER_EVERY:
                    self._hand_over_events()
        while self._queue:
            self._answer_all(self._queue.take(ANSWERS_PER_ROUND))
        while (due := self._responder.next_due()) is not None:
            # Some wait for an answer of the companion.
            for number in select.select([*self._news], [], [], max(0.0, due - time.monotonic()))[0]:
                self._news[number]()
            self._send_due()
        self._hand_over_events()

    def close(self) -> None:
        """Close what the worker itself has opened."""
        os.close(self._wake_read)
        os.close(self._wake_write)

    def _wake(self) -> None:
        """Stop: somebody has called :meth:`stop`, or the parent has died."""
        self._stopping = True

    def _take(self, port: Port) -> None:
        """Answer what waits in a socket; if it is much, put it in the queue, so NAS take turns."""
        waiting: list[_Waiting] = []
        for _ in range(0, DATAGRAMS_PER_READ, AT_ONCE):
            taken, now = port.receive(), time.monotonic()
            waiting += [(datagram, source, now - waited) for datagram, source, waited in taken]
            if len(taken) < AT_ONCE:
                break
        if self._queue or len(waiting) > ANSWERS_PER_ROUND:
            self._put(waiting, time.monotonic())
        else:
            self._answer_all(waiting)

    def _put(self, waiting: Iterable[_Waiting], now: float) -> None:
        clients = self._knowledge.table.nas
        for each in waiting:
            host = each[1].host
            if not self._queue.put(STRANGERS if clients[host] is None else host, each):
                self._discards.count(DiscardReason.OVER_SHARE, host, now)

    def _answer_all(self, waiting: Sequence[_Waiting]) -> None:
        """Answer requests; all replies of a socket are sent together."""
        if not waiting:
            return
        now, is_stale = time.monotonic(), self._knowledge.age > self._max_staleness
        # Datagrams older than this worker waited for it to start: they are answered.
        too_late = now - LONGEST_WAIT if now - self._began > LONGEST_WAIT else -math.inf
        fresh = []
        for datagram, source, came in waiting:
            if came < too_late:
                self._discards.count(DiscardReason.TOO_LATE, source.host, now)
            elif is_stale:
                self._discards.count(DiscardReason.STALE, source.host, now)
            else:
                fresh.append((datagram, source))
        self._send(self._responder.answer(fresh, now))
        self._responder.make_lines()

    def _send_due(self) -> None:
        """Send the replies that are due, if any."""
        due = self._responder.next_due()
        if due is None or due > time.monotonic():
            return
        self._send(self._responder.due(time.monotonic()))

    def _send(self, replies: Iterable[tuple[bytes, Source]]) -> None:
        if self._guard is not None:
            self._guard.finish()
        by_socket: defaultdict[int, list[tuple[bytes, Source]]] = defaultdict(list)
        for each in replies:
            by_socket[each[1].socket].append(each)
        for number, some in by_socket.items():
            try:
                failed = self._ports[number].send(some)
            except Exception:
                # Our fault: these guests get no answer, but the process goes on.
                if self._discards.count(DiscardReason.FAULT, some[0][1].host, time.monotonic()):
                    log.exception("replies could not be sent")
                continue
            for source in failed:
                # The NAS asks again, and gets the same octets then.
                self._discards.count(DiscardReason.NOT_SENT, source.host, time.monotonic())

    def _hand_over_events(self) -> None:
        self._handed_over = time.monotonic()
        if events := self._responder.take_events():
            try:
                self._hand_over(events)
            except Exception:
                # Only lines of the log are lost; no guest is affected.
                log.exception("decisions could not be handed over")

    def _lost(self) -> int:
        return sum(map(sockets.lost, self._sockets))

    def _until_next(self) -> float | None:
        """Seconds until a reply is due or events are handed over; None where none waits."""
        times = [self._responder.next_due()]
        if self._responder.has_events:
            times.append(self._handed_over + HAND_OVER_EVERY)
        waits = [each - time.monotonic() for each in times if each is not None]
        return max(0.0, min(waits)) if waits else None
