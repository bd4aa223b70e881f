"""Sends our own requests, and holds the dictionary: the only module that knows pyrad.

Incoming requests are read in ``packet.py`` and ``access_request.py``, and answered in
``replies.py``.  Attributes are written by number, as octets: by name, pyrad 2.6.0 drops octets
that are not UTF-8, raises on wrong lengths and re-encodes ``octets`` that look like a number.
"""

from __future__ import annotations

import functools
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from importlib import resources
from typing import Any, Final

from pyrad.client import Client, Timeout
from pyrad.dictionary import Dictionary
from pyrad.packet import AuthPacket, CoAPacket
from pyrad.packet import Packet as PyradPacket

from nexio.errors import InvalidValue, Refused
from nexio.input.names import quoted
from radius_auth.protocol.packet import Attribute, Code, Kind, Packet, read_packet

_LENGTH_OF_TYPE: Final = {"integer": 4, "ipaddr": 4, "date": 4, "ipv6addr": 16, "ifid": 8}
"""Octets in a value of this dictionary type."""


_LONGEST_TEXT: Final = 247
"""Octets in the attribute of a vendor."""

_IN_ACCEPTS: Final = frozenset(
    {*range(6, 17), 19, 20, 22, 28, 29, 62}  # RFC 2865 section 5.44
    | {78, 85, 88}  # RFC 2869 section 5.19
    | {64, 65, 81}  # RFC 2868 section 4
    | {*range(96, 101)}  # RFC 3162 section 3
    | {56, 57, 58, 59, 92}  # RFC 4675 section 3, RFC 4849 section 3
)
"""The attributes, except vendors', that may be in an accept and concern a guest."""

_OURS: Final = {
    "Session-Timeout": "It is the rest of the visitor's time: nexio token extend, nexio token set.",
    "Class": "Accounting finds the visitor again by it.",
    "WISPr-Session-Terminate-Time": "It is another time in each login: write end-time=on.",
}

_EXPECTED: Final = {
    "integer": "Write a number from 0 to 4294967295, or the name of one.",
    "ipaddr": "Write an IPv4 address.",
    "ipv6addr": "Write an IPv6 address.",
    "ipv6prefix": "Write an IPv6 network such as 2001:db8::/64.",
    "octets": "Write octets as 0x and hexadecimal digits.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Peer:
    """A RADIUS server to send requests to, as a NAS would."""

    address: str
    """An IPv4 or IPv6 address, without brackets."""

    port: int
    secret: bytes = field(repr=False)
    timeout: float
    """Seconds to wait after each transmission."""

    transmissions: int
    """How many times the request is sent in all, at least 1."""

    source: str | None = None
    """Our address to send from; None leaves the choice to the system."""

    identified_by: frozenset[str] | None = None
    """For a NAS: the attributes that it finds a session by; None is all."""

    bare_nak_is_gone: bool = False
    """For a NAS: whether a NAK without Error-Cause means that there is no such session."""


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
    """The name of a value in the dictionary, such as ``User-Request``; None if it has no name."""
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


def encode_reply_attribute(name: str, text: str) -> tuple[str, str, bytes]:
    """Encode an attribute for Access-Accepts that is given as text (``reply_settings.Encode``).

    Args:
        name: in upper or lower case.
        text: the value: a number, a name of a number, an address, text, or octets as ``0x…``.
            If it is empty, only the name is looked up.

    Returns:
        Name and value in canonical spelling, and the whole attribute in octets.

    Raises:
        InvalidValue: no attribute of that name may be in an accept, or it takes no such value.
        Refused: the server itself sets it.
    """
    known = _names().get(name.lower())
    if known is None:
        near = get_close_matches(name.lower(), _names(), 1)
        hint = f"Do you mean {_names()[near[0]]}?" if near else "See docs/network-engineers.md."
        raise InvalidValue(f"there is no attribute {quoted(name)}", hint)
    if known in _OURS:
        raise Refused(f"{known} is not for you to set", _OURS[known])
    attribute = _dictionary().attributes[known]
    if not _is_for_accepts(attribute):
        raise InvalidValue(f"{known} does not belong in an Access-Accept", "Leave it out.")
    if not text:
        return known, "", b""
    packet = PyradPacket(code=Code.ACCESS_ACCEPT, dict=_dictionary())
    try:
        value = _value_of(attribute, text)
        _add(packet, known, value)
        octets: bytes = packet._PktEncodeAttributes()  # noqa: SLF001 - has no other name
    except (ValueError, struct.error) as error:
        expected = _EXPECTED.get(attribute.type, f"Write at most {_LONGEST_TEXT} plain characters.")
        raise InvalidValue(f"{known} cannot be {quoted(text)}", expected) from error
    return known, f"0x{value.hex()}" if isinstance(value, bytes) else str(value), octets


def _value_of(attribute: Any, text: str) -> str | bytes | int:
    """A value in the form that pyrad and FreeRADIUS take."""
    if attribute.type == "octets":
        digits = text.removeprefix("0x")
        return bytes.fromhex(digits) if digits != text else text.encode()
    if attribute.type == "string":
        if not text.isprintable():
            raise ValueError("control characters")
        return text
    if attribute.type in {"integer", "short", "byte", "signed", "integer64", "date"}:
        named = {str(each).lower(): each for each in _names_of_values(attribute)}
        if text.lower() in named:
            return named[text.lower()]
        return int(text)
    return text


def _names_of_values(attribute: Any) -> list[str]:
    return [name for name in attribute.values.forward if isinstance(name, str)]


def _is_for_accepts(attribute: Any) -> bool:
    return bool(attribute.vendor and attribute.vendor != "Microsoft") or (
        not attribute.vendor and attribute.code in _IN_ACCEPTS
    )


@functools.cache
def _names() -> dict[str, str]:
    """The attributes by their names in lower case."""
    return {name.lower(): name for name in _dictionary().attributes}


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
    """Octets of each attribute whose type in the dictionary has a fixed length."""
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
