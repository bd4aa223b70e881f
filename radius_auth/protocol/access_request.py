"""What an Access-Request says: its attributes read as values of our own, for both servers alike.

The raw octets of each attribute come in, from a packet or from FreeRADIUS.  Only what the decision
needs can be wrong with a request (R22): NAS send odd and doubled attributes.
"""

from __future__ import annotations

import hashlib
import operator
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, TypeAlias

from nexio.input.addresses import email_key
from radius_auth.decision.decide import Request
from radius_auth.decision.devices import mac_of
from radius_auth.decision.passwords import Chap, Pap
from radius_auth.decision.rules import ServiceType
from radius_auth.protocol.authenticators import Distrust, check_message_authenticator
from radius_auth.protocol.framing import Attribute, Code, Discarded, Frame

if TYPE_CHECKING:
    from radius_auth.decision.passwords import Password
    from radius_auth.replica.nas_index import Client

Kind: TypeAlias = int | tuple[int, int]
"""An attribute's type, or vendor and type."""

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

_VENDOR_ID: Final = 4
_CHAP_PASSWORD_LENGTH: Final = 17
_SHORTEST_CHALLENGE: Final = 5
_INTEGER: Final = 4
_SERVICES: Final = frozenset(ServiceType)


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessRequest:
    """What an Access-Request says, as raw octets.

    Of an attribute that came twice the first counts.  The repr shows neither password nor
    User-Name, which may be a PIN.
    """

    user_name: bytes | None = field(repr=False)
    password: bytes | None = field(repr=False)
    """User-Password in clear, only its trailing NULs removed; None for another method."""

    chap: Chap | None
    eap: bool
    mschap: bool
    called_station_ids: tuple[bytes, ...]
    calling_station_id: bytes | None
    nas_identifiers: tuple[bytes, ...]
    service_type: int | None
    nas_port_type: int | None
    contradictory: bool
    """Two methods; a wrong length or two values of what the decision needs: to be rejected."""

    def ask(self, client: Client | None) -> Request:
        """What is to be decided.

        Args:
            client: the NAS of the address that it came from.
        """
        found = (
            ()
            if client is None
            else client.narrow_all(self.called_station_ids, self.nas_identifiers)
        )
        return Request(
            nas=found[0] if found else None,
            user_name=self.user_name or b"",
            password=self._proof(),
            calling_station=self.calling_station_id,
            service_type=self.service_type,
            nas_port_type=self.nas_port_type,
            contradictory=self.contradictory or len(found) > 1,
            nas_identifier=next(iter(self.nas_identifiers), b""),
        )

    def _proof(self) -> Password | None:
        return self.chap if self.password is None else Pap(self.password)


def read_request(frame: Frame, client: Client) -> Request:
    """Verify an Access-Request, and read what is to be decided.

    Raises:
        Discarded: as in :func:`decode_access_request`.
    """
    return decode_access_request(frame, client.secret).ask(client)


def decode_access_request(frame: Frame, secret: bytes) -> AccessRequest:
    """Verify and read an Access-Request.

    Whatever is wrong with its contents ends in ``contradictory``, never in an exception.

    Raises:
        Discarded: another code, or see :func:`check_message_authenticator`.
    """
    # RFC 2865 section 3: a packet with an invalid code is silently discarded.
    if frame.code != Code.ACCESS_REQUEST:
        raise Discarded(Distrust.UNEXPECTED_CODE)
    check_message_authenticator(frame, secret)
    sent = with_microsoft(frame.by_type)
    hidden = next(filter(None, sent.get(Attribute.USER_PASSWORD, ())), None)
    clear = None if hidden is None else reveal_password(hidden, frame.authenticator, secret)
    return read_access_request(sent, clear, frame.authenticator)


def with_microsoft(by_type: Mapping[int, Sequence[bytes]]) -> Values:
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


def _parts_of(value: bytes) -> Sequence[tuple[int, bytes]]:
    """RFC 2865 section 5.26: what a Vendor-Specific holds; nothing where that does not fill it."""
    start, parts = _VENDOR_ID, []
    while start + 2 <= len(value) and value[start + 1] >= 2:  # noqa: PLR2004 - type and length
        end = start + value[start + 1]
        parts.append((value[start], value[start + 2 : end]))
        start = end
    return parts if start == len(value) else ()


def read_access_request(
    sent: Values, password: bytes | None, authenticator: bytes | None
) -> AccessRequest:
    """Read a verified Access-Request; whatever is wrong with it ends in ``contradictory``.

    Args:
        sent: its attributes.
        password: User-Password in clear.
        authenticator: the Request Authenticator, None where it is not known.
    """
    values = _without_empty(sent)

    def first(kind: Kind) -> bytes | None:
        found = values.get(kind)
        return found[0] if found else None

    return AccessRequest(
        user_name=first(Attribute.USER_NAME),
        password=password,
        chap=_read_chap(first, authenticator),
        eap=bool(values.get(Attribute.EAP_MESSAGE)),
        mschap=bool(values.get(MS_CHAP_RESPONSE) or values.get(MS_CHAP2_RESPONSE)),
        called_station_ids=tuple(values.get(Attribute.CALLED_STATION_ID, ())),
        calling_station_id=_station(values.get(Attribute.CALLING_STATION_ID, ())),
        nas_identifiers=tuple(values.get(Attribute.NAS_IDENTIFIER, ())),
        service_type=_integer(first(Attribute.SERVICE_TYPE)),
        nas_port_type=_port_type(values.get(Attribute.NAS_PORT_TYPE, ())),
        contradictory=_has_several_methods(values) or _contradicts_itself(values),
    )


def _without_empty(sent: Values) -> Values:
    """RFC 2865 section 5: an attribute without a value is none.

    EAP-Message alone says something without any: that a login begins (RFC 3579 section 2.1).
    """
    if all(map(all, sent.values())):
        return sent
    return {
        kind: [value for value in found if value or kind == Attribute.EAP_MESSAGE]
        for kind, found in sent.items()
    }


def reveal_password(hidden: bytes, authenticator: bytes, secret: bytes) -> bytes:
    r"""Decrypt User-Password (RFC 2865 section 5.2), of whatever length, as FreeRADIUS does.

    pyrad's PwDecrypt drops octets that are not UTF-8: ``12\xff34`` would equal the PIN 1234.
    """
    clear, previous = bytearray(), authenticator
    for start in range(0, len(hidden), 16):
        block = hidden[start : start + 16]
        pad = hashlib.md5(secret + previous).digest()
        clear += bytes(map(operator.xor, block, pad))
        previous = block
    return bytes(clear.rstrip(b"\0"))


def _read_chap(first: Callable[[Kind], bytes | None], authenticator: bytes | None) -> Chap | None:
    """RFC 2865 section 5.3: CHAP-Password is an ident and a response of 16 octets."""
    password = first(Attribute.CHAP_PASSWORD)
    # RFC 2865 section 5.40: without CHAP-Challenge it is the Request Authenticator.
    challenge = first(Attribute.CHAP_CHALLENGE) or authenticator
    if password is None or len(password) != _CHAP_PASSWORD_LENGTH or challenge is None:
        return None
    return Chap(ident=password[0], response=password[1:], challenge=challenge)


def _integer(value: bytes | None) -> int | None:
    return int.from_bytes(value) if value is not None and len(value) == _INTEGER else None


def _port_type(values: Sequence[bytes]) -> int | None:
    """None also where it is not said clearly: it is never proof by itself (R22)."""
    said = {_integer(value) for value in values}
    return said.pop() if len(said) == 1 else None


def _station(values: Sequence[bytes]) -> bytes | None:
    """The device's address; of several values the one that is a MAC (R18)."""
    return next((value for value in values if mac_of(value)), values[0] if values else None)


def _has_several_methods(values: Values) -> bool:
    """RFC 2865 section 4.1, RFC 3579 section 3.3; of EAP-Message there may be several."""
    methods = [kind for kind in METHODS if values.get(kind)]
    return len(methods) > 1 or any(
        len(values[kind]) > 1 for kind in methods if kind != Attribute.EAP_MESSAGE
    )


def _contradicts_itself(values: Values) -> bool:
    """Whether something that the decision needs cannot be read, or is said in two ways.

    RFC 2865 section 5: an invalid length SHOULD be answered by an Access-Reject.  For
    Called-Station-Id and NAS-Identifier see :meth:`AccessRequest.ask`.
    """
    return any(
        not all(map(valid, found)) or _differ(meaning, found)
        for kind, meaning, valid in _NEEDED
        if (found := values.get(kind))
        and (kind != Attribute.CHAP_CHALLENGE or values.get(Attribute.CHAP_PASSWORD))
    )


def _differ(meaning: Callable[[bytes], object], found: Sequence[bytes]) -> bool:
    """Whether several values mean different things; None means nothing."""
    return len(found) > 1 and len(set(map(meaning, found)) - {None}) > 1


def _service(value: bytes) -> int:
    """The service, 0 for all that are a guest's."""
    service = _integer(value)
    return service if service in _SERVICES else 0


def _anything(_: bytes) -> bool:
    return True


_NEEDED: Final[tuple[tuple[Kind, Callable[[bytes], object], Callable[[bytes], bool]], ...]] = (
    (Attribute.USER_NAME, lambda name: email_key(name.decode("utf-8", "replace")), _anything),
    (Attribute.CALLING_STATION_ID, mac_of, _anything),
    (Attribute.SERVICE_TYPE, _service, lambda value: len(value) == _INTEGER),
    (Attribute.CHAP_PASSWORD, bytes, lambda value: len(value) == _CHAP_PASSWORD_LENGTH),
    (Attribute.CHAP_CHALLENGE, bytes, lambda value: len(value) >= _SHORTEST_CHALLENGE),
)
"""Attribute, what it means, and whether it can be read (RFC 2865 sections 5.3, 5.6, 5.40)."""
