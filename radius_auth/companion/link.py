"""The worker's end of the connection: holds the store's data, and sends what the worker did.

Only :meth:`Link.wait` blocks: it is for a moment in which another worker looks at a guess at the
same visit, and for the end.  While the companion is away a worker goes on with the data it has;
messages wait for the next companion, which the parent starts within a second.
"""

from __future__ import annotations

import gc
import logging
import os
import select
import socket
import time
from collections import OrderedDict
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

import nexio.keys.cipher  # noqa: F401 - the first login must not have to open a file
from nexio.keys.keyring import Keyring
from nexio.network.events import packed_by_nas
from nexio.network.following import Horizon, News, Position
from nexio.network.guard_acts import ACTS_AT_ONCE, packed, unpacked
from radius_auth.companion.channel import Channel, Closed, encoded
from radius_auth.companion.messages import (
    Instants,
    ToCompanion,
    ToWorker,
    places_of,
    visits_of,
)
from radius_auth.decision.device_limits import Answer
from radius_auth.guard import Guard
from radius_auth.protocol.statistics import Counts, parse_counts
from radius_auth.replica.table import Table

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import timedelta

    from nexio.clock import Clock
    from nexio.network.events import Decided, PackedDecisions
    from radius_auth.companion.channel import Message

log = logging.getLogger(__name__)

MOST_DECISIONS: Final = 100_000
"""Decisions that may wait for a companion; beyond that the oldest are lost, and counted."""

GIVEN_BACK_AT_ONCE: Final = 200
"""Visits of an old table that are freed between two requests."""

LOG_EVERY: Final = 10.0
"""Seconds between two lines about decisions that are lost."""

SLOT_SECONDS: Final = 2.0
"""How long to wait for the companion's answer about a slot; within half of that it reports when the
store is away."""

_CENTURY: Final = Horizon(past=Horizon().past * 36_500, ahead=Horizon().ahead * 5_200)
"""Holds every visit that is sent: the companion has applied the real horizon."""

_NOWHERE: Final = Position(epoch="", number=0)


class Link:
    """Receives the store's data from the companion, and sends it decisions.

    Args:
        address: the address of the companion's socket.
        name: the unique name of this worker.
        guard: applies the guesses at other workers.
        clock: aware time of day.
    """

    def __init__(self, address: bytes, name: str, guard: Guard, clock: Clock) -> None:
        self._address = address
        self._name = name
        self._guard = guard
        self._clock = clock
        self.counts: Callable[[], Counts] = Counts
        """Returns the counts of this worker; the worker sets it."""

        self.discards: Mapping[tuple[str, str], int] = {}
        """Requests without an answer, by reason and address; the worker sets it."""

        self.signatures: Mapping[tuple[int, bool], int] = {}
        """Requests of NAS that need not sign, by number of the NAS and whether they did; likewise.
        """

        self._sent_discards: dict[tuple[str, str], int] = {}
        self._sent_signatures: dict[tuple[int, bool], int] = {}
        self.slot_answered: Callable[[int, str, Answer], None] = lambda *_: None
        """Takes the answer about a slot that was asked for."""

        self.table = Table(Keyring(keys={}, active=""))
        self.is_loaded = False
        """Whether a whole table has arrived."""

        self.siblings = Counts()
        """The counts of all other workers, and of those that this one has followed."""

        self.without_spool = False
        self._followed_at = datetime.fromtimestamp(0, UTC)
        self._lost = self._lost_there = 0
        self._lost_logged = 0, -LOG_EVERY
        self._instants = Instants()
        self._next: Table | None = None
        self._old: list[Table] = []
        self._fresh: Guard | None = None
        self._own_acts = 0
        self._sent_up_to = 0
        self._number = self._sent = 0
        self._batches: OrderedDict[int, Sequence[PackedDecisions]] = OrderedDict()
        self._decisions = 0
        self._slots: dict[tuple[int, str], None] = {}
        self._channel: Channel | None = None
        self._is_writing = False
        # One descriptor for the worker's loop, whichever connection is behind it.
        self._poll = select.epoll()
        self._more = os.eventfd(0, os.EFD_NONBLOCK)
        self._poll.register(self._more, select.EPOLLIN)
        self._takers: dict[int, Callable[..., None]] = {
            ToWorker.BEGIN: self._begin,
            ToWorker.VISITS: self._visits,
            ToWorker.GONE: self._gone,
            ToWorker.PLACES: self._places,
            ToWorker.END: self._end,
            ToWorker.BEAT: self._beat,
            ToWorker.FIRST_ACTS: self._take_first_acts,
            ToWorker.ACTS: self._take_acts,
            ToWorker.ALL_ACTS: self._take_all_acts,
            ToWorker.RELAYED: self._relayed_up_to,
            ToWorker.TIDY: self._tidy,
            ToWorker.STORED: self._stored,
            ToWorker.SLOT: self._slot,
        }
        self._connect()

    @property
    def age(self) -> timedelta:
        """Time since the companion last followed the store."""
        return self._clock() - self._followed_at

    @property
    def lost(self) -> int:
        """How many decisions were lost for lack of room."""
        return self._lost + self._lost_there

    def fileno(self) -> int:
        """Readable when :meth:`act` has something to do."""
        return self._poll.fileno()

    def wait(self, seconds: float) -> None:
        """Wait for something to do, and do it: for another worker's guess, and at the end."""
        if select.select([self._poll], [], [], seconds)[0]:
            self.act()

    def act(self) -> None:
        """Process a millisecond of received messages, and send waiting ones."""
        ready = dict(self._poll.poll(0))
        if self._more in ready:
            self._give_back()
        channel = self._channel
        if channel is None or channel.fileno() not in ready:
            return
        try:
            if ready[channel.fileno()] & ~select.EPOLLOUT:
                for message in channel.receive():
                    self._take(message)
            channel.flush()
            self._send_batches()
            self._watch(channel)
        except Closed:
            self._connect()

    def hand_over(self, decisions: Sequence[Decided]) -> None:
        """Send decisions; they stay here until they are on a disk."""
        self._number += 1
        self._batches[self._number] = packed_by_nas(decisions)
        self._decisions += len(decisions)
        while self._decisions > MOST_DECISIONS:
            self._lost += self._forget_oldest()
            self._log_lost()
        self.send_acts()
        self._send_batches()

    def send_acts(self) -> None:
        """Send the acts of the guard since the last time."""
        # First: FreeRADIUS's threads may add an act meanwhile, which is sent again next time.
        up_to = self._guard.latest_serial()
        if up_to == self._sent_up_to:
            return
        news = self._guard.news_after(self._sent_up_to)
        self._sent_up_to = up_to
        parts = range(0, len(news), ACTS_AT_ONCE)
        packed_parts = [packed(news[first : first + ACTS_AT_ONCE]) for first in parts]
        self._send(encoded(ToCompanion.ACTS, self._sent_up_to, packed_parts))

    def ask_slot(self, visit_id: int, device: str) -> None:
        """Ask for a slot of a visit's device limit; a new companion is asked again."""
        self._slots[visit_id, device] = None
        self._send(encoded(ToCompanion.SLOT, visit_id, device))

    def wake(self) -> None:
        """Make :meth:`fileno` readable; from any thread."""
        os.eventfd_write(self._more, 1)

    def forget_slot(self, visit_id: int, device: str) -> None:
        """Stop waiting for a slot."""
        self._slots.pop((visit_id, device), None)

    def finish(self, seconds: float, meanwhile: Callable[[], None] = lambda: None) -> None:
        """Send what is left, and wait until it is on a disk.

        Args:
            seconds: the longest wait.
            meanwhile: called repeatedly during the wait.
        """
        self.send_acts()
        self._send_counts()
        until = time.monotonic() + seconds
        while self._batches and time.monotonic() < until:
            meanwhile()
            self.wait(0.1)
        if self._batches:
            self._lost += self._decisions
            self._log_lost()

    def close(self) -> None:
        """Close the connection."""
        if self._channel is not None:
            self._channel.close()
        self._poll.close()
        os.close(self._more)

    def _connect(self) -> None:
        """Connect to the socket that the parent holds open; the present companion will answer."""
        if self._channel is not None:
            self._channel.close()
            self._channel = None
        opened = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            opened.connect(self._address)
        except OSError:
            # The parent is gone; this worker ends in a moment, too.
            log.exception("the companion cannot be reached")
            opened.close()
            return
        self._next = self._fresh = None
        self._channel = Channel(opened)
        self._poll.register(opened, select.EPOLLIN)
        self._is_writing = False
        self._sent_up_to = 0
        self._send(encoded(ToCompanion.HELLO, self._name, self._guard.writer))
        self._sent = 0
        for asked in self._slots:
            self._send(encoded(ToCompanion.SLOT, *asked))
        self.send_acts()
        self._send_batches()

    def _send_batches(self) -> None:
        """Send unsent batches as far as the companion takes them; the rest stays here."""
        for number in [number for number in self._batches if number > self._sent]:
            if self._channel is None or self._channel.is_backed_up:
                return
            self._sent = number
            self._send(encoded(ToCompanion.DECISIONS, number, self._batches[number]))

    def _send(self, message: bytes) -> None:
        channel = self._channel
        if channel is None:
            return
        try:
            channel.send(message)
        except Closed:
            return  # the socket is readable now, so the next round connects again
        self._watch(channel)

    def _watch(self, channel: Channel) -> None:
        if channel.is_backed_up != self._is_writing:
            self._is_writing = channel.is_backed_up
            writing = select.EPOLLOUT if self._is_writing else 0
            self._poll.modify(channel.fileno(), select.EPOLLIN | writing)

    def _take(self, message: Message) -> None:
        kind, *values = message
        self._takers[kind](*values)

    def _begin(self, keys: dict[str, bytes], active: str) -> None:
        self._next = Table(Keyring.of(keys, active) if keys else self.table.keyring)

    @property
    def _filling(self) -> Table:
        """The table to apply news to: the one that is arriving, or else the present one."""
        return self.table if self._next is None else self._next

    def _visits(self, sent: list[tuple[Any, ...]]) -> None:
        self._filling.put(visits_of(sent, self._instants))

    def _gone(self, numbers: list[int]) -> None:
        self._apply(removed_visits=numbers)

    def _places(self, octets: bytes) -> None:
        locations, nas = places_of(octets)
        self._apply(locations=locations, nas=nas)

    def _apply(self, **changed: Any) -> None:
        none: dict[str, Any] = {"locations": None, "nas": None, "removed_visits": ()}
        news = News(position=_NOWHERE, complete=False, visits=(), **{**none, **changed})
        self._filling.apply(news, _CENTURY, self._clock())

    def _end(self) -> None:
        """Switch to the new table, which is whole, and free the old one little by little."""
        if self._next is None:
            return
        old = self.table
        self.table, self._next = self._next, None
        if self.is_loaded:
            gc.freeze()  # a collection would walk the whole table while guests wait
        self.is_loaded = True
        self._retire(old)

    def _retire(self, table: Table) -> None:
        """Free a table that is no longer used."""
        self._old.append(table)
        self.wake()

    def _give_back(self) -> None:
        left = [table for table in self._old if _shrink(table, GIVEN_BACK_AT_ONCE)]
        self._old = left
        if not left:
            os.eventfd_read(self._more)

    def _beat(self, followed_at: float, lost: int, without_spool: int, siblings: list[str]) -> None:
        self._followed_at = datetime.fromtimestamp(followed_at, UTC)
        self._lost_there, self.without_spool = lost, bool(without_spool)
        self.siblings = parse_counts(siblings) or Counts()
        self._send_counts()

    def _take_first_acts(self) -> None:
        """Prepare for all acts, of this worker and others, which follow in the order of time."""
        self._fresh, self._own_acts = Guard(), 0

    def _take_acts(self, *parts: bytes) -> None:
        """Apply acts of others, or a part of all acts."""
        acts = [act for octets in parts for act in unpacked(octets)]
        if self._fresh is None:
            self._guard.apply(acts)
            return
        self._fresh.apply(acts)
        mine = (act.serial for act in acts if act.writer == self._guard.writer)
        self._own_acts = max(self._own_acts, *mine, 0)

    def _take_all_acts(self) -> None:
        if self._fresh is not None:
            self._fresh.apply(self._guard.news_after(self._own_acts))
            self._guard.begin_with(self._fresh)
            self._fresh = None

    def _relayed_up_to(self, writer: str, serial: int) -> None:
        self._guard.mark_known_up_to(writer, serial)

    def _tidy(self) -> None:
        self._guard.tidy(self._clock())

    def _stored(self, number: int) -> None:
        while self._batches and next(iter(self._batches)) <= number:
            self._forget_oldest()

    def _forget_oldest(self) -> int:
        """Forget the oldest batch; return how many decisions it had."""
        _, batch = self._batches.popitem(last=False)
        count = sum(number for _, number, _ in batch)
        self._decisions -= count
        return count

    def _slot(self, visit_id: int, device: str, answer: int) -> None:
        self.forget_slot(visit_id, device)
        self.slot_answered(visit_id, device, Answer(answer))

    def _send_counts(self) -> None:
        own = replace(self.counts(), unrecorded=self._lost, without_spool=0)
        self._send(encoded(ToCompanion.COUNTS, own.lines()))
        discards, signatures = dict(self.discards), dict(self.signatures)
        self._send_new(ToCompanion.DISCARDS, discards, self._sent_discards)
        self._send_new(ToCompanion.SIGNATURES, signatures, self._sent_signatures)
        self._sent_discards, self._sent_signatures = discards, signatures

    def _send_new(
        self, kind: ToCompanion, counted: Mapping[Any, int], sent: Mapping[Any, int]
    ) -> None:
        """Send the increase of each counter since the last time."""
        if counted != sent:
            new = [(*key, number - sent.get(key, 0)) for key, number in counted.items()]
            self._send(encoded(kind, [each for each in new if each[-1]]))

    def _log_lost(self) -> None:
        logged, at = self._lost_logged
        now = time.monotonic()
        if self._lost > logged and now - at >= LOG_EVERY:
            log.error("%d decisions are lost since the start", self._lost)
            self._lost_logged = self._lost, now


def _shrink(table: Table, count: int) -> bool:
    """Remove some content of a table; return whether there may be more."""
    held = [each for each in vars(table).values() if isinstance(each, dict) and each]
    for each in held:
        for _ in range(min(count, len(each))):
            each.popitem()
    return bool(held)
