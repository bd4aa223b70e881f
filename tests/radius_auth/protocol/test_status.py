"""What a server says of itself (RFC 5997 §3), and how it is read back."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nexio import __version__
from nexio.network.events import Decided
from radius_auth.protocol.discards import DiscardReason, Discards
from radius_auth.protocol.packet import Attribute, Code, Packet, read_packet
from radius_auth.protocol.status import Status, parse_status
from radius_auth.server.responder import Responder
from radius_auth.server.sockets import Source
from tests.support.clocks import Clock
from tests.support.radius.access_requests import access_request, verified
from tests.support.radius.guests import NINE, nas, table_of, visit
from tests.support.radius.signing import status_server

COUNTS = st.integers(0, 10**12)
AP = Source(3, ("192.0.2.10", 40000))
HERE = Source(3, ("127.0.0.1", 40000))


@given(up=COUNTS, followed=COUNTS, visits=COUNTS)
def test_what_is_said_is_read_back(up: int, followed: int, visits: int) -> None:
    """One line, whatever the numbers; it fits into one Reply-Message."""
    status = Status(up_seconds=up, followed_seconds=followed, visits=visits)
    assert parse_status(str(status)) == status
    assert len(str(status).encode()) <= 253
    assert "\n" not in str(status)


@pytest.mark.parametrize(
    "words",
    [
        "",
        "FreeRADIUS up 2 days, 18:40",
        f"{Status(up_seconds=1, followed_seconds=0, visits=2)}\n",
        f" {Status(up_seconds=1, followed_seconds=0, visits=2)}",
        "nexio 1 up -1 s, store followed 0 s ago, 2 visits",
    ],
)
def test_other_servers_say_other_things(words: str) -> None:
    """RFC 5997 §6.3: what another server says is not taken for ours."""
    assert parse_status(words) is None


class Server:
    """A responder that knows one visit and started at nine."""

    def __init__(self) -> None:
        self.table = table_of(visit(), nas_entries=[nas(1, "192.0.2.10"), nas(2, "127.0.0.1")])
        self.age = timedelta(seconds=7)
        self.clock = Clock(NINE)
        self.discards = Discards()
        self._responder = Responder(self, 1.0, self.clock, self.discards, lost=lambda: 5)

    def receive(self, datagram: bytes, source: Source = AP) -> bytes | None:
        """What is answered at once."""
        return self._responder.receive(datagram, source, 1000.0)

    def events(self) -> list[Decided]:
        """What was decided."""
        return self._responder.take_events()

    def wait(self) -> list[bytes]:
        """What is sent when every reject has had its time."""
        return [reply for reply, _ in self._responder.due(1002.0)]


def asked(server: Server, source: Source = AP) -> Packet:
    """The verified reply to a Status-Server."""
    datagram = status_server()
    return verified(datagram, server.receive(datagram, source))


def told(server: Server, source: Source = HERE) -> Status:
    """What the server says of itself."""
    words = b"\n".join(asked(server, source).values(Attribute.REPLY_MESSAGE))
    status = parse_status(words.decode())
    assert status is not None
    return status


def test_the_reply_says_how_the_server_is() -> None:
    """RFC 5997 §4.2: an Access-Accept, with nothing in it that lets somebody on."""
    server = Server()
    server.clock.advance(minutes=1)
    reply = asked(server)
    assert reply.code == Code.ACCESS_ACCEPT
    kinds = [kind for kind, _ in reply.attributes]
    assert kinds == [Attribute.MESSAGE_AUTHENTICATOR, Attribute.REPLY_MESSAGE]
    (words,) = reply.values(Attribute.REPLY_MESSAGE)
    assert parse_status(words.decode()) == Status(
        version=__version__, up_seconds=60, followed_seconds=7, visits=1
    )


def test_it_is_answered_again_and_again() -> None:
    """Must 18: no side effects: no decision, no place among the duplicates."""
    server = Server()
    datagram = status_server()
    first = server.receive(datagram)
    server.clock.advance(minutes=1)
    assert first is not None
    assert server.receive(datagram) not in {None, first}
    assert server.events() == []


@pytest.mark.parametrize("cut", [True, False])
def test_it_must_be_signed(cut: bool) -> None:
    """Must 13, 18: without a Message-Authenticator, or with a wrong one, there is silence."""
    server = Server()
    datagram = status_server(signed=False) if cut else status_server()[:-1] + b"\0"
    assert server.receive(datagram) is None
    reason = DiscardReason.MESSAGE_AUTHENTICATOR_MISSING if cut else None
    assert reason is None or server.discards.counts == {reason: 1}
    assert sum(server.discards.counts.values()) == 1


def test_it_says_nothing_of_the_guests() -> None:
    """Must 20: counts, and no name."""
    server = Server()
    server.receive(access_request(identifier=1))
    words = asked(server, HERE).values(Attribute.REPLY_MESSAGE)
    assert len(words) > 5
    assert not [line for line in words if b"@" in line]
    assert read_packet(access_request()).code == Code.ACCESS_REQUEST


# The counters


def test_this_machine_is_told_what_was_done() -> None:
    """RFC 5997 §4.2: statistics; decisions, repeats and discards by reason, waiting and lost."""
    server = Server()
    accepted = access_request(identifier=1)
    for datagram in (
        accepted,
        accepted,
        access_request(password=b"wrong", identifier=2),
        access_request("nobody@example.com", identifier=3),
        b"",
    ):
        server.receive(datagram)
    counts = told(server).counts
    assert counts is not None
    assert (counts.accepts, counts.rejects) == ({"valid": 1}, {})
    assert (counts.repeats, counts.waiting, counts.lost) == (1, 2, 5)
    assert counts.discards == {"shorter than 20 octets": 1}
    assert 0 < counts.mean_us <= counts.slowest_us

    assert len(server.wait()) == 2
    counts = told(server).counts
    assert counts is not None
    assert counts.rejects == {"wrong PIN": 1, "unknown user": 1}
    assert counts.waiting == 0


def test_nobody_else_is_told() -> None:
    """RFC 5997 §4.2: what the desk's day was like is nothing for each access point."""
    assert told(Server(), AP).counts is None
