"""Devices: a Calling-Station-Id that is a MAC address, in any notation."""

from __future__ import annotations

from binascii import unhexlify
from functools import lru_cache

_SEPARATORS = b":.- "
_OCTETS = 6

_IPV4_DOTS = 3
"""``192.168.100.200`` has twelve digits, too."""


@lru_cache(maxsize=64)
def mac_of(station: bytes | None) -> str | None:
    """``aa:bb:cc:dd:ee:ff``, or None where the octets are no MAC address.

    ``AA-BB-CC-DD-EE-FF``, ``aabb.ccdd.eeff`` and ``AABBCCDDEEFF`` are the same device.  The
    latest are cached, as each login asks several times; a larger cache would only thrash the
    processor's cache (``python -m benchmarks.path``).
    """
    if station is None or station.count(b".") == _IPV4_DOTS:
        return None
    digits = station.strip().translate(None, _SEPARATORS)
    if len(digits) != 2 * _OCTETS:
        return None
    try:
        return unhexlify(digits).hex(":")
    except ValueError:
        return None
