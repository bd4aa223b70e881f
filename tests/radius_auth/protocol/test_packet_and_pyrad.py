"""Whatever octets come: discarded by our look at them, or the same to us and to pyrad."""

from __future__ import annotations

import contextlib
from collections import defaultdict

from hypothesis import example, given
from hypothesis import strategies as st
from pyrad.packet import AuthPacket

from radius_auth.decision.passwords import Pap
from radius_auth.protocol.access_request import (
    first_and_several,
    request_of,
    reveal_password,
    with_microsoft,
)
from radius_auth.protocol.packet import Attribute, Discarded, Malformed, Packet, read_packet
from tests.support.radius.access_requests import DICTIONARY, NAS, read
from tests.support.radius.datagrams import almost_packets, attributes, join, packet
from tests.support.radius.guests import SECRET

VENDOR_SPECIFIC = 26
MICROSOFT = 311
CISCO = 9


def in_vendor(vendor: int, parts: bytes) -> tuple[int, bytes]:
    """A Vendor-Specific attribute with anything in it."""
    return VENDOR_SPECIFIC, vendor.to_bytes(4) + parts


vendors = st.sampled_from([0, CISCO, MICROSOFT, 14122, 2**32 - 1])
parts = st.lists(st.tuples(st.integers(0, 255), st.binary(max_size=20)), max_size=10).map(join)
full_of_empty_parts = st.integers(0, 124).map(lambda number: b"\x01\x02" * number)
vendor_specific = st.builds(in_vendor, vendors, parts | full_of_empty_parts | st.binary())
tagged = st.tuples(
    st.integers(64, 91),  # RFC 2868: Tunnel-Type and its like, with a tag as first octet
    st.builds(bytes.__add__, st.integers(0, 40).map(lambda tag: bytes([tag])), st.binary()),
)
extended = st.tuples(
    st.integers(241, 246),  # RFC 6929: a type more, and a flag for "to be continued"
    st.builds(bytes.__add__, st.binary(max_size=2), parts),
)
plain = st.tuples(st.integers(1, 255), st.binary())
structured = st.lists(
    (vendor_specific | tagged | extended | plain).filter(lambda drawn: len(drawn[1]) <= 253),
    max_size=24,
).map(join)


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    """Draw a packet of any structure with a few octets changed."""
    octets = bytearray(packet(draw(structured)))
    for _ in range(draw(st.integers(0, 4))):
        octets[draw(st.integers(0, len(octets) - 1))] = draw(st.integers(0, 255))
    return bytes(octets[: draw(st.integers(0, len(octets)))])


@given(structured.map(packet) | mutated() | almost_packets() | st.binary(max_size=300))
@example(packet(join([in_vendor(MICROSOFT, b"\x01\x02" * 100)] * 3)))
@example(packet(join([in_vendor(CISCO, b"\x01\x00")])))
@example(packet(join([in_vendor(MICROSOFT, b"\x01")])))
@example(packet(join([(VENDOR_SPECIFIC, b"")])))
def test_must_04_pyrad_reads_what_we_read(datagram: bytes) -> None:
    """Must 4 and 5: discarded by us, or decoded by pyrad to the same values of each type."""
    try:
        ours = read_packet(datagram)
    except Malformed:
        return
    theirs = AuthPacket(packet=ours.octets, secret=SECRET, dict=DICTIONARY)
    assert (theirs.code, theirs.id) == (ours.code, ours.identifier)
    assert theirs.authenticator == ours.authenticator
    assert dict(theirs.items()) == taken_apart(ours)


def taken_apart(ours: Packet) -> dict[int | tuple[int, int], list[bytes]]:
    """Our frame as pyrad shows it: Vendor-Specific by vendor and type where it has parts."""
    values: defaultdict[int | tuple[int, int], list[bytes]] = defaultdict(list)
    for kind, value in ours.attributes:
        inner = parts_of(value) if kind == VENDOR_SPECIFIC and len(value) >= 6 else None
        if inner is None:
            values[kind].append(value)
            continue
        for type_, octets in inner:
            values[int.from_bytes(value[:4]), type_].append(octets)
    return dict(values)


def parts_of(value: bytes) -> list[tuple[int, bytes]] | None:
    """The sub-attributes of RFC 2865 section 5.26, or None where they do not fill the value."""
    found, start = [], 4
    while start < len(value):
        if start + 2 > len(value) or not 2 <= value[start + 1] <= len(value) - start:
            return None
        end = start + value[start + 1]
        found.append((value[start], value[start + 2 : end]))
        start = end
    return found


@given(structured.map(packet) | mutated() | almost_packets())
@example(packet(join([in_vendor(MICROSOFT, b"\x01\x02" * 120)] * 3)))
@example(packet(join([in_vendor(MICROSOFT, b"\x01\x03a\x19")])))
@example(packet(join([in_vendor(MICROSOFT, b"\x01\x02\x01\x02")])))
@example(packet(join([in_vendor(MICROSOFT, b"")])))
def test_must_05_the_reader_and_pyrad_say_the_same(datagram: bytes) -> None:
    """Must 5: our request is the one that pyrad's values make, whatever octets came."""
    try:
        ours = read_packet(datagram)
        asked = read(ours)
    except Discarded:
        return
    theirs = AuthPacket(packet=datagram, secret=SECRET, dict=DICTIONARY)
    known = {kind: values for kind, values in theirs.items() if is_read(kind)}
    hidden = next(filter(None, known.get(Attribute.USER_PASSWORD, ())), None)
    clear = None if hidden is None else Pap(reveal_password(hidden, ours.authenticator, SECRET))
    assert with_microsoft(ours.by_type) == known
    said = first_and_several(theirs)
    assert asked == request_of(*said, clear, theirs.authenticator, NAS)


def is_read(kind: int | tuple[int, int]) -> bool:
    """Of vendors, only what Microsoft's attributes hold is read (R22)."""
    return kind[0] == MICROSOFT if isinstance(kind, tuple) else kind != VENDOR_SPECIFIC


@given(structured.map(packet) | mutated() | almost_packets())
def test_whatever_passes_is_read_or_discarded(datagram: bytes) -> None:
    """Must 5: nothing but Discarded is raised."""
    with contextlib.suppress(Discarded):
        read(read_packet(datagram))


@given(attributes)
def test_must_05_a_vendors_odd_encoding_changes_nothing(drawn: list[tuple[int, bytes]]) -> None:
    """Must 5: RFC 2865 section 5.26: sub-attributes are only a SHOULD."""
    drawn = [(kind, value) for kind, value in drawn if kind not in {26, 79, 80}]
    odd = [in_vendor(vendor, b"\x01\xffodd") for vendor in (CISCO, MICROSOFT)]
    plainly = read(read_packet(packet(join(drawn))))
    assert read(read_packet(packet(join([*odd, *drawn, *odd])))) == plainly
