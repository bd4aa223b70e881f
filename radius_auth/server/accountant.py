"""Handles Accounting-Requests: store first, then answer (Must 16).

Storing waits for a disk.  So it has a thread of its own, which no login waits for; requests that
arrive meanwhile are stored in one commit, with a fair share for each NAS.
"""

from __future__ import annotations

import logging
import os
import selectors
import threading
import time
from functools import partial
from typing import TYPE_CHECKING

from radius_auth.protocol.authenticators import (
    check_accounting_request,
    check_message_authenticator,
)
from radius_auth.protocol.discards import DiscardReason, Discards
from radius_auth.protocol.packet import Code, Discarded, read_packet
from radius_auth.protocol.replies import encode_accounting_response
from radius_auth.recording.ledger import Entry, Ledger, Verified
from radius_auth.recording.replays import Replays
from radius_auth.server import sockets
from radius_auth.server.datagrams import AT_ONCE, open_port
from radius_auth.server.fair_queue import FairQueue

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Iterable, Sequence
    from datetime import timedelta

    from nexio.clock import Clock
    from nexio.network.accounting_records import AccountingRecord
    from radius_auth.server.datagrams import Taken
    from radius_auth.server.responder import Knowledge
    from radius_auth.server.sockets import Source

    Reply = tuple[bytes, Source]

log = logging.getLogger(__name__)

RECORDS_PER_COMMIT = 256
"""Datagrams that are stored in one commit."""

FEW = 32
"""If fewer wait than this, or than the last commit stored, the thread waits for more."""

TOGETHER = 0.03
"""Maximum seconds of that wait.  NAS wait for seconds, and guests get the processor instead: one
commit of 15 costs a quarter of 15 commits ("accepts a second beside accounting" of ``make
bench``)."""

PAUSE = 0.002
"""Seconds between two reads of the sockets during that wait, after a large commit."""

DATAGRAMS_PER_READ = 2_048
"""Datagrams read from one socket before some are stored."""

OF_ONE_NAS, OF_ALL = 1_024, 16_384
"""Datagrams that may wait to be stored, of one NAS and in all; a NAS sends the others again."""

LONGEST_WAIT = 5.0
"""Seconds that a datagram may have waited: later its NAS retransmits, and ignores this answer."""


SAVED_EVERY = 0.25
"""Seconds between two saves of the answered requests; no request waits for these saves."""


class Accountant:
    """Verifies datagrams, and has their records stored, without a socket.

    Args:
        knowledge: gives the table of NAS.
        store: stores records in one commit, so that they are on a disk when it returns.
        max_staleness: how long to go on without the store; then the NAS tries its next server.
        clock: aware time of day.
        discards: counts what is not answered.
        has_room: whether another record from that address may wait for the store.
        replays: the requests answered before; None is a new one.
    """

    def __init__(  # noqa: PLR0913, PLR0917 - its surroundings, each of its own kind
        self,
        knowledge: Knowledge,
        store: Callable[[Sequence[AccountingRecord]], None],
        max_staleness: timedelta,
        clock: Clock,
        discards: Discards,
        has_room: Callable[[str], bool] = lambda _: True,
        replays: Replays | None = None,
    ) -> None:
        replays = Replays() if replays is None else replays
        self._ledger = Ledger(store, clock, discards, has_room, replays)
        self._knowledge = knowledge
        self._max_staleness = max_staleness
        self._discards = discards

    def answer(self, datagrams: Iterable[Taken], now: float) -> list[Reply]:
        """Store the records of datagrams, in one commit.

        Args:
            datagrams: as they came from the network, with their source and how long they waited.
            now: monotonic seconds.

        Returns:
            The answers to the requests that are stored now.
        """
        readings = ((each[1].host, partial(self._understand, *each)) for each in datagrams)
        return self._ledger.keep(readings, now)

    def save_replays(self) -> None:
        """Save the answered requests, so that they are known after a restart."""
        self._ledger.save_replays()

    def admits(self, source: Source, now: float) -> bool:
        """Whether a datagram comes from a known NAS; others are counted, and not read."""
        is_known = self._knowledge.table.nas.find(source.host) is not None
        if not is_known:
            self._discards.count(DiscardReason.UNKNOWN_CLIENT, source.host, now)
        return is_known

    def refuse(self, source: Source, now: float) -> None:
        """Count a datagram that there is no room for."""
        self._discards.count(DiscardReason.NO_ROOM, source.host, now)

    def _understand(self, datagram: bytes, source: Source, waited: float) -> Entry[Reply]:
        table = self._knowledge.table
        client = table.nas.find(source.host)
        if client is None:
            raise Discarded(DiscardReason.UNKNOWN_CLIENT)
        if waited > LONGEST_WAIT:
            raise Discarded(DiscardReason.TOO_LATE)
        if self._knowledge.age > self._max_staleness:
            raise Discarded(DiscardReason.STALE)
        received = read_packet(datagram)
        if received.code == Code.STATUS_SERVER:  # RFC 5997 section 4.2: on this port, too
            check_message_authenticator(received, client.secret)
            answer = encode_accounting_response(received, client.secret)
            return Entry((answer, source), source.host)
        if received.code != Code.ACCOUNTING_REQUEST:
            raise Discarded(DiscardReason.UNEXPECTED_CODE)
        check_accounting_request(received, client.secret)
        answer = encode_accounting_response(received, client.secret)
        request = Verified(received, table, client, source.host, waited)
        return self._ledger.enter(request, (answer, source))


class AccountingThread:
    """Answers on the accounting sockets, in the background.

    Args:
        opened: the sockets; datagrams that do not fit are dropped by the kernel, and counted.
        accountant: stores the records.
        discards: counts what is not answered.
    """

    def __init__(
        self, opened: Sequence[socket.socket], accountant: Accountant, discards: Discards
    ) -> None:
        self._sockets = {each.fileno(): each for each in opened}
        self._ports = {number: open_port(each) for number, each in self._sockets.items()}
        self._accountant = accountant
        self._discards = discards
        self._queue: FairQueue[tuple[bytes, Source, float]] = FairQueue(OF_ONE_NAS, OF_ALL)
        self._stored = 0
        self._lost = {each.fileno(): sockets.lost(each) for each in opened}
        self._wake_read, self._wake_write = os.pipe()
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="nexio-accounting", daemon=True)

    def start(self) -> None:
        """Start answering, until :meth:`stop`."""
        self._thread.start()

    def stop(self) -> None:
        """Answer what is being stored, and end."""
        self._stopping = True
        os.write(self._wake_write, b"\0")
        if self._thread.ident is not None:
            self._thread.join()
        os.close(self._wake_read)
        os.close(self._wake_write)

    def _run(self) -> None:
        save_at = 0.0
        with selectors.DefaultSelector() as selector:
            selector.register(self._wake_read, selectors.EVENT_READ)
            for each in self._sockets.values():
                selector.register(each, selectors.EVENT_READ)
            while not self._stopping:
                for key, _ in selector.select(0 if self._queue else SAVED_EVERY):
                    if key.fd in self._sockets:
                        self._take(self._sockets[key.fd])
                self._wait_for_more()
                self._answer()
                if time.monotonic() >= save_at:
                    self._accountant.save_replays()
                    save_at = time.monotonic() + SAVED_EVERY
            self._accountant.save_replays()

    def _wait_for_more(self) -> None:
        """Wait for more datagrams: a commit of several costs hardly more than one of one."""
        until, enough = time.monotonic() + TOGETHER, max(FEW, self._stored)
        pause = PAUSE if self._stored >= FEW else TOGETHER
        while 0 < len(self._queue) < enough and time.monotonic() < until and not self._stopping:
            time.sleep(pause)
            for each in self._sockets.values():
                self._take(each)

    def _take(self, opened: socket.socket) -> None:
        """Move what waits in a socket to the queue, in which the NAS take turns."""
        now = time.monotonic()
        port = self._ports[opened.fileno()]
        for _ in range(0, DATAGRAMS_PER_READ, AT_ONCE):
            received = port.receive()
            since = time.monotonic()
            for datagram, source, waited in received:
                if self._accountant.admits(source, now) and not self._queue.put(
                    source.host, (datagram, source, since - waited)
                ):
                    self._accountant.refuse(source, now)
            if len(received) < AT_ONCE:
                break
        self._count_lost(opened, now)

    def _answer(self) -> None:
        now, self._stored = time.monotonic(), min(len(self._queue), RECORDS_PER_COMMIT)
        # Computed as each is read, so that its time of arrival stays exact.
        taken = (
            (datagram, source, time.monotonic() - since)
            for datagram, source, since in self._queue.take(RECORDS_PER_COMMIT)
        )
        try:
            replies = self._accountant.answer(taken, now)
        except Exception:
            log.exception("accounting could not be stored")
            return
        by_socket: dict[int, list[tuple[bytes, Source]]] = {}
        for each in replies:
            by_socket.setdefault(each[1].socket, []).append(each)
        for number, some in by_socket.items():
            for source in self._ports[number].send(some):  # the NAS sends its record again
                self._discards.count(DiscardReason.NOT_SENT, source.host, now)

    def _count_lost(self, opened: socket.socket, now: float) -> None:
        lost = sockets.lost(opened)
        if lost != self._lost[opened.fileno()]:
            more = lost - self._lost[opened.fileno()]
            self._lost[opened.fileno()] = lost
            self._discards.count(DiscardReason.NO_ROOM, "accounting", now, times=more)
