"""Packets built and signed by hand, because pyrad refuses to make them."""

from __future__ import annotations

import hmac

from radius_auth.protocol.packet import Code
from tests.support.radius.access_requests import access_request
from tests.support.radius.guests import SECRET

_AUTHENTICATOR = bytes(range(16))


def unsigned(body: bytes = b"", *, length: int | None = None, code: int = 1) -> bytes:
    """An Access-Request with these octets as attributes; Length is right unless one is given."""
    size = 20 + len(body) if length is None else length
    return bytes([code, 7]) + size.to_bytes(2) + _AUTHENTICATOR + body


def sign(packet: bytes, secret: bytes = SECRET) -> bytes:
    """The packet with Message-Authenticator as its first attribute."""
    size = len(packet) + 18
    head = packet[:2] + size.to_bytes(2) + packet[4:20] + b"\x50\x12"
    digest = hmac.digest(secret, head + bytes(16) + packet[20:], "md5")
    return head + digest + packet[20:]


def with_body(body: bytes = b"", *, length: int | None = None) -> bytes:
    """An Access-Request, signed as far as possible."""
    if length is not None or len(body) > 4000:
        return unsigned(body, length=length)
    return sign(unsigned(body))


def status_server(*, signed: bool = True) -> bytes:
    """A Status-Server as a NAS sends it."""
    asked = access_request(None, None, signed=False)
    packet = bytes([Code.STATUS_SERVER]) + asked[1:]
    return sign(packet) if signed else packet
