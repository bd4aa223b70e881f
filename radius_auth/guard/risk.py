"""What guessing can do where guests log in by the PIN alone (R9)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nexio.guessing import GUESSES_A_DAY
from radius_auth.guard.bucket import AT_ONCE
from radius_auth.guard.guard import OF_A_LOCATION

if TYPE_CHECKING:
    from collections.abc import Mapping

    from nexio.settings import Settings


def guesses_that_close(chance: float) -> int:
    """How many wrong guesses close a location for devices that were not in before.

    Args:
        chance: that one guess is one of the PINs.
    """
    return max(1, int(OF_A_LOCATION * AT_ONCE / GUESSES_A_DAY / chance + 1e-9))


def risk_words(settings: Settings, live: Mapping[int, int]) -> str:
    """What an operator should know who lets guests in by the PIN alone.

    Args:
        settings: of the location.
        live: how many tokens there are now, by the digits of their PINs.
    """
    tokens = sum(live.values())
    guests = max(settings.planned_guests or 1, tokens)
    coming = {settings.pin_length: guests - tokens}
    chance = sum(n / 10.0**digits for each in (live, coming) for digits, n in each.items())
    a_day = max(OF_A_LOCATION, chance)  # one guess is looked at, however short the PINs are
    return (
        f"Somebody who tries PINs all day gets in with a chance of at most {_part(a_day)} a day,"
        f" with PINs of {settings.pin_length} digits and {guests} guests ({tokens} have a token"
        f" now). After {guesses_that_close(chance):,} wrong PINs, from any devices, those that"
        " have not been on yet have to wait: see nexio guard list."
    )


def _part(chance: float) -> str:
    return f"1 in {1 / chance:,.0f}" if chance < 1 / 2 else f"{min(1.0, chance):.0%}"
