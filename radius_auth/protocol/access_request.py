"""What an Access-Request asks: its attributes read as one value, for both servers alike.

The raw octets of each attribute come in, from a packet or from FreeRADIUS.  Only what the decision
needs can be wrong with a request (R22): NAS send odd and doubled attributes.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Final, TypeAlias

from nexio.input.addresses import email_key
from radius_auth.decision.devices import mac_of
from radius_auth.decision.passwords import Chap, Pap
from radius_auth.decision.request import Request
from radius_auth.decision.rules import ServiceType
from radius_auth.protocol.authenticators import secret_of
from radius_auth.protocol.packet import Attribute, Kind

if TYPE_CHECKING:
    from nexio.network.nas import Nas
    from radius_auth.decision.passwords import Password
    from radius_auth.protocol.packet import Packet
    from radius_auth.replica.nas_index import Client

Values: TypeAlias = Mapping[Kind, Sequence[bytes]]
"""Raw values by attribute, in the order of the packet."""

_MICROSOFT: Final = 311
MS_CHAP_RESPONSE: Final = (_MICROSOFT, 1)
MS_CHAP2_RESPONSE: Final = (_MICROSOFT, 25)
"""RFC 2548 section 2; no other attribute of a vendor says something."""

METHODS: Final[tuple[Kind, ...]] = (
    Attribute.USER_PASSWORD,
    Attribute.CHAP_PASSWORD,
    MS_CHAP_RESPONSE,
    MS_CHAP2_RESPONSE,
    Attribute.EAP_MESSAGE,
)
_OTHER_METHODS: Final = frozenset(METHODS) - {Attribute.USER_PASSWORD}

_OF_ODD_REQUESTS: Final = frozenset(map(int, (Attribute.VENDOR_SPECIFIC, Attribute.EAP_MESSAGE)))
"""What may hold another method."""

_USER_NAME, _USER_PASSWORD = int(Attribute.USER_NAME), int(Attribute.USER_PASSWORD)
_CHAP_PASSWORD, _CHAP_CHALLENGE = int(Attribute.CHAP_PASSWORD), int(Attribute.CHAP_CHALLENGE)
_EAP_MESSAGE, _VENDOR_SPECIFIC = int(Attribute.EAP_MESSAGE), int(Attribute.VENDOR_SPECIFIC)
_CALLED_STATION_ID, _NAS_IDENTIFIER = (
    int(Attribute.CALLED_STATION_ID),
    int(Attribute.NAS_IDENTIFIER),
)
_CALLING_STATION_ID = int(Attribute.CALLING_STATION_ID)
_SERVICE_TYPE, _NAS_PORT_TYPE = int(Attribute.SERVICE_TYPE), int(Attribute.NAS_PORT_TYPE)

_NONE: Final[Sequence[bytes]] = ()
_VENDOR_ID: Final = 4
_CHAP_PASSWORD_LENGTH: Final = 17
_SHORTEST_CHALLENGE: Final = 5
_INTEGER: Final = 4
_PASSWORD_BLOCK: Final = 16
_SERVICES: Final = frozenset(ServiceType)


def read_access_request(packet: Packet, client: Client) -> Request:
    """Read what a verified Access-Request asks."""
    if packet.is_plain and (request := _read_plain(packet, client)) is not None:
        return request
    sent: Values = packet.by_type
    if _VENDOR_SPECIFIC in sent:
        sent = with_microsoft(sent)
    sent = without_empty(sent)
    password = None
    if hidden := sent.get(_USER_PASSWORD):
        password = Pap(reveal_password(hidden[0], packet.authenticator, client.secret))
    return request_of(sent, password, packet.authenticator, client)


def _read_plain(packet: Packet, client: Client) -> Request | None:
    """The same as :func:`request_of` makes, where nothing can be contradictory.

    Nearly all NAS send each attribute once, and one method.  Then what is needed is cut out of the
    octets, and nothing has to be compared (``python -m benchmarks.path``).
    """
    starts, octets, nas = packet.starts, packet.octets, client.only
    if nas is None or not starts.keys().isdisjoint(_OF_ODD_REQUESTS):
        return None
    proof = _proof_of(packet, client)
    service = None
    if at := starts.get(_SERVICE_TYPE):
        service = _integer(octets[at + 2 : at + octets[at + 1]])
        if service is None:
            return None
    if proof is None:
        return None
    at = starts.get(_USER_NAME)
    name = octets[at + 2 : at + octets[at + 1]] if at else b""
    at = starts.get(_CALLING_STATION_ID)
    station = octets[at + 2 : at + octets[at + 1]] if at else None
    at = starts.get(_NAS_PORT_TYPE)
    port = _integer(octets[at + 2 : at + octets[at + 1]]) if at else None
    at = starts.get(_NAS_IDENTIFIER)
    identifier = octets[at + 2 : at + octets[at + 1]] if at else b""
    return Request(nas, name, proof, station, service, port, False, identifier)  # noqa: FBT003


def _proof_of(packet: Packet, client: Client) -> Password | None:
    """The password of a plain packet; None where there is none, or something is odd with it."""
    starts, octets = packet.starts, packet.octets
    if at := starts.get(_USER_PASSWORD):
        hidden = octets[at + 2 : at + octets[at + 1]]
        clear = reveal_password(hidden, packet.authenticator, client.secret)
        return None if _CHAP_PASSWORD in starts else Pap(clear)
    at, challenge = starts.get(_CHAP_PASSWORD), packet.authenticator
    if at is None or octets[at + 1] != 2 + _CHAP_PASSWORD_LENGTH:
        return None
    if begin := starts.get(_CHAP_CHALLENGE):
        challenge = octets[begin + 2 : begin + octets[begin + 1]]
    if len(challenge) < _SHORTEST_CHALLENGE:
        return None
    return Chap(octets[at + 2], octets[at + 3 : at + octets[at + 1]], challenge)


def request_of(
    values: Values, password: Pap | None, authenticator: bytes | None, client: Client | None
) -> Request:
    """What is asked; whatever is wrong with it ends in ``contradictory``.

    Of an attribute that came twice the first counts.

    Args:
        values: its attributes, without those that say nothing.
        password: User-Password in clear, only its trailing NULs removed; None for another method.
        authenticator: the Request Authenticator, None where it is not known.
        client: the NAS of the address that it came from.
    """
    get = values.get
    names, stations = get(_USER_NAME, _NONE), get(_CALLING_STATION_ID, _NONE)
    services, ports = get(_SERVICE_TYPE, _NONE), get(_NAS_PORT_TYPE, _NONE)
    identifiers = get(_NAS_IDENTIFIER, _NONE)
    nas: Nas | None
    if client is not None and client.only is not None:
        nas, is_one = client.only, True
    else:
        nas, is_one = _nas_of(client, get(_CALLED_STATION_ID, _NONE), identifiers)
    contradictory = (
        not is_one
        or (len(names) > 1 and _differ(_key_of, names))
        or (len(stations) > 1 and _differ(mac_of, stations))
        or (len(services) > 0 and _is_unclear(services))
    )
    proof: Password | None = password
    if password is None or not values.keys().isdisjoint(_OTHER_METHODS):
        proof = password or _read_chap(values, authenticator)
        contradictory = contradictory or _is_bad_chap(values) or _has_several_methods(values)
    elif len(values[_USER_PASSWORD]) > 1:
        contradictory = True
    return Request(
        nas,
        names[0] if names else b"",
        proof,
        _station(stations) if stations else None,
        _integer(services[0]) if services else None,
        _port_type(ports) if ports else None,
        contradictory,
        identifiers[0] if identifiers else b"",
    )


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


def without_empty(sent: Values) -> Values:
    """RFC 2865 section 5: an attribute without a value is none.

    EAP-Message alone says something without any: that a login begins (RFC 3579 section 2.1).
    """
    return {
        kind: said
        for kind, found in sent.items()
        if (said := [value for value in found if value or kind == _EAP_MESSAGE])
    }


def reveal_password(hidden: bytes, authenticator: bytes, secret: bytes) -> bytes:
    r"""Decrypt User-Password (RFC 2865 section 5.2), of whatever length, as FreeRADIUS does.

    pyrad's PwDecrypt drops octets that are not UTF-8: ``12\xff34`` would equal the PIN 1234.
    """
    start, clear, previous = secret_of(secret).start, b"", authenticator
    for begin in range(0, len(hidden), _PASSWORD_BLOCK):
        block = hidden[begin : begin + _PASSWORD_BLOCK]
        md5 = start.copy()
        md5.update(previous)
        pad = md5.digest()[: len(block)]  # RFC 2865 has whole blocks only
        clear += (int.from_bytes(block) ^ int.from_bytes(pad)).to_bytes(len(block))
        previous = block
    return clear.rstrip(b"\0")


def _parts_of(value: bytes) -> Sequence[tuple[int, bytes]]:
    """RFC 2865 section 5.26: what a Vendor-Specific holds; nothing where that does not fill it."""
    start, parts = _VENDOR_ID, []
    while start + 2 <= len(value) and value[start + 1] >= 2:  # noqa: PLR2004 - type and length
        end = start + value[start + 1]
        parts.append((value[start], value[start + 2 : end]))
        start = end
    return parts if start == len(value) else ()


def _nas_of(
    client: Client | None, called: Sequence[bytes], identifiers: Sequence[bytes]
) -> tuple[Nas | None, bool]:
    """The entry of the NAS, and whether the SSIDs and NAS-Identifiers lead to one location."""
    if client is None:
        return None, True
    found = client.narrow_all(called, identifiers)
    return (found[0] if found else None), len(found) <= 1


def _read_chap(values: Values, authenticator: bytes | None) -> Chap | None:
    """RFC 2865 section 5.3: CHAP-Password is an ident and a response of 16 octets."""
    password = values.get(_CHAP_PASSWORD, _NONE)
    # RFC 2865 section 5.40: without CHAP-Challenge it is the Request Authenticator.
    challenge = next(iter(values.get(_CHAP_CHALLENGE, _NONE)), authenticator)
    if not password or len(password[0]) != _CHAP_PASSWORD_LENGTH or challenge is None:
        return None
    return Chap(password[0][0], password[0][1:], challenge)


def _integer(value: bytes) -> int | None:
    return int.from_bytes(value) if len(value) == _INTEGER else None


def _port_type(values: Sequence[bytes]) -> int | None:
    """None also where it is not said clearly: it is never proof by itself (R22)."""
    said = _integer(values[0])
    return (
        said if len(values) == 1 or all(_integer(value) == said for value in values[1:]) else None
    )


def _station(values: Sequence[bytes]) -> bytes:
    """The device's address; of several values the one that is a MAC (R18)."""
    if len(values) == 1:
        return values[0]
    return next(filter(mac_of, values), values[0])


def _has_several_methods(values: Values) -> bool:
    """RFC 2865 section 4.1, RFC 3579 section 3.3; of EAP-Message there may be several."""
    methods = [kind for kind in METHODS if values.get(kind)]
    return len(methods) > 1 or any(
        len(values[kind]) > 1 for kind in methods if kind != Attribute.EAP_MESSAGE
    )


def _is_bad_chap(values: Values) -> bool:
    """Whether CHAP cannot be read (RFC 2865 sections 5.3, 5.40), or has two challenges.

    RFC 2865 section 5: an invalid length SHOULD be answered by an Access-Reject.
    """
    passwords = values.get(_CHAP_PASSWORD, _NONE)
    if not passwords:
        return False
    challenges = values.get(_CHAP_CHALLENGE, _NONE)
    return (
        any(len(each) != _CHAP_PASSWORD_LENGTH for each in passwords)
        or any(len(each) < _SHORTEST_CHALLENGE for each in challenges)
        or len(set(challenges)) > 1
    )


def _is_unclear(services: Sequence[bytes]) -> bool:
    """Whether a Service-Type cannot be read (RFC 2865 section 5.6), or two are not the same."""
    if len(services) == 1:
        return len(services[0]) != _INTEGER
    return any(len(each) != _INTEGER for each in services) or _differ(_service, services)


def _differ(meaning: Callable[[bytes], object], found: Sequence[bytes]) -> bool:
    """Whether several values mean different things; None means nothing."""
    return len(set(map(meaning, found)) - {None}) > 1


def _key_of(name: bytes) -> str:
    return email_key(name.decode("utf-8", "replace"))


def _service(value: bytes) -> int:
    """The service, 0 for all that are a guest's."""
    service = int.from_bytes(value)
    return service if service in _SERVICES else 0
