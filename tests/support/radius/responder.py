"""A responder with its surroundings: from octets to octets, without a socket."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from radius_auth.protocol.discards import Discards
from radius_auth.protocol.packet import Packet
from radius_auth.server.responder import Responder
from radius_auth.server.sockets import Source
from tests.support.clocks import Clock
from tests.support.radius.access_requests import verified
from tests.support.radius.decisions import auth_event
from tests.support.radius.guests import NINE, nas, table_of

if TYPE_CHECKING:
    from nexio.network.events import AuthEvent
    from nexio.network.following import FollowedVisit
    from nexio.network.nas import Nas
    from radius_auth.replica.table import Table

AP = Source(3, ("127.0.0.1", 40000))
STRANGER = Source(3, ("127.0.0.9", 40000))
LONGEST_DELAY = 1.25


class Server:
    """A responder with its surroundings, at half past nine, without visits."""

    def __init__(self, *visits: FollowedVisit, nas_entries: tuple[Nas, ...] = (nas(),)) -> None:
        self.table: Table = table_of(*visits, nas_entries=nas_entries)
        self.clock = Clock(NINE + timedelta(minutes=30))
        self.monotonic = 1000.0
        self._events: list[AuthEvent] = []
        self.discards = Discards()
        self.age = timedelta(0)
        self.responder = Responder(self, 1.0, self.clock, self.discards)

    @property
    def events(self) -> list[AuthEvent]:
        """What was decided so far."""
        self._events += map(auth_event, self.responder.take_events())
        return self._events

    def wait(self, seconds: float) -> list[tuple[bytes, Source]]:
        """Let time pass, and return what is sent then."""
        self.monotonic += seconds
        self.clock.advance(seconds=seconds)
        return self.responder.due(self.monotonic)

    def receive(self, datagram: bytes, source: Source = AP) -> bytes | None:
        """Return what is answered at once."""
        return self.responder.receive(datagram, source, self.monotonic)

    def ask(self, datagram: bytes) -> Packet:
        """The verified reply, also a delayed one."""
        reply = self.receive(datagram)
        if reply is None:
            ((reply, _),) = self.wait(LONGEST_DELAY)
        return verified(datagram, reply)

    def reasons(self) -> list[str]:
        """The reasons of the decisions."""
        return [event.reason for event in self.events]
