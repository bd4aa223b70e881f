"""The characters that a guest's keyboard may put between the digits of a PIN (R8).

Code that reads a PIN skips them, and code that masks one (Must 20) has to skip them, too.
"""

from __future__ import annotations

import unicodedata
from typing import Final

_BLANKS: Final = "\t\u200b\u2060\ufeff"
"""Those that Unicode does not count among its space separators; the last three have no width."""

_DASHES: Final = "\u00ad\u2043\u2212"
"""Soft hyphen, hyphen bullet and minus: those that Unicode does not count among its dashes."""


def is_blank_or_dash(character: str) -> bool:
    """Whether a character is a blank or a dash of any kind."""
    if character in _BLANKS or character in _DASHES:
        return True
    return unicodedata.category(character) in {"Zs", "Pd"}
