"""Octets from the network as text that cannot harm a log or a terminal."""

from __future__ import annotations

from radius_auth.devices import mac_of

LONGEST = 120
MASK = "******"
"""What stands for a User-Name that could be a PIN (DESIGN 3)."""


def printable(octets: bytes) -> str:
    """UTF-8 as it is; whatever else, and control characters, as escapes; cut when long."""
    text = octets[:LONGEST].decode("utf-8", "backslashreplace")
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode()
        for character in text
    )


def user_name_for_log(octets: bytes) -> str:
    """A User-Name, masked where it has digits and no letter.

    Guests type their PIN into the wrong field, and phones add what cannot be seen.
    """
    text = octets.decode("utf-8", "replace")
    could_be_pin = any(map(str.isdigit, text)) and not any(map(str.isalpha, text))
    return MASK if could_be_pin else printable(octets)


def device_for_log(station: bytes | None) -> str | None:
    """A Calling-Station-Id: the MAC in one notation, or whatever it says."""
    if station is None:
        return None
    return mac_of(station) or printable(station)
