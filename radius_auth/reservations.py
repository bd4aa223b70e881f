"""Guesses that FreeRADIUS is verifying: what is counted for them, until they are known to be right.

A tunnel takes several packets between the response and the accept.
"""

from __future__ import annotations

import itertools
from collections import OrderedDict
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from radius_auth.guesses import Reservation

MOST: Final = 20_000
"""One that is pushed out stays counted as wrong."""


class Reservations:
    """Reservations by number; FreeRADIUS's calls are serialised, so that nothing is locked."""

    def __init__(self) -> None:
        self._kept: OrderedDict[int, Reservation] = OrderedDict()
        self._numbers = itertools.count(1)

    def keep(self, reservation: Reservation) -> int:
        """Keep one, and return its number."""
        number = next(self._numbers)
        self._kept[number] = reservation
        if len(self._kept) > MOST:
            self._kept.popitem(last=False)
        return number

    def take(self, number: int) -> Reservation | None:
        """Take one out; None where there is none of that number, or it was taken."""
        return self._kept.pop(number, None)
