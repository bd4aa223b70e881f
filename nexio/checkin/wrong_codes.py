"""Longer and longer waits at a reader for somebody who guesses codes."""

from __future__ import annotations

from collections import deque

FREE = 5
"""Wrong codes within :data:`REMEMBERED` that cause no wait: anybody can mistype."""

LONGEST_WAIT = 60.0
"""Seconds; the next person, with the right code, waits no longer than this."""

REMEMBERED = 900.0
"""Seconds after which a wrong code is forgotten."""


class WrongCodes:
    """The wrong codes of one reader in the last quarter of an hour.

    A right code in between changes nothing: otherwise an attacker's own code would allow further
    guesses.
    """

    def __init__(self) -> None:
        self._at: deque[float] = deque()

    def wait_after(self, now: float) -> float:
        """Note a wrong code, and return how long the reader accepts no other one.

        Args:
            now: seconds on a clock that only goes forward.

        Returns:
            0 for the first few, then 1, 2, 4, … seconds.
        """
        self._at.append(now)
        while self._at[0] <= now - REMEMBERED:
            self._at.popleft()
        over = min(len(self._at) - FREE, 10)
        return min(2.0 ** (over - 1), LONGEST_WAIT) if over > 0 else 0.0
