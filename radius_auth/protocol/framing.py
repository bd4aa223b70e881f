"""The one pass over the octets of a datagram: strict, and what comes out is immutable.

pyrad 2.6.0 takes a packet whose last attribute is cut off, attribute type 0, a Length of
8192 and any number of attributes.  What passes here is a packet by the letter of RFC 2865.
"""

from __future__ import annotations

import enum
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

MAX_ATTRIBUTES: Final = 200
"""No NAS sends more."""

MIN_LENGTH: Final = 20
MAX_LENGTH: Final = 4096

_HEADER: Final = struct.Struct("!BBH16s")


class Code(enum.IntEnum):
    """Packet codes (RFC 2865 section 3, RFC 5997; RFC 2866 section 3; RFC 5176 section 2.3)."""

    ACCESS_REQUEST = 1
    ACCESS_ACCEPT = 2
    ACCESS_REJECT = 3
    ACCOUNTING_REQUEST = 4
    ACCOUNTING_RESPONSE = 5
    STATUS_SERVER = 12
    DISCONNECT_REQUEST = 40
    DISCONNECT_ACK = 41
    DISCONNECT_NAK = 42


class Attribute(enum.IntEnum):
    """Types of the attributes that decide something (RFC 2865 section 5, RFC 3579)."""

    USER_NAME = 1
    USER_PASSWORD = 2
    CHAP_PASSWORD = 3
    NAS_IP_ADDRESS = 4
    NAS_PORT = 5
    SERVICE_TYPE = 6
    FRAMED_PROTOCOL = 7
    FRAMED_IP_ADDRESS = 8
    FRAMED_IP_NETMASK = 9
    FRAMED_MTU = 12
    REPLY_MESSAGE = 18
    CALLBACK_NUMBER = 19
    STATE = 24
    CLASS = 25
    VENDOR_SPECIFIC = 26
    SESSION_TIMEOUT = 27
    CALLED_STATION_ID = 30
    CALLING_STATION_ID = 31
    NAS_IDENTIFIER = 32
    PROXY_STATE = 33
    CHAP_CHALLENGE = 60
    NAS_PORT_TYPE = 61
    PORT_LIMIT = 62
    EAP_MESSAGE = 79
    MESSAGE_AUTHENTICATOR = 80
    NAS_PORT_ID = 87
    NAS_IPV6_ADDRESS = 95


class Discarded(Exception):
    """This packet gets no answer.

    Args:
        reason: why, for the log and the metrics; holds nothing that came from the network.
    """

    def __init__(self, reason: enum.StrEnum) -> None:
        super().__init__(reason)
        self.reason = reason


class Fault(enum.StrEnum):
    """In which way a datagram is not a RADIUS packet."""

    TOO_SHORT = "shorter than 20 octets"
    LENGTH_TOO_SMALL = "Length under 20"
    LENGTH_TOO_LARGE = "Length over 4096"
    TRUNCATED = "Length beyond the datagram"
    CODE_ZERO = "code 0"
    ATTRIBUTE_TYPE_ZERO = "attribute type 0"
    ATTRIBUTE_TOO_SHORT = "attribute length under 2"
    ATTRIBUTE_OVERRUN = "attribute beyond the end of the packet"
    TOO_MANY_ATTRIBUTES = "more than 200 attributes"


class Malformed(Discarded):
    """The datagram is not a RADIUS packet; ``reason`` is a :class:`Fault`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """A packet taken apart, its attributes still raw.

    The repr shows no attribute: a User-Name may be a PIN.
    """

    code: int
    identifier: int
    authenticator: bytes
    """16 octets."""

    octets: bytes = field(repr=False)
    """The whole packet, cut to its Length."""

    attributes: tuple[tuple[int, bytes], ...] = field(repr=False)
    """Type and value of every attribute, in the order of the packet."""

    by_type: Mapping[int, Sequence[bytes]] = field(default_factory=dict, repr=False, compare=False)
    """The same by type; it holds no type that the packet does not have."""

    def values(self, kind: int) -> list[bytes]:
        """Return the values of all attributes of this type, in order."""
        return list(self.by_type.get(kind, ()))


def frame(datagram: bytes) -> Frame:
    """Take a datagram apart (RFC 2865 sections 3 and 5).

    Raises:
        Malformed: it is not a RADIUS packet and must be silently discarded.
    """
    if len(datagram) < MIN_LENGTH:
        raise Malformed(Fault.TOO_SHORT)
    code, identifier, length, authenticator = _HEADER.unpack_from(datagram)
    _check_length(length, len(datagram))
    if code == 0:
        raise Malformed(Fault.CODE_ZERO)
    # RFC 2865 section 3: octets outside the range of Length are padding.
    octets = datagram[:length]
    attributes, by_type = _split(octets)
    return Frame(
        code=code,
        identifier=identifier,
        authenticator=authenticator,
        octets=octets,
        attributes=tuple(attributes),
        by_type=by_type,
    )


def _check_length(length: int, received: int) -> None:
    """RFC 2865 section 3: Length is 20 to 4096 and no more than what has arrived."""
    if length < MIN_LENGTH:
        raise Malformed(Fault.LENGTH_TOO_SMALL)
    if length > MAX_LENGTH:
        raise Malformed(Fault.LENGTH_TOO_LARGE)
    if length > received:
        raise Malformed(Fault.TRUNCATED)


def _split(octets: bytes) -> tuple[list[tuple[int, bytes]], dict[int, list[bytes]]]:
    """RFC 2865 section 5: attributes of type, length and value fill the packet exactly."""
    attributes: list[tuple[int, bytes]] = []
    by_type: dict[int, list[bytes]] = {}
    start, end = MIN_LENGTH, len(octets)
    while start < end:
        if start + 2 > end:
            raise Malformed(Fault.ATTRIBUTE_OVERRUN)
        kind, size = octets[start], octets[start + 1]
        if kind == 0:
            raise Malformed(Fault.ATTRIBUTE_TYPE_ZERO)
        if size < 2:  # noqa: PLR2004 - type and length are part of the length
            raise Malformed(Fault.ATTRIBUTE_TOO_SHORT)
        if start + size > end:
            raise Malformed(Fault.ATTRIBUTE_OVERRUN)
        if len(attributes) == MAX_ATTRIBUTES:
            raise Malformed(Fault.TOO_MANY_ATTRIBUTES)
        value = octets[start + 2 : start + size]
        attributes.append((kind, value))
        by_type.setdefault(kind, []).append(value)
        start += size
    return attributes, by_type
