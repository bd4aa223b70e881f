"""Parses datagrams strictly, in one pass over their octets, into immutable packets.

pyrad 2.6.0 accepts a packet whose last attribute is cut off, attribute type 0, a Length of
8192 and any number of attributes.  This parser accepts only what RFC 2865 allows.
"""

from __future__ import annotations

import enum
import struct
from collections.abc import Mapping, Sequence
from typing import Final, TypeAlias

Kind: TypeAlias = int | tuple[int, int]
"""An attribute's type, or vendor and type."""

MAX_ATTRIBUTES: Final = 200
"""No NAS sends more."""

MIN_LENGTH: Final = 20
MAX_LENGTH: Final = 4096

_HEADER: Final = struct.Struct("!BBH16s")
_NOTHING: Final[Mapping[Kind, list[bytes]]] = {}


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
    """Types of the attributes that are used (RFC 2865 section 5, RFC 3579)."""

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


_MESSAGE_AUTHENTICATOR: Final = int(Attribute.MESSAGE_AUTHENTICATOR)


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


class Discarded(Exception):
    """This packet gets no answer.

    Args:
        reason: why, for the log and the metrics; holds nothing that came from the network.
    """

    def __init__(self, reason: enum.StrEnum) -> None:
        super().__init__(reason)
        self.reason = reason


class Fault(enum.StrEnum):
    """Why a datagram is not a RADIUS packet."""

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


class Packet:
    """A parsed packet, its attributes still raw; immutable.

    The repr shows no attribute: a User-Name may be a PIN.
    """

    __slots__ = (
        "_by_type",
        "authenticator",
        "code",
        "first",
        "identifier",
        "octets",
        "several",
        "signature_start",
    )

    def __init__(
        self,
        octets: bytes,
        head: tuple[int, int, int, bytes],
        first: Mapping[Kind, bytes],
        signature_start: int,
        by_type: Mapping[Kind, list[bytes]] | None = None,
    ) -> None:
        self.code, self.identifier, _, self.authenticator = head
        self.octets = octets
        """The whole packet, cut to its Length."""

        self.first = first
        """By type, the first value that is not empty; empty if all are."""

        self.several = _NOTHING if by_type is None else _several(by_type)
        """The values of each type that appears more than once, in their order; seldom any."""

        self.signature_start = signature_start
        """Where the last Message-Authenticator begins; 0 if there is none."""

        self._by_type = by_type

    @classmethod
    def of(cls, code: int, authenticator: bytes, by_type: Mapping[Kind, list[bytes]]) -> Packet:
        """Make a packet that was parsed elsewhere, and whose octets are not needed."""
        return cls(b"", (code, 0, 0, authenticator), _first(by_type), 0, by_type)

    def __repr__(self) -> str:
        """Show no attributes."""
        return f"Packet(code={self.code}, identifier={self.identifier}, {len(self.octets)} octets)"

    def __eq__(self, other: object) -> bool:
        """Whether it is the same packet."""
        return isinstance(other, Packet) and other.octets == self.octets

    def __hash__(self) -> int:
        """Consistent with equality."""
        return hash(self.octets)

    @property
    def attributes(self) -> tuple[tuple[int, bytes], ...]:
        """Type and value of each, in the order of the packet."""
        found, start = [], MIN_LENGTH
        while start < len(self.octets):
            end = start + self.octets[start + 1]
            found.append((self.octets[start], self.octets[start + 2 : end]))
            start = end
        return tuple(found)

    @property
    def by_type(self) -> Mapping[Kind, list[bytes]]:
        """The values of each type, in their order."""
        if self._by_type is None:
            self._by_type = _by_type(self.octets)
        return self._by_type

    def values(self, kind: int) -> list[bytes]:
        """The values of all attributes of one type, in their order."""
        by_type = self._by_type
        return (self.by_type if by_type is None else by_type).get(kind, [])


def read_packet(datagram: bytes) -> Packet:
    """Parse a datagram in one pass over its octets (RFC 2865 sections 3 and 5).

    Raises:
        Malformed: it is not a RADIUS packet and must be silently discarded.
    """
    if len(datagram) < MIN_LENGTH:
        raise Malformed(Fault.TOO_SHORT)
    head = _HEADER.unpack_from(datagram)
    end = head[2]
    if not MIN_LENGTH <= end <= MAX_LENGTH or end > len(datagram) or head[0] == 0:
        raise Malformed(_fault_of_header(end, len(datagram)))
    # RFC 2865 section 3: octets outside the range of Length are padding.
    octets = datagram[:end]
    first: dict[Kind, bytes] = {}
    count, signature, start = 0, 0, MIN_LENGTH
    # RFC 2865 section 5: attributes of type, length and value fill the packet exactly.
    try:
        while start < end:
            kind, size = octets[start], octets[start + 1]
            if size < 2:  # noqa: PLR2004 - type and length are part of it
                break
            if kind == _MESSAGE_AUTHENTICATOR:
                signature = start
            first[kind] = octets[start + 2 : (start := start + size)]
            count += 1
    except IndexError:  # cut off after the type
        start = MAX_LENGTH + 1
    if start != end or 0 in first or count > MAX_ATTRIBUTES:
        raise Malformed(_fault_of_attributes(octets))
    if count == len(first):
        return Packet(octets, head, first, signature)
    by_type = _by_type(octets)
    return Packet(octets, head, _first(by_type), signature, by_type)


def _by_type(octets: bytes) -> dict[Kind, list[bytes]]:
    """The values of each type, in their order."""
    by_type: dict[Kind, list[bytes]] = {}
    start = MIN_LENGTH
    while start < len(octets):
        end = start + octets[start + 1]
        by_type.setdefault(octets[start], []).append(octets[start + 2 : end])
        start = end
    return by_type


def _first(by_type: Mapping[Kind, Sequence[bytes]]) -> dict[Kind, bytes]:
    """The first value of each type that is not empty: others do not count (RFC 2865 section 5)."""
    return {kind: next(filter(None, found), b"") for kind, found in by_type.items()}


def _several(by_type: Mapping[Kind, list[bytes]]) -> dict[Kind, list[bytes]]:
    return {kind: found for kind, found in by_type.items() if len(found) > 1}


def _fault_of_header(length: int, received: int) -> Fault:
    """The fault: Length must be 20 to 4096 and no more than has arrived (RFC 2865 section 3)."""
    if length < MIN_LENGTH:
        return Fault.LENGTH_TOO_SMALL
    if length > MAX_LENGTH:
        return Fault.LENGTH_TOO_LARGE
    return Fault.TRUNCATED if length > received else Fault.CODE_ZERO


def _fault_of_attributes(octets: bytes) -> Fault:
    """The first fault in the attributes of a packet that has one."""
    start = MIN_LENGTH
    while start < len(octets):
        if start + 1 == len(octets):
            return Fault.ATTRIBUTE_OVERRUN
        kind, size = octets[start : start + 2]
        if kind == 0:
            return Fault.ATTRIBUTE_TYPE_ZERO
        if size < 2:  # noqa: PLR2004 - type and length are part of it
            return Fault.ATTRIBUTE_TOO_SHORT
        start += size
    return Fault.TOO_MANY_ATTRIBUTES if start == len(octets) else Fault.ATTRIBUTE_OVERRUN
