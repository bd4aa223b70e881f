"""The bound on guessing: what the length of a PIN and the limits of the guard rest on.

Somebody who guesses for a whole day, from any number of devices and at any number of known
e-mails, finds a PIN of a location with a chance of at most ``BOUND``.  Two things hold it: the
guard evaluates at most ``GUESSES_A_DAY`` wrong guesses at one visit in a day, and PINs are drawn
long enough that these guesses, summed over the visits of a day, stay below the bound.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Final

from nexio.locations.settings import LONGEST_PIN

BOUND: Final = 1e-3
"""The greatest chance that somebody who guesses for a day finds a PIN of one location."""

GUESSES_AT_ONCE: Final = 8
"""Wrong guesses at one visit that are evaluated at once, from however many devices."""

GUESSES_A_DAY: Final = 12
"""Those that are evaluated in any day: 8 at once, and 4 more in a day."""

OF_PIN_LOGIN: Final = 0.8 * BOUND
"""What the guesses of a day may be worth together where the PIN alone logs in.

As much as the PINs of a day may use where they do not.  The rest of the bound is for guesses that
are given back, and for what several servers let through at the same moment.
"""

MOST_OTHERS: Final = 3
"""Other servers for which the bound leaves enough beside ``OF_PIN_LOGIN``."""

_UNIT: Final[int] = 10**LONGEST_PIN
"""Chances are added up in parts of this, so that no rounding decides."""

_PARTS: Final[Mapping[int, int]] = {
    digits: GUESSES_A_DAY * _UNIT // 10**digits for digits in range(1, LONGEST_PIN + 1)
}
"""What a day of guesses at one PIN of so many digits is worth."""

_MOST: Final = int(BOUND * _UNIT) * 8 // 10
"""What the PINs of a day may use; a fifth of the bound is left for visits that are moved."""

_SIXTEENTHS: Final = {5: 4, 6: 8, 7: 12, 8: 14, 9: 15, 10: 16}
"""How much of it PINs of at most so many digits may use, in sixteenths.

Short PINs leave half for longer ones, those of 7 digits half of what is left then, and so on: so
there is always room, in whatever order PINs are drawn and whatever ``pin-length`` is meanwhile.
"""


def length_for(days: Collection[Mapping[int, int]], least: int) -> int:
    """How many digits a new PIN gets.

    Args:
        days: for each day on which it will count, how many PINs of how many digits there are.
        least: the fewest digits that it may have.

    Returns:
        The fewest that fit on each of the days; the most that there are where nothing fits.
    """
    for digits in range(least, LONGEST_PIN):
        if all(_fits(day, digits) for day in days):
            return digits
    return LONGEST_PIN


def is_within(day: Mapping[int, int], digits: int) -> bool:
    """Whether one PIN more, of so many digits, leaves a day below what PINs may use."""
    return _parts(day) + _PARTS[digits] <= _MOST


def holds(day: Mapping[int, int]) -> bool:
    """Whether the PINs of a day are below what they may use."""
    return _parts(day) <= _MOST


def guesses_that_close(chance: float) -> int:
    """How many wrong guesses close a location where the PIN alone logs in to new devices.

    Args:
        chance: that one guess is one of its PINs.
    """
    return max(1, int(OF_PIN_LOGIN * GUESSES_AT_ONCE / GUESSES_A_DAY / chance + 1e-9))


def chance_of(day: Mapping[int, int]) -> float:
    """The chance that somebody who guesses for a day finds one of its PINs.

    Args:
        day: how many PINs of how many digits there are.
    """
    return min(1.0, _parts(day) / _UNIT)


def odds(chance: float) -> str:
    """A chance as people say it: "1 in 1,667"."""
    if not chance:
        return "0"
    return f"1 in {1 / chance:,.0f}" if chance < 1 / 2 else f"{chance:.0%}"


def _fits(day: Mapping[int, int], digits: int) -> bool:
    """Whether one PIN more leaves enough for PINs of each greater length."""
    used = _PARTS[digits]
    for length, parts in _PARTS.items():
        used += day.get(length, 0) * parts
        if length >= digits and used > _MOST * _SIXTEENTHS[length] // 16:
            return False
    return True


def _parts(day: Mapping[int, int]) -> int:
    return sum(count * _PARTS[digits] for digits, count in day.items())
