"""The companion's end: tells every worker what it must know, and hears what it did."""

from __future__ import annotations

import logging
import os
import selectors
import socket
import threading
import time
from collections import Counter, OrderedDict, deque
from contextlib import suppress
from dataclasses import replace
from functools import partial
from itertools import accumulate, chain, tee
from typing import TYPE_CHECKING, Final

from nexio.network.events import event_batches
from radius_auth.companion.channel import Channel, Closed, encoded, user_of
from radius_auth.companion.messages import (
    VISITS_AT_ONCE,
    ToCompanion,
    ToWorker,
    places_as_octets,
    visits_as_values,
)
from radius_auth.companion.relay import Relay
from radius_auth.protocol.statistics import Counts, parse_counts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from nexio.network.events import EventBatch
    from nexio.network.following import FollowedVisit
    from radius_auth.companion.channel import Message
    from radius_auth.companion.slots import Slots
    from radius_auth.decision.device_limits import Answer
    from radius_auth.guard.sharing import Sharing
    from radius_auth.protocol.statistics import Recording
    from radius_auth.replica.follower import Follower
    from radius_auth.replica.table import Change, Table

log = logging.getLogger(__name__)

BEAT_SECONDS: Final = 0.25
"""How often a worker hears how current it is."""

TOGETHER_SECONDS: Final = 0.002
"""Between two looks at what workers tell: what they tell meanwhile is taken in, and told to the
others, together.  A look for each message costs more than what is in it (``make bench``, "reject").
"""

RECEIVED_AT_ONCE: Final = 256 * 1024
"""Octets of a worker: more than a socket holds."""

MOST_ENDED: Final = 64
"""Workers that have ended and whose numbers are still shown one by one; then as a sum."""


class _Worker:
    """One connection."""

    def __init__(self, opened: socket.socket) -> None:
        self.channel = Channel(opened, RECEIVED_AT_ONCE)
        self.name = self.writer = ""
        self.acts: list[bytes] = []
        """What its guard did, as it came; the others hear of it once all that is there was read."""

        self.acts_up_to = 0
        """The number of the latest of them."""

        self.relayed_up_to = 0
        """Up to which the others were told."""

        self.tables = 0
        """The number of the table that it was told last; the hub counts them."""

        self.greeted = False
        self.is_awaited = False
        """Whether the hub wakes up when it takes more."""

        self.coming: list[Iterator[bytes]] = []
        """What is made only when there is room for it: a whole table, or all acts."""

        self.later: list[bytes] = []
        """What has to come after that."""

    def tell(self, *messages: bytes) -> None:
        """Let messages wait for :meth:`go_on`, behind all that was told before."""
        if self.coming:
            self.later.extend(messages)
        else:
            self.channel.put(*messages)

    @property
    def is_behind(self) -> bool:
        """Whether something waits until it takes more."""
        return self.channel.is_backed_up or bool(self.coming)

    def go_on(self) -> None:
        """Send more of what is coming.

        Raises:
            Closed: it is gone.
        """
        self.channel.flush()
        while self.coming and not self.channel.is_backed_up:
            message = next(self.coming[0], None)
            if message is None:
                del self.coming[0]
            else:
                self.channel.send(message)
        if self.later and not self.coming:
            later, self.later = self.later, []
            self.channel.send(*later)


class Hub:
    """Serves the workers, in a thread.

    Args:
        listener: where they come to; others than the user of this process are sent away.
        record: takes batches of decisions; :meth:`stored` says when it is on a disk.
        recording: how that goes.
        sharing: what is known of guesses.
        slots: takes slots of device limits.
    """

    def __init__(
        self,
        listener: socket.socket,
        record: Callable[..., None],
        recording: Recording,
        sharing: Sharing,
        slots: Slots,
    ) -> None:
        listener.settimeout(0)
        self._listener = listener
        self._record = record
        self._recording = recording
        self._sharing = sharing
        self._slots = slots
        self._relay = Relay(self._put_acts)
        sharing.share(self._relay)
        self.writer = self._relay.writer
        """What this server calls itself in the acts of the guard."""

        self._follower: Follower | None = None
        self._tables = 0
        self._workers: dict[int, _Worker] = {}
        self._counts: OrderedDict[str, Counts] = OrderedDict()
        self._ended = Counts()
        self.counts = Counts()
        """What all workers have done together, those that have ended too."""

        self.discards: Counter[tuple[str, str]] = Counter()
        """What they did not answer, by reason and address."""

        self.signatures: Counter[tuple[int, bool]] = Counter()
        """Requests of NAS that need not sign, by number and whether they did."""

        self._todo: deque[Callable[[], None]] = deque()
        self._selector = selectors.DefaultSelector()
        self._wake_read, self._wake_write = os.pipe()
        os.set_blocking(self._wake_read, False)
        os.set_blocking(self._wake_write, False)
        self._stopping = self._is_over = False
        self._ends_at = 0.0
        self._thread = threading.Thread(target=self._run, name="nexio-hub", daemon=True)

    def start(self) -> None:
        """Begin to serve, until :meth:`stop`."""
        self._thread.start()

    def stop(self, seconds: float) -> None:
        """Take what the workers still have to tell, until they are gone, and end."""
        self._ends_at = time.monotonic() + seconds
        self._stopping = True
        self._wake()
        if self._thread.ident is not None:
            self._thread.join()
        self._is_over = True
        self._selector.close()
        os.close(self._wake_read)
        os.close(self._wake_write)

    def follow(self, follower: Follower) -> None:
        """From now on workers know what this follower knows."""
        with follower.changing:
            follower.listeners.append(self._changed)
            self._follower, self._tables = follower, self._tables + 1
            self._do(self._tell_table)

    def stored(self, batches: Sequence[EventBatch]) -> None:
        """Those batches are on a disk: their workers may forget them."""
        numbers: dict[str, int] = {}
        for batch in batches:
            numbers[batch.writer] = max(batch.number, numbers.get(batch.writer, 0))
        self._do(lambda: self._tell_stored(numbers))

    def _changed(self, change: Change) -> None:
        """Tell every worker what has changed; the follower calls it while it holds its lock."""
        if change.is_whole:
            self._tables += 1
            self._do(self._tell_table)
            return
        messages = list(_messages_of(change))
        self._do(lambda: self._tell_all(messages))

    def _put_acts(self, messages: Sequence[bytes], but: str) -> None:
        self._do(lambda: self._tell_all(messages, but))

    def _do(self, action: Callable[[], None]) -> None:
        """Let the thread do something, after what it was given before."""
        self._todo.append(action)
        if threading.get_ident() != self._thread.ident:  # else it comes to that by itself
            self._wake()

    def _wake(self) -> None:
        if self._is_over:
            return
        with suppress(BlockingIOError):  # then it is awake
            os.write(self._wake_write, b"\0")

    def _run(self) -> None:
        self._selector.register(self._listener, selectors.EVENT_READ)
        self._selector.register(self._wake_read, selectors.EVENT_READ)
        beat_at = looked_at = 0.0
        while not self._stopping or (self._workers and time.monotonic() < self._ends_at):
            ready = self._selector.select(max(0.0, beat_at - time.monotonic()))
            rest = looked_at + TOGETHER_SECONDS - time.monotonic()
            if rest > 0 and not self._somebody_waits_for_more():
                time.sleep(rest)
                ready = self._selector.select(0)
            looked_at = time.monotonic()
            for key, events in ready:
                try:
                    self._attend(key.fd, events)
                except Exception:
                    log.exception("what a worker told could not be taken")
            self._pass_acts_on()
            self._do_all()
            if time.monotonic() >= beat_at:
                beat_at = time.monotonic() + BEAT_SECONDS
                self._slots.tell_overdue()
                self._beat()
            self._send_all()
        for worker in list(self._workers.values()):
            self._lose(worker)

    def _somebody_waits_for_more(self) -> bool:
        """Whether a worker gets a table: a start waits for that."""
        return any(each.is_behind for each in self._workers.values())

    def _send_all(self) -> None:
        """Send what they were told; a worker wakes up once for all of it."""
        for worker in list(self._workers.values()):
            if worker.channel.is_backed_up:
                self._go_on(worker)

    def _attend(self, descriptor: int, events: int) -> None:
        if descriptor == self._wake_read:
            with suppress(BlockingIOError):
                os.read(descriptor, 65_536)
        elif descriptor == self._listener.fileno():
            self._accept()
        elif descriptor in self._workers:
            worker = self._workers[descriptor]
            try:
                if events & selectors.EVENT_READ:
                    for message in worker.channel.receive():
                        self._take(worker, message)
            except Closed:
                self._lose(worker)
            else:
                if worker.is_behind:
                    self._go_on(worker)

    def _do_all(self) -> None:
        while self._todo:
            self._todo.popleft()()

    def _accept(self) -> None:
        try:
            opened, _ = self._listener.accept()
        except OSError:
            return  # it went away, or there are too many files open; it comes again
        if user_of(opened) not in {os.geteuid(), 0}:
            log.warning("a process of another user is not a worker, and is sent away")
            opened.close()
            return
        worker = _Worker(opened)
        self._workers[worker.channel.fileno()] = worker
        self._selector.register(opened, selectors.EVENT_READ)

    def _lose(self, worker: _Worker) -> None:
        descriptor = worker.channel.fileno()
        if descriptor not in self._workers:
            return  # it was noticed before
        self._pass_acts_on()
        self._selector.unregister(descriptor)
        del self._workers[descriptor]
        worker.channel.close()

    def _watch(self, worker: _Worker) -> None:
        if worker.is_behind != worker.is_awaited:
            worker.is_awaited = worker.is_behind
            writing = selectors.EVENT_WRITE if worker.is_awaited else 0
            self._selector.modify(worker.channel.fileno(), selectors.EVENT_READ | writing)

    def _take(self, worker: _Worker, message: Message) -> None:
        kind, *values = message
        if kind == ToCompanion.HELLO:
            worker.name, worker.writer = values
            self._welcome(worker)
        elif kind == ToCompanion.DECISIONS:
            self._record(*event_batches(worker.name, *values))
        elif kind == ToCompanion.ACTS:
            worker.acts_up_to, acts = values
            worker.acts += acts
        elif kind == ToCompanion.COUNTS:
            self._count(worker.name, parse_counts(values[0]) or Counts())
        elif kind == ToCompanion.DISCARDS:
            for reason, host, number in values[0]:
                self.discards[reason, host] += number
        elif kind == ToCompanion.SIGNATURES:
            for nas_id, is_signed, number in values[0]:
                self.signatures[nas_id, is_signed] += number
        elif kind == ToCompanion.SLOT:
            self._ask_slot(worker, *values)

    def _pass_acts_on(self) -> None:
        """Tell what guards did, that of each worker together."""
        for worker in self._workers.values():
            if worker.acts_up_to == worker.relayed_up_to:
                continue
            acts, worker.acts = worker.acts, []
            worker.relayed_up_to = worker.acts_up_to
            try:
                self._sharing.take(acts)
            except Exception:
                log.exception("what a worker did about guesses could not be taken")
            heard = encoded(ToWorker.HEARD, worker.writer, worker.relayed_up_to)
            self._do(partial(self._tell_all, [heard], worker.writer))

    def _ask_slot(self, worker: _Worker, visit_id: int, device: str) -> None:
        def tell(answer: Answer) -> None:
            told = encoded(ToWorker.SLOT, visit_id, device, int(answer))
            self._do(lambda: worker.tell(told))

        self._slots.ask((visit_id, device), tell)

    def _welcome(self, worker: _Worker) -> None:
        """Tell a worker all there is; what changes from now on comes after it."""
        with self._relay.lock:
            self._do_all()
            worker.greeted = True
            worker.coming.append(self._relay.everything())
            for other in self._workers.values():
                if other.greeted:
                    worker.later.append(encoded(ToWorker.HEARD, other.writer, other.relayed_up_to))
        self._tell_table_to([worker])

    def _tell_table(self) -> None:
        self._tell_table_to([each for each in self._workers.values() if each.greeted])

    def _tell_table_to(self, workers: Sequence[_Worker]) -> None:
        follower = self._follower
        if follower is None:
            return
        with follower.changing:
            # What is in the table must not be told again after it.
            self._do_all()
            new = [each for each in workers if each.tables != self._tables]
            messages = _table_of(follower.table)
            for worker, its in zip(new, tee(messages, len(new)), strict=True):
                worker.coming.append(its)
                worker.tables = self._tables
        for worker in new:
            self._go_on(worker)
        self._beat()

    def _tell_all(self, messages: Sequence[bytes], but: str = "") -> None:
        for worker in list(self._workers.values()):
            if worker.greeted and (not but or worker.writer != but):
                worker.tell(*messages)

    def _tell_stored(self, numbers: dict[str, int]) -> None:
        for worker in list(self._workers.values()):
            if worker.name in numbers:
                worker.tell(encoded(ToWorker.STORED, numbers[worker.name]))

    def _go_on(self, worker: _Worker) -> None:
        try:
            worker.go_on()
            self._watch(worker)
        except Closed:
            self._lose(worker)

    def _beat(self) -> None:
        """Tell each worker how current it is, and what the others have done."""
        follower = self._follower
        if follower is None:
            return
        followed, from_disk = follower.progress.at.timestamp(), int(follower.is_from_disk)
        lost, without_spool = self._recording.lost, self._recording.without_spool
        everybody, siblings = _sums(self._ended, self._counts)
        self.counts = everybody
        for worker in list(self._workers.values()):
            others = replace(siblings.get(worker.name, everybody), from_disk=from_disk)
            beat = encoded(ToWorker.BEAT, followed, lost, int(without_spool), others.lines())
            worker.tell(beat)

    def _count(self, name: str, counts: Counts) -> None:
        self._counts[name] = counts
        self._counts.move_to_end(name)
        if len(self._counts) > MOST_ENDED + len(self._workers):
            _, oldest = self._counts.popitem(last=False)
            self._ended = self._ended.plus(replace(oldest, waiting=0))


def _sums(ended: Counts, counts: OrderedDict[str, Counts]) -> tuple[Counts, dict[str, Counts]]:
    """What all workers have done together; and for each of them, what all others have."""
    before = list(accumulate(counts.values(), Counts.plus, initial=ended))
    after = list(accumulate(reversed(counts.values()), Counts.plus, initial=Counts()))[::-1]
    others = {name: before[i].plus(after[i + 1]) for i, name in enumerate(counts)}
    return before[-1], others


def _table_of(table: Table) -> Iterator[bytes]:
    """All of a table as it is now, in messages that are made as they are asked for."""
    visits, keyring = table.all_visits(), table.keyring
    places = places_as_octets(tuple(table.locations.values()), table.nas.entries)
    return chain(
        [
            encoded(ToWorker.BEGIN, dict(keyring.keys), keyring.active),
            encoded(ToWorker.PLACES, places),
        ],
        _visits(visits),
        [encoded(ToWorker.END)],
    )


def _visits(visits: Sequence[FollowedVisit]) -> Iterator[bytes]:
    for first in range(0, len(visits), VISITS_AT_ONCE):
        yield encoded(ToWorker.VISITS, visits_as_values(visits[first : first + VISITS_AT_ONCE]))


def _messages_of(change: Change) -> Iterator[bytes]:
    """A change, in parts that a worker takes in within a millisecond."""
    if change.locations is not None or change.nas is not None:
        yield encoded(ToWorker.PLACES, places_as_octets(change.locations, change.nas))
    yield from _visits(change.visits)
    for first in range(0, len(change.gone), VISITS_AT_ONCE):
        yield encoded(ToWorker.GONE, list(change.gone[first : first + VISITS_AT_ONCE]))
