"""An Access-Request as FreeRADIUS hands it to Python: pairs of name and value, all text.

Octets arrive as ``0x…``, numbers that have a name as that name, in the order of the packet.
Attributes of FreeRADIUS's own (``Tmp-…``), which no packet can hold, carry what our
configuration tells us; among that the text that a guest or an access point has chosen, in
hexadecimal, because one value that is not UTF-8 would fail the whole call.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, TypeAlias

from radius_auth.decision.passwords import Pap
from radius_auth.decision.rules import VIRTUAL_PORT, ServiceType
from radius_auth.protocol.access_request import (
    MS_CHAP2_RESPONSE,
    MS_CHAP_RESPONSE,
    request_of,
    without_empty,
)
from radius_auth.protocol.packet import Attribute, Kind

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from radius_auth.decision.decide import Request
    from radius_auth.replica.nas_index import Client

Pairs: TypeAlias = tuple[tuple[str, str], ...]
Updates: TypeAlias = tuple[tuple[str, str, str], ...]
"""Name, operator and value."""

CLIENT: Final = "Tmp-String-0"
"""The address that the packet came from."""

STAGE: Final = "Tmp-String-1"
"""Where FreeRADIUS is with it, see ``radius_auth.plugin.calls.Stage``."""

NOTE: Final = "Tmp-String-2"
"""What an earlier call left: a reason, or whose PIN FreeRADIUS is to hold against a response."""

PROVEN: Final = "Tmp-String-3"
"""The visit whose PIN has been proven to be right."""

HANDED_OVER: Final = {
    Attribute.USER_PASSWORD: "Tmp-String-4",
    Attribute.USER_NAME: "Tmp-String-5",
    Attribute.CALLED_STATION_ID: "Tmp-String-6",
    Attribute.CALLING_STATION_ID: "Tmp-String-7",
    Attribute.NAS_IDENTIFIER: "Tmp-String-8",
}
"""Text that may be none: where it is in hexadecimal, with ``=`` before it; see ``policy.d``."""

REPLIED: Final = ("Session-Timeout", "Class")
DECIDED: Final = ("Tmp-Integer-2", "Tmp-Octets-0")
"""Where an accept waits for ``post-auth``, which puts it into the reply."""

_SERVICE_TYPES: Final[Mapping[str, int]] = {
    "Callback-Login-User": ServiceType.CALLBACK_LOGIN,
    "Callback-Framed-User": ServiceType.CALLBACK_FRAMED,
    "Administrative-User": ServiceType.ADMINISTRATIVE,
    "NAS-Prompt-User": ServiceType.NAS_PROMPT,
    "Callback-NAS-Prompt": ServiceType.CALLBACK_NAS_PROMPT,
    "Call-Check": ServiceType.CALL_CHECK,
    "Callback-Administrative": ServiceType.CALLBACK_ADMINISTRATIVE,
}
"""Those that decide something, by their names in FreeRADIUS's dictionary."""


def name_of(attribute: Attribute) -> str:
    """What FreeRADIUS calls an attribute."""
    return "-".join(_WORDS.get(word, word.title()) for word in attribute.name.split("_"))


_WORDS: Final = {word: word for word in ("CHAP", "EAP", "IP", "MTU", "NAS")} | {"IPV6": "IPv6"}
_PRESENT: Final[Mapping[Kind, str]] = {
    Attribute.EAP_MESSAGE: "EAP-Message",
    MS_CHAP_RESPONSE: "MS-CHAP-Response",
    MS_CHAP2_RESPONSE: "MS-CHAP2-Response",
}
"""What FreeRADIUS reads itself: only that it is there says something."""

_UNREADABLE_SERVICE: Final = f"Attr-{Attribute.SERVICE_TYPE}"
"""What FreeRADIUS calls it where its length is wrong: then it comes as octets."""


@dataclass(frozen=True, slots=True)
class Received:
    """The attributes of one request, by name.

    The repr shows none: there are passwords among them.
    """

    values: Mapping[str, list[str]] = field(repr=False)

    def find(self, name: str) -> str | None:
        """The first value of that name, or None."""
        return next(iter(self.values.get(name, ())), None)

    def octets(self, name: str) -> list[bytes]:
        """The values of an attribute of the type ``octets``."""
        return [_octets(value.removeprefix("0x")) for value in self.values.get(name, ())]

    def text(self, attribute: Attribute) -> list[bytes]:
        """The octets of text that may be none."""
        handed_over = self.values.get(HANDED_OVER[attribute])
        if handed_over is None:  # an older policy.d/nexio, until FreeRADIUS is set up anew
            return [value.encode() for value in self.values.get(name_of(attribute), ())]
        return [_octets(value)[1:] for value in handed_over]

    @property
    def is_eap(self) -> bool:
        """Whether a method of EAP is on its way."""
        return "EAP-Message" in self.values

    @property
    def is_in_tunnel(self) -> bool:
        """Whether FreeRADIUS itself asks, for a device in the tunnel of TTLS or PEAP."""
        return "FreeRADIUS-Proxied-To" in self.values

    @property
    def is_ms_chap(self) -> bool:
        """Whether there is a response that FreeRADIUS has to verify."""
        return "MS-CHAP-Response" in self.values or "MS-CHAP2-Response" in self.values


def receive(pairs: Pairs) -> Received:
    """Sort the pairs of a call by their names."""
    values: defaultdict[str, list[str]] = defaultdict(list)
    for name, value in pairs:
        values[name].append(value)
    return Received(dict(values))


def read_request(received: Received, client: Client | None) -> Request:
    """What is asked.

    Args:
        received: the attributes.
        client: the NAS of the address that it came from.
    """
    values = _values(received)
    passwords = received.text(Attribute.USER_PASSWORD)
    values[Attribute.USER_PASSWORD] = [b"in clear by now"] * len(passwords)
    password = Pap(passwords[0]) if passwords else None
    return request_of(without_empty(values), password, None, client)


def _values(received: Received) -> dict[Kind, Sequence[bytes]]:
    """The attributes that decide something, as octets again."""
    values: dict[Kind, Sequence[bytes]] = {
        kind: [name.encode()] * len(received.values.get(name, ()))
        for kind, name in _PRESENT.items()
    }
    values |= {kind: received.text(kind) for kind in HANDED_OVER}
    values[Attribute.CHAP_PASSWORD] = received.octets("CHAP-Password")
    values[Attribute.CHAP_CHALLENGE] = received.octets("CHAP-Challenge")
    services = received.values.get("Service-Type", ())
    values[Attribute.SERVICE_TYPE] = [
        *(_SERVICE_TYPES.get(name, 0).to_bytes(4) for name in services),
        *received.octets(_UNREADABLE_SERVICE),
    ]
    values[Attribute.NAS_PORT_TYPE] = [
        (VIRTUAL_PORT if name == "Virtual" else 0).to_bytes(4)
        for name in received.values.get("NAS-Port-Type", ())
    ]
    return values


def _octets(digits: str) -> bytes:
    """Nothing where they are no hexadecimal digits."""
    try:
        return bytes.fromhex(digits)
    except ValueError:
        return b""


def as_updates(attributes: Iterable[tuple[str, str | int | bytes]]) -> Updates:
    """Values as FreeRADIUS takes them from Python: text, octets as ``0x…``.

    Each takes the place of what is there: without an operator it would be left as it was.
    """
    return tuple((name, ":=", _written(value)) for name, value in attributes)


def _written(value: str | int | bytes) -> str:
    if isinstance(value, bytes):
        return f"0x{value.hex()}"
    # FreeRADIUS reads it as text between double quotes.
    return str(value).replace("\\", "\\\\")
