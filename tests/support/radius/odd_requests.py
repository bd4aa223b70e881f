"""Requests that no good NAS sends, and their outcomes: one table for both servers."""

from __future__ import annotations

import hashlib
import operator
import socket
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from nexio.network.nas import NewNas, add_nas
from radius_auth.protocol.packet import Attribute
from radius_auth.protocol.printable import user_name_for_log
from tests.support.radius.access_requests import access_request, chap_attributes, verified
from tests.support.radius.guests import SECRET

if TYPE_CHECKING:
    from nexio.reception.visits import Visit
    from radius_auth.protocol.packet import Packet
    from tests.support.radius.desk import Desk

HERE: Final = "127.0.0.1"
SHARED: Final = "127.0.0.8"
"""A controller for two locations: NAS-Identifier ``lobby``, and SSID ``Annex Guests``."""

MAC: Final = b"0a-00-00-00-00-77"
DEVICE: Final = "0a:00:00:00:00:77"
OWN: Final = "its own"
"""A new device for each request, because the guard counts wrong PINs by device."""

AUTHENTICATOR: Final = bytes(range(16))
MS_CHAP, MS_CHAP2 = (b"\0\0\x01\x37" + bytes([kind, 52]) + bytes(50) for kind in (1, 25))

Attributes = dict[int, list[bytes]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Odd:
    """A request and its outcome."""

    name: str
    reason: str
    """The log's name; ``valid`` is an accept."""

    attributes: Attributes = field(default_factory=dict)
    typed: Callable[[str], bytes | None] = str.encode
    """Makes User-Password of the PIN; None leaves it out."""

    more: Callable[[str], Attributes] | None = None
    """Attributes that depend on the PIN."""

    source: str = HERE
    user_name: str | None = None
    """As the log shows it; None for the visitor's e-mail."""

    device: str | None = OWN
    nas: str = HERE
    discarded_by_freeradius: bool = False
    """FreeRADIUS's core drops it before any module; see docs/freeradius.md."""


def _hidden(typed: bytes) -> list[bytes]:
    """User-Password without the padding that every good NAS adds."""
    sent, previous = b"", AUTHENTICATOR
    for start in range(0, len(typed), 16):
        pad = hashlib.md5(SECRET + previous).digest()
        previous = bytes(map(operator.xor, typed[start : start + 16], pad))
        sent += previous
    return [sent]


def _password(*typed: bytes) -> Callable[[str], Attributes]:
    return lambda pin: {
        Attribute.USER_PASSWORD: [_hidden(each.replace(b"PIN", pin.encode()))[0] for each in typed]
    }


def _chap(**changed: list[bytes]) -> Callable[[str], Attributes]:
    names = {Attribute[name]: values for name, values in changed.items()}
    return lambda pin: chap_attributes(pin) | names


def _short_chap(challenge: bytes) -> Callable[[str], Attributes]:
    return lambda pin: chap_attributes(pin, challenge)


def _chap_without_challenge(pin: str) -> Attributes:
    return {
        Attribute.CHAP_PASSWORD: chap_attributes(pin, AUTHENTICATOR)[Attribute.CHAP_PASSWORD],
        Attribute.CHAP_CHALLENGE: [b""],
    }


def _nothing(_: str) -> None:
    return None


def _as_typed(text: str) -> Callable[[str], bytes]:
    """The PIN in other digits, three by three."""
    return lambda pin: text.format(pin[:3], pin[3:]).encode()


def _full_width(pin: str) -> bytes:
    return "".join(chr(ord(digit) + 0xFEE0) for digit in pin).encode()


def _said(kind: Attribute, *values: bytes) -> Attributes:
    return {kind: list(values)}


def _service(*numbers: int) -> list[bytes]:
    return [number.to_bytes(4) for number in numbers]


_PORTAL: Attributes = {Attribute.NAS_PORT_TYPE: _service(5), Attribute.SERVICE_TYPE: _service(1)}
_CAFE = b"02-00-00-00-00-01:Caf\xe9"
_GUESTS = b"02-00-00-00-00-01:Annex Guests"
_STRANGE: Attributes = {
    kind: [b"\xff\xfe", b"\0\x01", b""]
    for kind in (
        Attribute.NAS_IP_ADDRESS, Attribute.NAS_PORT, Attribute.FRAMED_PROTOCOL,
        Attribute.FRAMED_IP_ADDRESS, Attribute.FRAMED_MTU, Attribute.REPLY_MESSAGE,
        Attribute.CALLBACK_NUMBER, Attribute.CLASS, Attribute.SESSION_TIMEOUT,
        Attribute.CHAP_CHALLENGE, Attribute.NAS_PORT_TYPE, Attribute.PORT_LIMIT,
        Attribute.NAS_PORT_ID, Attribute.NAS_IPV6_ADDRESS,
    )
}  # fmt: skip

_TWO_METHODS: dict[str, dict[str, Any]] = {
    "PAP and MS-CHAP": {"attributes": {26: [MS_CHAP]}},
    "PAP and MS-CHAPv2": {"attributes": {26: [MS_CHAP2]}},
    "MS-CHAP and MS-CHAPv2": {"attributes": {26: [MS_CHAP, MS_CHAP2]}, "typed": _nothing},
    "MS-CHAPv2 twice": {"attributes": {26: [MS_CHAP2] * 2}, "typed": _nothing},
    "PAP and CHAP": {"more": _chap()},
    "CHAP and MS-CHAPv2": {"more": _chap(), "typed": _nothing, "attributes": {26: [MS_CHAP2]}},
    "CHAP twice": {"more": _chap(CHAP_PASSWORD=[bytes(17)] * 2), "typed": _nothing},
    "PAP and EAP": {
        "attributes": {Attribute.EAP_MESSAGE: [b"\x02\x01\0\x06\x01a"]},
        "discarded_by_freeradius": True,
    },
    "CHAP and EAP": {
        "attributes": {Attribute.EAP_MESSAGE: [b"\x02\x01\0\x06\x01a"]},
        "more": _chap(),
        "typed": _nothing,
        "discarded_by_freeradius": True,
    },
    "PAP twice, the same": {"more": _password(b"PIN", b"PIN"), "typed": _nothing},
    "PAP twice, the right one first": {"more": _password(b"PIN", b"000000"), "typed": _nothing},
}

_TYPED: dict[str, tuple[Callable[[str], bytes], str]] = {
    "a tab at the end": (_as_typed("{}{}\t"), "valid"),
    "full-width digits": (_full_width, "valid"),
    "a no-break space": (_as_typed("{}\u00a0{}"), "valid"),
    "a narrow one, and a dash": (_as_typed("\u202f{}\u2013{}"), "valid"),
    "a minus": (_as_typed("{}\u2212{}"), "valid"),
    "a letter": (_as_typed("{}{}x"), "wrong PIN"),
    "an accent": (_as_typed("{}{}\u0301"), "wrong PIN"),
    "Latin-1": (lambda pin: pin.encode() + b"\xa0", "wrong PIN"),
    "octets that are none": (lambda pin: b"\xff" + pin.encode(), "wrong PIN"),
    "a line's end": (_as_typed("{}{}\r\n"), "wrong PIN"),
    "a NUL inside": (lambda pin: pin[:3].encode() + b"\0" + pin[3:].encode(), "wrong PIN"),
    "a NUL and more": (lambda pin: pin.encode() + b"\0x", "wrong PIN"),
    "a NUL at the end": (lambda pin: pin.encode() + b"\0\0", "valid"),
    "its octets in hexadecimal": (lambda pin: b"0x" + pin.encode().hex().encode(), "wrong PIN"),
    "0x, and no digits": (lambda pin: b"0xzz" + pin.encode(), "wrong PIN"),
    "0x, and octets that are none": (lambda pin: b"0x\xff\xfe" + pin.encode(), "wrong PIN"),
    "a backslash and digits": (lambda pin: rb"\0" + pin.encode(), "wrong PIN"),
    "quotes and an expansion": (lambda _: b'"%{User-Name}"', "wrong PIN"),
    "nothing": (lambda _: b"", "wrong PIN"),
}

_LENGTHS: dict[str, tuple[bytes, str]] = {
    "6 octets": (b"PIN", "valid"),
    "7 octets": (b"PIN ", "valid"),
    "15 octets": (b"PIN\0\0\0\0\0\0\0\0\0", "valid"),
    "17 octets": (b"PIN           ", "valid"),
    "20 octets": (b"PINPINPIN12", "wrong PIN"),
    "144 octets": (b"PIN" + b" " * 137 + b"x", "wrong PIN"),
}

ODD_REQUESTS: Final = (
    *(
        Odd(name=f"two methods: {name}", reason="contradictory request", **said)
        for name, said in _TWO_METHODS.items()
    ),
    *(
        Odd(name=f"typed: {name}", reason=reason, typed=typed)
        for name, (typed, reason) in _TYPED.items()
    ),
    *(
        Odd(name=f"User-Password of {name}", reason=reason, typed=_nothing, more=_password(typed))
        for name, (typed, reason) in _LENGTHS.items()
    ),
    # CHAP
    Odd(name="CHAP", reason="valid", typed=_nothing, more=_chap()),
    Odd(
        name="CHAP-Challenge of 0 octets",
        reason="valid",
        typed=_nothing,
        more=_chap_without_challenge,
    ),
    *(
        Odd(
            name=f"CHAP-Challenge of {length} octets",
            reason="valid" if length > 4 else "contradictory request",
            typed=_nothing,
            more=_short_chap(b"c" * length),
        )
        for length in (1, 4, 5, 16, 253)
    ),
    Odd(
        name="two CHAP-Challenge",
        reason="contradictory request",
        typed=_nothing,
        more=_chap(CHAP_CHALLENGE=[b"challenge", b"another one"]),
    ),
    *(
        Odd(
            name=f"CHAP-Password of {length} octets",
            reason="contradictory request",
            typed=_nothing,
            more=_chap(CHAP_PASSWORD=[bytes(length)]),
        )
        for length in (1, 16, 18)
    ),
    Odd(name="no method", reason="unsupported method", typed=_nothing),
    # Services
    *(
        Odd(name=f"Service-Type {numbers}", reason=reason,
            attributes=_said(Attribute.SERVICE_TYPE, *_service(*numbers)))
        for numbers, reason in (
            ((1,), "valid"), ((2,), "valid"), ((5,), "valid"), ((8,), "valid"), ((77,), "valid"),
            ((1, 2), "valid"), ((2, 2), "valid"), ((2, 6), "contradictory request"),
            ((6,), "unsupported service"), ((7,), "unsupported service"),
            ((6, 6), "unsupported service"), ((10,), "MAC authentication"),
        )
    ),
    Odd(name="Service-Type of 3 octets", reason="contradictory request",
        attributes=_said(Attribute.SERVICE_TYPE, bytes(3))),
    Odd(name="Service-Type of 0 octets", reason="valid",
        attributes=_said(Attribute.SERVICE_TYPE, b"")),
    Odd(name="a guest portal on a virtual port", reason="valid", attributes=_PORTAL),
    Odd(name="an administrator on a virtual port", reason="unsupported service", device="192.0.2.7",
        attributes=_PORTAL | _said(Attribute.CALLING_STATION_ID, b"192.0.2.7")),
    Odd(name="a virtual port and another one", reason="valid", device="192.0.2.7",
        attributes={Attribute.NAS_PORT_TYPE: _service(5, 19),
                    Attribute.CALLING_STATION_ID: [b"192.0.2.7"]}),
    Odd(name="NAS-Port-Type of 3 octets", reason="valid",
        attributes=_said(Attribute.NAS_PORT_TYPE, b"\0\0\5")),
    # Doubled attributes
    Odd(name="one device in two notations", reason="valid", device=DEVICE,
        attributes=_said(Attribute.CALLING_STATION_ID, MAC, b"0a00.0000.0077")),
    Odd(name="two devices", reason="contradictory request", device=DEVICE,
        attributes=_said(Attribute.CALLING_STATION_ID, MAC, b"0a-00-00-00-00-78")),
    Odd(name="an address, and then a device", reason="valid", device=DEVICE,
        attributes=_said(Attribute.CALLING_STATION_ID, b"192.0.2.7", MAC)),
    Odd(name="two Called-Station-Id, one location", reason="valid",
        attributes=_said(Attribute.CALLED_STATION_ID, b"02-00-00-00-00-01", b"0200.0000.0001")),
    Odd(name="two SSIDs, two locations", reason="contradictory request", source=SHARED, nas="lobby",
        attributes={Attribute.CALLED_STATION_ID: [_CAFE, _GUESTS],
                    Attribute.NAS_IDENTIFIER: [b"lobby"]}),
    Odd(name="two User-Name", reason="contradictory request", user_name="ada@example.com",
        attributes=_said(Attribute.USER_NAME, b"ada@example.com", b"zoe@example.com")),
    # Invalid text, one attribute at a time
    Odd(name="an SSID in Latin-1, and NAS-Identifier", reason="valid", source=SHARED, nas="lobby",
        attributes={Attribute.CALLED_STATION_ID: [_CAFE], Attribute.NAS_IDENTIFIER: [b"lobby"]}),
    Odd(name="NAS-Identifier that is none, and an SSID", reason="wrong location", source=SHARED,
        nas="annex",
        attributes={Attribute.CALLED_STATION_ID: [_GUESTS], Attribute.NAS_IDENTIFIER: [b"\xff\7"]}),
    Odd(name="both that are none", reason="no location", source=SHARED, nas=r"\xff\xfe",
        attributes={Attribute.CALLED_STATION_ID: [_CAFE], Attribute.NAS_IDENTIFIER: [b"\xff\xfe"]}),
    Odd(name="a name before the SSID", reason="no location", source=SHARED, nas="roof",
        attributes={Attribute.CALLED_STATION_ID: [b"evil:Annex Guests"],
                    Attribute.NAS_IDENTIFIER: [b"roof"]}),
    Odd(name="an SSID that begins with 0x", reason="no location", source=SHARED, nas="0x61",
        attributes={Attribute.CALLED_STATION_ID: [b"0x416e6e657820477565737473"],
                    Attribute.NAS_IDENTIFIER: [b"0x61"]}),
    Odd(name="User-Name in Latin-1", reason="unknown user", user_name=r"zo\xeb@example.com",
        attributes=_said(Attribute.USER_NAME, b"zo\xeb@example.com")),
    Odd(name="a control character in User-Name", reason="unknown user",
        user_name=r"zoe\x07@example.com",
        attributes=_said(Attribute.USER_NAME, b"zoe\7@example.com")),
    Odd(name="User-Name with a NUL", reason="unknown user", user_name=r"zoe\x00",
        attributes=_said(Attribute.USER_NAME, b"zoe\0")),
    Odd(name="User-Name that begins with 0x", reason="unknown user",
        user_name="0xada@example.com",
        attributes=_said(Attribute.USER_NAME, b"0xada@example.com")),
    *(
        Odd(name=f"User-Name of octets from {start}", reason="unknown user",
            user_name=user_name_for_log(
                bytes((0x78, *range(start, start + 64), 0x78)), lambda _: False),
            attributes=_said(Attribute.USER_NAME, bytes((0x78, *range(start, start + 64), 0x78))))
        for start in range(0, 256, 64)
    ),
    Odd(name="Calling-Station-Id that is none", reason="valid", device=r"\xff\xfe",
        attributes=_said(Attribute.CALLING_STATION_ID, b"\xff\xfe")),
    Odd(name="no Calling-Station-Id", reason="valid", device=None,
        attributes=_said(Attribute.CALLING_STATION_ID, b"")),
    Odd(name="whatever else is odd and doubled", reason="valid", attributes=_STRANGE),
    Odd(name="vendors", reason="valid",
        attributes={26: [b"", b"\0\0\0\x09\xff\xff", b"\0\0\x01\x37\x01\x02"]}),
    Odd(name="attributes that nobody knows", reason="valid", attributes={250: [b"\xff" * 200] * 3}),
)  # fmt: skip


def add_shared_controller(desk: Desk) -> None:
    """The two entries of ``SHARED``."""
    annex = desk.at("Annex").location
    secret = SECRET.decode()
    with desk.store.write() as work:
        lobby = NewNas(name="lobby", address=SHARED, secret=secret, identifier="lobby")
        add_nas(work, desk.location, lobby)
        add_nas(work, annex, NewNas(name="annex", address=SHARED, ssid="Annex Guests"))


def device_of(number: int) -> str:
    """The device of the request of that number."""
    return f"0a:00:00:00:01:{number:02x}"


def ask_oddly(number: int, visit: Visit, port: int, tries: int = 5) -> Packet | None:
    """Send it as a NAS does, with repeats, and verify the reply; None for silence."""
    odd = ODD_REQUESTS[number]
    attributes = {
        Attribute.USER_NAME: [visit.email.encode()],
        Attribute.CALLING_STATION_ID: [device_of(number).encode()],
        **(odd.more(visit.pin) if odd.more else {}),
        **odd.attributes,
    }
    datagram = access_request(
        None,
        odd.typed(visit.pin),
        identifier=number,
        authenticator=AUTHENTICATOR,
        attributes=attributes,
    )
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        asking.bind((odd.source, 0))
        asking.settimeout(1)
        for _ in range(tries):
            asking.sendto(datagram, ("127.0.0.1", port))
            try:
                return verified(datagram, asking.recv(4096))
            except TimeoutError:
                continue
    return None
