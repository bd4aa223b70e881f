"""Devices: a Calling-Station-Id that is a MAC address, in any notation."""

from __future__ import annotations

import re

_SEPARATORS = re.compile(rb"[:.\- ]")
_MAC = re.compile(rb"[0-9a-f]{12}\Z")


def mac_of(station: bytes | None) -> str | None:
    """``aa:bb:cc:dd:ee:ff``, or None where the octets are no MAC address.

    ``AA-BB-CC-DD-EE-FF``, ``aabb.ccdd.eeff`` and ``AABBCCDDEEFF`` are the same device.
    """
    if station is None:
        return None
    digits = _SEPARATORS.sub(b"", station.strip().lower())
    if not _MAC.match(digits):
        return None
    text = digits.decode("ascii")
    return ":".join(text[i : i + 2] for i in range(0, 12, 2))
