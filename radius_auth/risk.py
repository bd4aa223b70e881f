"""How likely guessing is to succeed where guests log in by the PIN alone (R9)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from radius_auth.budgets import DAY, FEWEST, OfPinLocation

if TYPE_CHECKING:
    from collections.abc import Mapping

    from nexio.settings import Settings


def chance_in_a_day(weight: float) -> float:
    """The chance that one of the guesses that the guard lets through in a day is a PIN.

    That is what fits into the location's budget at once, and what leaks out of it in a day.

    Args:
        weight: the chance that one guess hits one of the live PINs, in millionths.
    """
    at_once = OfPinLocation.HOLDS / min(weight, OfPinLocation.HOLDS / FEWEST)
    in_a_day = at_once * (1 + OfPinLocation.LEAKS * DAY / OfPinLocation.HOLDS)
    return min(1.0, in_a_day * weight / 10**6)


def risk_words(settings: Settings, live: Mapping[int, int]) -> str:
    """What an operator should know who lets guests in by the PIN alone.

    Args:
        settings: of the location.
        live: how many tokens there are now, by the digits of their PINs.
    """
    tokens = sum(live.values())
    guests = max(settings.planned_guests or 1, tokens)
    coming = {settings.pin_length: guests - tokens}
    weight = sum(n * 10.0 ** (6 - d) for each in (live, coming) for d, n in each.items())
    return (
        f"Somebody who tries PINs all day, each time from another device, gets in with a chance"
        f" of {_part(chance_in_a_day(weight))} a day, with PINs of {settings.pin_length} digits"
        f" and {guests} guests ({tokens} have a token now). While that goes on, devices that"
        " have not been on yet may have to wait: see nexio guard list."
    )


def _part(chance: float) -> str:
    return f"1 in {1 / chance:,.0f}" if chance < 1 / 2 else f"{chance:.0%}"
