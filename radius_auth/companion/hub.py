"""The companion's end of the connections: sends data to the workers and takes what they did."""

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
"""How often a worker is sent the age of its data."""

TOGETHER_SECONDS: Final = 0.002
"""Pause between two reads: messages of that time are read, and passed on to the others, together.
A read for each message costs more than handling its content (``make bench``, "reject").
"""

RECEIVED_AT_ONCE: Final = 256 * 1024
"""Octets read at once from a worker: more than a socket holds."""

MOST_ENDED: Final = 64
"""Ended workers whose numbers are still shown one by one; those of older ones as a sum."""


class _Worker:
    """The connection of one worker."""

    def __init__(self, opened: socket.socket) -> None:
        self.channel = Channel(opened, RECEIVED_AT_ONCE)
        self.name = self.writer = ""
        self.acts: list[bytes] = []
        """Acts of its guard, unparsed; sent to the others once all that has come was read."""

        self.acts_up_to = 0
        """The serial number of the latest of them."""

        self.relayed_up_to = 0
        """The serial number up to which the others have them."""

        self.tables = 0
        """The number of the table sent last; the hub counts them."""

        self.greeted = False
        self.is_awaited = False
        """Whether the hub waits until its socket is writable."""

        self.coming: list[Iterator[bytes]] = []
        """Messages made only when there is room for them: a whole table, or all acts."""

        self.later: list[bytes] = []
        """Messages to send after those."""

    def queue(self, *messages: bytes) -> None:
        """Queue messages for :meth:`go_on`, behind all earlier ones."""
        if self.coming:
            self.later.extend(messages)
        else:
            self.channel.put(*messages)

    @property
    def is_behind(self) -> bool:
        """Whether messages wait until its socket is writable."""
        return self.channel.is_backed_up or bool(self.coming)

    def go_on(self) -> None:
        """Send more of the queued messages.

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
        listener: the listening socket; processes of other users are turned away.
        record: takes batches of decisions; :meth:`stored` reports when they are on a disk.
        recording: the state of the recording.
        sharing: shares guesses with other servers.
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
        """The name of this server in the acts of the guard."""

        self._follower: Follower | None = None
        self._tables = 0
        self._workers: dict[int, _Worker] = {}
        self._counts: OrderedDict[str, Counts] = OrderedDict()
        self._ended = Counts()
        self.counts = Counts()
        """The counts of all workers together, including ended ones."""

        self.discards: Counter[tuple[str, str]] = Counter()
        """Requests that they did not answer, by reason and address."""

        self.signatures: Counter[tuple[int, bool]] = Counter()
        """Requests of NAS that need not sign, by number of the NAS and whether they did."""

        self._todo: deque[Callable[[], None]] = deque()
        self._selector = selectors.DefaultSelector()
        self._wake_read, self._wake_write = os.pipe()
        os.set_blocking(self._wake_read, False)
        os.set_blocking(self._wake_write, False)
        self._stopping = self._is_over = False
        self._ends_at = 0.0
        self._thread = threading.Thread(target=self._run, name="nexio-hub", daemon=True)

    def start(self) -> None:
        """Serve until :meth:`stop`."""
        self._thread.start()

    def stop(self, seconds: float) -> None:
        """Take the last messages of the workers until they are gone, and end."""
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
        """From now on send the workers the table of this follower and its changes."""
        with follower.changing:
            follower.listeners.append(self._changed)
            self._follower, self._tables = follower, self._tables + 1
            self._do(self._queue_table)

    def stored(self, batches: Sequence[EventBatch]) -> None:
        """Report that batches are on a disk, so that their workers may forget them."""
        numbers: dict[str, int] = {}
        for batch in batches:
            numbers[batch.writer] = max(batch.number, numbers.get(batch.writer, 0))
        self._do(lambda: self._queue_stored(numbers))

    def _changed(self, change: Change) -> None:
        """Send a change to every worker; the follower calls this while it holds its lock."""
        if change.is_whole:
            self._tables += 1
            self._do(self._queue_table)
            return
        messages = list(_messages_of(change))
        self._do(lambda: self._queue_for_all(messages))

    def _put_acts(self, messages: Sequence[bytes], but: str) -> None:
        self._do(lambda: self._queue_for_all(messages, but))

    def _do(self, action: Callable[[], None]) -> None:
        """Let the thread run an action, after all earlier ones."""
        self._todo.append(action)
        if threading.get_ident() != self._thread.ident:  # the thread itself needs no wake-up
            self._wake()

    def _wake(self) -> None:
        if self._is_over:
            return
        with suppress(BlockingIOError):  # the pipe is full, so the thread is awake
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
                self._slots.answer_overdue()
                self._beat()
            self._send_all()
        for worker in list(self._workers.values()):
            self._lose(worker)

    @property
    def is_sending(self) -> bool:
        """Whether a worker is being sent a table, or soon will be; from any thread."""
        return bool(self._todo) or self._somebody_waits_for_more()

    def _somebody_waits_for_more(self) -> bool:
        """Whether a worker is being sent a table: a start waits for that."""
        return any(each.is_behind for each in list(self._workers.values()))

    def _send_all(self) -> None:
        """Send all queued messages; a worker wakes up once for all of them."""
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
            return  # it went away, or too many files are open; it connects again
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
        """Pass on what the guards did, all acts of one worker together."""
        for worker in self._workers.values():
            if worker.acts_up_to == worker.relayed_up_to:
                continue
            acts, worker.acts = worker.acts, []
            worker.relayed_up_to = worker.acts_up_to
            try:
                self._sharing.take(acts)
            except Exception:
                log.exception("what a worker did about guesses could not be taken")
            message = encoded(ToWorker.RELAYED, worker.writer, worker.relayed_up_to)
            self._do(partial(self._queue_for_all, [message], worker.writer))

    def _ask_slot(self, worker: _Worker, visit_id: int, device: str) -> None:
        def answer_worker(answer: Answer) -> None:
            reply = encoded(ToWorker.SLOT, visit_id, device, int(answer))
            self._do(lambda: worker.queue(reply))

        self._slots.ask((visit_id, device), answer_worker)

    def _welcome(self, worker: _Worker) -> None:
        """Send a worker everything known; later changes follow."""
        with self._relay.lock:
            self._do_all()
            worker.greeted = True
            worker.coming.append(self._relay.everything())
            for other in self._workers.values():
                if other.greeted:
                    worker.later.append(
                        encoded(ToWorker.RELAYED, other.writer, other.relayed_up_to)
                    )
        self._queue_table_to([worker])

    def _queue_table(self) -> None:
        self._queue_table_to([each for each in self._workers.values() if each.greeted])

    def _queue_table_to(self, workers: Sequence[_Worker]) -> None:
        follower = self._follower
        if follower is None:
            return
        with follower.changing:
            # A change that is in the table must not be sent again after it.
            self._do_all()
            new = [each for each in workers if each.tables != self._tables]
            messages = _table_of(follower.table)
            for worker, its in zip(new, tee(messages, len(new)), strict=True):
                worker.coming.append(its)
                worker.tables = self._tables
        for worker in new:
            self._go_on(worker)
        self._beat()

    def _queue_for_all(self, messages: Sequence[bytes], but: str = "") -> None:
        for worker in list(self._workers.values()):
            if worker.greeted and (not but or worker.writer != but):
                worker.queue(*messages)

    def _queue_stored(self, numbers: dict[str, int]) -> None:
        for worker in list(self._workers.values()):
            if worker.name in numbers:
                worker.queue(encoded(ToWorker.STORED, numbers[worker.name]))

    def _go_on(self, worker: _Worker) -> None:
        try:
            worker.go_on()
            self._watch(worker)
        except Closed:
            self._lose(worker)

    def _beat(self) -> None:
        """Send each worker the age of its data, and the counts of the others."""
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
            worker.queue(beat)

    def _count(self, name: str, counts: Counts) -> None:
        self._counts[name] = counts
        self._counts.move_to_end(name)
        if len(self._counts) > MOST_ENDED + len(self._workers):
            _, oldest = self._counts.popitem(last=False)
            self._ended = self._ended.plus(replace(oldest, waiting=0))


def _sums(ended: Counts, counts: OrderedDict[str, Counts]) -> tuple[Counts, dict[str, Counts]]:
    """The counts of all workers together; and for each of them, those of all others."""
    before = list(accumulate(counts.values(), Counts.plus, initial=ended))
    after = list(accumulate(reversed(counts.values()), Counts.plus, initial=Counts()))[::-1]
    others = {name: before[i].plus(after[i + 1]) for i, name in enumerate(counts)}
    return before[-1], others


def _table_of(table: Table) -> Iterator[bytes]:
    """All of a table as it is now, in messages that are made on demand."""
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
    """A change, in parts that a worker processes within a millisecond."""
    if change.locations is not None or change.nas is not None:
        yield encoded(ToWorker.PLACES, places_as_octets(change.locations, change.nas))
    yield from _visits(change.visits)
    for first in range(0, len(change.gone), VISITS_AT_ONCE):
        yield encoded(ToWorker.GONE, list(change.gone[first : first + VISITS_AT_ONCE]))
