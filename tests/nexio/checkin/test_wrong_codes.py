"""A reader slows down for whoever tries codes, and for nobody else."""

from __future__ import annotations

from nexio.checkin.wrong_codes import FREE, LONGEST_WAIT, REMEMBERED, WrongCodes


def test_a_few_wrong_codes_cost_nothing_and_then_the_waits_grow() -> None:
    """One second, doubled each time, up to a minute."""
    wrong = WrongCodes()
    waits = [wrong.wait_after(now=float(number)) for number in range(FREE + 9)]
    assert waits == [0] * FREE + [1, 2, 4, 8, 16, 32, LONGEST_WAIT, LONGEST_WAIT, LONGEST_WAIT]


def test_wrong_codes_are_forgotten() -> None:
    """After a quarter of an hour; a desk that mistypes now and then never waits."""
    wrong = WrongCodes()
    assert {wrong.wait_after(number * REMEMBERED / FREE) for number in range(100)} == {0}
    for _ in range(FREE):
        wrong.wait_after(100_000)
    assert wrong.wait_after(100_000) == 1
    assert wrong.wait_after(100_000 + REMEMBERED) == 0


def test_a_day_of_guessing_is_bounded() -> None:
    """As docs/security.md says: at most 1,450 codes a day at one reader, and few in memory."""
    wrong, now, tried = WrongCodes(), 0.0, 0
    while now < 86_400:
        now += wrong.wait_after(now)
        tried += 1
    assert tried <= 1_450
