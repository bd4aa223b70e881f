"""Makes requests as access points send them, and checks replies.

Written without the product and without pyrad: so the measured code does not check itself, and
100,000 requests are ready within seconds.
"""

from __future__ import annotations

import hashlib
import hmac
import random
import struct
from typing import Final

SECRET: Final = b"a secret of the hotel"
ACCESS_REQUEST, ACCESS_ACCEPT, ACCESS_REJECT = 1, 2, 3
ACCOUNTING_REQUEST, ACCOUNTING_RESPONSE = 4, 5
START, STOP = 1, 2
SOCKETS: Final = 16
"""Access points: each has an address and a socket of its own."""

_MESSAGE_AUTHENTICATOR: Final = 80
_chance = random.Random(1)
_keyed = hmac.new(SECRET, digestmod="md5")


def pap(number: int, user_name: str, pin: str, device: int) -> bytes:
    """An Access-Request with User-Password.

    Args:
        number: place in the load, which gives the Identifier and the access point.
        user_name: what the guest typed.
        pin: what the guest typed.
        device: a number; it makes the MAC address.
    """
    authenticator = _chance.randbytes(16)
    octets = pin.encode().ljust(16, b"\0")
    mask = hashlib.md5(SECRET + authenticator).digest()
    hidden = bytes(octet ^ masked for octet, masked in zip(octets, mask, strict=True))
    return _access_request(number, user_name, _attribute(2, hidden), device, authenticator)


def chap(number: int, user_name: str, pin: str, device: int) -> bytes:
    """An Access-Request with CHAP-Password; the Request Authenticator is the challenge."""
    challenge = _chance.randbytes(16)
    response = hashlib.md5(b"\x07" + pin.encode() + challenge).digest()
    return _access_request(number, user_name, _attribute(3, b"\x07" + response), device, challenge)


def accounting(number: int, user_name: str, status: int, session: int) -> bytes:
    """An Accounting-Request: Start or Stop of a session."""
    used = b"" if status == START else b"".join(
        _attribute(kind, struct.pack("!I", value))
        for kind, value in ((42, 123_456), (43, 7_654_321), (46, 1_800), (49, 1))
    )  # fmt: skip
    attributes = b"".join(
        (
            _attribute(40, struct.pack("!I", status)),
            _attribute(44, f"{session:016X}".encode()),
            _of_access_point(number, user_name, session),
            used,
        )
    )
    head = _head(ACCOUNTING_REQUEST, number, len(attributes))
    return head + hashlib.md5(head + bytes(16) + attributes + SECRET).digest() + attributes


def is_right(reply: bytes, request: bytes, code: int) -> bool:
    """Whether identifier, code, length and both authenticators of a reply are right."""
    if reply[:2] != bytes((code, request[1])) or reply[2:4] != len(reply).to_bytes(2):
        return False
    request_authenticator = request[4:20]
    if hashlib.md5(reply[:4] + request_authenticator + reply[20:] + SECRET).digest() != reply[4:20]:
        return False
    at = _find(reply, _MESSAGE_AUTHENTICATOR)
    if at is None:
        return code == ACCOUNTING_RESPONSE  # no other reply may come without
    blank = reply[:4] + request_authenticator + reply[20 : at + 2] + bytes(16) + reply[at + 18 :]
    return _signature(blank) == reply[at + 2 : at + 18]


def _access_request(
    number: int, user_name: str, password: bytes, device: int, authenticator: bytes
) -> bytes:
    attributes = password + _of_access_point(number, user_name, device)
    head = _head(ACCESS_REQUEST, number, 18 + len(attributes)) + authenticator
    signature = _signature(head + bytes((_MESSAGE_AUTHENTICATOR, 18)) + bytes(16) + attributes)
    return head + _attribute(_MESSAGE_AUTHENTICATOR, signature) + attributes


def _of_access_point(number: int, user_name: str, device: int) -> bytes:
    point = number % SOCKETS + 1
    mac = f"{0x020000000000 + device:012X}"
    return b"".join(
        (
            _attribute(1, user_name.encode()),
            _attribute(4, bytes((127, 0, 0, point))),
            _attribute(5, struct.pack("!I", point)),
            _attribute(6, struct.pack("!I", 1)),  # Login
            _attribute(12, struct.pack("!I", 1400)),
            _attribute(30, f"0A-00-00-00-00-{point:02X}:Guests".encode()),
            _attribute(31, "-".join(mac[at : at + 2] for at in range(0, 12, 2)).encode()),
            _attribute(32, f"ap-{point}".encode()),
            _attribute(61, struct.pack("!I", 19)),  # 802.11
        )
    )


def _head(code: int, number: int, length: int) -> bytes:
    return struct.pack("!BBH", code, number // SOCKETS % 256, 20 + length)


def _attribute(kind: int, value: bytes) -> bytes:
    return bytes((kind, len(value) + 2)) + value


def _signature(octets: bytes) -> bytes:
    signed = _keyed.copy()
    signed.update(octets)
    return signed.digest()


def _find(packet: bytes, kind: int) -> int | None:
    at = 20
    while at + 2 <= len(packet) and packet[at + 1] >= 2:
        if packet[at] == kind:
            return at
        at += packet[at + 1]
    return None
