"""Requests of our own, and the dictionary: the only module that knows pyrad.

Requests that come in are read in ``packet.py`` and ``access_request.py``, and answered in
``replies.py``.  Attributes are written by number, as octets: by name, pyrad 2.6.0 drops octets
that are not UTF-8, raises on wrong lengths and re-encodes ``octets`` that look like a number.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import resources
from typing import Final

from pyrad.client import Client, Timeout
from pyrad.dictionary import Dictionary
from pyrad.packet import AuthPacket, CoAPacket
from pyrad.packet import Packet as PyradPacket

from radius_auth.protocol.packet import Attribute, Code, Kind, Packet, read_packet

_LENGTH_OF_TYPE: Final = {"integer": 4, "ipaddr": 4, "date": 4, "ipv6addr": 16, "ifid": 8}
"""Octets in a value of this dictionary type."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Peer:
    """A RADIUS server to ask, as a NAS would."""

    address: str
    """An IPv4 or IPv6 address, without brackets."""

    port: int
    secret: bytes = field(repr=False)
    timeout: float
    """Seconds to wait after each transmission."""

    transmissions: int
    """How many times the request is sent in all, at least 1."""

    source: str | None = None
    """The address of ours to send from; None is the one that leads there."""


def encode_disconnect_request(
    secret: bytes, identifier: int, attributes: Mapping[str, str | bytes | int]
) -> bytes:
    """Build a Disconnect-Request (RFC 5176), signed also with a Message-Authenticator.

    Args:
        secret: the one that is shared with the NAS.
        identifier: of the packet.
        attributes: by their names in the dictionary.

    Raises:
        ValueError: an attribute is unknown, too long or of another type.
    """
    packet = CoAPacket(
        code=Code.DISCONNECT_REQUEST, id=identifier, secret=secret, dict=_dictionary()
    )
    for name, value in attributes.items():
        _add(packet, name, value)
    packet.add_message_authenticator()
    octets: bytes = packet.RequestPacket()
    return octets


def value_name(attribute: str, number: int) -> str | None:
    """What the dictionary calls a value: ``User-Request``; None where it has no name for it."""
    values = _dictionary().attributes[attribute].values
    key = number.to_bytes(4)
    return str(values.GetBackward(key)) if values.HasBackward(key) else None


def ask(peer: Peer, user_name: str, password: str, attributes: Mapping[str, str | int]) -> Packet:
    """Send an Access-Request with PAP and wait for a reply that verifies.

    Args:
        peer: the server, the secret and how long to wait.
        user_name: a str from the command line may hold escaped octets (PEP 383).
        password: the same.
        attributes: further attributes, by their names in the dictionary.

    Raises:
        TimeoutError: no valid reply came.
        OSError: the server cannot be reached.
        ValueError: an attribute is unknown, too long or of another type.
        Malformed: the reply verifies, but is not a RADIUS packet.
    """
    client = _client(peer)
    packet = client.CreateAuthPacket()
    packet[Attribute.USER_NAME] = [user_name.encode(errors="surrogateescape")]
    packet[Attribute.USER_PASSWORD] = [packet.PwCrypt(password.encode(errors="surrogateescape"))]
    for name, value in attributes.items():
        _add(packet, name, value)
    return _exchange(client, packet)


def ask_status(peer: Peer) -> Packet:
    """Send a Status-Server (RFC 5997) and wait for a reply that verifies.

    Raises:
        TimeoutError: no valid reply came.
        OSError: the server cannot be reached.
        Malformed: the reply verifies, but is not a RADIUS packet.
    """
    client = _client(peer)
    return _exchange(client, client.CreateAuthPacket(code=Code.STATUS_SERVER))


def _client(peer: Peer) -> Client:
    return Client(
        server=peer.address,
        authport=peer.port,
        secret=peer.secret,
        dict=_dictionary(),
        timeout=peer.timeout,
        retries=peer.transmissions,
        enforce_ma=True,
    )


def _exchange(client: Client, packet: AuthPacket) -> Packet:
    try:
        reply = client.SendPacket(packet)
    except Timeout:
        raise TimeoutError from None
    finally:
        client._CloseSocket()  # noqa: SLF001 - pyrad has no other way to close it
    return read_packet(reply.raw_packet)


@functools.cache
def _dictionary() -> Dictionary:
    with (resources.files("radius_auth.protocol") / "dictionary").open(encoding="utf-8") as lines:
        return Dictionary(lines)


@functools.cache
def fixed_lengths() -> Mapping[Kind, int]:
    """Octets of each attribute whose type in the dictionary says how many there must be."""
    return {
        attribute.code: _LENGTH_OF_TYPE[attribute.type]
        for attribute in _dictionary().attributes.values()
        if attribute.type in _LENGTH_OF_TYPE and not attribute.vendor
    }


def _add(packet: PyradPacket, name: str, value: str | bytes | int) -> None:
    """Add an attribute by its name; pyrad would send the octets ``1234`` as the number 1234."""
    try:
        if isinstance(value, bytes) or _dictionary().attributes[name].type == "octets":
            key = _dictionary().attrindex.GetForward(name)
            octets = value if isinstance(value, bytes) else str(value).encode()
            packet.setdefault(key, []).append(octets)
        else:
            packet.AddAttribute(name, value)
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{name} is not known, or does not take such a value") from error
