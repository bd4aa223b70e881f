"""Attributes by their names, checked when somebody sets them."""

from __future__ import annotations

import pytest

from nexio.errors import InvalidValue, Refused
from radius_auth.protocol.pyrad_codec import encode_reply_attribute
from tests.support.radius.access_requests import DICTIONARY
from tests.support.radius.freeradius_dictionary import dictionary


def is_for_accepts(name: str) -> bool:
    """Whether somebody may set it."""
    try:
        encode_reply_attribute(name, "")
    except (InvalidValue, Refused):
        return False
    return True


SETTABLE = sorted(filter(is_for_accepts, DICTIONARY.attributes))


@pytest.mark.parametrize(
    ("name", "text", "spelled", "octets"),
    [
        ("filter-id", "guests", "Filter-Id=guests", "0b08677565737473"),
        ("Filter-Id", "a\\b", "Filter-Id=a\\b", "0b05615c62"),
        ("FILTER-ID", "Café", "Filter-Id=Café", "0b07436166c3a9"),
        ("Filter-Id", "1234", "Filter-Id=1234", "0b0631323334"),
        ("Idle-Timeout", "0900", "Idle-Timeout=900", "1c0600000384"),
        ("Termination-Action", "radius-request", "Termination-Action=RADIUS-Request",
         "1d0600000001"),
        ("Termination-Action", "1", "Termination-Action=1", "1d0600000001"),
        ("Tunnel-Type", "vlan", "Tunnel-Type=VLAN", "40060000000d"),
        ("Tunnel-Private-Group-Id", "20", "Tunnel-Private-Group-Id=20", "51043230"),
        ("Framed-IP-Address", "192.0.2.1", "Framed-IP-Address=192.0.2.1", "0806c0000201"),
        ("User-Priority-Table", "0x0001020304050607", "User-Priority-Table=0x0001020304050607",
         "3b0a0001020304050607"),
        ("mikrotik-rate-limit", "1M/2M", "Mikrotik-Rate-Limit=1M/2M",
         "1a0d00003a8c0807314d2f324d"),
        ("Cisco-AVPair", "url-redirect=https://x/?a=b", "Cisco-AVPair=url-redirect=https://x/?a=b",
         "1a230000000901" + "1d" + b"url-redirect=https://x/?a=b".hex()),
    ],
)  # fmt: skip
def test_an_attribute_in_octets(name: str, text: str, spelled: str, octets: str) -> None:
    """Name and value in their one spelling, which can be set again."""
    known, value, encoded = encode_reply_attribute(name, text)
    assert (f"{known}={value}", encoded.hex()) == (spelled, octets)
    assert encode_reply_attribute(known, value) == (known, value, encoded)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("Filtr-Id", "x"),
        ("Filter-Id:1", "x"),
        ("Attr-26", "0x00"),
        ("", "x"),
        ("User-Name", "zoe"),
        ("User-Password", "123456"),
        ("Reply-Message", "hello"),
        ("Proxy-State", "0x00"),
        ("Message-Authenticator", "0x00"),
        ("EAP-Message", "0x00"),
        ("Acct-Session-Id", "1"),
        ("MS-CHAP-Challenge", "0x00"),
        ("Idle-Timeout", "soon"),
        ("Idle-Timeout", "-1"),
        ("Idle-Timeout", "4294967296"),
        ("Idle-Timeout", "1.5"),
        ("Filter-Id", "x" * 254),
        ("Filter-Id", "a\nb"),
        ("Filter-Id", "a\x1b[31m"),
        ("Cisco-AVPair", "x" * 248),
        ("Framed-IP-Address", "1.2.3"),
        ("Framed-IP-Address", "2001:db8::1"),
        ("Framed-IPv6-Prefix", "192.0.2.0/24"),
        ("User-Priority-Table", "0xzz"),
    ],
)
def test_what_cannot_be_set(name: str, text: str) -> None:
    """An error when it is set, with what to do; none when a guest logs in."""
    with pytest.raises(InvalidValue) as caught:
        encode_reply_attribute(name, text)
    assert caught.value.advice
    assert "\x1b" not in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["Session-Timeout", "class", "WISPr-Session-Terminate-Time"])
def test_what_is_ours(name: str) -> None:
    """R12: the end of the time is that of the visitor, and accounting needs the Class."""
    for text in ("1", ""):
        with pytest.raises(Refused) as caught:
            encode_reply_attribute(name, text)
        assert caught.value.advice


def test_which_can_be_set() -> None:
    """Those that the vendors' dialects need, and the common ones."""
    assert {
        "Filter-Id", "Idle-Timeout", "Termination-Action", "Acct-Interim-Interval", "Tunnel-Type",
        "WISPr-Bandwidth-Max-Up", "Mikrotik-Rate-Limit", "Aruba-User-Role", "Cisco-AVPair",
        "Airespace-ACL-Name", "ChilliSpot-Max-Total-Octets", "Framed-Pool", "NAS-Filter-Rule",
    } <= set(SETTABLE)  # fmt: skip


@pytest.mark.parametrize("name", SETTABLE)
def test_freeradius_knows_it_by_the_same_name(name: str) -> None:
    """FreeRADIUS drops a reply attribute that it does not know, and lets the guest on."""
    ours, theirs = DICTIONARY.attributes[name], dictionary()
    if ours.vendor:
        vendor, number, kind = theirs.of_vendors[name]
        assert DICTIONARY.vendors.GetForward(ours.vendor) == vendor
    else:
        number, kind = theirs.attributes[name]
    assert (ours.code, ours.type) == (number, kind.partition("[")[0])
    for value in ours.values.forward:
        known = theirs.values[name][int.from_bytes(ours.values.GetForward(value))]
        assert value in {known, value if name == "Service-Type" else None}
