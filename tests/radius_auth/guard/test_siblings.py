"""Memory that the workers of a server share: one guess at a visit at a time, over all of them."""

from __future__ import annotations

import os
import struct
from typing import TYPE_CHECKING

import pytest

from radius_auth.guard import Guard
from radius_auth.guard.siblings import Siblings, forget_worker, shared_memory
from tests.support.radius.guesses import MINUTE, NOON, guess, mac, tries

if TYPE_CHECKING:
    import mmap
    from collections.abc import Callable
    from datetime import datetime

    Guesses = Callable[..., bool]

WORKERS = 4
VISITS = 300


def guard_of(memory: mmap.mmap, index: int, workers: int = 2, patience: float = 0.0) -> Guard:
    """That of a worker."""
    siblings = Siblings(memory, workers, index, patience)
    guard = Guard(siblings)
    siblings.begin(guard.writer)
    return guard


def pair() -> tuple[Guard, Guard]:
    """Two workers of one server."""
    memory = shared_memory(2)
    return guard_of(memory, 0), guard_of(memory, 1)


def wrong(guard: Guard, device: int, visit: int = 1, now: datetime = NOON) -> bool:
    """Guess wrongly; whether it was looked at."""
    made = guess(mac(device), visit)
    opening = guard.look(made, now)
    if opening.is_refused:
        return False
    guard.count(made, opening, now, b"%d" % device)
    return True


def first(guard: Guard, device: int, visit: int = 1, now: datetime = NOON) -> bool:
    """The same, by the shorter way where nobody has guessed before."""
    pin, typed = b"%d" % visit, b"%d" % device
    is_first = guard.count_first(visit, 1, pin, mac(device), "ap-1", now, typed)
    return is_first or wrong(guard, device, visit, now)


either_way = pytest.mark.parametrize("guesses", [wrong, first])


def tell(one: Guard, other: Guard) -> None:
    """What the companion does."""
    acts = one.news_after(0)
    other.apply(acts)
    other.mark_known_up_to(one.writer, one.latest_serial())


@either_way
def test_a_guess_that_was_not_heard_of_is_waited_for(guesses: Guesses) -> None:
    """Another worker looks at the next one when it has heard of the first."""
    one, other = pair()
    assert guesses(one, 1)

    assert other.look(guess(mac(2)), NOON).is_pause
    assert guesses(other, 2, visit=2)  # at any other visit at once
    tell(one, other)
    assert guesses(other, 3)


@either_way
def test_it_hears_of_it_while_it_waits(guesses: Guesses) -> None:
    """A guest notices nothing but some milliseconds."""
    memory = shared_memory(2)
    one, other = guard_of(memory, 0), guard_of(memory, 1, patience=10.0)
    assert guesses(one, 1)
    other.catch_up = lambda: tell(one, other)

    assert guesses(other, 2)


def test_what_was_right_is_withdrawn() -> None:
    """A login with the right PIN keeps nobody out."""
    one, other = pair()
    assert not one.look(guess(mac(1)), NOON).is_refused
    assert other.look(guess(mac(2)), NOON).is_refused
    one.finish()
    assert not other.look(guess(mac(2)), NOON).is_refused
    other.record_login(guess(mac(2)), 1, NOON)
    assert not one.look(guess(mac(1)), NOON).is_refused


def test_nobody_is_let_in_unseen_where_a_guess_was_not_heard_of() -> None:
    """Else a device that was in could try as many PINs as fit into that moment."""
    one, other = pair()
    other.record_login(guess(mac(2)), 1, NOON)
    assert other.is_undisturbed(1, mac(2))
    assert wrong(one, 1)
    assert not other.is_undisturbed(1, mac(2))
    assert other.look(guess(mac(2)), NOON).is_refused
    tell(one, other)
    assert not other.look(guess(mac(2)), NOON).is_refused


@either_way
def test_the_same_password_again_keeps_nobody_out(guesses: Guesses) -> None:
    """It is no guess."""
    one, other = pair()
    assert guesses(one, 1)
    tell(one, other)
    assert guesses(one, 1, now=NOON + MINUTE)

    assert guesses(other, 2, now=NOON + MINUTE)


@either_way
def test_a_worker_that_has_died_keeps_nobody_out(guesses: Guesses) -> None:
    """What it looked at last nobody will tell."""
    memory = shared_memory(2)
    one, other = guard_of(memory, 0), guard_of(memory, 1)
    assert guesses(one, 1)
    forget_worker(memory, 2, 0)
    assert guesses(other, 2)

    successor = guard_of(memory, 0)
    assert successor.look(guess(mac(3)), NOON).is_refused
    tell(other, successor)
    assert guesses(successor, 3)


@either_way
def test_one_guess_by_all_of_them_together(programs: None, guesses: Guesses) -> None:
    """Real processes that guess at the same visits at the same moment, deaf to each other."""
    memory = shared_memory(WORKERS)
    read, write = os.pipe()
    children = []
    for index in range(WORKERS):
        child = os.fork()
        if child == 0:
            guard = guard_of(memory, index, WORKERS, patience=0.001)
            looked_at = [visit for visit in range(1, VISITS) if guesses(guard, index + 1, visit)]
            os.write(write, struct.pack(f"{VISITS}H", *looked_at, *[0] * (VISITS - len(looked_at))))
            os._exit(0)
        children.append(child)
    for child in children:
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    os.close(write)
    found: list[int] = []
    with os.fdopen(read, "rb") as pipe:
        while octets := pipe.read(2 * VISITS):
            found += [visit for visit in struct.unpack(f"{VISITS}H", octets) if visit]
    assert len(found) == len(set(found))  # no visit by two of them
    assert len(found) > VISITS // 2


def test_two_that_guess_at_the_same_visits_do_not_wait_for_each_other() -> None:
    """One worker may know the visits of an e-mail in another order than the other one."""
    memory = shared_memory(2)
    one, other = guard_of(memory, 0), guard_of(memory, 1, patience=10.0)
    looked_at = []

    def meanwhile() -> None:
        looked_at.append(one.look(guess(mac(1), 1, 2), NOON).visits)
        one.finish()

    one.look(guess(mac(1), 1), NOON)
    other.catch_up = meanwhile

    assert other.look(guess(mac(2), 2, 1), NOON).visits == {1, 2}
    assert looked_at == [{1, 2}]


@either_way
def test_wrong_guesses_of_a_round_are_told_together(guesses: Guesses) -> None:
    """Before any of them is answered: then nobody waits for them longer than a round takes."""
    one, _ = pair()
    told = []
    one.notify_siblings = lambda: told.append(one.latest_serial())

    assert guesses(one, 1, visit=1)
    assert guesses(one, 2, visit=2)
    assert told == []
    one.finish()
    one.finish()
    assert told == [2]


def test_the_first_login_at_a_visit_waits_where_a_guess_was_announced() -> None:
    """It announces none itself: what is right takes nothing."""
    one, other = pair()
    assert other.is_untouched(1)
    assert wrong(one, 1)
    assert not other.is_untouched(1)
    assert other.is_untouched(2)
    tell(one, other)
    assert not other.is_untouched(1)  # something has happened there


@pytest.mark.parametrize("count", range(1, 13))
def test_guesses_that_were_heard_of_count_as_if_each_was_looked_at(count: int) -> None:
    """They are kept as they came until somebody guesses there, and then it is the same."""
    teller, hearer, looker = Guard(), Guard(), Guard()
    for guard in (hearer, looker):
        guard.record_login(guess(mac(3)), 1, NOON)
    now = NOON
    for number in range(count):
        now = NOON + number * 7 * MINUTE
        told = teller.latest_serial()
        tries(teller, guess(mac(number % 5)), now)
        acts = teller.news_after(told)
        for guard in (hearer, looker):
            guard.apply(acts)
        looker.look(guess(mac(100)), now)

    for device in (mac(0), mac(3), mac(100)):
        one, other = (guard.look(guess(device), now) for guard in (hearer, looker))
        assert one.visits == other.visits
        assert one.wait == pytest.approx(other.wait)
    assert hearer.visits()[1].devices == looker.visits()[1].devices
    assert len(hearer) == len(looker)
