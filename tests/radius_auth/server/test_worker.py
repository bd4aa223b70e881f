"""The process that answers, run as a thread on a real socket with the time of the test."""

from __future__ import annotations

import os
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any

import pytest

from nexio.store.engine import Store
from radius_auth.decision.device_limits import Answer
from radius_auth.protocol.packet import Attribute, Code
from radius_auth.replica.follower import Follower
from radius_auth.server.parking import Parked
from tests.support.people import register
from tests.support.radius.access_requests import access_request, verified
from tests.support.radius.worker import ask, running
from tests.support.warnings import warning

MAC = "02:00:00:00:00:01"

if TYPE_CHECKING:
    from nexio.configuration import Configuration
    from nexio.locations.locations import Location
    from tests.support.clocks import Clock


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


def test_r18_who_waits_for_a_slot_is_answered_at_the_end(
    follower: Follower,
    sqlite_configuration: Configuration,
    sqlite_store: Store,
    sqlite_location: Location,
    clock: Clock,
) -> None:
    """It still hears what the companion says."""
    visit = register(sqlite_store, sqlite_location, max_devices="1")
    follower.follow()
    said, say = os.pipe()
    asked: SimpleQueue[tuple[int, str]] = SimpleQueue()
    parked: Parked[Any] = Parked(lambda *slot: asked.put(slot))

    def hear() -> None:
        os.read(said, 1)
        parked.answer(visit.id, MAC, Answer.TAKEN)

    station: dict[int, list[bytes]] = {Attribute.CALLING_STATION_ID: [MAC.encode()]}
    datagram = access_request(visit.email, visit.pin.encode(), attributes=station)
    news = {said: hear}
    with running(follower, sqlite_configuration, clock, parked, news) as (asking, _, parent):
        asking.send(datagram)
        assert asked.get(timeout=30) == (visit.id, MAC)
        parent.close()
        os.write(say, b"\0")
        reply = verified(datagram, asking.recv(4096))
    os.close(said)
    os.close(say)
    assert reply.code == Code.ACCESS_ACCEPT


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
    with (
        warning("the store has been out of reach for too long") as warned,
        running(follower, sqlite_configuration, clock) as (asking, _, _),
    ):
        clock.advance(hours=24)
        assert ask(asking, visit.email, visit.pin) == Code.ACCESS_REJECT  # a minute too early
        clock.advance(minutes=1)
        unheard = access_request(visit.email, visit.pin.encode())
        asking.send(unheard)
        assert warned.wait(10)

        follower.follow()
        assert ask(asking, visit.email, visit.pin) == Code.ACCESS_ACCEPT


def test_a_fault_in_recording_costs_no_guest_an_answer(
    follower: Follower,
    sqlite_configuration: Configuration,
    sqlite_store: Store,
    sqlite_location: Location,
    clock: Clock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Must 6: what cannot be written down is answered all the same, and the log says so."""
    visit = register(sqlite_store, sqlite_location)
    follower.follow()

    def fail(*_: object) -> None:
        raise RuntimeError("a fault")

    monkeypatch.setattr("tests.support.radius.worker.batches_of", fail)
    with (
        warning("could not be handed over", "radius_auth.server.worker") as warned,
        running(follower, sqlite_configuration, clock) as (asking, _, _),
    ):
        assert ask(asking, visit.email, visit.pin) == Code.ACCESS_ACCEPT
        assert warned.wait(10)
        assert ask(asking, visit.email, visit.pin) == Code.ACCESS_ACCEPT
