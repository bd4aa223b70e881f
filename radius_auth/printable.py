"""Octets from the network as text that cannot harm a log or a terminal."""

from __future__ import annotations

from nexio.pins import normalize_pin
from radius_auth.devices import mac_of

LONGEST = 120
MASK = "******"
"""What stands for a User-Name that could be a PIN (DESIGN 3)."""


def printable(octets: bytes) -> str:
    """UTF-8 as it is; whatever else, and control characters, as escapes; cut when long."""
    text = octets[:LONGEST].decode("utf-8", "backslashreplace")
    if text.isprintable():
        return text
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode()
        for character in text
    )


def user_name_for_log(octets: bytes, typed: bytes = b"") -> str:
    """A User-Name, masked where it has digits and no letter, or holds what was typed as PIN.

    Guests type their PIN into the wrong field, phones add what cannot be seen, and portals
    add a realm.
    """
    text = octets.decode("utf-8", "replace")
    could_be_pin = any(map(str.isdigit, text)) and not any(map(str.isalpha, text))
    return MASK if could_be_pin else printable(_masked(octets, typed))


def device_for_log(station: bytes | None, typed: bytes = b"") -> str | None:
    """A Calling-Station-Id: the MAC in one notation, or whatever it says but the PIN."""
    if station is None:
        return None
    return mac_of(station) or printable(_masked(station, typed))


def _masked(octets: bytes, typed: bytes) -> bytes:
    pin = normalize_pin(typed)
    if pin is None:
        return octets
    # As it was typed, too: in digits of another script.
    return octets.replace(pin.encode(), MASK.encode()).replace(typed, MASK.encode())
