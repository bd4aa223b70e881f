"""What an operator is told about guessing where the PIN alone logs in."""

from __future__ import annotations

import pytest

from nexio.settings import Settings
from radius_auth.guard.risk import guesses_that_close, risk_words


@pytest.mark.parametrize(
    ("chance", "guesses"), [(1e-6, 533), (1e-5, 53), (1e-4, 5), (0.01, 1), (5000 / 1e5, 1)]
)
def test_how_many_guesses_close_a_location(chance: float, guesses: int) -> None:
    """R9: as many as the guard looks at, see ``test_guard.py``."""
    assert guesses_that_close(chance) == guesses


@pytest.mark.parametrize(
    ("settings", "live", "said"),
    [
        (Settings(pin_length=8, planned_guests=100), {}, "1 in 1,250 a day"),
        (Settings(pin_length=8, planned_guests=100), {}, "After 533 wrong PINs"),
        (Settings(pin_length=8, planned_guests=100), {6: 20}, "After 25 wrong PINs"),
        (Settings(pin_length=6, planned_guests=1), {6: 300}, "300 guests (300 have a token now)"),
        (Settings(pin_length=6, planned_guests=1), {6: 1000}, "1 in 1,000 a day"),
        (Settings(pin_length=5, planned_guests=50_000), {}, "at most 50% a day"),
    ],
)
def test_it_is_said_in_words(settings: Settings, live: dict[int, int], said: str) -> None:
    """R9: with the numbers of this store; short PINs that are still good count as such."""
    assert said in risk_words(settings, live)
