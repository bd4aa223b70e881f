"""Stores the accounting that FreeRADIUS hands over; FreeRADIUS waits for each answer.

Requests use a socket of their own, so that they wait for a disk and for nothing else.
"""

from __future__ import annotations

import logging
import os
import selectors
import threading
import time
from contextlib import contextmanager, suppress
from functools import partial
from typing import TYPE_CHECKING, Final, NamedTuple

from nexio.clock import utc_now
from nexio.network.accounting_records import AccountingBatch, batches_of_records
from nexio.network.session_updates import record_accounting_batches
from radius_auth.companion.channel import Channel, Closed, encoded, user_of
from radius_auth.companion.messages import ToWorker
from radius_auth.protocol.discards import DiscardReason
from radius_auth.protocol.packet import Code, Discarded, Packet
from radius_auth.recording.ledger import Ledger, Verified
from radius_auth.recording.recorder import Recorder
from radius_auth.recording.replays import ReplayFile, Replays
from radius_auth.recording.spool import Spool

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from nexio.store.engine import Store
    from radius_auth.protocol.discards import Discards
    from radius_auth.protocol.packet import Kind
    from radius_auth.recording.ledger import Entry
    from radius_auth.replica.follower import Follower

log = logging.getLogger(__name__)

SAVED_EVERY: Final = 0.25
"""Seconds between two saves of what was answered; nobody waits for them."""


class _Asked(NamedTuple):
    """A request that waits for its answer."""

    channel: Channel
    number: int
    at: float
    host: str
    authenticator: bytes
    by_type: Mapping[Kind, list[bytes]]


@contextmanager
def accounting(
    door: socket.socket,
    path: Path,
    discards: Discards,
    follower: Follower,
    open_store: Callable[[], Store],
) -> Iterator[None]:
    """Write the requests of a socket into the spool, and pass them on to the store.

    Args:
        door: a listening socket.
        path: the spool.
        discards: counts what is not answered.
        follower: the known content of the store.
        open_store: opens it.
    """
    recorder = Recorder(Spool(path, AccountingBatch), open_store, record_accounting_batches)
    replays = Replays(ReplayFile(path.with_stem(f"{path.stem}-replays")))
    ledger = Ledger(
        lambda records: recorder.store_now(batches_of_records(records)),
        utc_now,
        discards,
        recorder.has_room,
        replays,
    )
    clerk = Clerk(door, follower, ledger)
    recorder.start()
    clerk.start()
    try:
        yield
    finally:
        clerk.stop()
        recorder.stop()


class Clerk:
    """Receives requests on a socket, stores them and confirms it, in a thread.

    Args:
        door: the listening socket; processes of other users are turned away.
        follower: gives the NAS.
        ledger: reads and stores.
    """

    def __init__(self, door: socket.socket, follower: Follower, ledger: Ledger) -> None:
        door.settimeout(0)
        self._door = door
        self._follower = follower
        self._ledger = ledger
        self._channels: dict[int, Channel] = {}
        self._selector = selectors.DefaultSelector()
        self._wake_read, self._wake_write = os.pipe()
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="nexio-accounting", daemon=True)

    def start(self) -> None:
        """Run until :meth:`stop`."""
        self._thread.start()

    def stop(self) -> None:
        """Answer what is being stored, and end."""
        self._stopping = True
        os.write(self._wake_write, b"\0")
        if self._thread.ident is not None:
            self._thread.join()
        for each in list(self._channels.values()):
            self._drop(each)
        self._selector.close()
        os.close(self._wake_read)
        os.close(self._wake_write)

    def _run(self) -> None:
        self._selector.register(self._door, selectors.EVENT_READ)
        self._selector.register(self._wake_read, selectors.EVENT_READ)
        save_at = 0.0
        while not self._stopping:
            asked: list[_Asked] = []
            for key, _ in self._selector.select(SAVED_EVERY):
                if key.fd in self._channels:
                    asked += self._receive(self._channels[key.fd])
                elif key.fd == self._door.fileno():
                    self._accept()
            self._answer(asked)
            if time.monotonic() >= save_at:
                self._ledger.save_replays()
                save_at = time.monotonic() + SAVED_EVERY
        self._ledger.save_replays()

    def _accept(self) -> None:
        try:
            opened, _ = self._door.accept()
        except OSError:
            return  # it went away, or too many files are open; it connects again
        if user_of(opened) not in {os.geteuid(), 0}:
            log.warning("a process of another user has no accounting, and is sent away")
            opened.close()
            return
        channel = Channel(opened)
        self._channels[channel.fileno()] = channel
        self._selector.register(channel, selectors.EVENT_READ)

    def _receive(self, channel: Channel) -> list[_Asked]:
        asked: list[_Asked] = []
        try:
            asked.extend(_Asked(channel, *message[1:]) for message in channel.receive())
        except Closed:
            self._drop(channel)
        return asked

    def _drop(self, channel: Channel) -> None:
        if self._channels.pop(channel.fileno(), None) is not None:
            self._selector.unregister(channel)
            channel.close()

    def _answer(self, asked: list[_Asked]) -> None:
        """Store requests in one commit, and answer each, also when storing fails."""
        stored: set[int] = set()
        try:
            readings = ((each.host, partial(self._read, each)) for each in asked)
            stored.update(self._ledger.keep(readings, time.monotonic()) if asked else ())
        except Exception:
            log.exception("accounting could not be stored")
        for each in asked:
            with suppress(Closed):  # the next round sees it
                each.channel.send(
                    encoded(ToWorker.ACCOUNTING_STORED, each.number, each.number in stored)
                )

    def _read(self, asked: _Asked) -> Entry[int]:
        table = self._follower.table
        client = table.nas.find(asked.host)
        if client is None:
            raise Discarded(DiscardReason.UNKNOWN_CLIENT)
        frame = Packet.of(Code.ACCOUNTING_REQUEST, asked.authenticator, asked.by_type)
        waited = max(0.0, time.time() - asked.at)
        return self._ledger.enter(Verified(frame, table, client, asked.host, waited), asked.number)
