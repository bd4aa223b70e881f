"""Reads requests as FreeRADIUS hands them to Python: pairs of name and value, all text.

Octets arrive as ``0x…``, and numbers that have a name as that name, in the order of the packet.
FreeRADIUS's own attributes (``Tmp-…``), which no packet can contain, carry what our configuration
sets.  Text that is not UTF-8 would fail the whole call, so such a request has its text in them,
in hexadecimal.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

from radius_auth.decision.passwords import Pap
from radius_auth.decision.request import Request, named
from radius_auth.decision.rules import VIRTUAL_PORT, ServiceType
from radius_auth.protocol.access_request import (
    MS_CHAP2_RESPONSE,
    MS_CHAP_RESPONSE,
    First,
    first_and_several,
    request_of,
)
from radius_auth.protocol.access_request import Values as RawValues
from radius_auth.protocol.packet import Attribute, Kind

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from radius_auth.replica.nas_index import Client

Pairs: TypeAlias = tuple[tuple[str, str], ...]
Updates: TypeAlias = tuple[tuple[str, str, str], ...]
"""Name, operator and value."""


class Values(NamedTuple):
    """The values of a call by their names, in the order of the packet.

    The repr shows none of them: passwords are among them.
    """

    first: Mapping[str, str]
    """The first value of each name."""

    several: Mapping[str, list[str]]
    """All values of those that appear more than once."""

    def __repr__(self) -> str:
        """Show nothing that could be a PIN."""
        return "Values()"

    def all(self) -> Iterator[tuple[str, list[str]]]:
        """Each name with all of its values."""
        several = self.several
        return ((name, several.get(name) or [value]) for name, value in self.first.items())


SENDER: Final = "Tmp-String-0"
"""The address that the packet came from."""

STAGE: Final = "Tmp-String-1"
"""The stage of the request, see ``radius_auth.plugin.calls.Stage``."""

NOTE: Final = "Tmp-String-2"
"""The number of the login that an earlier call stored; or ``LOGGED``."""

LOGGED: Final = "logged"
"""The reject is in the log, and has its Reply-Message: FreeRADIUS need not call again."""

PROVEN: Final = "Tmp-String-3"
"""The number of a login whose PIN was proven to be right."""

REPLIED: Final = ("Session-Timeout", "Class")
DECIDED: Final = ("Tmp-Integer-2", "Tmp-Octets-0")
"""Attributes that hold an accept until ``post-auth`` puts it into the reply."""

TEXTS: Final = {
    Attribute.USER_PASSWORD: ("User-Password", "Tmp-String-4"),
    Attribute.USER_NAME: ("User-Name", "Tmp-String-5"),
    Attribute.CALLED_STATION_ID: ("Called-Station-Id", "Tmp-String-6"),
    Attribute.CALLING_STATION_ID: ("Calling-Station-Id", "Tmp-String-7"),
    Attribute.NAS_IDENTIFIER: ("NAS-Identifier", "Tmp-String-8"),
}
"""The name of the text, and of its hexadecimal form with ``=`` before it; see ``policy.d``."""

_SERVICE_TYPES: Final[Mapping[str, int]] = {
    "Callback-Login-User": ServiceType.CALLBACK_LOGIN,
    "Callback-Framed-User": ServiceType.CALLBACK_FRAMED,
    "Administrative-User": ServiceType.ADMINISTRATIVE,
    "NAS-Prompt-User": ServiceType.NAS_PROMPT,
    "Callback-NAS-Prompt": ServiceType.CALLBACK_NAS_PROMPT,
    "Call-Check": ServiceType.CALL_CHECK,
    "Callback-Administrative": ServiceType.CALLBACK_ADMINISTRATIVE,
}
"""The services that matter, by their names in FreeRADIUS's dictionary."""

_SERVICE_NUMBERS: Final = {name: int(number) for name, number in _SERVICE_TYPES.items()}
_VIRTUAL: Final = "Virtual"


def octets(digits: str) -> bytes:
    """The octets of ``0x…``; empty if the digits are not hexadecimal."""
    try:
        return bytes.fromhex(digits.removeprefix("0x"))
    except ValueError:
        return b""


def _service(name: str) -> bytes:
    return _SERVICE_TYPES.get(name, 0).to_bytes(4)


def _port_type(name: str) -> bytes:
    return (VIRTUAL_PORT if name == _VIRTUAL else 0).to_bytes(4)


_READ: Final[Mapping[str, tuple[Kind, Callable[[str], bytes]]]] = {
    **{name: (int(kind), str.encode) for kind, (name, _) in TEXTS.items()},
    "CHAP-Password": (int(Attribute.CHAP_PASSWORD), octets),
    "CHAP-Challenge": (int(Attribute.CHAP_CHALLENGE), octets),
    # FreeRADIUS reads these three itself: only their presence matters.
    "EAP-Message": (int(Attribute.EAP_MESSAGE), str.encode),
    "MS-CHAP-Response": (MS_CHAP_RESPONSE, str.encode),
    "MS-CHAP2-Response": (MS_CHAP2_RESPONSE, str.encode),
    "Service-Type": (int(Attribute.SERVICE_TYPE), _service),
    "NAS-Port-Type": (int(Attribute.NAS_PORT_TYPE), _port_type),
}
"""How to read each attribute."""

_READ_INSTEAD: Final[Mapping[str, tuple[Kind, Callable[[str], bytes]]]] = {
    **{name: (int(kind), lambda text: octets(text)[1:]) for kind, (_, name) in TEXTS.items()},
    # A Service-Type of a wrong length has no name in FreeRADIUS.
    f"Attr-{Attribute.SERVICE_TYPE}": (int(Attribute.SERVICE_TYPE), octets),
}
"""Attributes that replace those, if they are present."""

VERIFIED_BY_FREERADIUS: Final = frozenset({"EAP-Message", "MS-CHAP-Response", "MS-CHAP2-Response"})
"""Methods whose password we never see."""

_UNUSUAL: Final = VERIFIED_BY_FREERADIUS | {"CHAP-Password", *_READ_INSTEAD}
"""Attributes that a login by PAP does not have."""

_NONE: Final[Mapping[str, list[str]]] = {}
_PASSWORD: Final = int(Attribute.USER_PASSWORD)
_READ_PASSWORD: Final = b"in clear by now"
_MAY_BE_EMPTY: Final[frozenset[Kind]] = frozenset({_PASSWORD, int(Attribute.EAP_MESSAGE)})
"""Attributes that count even if empty: an empty password is a password (for EAP-Message: RFC 3579
section 2.1)."""


def by_name(pairs: Pairs) -> Values:
    """The values of a call by their names."""
    first = dict(pairs)
    if len(first) == len(pairs):  # as in nearly every request
        return named(Values, (first, _NONE))
    every: dict[str, list[str]] = {}
    for name, value in pairs:
        every.setdefault(name, []).append(value)
    return Values(
        {name: found[0] for name, found in every.items()},
        {name: found for name, found in every.items() if len(found) > 1},
    )


def read_request(values: Values, client: Client | None) -> Request:
    """Read an Access-Request.

    Args:
        values: see :func:`by_name`.
        client: the NAS of the address that it came from.
    """
    nas = None if client is None else client.only
    if nas is None or values.several or not _UNUSUAL.isdisjoint(values.first):
        return read_any_request(values, client)
    find = values.first.get
    password = find("User-Password")
    if password is None:
        return read_any_request(values, client)
    # PAP at a NAS that is known by its address, as nearly every login: nothing can contradict.
    station, service, port = find("Calling-Station-Id"), find("Service-Type"), find("NAS-Port-Type")
    fields = (
        nas,
        find("User-Name", "").encode(),
        Pap(password.encode()),
        station.encode() if station else None,
        None if service is None else _SERVICE_NUMBERS.get(service, 0),
        None if port is None else (VIRTUAL_PORT if port == _VIRTUAL else 0),
        False,
        find("NAS-Identifier", "").encode(),
    )
    return named(Request, fields)


def read_any_request(values: Values, client: Client | None) -> Request:
    """The same for any request, which takes longer."""
    first, several, password = _read(values)
    return request_of(first, several, password, None, client)


def _read(values: Values) -> tuple[First, RawValues, Pap | None]:
    if values.several or not _READ_INSTEAD.keys().isdisjoint(values.first):
        return _read_all(values)
    sent: dict[Kind, bytes] = {}
    for name, value in values.first.items():
        if name in _READ:
            kind, read = _READ[name]
            raw = read(value)
            if raw or kind in _MAY_BE_EMPTY:  # RFC 2865 section 5: other empty ones do not count
                sent[kind] = raw
    password = None
    if _PASSWORD in sent:
        password = Pap(sent[_PASSWORD])
        sent[_PASSWORD] = _READ_PASSWORD
    return sent, {}, password


def _read_all(values: Values) -> tuple[First, RawValues, Pap | None]:
    """The same if something appears more than once, or as octets."""
    sent: dict[Kind, list[bytes]] = {}
    for readers in (_READ, _READ_INSTEAD):
        for name, found in values.all():
            if name in readers:
                kind, read = readers[name]
                sent[kind] = list(map(read, found))
    password = None
    if passwords := sent.get(_PASSWORD):  # also an empty one is a password
        password = Pap(passwords[0])
        sent[_PASSWORD] = [_READ_PASSWORD] * len(passwords)
    return (*first_and_several(sent), password)


def as_updates(attributes: Iterable[tuple[str, str | int | bytes]]) -> Updates:
    """Values as FreeRADIUS takes them from Python: text, octets as ``0x…``.

    Each replaces the present value: without an operator FreeRADIUS would not change it.
    """
    return tuple((name, ":=", _written(value)) for name, value in attributes)


def _written(value: str | int | bytes) -> str:
    if isinstance(value, bytes):
        return f"0x{value.hex()}"
    # FreeRADIUS reads it as text between double quotes.
    return str(value).replace("\\", "\\\\")
