"""Access-Requests as a NAS sends them, built with pyrad's client, and their replies."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from importlib import resources
from typing import TYPE_CHECKING

from pyrad.client import Client
from pyrad.dictionary import Dictionary
from pyrad.packet import AuthPacket

from radius_auth.protocol.access_request import read_access_request
from radius_auth.protocol.authenticators import check_access_request
from radius_auth.protocol.packet import Attribute, Packet, read_packet
from radius_auth.replica.nas_index import Client as OurClient
from tests.support.radius.guests import EMAIL, PIN, SECRET, nas

if TYPE_CHECKING:
    from collections.abc import Mapping

    from radius_auth.decision.request import Request

DICTIONARY = Dictionary(str(resources.files("radius_auth.protocol") / "dictionary"))
EAP: dict[int, list[bytes]] = {Attribute.EAP_MESSAGE: [b"\x02\0\0\x05\x01"]}
MS_CHAP = {26: [b"\0\0\x01\x37\x19\x34" + bytes(50)]}


def access_request(
    user_name: str | None = EMAIL,
    password: bytes | None = PIN.encode(),
    *,
    signed: bool = True,
    identifier: int = 7,
    authenticator: bytes | None = None,
    secret: bytes = SECRET,
    attributes: Mapping[int, list[bytes]] | None = None,
) -> bytes:
    """A datagram with a new Request Authenticator, unless one is given.

    Args:
        user_name: None leaves it out.
        password: sent as User-Password; None leaves it out.
        signed: with Message-Authenticator.
        identifier: of the packet.
        authenticator: 16 octets.
        secret: hides the password and signs.
        attributes: raw values by type.
    """
    client = Client("192.0.2.1", secret=secret, dict=DICTIONARY)
    request: AuthPacket = client.CreateAuthPacket(message_authenticator=signed)
    request.id = identifier
    request.authenticator = authenticator or request.CreateAuthenticator()
    if user_name is not None:
        request[Attribute.USER_NAME] = [user_name.encode()]
    if password is not None:
        request[Attribute.USER_PASSWORD] = [request.PwCrypt(password)]
    for kind, values in (attributes or {}).items():
        request[kind] = values
    datagram: bytes = request.RequestPacket()
    return datagram


def chap_attributes(pin: str = PIN, challenge: bytes = b"challenge") -> dict[int, list[bytes]]:
    """CHAP-Password and CHAP-Challenge of a guest who typed ``pin``."""
    response = hashlib.md5(b"\x07" + pin.encode() + challenge).digest()
    return {
        Attribute.CHAP_PASSWORD: [b"\x07" + response],
        Attribute.CHAP_CHALLENGE: [challenge],
    }


NAS = OurClient(
    secret=SECRET,
    entries=(nas(),),
    require_message_authenticator=False,
    limit_proxy_state=False,
)
"""One that may leave out what it wants."""


def read(packet: Packet, secret: bytes = SECRET) -> Request:
    """What a packet asks, after it was verified."""
    client = replace(NAS, secret=secret)
    check_access_request(packet, client)
    return read_access_request(packet, client)


def forged(datagram: bytes) -> bytes:
    """The same with one bit changed."""
    return datagram[:-1] + bytes([datagram[-1] ^ 1])


def verified(datagram: bytes, reply: bytes | None, secret: bytes = SECRET) -> Packet:
    """The reply, verified as a NAS does, and parsed."""
    assert reply is not None
    asked = AuthPacket(packet=datagram, secret=secret, dict=DICTIONARY)
    assert asked.VerifyReply(asked.CreateReply(packet=reply), reply, enforce_ma=True)
    return read_packet(reply)
