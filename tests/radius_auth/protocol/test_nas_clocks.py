"""When it happened, by the clock of a NAS, however wrong."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from radius_auth.protocol import nas_clocks
from radius_auth.protocol.nas_clocks import NasClocks
from tests.support.radius.guests import NINE

SECOND, MINUTE, DAY = timedelta(seconds=1), timedelta(minutes=1), timedelta(days=1)


def stamp(at: datetime, behind: timedelta = timedelta(0)) -> int:
    """What a NAS says whose clock is so far behind."""
    return round((at - behind).timestamp())


@pytest.mark.parametrize("behind", [timedelta(0), 20_000 * DAY, -DAY, 3 * SECOND])
@pytest.mark.parametrize("late", [90 * SECOND, 10 * MINUTE, DAY, 7 * DAY])
def test_what_is_late_counts_for_its_own_time(behind: timedelta, late: timedelta) -> None:
    """Held back by its NAS or recorded by somebody: it happened when it happened."""
    clocks = NasClocks()
    assert clocks.time_of("ap", NINE, stamp(NINE, behind)) == NINE
    assert clocks.time_of("ap", NINE, stamp(NINE - late, behind)) == NINE - late


@pytest.mark.parametrize("late", [SECOND, 59 * SECOND])
def test_a_moment_is_not_late(late: timedelta) -> None:
    """What waits in a queue of the NAS."""
    clocks = NasClocks()
    clocks.time_of("ap", NINE, stamp(NINE))
    assert clocks.time_of("ap", NINE, stamp(NINE - late)) == NINE


def test_nothing_is_known_of_one_without_a_stamp_or_of_another_sender() -> None:
    """The time of arrival is what there is."""
    clocks = NasClocks()
    clocks.time_of("ap", NINE, stamp(NINE))
    assert clocks.time_of("ap", NINE, None) == NINE
    assert clocks.time_of("other", NINE, stamp(NINE - DAY)) == NINE


def test_a_clock_that_was_set_forward_is_believed_at_once() -> None:
    """NTP has come: nobody can have recorded that before."""
    clocks = NasClocks()
    clocks.time_of("ap", NINE, stamp(NINE, 300 * DAY))
    assert clocks.time_of("ap", NINE + MINUTE, stamp(NINE + MINUTE)) == NINE + MINUTE
    assert clocks.time_of("ap", NINE + MINUTE, stamp(NINE + MINUTE, 300 * DAY)) is None


def test_a_nas_that_does_not_know_the_time_yet() -> None:
    """It has just started: its Accounting-On counts now, and what it says afterwards, too."""
    clocks = NasClocks()
    clocks.time_of("ap", NINE, stamp(NINE))
    assert clocks.time_of("ap", NINE + MINUTE, 7) == NINE + MINUTE
    at = NINE + 2 * MINUTE
    assert clocks.time_of("ap", at, stamp(at)) == at
    assert clocks.time_of("ap", at, stamp(at - 30 * MINUTE)) == at - 30 * MINUTE


def test_a_clock_that_was_set_back_is_believed_later() -> None:
    """When nothing but old times came for ten minutes; one new one in between, and it was not."""
    clocks = NasClocks()
    clocks.time_of("ap", NINE, stamp(NINE))
    for minutes in range(1, 30):
        at = NINE + minutes * MINUTE
        assert clocks.time_of("ap", at, stamp(at)) == at
        assert clocks.time_of("ap", at, stamp(at, DAY)) == at - DAY
    for minutes in range(30, 40):
        at = NINE + minutes * MINUTE
        assert clocks.time_of("ap", at, stamp(at, DAY)) == at - DAY
    at = NINE + 41 * MINUTE
    assert clocks.time_of("ap", at, stamp(at, DAY)) == at


def test_a_clock_may_go_slow() -> None:
    """A minute a day is followed."""
    clocks = NasClocks()
    for days in range(100):
        at = NINE + days * DAY
        assert clocks.time_of("ap", at, stamp(at, days * 50 * SECOND)) == at


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever was not heard of for longest is forgotten."""
    monkeypatch.setattr(nas_clocks, "REMEMBERED", 2)
    clocks = NasClocks()
    for sender in ("one", "two", "one", "three"):
        clocks.time_of(sender, NINE, stamp(NINE))
    assert clocks.time_of("two", NINE, stamp(NINE - DAY)) == NINE
    assert clocks.time_of("three", NINE, stamp(NINE - DAY)) == NINE - DAY
