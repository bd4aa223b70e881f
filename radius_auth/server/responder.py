"""What a server does with a datagram: from octets to octets, without a socket.

The checks stand in the order of ``docs/radius.md``: who sends it, is it a packet, is it verified,
has it been answered before; only then is it decided.
"""

from __future__ import annotations

import random
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from nexio.errors import KeyUnusable
from radius_auth.decision.decide import (
    Accepted,
    Rejected,
    decide,
    decide_again,
    remaining,
)
from radius_auth.decision.reasons import MAY_CATCH_UP
from radius_auth.decision.words import reply_message
from radius_auth.guard import Guard
from radius_auth.protocol.access_request import read_request
from radius_auth.protocol.authenticators import Distrust, check_message_authenticator, check_policy
from radius_auth.protocol.discards import Discards, Ignored
from radius_auth.protocol.duplicates import Duplicates, Repeat, Ticket
from radius_auth.protocol.framing import Attribute, Code, Discarded, Frame, frame
from radius_auth.protocol.packet import (
    AccessAccept,
    AccessReject,
    StatusReply,
    encode_reply,
)
from radius_auth.protocol.printable import event_for_log
from radius_auth.protocol.statistics import Statistics
from radius_auth.protocol.status import Status
from radius_auth.server.delays import DelayedReplies

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime, timedelta

    from nexio.clock import Clock
    from nexio.network.events import AuthEvent
    from radius_auth.decision.decide import Decision, Request
    from radius_auth.protocol.statistics import Counts, Recording
    from radius_auth.replica.nas_index import Client
    from radius_auth.replica.table import Table
    from radius_auth.server.sockets import Source

JITTER = 0.25
"""A reject waits up to this part of its delay longer, so that its time tells nothing."""

_ANSWERED = {Code.ACCESS_REQUEST, Code.STATUS_SERVER}
_CHANCE = random.SystemRandom()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Exchange:
    """A verified request on its way to its reply."""

    source: Source
    frame: Frame
    client: Client
    request: Request
    arrived: datetime
    began: int
    """Nanoseconds of ``time.perf_counter_ns`` at the arrival, for the latency."""

    ticket: Ticket


@dataclass(frozen=True, slots=True)
class _Held:
    """A reject that waits for its time."""

    exchange: _Exchange
    rejected: Rejected
    latency_us: int


class Knowledge(Protocol):
    """What requests are decided by; a ``Follower`` keeps it current."""

    @property
    def table(self) -> Table:
        """The table of the moment."""

    @property
    def age(self) -> timedelta:
        """Since when it has not been brought up to date."""


class Responder:
    """Answers datagrams by the table of the moment.

    Args:
        knowledge: gives the table; asked for each request, as a follower may exchange it.
        record: takes each decision.
        reject_delay: seconds that a reject waits at least.
        clock: aware time of day; decides windows.
        discards: counts what is not answered.
        lost: asks how many datagrams the kernel has dropped.
        guard: counts wrong passwords; None is a new one.
        recording: says how the recording of decisions goes.
    """

    def __init__(  # noqa: PLR0913, PLR0917 - its surroundings, each of its own kind
        self,
        knowledge: Knowledge,
        record: Callable[[AuthEvent], None],
        reject_delay: float,
        clock: Clock,
        discards: Discards,
        lost: Callable[[], int] = lambda: 0,
        guard: Guard | None = None,
        recording: Recording | None = None,
    ) -> None:
        self._knowledge = knowledge
        self._started = clock()
        self._record = record
        self._guard = Guard() if guard is None else guard
        self._reject_delay = reject_delay
        self._clock = clock
        self._discards = discards
        self._statistics = Statistics(discards, lost, recording)
        self._duplicates = Duplicates()
        self._held: DelayedReplies[_Held] = DelayedReplies()

    def receive(self, datagram: bytes, source: Source, now: float) -> bytes | None:
        """Answer a datagram.

        Args:
            datagram: as it came from the network.
            source: where from.
            now: monotonic seconds.

        Returns:
            The reply to send at once, or None: it is discarded, or held back (see :meth:`due`).
        """
        try:
            exchange = self._admit(datagram, source, now)
            return exchange if isinstance(exchange, bytes) else self._answer(exchange, now)
        except (Discarded, KeyUnusable) as silence:
            self._ignore(silence, source, now)
        return None

    def due(self, now: float) -> Iterator[tuple[Source, bytes]]:
        """The replies whose time has come; one that a newer request has replaced is dropped."""
        for held in self._held.pop_due(now):
            if not self._duplicates.is_current(held.exchange.ticket):
                self._note(held.exchange, held.rejected, held.latency_us)
                continue
            try:
                yield held.exchange.source, self._release(held, now)
            except (Discarded, KeyUnusable) as silence:
                self._ignore(silence, held.exchange.source, now)

    def counts(self) -> Counts:
        """What this worker has done."""
        return self._statistics.counts(waiting=len(self._held))

    def next_due(self) -> float | None:
        """When the next reply is due, in monotonic seconds."""
        return self._held.next_due()

    def _admit(self, datagram: bytes, source: Source, now: float) -> _Exchange | bytes:
        """A request to decide, or the reply that it was given before.

        Raises:
            Discarded: it gets no answer.
        """
        began = time.perf_counter_ns()
        client = self._knowledge.table.nas.find(str(source.address[0]))
        if client is None:
            raise Discarded(Ignored.UNKNOWN_CLIENT)
        if self._held.is_full:
            raise Discarded(Ignored.OVERLOADED)
        received = frame(datagram)
        if received.code not in _ANSWERED:
            raise Discarded(Distrust.UNEXPECTED_CODE)
        check_policy(
            received,
            require_message_authenticator=client.require_message_authenticator,
            limit_proxy_state=client.limit_proxy_state,
        )
        if received.code == Code.STATUS_SERVER:
            check_message_authenticator(received, client.secret)
            return encode_reply(received, client.secret, self._status(source))
        request = read_request(received, client)
        key = (source.socket, source.address, received.identifier)
        signed = Attribute.MESSAGE_AUTHENTICATOR in received.by_type  # and verified by now
        ticket = self._duplicates.admit(key, received.authenticator, now, signed=signed)
        if isinstance(ticket, Repeat):
            if ticket.reply is None:
                raise Discarded(Ignored.REPEATED)
            self._statistics.repeats += 1
            return ticket.reply
        return _Exchange(
            source=source,
            frame=received,
            client=client,
            request=request,
            arrived=self._clock(),
            began=began,
            ticket=ticket,
        )

    def _ignore(self, silence: Discarded | KeyUnusable, source: Source, now: float) -> None:
        reason = silence.reason if isinstance(silence, Discarded) else Ignored.KEY_MISSING
        self._discards.count(reason, str(source.address[0]), now)

    def _status(self, source: Source) -> StatusReply:
        status = Status(
            up_seconds=max(0, int((self._clock() - self._started).total_seconds())),
            followed_seconds=max(0, int(self._knowledge.age.total_seconds())),
            visits=len(self._knowledge.table),
            counts=self._statistics.of_all_workers(len(self._held)) if source.is_here else None,
        )
        words, *statistics = status.lines()
        return StatusReply(reply_message=words, statistics=tuple(statistics))

    def _answer(self, exchange: _Exchange, now: float) -> bytes | None:
        decision = decide(exchange.request, self._knowledge.table, self._guard, exchange.arrived)
        latency_us = (time.perf_counter_ns() - exchange.began) // 1000  # without the reject delay
        if isinstance(decision, Rejected) and self._reject_delay > 0:
            due = now + _CHANCE.uniform(1, 1 + JITTER) * self._reject_delay
            self._held.push(due, _Held(exchange, decision, latency_us))
            return None
        octets = self._encode(exchange, decision)
        self._duplicates.answer(exchange.ticket, octets, now)
        self._note(exchange, decision, latency_us)
        return octets

    def _release(self, held: _Held, now: float) -> bytes:
        exchange, decision = held.exchange, self._once_more(held)
        octets = self._encode(exchange, decision)
        self._duplicates.answer(exchange.ticket, octets, now)
        self._note(exchange, decision, held.latency_us)
        return octets

    def _once_more(self, held: _Held) -> Decision:
        """Look again at what the table may have learned meanwhile.

        Decided as of the arrival; the time that is left counts from now.
        """
        if held.rejected.reason not in MAY_CATCH_UP:
            return held.rejected
        now = self._clock()
        decision = decide_again(
            held.exchange.request,
            held.rejected,
            self._knowledge.table,
            self._guard,
            held.exchange.arrived,
            now,
        )
        return remaining(decision, now)

    def _encode(self, exchange: _Exchange, decision: Decision) -> bytes:
        if isinstance(decision, Accepted):
            accept = AccessAccept(session_timeout=decision.session_timeout, class_=decision.class_)
            return encode_reply(exchange.frame, exchange.client.secret, accept)
        reject = AccessReject(reply_message=self._words(decision, exchange.arrived))
        return encode_reply(exchange.frame, exchange.client.secret, reject)

    def _words(self, rejected: Rejected, now: datetime) -> str | None:
        if rejected.visit is None:
            return None
        # None where another store took the place of this one while the reject was held back.
        location = self._knowledge.table.locations.get(rejected.visit.location_id)
        return None if location is None else reply_message(rejected, location, now)

    def _note(self, exchange: _Exchange, decision: Decision, latency_us: int) -> None:
        event = event_for_log(
            exchange.request,
            decision,
            self._knowledge.table.visits_of,
            exchange.arrived,
            latency_us,
        )
        self._statistics.count(event)
        self._record(event)
