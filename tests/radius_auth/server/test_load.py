"""More requests than a server likes: bounded, counted, and the others are answered in time."""

from __future__ import annotations

import logging
import socket
from typing import TYPE_CHECKING

import pytest

from nexio.network.nas import NewNas, add_nas
from radius_auth.protocol.discards import EVERY_SECONDS, DiscardReason
from radius_auth.protocol.packet import Code
from radius_auth.server import worker
from radius_auth.server.delays import LIMIT
from radius_auth.server.sockets import Source
from tests.fuzz.campaign import resident
from tests.radius_auth.conftest import follower
from tests.support.people import register
from tests.support.radius.access_requests import access_request, verified
from tests.support.radius.guests import SECRET, visit
from tests.support.radius.responder import LONGEST_DELAY, Server
from tests.support.radius.worker import ask, running
from tests.support.warnings import warning

if TYPE_CHECKING:
    from nexio.configuration import Configuration
    from nexio.locations.locations import Location
    from nexio.store.engine import Store
    from radius_auth.replica.follower import Follower
    from tests.support.clocks import Clock

__all__ = ["follower"]  # a fixture

OUTSTANDING = 20_000
WRONG = access_request(password=b"004711")


def port(number: int) -> Source:
    """One of many places behind the access point."""
    return Source(3, ("127.0.0.1", 1024 + number))


def test_must_15_twenty_thousand_rejects_may_wait() -> None:
    """Must 15: each is sent once, to its place, in the order of their times; memory is bounded."""
    server, before = Server(visit()), resident()
    for number in range(OUTSTANDING // 2):
        assert server.receive(WRONG, port(number)) is None
    assert server.wait(0.5) == []
    for number in range(OUTSTANDING // 2, OUTSTANDING):
        assert server.receive(WRONG, port(number)) is None
    assert resident() - before < 150 * 1024 * 1024

    accepted = access_request(identifier=9)
    assert verified(accepted, server.receive(accepted)).code == Code.ACCESS_ACCEPT

    sent = [source for _ in range(20) for _, source in server.wait(0.1)]
    assert len(sent) == OUTSTANDING
    assert set(sent[: OUTSTANDING // 2]) == {port(n) for n in range(OUTSTANDING // 2)}
    assert set(sent[OUTSTANDING // 2 :]) == {port(n) for n in range(OUTSTANDING // 2, OUTSTANDING)}
    assert len(server.events) == OUTSTANDING + 1
    assert server.responder.next_due() is None


def test_what_cannot_be_held_is_dropped_early(monkeypatch: pytest.MonkeyPatch) -> None:
    """Must 15 and 18: beyond the bound there is silence for all, and it is counted."""
    server = Server(visit())
    # The bound is what matters, not its size.
    monkeypatch.setattr(server.responder._held, "_limit", 100)  # noqa: SLF001
    for number in range(150):
        assert server.receive(WRONG, port(number)) is None

    assert server.discards.counts == {DiscardReason.OVERLOADED: 50}
    assert server.receive(access_request(identifier=9)) is None
    assert len(server.wait(LONGEST_DELAY)) == 100
    accepted = access_request(identifier=9)
    assert verified(accepted, server.receive(accepted)).code == Code.ACCESS_ACCEPT
    assert OUTSTANDING < LIMIT


def test_must_20_a_flood_of_strangers_fills_no_log(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Must 1 and 20: 60 seconds of all kinds of discards are a line for each in 10 seconds."""
    caplog.set_level(logging.WARNING, "radius_auth.protocol.discards")
    server = Server(visit())
    kinds = (b"", WRONG[:-1], WRONG[:-1] + b"?", b"\x02" + WRONG[1:], access_request(signed=False))
    for number in range(12_000):
        stranger = Source(3, (f"127.1.{number % 100}.{number // 100 % 256}", 40000))
        assert server.receive(WRONG, stranger) is None
        assert server.receive(kinds[number % len(kinds)]) is None
        server.wait(0.005)

    counts = server.discards.counts
    assert sum(counts.values()) == 24_000
    assert counts[DiscardReason.UNKNOWN_CLIENT] == 12_000
    assert len(caplog.messages) <= len(counts) * (60 / EVERY_SECONDS + 1)
    assert {message.split(":")[0] for message in caplog.messages if "no NAS" in message} != set()
    assert all(message.isprintable() for message in caplog.messages)
    accepted = access_request(identifier=9)
    assert verified(accepted, server.receive(accepted)).code == Code.ACCESS_ACCEPT


def test_must_01_a_flood_does_not_keep_the_known_ones_out(
    follower: Follower,
    sqlite_configuration: Configuration,
    sqlite_store: Store,
    sqlite_location: Location,
    clock: Clock,
) -> None:
    """Must 1: 200 datagrams of a stranger before each request of a guest: all get on at once."""
    guest = register(sqlite_store, sqlite_location)
    follower.follow()
    with (
        running(follower, sqlite_configuration, clock) as (asking, _, _),
        socket.socket(type=socket.SOCK_DGRAM) as stranger,
    ):
        stranger.bind(("127.0.0.9", 0))
        for _ in range(50):
            for _ in range(200):
                stranger.sendto(WRONG, asking.getpeername())
            assert ask(asking, guest.email, guest.pin) == Code.ACCESS_ACCEPT


def test_a_flood_of_one_nas_does_not_keep_the_others_out(
    follower: Follower,
    sqlite_configuration: Configuration,
    sqlite_store: Store,
    sqlite_location: Location,
    clock: Clock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Each has its turn, and what there is no room for is counted."""
    monkeypatch.setattr(worker, "OF_ONE_NAS", 100)
    guest = register(sqlite_store, sqlite_location)
    with sqlite_store.write() as work:
        another = NewNas(name="lobby", address="127.0.0.9", secret=SECRET.decode())
        add_nas(work, sqlite_location, another)
    follower.follow()
    with (
        warning("more requests of one NAS wait than may") as warned,
        running(follower, sqlite_configuration, clock) as (asking, _, _),
        socket.socket(type=socket.SOCK_DGRAM) as lobby,
    ):
        lobby.settimeout(10)
        lobby.bind(("127.0.0.9", 0))
        lobby.connect(asking.getpeername())
        while not warned.is_set():
            for _ in range(500):
                asking.send(WRONG)
            assert ask(lobby, guest.email, guest.pin) == Code.ACCESS_ACCEPT


def test_what_has_waited_too_long_is_dropped(
    follower: Follower,
    sqlite_configuration: Configuration,
    sqlite_store: Store,
    sqlite_location: Location,
    clock: Clock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Its NAS asks again, and that is answered in time."""
    guest = register(sqlite_store, sqlite_location)
    follower.follow()
    with (
        warning("it waited too long to be taken") as warned,
        running(follower, sqlite_configuration, clock) as (asking, _, _),
    ):
        # Time that passes for real is what the kernel measures: so none is too long here.
        monkeypatch.setattr(worker, "LONGEST_WAIT", 0.0)
        asking.send(access_request(guest.email, guest.pin.encode()))
        assert warned.wait(10)

        monkeypatch.undo()
        assert ask(asking, guest.email, guest.pin) == Code.ACCESS_ACCEPT


@pytest.mark.parametrize(
    "faulty",
    ["radius_auth.protocol.replies.md5", "radius_auth.server.datagrams.BatchedPort.send"],
)
def test_a_fault_of_ours_costs_one_reject(
    faulty: str,
    follower: Follower,
    sqlite_configuration: Configuration,
    sqlite_store: Store,
    sqlite_location: Location,
    clock: Clock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Must 15: a held reply that cannot be made or sent ends neither the worker nor the others."""
    guest = register(sqlite_store, sqlite_location)
    follower.follow()

    def fail(*_: object) -> None:
        raise RuntimeError("a fault")

    with (
        warning("127.0.0.1: a fault of ours") as warned,
        running(follower, sqlite_configuration, clock) as (asking, thread, _),
    ):
        monkeypatch.setattr(faulty, fail)
        asking.send(access_request(guest.email, b"wrong"))
        assert warned.wait(10)

        monkeypatch.undo()
        assert ask(asking, guest.email, guest.pin) == Code.ACCESS_ACCEPT
        assert thread.is_alive()
