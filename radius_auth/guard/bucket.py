"""A token bucket: how much may be taken at once, and how much is refilled in a day.

Times are seconds since 1970.  Setting a clock back takes nothing away: the bucket goes on
from the earlier time with its current level.
"""

from __future__ import annotations

from typing import Final

from nexio.reception.guessing_limits import GUESSES_A_DAY, GUESSES_AT_ONCE

DAY: Final = 86_400.0

A_DAY: Final = GUESSES_A_DAY - GUESSES_AT_ONCE
"""Guesses refilled in a day."""

RESERVE: Final = 2
"""Guesses that are reserved for devices that were in before."""

CLOCKS_DIFFER: Final = 60.0
"""Seconds by which the clocks of two servers may differ without one having been set back."""

_ROUNDING: Final = 1e-9


class Bucket:
    """Is drained by guesses and refills at a constant rate.

    It can be overdrawn: two servers may take the last one at the same moment.

    Args:
        at: when it is full.
        holds: its capacity.
        a_day: how much is refilled in a day.
    """

    __slots__ = ("_at", "_level", "a_day", "holds")

    def __init__(self, at: float, holds: float = GUESSES_AT_ONCE, a_day: float = A_DAY) -> None:
        self.holds, self.a_day = holds, a_day
        self._level, self._at = holds, at

    def level(self, now: float) -> float:
        """Its level; below 0 if it is overdrawn."""
        if now > self._at:
            if self._level < self.holds:
                risen = self._level + (now - self._at) * self.a_day / DAY
                self._level = min(self.holds, risen)
            self._at = now
        elif now < self._at - CLOCKS_DIFFER:
            self._at = now
        return self._level

    def take(self, amount: float, now: float) -> None:
        """Take an amount, even if it is not there; a negative amount puts it back."""
        self._level = min(self.holds, self.level(now) - amount)

    def wait(self, amount: float, now: float) -> float:
        """Seconds until it holds that amount; 0 is now.

        An amount above its capacity waits until the bucket is full.
        """
        missing = min(amount, self.holds) - self.level(now)
        return missing * DAY / self.a_day if missing > self.holds * _ROUNDING else 0.0
