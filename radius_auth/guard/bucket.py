"""A bucket: what may be taken from it at once, and how much comes back in a day.

Times are seconds since 1970.  A clock that is set back takes nothing away: the bucket goes on
from the earlier time with what is in it.
"""

from __future__ import annotations

from typing import Final

from nexio.reception.guessing_limits import GUESSES_A_DAY, GUESSES_AT_ONCE

DAY: Final = 86_400.0

A_DAY: Final = GUESSES_A_DAY - GUESSES_AT_ONCE
"""How many come back in a day."""

KEPT: Final = 2
"""How many of them are kept for devices that were in before."""

CLOCKS_DIFFER: Final = 60.0
"""Seconds: the clocks of two servers may differ by this, and nobody has set one back."""

_ROUNDING: Final = 1e-9


class Bucket:
    """Something that is used up by guesses and fills up again, evenly.

    It can be overdrawn: two servers may have taken the last one at the same moment.

    Args:
        at: when it is full.
        holds: how much it holds.
        a_day: how much comes back in a day.
    """

    __slots__ = ("_at", "_level", "a_day", "holds")

    def __init__(self, at: float, holds: float = GUESSES_AT_ONCE, a_day: float = A_DAY) -> None:
        self.holds, self.a_day = holds, a_day
        self._level, self._at = holds, at

    def level(self, now: float) -> float:
        """What is in it; below 0 where it is overdrawn."""
        if now > self._at:
            if self._level < self.holds:
                risen = self._level + (now - self._at) * self.a_day / DAY
                self._level = min(self.holds, risen)
            self._at = now
        elif now < self._at - CLOCKS_DIFFER:
            self._at = now
        return self._level

    def take(self, amount: float, now: float) -> None:
        """Take something out, whether it is there or not; a negative amount puts it back."""
        self._level = min(self.holds, self.level(now) - amount)

    def wait(self, amount: float, now: float) -> float:
        """Seconds until so much is in it; 0 is now.

        What never fits waits until the bucket is full.
        """
        missing = min(amount, self.holds) - self.level(now)
        return missing * DAY / self.a_day if missing > self.holds * _ROUNDING else 0.0
