"""Mask what could be a PIN in a User-Name, before it is stored or logged."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from typing import Final

from nexio.input.addresses import email_key
from nexio.input.pin_marks import is_blank_or_dash

MASK: Final = "******"
"""Replaces digits that could be a PIN."""

_UNSEEN: Final = {"Zl", "Zp", "Cf", "Cc", "Cs"}
"""Invisible characters, and octets that are no text: like blanks and dashes they end no run."""

_RUN: Final = re.compile(r"9(?: *9){4,}")
"""Five digits or more; more than ten may be a PIN typed twice."""

_ASCII_RUN: Final = re.compile(r"[0-9](?:[\x00-\x20\x7f-]*[0-9]){4,}")
_ESCAPE: Final = re.compile(r"\\x[0-9a-f]{2}|\\u[0-9a-f]{4}|\\U[0-9a-f]{8}|\\[nrt]")


def mask_pins(name: str, is_known: Callable[[str], object]) -> str:
    """Return a User-Name without what could be a PIN.

    Each run of 5 digits or more, of any script and width, is masked, also with blanks or dashes in
    it.  A name without any letter but with a digit is masked as a whole: even a part of a PIN
    reveals too much.

    Args:
        name: as sent, or as an older version stored it, with escapes.
        is_known: whether a visit has this e-mail (its key); a known e-mail is not masked.
    """
    if name.isascii() and "\\" not in name and not _ASCII_RUN.search(name) and _has_letter(name):
        return name
    if is_known(email_key(name)):
        return name
    if not _has_letter(name) and any(map(str.isdigit, name)):
        return MASK
    return _without_runs(name)


def _has_letter(name: str) -> bool:
    return any(map(str.isalpha, name))


def _without_runs(name: str) -> str:
    if name.isascii() and "\\" not in name:
        return _ASCII_RUN.sub(MASK, name)
    parts, end = [], 0
    for run in _RUN.finditer(_shape(name)):
        parts += [name[end : run.start()], MASK]
        end = run.end()
    return "".join([*parts, name[end:]])


def _shape(name: str) -> str:
    """Map each character: to 9 for a digit, a blank for what a run may contain, else x."""
    blanked = _ESCAPE.sub(lambda escape: " " * len(escape[0]), name)
    return "".join(map(_kind, blanked))


def _kind(character: str) -> str:
    if character.isdigit():
        return "9"
    is_between = is_blank_or_dash(character) or unicodedata.category(character) in _UNSEEN
    return " " if is_between else "x"
