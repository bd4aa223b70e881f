"""What an operator is told of guessing."""

from __future__ import annotations

import pytest

from nexio.locations.locations import Location
from nexio.locations.settings import Settings
from nexio.reception.risk import pin_login_words, risk_words
from nexio.store.engine import Store
from tests.support.people import register


def said(store: Store, location: Location) -> str:
    """About a location as it is now."""
    with store.read() as work:
        return risk_words(work, location)


def test_the_present_chance(store: Store, location: Location) -> None:
    """Of the fullest day; two days with as many: the earlier one."""
    assert said(store, location) == "There is no PIN to guess at Harbour House yet."
    register(store, location, arrival="tomorrow 9am")
    for number in range(2):
        register(store, location, email=f"ada{number}@example.com", arrival="monday 9am")
    assert said(store, location) == (
        "Somebody who guesses PINs at Harbour House all day finds one with a chance of 1 in 41,667"
        " at most (on 2026-11-23, with 2 PINs); 1 in 1,000 is the limit."
    )


@pytest.mark.parametrize(
    ("settings", "live", "words"),
    [
        (Settings(pin_length=8, planned_guests=100), {}, ("1 in 1,250 a day", "After 533 wrong")),
        (Settings(pin_length=8, planned_guests=100), {6: 20}, ("1 in 1,250 a day", "After 26 ")),
        (Settings(pin_length=6, planned_guests=1), {6: 300}, ("300 guests (300 have", "After 1 ")),
        (Settings(pin_length=5, planned_guests=5000), {}, ("1 in 20 a day", "After 1 wrong")),
    ],
)
def test_r9_where_the_pin_alone_logs_in(
    settings: Settings, live: dict[int, int], words: tuple[str, ...]
) -> None:
    """A guess is tried at all guests at once; short PINs that are still good count as such."""
    assert all(each in pin_login_words(settings, live) for each in words)
