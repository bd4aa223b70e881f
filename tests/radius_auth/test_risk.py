"""What an operator is told about guessing where the PIN alone logs in."""

import pytest

from nexio.settings import Settings
from radius_auth.risk import chance_in_a_day, risk_words


@pytest.mark.parametrize(
    ("digits", "guests", "chance"),
    [
        (6, 1, 6e-4),
        (8, 100, 6e-4),
        (10, 10_000, 6e-4),
        (6, 100, 0.01),
        (6, 1000, 0.1),
        (5, 5000, 1),
    ],
)
def test_the_chance_in_a_day(digits: int, guests: int, chance: float) -> None:
    """R9: below 1 in 1000 where the PINs are as long as it asks for; the rest is honest."""
    weight = guests * 10.0 ** (6 - digits)

    assert chance_in_a_day(weight) == pytest.approx(chance)


@pytest.mark.parametrize(
    ("settings", "live", "said"),
    [
        (Settings(pin_length=8, planned_guests=100), {}, "1 in 1,667 a day"),
        (Settings(pin_length=8, planned_guests=100), {6: 20}, "1 in 481 a day"),
        (Settings(pin_length=6, planned_guests=1), {6: 300}, "300 guests (300 have a token now)"),
        (Settings(pin_length=5, planned_guests=5000), {}, "a chance of 100% a day"),
    ],
)
def test_it_is_said_in_words(settings: Settings, live: dict[int, int], said: str) -> None:
    """R9: with the numbers of this store; short PINs that are still good count as such."""
    assert said in risk_words(settings, live)
