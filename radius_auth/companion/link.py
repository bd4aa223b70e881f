"""The worker's end: what it knows of the store, and what it has to tell.

Nothing here waits but :meth:`Link.wait`: that is for a moment in which another worker looks at a
guess at the same visit, and for the end.  While the companion is away a worker goes on with what it
knows; what it has to tell waits for the next companion, which the parent starts within a second.
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
"""Decisions that wait for a companion; beyond that the oldest are lost, and counted."""

GIVEN_BACK_AT_ONCE: Final = 200
"""Visits of an old table that are given back between two requests."""

TELL_EVERY: Final = 10.0
"""Seconds between two lines about decisions that are lost."""

SLOT_SECONDS: Final = 2.0
"""So long the companion is waited for about a slot; it says within half of that whether the store
is away."""

_CENTURY: Final = Horizon(past=Horizon().past * 36_500, ahead=Horizon().ahead * 5_200)
"""Holds whatever it is told: the companion has looked at the real one."""

_NOWHERE: Final = Position(epoch="", number=0)


class Link:
    """Knows what the companion tells, and tells it what was decided.

    Args:
        address: where the companion is found.
        name: of this worker, which no other one has.
        guard: takes in what others guess.
        clock: aware time of day.
    """

    def __init__(self, address: bytes, name: str, guard: Guard, clock: Clock) -> None:
        self._address = address
        self._name = name
        self._guard = guard
        self._clock = clock
        self.counts: Callable[[], Counts] = Counts
        """What this worker has done; the worker sets it."""

        self.discards: Mapping[tuple[str, str], int] = {}
        """What got no answer, by reason and address; the worker sets it."""

        self.signatures: Mapping[tuple[int, bool], int] = {}
        """Requests of NAS that need not sign, by number and whether they did; as that."""

        self._sent_discards: dict[tuple[str, str], int] = {}
        self._sent_signatures: dict[tuple[int, bool], int] = {}
        self.slot_answered: Callable[[int, str, Answer], None] = lambda *_: None
        """Takes what became of a slot that was asked for."""

        self.table = Table(Keyring(keys={}, active=""))
        self.is_loaded = False
        """Whether a whole table has come."""

        self.siblings = Counts()
        """What all other workers have done, and those that this one has followed."""

        self.without_spool = False
        self._followed_at = datetime.fromtimestamp(0, UTC)
        self._lost = self._lost_there = 0
        self._lost_logged = 0, -TELL_EVERY
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
        # One descriptor for the worker's loop, whatever connection is behind it.
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
            ToWorker.HEARD: self._heard_up_to,
            ToWorker.TIDY: self._tidy,
            ToWorker.STORED: self._stored,
            ToWorker.SLOT: self._slot,
        }
        self._connect()

    @property
    def age(self) -> timedelta:
        """Since when the companion has not followed the store."""
        return self._clock() - self._followed_at

    @property
    def lost(self) -> int:
        """How many decisions nobody had room for."""
        return self._lost + self._lost_there

    def fileno(self) -> int:
        """Readable when :meth:`act` has something to do."""
        return self._poll.fileno()

    def wait(self, seconds: float) -> None:
        """Wait for something to do, and do it: for another worker's guess, and at the end."""
        if select.select([self._poll], [], [], seconds)[0]:
            self.act()

    def act(self) -> None:
        """Take in what has come, a millisecond of it, and send what waited."""
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
        """Tell what was decided; it is kept until it is on a disk."""
        self._number += 1
        self._batches[self._number] = packed_by_nas(decisions)
        self._decisions += len(decisions)
        while self._decisions > MOST_DECISIONS:
            self._lost += self._forget_oldest()
            self._tell_lost()
        self.tell_acts()
        self._send_batches()

    def tell_acts(self) -> None:
        """Tell what was guessed since the last time."""
        # First: FreeRADIUS's threads may make another act meanwhile, which is told again then.
        up_to = self._guard.latest_serial()
        if up_to == self._sent_up_to:
            return
        news = self._guard.news_after(self._sent_up_to)
        self._sent_up_to = up_to
        parts = range(0, len(news), ACTS_AT_ONCE)
        told = [packed(news[first : first + ACTS_AT_ONCE]) for first in parts]
        self._send(encoded(ToCompanion.ACTS, self._sent_up_to, told))

    def ask_slot(self, visit_id: int, device: str) -> None:
        """Ask for a slot of a visit's device limit; ask again whoever replaces the companion."""
        self._slots[visit_id, device] = None
        self._send(encoded(ToCompanion.SLOT, visit_id, device))

    def wake(self) -> None:
        """Let :meth:`fileno` be readable; from any thread."""
        os.eventfd_write(self._more, 1)

    def forget_slot(self, visit_id: int, device: str) -> None:
        """Nobody waits for that slot any more."""
        self._slots.pop((visit_id, device), None)

    def finish(self, seconds: float, meanwhile: Callable[[], None] = lambda: None) -> None:
        """Tell what is left, and wait until it is on a disk.

        Args:
            seconds: the longest wait.
            meanwhile: called again and again as long as it waits.
        """
        self.tell_acts()
        self._tell_counts()
        until = time.monotonic() + seconds
        while self._batches and time.monotonic() < until:
            meanwhile()
            self.wait(0.1)
        if self._batches:
            self._lost += self._decisions
            self._tell_lost()

    def close(self) -> None:
        """Give the connection back."""
        if self._channel is not None:
            self._channel.close()
        self._poll.close()
        os.close(self._more)

    def _connect(self) -> None:
        """Knock at the companion's door, which the parent holds open; who is there will answer."""
        if self._channel is not None:
            self._channel.close()
            self._channel = None
        opened = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            opened.connect(self._address)
        except OSError:
            # The parent is gone, and with it this worker in a moment.
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
        self.tell_acts()
        self._send_batches()

    def _send_batches(self) -> None:
        """Send what was not sent yet, as far as the companion takes it: the rest stays here."""
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
            return  # it is readable, too: the next round connects again
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
        """The table that news belongs to: the one that comes, or else the present one."""
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
        """The new table is whole: take it, and give the old one back little by little."""
        if self._next is None:
            return
        old = self.table
        self.table, self._next = self._next, None
        if self.is_loaded:
            gc.freeze()  # a collection would walk all of it while guests wait
        self.is_loaded = True
        self._retire(old)

    def _retire(self, table: Table) -> None:
        """Give a table back that nobody looks at any more."""
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
        self._tell_counts()

    def _take_first_acts(self) -> None:
        """All that was done follows, here and elsewhere, by its time."""
        self._fresh, self._own_acts = Guard(), 0

    def _take_acts(self, *told: bytes) -> None:
        """What others did, or a part of all that was done."""
        acts = [act for octets in told for act in unpacked(octets)]
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

    def _heard_up_to(self, writer: str, serial: int) -> None:
        self._guard.mark_known_up_to(writer, serial)

    def _tidy(self) -> None:
        self._guard.tidy(self._clock())

    def _stored(self, number: int) -> None:
        while self._batches and next(iter(self._batches)) <= number:
            self._forget_oldest()

    def _forget_oldest(self) -> int:
        """Forget the oldest batch; how many decisions that were."""
        _, told = self._batches.popitem(last=False)
        count = sum(number for _, number, _ in told)
        self._decisions -= count
        return count

    def _slot(self, visit_id: int, device: str, answer: int) -> None:
        self.forget_slot(visit_id, device)
        self.slot_answered(visit_id, device, Answer(answer))

    def _tell_counts(self) -> None:
        own = replace(self.counts(), unrecorded=self._lost, without_spool=0)
        self._send(encoded(ToCompanion.COUNTS, own.lines()))
        discards, signatures = dict(self.discards), dict(self.signatures)
        self._tell_new(ToCompanion.DISCARDS, discards, self._sent_discards)
        self._tell_new(ToCompanion.SIGNATURES, signatures, self._sent_signatures)
        self._sent_discards, self._sent_signatures = discards, signatures

    def _tell_new(
        self, kind: ToCompanion, counted: Mapping[Any, int], told: Mapping[Any, int]
    ) -> None:
        """Tell what was counted since it was told."""
        if counted != told:
            new = [(*key, number - told.get(key, 0)) for key, number in counted.items()]
            self._send(encoded(kind, [each for each in new if each[-1]]))

    def _tell_lost(self) -> None:
        told, at = self._lost_logged
        now = time.monotonic()
        if self._lost > told and now - at >= TELL_EVERY:
            log.error("%d decisions are lost since the start", self._lost)
            self._lost_logged = self._lost, now


def _shrink(table: Table, count: int) -> bool:
    """Take some of what a table holds out of it; whether there is more."""
    held = [each for each in vars(table).values() if isinstance(each, dict) and each]
    for each in held:
        for _ in range(min(count, len(each))):
            each.popitem()
    return bool(held)
