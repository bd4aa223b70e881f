"""The process that answers: follower and recorder in the background, the sockets in front."""

from __future__ import annotations

import logging
import os
import selectors
import signal
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from nexio.network.accounting_records import AccountingRecord
from nexio.network.events import AuthEvent, record_events
from nexio.network.following import Horizon
from nexio.network.session_updates import record_accounting
from nexio.store.engine import Store, utc_now
from nexio.store.patience import Patience
from radius_auth.guard.sharing import shared_guard
from radius_auth.protocol.discards import Discards, Ignored
from radius_auth.recording.recorder import Recorder
from radius_auth.recording.spool import Spool
from radius_auth.replica.follower import Follower
from radius_auth.server import sockets
from radius_auth.server.accountant import Accountant, AccountingThread
from radius_auth.server.fair_queue import FairQueue
from radius_auth.server.replays import ReplayFile, Replays
from radius_auth.server.responder import Responder

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from nexio.configuration import Configuration
    from nexio.store.engine import Clock
    from radius_auth.guard import Guard
    from radius_auth.server.options import Options
    from radius_auth.server.sockets import Source

log = logging.getLogger(__name__)

LONGEST_WAIT = 2.0
"""Seconds that a datagram may have waited for the server: its NAS is about to ask again."""

HAND_OVER_SECONDS = 0.0005
"""How long one thread may compute while another one wants to: Python's own 5 ms of accounting
would be felt at the login page."""

STOP_SECONDS = 3.0
"""How long the database is still waited for at the end."""

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
    accounting: Sequence[socket.socket]
    life: int
    """A file descriptor that becomes readable when the parent has died."""


class Worker:
    """Answers on sockets that its parent has opened.

    Args:
        inherited: what the parent has opened.
        follower: holds the table.
        recorder: takes the decisions.
        options: how to run.
        clock: aware time of day.
        guard: counts wrong passwords; None is a new one.
    """

    def __init__(  # noqa: PLR0913, PLR0917 - its surroundings, each of its own kind
        self,
        inherited: Inherited,
        follower: Follower,
        recorder: Recorder[AuthEvent],
        options: Options,
        clock: Clock = utc_now,
        guard: Guard | None = None,
    ) -> None:
        self._sockets = {each.fileno(): each for each in inherited.sockets}
        self._life = inherited.life
        self._follower = follower
        self._options = options
        self._discards = Discards()
        self._responder = Responder(
            follower,
            recorder.record,
            options.reject_delay,
            clock,
            self._discards,
            self._lost,
            guard,
            recorder,
        )
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

    def run(self) -> None:
        """Answer until :meth:`stop`."""
        with selectors.DefaultSelector() as selector:
            selector.register(self._wake_read, selectors.EVENT_READ)
            selector.register(self._life, selectors.EVENT_READ)
            for each in self._sockets.values():
                selector.register(each, selectors.EVENT_READ)
            while not self._stopping:
                for key, _ in selector.select(0 if self._queue else self._until_next()):
                    if key.fd in self._sockets:
                        self._take(self._sockets[key.fd])
                    self._stopping = self._stopping or key.fd == self._life
                self._answer()
                self._send_due()
        while self._queue:
            self._answer()
        while (wait := self._until_next()) is not None:
            time.sleep(wait)
            self._send_due()

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

    def _lost(self) -> int:
        return sum(sockets.lost(each) for each in self._sockets.values())

    def _until_next(self) -> float | None:
        due = self._responder.next_due()
        return None if due is None else max(0.0, due - time.monotonic())


def serve(
    inherited: Inherited,
    options: Options,
    configuration: Configuration,
    ready: Callable[[], None],
) -> None:
    """Be the worker process until SIGTERM or SIGINT.

    Args:
        inherited: what the parent has opened.
        options: how to run.
        configuration: where the store is.
        ready: called once when requests are answered.

    Raises:
        NexioError: the store or its key cannot be used at the start.
    """
    sys.setswitchinterval(HAND_OVER_SECONDS)

    patience = Patience.of_a_server()

    def open_store() -> Store:
        return Store.open(configuration, patience=patience)

    with (
        _following(Follower(open_store, Horizon())) as follower,
        shared_guard(configuration, patience) as guard,
    ):
        folder = configuration.home / "spool"
        recorder = Recorder(Spool(folder / "radiusd.db", AuthEvent), open_store, record_events)
        worker = Worker(inherited, follower, recorder, options, guard=guard)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: worker.stop())
        signal.signal(signal.SIGHUP, lambda *_: follower.reload())
        recorder.start()
        try:
            with _accounting(inherited, options, follower, folder / "accounting.db", open_store):
                ready()
                try:
                    worker.run()
                finally:
                    patience.end_in(STOP_SECONDS)  # what is not in the store by then is spooled
        finally:
            recorder.stop()
            worker.close()


@contextmanager
def _accounting(
    inherited: Inherited,
    options: Options,
    follower: Follower,
    path: Path,
    open_store: Callable[[], Store],
) -> Iterator[None]:
    """Store and answer accounting on the side, and pass it on to the store."""
    recorder = Recorder(Spool(path, AccountingRecord), open_store, record_accounting)
    discards = Discards()
    accountant = Accountant(
        follower,
        recorder.keep_now,
        options.max_staleness,
        utc_now,
        discards,
        recorder.has_room,
        Replays(ReplayFile(path.with_name("replays.db"))),
    )
    thread = AccountingThread(inherited.accounting, accountant, discards)
    recorder.start()
    thread.start()
    try:
        yield
    finally:
        thread.stop()
        recorder.stop()


@contextmanager
def _following(follower: Follower) -> Iterator[Follower]:
    follower.start()
    try:
        yield follower
    finally:
        follower.stop()
