"""The strict look at a datagram before pyrad sees it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from radius_auth.protocol.packet import Fault, Malformed, read_packet
from tests.support.radius.datagrams import AUTHENTICATOR, almost_packets, attributes, join, packet


def test_an_empty_packet_is_a_packet() -> None:
    """Must 3: twenty octets are enough."""
    read = read_packet(packet())

    assert (read.code, read.identifier, read.authenticator) == (1, 7, AUTHENTICATOR)
    assert (read.octets, read.by_type, read.attributes) == (packet(), {}, ())


@pytest.mark.parametrize(
    ("datagram", "fault"),
    [
        (b"", Fault.TOO_SHORT),
        (packet()[:19], Fault.TOO_SHORT),
        (packet(length=19), Fault.LENGTH_TOO_SMALL),
        (packet(bytes(4077)), Fault.LENGTH_TOO_LARGE),
        (packet(length=21), Fault.TRUNCATED),
        (packet(code=0), Fault.CODE_ZERO),
    ],
)
def test_a_wrong_header_is_malformed(datagram: bytes, fault: Fault) -> None:
    """Must 3: code 0, fewer than 20 octets, Length under 20, over 4096 or beyond the end."""
    with pytest.raises(Malformed) as malformed:
        read_packet(datagram)

    assert malformed.value.reason is fault


def test_the_longest_packet_has_4096_octets() -> None:
    """Must 3: Length 4096 passes."""
    body = b"\x1a\xff" + bytes(253)

    assert len(read_packet(packet(body * 15 + b"\x1a\xfb" + bytes(249))).octets) == 4096


def test_octets_after_the_length_are_ignored() -> None:
    """Must 3: octets after Length are padding."""
    assert read_packet(packet(b"\x01\x03a") + b"\x02\x12padding") == read_packet(
        packet(b"\x01\x03a")
    )


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        (b"\x01", Fault.ATTRIBUTE_OVERRUN),
        (b"\x01\x00", Fault.ATTRIBUTE_TOO_SHORT),
        (b"\x01\x01", Fault.ATTRIBUTE_TOO_SHORT),
        (b"\x01\x04a", Fault.ATTRIBUTE_OVERRUN),
        (b"\x01\x03a\x02", Fault.ATTRIBUTE_OVERRUN),
        (b"\x00\x03a", Fault.ATTRIBUTE_TYPE_ZERO),
        (b"\x01\x02" * 201, Fault.TOO_MANY_ATTRIBUTES),
    ],
)
def test_attributes_fill_the_packet_exactly(body: bytes, fault: Fault) -> None:
    """Must 4: length 0 or 1, overrun, type 0, more than 200 attributes."""
    with pytest.raises(Malformed) as malformed:
        read_packet(packet(body))

    assert malformed.value.reason is fault


def test_an_overrun_in_the_longest_packet() -> None:
    """As in any other one."""
    body = b"\x1a\xff" + bytes(253)
    cut_off = packet(body * 15 + b"\x1a\xfa" + bytes(248) + b"\x01")
    assert len(cut_off) == 4096
    with pytest.raises(Malformed) as malformed:
        read_packet(cut_off)
    assert malformed.value.reason is Fault.ATTRIBUTE_OVERRUN


def test_two_hundred_attributes_pass() -> None:
    """Must 4: the limit itself is allowed."""
    assert len(read_packet(packet(b"\x01\x02" * 200)).attributes) == 200


def test_values_come_in_the_order_of_the_packet() -> None:
    """Must 8 rests on it: several attributes of one type keep their order."""
    parts = read_packet(packet(b"\x21\x03b\x01\x03x\x21\x03a"))

    assert parts.values(33) == [b"b", b"a"]
    assert parts.values(34) == []


def test_no_attribute_is_in_the_repr() -> None:
    """Must 20: a User-Name may be a PIN."""
    assert "482913" not in repr(read_packet(packet(b"\x01\x08482913")))


@given(attributes)
def test_what_was_joined_comes_apart(drawn: list[tuple[int, bytes]]) -> None:
    """Must 5: any octets in any order of attributes are a packet."""
    assert read_packet(packet(join(drawn))).attributes == tuple(drawn)


@given(st.binary(max_size=80) | almost_packets())
def test_any_octets_are_malformed_or_join_again(datagram: bytes) -> None:
    """Must 4: no octet is invented or lost, and nothing but Malformed is raised."""
    try:
        parts = read_packet(datagram)
    except Malformed:
        return
    assert datagram.startswith(parts.octets)
    assert parts.octets[20:] == join(list(parts.attributes))
    assert (parts.code, parts.identifier) == (datagram[0], datagram[1])
    assert parts.authenticator == datagram[4:20]
