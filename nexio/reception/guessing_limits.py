"""The bound on guessing, from which the length of PINs and the limits of the guard follow.

Somebody who guesses for a whole day, from any number of devices and at any number of known
e-mails, finds a PIN of a location with a chance of at most ``BOUND``.  Two rules ensure it: the
guard evaluates at most ``GUESSES_A_DAY`` wrong guesses at one visit in a day, and PINs are long
enough that these guesses, summed over the visits of a day, stay below the bound.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Final

from nexio.locations.settings import LONGEST_PIN

BOUND: Final = 1e-3
"""The greatest allowed chance to find a PIN of one location by guessing for a day."""

GUESSES_AT_ONCE: Final = 8
"""Wrong guesses at one visit that are evaluated in a burst, from however many devices."""

GUESSES_A_DAY: Final = 12
"""Wrong guesses at one visit that are evaluated in any day: 8 in a burst, and 4 more."""

OF_PIN_LOGIN: Final = 0.8 * BOUND
"""Limit for the summed chance of a day's guesses if the PIN alone logs in.

It equals the share of the bound that the PINs of a day may use otherwise.  The rest of the bound is
for guesses that are given back, and for guesses that several servers allow at the same moment.
"""

MOST_OTHERS: Final = 3
"""Number of other servers for which the bound leaves room in addition to ``OF_PIN_LOGIN``."""

_UNIT: Final[int] = 10**LONGEST_PIN
"""Chances are summed as integer parts of this, to avoid rounding."""

_PARTS: Final[Mapping[int, int]] = {
    digits: GUESSES_A_DAY * _UNIT // 10**digits for digits in range(1, LONGEST_PIN + 1)
}
"""The chance of a day's guesses at one PIN, by its digits, in parts of ``_UNIT``."""

_MOST: Final = int(BOUND * _UNIT) * 8 // 10
"""The limit for the PINs of a day; a fifth of the bound is left for visits that are moved."""

_SIXTEENTHS: Final = {5: 4, 6: 8, 7: 12, 8: 14, 9: 15, 10: 16}
"""How much of ``_MOST`` PINs of at most so many digits may use, in sixteenths.

Short PINs leave half for longer ones, those of 7 digits half of the rest, and so on: so there is
always room, in whatever order PINs are drawn and however ``pin-length`` changes meanwhile.
"""


def length_for(days: Collection[Mapping[int, int]], least: int) -> int:
    """The number of digits for a new PIN.

    Args:
        days: for each day on which it will count, the number of PINs by digits.
        least: the fewest digits that it may have.

    Returns:
        The fewest digits that fit on each day; the longest length if nothing fits.
    """
    for digits in range(least, LONGEST_PIN):
        if all(_fits(day, digits) for day in days):
            return digits
    return LONGEST_PIN


def is_within(day: Mapping[int, int], digits: int) -> bool:
    """Whether a day stays within the limit with one more PIN of so many digits."""
    return _parts(day) + _PARTS[digits] <= _MOST


def holds(day: Mapping[int, int]) -> bool:
    """Whether the PINs of a day are within the limit."""
    return _parts(day) <= _MOST


def guesses_that_close(chance: float) -> int:
    """The number of wrong guesses after which a location with PIN login refuses new devices.

    Args:
        chance: that one guess is one of its PINs.
    """
    return max(1, int(OF_PIN_LOGIN * GUESSES_AT_ONCE / GUESSES_A_DAY / chance + 1e-9))


def chance_of(day: Mapping[int, int]) -> float:
    """The chance to find one of the PINs of a day by guessing for that day.

    Args:
        day: the number of PINs by digits.
    """
    return min(1.0, _parts(day) / _UNIT)


def odds(chance: float) -> str:
    """Format a chance for people: "1 in 1,667"."""
    if not chance:
        return "0"
    return f"1 in {1 / chance:,.0f}" if chance < 1 / 2 else f"{chance:.0%}"


def _fits(day: Mapping[int, int], digits: int) -> bool:
    """Whether one more PIN leaves enough room for PINs of each greater length."""
    used = _PARTS[digits]
    for length, parts in _PARTS.items():
        used += day.get(length, 0) * parts
        if length >= digits and used > _MOST * _SIXTEENTHS[length] // 16:
            return False
    return True


def _parts(day: Mapping[int, int]) -> int:
    return sum(count * _PARTS[digits] for digits, count in day.items())
