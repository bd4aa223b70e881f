"""The clock of the machine is set on and back while a server runs.

What the guard makes of it stands in ``test_guard.py``.
"""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from itertools import count
from typing import TYPE_CHECKING

from nexio.network.following import Horizon
from nexio.store.engine import Store
from radius_auth.protocol.packet import Code
from radius_auth.replica.follower import Follower
from tests.support.people import register
from tests.support.radius.access_requests import access_request, chap_attributes, verified
from tests.support.radius.guests import NINE, TEN, visit
from tests.support.radius.radiusd import wait_until
from tests.support.radius.responder import LONGEST_DELAY, Server

if TYPE_CHECKING:
    from nexio.configuration import Configuration
    from nexio.locations.locations import Location
    from nexio.reception.visits import Visit
    from tests.support.clocks import Clock


def test_the_clock_is_set() -> None:
    """R1, Must 14, 15: decisions follow the wall clock; repeats and delays do not notice."""
    server = Server(visit())
    identifiers = count(1)
    for hours in (-1, 1, 1, -1, 24, -25, 1):
        before = access_request(identifier=next(identifiers))
        first = server.ask(before)
        held = access_request(password=b"004711", identifier=next(identifiers))
        assert server.receive(held) is None

        server.clock.advance(hours=hours)

        again = server.receive(before)
        assert again is not None
        assert verified(before, again) == first
        assert server.wait(0.5) == []
        ((rejected, _),) = server.wait(LONGEST_DELAY)
        assert verified(held, rejected).code == Code.ACCESS_REJECT
        is_open = NINE <= server.clock() < TEN
        expected = Code.ACCESS_ACCEPT if is_open else Code.ACCESS_REJECT
        chap = access_request(
            password=None, attributes=chap_attributes(), identifier=next(identifiers)
        )
        for datagram in (access_request(identifier=next(identifiers)), chap):
            assert server.ask(datagram).code == expected
    assert server.discards.counts == {}


STEPS = ((1 / 24, True), (-1 / 24, True), (-30, False), (30, True), (30, False), (-30, True))
"""Days that the clock is set on or back, and whether who was here at first is known then."""


def test_the_clock_is_set_under_a_follower(
    sqlite_configuration: Configuration,
    sqlite_store: Store,
    sqlite_location: Location,
    clock: Clock,
) -> None:
    """What is within the horizon is known at each time, and the age is never wrong."""
    here = register(sqlite_store, sqlite_location)
    follower = Follower(lambda: Store.open(sqlite_configuration, clock), Horizon(), clock)
    follower.start()
    try:
        for days, is_known in STEPS:
            clock.advance(days=days)
            wait_until(lambda: follower.age == timedelta(0))
            made = register(sqlite_store, sqlite_location, email=f"{clock.now:%d}@example.com")
            wait_until(partial(knows, follower, made))
            wait_until(partial(knows, follower, here, expected=is_known))
    finally:
        follower.stop()


def knows(follower: Follower, made: Visit, *, expected: bool = True) -> bool:
    """Whether it holds a visit, or does not hold it where that is expected."""
    return (follower.table.find_visit(made.id) is not None) == expected
