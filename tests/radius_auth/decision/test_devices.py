"""Devices: a Calling-Station-Id that is a MAC, in any notation."""

import pytest

from radius_auth.decision.devices import mac_of


@pytest.mark.parametrize(
    "station",
    [
        b"02-00-00-AB-CD-EF",
        b"02-00-00-ab-cd-ef",
        b"02:00:00:ab:cd:ef",
        b"0200.00ab.cdef",
        b"020000ABCDEF",
        b"020000-abcdef",
        b" 02 00 00 ab cd ef ",
    ],
)
def test_every_notation_is_the_same_device(station: bytes) -> None:
    """R18: a device is a MAC, however the NAS writes it."""
    assert mac_of(station) == "02:00:00:ab:cd:ef"


@pytest.mark.parametrize(
    "station",
    [
        None,
        b"192.168.100.200",
        b"",
        b"192.0.2.7",
        b"+44 20 7946 0000",
        b"02-00-00-AB-CD",
        b"02-00-00-AB-CD-EF-01",
        b"02-00-00-AB-CD-EG",
        b"02-00-00-AB-CD-EF\n0",
        "０２００００abcdef".encode(),
        b"02_00_00_AB_CD_EF",
        b"\x02\x00\x00\xab\xcd\xef",
    ],
)
def test_anything_else_is_no_device(station: bytes | None) -> None:
    """R18: under a device limit, a login without a MAC will not do."""
    assert mac_of(station) is None
