"""The guard against guessing: each budget and each rule, on a clock that is passed in."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from radius_auth.guard import Guard
from radius_auth.guesses import Cleared, Guess, Pool
from radius_auth.ledgers import MOST
from radius_auth.seen_devices import MOST_OF_A_TOKEN, SeenDevices
from tests.radius_auth.guests import (
    EMAIL,
    HOUR,
    NINE,
    SECOND,
)

NOON = NINE + 3 * HOUR
MINUTE = 60 * SECOND
DAY = 24 * HOUR


def mac(number: int) -> str:
    """A device."""
    return f"02:00:00:00:{number // 256:02x}:{number % 256:02x}"


def guess(**changes: Any) -> Guess:
    """A guess at Zoë's PIN from a device, or as ``changes`` say."""
    fields: dict[str, Any] = {
        "location": 1,
        "nas": "ap-1",
        "email": EMAIL,
        "device": mac(1),
        "visit": 1,
        "tokens": (101,),
        "weight": 1.0,
    }
    return Guess(**(fields | changes))


def let_through(guard: Guard, made: Guess, now: datetime, most: int = 1000) -> int:
    """How many wrong guesses in a row are let through at one moment."""
    return next((n for n in range(most) if guard.reserve(made, now) is None), most)


def waits(guard: Guard, made: Guess, now: datetime) -> timedelta:
    """How long a guess waits, to the second."""
    seconds = (n for n in range(2 * 86400) if guard.admits(made, now + n * SECOND))
    return next(seconds) * SECOND


# The budgets


def test_e_mail_and_device() -> None:
    """DESIGN 6: 5 failures, then a wait that doubles from 30 s to 1 h and no further."""
    guard, now, seen = Guard(), NOON, []
    unknown = guess(visit=None, tokens=(), weight=0.0)

    assert let_through(guard, unknown, now) == 5
    for _ in range(9):
        seen.append(waits(guard, unknown, now))
        now += seen[-1]
        assert let_through(guard, unknown, now) == 1

    assert [each.total_seconds() for each in seen] == [
        30, 60, 120, 240, 480, 960, 1920, 3600, 3600,
    ]  # fmt: skip
    assert guard.admits(guess(device=mac(2)), now)


def test_device_over_all_e_mails() -> None:
    """DESIGN 6: 10 in 10 minutes, then 15 minutes; spread out they pass."""
    guard = Guard()
    elsewhere = [guess(email=f"{n}@example.com", visit=n, tokens=()) for n in range(40)]
    passed = [guard.reserve(made, NOON) for made in elsewhere[:20]]

    assert sum(each is not None for each in passed) == 10
    assert waits(guard, elsewhere[30], NOON) == 15 * MINUTE
    slowly = Guard()
    assert all(
        slowly.reserve(made, NOON + n * 67 * SECOND) for n, made in enumerate(elsewhere[:40])
    )


def test_e_mail() -> None:
    """DESIGN 6: 100 failures per visit, then one in 10 minutes, whatever the devices are."""
    guard = Guard()
    devices = [guess(device=mac(n), weight=0.01) for n in range(300)]

    assert sum(guard.reserve(made, NOON) is not None for made in devices) == 100
    assert waits(guard, guess(device=mac(999), weight=0.01), NOON) == 10 * MINUTE
    assert guard.admits(guess(visit=2, device=mac(999), weight=0.01), NOON)  # a reissue


@pytest.mark.parametrize(
    ("changes", "guesses", "a_day"),
    [
        ({"weight": 1.0}, 150, 150),
        ({"weight": 3.0}, 50, 50),
        ({"weight": 0.01}, 15_000, 15_000),
        ({"weight": 10_000.0}, 50, 50),
        ({"email": None, "weight": 1.0}, 300, 300),
        ({"email": None, "weight": 100.0}, 50, 50),
    ],
)
def test_location(changes: dict[str, Any], guesses: int, a_day: int) -> None:
    """DESIGN 6: by the chance of a hit, and at least 50; as much again in a day, evenly."""
    guard = Guard()

    def strangers(start: int, count: int) -> list[Guess]:
        made = {"visit": None, "tokens": ()} | changes
        return [guess(device=mac(n), **made) for n in range(start, start + count)]

    passed = sum(guard.reserve(made, NOON) is not None for made in strangers(0, guesses + 100))
    assert passed == guesses
    assert waits(guard, strangers(20_000, 1)[0], NOON) <= DAY / a_day + SECOND
    later = strangers(30_000, a_day + 100)
    assert sum(guard.reserve(made, NOON + DAY) is not None for made in later) == a_day


def test_each_visit_has_some_for_itself() -> None:
    """DESIGN 6: where a location's budget is used up, 3 in 24 hours are left for each visit."""
    guard = Guard()
    for n in range(500):
        guard.reserve(guess(device=mac(n), visit=n % 50, email=f"{n % 50}@example.com"), NOON)

    fresh = [guess(device=mac(1000 + n), visit=77, email="jo@example.com") for n in range(9)]
    assert sum(guard.reserve(made, NOON) is not None for made in fresh) == 3
    assert not guard.admits(fresh[-1], NOON)
    assert guard.admits(guess(device=mac(2000), visit=78, email="al@example.com"), NOON)


def test_one_device_does_not_use_up_a_location() -> None:
    """DESIGN 6: of what the location shares it gets 20 in 24 hours."""
    guard, passed = Guard(), 0
    for hour in range(23):
        for n in range(5):
            made = guess(visit=None, tokens=(), email=f"{hour}-{n}@example.com")
            passed += guard.reserve(made, NOON + hour * HOUR) is not None

    assert passed == 20
    assert guard.admits(guess(visit=None, device=mac(2)), NOON + 23 * HOUR)


def test_without_a_device() -> None:
    """DESIGN 6: per NAS and e-mail 10, then one a minute."""
    guard = Guard()
    made = guess(device=None, visit=None, weight=0.0)

    assert let_through(guard, made, NOON) == 10
    assert waits(guard, made, NOON) == MINUTE
    assert guard.admits(guess(device=None, visit=None, email="jo@example.com"), NOON)
    assert guard.admits(guess(device=None, visit=None, nas="ap-2"), NOON)


# Trust


def trusting(*devices: str, token: int = 101) -> Guard:
    """A guard that has seen devices get in."""
    guard = Guard()
    for device in devices:
        guard.let_in(guess(device=device), token, NOON)
    return guard


def test_a_device_that_was_in_is_not_slowed() -> None:
    """DESIGN 6: whatever others do to its e-mail and its location."""
    guard = trusting(mac(1))
    for n in range(2, 1000):
        guard.reserve(guess(device=mac(n)), NOON)

    assert guard.admits(guess(), NOON)
    assert not guard.admits(guess(device=mac(5000)), NOON)
    assert not guard.admits(guess(tokens=(102,)), NOON)  # another token: it is new there


def test_trust_ends() -> None:
    """DESIGN 6: 3 wrong PINs in 24 hours; a MAC address can be copied from the air."""
    guard = trusting(mac(1), mac(2))
    for n in range(10, 1000):
        guard.reserve(guess(device=mac(n)), NOON)

    assert let_through(guard, guess(), NOON) == 3
    assert not guard.admits(guess(device=mac(2)), NOON)  # both are of one token
    assert guard.admits(guess(device=mac(2)), NOON + DAY)


def test_getting_in_forgets_what_was_mistyped() -> None:
    """DESIGN 6: the failures of this e-mail and device."""
    guard = Guard()
    let_through(guard, guess(), NOON)
    assert not guard.admits(guess(), NOON)

    guard.let_in(guess(), 101, NOON)

    assert guard.slowed(NOON) == []


# Reservations


def test_a_reserved_guess_counts_until_it_is_given_back() -> None:
    """DESIGN 6: parallel guesses cannot slip by; exactly what was counted is given back."""
    guard = Guard()
    reserved = [guard.reserve(guess(), NOON + n * SECOND) for n in range(5)]
    assert guard.reserve(guess(), NOON + 5 * SECOND) is None

    assert reserved[2] is not None
    guard.give_back(reserved[2])

    assert guard.admits(guess(), NOON + 5 * SECOND)
    for each in reserved:
        if each is not None and each is not reserved[2]:
            guard.give_back(each)
    assert len(guard) == 0


@pytest.mark.parametrize("pool", [Pool.OWN, Pool.SHARED, Pool.TRUST, Pool.NONE])
def test_nothing_is_left_of_what_is_given_back(pool: Pool) -> None:
    """DESIGN 6: from whichever budget it was taken."""
    guard = trusting(mac(1)) if pool is Pool.TRUST else Guard()
    guard.take_news()
    before = len(guard)
    made = {
        Pool.OWN: guess(),
        Pool.SHARED: guess(visit=None, tokens=()),
        Pool.TRUST: guess(),
        Pool.NONE: guess(weight=0.0, visit=None),
    }[pool]

    reserved = guard.reserve(made, NOON)
    assert reserved is not None
    assert reserved.pool is pool
    guard.give_back(reserved)

    assert len(guard) == before
    assert guard.take_news() == []


def test_a_refused_guess_does_not_lengthen_the_wait() -> None:
    """DESIGN 6: it counts for nothing."""
    guard = Guard()
    let_through(guard, guess(), NOON)
    for n in range(29):
        assert guard.reserve(guess(), NOON + n * SECOND) is None

    assert guard.admits(guess(), NOON + 30 * SECOND)


# The clock


@pytest.mark.parametrize("back", [SECOND, HOUR, DAY])
def test_a_clock_that_is_set_back(back: timedelta) -> None:
    """DESIGN 6: nobody waits longer than configured, counted from the new time."""
    guard = Guard()
    for n in range(300):
        guard.reserve(guess(device=mac(n)), NOON)
    pair = guess(visit=None, email="jo@example.com", weight=0.0)
    let_through(guard, pair, NOON)

    assert waits(guard, pair, NOON - back) <= 30 * SECOND
    assert waits(guard, guess(device=mac(999)), NOON - back) <= 10 * MINUTE


# Bounds


def test_memory_is_bounded_and_waits_survive_a_flood() -> None:
    """DESIGN 6: new keys drive out the first failures of others, not what makes them wait."""
    guard = Guard()
    victim = guess(email="zoe", visit=None, weight=0.0)
    let_through(guard, victim, NOON)
    for n in range(2 * MOST):
        made = guess(email=f"{n}", device=f"{n}", visit=None, weight=0.0)
        guard.reserve(made, NOON + n * SECOND / 10_000)

    assert len(guard) < 3 * MOST
    assert 200 <= len(guard.take_news()) < 250  # nor does it flood the disk
    assert not guard.admits(victim, NOON + 4 * SECOND)


def test_a_token_trusts_so_many_devices() -> None:
    """DESIGN 6: a guest who changes the MAC address fills neither memory nor disk."""
    seen = SeenDevices()
    seen.add(1, "other")
    for n in range(1000):
        seen.add(2, mac(n))

    assert seen.tokens_of("other") == (1,)
    assert seen.tokens_of(mac(0)) == (2,)
    assert seen.tokens_of(mac(999)) == ()
    assert len(seen) == MOST_OF_A_TOKEN + 1


# Lifting it


@pytest.mark.parametrize(
    ("cleared", "opens"),
    [
        ({"email": EMAIL}, {"e-mail and device", "e-mail"}),
        ({"device": mac(1)}, {"e-mail and device", "device"}),
        ({"location": 1}, {"location"}),
        ({"everything": True}, {"e-mail and device", "device", "e-mail", "location"}),
        ({"email": "jo@example.com", "device": mac(9999), "location": 2}, set()),
    ],
)
def test_an_operator_lifts_waits(cleared: dict[str, Any], opens: set[str]) -> None:
    """DESIGN 6: those of an e-mail, a device, a location, or all."""
    guard = Guard()
    for n in range(100):
        guard.reserve(guess(device=mac(1000 + n)), NOON)
    for n in range(100):
        guard.reserve(guess(device=mac(2000 + n), email=f"{n}", visit=None), NOON)
    for n in range(9):
        guard.reserve(guess(visit=None, email=EMAIL if n < 5 else f"{n}", weight=0.0), NOON)
    guard.reserve(guess(visit=None, email="x", weight=0.0), NOON)
    before = {each.budget for each in guard.slowed(NOON)}
    assert before == {"e-mail and device", "device", "e-mail", "location"}

    guard.clear(Cleared(at=NOON.timestamp(), **cleared))

    assert before - {each.budget for each in guard.slowed(NOON)} == opens
