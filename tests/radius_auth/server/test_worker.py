"""The process that answers, run as a thread on a real socket with the time of the test."""

from __future__ import annotations

import logging
import os
import socket
import threading
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, BinaryIO, NamedTuple

import pytest

from nexio.network.events import AuthEvent, record_events
from nexio.network.following import Horizon
from nexio.network.nas import NewNas, add_nas
from nexio.store.engine import Store
from radius_auth.protocol.framing import Code
from radius_auth.recording.recorder import Recorder
from radius_auth.recording.spool import Spool
from radius_auth.replica.follower import Follower
from radius_auth.server.options import Options
from radius_auth.server.sockets import listen
from radius_auth.server.worker import Inherited, Worker
from tests.support.people import register
from tests.support.radius.access_requests import access_request, verified
from tests.support.radius.guests import SECRET

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nexio.configuration import Configuration
    from nexio.locations.locations import Location
    from tests.support.clocks import Clock

OPTIONS = Options(
    listen=(), auth_port=1812, acct_port=1813, reject_delay=0.05, max_staleness=timedelta(hours=24)
)


@pytest.fixture
def follower(
    sqlite_configuration: Configuration,
    sqlite_store: Store,
    sqlite_location: Location,
    clock: Clock,
) -> Iterator[Follower]:
    """It knows a NAS on loopback, and follows only where the test says so."""
    with sqlite_store.write() as work:
        nas = NewNas(name="ap", address="127.0.0.1", secret=SECRET.decode())
        add_nas(work, sqlite_location, nas)
    made = Follower(lambda: Store.open(sqlite_configuration, clock), Horizon(), clock)
    yield made
    made.stop()


@contextmanager
def running(follower: Follower, configuration: Configuration, clock: Clock) -> Iterator[Running]:
    """A worker that runs until the end, and a NAS's socket connected to it."""
    spool = Spool(configuration.home / "spool" / "radiusd.db", AuthEvent)
    recorder = Recorder(spool, lambda: Store.open(configuration, clock), record_events)
    life, parent = os.pipe()
    with listen("127.0.0.1", 0) as opened, socket.socket(type=socket.SOCK_DGRAM) as asking:
        asking.settimeout(10)
        asking.connect(opened.getsockname())
        inherited = Inherited(sockets=[opened], accounting=[], life=life)
        worker = Worker(inherited, follower, recorder, OPTIONS, clock)
        thread = threading.Thread(target=worker.run)
        thread.start()
        try:
            with os.fdopen(parent, "wb") as alive:
                yield Running(asking, thread, alive)
        finally:
            worker.stop()
            worker.stop()  # as after Ctrl-C, which comes from the terminal and from the parent
            thread.join()
            worker.close()
            recorder.stop()
            os.close(life)


class Running(NamedTuple):
    """A worker that answers."""

    asking: socket.socket
    thread: threading.Thread
    parent: BinaryIO
    """Closed when the parent has died."""


def ask(asking: socket.socket, email: str, pin: str) -> Code:
    """Log in."""
    datagram = access_request(email, pin.encode())
    asking.send(datagram)
    return Code(verified(datagram, asking.recv(4096)).code)


def test_accepts_and_rejects(
    follower: Follower,
    sqlite_configuration: Configuration,
    sqlite_store: Store,
    sqlite_location: Location,
    clock: Clock,
) -> None:
    """Must 6: every valid request is answered, on the clock that was passed in."""
    visit = register(sqlite_store, sqlite_location)
    follower.follow()

    with running(follower, sqlite_configuration, clock) as (asking, _, _):
        assert ask(asking, visit.email, visit.pin) == Code.ACCESS_ACCEPT
        assert ask(asking, visit.email, "wrong") == Code.ACCESS_REJECT
        clock.advance(hours=1)
        assert ask(asking, visit.email, visit.pin) == Code.ACCESS_REJECT


def test_it_ends_with_its_parent(
    follower: Follower, sqlite_configuration: Configuration, clock: Clock
) -> None:
    """A worker that nobody minds would hold the port for ever."""
    with running(follower, sqlite_configuration, clock) as (asking, thread, parent):
        assert ask(asking, "nobody@example.com", "wrong") == Code.ACCESS_REJECT

        parent.close()
        thread.join(10)

        assert not thread.is_alive()


class Warned(logging.Handler):
    """Waits for a warning."""

    def __init__(self, words: str) -> None:
        super().__init__(logging.WARNING)
        self._words = words
        self.heard = threading.Event()

    def emit(self, record: logging.LogRecord) -> None:
        """Take a line of the log."""
        if self._words in record.getMessage():
            self.heard.set()


def test_it_is_silent_when_it_knows_too_little(
    follower: Follower,
    sqlite_configuration: Configuration,
    sqlite_store: Store,
    sqlite_location: Location,
    clock: Clock,
) -> None:
    """Until `max-staleness` from memory, then the NAS asks another."""
    visit = register(sqlite_store, sqlite_location, arrival="tomorrow 8:31")
    follower.follow()
    warned = Warned("the store has been out of reach for too long")
    log = logging.getLogger("radius_auth.protocol.discards")
    log.addHandler(warned)

    with running(follower, sqlite_configuration, clock) as (asking, _, _):
        clock.advance(hours=24)
        assert ask(asking, visit.email, visit.pin) == Code.ACCESS_REJECT  # a minute too early
        clock.advance(minutes=1)
        unheard = access_request(visit.email, visit.pin.encode())
        asking.send(unheard)
        assert warned.heard.wait(10)

        follower.follow()
        assert ask(asking, visit.email, visit.pin) == Code.ACCESS_ACCEPT
    log.removeHandler(warned)
