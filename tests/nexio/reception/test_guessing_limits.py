"""The arithmetic of the bound: how long PINs have to be."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nexio.locations.settings import LONGEST_PIN, SHORTEST_PIN
from nexio.reception.guessing_limits import BOUND, chance_of, is_within, length_for, odds

FOR_DRAWING = 0.8 * BOUND
lengths = st.integers(SHORTEST_PIN, LONGEST_PIN)
days = st.dictionaries(lengths, st.integers(0, 50_000))


def drawn(visits: int, least: int) -> Counter[int]:
    """The lengths of the PINs of a day, drawn one after the other."""
    day: Counter[int] = Counter()
    for _ in range(visits):
        day[length_for([day], least)] += 1
    return day


def test_r6_how_many_pins_of_a_day_have_how_many_digits() -> None:
    """Half of what is allowed for 6 digits, half of what is left for one more, and so on."""
    assert drawn(33, 6) == {6: 33}
    assert drawn(5_000, 6) == {6: 33, 7: 170, 8: 833, 9: 3_964}


@pytest.mark.parametrize("least", range(SHORTEST_PIN, LONGEST_PIN + 1))
def test_5000_visits_a_day_stay_below_the_bound(least: int) -> None:
    """Whatever the shortest length is."""
    day = drawn(5_000, least)

    assert chance_of(day) <= FOR_DRAWING
    assert min(day) == least


def test_r6_one_length_for_all() -> None:
    """An operator who wants one sets ``pin-length``: what shorter ones do not use is free."""
    assert set(drawn(500, 7)) == {7}
    assert set(drawn(5_000, 8)) == {8}


@given(st.lists(st.tuples(lengths, st.integers(1, 60)), max_size=60))
def test_whatever_is_drawn_in_whatever_order_stays_below(steps: list[tuple[int, int]]) -> None:
    """Also where ``pin-length`` is changed all the time."""
    day: Counter[int] = Counter()
    for least, visits in steps:
        for _ in range(visits):
            digits = length_for([day], least)
            assert digits >= least
            day[digits] += 1
    assert chance_of(day) <= FOR_DRAWING


@given(st.lists(st.tuples(lengths, st.sets(st.integers(0, 5), min_size=1)), max_size=200))
def test_a_visit_counts_on_each_of_its_days(visits: list[tuple[int, set[int]]]) -> None:
    """Its PIN fits the fullest of them."""
    calendar: list[Counter[int]] = [Counter() for _ in range(6)]
    for least, numbers in visits:
        digits = length_for([calendar[number] for number in numbers], least)
        for number in numbers:
            calendar[number][digits] += 1
    assert all(chance_of(day) <= FOR_DRAWING for day in calendar)


@given(days, lengths)
def test_the_length_is_the_least_that_fits(day: dict[int, int], least: int) -> None:
    """On a day of any kind; where nothing fits it is the longest that there is."""
    digits = length_for([day], least)
    shorter = [length for length in range(least, digits) if length_for([day], length) == length]

    assert least <= digits <= LONGEST_PIN
    assert not shorter
    if digits < LONGEST_PIN:
        assert chance_of({**day, digits: day.get(digits, 0) + 1}) <= FOR_DRAWING


def test_no_day_is_no_reason_for_longer_ones() -> None:
    """A member's PIN lets nobody onto the Wi-Fi: it counts on no day."""
    assert length_for([], 6) == 6


@given(days, lengths)
def test_what_is_within(day: dict[int, int], digits: int) -> None:
    """A PIN that somebody chose may use what is left for all lengths together."""
    after = chance_of({**day, digits: day.get(digits, 0) + 1})

    assert is_within(day, digits) == (after <= FOR_DRAWING + 1e-15)


@pytest.mark.parametrize(
    ("day", "chance", "words"),
    [
        ({}, 0, "0"),
        ({6: 1}, 12e-6, "1 in 83,333"),
        ({6: 500}, 6e-3, "1 in 167"),
        ({5: 1, 10: 100_000}, 24e-5, "1 in 4,167"),
        ({5: 5_000}, 0.6, "60%"),
        ({5: 50_000}, 1, "100%"),
    ],
)
def test_the_chance_in_words(day: dict[int, int], chance: float, words: str) -> None:
    """12 guesses at each PIN of the day."""
    assert chance_of(day) == pytest.approx(chance)
    assert odds(chance_of(day)) == words
