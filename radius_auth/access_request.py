"""What an Access-Request says: its attributes read as values of our own.

No codec is needed for that: the raw octets of each attribute come in, from whichever decoder
has taken the packet apart.
"""

from __future__ import annotations

import hashlib
import operator
from collections.abc import Container, Mapping
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from radius_auth.framing import Attribute, Frame
from radius_auth.passwords import Chap

Kind: TypeAlias = int | tuple[int, int]
"""An attribute's type, or vendor and type."""

Values: TypeAlias = Mapping[Kind, list[bytes]]
"""Raw values by attribute."""

_REPEATABLE: Final = {Attribute.REPLY_MESSAGE, Attribute.CLASS, Attribute.PROXY_STATE}
SINGLE_VALUED: Final = frozenset(Attribute) - _REPEATABLE - {Attribute.EAP_MESSAGE}
"""At most one of each in an Access-Request (RFC 2865 section 5.44, RFC 2869 section 5.19)."""

METHODS: Final = (Attribute.USER_PASSWORD, Attribute.CHAP_PASSWORD, Attribute.EAP_MESSAGE)

_MS_CHAP_RESPONSES: Final = ((311, 1), (311, 25))
"""MS-CHAP-Response and MS-CHAP2-Response (RFC 2548 section 2)."""

_PASSWORD_LENGTHS: Final = range(16, 129, 16)
_CHAP_PASSWORD_LENGTH: Final = 17

_VALID_LENGTHS: Final[Mapping[Kind, Container[int]]] = {
    Attribute.USER_PASSWORD: _PASSWORD_LENGTHS,  # RFC 2865 section 5.2
    Attribute.CHAP_PASSWORD: (_CHAP_PASSWORD_LENGTH,),  # section 5.3
    Attribute.CHAP_CHALLENGE: range(5, 254),  # section 5.40
}


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessRequest:
    """What an Access-Request says, as raw octets.

    The repr shows neither password nor User-Name, which may be a PIN.
    """

    identifier: int
    authenticator: bytes = field(repr=False)
    """16 octets."""

    user_name: bytes | None = field(repr=False)
    password: bytes | None = field(repr=False)
    """User-Password in clear, only its trailing NULs removed; None for another method."""

    chap: Chap | None
    eap: bool
    mschap: bool
    called_station_id: bytes | None
    calling_station_id: bytes | None
    nas_identifier: bytes | None
    service_type: int | None
    nas_port_type: int | None
    has_message_authenticator: bool
    proxy_states: tuple[bytes, ...] = field(repr=False)
    contradictory: bool
    """Two methods, a repeated attribute or a wrong length: to be rejected."""


def read_access_request(
    frame: Frame, values: Values, secret: bytes, fixed_lengths: Mapping[Kind, int]
) -> AccessRequest:
    """Read a verified Access-Request; whatever is wrong with it ends in ``contradictory``.

    Args:
        frame: the packet.
        values: its attributes.
        secret: what User-Password is hidden with.
        fixed_lengths: octets of each attribute that must have exactly so many.
    """
    return AccessRequest(
        identifier=frame.identifier,
        authenticator=frame.authenticator,
        user_name=_first(values, Attribute.USER_NAME),
        password=_read_password(values, frame.authenticator, secret),
        chap=_read_chap(values, frame.authenticator),
        eap=Attribute.EAP_MESSAGE in values,
        mschap=any(response in values for response in _MS_CHAP_RESPONSES),
        called_station_id=_first(values, Attribute.CALLED_STATION_ID),
        calling_station_id=_first(values, Attribute.CALLING_STATION_ID),
        nas_identifier=_first(values, Attribute.NAS_IDENTIFIER),
        service_type=_read_integer(values, Attribute.SERVICE_TYPE),
        nas_port_type=_read_integer(values, Attribute.NAS_PORT_TYPE),
        has_message_authenticator=Attribute.MESSAGE_AUTHENTICATOR in values,
        proxy_states=tuple(values.get(Attribute.PROXY_STATE, ())),
        contradictory=_contradicts_itself(values, fixed_lengths),
    )


def _first(values: Values, kind: Attribute) -> bytes | None:
    found = values.get(kind)
    return found[0] if found else None


def _read_integer(values: Values, kind: Attribute) -> int | None:
    value = _first(values, kind)
    return int.from_bytes(value) if value is not None and len(value) == 4 else None  # noqa: PLR2004


def _read_password(values: Values, authenticator: bytes, secret: bytes) -> bytes | None:
    r"""Decrypt User-Password (RFC 2865 section 5.2).

    pyrad's PwDecrypt drops octets that are not UTF-8: ``12\xff34`` would equal the PIN 1234.
    """
    hidden = _first(values, Attribute.USER_PASSWORD)
    if hidden is None or len(hidden) not in _PASSWORD_LENGTHS:
        return None
    clear, previous = bytearray(), authenticator
    for start in range(0, len(hidden), 16):
        block = hidden[start : start + 16]
        pad = hashlib.md5(secret + previous).digest()
        clear += bytes(map(operator.xor, block, pad))
        previous = block
    return bytes(clear.rstrip(b"\0"))


def _read_chap(values: Values, authenticator: bytes) -> Chap | None:
    """RFC 2865 section 5.3: CHAP-Password is an ident and a response of 16 octets."""
    password = _first(values, Attribute.CHAP_PASSWORD)
    if password is None or len(password) != _CHAP_PASSWORD_LENGTH:
        return None
    # RFC 2865 section 5.40: without CHAP-Challenge it is the Request Authenticator.
    challenge = _first(values, Attribute.CHAP_CHALLENGE)
    return Chap(
        ident=password[0],
        response=password[1:],
        challenge=authenticator if challenge is None else challenge,
    )


def _contradicts_itself(values: Values, fixed_lengths: Mapping[Kind, int]) -> bool:
    """RFC 2865 sections 4.1, 5 and 5.44: what an Access-Request must not contain."""
    if sum(method in values for method in METHODS) > 1:
        return True
    return any(
        (len(found) > 1 and kind in SINGLE_VALUED)
        or _has_invalid_length(kind, found, fixed_lengths)
        for kind, found in values.items()
    )


def _has_invalid_length(kind: Kind, found: list[bytes], fixed_lengths: Mapping[Kind, int]) -> bool:
    """RFC 2865 section 5: an invalid length SHOULD be answered by an Access-Reject."""
    valid = (fixed_lengths[kind],) if kind in fixed_lengths else _VALID_LENGTHS.get(kind)
    return valid is not None and any(len(value) not in valid for value in found)
