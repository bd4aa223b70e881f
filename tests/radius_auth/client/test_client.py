"""Asking a RADIUS server as a NAS would, over a real socket."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from pyrad.packet import AuthPacket

from nexio.errors import InvalidValue
from radius_auth.client.client import AccessReply, NoAnswer, send_access_request
from radius_auth.decision.passwords import Pap
from radius_auth.decision.request import Request
from radius_auth.protocol.authenticators import check_message_authenticator
from radius_auth.protocol.packet import Attribute, Packet, read_packet
from radius_auth.protocol.replies import encode_reject
from tests.support.radius.access_requests import DICTIONARY, read

SECRET = b"a secret of the hotel"

Reply = Callable[[Packet], bytes | None]


@contextmanager
def server(reply: Reply, address: str = "127.0.0.1") -> Iterator[tuple[int, list[Packet]]]:
    """Run a RADIUS server on a free port; yield the port and what it has received."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    received: list[Packet] = []
    with socket.socket(family, socket.SOCK_DGRAM) as listener:
        listener.bind((address, 0))

        def serve() -> None:
            while len(datagram_and_peer := listener.recvfrom(4096)) and datagram_and_peer[0]:
                request = read_packet(datagram_and_peer[0])
                received.append(request)
                if octets := reply(request):
                    listener.sendto(octets, datagram_and_peer[1])

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield listener.getsockname()[1], received
        finally:
            with socket.socket(family, socket.SOCK_DGRAM) as stopper:
                stopper.sendto(b"", listener.getsockname())
            thread.join()


def accept(request: Packet) -> bytes:
    """Let everybody in."""
    asked = AuthPacket(packet=request.octets, secret=SECRET, dict=DICTIONARY)
    reply = asked.CreateReply()
    reply["Session-Timeout"], reply[Attribute.CLASS] = 60, [b"7"]
    reply["Reply-Message"] = "Zoë"
    octets: bytes = reply.ReplyPacket()
    return octets


def reject(request: Packet) -> bytes:
    """Let nobody in."""
    return encode_reject(request, SECRET)


def silence(request: Packet) -> None:
    """Answer nothing."""


def ask(
    host: str, port: int, user_name: str = "jane@example.com", **attributes: str
) -> AccessReply:
    """Log in with short waits."""
    return send_access_request(
        host, port, SECRET, user_name, "482913", timeout=0.5, retries=0, attributes=attributes
    )


def seen(received: list[Packet]) -> Request:
    """Decode the one request that the server got."""
    (request,) = received
    return read(request, SECRET)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_an_accept_is_read(host: str) -> None:
    """Must 6: Session-Timeout, Class and words of an accept."""
    with server(accept) as (port, received):
        answer = ask(host, port)

    assert answer == AccessReply(
        accepted=True, session_timeout=60, reply_message="Zoë", class_=b"7"
    )
    request = seen(received)
    assert (request.user_name, request.password) == (b"jane@example.com", Pap(b"482913"))
    check_message_authenticator(received[0], SECRET)
    assert received[0].values(Attribute.MESSAGE_AUTHENTICATOR)


def test_a_reject_is_read() -> None:
    """Must 6: a reject without words."""
    with server(reject) as (port, _):
        answer = ask("127.0.0.1", port)

    assert answer == AccessReply(
        accepted=False, session_timeout=None, reply_message=None, class_=None
    )


@pytest.mark.parametrize("host", ["::1", "[::1]"])
def test_an_ipv6_address_may_have_brackets(host: str) -> None:
    """Must 10 for IPv6: the server answers from where it was asked."""
    with server(accept, "::1") as (port, _):
        assert ask(host, port).accepted


def test_attributes_go_along_as_they_are() -> None:
    """R9: a User-Name of digits is text; named values are understood."""
    with server(reject) as (port, received):
        send_access_request(
            "127.0.0.1",
            port,
            SECRET,
            "0042",
            "0042",
            timeout=0.5,
            retries=0,
            attributes={
                "Calling-Station-Id": "02-00-00-00-00-01",
                "Service-Type": "Call-Check",
                "NAS-Port-Type": 19,
                "Chargeable-User-Identity": "0042",
            },
        )

    request = seen(received)
    assert (request.user_name, request.password) == (b"0042", Pap(b"0042"))
    assert request.calling_station == b"02-00-00-00-00-01"
    assert (request.service_type, request.nas_port_type) == (10, 19)
    assert received[0].values(89) == [b"0042"]


@pytest.mark.parametrize(
    "attributes",
    [{"No-Such-Thing": "1"}, {"Service-Type": "Nonsense"}, {"Calling-Station-Id": "x" * 254}],
)
def test_a_value_that_does_not_fit_is_invalid(attributes: dict[str, str]) -> None:
    """Must 5 the other way round: nothing wrong is sent."""
    with pytest.raises(InvalidValue):
        ask("127.0.0.1", 9, **attributes)
    with pytest.raises(InvalidValue):
        ask("127.0.0.1", 9, user_name="x" * 254)


def test_silence_is_no_answer() -> None:
    """Must 1 as the sender sees it: a server that does not know us says nothing."""
    with server(silence) as (port, received), pytest.raises(NoAnswer) as silent:
        send_access_request("127.0.0.1", port, SECRET, "j", "1", timeout=0.05, retries=2)

    assert len(received) == 3
    assert len({request.octets for request in received}) == 1
    assert "No answer" in str(silent.value)
    assert "secret" in silent.value.advice


def test_a_reply_without_message_authenticator_is_no_answer() -> None:
    """Must 9: an unsigned accept may be forged (CVE-2024-3596)."""

    def unsigned(request: Packet) -> bytes:
        import hashlib  # noqa: PLC0415

        header = bytes([2, request.identifier, 0, 20])
        return header + hashlib.md5(header + request.authenticator + SECRET).digest()

    with server(unsigned) as (port, _), pytest.raises(NoAnswer):
        send_access_request("127.0.0.1", port, SECRET, "j", "1", timeout=0.1, retries=0)


def test_a_host_that_does_not_exist_is_no_answer() -> None:
    """Must 10: there is nobody to ask."""
    with pytest.raises(NoAnswer, match="not a host"):
        ask("no-such-host.invalid", 1812)
