"""The prepared requests are what a NAS sends, and only a right reply is taken for one."""

from __future__ import annotations

import hashlib

import pytest
from pyrad.packet import AccessAccept, AcctPacket, AuthPacket

from benchmarks import packets
from tests.support.radius.access_requests import DICTIONARY

EMAIL, PIN = "ada@example.com", "482913"


def read(request: bytes) -> AuthPacket:
    """As pyrad reads it."""
    return AuthPacket(packet=request, secret=packets.SECRET, dict=DICTIONARY)


def right_reply(request: bytes) -> bytes:
    """As pyrad writes it."""
    reply = read(request).CreateReply()
    reply.code = AccessAccept
    octets: bytes = reply.ReplyPacket()
    return octets


def test_pap() -> None:
    """The PIN can be read, and the Message-Authenticator verifies."""
    request = read(packets.pap(300 * packets.SOCKETS, EMAIL, PIN, device=5))

    assert request.verify_message_authenticator()
    assert request.PwDecrypt(request["User-Password"][0]) == PIN
    assert request.id == 300 % 256
    assert request["Calling-Station-Id"] == ["02-00-00-00-00-05"]


def test_chap() -> None:
    """The response is that of the PIN, with the Request Authenticator as its challenge."""
    request = read(packets.chap(0, EMAIL, PIN, device=5))

    assert request.verify_message_authenticator()
    assert request.VerifyChapPasswd(PIN)
    assert not request.VerifyChapPasswd("482914")


@pytest.mark.parametrize("status", [packets.START, packets.STOP])
def test_accounting(status: int) -> None:
    """The Request Authenticator is that of RFC 2866."""
    request = packets.accounting(0, EMAIL, status, session=7)

    assert AcctPacket(packet=request, secret=packets.SECRET, dict=DICTIONARY).VerifyAcctRequest()


def test_a_right_reply_is_right() -> None:
    """The one that pyrad made."""
    request = packets.pap(0, EMAIL, PIN, device=5)

    assert packets.is_right(right_reply(request), request, packets.ACCESS_ACCEPT)


@pytest.mark.parametrize("at", range(38))
def test_no_octet_of_a_reply_may_differ(at: int) -> None:
    """Code, identifier, length, both authenticators."""
    request = packets.pap(0, EMAIL, PIN, device=5)
    reply = bytearray(right_reply(request))
    reply[at] ^= 1

    assert len(reply) == 38
    assert not packets.is_right(bytes(reply), request, packets.ACCESS_ACCEPT)


def test_the_reply_to_another_request_is_wrong() -> None:
    """And one of another code."""
    one, other = (packets.pap(0, EMAIL, PIN, device=5) for _ in range(2))

    assert not packets.is_right(right_reply(one), other, packets.ACCESS_ACCEPT)
    assert not packets.is_right(right_reply(one), one, packets.ACCESS_REJECT)


def test_an_accept_without_message_authenticator_is_wrong() -> None:
    """Whether or not its Response Authenticator is right."""
    request = packets.pap(0, EMAIL, PIN, device=5)
    head = bytes((packets.ACCESS_ACCEPT, request[1], 0, 20))
    reply = head + hashlib.md5(head + request[4:20] + packets.SECRET).digest()

    assert not packets.is_right(reply, request, packets.ACCESS_ACCEPT)
