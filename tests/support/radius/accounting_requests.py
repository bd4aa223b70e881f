"""Accounting-Requests as a NAS sends them, built with pyrad, and their answers."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from pyrad.packet import AcctPacket

from radius_auth.protocol.packet import Acct, Attribute, Code, Packet, read_packet
from tests.support.radius.access_requests import DICTIONARY
from tests.support.radius.guests import SECRET

if TYPE_CHECKING:
    from collections.abc import Mapping

START, STOP, UPDATE, ON, OFF = 1, 2, 3, 7, 8
"""Values of Acct-Status-Type."""

STATION = b"02-00-00-AB-CD-EF"


def number(value: int) -> list[bytes]:
    """An integer of 32 bits."""
    return [value.to_bytes(4)]


def accounting_request(
    status: int = START,
    attributes: Mapping[Any, list[bytes]] | None = None,
    *,
    session: bytes = b"81",
    identifier: int = 7,
    signed: bool = False,
    secret: bytes = SECRET,
) -> bytes:
    """An Accounting-Request of an access point called lobby about a guest's session.

    Args:
        status: Acct-Status-Type.
        attributes: raw values by type, added or replaced.
        session: Acct-Session-Id.
        identifier: of the packet.
        signed: with Message-Authenticator.
        secret: signs it.
    """
    request = AcctPacket(id=identifier, secret=secret, dict=DICTIONARY)
    values: dict[int, list[bytes]] = {
        Acct.STATUS_TYPE: number(status),
        Acct.SESSION_ID: [session],
        Attribute.USER_NAME: [b"zoe@example.com"],
        Attribute.NAS_IDENTIFIER: [b"lobby"],
        Attribute.CALLING_STATION_ID: [STATION],
    }
    for kind, value in (values | dict(attributes or {})).items():
        request[kind] = value
    if signed:
        request.add_message_authenticator()
    datagram: bytes = request.RequestPacket()
    return datagram


def resigned(datagram: bytes, secret: bytes = SECRET) -> bytes:
    """The same with the right Request Authenticator (RFC 2866 section 3)."""
    digest = hashlib.md5(datagram[:4] + bytes(16) + datagram[20:] + secret).digest()
    return datagram[:4] + digest + datagram[20:]


def answered(datagram: bytes, reply: bytes | None) -> Packet:
    """The Accounting-Response, verified by hand."""
    assert reply is not None
    digest = hashlib.md5(reply[:4] + datagram[4:20] + reply[20:] + SECRET).digest()
    assert (reply[1], reply[4:20]) == (datagram[1], digest)
    answer = read_packet(reply)
    assert answer.code == Code.ACCOUNTING_RESPONSE
    return answer
