"""Stores logins between two calls of FreeRADIUS."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from radius_auth.decision.request import Rejected, Request

MOST: Final = 25_000
"""More than Debian's FreeRADIUS has at once: 16,384 requests and 4,096 unfinished EAP logins."""


@dataclass(slots=True, kw_only=True)
class Login:
    """One login; FreeRADIUS may need several calls for it."""

    request: Request
    visit_id: int = 0
    """The visit whose PIN FreeRADIUS verifies, or has verified; 0 for none."""

    rejected: Rejected | None = None
    guess: int = 0
    """The number of the guess that the guard counts until the PIN is proven; 0 for none."""

    took_us: int = 0
    """Microseconds that the plugin took in earlier calls."""


class Logins:
    """Stores a login from one call to the next, under a number that FreeRADIUS stores as text."""

    def __init__(self) -> None:
        self._by_number: dict[str, Login] = {}
        self._numbers = itertools.count(1)

    def add(self, login: Login) -> str:
        """Store a login, and return its number; drop the oldest one if there are too many."""
        if len(self._by_number) >= MOST:
            del self._by_number[next(iter(self._by_number))]
        number = str(next(self._numbers))
        self._by_number[number] = login
        return number

    def find(self, number: str | None) -> Login | None:
        """The login of that number, or None."""
        return self._by_number.get(number or "")

    def drop(self, number: str | None) -> None:
        """Forget a login that has ended."""
        self._by_number.pop(number or "", None)
