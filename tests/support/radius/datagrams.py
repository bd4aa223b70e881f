"""Datagrams built by hand, octet by octet."""

import struct

from hypothesis import strategies as st

AUTHENTICATOR = bytes(range(16))
attributes = st.lists(st.tuples(st.integers(1, 255), st.binary(max_size=30)), max_size=20)


def join(attributes: list[tuple[int, bytes]]) -> bytes:
    """Join attributes."""
    return b"".join(bytes([kind, len(value) + 2]) + value for kind, value in attributes)


def packet(body: bytes = b"", *, code: int = 1, length: int | None = None) -> bytes:
    """Build a datagram; Length is right unless told otherwise."""
    size = 20 + len(body) if length is None else length
    return struct.pack("!BBH", code, 7, size) + AUTHENTICATOR + body


@st.composite
def almost_packets(draw: st.DrawFn) -> bytes:
    """Draw a valid packet with a few octets changed, cut or added."""
    octets = bytearray(packet(join(draw(attributes)), code=draw(st.integers(1, 255))))
    for _ in range(draw(st.integers(1, 4))):
        octets[draw(st.integers(0, len(octets) - 1))] = draw(st.integers(0, 255))
    return bytes(octets[: draw(st.integers(0, len(octets)))]) + draw(st.binary(max_size=4))
