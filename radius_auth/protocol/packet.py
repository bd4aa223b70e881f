"""The one pass over the octets of a datagram: strict, and what comes out is immutable.

pyrad 2.6.0 takes a packet whose last attribute is cut off, attribute type 0, a Length of
8192 and any number of attributes.  What passes here is a packet by the letter of RFC 2865.
"""

from __future__ import annotations

import enum
import struct
from collections.abc import Mapping
from typing import Final, NamedTuple, TypeAlias

Kind: TypeAlias = int | tuple[int, int]
"""An attribute's type, or vendor and type."""

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


class Acct(enum.IntEnum):
    """Types of the attributes of accounting (RFC 2866 section 5, RFC 2869 section 5)."""

    STATUS_TYPE = 40
    DELAY_TIME = 41
    INPUT_OCTETS = 42
    OUTPUT_OCTETS = 43
    SESSION_ID = 44
    SESSION_TIME = 46
    TERMINATE_CAUSE = 49
    INPUT_GIGAWORDS = 52
    OUTPUT_GIGAWORDS = 53
    EVENT_TIMESTAMP = 55


_MESSAGE_AUTHENTICATOR: Final = int(Attribute.MESSAGE_AUTHENTICATOR)
_ROOM_FOR_ALLOWED: Final = MIN_LENGTH + 2 * MAX_ATTRIBUTES
"""A packet that is no longer cannot have more attributes."""


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


class Packet(NamedTuple):
    """A packet taken apart, its attributes still raw.

    The repr shows no attribute: a User-Name may be a PIN.
    """

    code: int
    identifier: int
    authenticator: bytes
    """16 octets."""

    octets: bytes
    """The whole packet, cut to its Length."""

    by_type: Mapping[Kind, list[bytes]]
    """The values of each type, in their order."""

    has_empty: bool
    """Whether an attribute has no value."""

    signature_at: int
    """Where the octets of the last Message-Authenticator begin; 0 where there is none."""

    def __repr__(self) -> str:
        """Only what is no attribute."""
        return f"Packet(code={self.code}, identifier={self.identifier}, {len(self.octets)} octets)"

    @property
    def attributes(self) -> tuple[tuple[int, bytes], ...]:
        """Type and value of each, in the order of the packet; no login needs it."""
        found, start = [], MIN_LENGTH
        while start < len(self.octets):
            end = start + self.octets[start + 1]
            found.append((self.octets[start], self.octets[start + 2 : end]))
            start = end
        return tuple(found)

    def values(self, kind: int) -> list[bytes]:
        """The values of all attributes of one type, in their order."""
        return self.by_type.get(kind, [])


def read_packet(datagram: bytes) -> Packet:
    """Take a datagram apart in one pass over its octets (RFC 2865 sections 3 and 5).

    Raises:
        Malformed: it is not a RADIUS packet and must be silently discarded.
    """
    if len(datagram) < MIN_LENGTH:
        raise Malformed(Fault.TOO_SHORT)
    code, identifier, end, authenticator = _HEADER.unpack_from(datagram)
    if not MIN_LENGTH <= end <= MAX_LENGTH or end > len(datagram) or code == 0:
        raise Malformed(_fault_of_header(end, len(datagram)))
    # RFC 2865 section 3: octets outside the range of Length are padding.
    octets = datagram[:end]
    by_type: dict[Kind, list[bytes]] = {}
    has_empty, signature_at, start = False, 0, MIN_LENGTH
    # RFC 2865 section 5: attributes of type, length and value fill the packet exactly.
    while start < end:
        kind = octets[start]
        size = octets[start + 1] if start + 1 < end else MAX_LENGTH
        after = start + size
        if after > end or size < 2 or kind == 0:  # noqa: PLR2004 - type and length are part of it
            raise Malformed(_fault_of_attribute(kind, size))
        value = octets[start + 2 : after]
        if kind in by_type:
            by_type[kind].append(value)
        else:
            by_type[kind] = [value]
        if kind == _MESSAGE_AUTHENTICATOR:
            signature_at = start + 2
        elif not value:
            has_empty = True
        start = after
    if end > _ROOM_FOR_ALLOWED and sum(map(len, by_type.values())) > MAX_ATTRIBUTES:
        raise Malformed(Fault.TOO_MANY_ATTRIBUTES)
    return Packet(code, identifier, authenticator, octets, by_type, has_empty, signature_at)


def _fault_of_header(length: int, received: int) -> Fault:
    """RFC 2865 section 3: Length is 20 to 4096 and no more than what has arrived."""
    if length < MIN_LENGTH:
        return Fault.LENGTH_TOO_SMALL
    if length > MAX_LENGTH:
        return Fault.LENGTH_TOO_LARGE
    return Fault.TRUNCATED if length > received else Fault.CODE_ZERO


def _fault_of_attribute(kind: int, size: int) -> Fault:
    if size == MAX_LENGTH:  # cut off after the type
        return Fault.ATTRIBUTE_OVERRUN
    if kind == 0:
        return Fault.ATTRIBUTE_TYPE_ZERO
    return Fault.ATTRIBUTE_TOO_SHORT if size < 2 else Fault.ATTRIBUTE_OVERRUN  # noqa: PLR2004
