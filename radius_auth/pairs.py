"""An Access-Request as FreeRADIUS hands it to Python: pairs of name and value, all text.

Octets arrive as ``0x…``, numbers that have a name as that name, in the order of the packet.
Attributes of FreeRADIUS's own (``Tmp-…``), which no packet can hold, carry what our
configuration tells us.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, TypeAlias

from radius_auth.access_request import METHODS, SINGLE_VALUED
from radius_auth.decision import Request
from radius_auth.framing import Attribute
from radius_auth.passwords import Chap, Pap
from radius_auth.rules import ServiceType

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from radius_auth.nas_index import Client
    from radius_auth.passwords import Password

Pairs: TypeAlias = tuple[tuple[str, str], ...]
Updates: TypeAlias = tuple[tuple[str, str, str], ...]
"""Name, operator and value."""

CLIENT: Final = "Tmp-String-0"
"""The address that the packet came from."""

STAGE: Final = "Tmp-String-1"
"""Where FreeRADIUS is with it, see ``radius_auth.calls.Stage``."""

NOTE: Final = "Tmp-String-2"
"""What an earlier call left: a reason, or whose PIN FreeRADIUS is to hold against a response."""

PROVEN: Final = "Tmp-String-3"
"""The visit whose PIN has been proven to be right."""

REPLIED: Final = ("Session-Timeout", "Class")
DECIDED: Final = ("Tmp-Integer-2", "Tmp-Octets-0")
"""Where an accept waits for ``post-auth``, which puts it into the reply."""

_CHAP_PASSWORD_LENGTH: Final = 17
_VIRTUAL: Final = 5

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
_METHODS: Final = frozenset(map(name_of, METHODS))
_MS_CHAP: Final = frozenset({"MS-CHAP-Response", "MS-CHAP2-Response"})
_SINGLE_VALUED: Final = frozenset(map(name_of, SINGLE_VALUED)) | _MS_CHAP


@dataclass(frozen=True, slots=True)
class Received:
    """The attributes of one request, by name.

    The repr shows none: there are passwords among them.
    """

    values: Mapping[str, str] = field(repr=False)
    """The first of each name."""

    repeated: frozenset[str] = frozenset()
    """Names that came more than once."""

    def find(self, name: str) -> str | None:
        """The first value of that name, or None."""
        return self.values.get(name)

    def octets(self, name: str) -> bytes | None:
        """A value of the type ``octets``; None where it is none."""
        try:
            return bytes.fromhex(self.values.get(name, "-").removeprefix("0x"))
        except ValueError:
            return None

    @property
    def is_eap(self) -> bool:
        """Whether a method of EAP is on its way."""
        return "EAP-Message" in self.values

    @property
    def is_ms_chap(self) -> bool:
        """Whether there is a response that FreeRADIUS has to verify."""
        return not _MS_CHAP.isdisjoint(self.values)

    @property
    def contradicts_itself(self) -> bool:
        """RFC 2865 sections 4.1 and 5.44: what an Access-Request must not contain."""
        if not _SINGLE_VALUED.isdisjoint(self.repeated):
            return True
        return len(_METHODS & self.values.keys()) + self.is_ms_chap > 1


def receive(pairs: Pairs) -> Received:
    """Sort the pairs of a call by their names."""
    values = dict(reversed(pairs))
    if len(values) == len(pairs):
        return Received(values)
    counts = Counter(name for name, _ in pairs)
    return Received(values, frozenset(name for name, count in counts.items() if count > 1))


def read_request(received: Received, client: Client | None) -> Request:
    """What is asked.

    Args:
        received: the attributes.
        client: the NAS of the address that it came from.
    """
    find = received.values.get
    called, identifier = _text(find("Called-Station-Id")), _text(find("NAS-Identifier"))
    return Request(
        nas=None if client is None else client.narrow(called, identifier),
        user_name=find("User-Name", "").encode(),
        password=_password(received),
        calling_station=_text(find("Calling-Station-Id")),
        service_type=_SERVICE_TYPES.get(find("Service-Type", "")),
        nas_port_type=_VIRTUAL if find("NAS-Port-Type") == "Virtual" else None,
        contradictory=received.contradicts_itself,
    )


def _password(received: Received) -> Password | None:
    typed = received.find("User-Password")
    if typed is not None:
        return Pap(typed.encode())
    answered, challenge = received.octets("CHAP-Password"), received.octets("CHAP-Challenge")
    if answered is None or challenge is None or len(answered) != _CHAP_PASSWORD_LENGTH:
        return None
    return Chap(ident=answered[0], response=answered[1:], challenge=challenge)


def _text(value: str | None) -> bytes | None:
    return None if value is None else value.encode()


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
