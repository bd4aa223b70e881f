"""Ledgers: what they forget when they are full, and how little work that is."""

from __future__ import annotations

from typing import ClassVar

from hypothesis import given
from hypothesis import strategies as st

from radius_auth.budgets import DAY, Doubling
from radius_auth.guesses import Guess
from radius_auth.ledgers import Ledger

FULL = 8
GUESS = Guess(location=1, nas="ap-1", email=None)


class Asked(Doubling):
    """Tells how often it was asked whether it may be forgotten."""

    __slots__ = ()
    times_asked: ClassVar[int] = 0

    def is_idle(self, now: float) -> bool:
        """Count the question."""
        Asked.times_asked += 1
        return super().is_idle(now)


def ledger_of(*failures: int) -> Ledger[int]:
    """A ledger of so many records; those of key 0, 1 and so on failed that often, in turn."""
    made: Ledger[int] = Ledger(Doubling, FULL)
    for key, times in enumerate(failures):
        for second in range(times):
            made.add(key, GUESS, 10 * key + second)
    return made


def keys(ledger: Ledger[int]) -> set[int]:
    """Who has a record."""
    return {key for key, _ in ledger}


def test_few_failures_long_ago_are_forgotten_first() -> None:
    """DESIGN 6: bounded in memory; those who have to wait stay."""
    ledger = ledger_of(5, 2, 1, 5, 1, 2, 5, 5)

    for new in (100, 101):
        ledger.add(new, GUESS, 1000)
    assert keys(ledger) == {0, 1, 3, 5, 6, 7, 100, 101}
    for new in range(102, 110):
        ledger.add(new, GUESS, 1000)

    # The newest are spared for a moment; from then on they drive out each other.
    assert keys(ledger) == {0, 3, 5, 6, 7, 107, 108, 109}


def test_what_counts_no_longer_is_forgotten_before() -> None:
    """DESIGN 6: five failures of the day before yesterday are less than one of today."""
    ledger = ledger_of(5, 1, 1, 1, 1, 1, 1)
    ledger.add(1, GUESS, 2 * DAY)
    ledger.add(7, GUESS, 2 * DAY)

    for new in range(100, 106):
        ledger.add(new, GUESS, 2 * DAY)

    assert keys(ledger) == {1, 7, 100, 101, 102, 103, 104, 105}


def test_two_keys_in_turn_do_not_make_each_other_forgotten() -> None:
    """DESIGN 6: a full ledger of others is no way around a budget."""
    ledger = ledger_of(*[5] * FULL)

    for _ in range(5):
        ledger.add(100, GUESS, 1000)
        ledger.add(101, GUESS, 1000)

    assert ledger.wait(100, 1000) == ledger.wait(101, 1000) == 30
    assert len(ledger) == FULL


def test_making_room_looks_at_few() -> None:
    """DESIGN 6: a flood of new keys costs each request little, however many are known."""
    ledger: Ledger[int] = Ledger(Asked, 1000)
    for key in range(1000):
        ledger.add(key, GUESS, key)
    Asked.times_asked = 0
    for key in range(1000, 2000):
        ledger.add(key, GUESS, key)

    assert len(ledger) == 1000
    assert Asked.times_asked <= 1000


@given(
    st.lists(
        st.tuples(st.sampled_from(["add", "take back", "forget"]), st.integers(0, 11)),
        max_size=200,
    )
)
def test_it_never_throws_and_stays_bounded(steps: list[tuple[str, int]]) -> None:
    """DESIGN 6: whatever is counted and taken back, in whichever order."""
    ledger: Ledger[int] = Ledger(Doubling, FULL)
    for at, (step, key) in enumerate(steps):
        if step == "add":
            ledger.add(key, GUESS, at)
            assert ledger.find(key) is not None
        elif step == "take back":
            ledger.take_back(key, at)
        else:
            ledger.forget(key)
            assert ledger.find(key) is None
        assert len(ledger) <= FULL
    ledger.forget_all(lambda _: True)
    assert len(ledger) == 0
