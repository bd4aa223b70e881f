"""A day of guessing, as ``make guessing`` plays it: the bound, and what security.md quotes."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.bench_guessing import ROWS, row_of
from benchmarks.guessing import Day, pin_lengths, play
from nexio.reception.guessing_limits import BOUND, GUESSES_A_DAY

PAGE = Path(__file__).parents[3] / "docs" / "security.md"
INSECURE = [day for day in ROWS if day.fixed]
SMALL = [day for day in ROWS if day.visits * day.servers <= 400 and not day.fixed]


@pytest.mark.parametrize("day", SMALL, ids=str)
def test_the_bound_holds(day: Day) -> None:
    """At most 1 in 1,000 a day; the page on security quotes the row."""
    outcome = play(day)
    assert outcome.chance <= BOUND
    assert row_of(day, outcome) in PAGE.read_text().splitlines()


@pytest.mark.parametrize("servers", [1, 2, 4])
@pytest.mark.parametrize("devices", ["new", "none", "copied"])
@pytest.mark.parametrize("workers", [1, 8])
def test_four_servers_stay_within_it(servers: int, devices: str, workers: int) -> None:
    """Asked at the same moment, one more guess at each visit for each other server.

    However many workers each has: they look at one guess at a time.
    With what is given back that is the bound: 0.8 (11 + n) / 12 + 0.2 (4 - n) / 3 = 1.
    """
    day = Day(visits=33, servers=servers, devices=devices, workers=workers)
    looked_at = 33e-6 * (GUESSES_A_DAY + servers - 1)
    given_back = 0.2 * BOUND * (4 - servers) / 3 if devices == "copied" else 0.0
    assert play(day).chance <= looked_at + given_back + 1e-9


def test_nobody_else_waits() -> None:
    """At the visits that nobody guesses at."""
    outcome = play(Day(visits=100, known=20))
    assert (outcome.attacked_waits, outcome.other_waits) == (1.0, 0.0)


@pytest.mark.parametrize("day", [day for day in INSECURE if day.visits <= 100], ids=str)
def test_what_is_insecure_is_quoted_as_well(day: Day) -> None:
    """R6: one length for all, where the bound may not hold."""
    assert row_of(day, play(day)) in PAGE.read_text().splitlines()


def test_one_length_for_all_may_break_the_bound() -> None:
    """R6: that is why it is called insecure."""
    assert play(Day(visits=500, pin_length=6, fixed=True)).chance > BOUND


def test_lengths_follow_from_the_bound() -> None:
    """33 visits have 6 digits, the next 170 have 7; 5,000 stay below 0.8 B."""
    lengths = list(pin_lengths(5000, 6))
    assert [lengths.count(digits) for digits in range(6, 11)] == [33, 170, 833, 3964, 0]
    assert sum(GUESSES_A_DAY / 10**digits for digits in lengths) <= 0.8 * BOUND
