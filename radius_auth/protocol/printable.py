"""Turns octets from the network into text that cannot harm a log or a terminal."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING

from nexio.network.masking import MASK, mask_pins
from radius_auth.decision.devices import mac_of
from radius_auth.decision.passwords import Pap

if TYPE_CHECKING:
    from collections.abc import Callable

    from radius_auth.decision.passwords import Password

LONGEST = 120


def printable(octets: bytes) -> str:
    """UTF-8 as it is; other octets and control characters as escapes; truncated if long."""
    text = octets[:LONGEST].decode("utf-8", "backslashreplace")
    if text.isprintable():
        return text
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode()
        for character in text
    )


def is_as_sent(text: str) -> bool:
    """Whether :func:`printable` has shown the octets completely, with nothing masked."""
    return MASK not in text and "\\" not in text and len(text.encode()) < LONGEST


def user_name_for_log(
    octets: bytes, is_known: Callable[[str], object], password: Password | None = None
) -> str:
    """A User-Name without what could be a PIN, and without what was typed as one.

    Guests type their PIN into the wrong field, phones add invisible characters, and portals
    add a realm.

    Args:
        octets: as it was sent.
        is_known: whether a visit has this e-mail.
        password: what came with it.
    """
    text = _masked(octets, password).decode("utf-8", "surrogateescape")
    return printable(mask_pins(text, is_known).encode("utf-8", "surrogateescape"))


def station_for_log(station: bytes, password: Password | None = None) -> str:
    """A Calling-Station-Id as it was sent; masked like a User-Name if no NAS can have made it.

    Some portals put the guest's input there.  A MAC or an IP address stays as it is.
    """
    if mac_of(station) or _is_address(station):
        return printable(station)
    return user_name_for_log(station, lambda _: False, password)


def device_for_log(station: bytes | None, password: Password | None = None) -> str | None:
    """A Calling-Station-Id: the MAC in one notation, or else its text with PINs masked."""
    if station is None:
        return None
    return mac_of(station) or station_for_log(station, password)


def _is_address(station: bytes) -> bool:
    """Whether octets are an IP address; one with a zone is not, as a zone may be any text."""
    try:
        ipaddress.ip_address(station.decode("ascii"))
    except ValueError:
        return False
    return b"%" not in station


def _masked(octets: bytes, password: Password | None) -> bytes:
    if not isinstance(password, Pap) or password.pin is None:
        return octets
    # Also as it was typed: in digits of another script.
    for typed in (password.pin.encode(), password.typed):
        octets = octets.replace(typed, MASK.encode())
    return octets
