"""Turns the octets of a datagram into the octets of its reply, without a socket.

The checks follow the order of ``docs/radius.md``: known sender, well-formed packet, verified,
not a duplicate; only then is the request decided.
"""

from __future__ import annotations

import logging
import random
import time
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, NamedTuple, Protocol, TypeAlias

from nexio.errors import KeyUnusable
from radius_auth.decision.decide import Accepted, Rejected, decide, decide_again, remaining
from radius_auth.decision.device_limits import decide_by_answer, decide_device
from radius_auth.decision.reasons import MAY_CATCH_UP
from radius_auth.decision.request import Request, named
from radius_auth.decision.words import reply_message
from radius_auth.guard import Guard
from radius_auth.protocol.access_request import read_access_request
from radius_auth.protocol.authenticators import check_access_request, check_message_authenticator
from radius_auth.protocol.discards import DiscardReason, Discards
from radius_auth.protocol.duplicates import Duplicates, Repeat, Ticket
from radius_auth.protocol.events import decision_for_log
from radius_auth.protocol.packet import Code, Discarded, Packet, read_packet
from radius_auth.protocol.replies import (
    StatusReply,
    class_of,
    encode_accept,
    encode_reject,
    encode_status,
)
from radius_auth.protocol.statistics import Signatures, Statistics
from radius_auth.protocol.status import Status
from radius_auth.replica.nas_index import Client
from radius_auth.replica.table import Table
from radius_auth.server.delays import DelayedReplies
from radius_auth.server.parking import Parked
from radius_auth.server.sockets import Source

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import timedelta

    from nexio.clock import Clock
    from nexio.network.events import Decided
    from radius_auth.decision.decide import Decision
    from radius_auth.decision.device_limits import Answer
    from radius_auth.protocol.statistics import Counts, Recording

    Reply: TypeAlias = tuple[bytes, Source]

log = logging.getLogger(__name__)

JITTER = 0.25
"""A reject waits up to this fraction of its delay longer, so that its timing reveals nothing."""

_ACCESS_REQUEST = int(Code.ACCESS_REQUEST)
_CHANCE = random.SystemRandom()


@dataclass(frozen=True, slots=True)
class _Round:
    """What all datagrams that are answered together share."""

    now: float
    """Monotonic seconds."""

    arrived: datetime
    began: int
    """Nanoseconds of the performance counter."""

    table: Table


class _Exchange(NamedTuple):
    """A request that is being answered, or whose reject is delayed."""

    source: Source
    packet: Packet
    client: Client
    request: Request
    arrived: datetime
    ticket: Ticket
    latency_us: int
    """From the start of its round to the decision, without the reject delay."""


class _Held(NamedTuple):
    """A delayed reject."""

    exchange: _Exchange
    rejected: Rejected
    revision: int
    """Of the table that it was decided by."""


class _Parked(NamedTuple):
    """An accept that waits for a slot."""

    exchange: _Exchange
    accepted: Accepted


class Knowledge(Protocol):
    """The table that requests are decided by; in a worker the link to the companion updates it."""

    @property
    def table(self) -> Table:
        """The current table."""

    @property
    def age(self) -> timedelta:
        """Time since the last update."""


class Responder:
    """Answers datagrams by the current table.

    Args:
        knowledge: gives the table; asked once per round of datagrams, and again for replies
            and lines of the log, as it may be another table by then.
        reject_delay: minimum seconds that a reject waits; less than ``duplicates.LIFETIME``.
        clock: aware time of day; decides windows.
        discards: counts what is not answered.
        lost: returns how many datagrams the kernel has dropped.
        guard: counts wrong passwords; None is a new one.
        recording: the state of the recording of decisions.
        parked: accepts that wait for a slot (R18); None asks nobody for one.
    """

    def __init__(  # noqa: PLR0913, PLR0917 - its surroundings, each of its own kind
        self,
        knowledge: Knowledge,
        reject_delay: float,
        clock: Clock,
        discards: Discards,
        lost: Callable[[], int] = lambda: 0,
        guard: Guard | None = None,
        recording: Recording | None = None,
        parked: Parked[_Parked] | None = None,
    ) -> None:
        self._knowledge = knowledge
        self._started = clock()
        self._guard = Guard() if guard is None else guard
        self._reject_delay = reject_delay
        self._clock = clock
        self._discards = discards
        self._statistics = Statistics(discards, lost, recording)
        self.signatures = Signatures()
        """Of NAS that need not sign."""

        self._duplicates = Duplicates()
        self._held: DelayedReplies[_Held] = DelayedReplies()
        self._is_full = False
        self._parked: Parked[_Parked] = Parked() if parked is None else parked
        self._replies: list[Reply] = []
        self._lines: list[tuple[_Exchange, Decision]] = []
        self._events: list[Decided] = []
        self._counted = 0

    def receive(self, datagram: bytes, source: Source, now: float) -> bytes | None:
        """Answer one datagram, as :meth:`answer` does; None if it is discarded or held back."""
        replies = self.answer([(datagram, source)], now)
        return replies[0][0] if replies else None

    def answer(self, waiting: Iterable[tuple[bytes, Source]], now: float) -> list[Reply]:
        """Answer datagrams that were read together.

        All are verified before the first is decided, and :meth:`make_lines` is called after the
        replies are sent: a processor repeats what it has just done faster (``benchmarks.path``).

        Args:
            waiting: datagrams as they came from the network, with their source.
            now: monotonic seconds.

        Returns:
            The replies to send at once; the others are discarded, or held back (see :meth:`due`).
        """
        round_ = _Round(now, self._clock(), time.perf_counter_ns(), self._knowledge.table)
        verified = []
        for datagram, source in waiting:
            try:
                if (found := self._verify(datagram, source, round_.table)) is not None:
                    verified.append((*found, source))
            except Exception as fault:  # noqa: BLE001 - it is counted and logged there
                self._discard(fault, source, now)
        for packet, client, source in verified:
            try:
                self._answer_one(packet, client, source, round_)
            except Exception as fault:  # noqa: BLE001 - as above
                self._discard(fault, source, now)
        replies, self._replies = self._replies, []
        return replies

    def due(self, now: float) -> list[Reply]:
        """The replies that are due, without those that a newer request has replaced."""
        for answer, parked in self._parked.pop_ready():
            self._reply_late(parked.exchange, partial(self._unpark, parked, answer, now), now)
        for held in self._held.pop_due(now):
            self._is_full = False
            self._reply_late(held.exchange, partial(self._release, held, now), now)
        replies, self._replies = self._replies, []
        return replies

    def _reply_late(
        self, exchange: _Exchange, make: Callable[[], bytes | None], now: float
    ) -> None:
        try:
            reply = make()
        except Exception as fault:  # noqa: BLE001 - it is counted and logged there
            self._duplicates.release(exchange.ticket)
            self._discard(fault, exchange.source, now)
        else:
            if reply is not None:
                self._replies.append((reply, exchange.source))

    def counts(self) -> Counts:
        """The counts of this worker."""
        return self._statistics.counts(waiting=len(self._held) + len(self._parked))

    def next_due(self) -> float | None:
        """When the next reply is due, in monotonic seconds."""
        held, parked = self._held.next_due(), self._parked.next_due()
        if held is None or parked is None:
            return parked if held is None else held
        return min(held, parked)

    @property
    def has_events(self) -> bool:
        """Whether :meth:`take_events` would return any."""
        return bool(self._events or self._lines)

    def make_lines(self) -> None:
        """Make events of the decisions; :meth:`take_events` does it as well."""
        lines, self._lines = self._lines, []
        table = self._knowledge.table
        for exchange, decision in lines:
            _, _, _, request, arrived, _, latency_us = exchange
            try:
                event = decision_for_log(request, decision, table, arrived, latency_us)
            except Exception:  # our fault: only this line of the log is lost
                log.exception("a decision could not be recorded")
            else:
                self._events.append(event)

    def take_events(self) -> list[Decided]:
        """The decisions since the last call, in order; the caller records them."""
        self._count_events()
        events, self._events, self._counted = self._events, [], 0
        return events

    def _verify(
        self, datagram: bytes, source: Source, table: Table
    ) -> tuple[Packet, Client] | None:
        """Parse a datagram and find its sender; None for anything but an Access-Request."""
        client = table.nas[source.host]
        if client is None:
            raise Discarded(DiscardReason.UNKNOWN_CLIENT)
        if self._is_full:
            raise Discarded(DiscardReason.OVERLOADED)
        packet = read_packet(datagram)
        if packet.code == _ACCESS_REQUEST:
            check_access_request(packet, client)
            return packet, client
        self._replies.append((self._answer_status(packet, client, source), source))
        return None

    def _answer_one(self, packet: Packet, client: Client, source: Source, round_: _Round) -> None:
        """Process a request; a repeat gets the same octets again."""
        is_signed = packet.signature_start > 0  # and verified by now
        place = source.socket, source.address, packet.identifier
        ticket = self._duplicates.admit(place, packet.authenticator, round_.now, signed=is_signed)
        if isinstance(ticket, Repeat):
            self._replies.append((self._repeat(ticket), source))
            return
        try:
            self._process(packet, client, source, ticket, round_)
        except Exception:
            self._duplicates.release(ticket)
            raise

    def _process(
        self, packet: Packet, client: Client, source: Source, ticket: Ticket, round_: _Round
    ) -> None:
        """Process a request that is no repeat."""
        now, table, arrived = round_.now, round_.table, round_.arrived
        revision = table.revision  # read first: Guard.look may wait while the table changes
        request = read_access_request(packet, client)
        if not client.require_message_authenticator:
            self.signatures.note(request.nas, is_signed=packet.signature_start > 0)
        decision = decide(request, table, self._guard, arrived)
        latency_us = (time.perf_counter_ns() - round_.began) // 1000
        exchange = named(_Exchange, (source, packet, client, request, arrived, ticket, latency_us))
        if isinstance(decision, Rejected) and self._reject_delay > 0:
            self._hold(_Held(exchange, decision, revision), now)
        elif isinstance(decision, Accepted) and decision.visit.max_devices is not None:
            reply = self._limit(exchange, decision, now)
            if reply is not None:
                self._replies.append((reply, source))
        else:
            self._replies.append((self._reply(exchange, decision, now), source))

    def _limit(self, exchange: _Exchange, accepted: Accepted, now: float) -> bytes | None:
        """Apply the visit's device limit (R18); a new device waits for the companion's answer."""
        decision = decide_device(exchange.request, accepted)
        if decision is not None:
            return self._reply_or_hold(exchange, decision, now)
        if self._parked.is_full:
            raise Discarded(DiscardReason.OVERLOADED)
        device = exchange.request.device or ""
        self._parked.put(accepted.visit.id, device, _Parked(exchange, accepted))
        return None

    def _unpark(self, parked: _Parked, answer: Answer, now: float) -> bytes | None:
        exchange, table = parked.exchange, self._knowledge.table
        decision = remaining(decide_by_answer(parked.accepted, answer, table), self._clock())
        if not self._duplicates.is_current(exchange.ticket):
            self._lines.append((exchange, decision))
            return None
        return self._reply_or_hold(exchange, decision, now)

    def _reply_or_hold(self, exchange: _Exchange, decision: Decision, now: float) -> bytes | None:
        """Reply, or delay a reject that no later look overrules."""
        if isinstance(decision, Rejected) and self._reject_delay > 0:
            revision = self._knowledge.table.revision
            self._hold(_Held(exchange, decision, revision), now)
            return None
        return self._reply(exchange, decision, now)

    def _answer_status(self, packet: Packet, client: Client, source: Source) -> bytes:
        if packet.code != Code.STATUS_SERVER:
            raise Discarded(DiscardReason.UNEXPECTED_CODE)
        check_message_authenticator(packet, client.secret)
        return encode_status(packet, client.secret, self._status(source))

    def _repeat(self, known: Repeat) -> bytes:
        if known.reply is None:
            raise Discarded(DiscardReason.REPEATED)
        self._statistics.repeats += 1
        return known.reply

    def _discard(self, fault: Exception, source: Source, now: float) -> None:
        """Count a request that gets no answer."""
        if isinstance(fault, Discarded):
            self._discards.count(fault.reason, source.host, now)
        elif isinstance(fault, KeyUnusable):
            self._discards.count(DiscardReason.KEY_MISSING, source.host, now)
        # Our fault: only this guest gets no answer.
        elif self._discards.count(DiscardReason.FAULT, source.host, now):
            log.error("a request could not be answered", exc_info=fault)

    def _status(self, source: Source) -> StatusReply:
        self._count_events()
        status = Status(
            up_seconds=max(0, int((self._clock() - self._started).total_seconds())),
            followed_seconds=max(0, int(self._knowledge.age.total_seconds())),
            visits=len(self._knowledge.table),
            counts=self._statistics.of_all_workers(len(self._held)) if source.is_here else None,
        )
        words, *statistics = status.lines()
        return StatusReply(reply_message=words, statistics=tuple(statistics))

    def _hold(self, held: _Held, now: float) -> None:
        self._held.push(now + (1 + JITTER * _CHANCE.random()) * self._reject_delay, held)
        self._is_full = self._held.is_full

    def _release(self, held: _Held, now: float) -> bytes | None:
        exchange = held.exchange
        if not self._duplicates.is_current(exchange.ticket):
            self._lines.append((exchange, held.rejected))
            return None
        decision = self._decide_held_again(held)
        if isinstance(decision, Accepted) and decision.visit.max_devices is not None:
            return self._limit(exchange, decision, now)
        return self._reply(exchange, decision, now)

    def _decide_held_again(self, held: _Held) -> Decision:
        """Decide again if the table has changed meanwhile.

        Decides as of the arrival; the remaining time counts from now.
        """
        table, exchange = self._knowledge.table, held.exchange
        if held.rejected.reason not in MAY_CATCH_UP or held.revision == table.revision:
            return held.rejected
        now = self._clock()
        decision = decide_again(
            exchange.request, held.rejected, table, self._guard, exchange.arrived, now
        )
        return remaining(decision, now)

    def _reply(self, exchange: _Exchange, decision: Decision, now: float) -> bytes:
        _, packet, client, request, arrived, ticket, _ = exchange
        if isinstance(decision, Accepted):
            visit, seconds, _ = decision
            more = self._more(request, decision) if self._knowledge.table.replies else b""
            octets = encode_accept(packet, client.secret, seconds, class_of(visit), more)
        else:
            octets = encode_reject(packet, client.secret, self._words(decision, arrived))
        self._duplicates.keep_reply(ticket, octets, now)
        self._lines.append((exchange, decision))
        return octets

    def _more(self, request: Request, accepted: Accepted) -> bytes:
        reply = self._knowledge.table.reply_for(request.nas, accepted.visit)
        return b"" if reply is None else reply.octets_for(accepted.visit)

    def _words(self, rejected: Rejected, now: datetime) -> str | None:
        if rejected.visit is None:
            return None
        # None if another store replaced this one while the reject was delayed.
        location = self._knowledge.table.locations.get(rejected.visit.location_id)
        return None if location is None else reply_message(rejected, location, now)

    def _count_events(self) -> None:
        self.make_lines()
        self._statistics.count(self._events[self._counted :])
        self._counted = len(self._events)
