"""Reads the attributes of an Access-Request into one value, for both servers alike.

The input is the raw octets of each attribute, from a packet or from FreeRADIUS.  Only attributes
that the decision needs can make a request wrong (R22): NAS send odd and doubled attributes.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Final, TypeAlias

from nexio.input.addresses import email_key
from radius_auth.decision.devices import mac_of
from radius_auth.decision.passwords import Chap, Pap
from radius_auth.decision.request import Request, named
from radius_auth.decision.rules import ServiceType
from radius_auth.protocol.authenticators import secret_of
from radius_auth.protocol.packet import Attribute, Kind

if TYPE_CHECKING:
    from nexio.network.nas import Nas
    from radius_auth.decision.passwords import Password
    from radius_auth.protocol.packet import Packet
    from radius_auth.replica.nas_index import Client

First: TypeAlias = Mapping[Kind, bytes]
"""The first raw value of each attribute."""

Values: TypeAlias = Mapping[Kind, Sequence[bytes]]
"""All raw values by attribute, in the order of the packet."""

_MICROSOFT: Final = 311
MS_CHAP_RESPONSE: Final = (_MICROSOFT, 1)
MS_CHAP2_RESPONSE: Final = (_MICROSOFT, 25)
"""RFC 2548 section 2; no other attribute of a vendor matters."""

_USER_NAME, _USER_PASSWORD = int(Attribute.USER_NAME), int(Attribute.USER_PASSWORD)
_CHAP_PASSWORD, _CHAP_CHALLENGE = int(Attribute.CHAP_PASSWORD), int(Attribute.CHAP_CHALLENGE)
_EAP_MESSAGE, _VENDOR_SPECIFIC = int(Attribute.EAP_MESSAGE), int(Attribute.VENDOR_SPECIFIC)
_CALLED_STATION_ID, _NAS_IDENTIFIER = (
    int(Attribute.CALLED_STATION_ID),
    int(Attribute.NAS_IDENTIFIER),
)
_CALLING_STATION_ID = int(Attribute.CALLING_STATION_ID)
_SERVICE_TYPE, _NAS_PORT_TYPE = int(Attribute.SERVICE_TYPE), int(Attribute.NAS_PORT_TYPE)

_ONCE: Final[frozenset[Kind]] = frozenset(
    {_USER_PASSWORD, _CHAP_PASSWORD, MS_CHAP_RESPONSE, MS_CHAP2_RESPONSE}
)
"""Login methods of one attribute; EAP-Message may appear several times."""

_METHODS: Final = _ONCE | {_EAP_MESSAGE}
_OTHER_METHODS: Final = _METHODS - {_USER_PASSWORD}

_NONE: Final[Sequence[bytes]] = ()
_VENDOR_ID: Final = 4
_CHAP_PASSWORD_LENGTH: Final = 17
_SHORTEST_CHALLENGE: Final = 5
_INTEGER: Final = 4
_PASSWORD_BLOCK: Final = 16
_SERVICES: Final = frozenset(ServiceType)


def read_access_request(packet: Packet, client: Client) -> Request:
    """Read a verified Access-Request."""
    first: First = packet.first
    several: Values = packet.several
    if _VENDOR_SPECIFIC in first:
        first, several = first_and_several(with_microsoft(packet.by_type))
    elif several:
        first, several = first_and_several(packet.by_type)
    password = None
    if hidden := first.get(_USER_PASSWORD):
        password = Pap(reveal_password(hidden, packet.authenticator, client.secret))
    return request_of(first, several, password, packet.authenticator, client)


def request_of(
    first: First,
    several: Values,
    password: Pap | None,
    authenticator: bytes | None,
    client: Client | None,
) -> Request:
    """Build the request; anything wrong with it sets ``contradictory``.

    Args:
        first: the first value of each attribute; an empty one counts as absent.
        several: all values of those that appear more than once.  Nearly no NAS sends any, so
            they are checked only if there are some (``python -m benchmarks.path``).
        password: User-Password in clear, only its trailing NULs removed; None for another method.
        authenticator: the Request Authenticator, None if it is not known.
        client: the NAS of the address that it came from.
    """
    nas = None if client is None else client.only
    contradictory = False
    if client is not None and nas is None:
        nas, contradictory = _nas_of(client, first, several)
    proof: Password | None = password
    if password is None or not first.keys().isdisjoint(_OTHER_METHODS):
        proof = password or _read_chap(first, authenticator)
        contradictory = contradictory or _is_bad_chap(first, several) or _has_several_methods(first)
    get = first.get
    station, service, port = get(_CALLING_STATION_ID), get(_SERVICE_TYPE), get(_NAS_PORT_TYPE)
    if service and len(service) != _INTEGER:  # RFC 2865 section 5.6
        contradictory = True
    if several:
        contradictory = contradictory or _is_contradictory(several)
        station, port = _station(several, station), _port(several, port)
    fields = (
        nas,
        get(_USER_NAME, b""),
        proof,
        station or None,
        int.from_bytes(service) if service and len(service) == _INTEGER else None,
        int.from_bytes(port) if port and len(port) == _INTEGER else None,
        contradictory,
        get(_NAS_IDENTIFIER, b""),
    )
    return named(Request, fields)


def with_microsoft(by_type: Values) -> Values:
    """The attributes of a packet, Microsoft's by vendor and type; without other vendors'."""
    values: defaultdict[Kind, list[bytes]] = defaultdict(list)
    for kind, found in by_type.items():
        if kind != Attribute.VENDOR_SPECIFIC:
            values[kind] += found
    for value in by_type.get(Attribute.VENDOR_SPECIFIC, ()):
        if value.startswith(_MICROSOFT.to_bytes(4)):
            for type_, part in _parts_of(value):
                values[_MICROSOFT, type_].append(part)
    return values


def first_and_several(sent: Values) -> tuple[First, Values]:
    """The first value of each attribute, and all values of those that have more than one.

    RFC 2865 section 5: an attribute without a value does not count.  Only an empty EAP-Message
    means something: that a login begins (RFC 3579 section 2.1).
    """
    present = {
        kind: [value for value in found if value or kind == _EAP_MESSAGE]
        for kind, found in sent.items()
    }
    first = {kind: found[0] for kind, found in present.items() if found}
    return first, {kind: found for kind, found in present.items() if len(found) > 1}


def reveal_password(hidden: bytes, authenticator: bytes, secret: bytes) -> bytes:
    r"""Decrypt User-Password (RFC 2865 section 5.2), of whatever length, as FreeRADIUS does.

    pyrad's PwDecrypt drops octets that are not UTF-8: ``12\xff34`` would equal the PIN 1234.
    """
    md5 = secret_of(secret).start.copy()
    md5.update(authenticator)
    if len(hidden) == _PASSWORD_BLOCK:  # as nearly every one (``python -m benchmarks.path``)
        octets = int.from_bytes(hidden) ^ int.from_bytes(md5.digest())
        return octets.to_bytes(_PASSWORD_BLOCK).rstrip(b"\0")
    clear = b""
    for begin in range(0, len(hidden), _PASSWORD_BLOCK):
        block = hidden[begin : begin + _PASSWORD_BLOCK]
        pad = md5.digest()[: len(block)]  # RFC 2865 has whole blocks only
        clear += (int.from_bytes(block) ^ int.from_bytes(pad)).to_bytes(len(block))
        md5 = secret_of(secret).start.copy()
        md5.update(block)
    return clear.rstrip(b"\0")


def _parts_of(value: bytes) -> Sequence[tuple[int, bytes]]:
    """The sub-attributes of a Vendor-Specific, if they fill it exactly (RFC 2865 section 5.26)."""
    start, parts = _VENDOR_ID, []
    while start + 2 <= len(value) and value[start + 1] >= 2:  # noqa: PLR2004 - type and length
        end = start + value[start + 1]
        parts.append((value[start], value[start + 2 : end]))
        start = end
    return parts if start == len(value) else ()


def _nas_of(client: Client, first: First, several: Values) -> tuple[Nas | None, bool]:
    """The entry of the NAS, and whether SSIDs and NAS-Identifiers lead to several locations."""
    called, identifiers = (
        several.get(kind) or ([first[kind]] if first.get(kind) else ())
        for kind in (_CALLED_STATION_ID, _NAS_IDENTIFIER)
    )
    found = client.narrow_all(called, identifiers)
    return (found[0] if found else None), len(found) > 1


def _read_chap(first: First, authenticator: bytes | None) -> Chap | None:
    """Read CHAP-Password: an ident and a response of 16 octets (RFC 2865 section 5.3)."""
    password = first.get(_CHAP_PASSWORD, b"")
    # RFC 2865 section 5.40: without CHAP-Challenge, the Request Authenticator is the challenge.
    challenge = first.get(_CHAP_CHALLENGE) or authenticator
    if len(password) != _CHAP_PASSWORD_LENGTH or challenge is None:
        return None
    return Chap(password[0], password[1:], challenge)


def _is_bad_chap(first: First, several: Values) -> bool:
    """Whether CHAP cannot be read (RFC 2865 sections 5.3, 5.40), or has two challenges.

    RFC 2865 section 5: an invalid length SHOULD be answered by an Access-Reject.
    """
    password, challenge = first.get(_CHAP_PASSWORD), first.get(_CHAP_CHALLENGE)
    if not password:
        return False
    return (
        len(password) != _CHAP_PASSWORD_LENGTH
        or (challenge and len(challenge) < _SHORTEST_CHALLENGE)
        or len(set(several.get(_CHAP_CHALLENGE, _NONE))) > 1
    )


def _has_several_methods(first: First) -> bool:
    """Whether there are several login methods (RFC 2865 section 4.1, RFC 3579 section 3.3)."""
    if len(first.keys() & _METHODS) <= 1:
        return False
    return sum(bool(first.get(kind)) for kind in _ONCE) + (_EAP_MESSAGE in first) > 1


def _is_contradictory(several: Values) -> bool:
    """Whether attributes that appear more than once contradict, or must appear once."""
    services = several.get(_SERVICE_TYPE, _NONE)
    return (
        not several.keys().isdisjoint(_ONCE)
        or _differ(_key_of, several.get(_USER_NAME, _NONE))
        or _differ(mac_of, several.get(_CALLING_STATION_ID, _NONE))
        or any(len(each) != _INTEGER for each in services)
        or _differ(_service, services)
    )


def _differ(meaning: Callable[[bytes], object], found: Sequence[bytes]) -> bool:
    """Whether values have different meanings; None does not count."""
    return len(set(map(meaning, found)) - {None}) > 1


def _key_of(name: bytes) -> str:
    return email_key(name.decode("utf-8", "replace"))


def _service(value: bytes) -> int:
    """The service, 0 for all that a guest may ask for."""
    service = int.from_bytes(value)
    return service if service in _SERVICES else 0


def _station(several: Values, first: bytes | None) -> bytes | None:
    """The address of the device; of several values the one that is a MAC (R18)."""
    return next(filter(mac_of, several.get(_CALLING_STATION_ID, _NONE)), first)


def _port(several: Values, first: bytes | None) -> bytes | None:
    """NAS-Port-Type, None if its values differ: it is never proof by itself (R22)."""
    return first if len(set(several.get(_NAS_PORT_TYPE, _NONE))) <= 1 else None
