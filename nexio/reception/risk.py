"""Texts for operators about guessing: how likely it succeeds, and its effect on guests."""

from __future__ import annotations

from collections.abc import Mapping

from nexio.input.names import counted
from nexio.locations.locations import Location, location_of
from nexio.locations.settings import Settings
from nexio.reception.guessing_limits import BOUND, OF_PIN_LOGIN, chance_of, guesses_that_close, odds
from nexio.reception.pin_days import days_of, fullest_day, pin_digits
from nexio.store import tables
from nexio.store.engine import Reading


def risk_words(work: Reading, location: Location) -> str:
    """How likely guessing is to succeed at a location now (R9)."""
    if location.settings.wifi_login == "pin":
        from nexio.reception.tokens import live_pin_lengths  # noqa: PLC0415 (rarely needed)

        return pin_login_words(location.settings, live_pin_lengths(work, location))
    fullest = fullest_day(work, location)
    if fullest is None:
        return f"There is no PIN to guess at {location.name} yet."
    return (
        f"Somebody who guesses PINs at {location.name} all day finds one with a chance of"
        f" {odds(fullest.chance)} at most (on {fullest.day}, with {counted(fullest.pins, 'PIN')});"
        f" {odds(BOUND)} is the limit."
    )


def pin_login_words(settings: Settings, live: Mapping[int, int]) -> str:
    """:func:`risk_words` if the PIN alone logs in: each guess is a guess at all guests at once.

    Args:
        settings: of the location.
        live: the number of tokens now, by the digits of their PINs.
    """
    tokens = sum(live.values())
    guests = max(settings.planned_guests or 1, tokens)
    coming = dict(live)
    coming[settings.pin_length] = coming.get(settings.pin_length, 0) + guests - tokens
    of_one = min(1.0, max(count / 10**digits for digits, count in coming.items()))
    a_day = max(OF_PIN_LOGIN, of_one)  # one guess is always evaluated, however short the PINs are
    have = "has" if tokens == 1 else "have"
    return (
        f"With PINs of {settings.pin_length} digits and {counted(guests, 'guest')} ({tokens} {have}"
        f" a token now), somebody who tries PINs gets in with a chance of {odds(a_day)} a"
        f" day at most. After {guesses_that_close(of_one):,} wrong PINs in a day, devices that"
        " have not been on yet have to wait: see nexio guard list."
    )


def short_pin_words(digits: int) -> str:
    """The risk of a single PIN with few digits."""
    return (
        f"A PIN of {digits} digits is guessed in a day with a chance of"
        f" {odds(chance_of({digits: 1}))}."
    )


def chosen_pin_words(work: Reading, visit_id: int) -> str:
    """The effect of a visit's chosen PIN on the chance on its days."""
    row = work.session.get_one(tables.VisitRow, visit_id)
    location = location_of(row.location)
    fullest = fullest_day(work, location, days_of(row))
    words = short_pin_words(pin_digits(row))
    if fullest is None:
        return words
    return (
        f"{words} With it, somebody who guesses all day finds one of the PINs at {location.name}"
        f" with a chance of {odds(fullest.chance)} on {fullest.day}; {odds(BOUND)} is the limit."
    )
