"""A worker of the server, as a thread on a real socket with the test's time."""

from __future__ import annotations

import os
import socket
import threading
from contextlib import contextmanager
from datetime import timedelta
from itertools import count
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple

from nexio.network.event_log import record_batches
from nexio.network.events import EventBatch
from nexio.store.engine import Store
from radius_auth.protocol.packet import Code
from radius_auth.recording.recorder import Recorder
from radius_auth.recording.spool import Spool
from radius_auth.replica.follower import Follower
from radius_auth.server.options import Options
from radius_auth.server.sockets import listen
from radius_auth.server.worker import Inherited, Worker
from tests.support.log_entries import batches_of
from tests.support.radius.access_requests import access_request, verified

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from nexio.configuration import Configuration
    from nexio.network.events import Decided
    from radius_auth.server.parking import Parked
    from tests.support.clocks import Clock

OPTIONS = Options(
    listen=(),
    auth_port=1812,
    acct_port=1813,
    reject_delay=0.05,
    max_staleness=timedelta(hours=24),
    workers=1,
)


@contextmanager
def running(
    follower: Follower,
    configuration: Configuration,
    clock: Clock,
    parked: Parked[Any] | None = None,
    news: Mapping[int, Callable[[], None]] = MappingProxyType({}),
) -> Iterator[Running]:
    """A worker that runs until the end, and a NAS's socket connected to it.

    Args:
        follower: knows what it decides by.
        configuration: where decisions are recorded.
        clock: the test's.
        parked: what waits for a slot.
        news: what to do when a file descriptor is readable.
    """
    spool = Spool(configuration.home / "spool" / "radiusd.db", EventBatch)
    recorder = Recorder(spool, lambda: Store.open(configuration, clock), record_batches)
    numbers = count(1)
    life, parent = os.pipe()
    with listen("127.0.0.1", 0) as opened, socket.socket(type=socket.SOCK_DGRAM) as asking:
        asking.settimeout(10)
        asking.connect(opened.getsockname())
        inherited = Inherited(sockets=[opened], life=life)

        def hand_over(decided: Sequence[Decided]) -> None:
            recorder.record(*batches_of("test", next(numbers), decided))

        worker = Worker(
            inherited, follower, hand_over, OPTIONS, clock, recording=recorder, parked=parked
        )
        for number, action in news.items():
            worker.watch(number, action)
        thread = threading.Thread(target=worker.run)
        thread.start()
        try:
            with os.fdopen(parent, "wb") as alive:
                yield Running(asking, thread, alive)
        finally:
            worker.stop()
            worker.stop()  # as after Ctrl-C: from the terminal and from the parent
            thread.join()
            worker.close()
            recorder.stop()
            os.close(life)


class Running(NamedTuple):
    """A worker that answers."""

    asking: socket.socket
    thread: threading.Thread
    parent: BinaryIO
    """Closed when the parent dies."""


def ask(asking: socket.socket, email: str, pin: str) -> Code:
    """Log in."""
    datagram = access_request(email, pin.encode())
    asking.send(datagram)
    return Code(verified(datagram, asking.recv(4096)).code)
