"""Normalizes what a guest types as a PIN (R8)."""

from __future__ import annotations

import re
import unicodedata

from nexio.input.pin_marks import is_blank_or_dash

_DIGITS = re.compile(r"[0-9]{5,10}", re.ASCII)


def normalize_pin(typed: bytes) -> str | None:
    """Return the digits that a guest meant, on whatever keyboard (R8).

    Blanks and dashes of any kind are skipped, and decimal digits of any script or width count.
    Nothing else is skipped: a PIN among other characters is not that PIN.

    Args:
        typed: raw octets, UTF-8.

    Returns:
        5 to 10 ASCII digits, or None if no PIN can be meant.
    """
    if typed.isdigit():  # the usual case: bytes know only ASCII digits
        digits = typed.decode("ascii")
    else:
        try:
            digits = "".join(map(_digit, typed.decode()))
        except ValueError:
            return None
    return digits if _DIGITS.fullmatch(digits) else None


def _digit(character: str) -> str:
    """The ASCII digit that is meant, or nothing for a blank or a dash.

    Raises:
        ValueError: it is something else.
    """
    if is_blank_or_dash(character):
        return ""
    return str(unicodedata.decimal(character))
