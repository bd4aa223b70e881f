"""Replies, and requests of our own: the only module that knows pyrad.

``access_request.py`` reads the Access-Requests that come in.  What crosses this border are frozen
values of our own.  Attributes are read and written by number, as octets: by name, pyrad 2.6.0
drops octets that are not UTF-8, raises on wrong lengths and re-encodes ``octets`` that look like a
number.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import resources
from typing import Final

from pyrad.client import Client, Timeout
from pyrad.dictionary import Dictionary
from pyrad.packet import AcctPacket, AuthPacket, CoAPacket, Packet

from radius_auth.protocol import framing
from radius_auth.protocol.access_request import Kind
from radius_auth.protocol.authenticators import Distrust
from radius_auth.protocol.framing import MAX_LENGTH, Attribute, Code, Discarded, Frame

_LENGTH_OF_TYPE: Final = {"integer": 4, "ipaddr": 4, "date": 4, "ipv6addr": 16, "ifid": 8}
"""Octets in a value of this dictionary type."""

_MAX_TEXT: Final = 253
"""Octets that fit into one attribute."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessAccept:
    """The guest may on."""

    session_timeout: int
    """Seconds, at least 1: some NAS take 0 for unlimited."""

    class_: bytes
    reply_message: str | None = None

    def __post_init__(self) -> None:
        """Refuse a time that a NAS would not keep."""
        if self.session_timeout < 1:
            raise ValueError("an accept needs a Session-Timeout of at least one second")


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessReject:
    """The guest may not on."""

    reply_message: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusReply:
    """The server is there (RFC 5997 section 3)."""

    reply_message: str
    statistics: tuple[str, ...] = ()
    """Further Reply-Messages (section 4.2)."""


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


def encode_reply(
    frame: Frame, secret: bytes, reply: AccessAccept | AccessReject | StatusReply
) -> bytes:
    """Build the reply to a request, ready to be sent.

    Message-Authenticator comes first (draft-ietf-radext-deprecating-radius section 5.3.6),
    Proxy-State as it was sent (RFC 2865 section 5.33).
    """
    request = AuthPacket(
        code=frame.code,
        id=frame.identifier,
        authenticator=frame.authenticator,
        secret=secret,
        dict=_dictionary(),
    )
    if proxy_states := frame.by_type.get(Attribute.PROXY_STATE):
        request[Attribute.PROXY_STATE] = list(proxy_states)
    packet = request.CreateReply()
    packet.code = Code.ACCESS_REJECT  # whatever is forgotten below: CreateReply says accept
    if isinstance(reply, StatusReply):
        packet.code = Code.ACCESS_ACCEPT  # RFC 5997 section 3: on the authentication port
    if isinstance(reply, AccessAccept):
        packet.code = Code.ACCESS_ACCEPT
        packet["Session-Timeout"] = reply.session_timeout
        packet[Attribute.CLASS] = [reply.class_]
    # RFC 3579 section 2.6.5: no Reply-Message beside EAP-Message.
    if reply.reply_message and Attribute.EAP_MESSAGE not in frame.by_type:
        further = reply.statistics if isinstance(reply, StatusReply) else ()
        packet[Attribute.REPLY_MESSAGE] = [_cut(text) for text in (reply.reply_message, *further)]
    octets: bytes = packet.ReplyPacket()
    if len(octets) > MAX_LENGTH and packet.pop(Attribute.REPLY_MESSAGE, None):
        # RFC 2865 section 3: words give way to the Proxy-States of a request this full.
        octets = packet.ReplyPacket()
    if len(octets) > MAX_LENGTH:
        raise Discarded(Distrust.REPLY_TOO_LONG)
    return octets


def encode_accounting_response(frame: Frame, secret: bytes) -> bytes:
    """Build the answer to an Accounting-Request whose record is stored, or to a Status-Server.

    RFC 2866 section 4.2: it says nothing but that; Proxy-State comes back as it was sent.  To
    Status-Server it is signed with a Message-Authenticator (RFC 5997 section 3).

    Raises:
        Discarded: no packet can carry so much Proxy-State.
    """
    request = AcctPacket(
        code=frame.code,
        id=frame.identifier,
        authenticator=frame.authenticator,
        secret=secret,
        dict=_dictionary(),
    )
    if proxy_states := frame.by_type.get(Attribute.PROXY_STATE):
        request[Attribute.PROXY_STATE] = list(proxy_states)
    octets: bytes = request.CreateReply().ReplyPacket()
    if len(octets) > MAX_LENGTH:
        raise Discarded(Distrust.REPLY_TOO_LONG)
    return octets


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


def ask(peer: Peer, user_name: str, password: str, attributes: Mapping[str, str | int]) -> Frame:
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


def ask_status(peer: Peer) -> Frame:
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


def _exchange(client: Client, packet: AuthPacket) -> Frame:
    try:
        reply = client.SendPacket(packet)
    except Timeout:
        raise TimeoutError from None
    finally:
        client._CloseSocket()  # noqa: SLF001 - pyrad has no other way to close it
    return framing.frame(reply.raw_packet)


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


def _cut(text: str) -> bytes:
    """RFC 2865 section 5.18: as many whole characters as one attribute holds."""
    return text.encode()[:_MAX_TEXT].decode(errors="ignore").encode()


def _add(packet: Packet, name: str, value: str | bytes | int) -> None:
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
