"""The bucket: what is in it, how long a wait is, and a clock that is set."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nexio.reception.guessing_limits import GUESSES_AT_ONCE
from radius_auth.guard.bucket import A_DAY, DAY, Bucket

NOON = 1_800_000_000.0
HOUR = 3600.0


def emptied(amount: float = GUESSES_AT_ONCE) -> Bucket:
    """A bucket from which something was taken at noon."""
    bucket = Bucket(NOON)
    bucket.take(amount, NOON)
    return bucket


def test_it_holds_eight_and_four_come_back_in_a_day() -> None:
    """Twelve in any day that begins with a full one."""
    taken, bucket = 0, Bucket(NOON)
    for minute in range(24 * 60):
        while not bucket.wait(1, NOON + minute * 60):
            bucket.take(1, NOON + minute * 60)
            taken += 1
    assert taken in {11, 12}
    assert emptied().level(NOON + DAY) == A_DAY
    assert emptied().level(NOON + 9 * DAY) == GUESSES_AT_ONCE


@pytest.mark.parametrize(
    ("taken", "amount", "hours"), [(7, 1, 0), (8, 1, 6), (6, 3, 6), (8, 99, 48), (10, 1, 18)]
)
def test_how_long_a_wait_is(taken: float, amount: float, hours: float) -> None:
    """Six hours for one; what never fits waits for a full one; a debt comes first."""
    assert emptied(taken).wait(amount, NOON) == pytest.approx(hours * HOUR)


def test_what_is_put_back_is_there_at_once() -> None:
    """Never more than it holds."""
    bucket = emptied()
    bucket.take(-3, NOON)
    assert bucket.level(NOON) == 3
    bucket.take(-99, NOON)
    assert bucket.level(NOON) == GUESSES_AT_ONCE


@pytest.mark.parametrize("days", [1, 30, 3000])
def test_a_clock_that_was_ahead_and_comes_back(days: int) -> None:
    """The wait is that of the right time, and what was in it is not lost."""
    ahead = NOON + days * DAY
    bucket = Bucket(NOON)
    bucket.take(8, ahead)
    assert bucket.wait(1, NOON) == pytest.approx(6 * HOUR)
    assert bucket.level(NOON + 6 * HOUR) == pytest.approx(1)


def test_a_second_back_is_no_new_second() -> None:
    """Two servers differ by a moment, which nobody can turn into guesses."""
    bucket = emptied()
    for _ in range(1000):
        bucket.take(0, NOON)
        bucket.take(0, NOON - 30)
    assert bucket.level(NOON) == 0


@given(
    steps=st.lists(
        st.tuples(st.floats(-2 * DAY, 2 * DAY), st.floats(-9, 9)), min_size=1, max_size=50
    )
)
def test_nothing_makes_it_hold_more_or_wait_for_ever(steps: list[tuple[float, float]]) -> None:
    """Whatever is taken in whatever order of times."""
    bucket, now = Bucket(NOON), NOON
    for seconds, amount in steps:
        now += seconds
        bucket.take(amount, now)
        level = bucket.level(now)
        assert level <= GUESSES_AT_ONCE
        assert bucket.wait(1, now) <= max(0.0, 1 - level) * DAY / A_DAY + 1
