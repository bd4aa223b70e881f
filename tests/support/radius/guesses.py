"""Guesses at visits, made in memory."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from radius_auth.guard import Guess, Guessed
from tests.support.radius.guests import HOUR, NINE, SECOND

if TYPE_CHECKING:
    from radius_auth.guard import Guard

NOON = NINE + 3 * HOUR
MINUTE = 60 * SECOND
DAY = 24 * HOUR


def mac(number: int) -> str:
    """A device."""
    return f"02:00:00:00:{number // 256:02x}:{number % 256:02x}"


def guess(device: str = mac(1), *visits: int, **changes: Any) -> Guess:
    """A guess at visit 1, or at these visits, whose PINs have 6 digits."""
    fields: dict[str, Any] = {
        "location": 1,
        "nas": "ap-1",
        "device": device,
        "visits": {
            visit: Guessed(location=1, chance=1e-6, pin=b"%d" % visit) for visit in visits or (1,)
        },
    }
    return Guess(**(fields | changes))


def by_pin(device: str = mac(1), chance: float = 1e-6) -> Guess:
    """A guess where the PIN alone logs in."""
    return guess(device, by_pin=True, chance=chance, visits={})


def is_open(guard: Guard, made: Guess, now: datetime) -> bool:
    """Whether the guard checks a guess."""
    return not guard.look(made, now).is_refused


_typed = 0


def tries(guard: Guard, made: Guess, now: datetime, most: int = 1) -> int:
    """Type new wrong PINs one after the other; return how many the guard checked."""
    global _typed  # noqa: PLW0603 - so that each PIN is another one
    for number in range(most):
        opening = guard.look(made, now)
        if opening.is_refused:
            return number
        _typed += 1
        guard.count(made, opening, now, f"wrong {_typed}".encode())
    return most


def slowly(guard: Guard, made: Guess, now: datetime, most: int) -> int:
    """The same with ten seconds between them, as people type."""
    return sum(tries(guard, made, now + n * 10 * SECOND) for n in range(most))


def attack(guard: Guard, now: datetime, *visits: int, first: int = 1000, count: int = 50) -> int:
    """Type wrong PINs, each on a new device; return how many the guard checked."""
    return sum(tries(guard, guess(mac(first + n), *visits), now) for n in range(count))


def waits(guard: Guard, made: Guess, now: datetime) -> timedelta:
    """How long a guess waits, to the second; a minute is skipped where it is told to wait longer.

    Looking on from a later moment changes what the guard knows of an earlier one.
    """
    then = now
    while (opening := guard.look(made, then)).is_refused:
        then += MINUTE if opening.wait > MINUTE.total_seconds() else SECOND
        assert then < now + 3 * DAY
    return then - now
