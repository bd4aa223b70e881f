"""What accepts say beside Session-Timeout and Class: who decides, and in which dialect."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from pyrad.packet import Packet as PyradPacket

from nexio.input.reply_settings import Replies, parse_replies, with_changes
from nexio.network.nas_profiles import list_profiles
from radius_auth.protocol.pyrad_codec import encode_reply_attribute
from radius_auth.replica.replies import TERMINATE_TIME, TYPES
from tests.support.radius.access_requests import DICTIONARY
from tests.support.radius.guests import ANNEX, HOUSE, NINE, TEN, nas, table_of, visit

if TYPE_CHECKING:
    from nexio.network.following import FollowedVisit


def replies(words: str) -> Replies:
    """Settings, as they are typed after ``--reply``."""
    return with_changes((), parse_replies(words.split(), encode_reply_attribute))


def said(
    *, profile: str = "generic", here: str = "", at_nas: str = "", to: FollowedVisit | None = None
) -> str:
    """What an accept says more, as pyrad reads the octets; the words must be the same."""
    house = replace(HOUSE, reply=replies(here))
    ap = nas(profile=profile, reply=replies(at_nas))
    table = table_of(locations=[house, ANNEX], nas_entries=[ap])
    to = to or visit()
    reply = table.reply_for(ap, to)
    if reply is None:
        return ""
    packet = PyradPacket(code=2, dict=DICTIONARY)
    packet.DecodePacket(b"\2\1" + (20 + len(reply.octets_for(to))).to_bytes(2) + bytes(16)
                        + reply.octets_for(to))  # fmt: skip
    decoded = [f"{name}={value}" for name in list(packet.keys()) for value in packet[name]]
    words = [f"{name}={_named(name, value)}" for name, value in reply.attributes_for(to)]
    assert sorted(decoded) == sorted(words)
    return " ".join(words)


def _named(name: str, value: str) -> Any:
    """A number as pyrad shows it: by its name."""
    values = DICTIONARY.attributes[name].values
    number = int(value).to_bytes(4) if value.isdigit() else b""
    return values.GetBackward(number) if values.HasBackward(number) else value


VLAN_20 = "Tunnel-Type=VLAN Tunnel-Medium-Type=IEEE-802 Tunnel-Private-Group-Id=20"


@pytest.mark.parametrize(
    ("profile", "settings", "expected"),
    [
        ("generic", "", ""),
        ("generic", "vlan=20", VLAN_20),
        ("generic", "idle-timeout=15m", "Idle-Timeout=900"),
        ("generic", "interim-interval=10m", "Acct-Interim-Interval=600"),
        ("generic", "bandwidth-down=10M", "WISPr-Bandwidth-Max-Down=10000000"),
        ("generic", "bandwidth-up=512k", "WISPr-Bandwidth-Max-Up=512000"),
        ("generic", "role=slow", "Filter-Id=slow"),
        ("generic", "Termination-Action=Default", "Termination-Action=Default"),
        ("generic", "Cisco-AVPair=a Cisco-AVPair=b", "Cisco-AVPair=a Cisco-AVPair=b"),
        ("mikrotik", "bandwidth-up=2M bandwidth-down=10M interim-interval=none",
         "Mikrotik-Rate-Limit=2M/10M"),
        ("mikrotik", "bandwidth-up=2M", "Acct-Interim-Interval=600 WISPr-Bandwidth-Max-Up=2000000"),
        ("aruba", "bandwidth-up=2M role=slow", "Aruba-User-Role=slow"),
        ("cisco", "role=slow",
         "Cisco-AVPair=sub-qos-policy-in=slow Cisco-AVPair=sub-qos-policy-out=slow"),
        ("meraki", "role=slow", "Acct-Interim-Interval=600 Filter-Id=slow"),
        ("openwrt-hostapd", "role=slow bandwidth-up=1M vlan=20",
         f"Acct-Interim-Interval=600 {VLAN_20}"),
        ("coova-chilli", "", "Acct-Interim-Interval=600"),
        ("coova-chilli", "interim-interval=none", ""),
        ("from-the-future", "vlan=20", VLAN_20),
    ],
)  # fmt: skip
def test_each_nas_in_its_dialect(profile: str, settings: str, expected: str) -> None:
    """Written once, wherever it is set."""
    assert said(profile=profile, here=settings) == expected
    assert said(profile=profile, at_nas=settings) == expected


@pytest.mark.parametrize(
    ("here", "at_nas", "expected"),
    [
        ("role=here", "", "Filter-Id=here"),
        ("role=here", "role=nas", "Filter-Id=nas"),
        ("role=here", "role=none", ""),
        ("walk-in:role=w role=all", "", "Filter-Id=w"),
        ("customer:role=c role=all", "", "Filter-Id=all"),
        ("customer:role=c", "", ""),
        ("walk-in:role=here", "role=nas", "Filter-Id=nas"),
        ("walk-in:role=here", "role=nas walk-in:role=w", "Filter-Id=w"),
        ("role=here", "walk-in:role=none", ""),
        ("role=here Filter-Id=by-name", "", "Filter-Id=by-name"),
        ("Filter-Id=by-name", "role=nas", "Filter-Id=by-name"),
        ("Filter-Id=a Filter-Id=b", "Filter-Id=c", "Filter-Id=c"),
        ("bandwidth-up=1M", "bandwidth-down=2M",
         "WISPr-Bandwidth-Max-Up=1000000 WISPr-Bandwidth-Max-Down=2000000"),
    ],
)  # fmt: skip
def test_who_decides(here: str, at_nas: str, expected: str) -> None:
    """The NAS, then its location; in each what is for a source before what is for all.

    An attribute by its name replaces what a setting would become.
    """
    assert said(here=here, at_nas=at_nas, to=visit(source="walk-in")) == expected


def test_the_profile_comes_last() -> None:
    """What a kind of NAS sends by itself gives way to everything that somebody has set."""
    assert said(profile="mikrotik", here="interim-interval=5m") == "Acct-Interim-Interval=300"


@pytest.mark.parametrize(
    ("zone", "expected"),
    [
        ("Europe/London", "2026-11-20T10:00:00+00:00"),
        ("Asia/Kathmandu", "2026-11-20T15:45:00+05:45"),
        ("America/St_Johns", "2026-11-20T06:30:00-03:30"),
    ],
)
def test_the_end_as_a_time(zone: str, expected: str) -> None:
    """The end of this visitor's window, by the clocks of the place where the NAS is."""
    house = replace(HOUSE, time_zone=zone, reply=replies("end-time=on"))
    table = table_of(locations=[house], nas_entries=[nas()])
    reply = table.reply_for(nas(), visit(valid_from=NINE, valid_until=TEN))
    assert reply is not None
    assert reply.attributes_for(visit()) == ((TERMINATE_TIME, expected),)
    assert expected.encode() in reply.octets_for(visit())
    later = visit(valid_until=TEN + timedelta(microseconds=1))
    assert reply.octets_for(later) == reply.octets_for(visit())


def test_the_location_is_that_of_the_nas() -> None:
    """A guest of another location who is admitted by roaming gets what others get there."""
    table = table_of(
        locations=[HOUSE, replace(ANNEX, reply=replies("vlan=9"))],
        nas_entries=[nas(), nas(2, "127.0.0.2", location=ANNEX)],
    )
    assert table.reply_for(nas(), visit(location=2)) is None
    assert table.reply_for(nas(2, location=ANNEX), visit()) is not None


def test_nothing_to_say_costs_nothing() -> None:
    """The table is empty then, and a login asks no further."""
    assert table_of(nas_entries=[nas()]).replies == {}
    assert table_of(nas_entries=[nas()]).reply_for(None, visit()) is None


def test_numbers_and_names_are_those_of_the_dictionary() -> None:
    """Vendor and type of what settings become; and of what profiles name."""
    for name, (vendor, kind) in TYPES.items():
        attribute = DICTIONARY.attributes[name]
        number = DICTIONARY.vendors.GetForward(attribute.vendor) if attribute.vendor else 0
        assert (number, attribute.code) == (vendor, kind), name
    roles = {template.partition("=")[0] for each in list_profiles() for template in each.role}
    assert roles <= TYPES.keys()
