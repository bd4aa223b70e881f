"""The guard in memory: each of its rules, on a clock that is passed in."""

from __future__ import annotations

import tracemalloc
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from nexio.network.guard_acts import Act, Kind
from radius_auth.guard import Guard
from radius_auth.guard import guard as guard_module
from radius_auth.guard.target import MOST_DEVICES
from tests.support.radius.guesses import (
    DAY,
    MINUTE,
    NOON,
    attack,
    by_pin,
    guess,
    is_open,
    mac,
    slowly,
    tries,
    waits,
)
from tests.support.radius.guests import HOUR, SECOND

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime

PHONE, LAPTOP = mac(1), mac(2)


def knows(guard: Guard, device: str, visit: int = 1, now: datetime = NOON) -> None:
    """Let a device in."""
    guard.record_login(guess(device, visit), visit, now)


@contextmanager
def traced() -> Iterator[Callable[[], int]]:
    """How many octets were taken and not given back."""
    tracemalloc.start()
    try:
        yield lambda: tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()


def released(device: str, visit: int = 1) -> Act:
    """What the desk says."""
    return Act(
        kind=Kind.RELEASE, at=NOON.timestamp(), writer="desk", serial=1, host="desk",
        visit_id=visit, device=device,
    )  # fmt: skip


# One visit


def test_new_devices_have_six_guesses_at_a_visit() -> None:
    """All of them together, then one in six hours; others do not notice."""
    guard = Guard()
    assert attack(guard, NOON) == 6
    assert waits(guard, guess(PHONE), NOON) == 6 * HOUR
    assert is_open(guard, guess(PHONE, 2), NOON)


def test_twelve_guesses_in_a_day_whoever_makes_them() -> None:
    """Ten by new devices, two by those that were in."""
    guard = Guard()
    knows(guard, PHONE)
    looked_at = 0
    for minute in range(24 * 60):
        now = NOON + minute * MINUTE
        looked_at += attack(guard, now, first=1000 + 2 * minute, count=2)
        looked_at += tries(guard, guess(PHONE), now)
    assert looked_at <= 12


def test_one_device_has_six_guesses_in_a_day() -> None:
    """Before it has been in."""
    guard, made = Guard(), guess(PHONE)
    assert sum(tries(guard, made, NOON + n * HOUR) for n in range(23)) == 6
    assert not is_open(guard, made, NOON + 23 * HOUR)
    assert is_open(guard, guess(LAPTOP), NOON + 23 * HOUR)
    assert is_open(guard, made, NOON + DAY)


def test_five_typing_errors_cost_no_wait() -> None:
    """At most 4 s after the fifth, of which the reject takes the first."""
    guard = Guard()
    for n, longest in enumerate([1, 1, 1, 2, 4]):
        assert tries(guard, guess(PHONE), NOON + n * 5 * SECOND) == 1
        assert waits(guard, guess(PHONE), NOON + n * 5 * SECOND) == longest * SECOND


def test_a_phone_that_keeps_retrying_leaves_some_for_the_others() -> None:
    """Six guesses, however often it asks; a refused one counts for nothing."""
    guard = Guard()
    looked_at = sum(tries(guard, guess(PHONE), NOON + n * SECOND / 10) for n in range(6000))
    assert looked_at == 6
    assert waits(guard, guess(LAPTOP), NOON + 600 * SECOND) <= 6 * HOUR


def test_the_same_wrong_pin_again_costs_nothing() -> None:
    """At the same visit, whoever types it; at another one it is a guess."""
    guard = Guard()
    for n in range(50):
        made = guess(mac(n), 1) if n < 49 else guess(mac(n), 1, 2)
        guard.count(made, guard.look(made, NOON), NOON, b"111111")
    assert attack(guard, NOON, 1) == 5
    assert attack(guard, NOON, 2) == 5


def test_a_guess_at_several_visits() -> None:
    """It is compared with those that have some left, and takes one from each."""
    guard = Guard()
    attack(guard, NOON, 1)
    both = guess(PHONE, 1, 2)
    assert guard.look(both, NOON).visits == {2}
    tries(guard, both, NOON)
    assert attack(guard, NOON, 2) == 5


def test_an_e_mail_that_nobody_has_costs_nothing() -> None:
    """Nothing is kept of it either."""
    guard = Guard()
    for n in range(1000):
        assert tries(guard, guess(mac(n), visits=()), NOON) == 1
    assert len(guard) == 0


# Devices that were in


def test_two_guesses_are_kept_for_devices_that_were_in() -> None:
    """Whatever others do; all of them together, and for this visit alone."""
    guard = Guard()
    for device in (PHONE, LAPTOP):
        knows(guard, device)
    attack(guard, NOON)
    assert is_open(guard, guess(PHONE), NOON)
    assert tries(guard, guess(PHONE), NOON) == tries(guard, guess(LAPTOP), NOON) == 1
    assert not is_open(guard, guess(PHONE), NOON + 5 * SECOND)
    assert not is_open(guard, guess(LAPTOP), NOON + 5 * SECOND)
    assert waits(guard, guess(PHONE), NOON) == 6 * HOUR
    knows(guard, PHONE, visit=2)
    attack(guard, NOON, 3)
    assert not is_open(guard, guess(PHONE, 3), NOON)


def test_getting_in_gives_back_what_was_mistyped() -> None:
    """The device's own guesses at that visit."""
    guard = Guard()
    slowly(guard, guess(PHONE), NOON, most=4)
    slowly(guard, guess(PHONE, 2), NOON, most=4)
    knows(guard, PHONE, now=NOON + MINUTE)
    assert attack(guard, NOON + MINUTE, 1) == 6
    assert attack(guard, NOON + MINUTE, 2) == 2


def test_so_much_is_given_back() -> None:
    """Six to a device and twelve at a visit in a day; not what others guessed."""
    guard = Guard()
    for n in range(5):
        now = NOON + n * HOUR
        for again in range(2):
            slowly(guard, guess(mac(n)), now + again * 10 * MINUTE, most=6)
            knows(guard, mac(n), now=now + again * 10 * MINUTE + 5 * MINUTE)
    devices = guard.visits()[1].devices.values()
    assert max(len(each.given_back) for each in devices) == 6
    assert sum(len(each.given_back) for each in devices) == 12


def test_giving_back_has_a_bound_of_its_own() -> None:
    """Copied addresses of devices that get in do not lift the bound of a location."""
    guard, given = Guard(), 0
    for visit in range(1, 301):
        slowly(guard, guess(mac(visit), visit), NOON, most=6)
        knows(guard, mac(visit), visit, NOON + MINUTE)
        given += len(guard.visits()[visit].devices[mac(visit)].given_back)
    assert given * 1e-6 <= 2e-4
    assert given > 100


def test_at_the_desk_a_device_gets_three_tries() -> None:
    """At once, whatever was before; then it is as it was."""
    guard = Guard()
    slowly(guard, guess(PHONE), NOON, most=6)
    attack(guard, NOON)
    guard.apply([released(PHONE)])
    assert tries(guard, guess(PHONE), NOON + MINUTE, most=9) == 3
    assert not is_open(guard, guess(LAPTOP), NOON + MINUTE)


def test_tries_of_the_desk_are_not_given_back() -> None:
    """They were not taken from the bucket."""
    guard = Guard()
    assert attack(guard, NOON) == 6
    guard.apply([released(PHONE)])
    tries(guard, guess(PHONE), NOON, most=2)
    knows(guard, PHONE)
    assert attack(guard, NOON, first=2000) == 0


def test_the_desk_takes_back_nothing() -> None:
    """What a device had mistyped before it was released is given back as ever."""
    guard = Guard()
    slowly(guard, guess(PHONE), NOON, most=6)
    guard.apply([released(PHONE)])
    knows(guard, PHONE, now=NOON + 2 * MINUTE)
    assert attack(guard, NOON + 2 * MINUTE) == 6


def test_twelve_tries_of_the_desk_are_looked_at_in_a_day() -> None:
    """At one visit, however often devices are released there."""
    guard, looked_at = Guard(), 0
    attack(guard, NOON)
    for n in range(9):
        guard.apply([released(mac(n))])
        looked_at += tries(guard, guess(mac(n)), NOON + n * HOUR, most=3)
    assert looked_at == 12 + 1  # one is back in the bucket
    guard.apply([released(mac(20))])
    assert tries(guard, guess(mac(20)), NOON + DAY, most=3) == 3


def test_tries_that_several_servers_looked_at_are_no_more_than_these() -> None:
    """One more for each other server, and never any number of them."""
    guards = [Guard() for _ in range(4)]
    for guard in guards:
        attack(guard, NOON)
        for other in guards:
            other.report_state(Kind.HERE, NOON)
            guard.apply(each for each in other.news_after(0) if each.kind == Kind.HERE)
        guard.apply([released(PHONE)])
    told, looked_at = [guard.news_after(0)[-1].serial for guard in guards], 0
    for n in range(20):
        looked_at += sum(tries(each, guess(PHONE), NOON + n * 2 * SECOND, 9) for each in guards)
        news = [each.news_after(since) for each, since in zip(guards, told, strict=True)]
        told = [acts[-1].serial if acts else since for acts, since in zip(news, told, strict=True)]
        for guard in guards:
            guard.apply(act for acts in news for act in acts if act.writer != guard.writer)
    assert looked_at == 4


def test_tries_of_the_desk_leave_less_to_give_back() -> None:
    """Both together stay below what the bound of a location leaves for them."""
    guard, given = Guard(), 0
    for visit in range(1, 41):
        guard.apply([released(PHONE, visit)])
        assert tries(guard, guess(PHONE, visit), NOON, most=3) == 3
    for visit in range(101, 301):
        slowly(guard, guess(LAPTOP, visit), NOON, most=6)
        knows(guard, LAPTOP, visit, NOON + MINUTE)
        given += len(guard.visits()[visit].devices[LAPTOP].given_back)
    assert 0 < given < 2e-4 * 8 / 12 / 1e-6 - 40 * 3 + 1


# Where the PIN alone logs in


def test_a_location_has_one_bucket_of_chance() -> None:
    """533 guesses of one in a million, and 267 a day; then new devices wait."""
    guard = Guard()
    assert sum(tries(guard, by_pin(mac(n)), NOON) for n in range(1000)) == 533
    assert sum(tries(guard, by_pin(mac(n)), NOON + DAY) for n in range(1000)) == 267
    assert is_open(guard, guess(location=2, by_pin=True, chance=1e-6, visits=()), NOON)


@pytest.mark.parametrize(("chance", "at_once"), [(1e-5, 53), (1e-4, 5), (0.01, 1)])
def test_short_pins_leave_fewer_guesses(chance: float, at_once: int) -> None:
    """One is always looked at, so that the Wi-Fi is not shut for good."""
    guard = Guard()
    made = [by_pin(mac(n), chance) for n in range(100)]
    assert sum(tries(guard, each, NOON) for each in made) == at_once


def test_nothing_is_given_back_with_pin_login() -> None:
    """A guess there may have been at anybody's PIN."""
    guard = Guard()
    slowly(guard, by_pin(PHONE), NOON, most=5)
    before = guard.locations()[1].bucket.level(NOON.timestamp())
    guard.record_login(by_pin(PHONE), 1, NOON + MINUTE)
    assert guard.locations()[1].bucket.level(NOON.timestamp()) == before


def test_a_device_that_was_in_is_let_in_where_a_location_is_closed() -> None:
    """With the PIN that it got in with, and no other one."""
    guard = Guard()
    guard.record_login(by_pin(PHONE), 7, NOON)
    for n in range(1000):
        tries(guard, by_pin(mac(n + 10)), NOON)
    opening = guard.look(by_pin(PHONE), NOON)
    assert (opening.admits(7), opening.admits(8)) == (True, False)
    assert guard.look(by_pin(LAPTOP), NOON).is_refused
    assert slowly(guard, by_pin(PHONE), NOON, most=20) == 8


def test_a_location_without_device_addresses() -> None:
    """No guest's errors close it for the next one."""
    guard = Guard()
    assert tries(guard, by_pin(""), NOON, most=50) == 50


# The shorter way, where nobody has guessed before


def test_the_first_wrong_guess_at_a_visit_counts_as_any_other() -> None:
    """The same is kept and told, whichever way it went."""
    one, other = Guard(), Guard()
    for guard in (one, other):
        knows(guard, LAPTOP)
    made = guess(PHONE)
    other.count(made, other.look(made, NOON), NOON, b"13579")
    assert one.count_first(1, 1, b"1", PHONE, "ap-1", NOON, b"13579")

    told, as_well = (
        [act._replace(writer="") for act in each.news_after(0)] for each in (one, other)
    )
    assert told == as_well
    later = NOON + MINUTE
    for guard in (one, other):
        guard.count(made, guard.look(made, later), later, b"13579")  # once more
    assert one.news_after(2) == other.news_after(2) == []
    assert one.visits()[1].devices == other.visits()[1].devices
    assert attack(one, later) == attack(other, later) == 5


def test_the_shorter_way_is_for_the_first_guess_only() -> None:
    """At a visit at which somebody has guessed the guard has to look."""
    guard = Guard()
    assert guard.count_first(1, 1, b"1", PHONE, "ap-1", NOON, b"13579")
    assert not guard.count_first(1, 1, b"1", LAPTOP, "ap-1", NOON + MINUTE, b"24680")
    assert len(guard.news_after(0)) == 1


# Reserving, which FreeRADIUS needs


def test_a_reserved_guess_counts_until_it_is_right() -> None:
    """Parallel guesses cannot slip by; exactly what was counted is given back."""
    guard = Guard()
    numbers = [guard.reserve(guess(mac(n)), 1, NOON) for n in range(9)]
    assert sum(number is not None for number in numbers) == 6
    assert numbers[2] is not None
    guard.give_back(numbers[2], None, NOON)
    guard.give_back(numbers[2], None, NOON)
    assert attack(guard, NOON) == 1


def test_a_right_one_lets_the_device_in() -> None:
    """It is known from then on, and nobody else hears of the guess."""
    guard = Guard()
    number = guard.reserve(guess(PHONE), 1, NOON)
    assert number is not None
    guard.give_back(number, 1, NOON)
    assert [act.kind for act in guard.news_after(0)] == [Kind.IN]
    attack(guard, NOON)
    assert is_open(guard, guess(PHONE), NOON)


def test_what_was_told_is_taken_back_in_words() -> None:
    """The others count it until they hear that it was right."""
    guard = Guard()
    number = guard.reserve(guess(PHONE), 1, NOON)
    assert [act.kind for act in guard.news_after(0)] == [Kind.GUESS]
    assert number is not None
    guard.give_back(number, None, NOON)
    other = Guard()
    other.apply(guard.news_after(0))
    assert attack(other, NOON) == 6


# Several servers


def test_what_others_count_counts_here() -> None:
    """A bucket may go into debt, which is paid before the next guess."""
    one, other = Guard(), Guard()
    attack(one, NOON)
    attack(other, NOON)
    one.apply(other.news_after(0))
    assert one.visits()[1].bucket.level(NOON.timestamp()) == -4
    assert waits(one, guess(PHONE), NOON) == 6 * 7 * HOUR


def test_the_same_wrong_pin_counts_once_at_each_server() -> None:
    """Nothing that was made of a password is told to others."""
    one, other = Guard(), Guard()
    for guard in (one, other, one, other):
        guard.count(guess(), guard.look(guess(), NOON), NOON, b"111111")
    one.apply(other.news_after(0))
    assert one.visits()[1].bucket.level(NOON.timestamp()) == 6


def test_servers_leave_each_other_time_to_hear() -> None:
    """One guess at a visit in 1.5 s, so that four servers stay within the bound."""
    guards = [Guard() for _ in range(4)]
    for guard in guards:
        for other in guards:
            other.report_state(Kind.HERE, NOON)
            guard.apply(other.news_after(0))
    looked_at = [attack(guard, NOON) for guard in guards]
    assert looked_at == [1, 1, 1, 1]
    assert waits(guards[0], guess(PHONE), NOON) == 2 * SECOND
    guards[0].apply(act for guard in guards[1:] for act in guard.news_after(1))
    assert attack(guards[0], NOON + 2 * SECOND) == 1


def test_right_ones_do_not_slow_each_other() -> None:
    """What FreeRADIUS has verified leaves nothing, beside another server too."""
    guard, other = Guard(), Guard()
    other.report_state(Kind.HERE, NOON)
    guard.apply(other.news_after(0))
    for n in range(9):
        number = guard.reserve(guess(mac(n)), 1, NOON)
        assert number is not None
        guard.give_back(number, 1, NOON)


def test_a_server_that_is_gone_slows_nobody() -> None:
    """It said so, or has said nothing for three minutes."""
    guard, other = Guard(), Guard()
    other.report_state(Kind.HERE, NOON)
    guard.apply(other.news_after(0))
    assert attack(guard, NOON) == 1
    assert attack(guard, NOON + 4 * MINUTE) == 5
    other.report_state(Kind.HERE, NOON)
    other.report_state(Kind.GONE, NOON)
    fresh = Guard()
    fresh.apply(other.news_after(0))
    assert attack(fresh, NOON) == 6


# Bounds


def test_memory_is_bounded_by_what_was_looked_at() -> None:
    """A flood of addresses leaves nothing behind."""
    guard = Guard()
    attack(guard, NOON, count=5000)
    assert len(guard) == 7
    for n in range(1000):
        knows(guard, mac(n))
    assert len(guard) == 1 + MOST_DEVICES
    for visit in range(2, 500):
        attack(guard, NOON, visit, count=1)
    guard.tidy(NOON + 9 * DAY)
    assert len(guard) == 1 + MOST_DEVICES


def test_one_guess_at_each_visit_takes_little_memory() -> None:
    """Here and at a sibling: a worker has 120 MB, and a flood of rejects reaches every visit."""
    guard, other = Guard(), Guard()
    with traced() as octets:
        for visit in range(2_000):
            attack(guard, NOON, visit, count=1)
        here = octets()
        other.apply(guard.news_after(0))
        there = octets() - here
    # Compiled it makes a number anew wherever it keeps one.
    is_compiled = str(guard_module.__file__).endswith(".so")
    assert here < 2_000 * (750 if is_compiled else 650)
    assert there < 2_000 * 450


def test_a_guess_where_many_got_in() -> None:
    """What is kept of the visit stays bounded, and who was in stays known."""
    guard = Guard()
    for n in range(MOST_DEVICES):
        knows(guard, mac(n))
    assert attack(guard, NOON, count=1) == 1
    devices = guard.visits()[1].devices
    assert len(devices) == MOST_DEVICES
    assert all(each.was_in for each in devices.values())


def test_no_password_is_kept() -> None:
    """Must 20: neither in the guard nor in what is told to others."""
    guard, made = Guard(), guess()
    guard.count(made, guard.look(made, NOON), NOON, b"135790")
    assert "135790" not in repr(guard.news_after(0))
    assert b"135790" not in guard.visits()[1]._wrong  # noqa: SLF001 - nobody else sees it


def test_a_clock_that_is_set_back() -> None:
    """Nobody waits longer than is said here, counted from the new time."""
    guard = Guard()
    ahead = NOON + 30 * DAY
    slowly(guard, guess(PHONE), ahead, most=6)
    assert waits(guard, guess(LAPTOP), NOON) <= 6 * HOUR
    assert waits(guard, guess(PHONE), NOON) <= DAY
