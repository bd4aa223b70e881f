"""Two desks at the same moment: what each of them is told, and what is there then."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pytest

from nexio.checkin.taps import Direction, Tap
from nexio.errors import NexioError, Refused
from nexio.locations.locations import Location
from nexio.reception.members import Member
from nexio.reception.visits import Visit, VisitState
from nexio.store.engine import Store
from tests.support.clocks import Clock
from tests.support.people import delete, look_up, register, set_up
from tests.support.reception import add_member, at_once, mails, reissue, seen, use_pin
from tests.support.stores import row_counts

ROUNDS = 8
"""Each with other people: threads that meet at a barrier do not always meet in the store."""


def both(store: Store, location: Location, pin: str) -> list[Tap]:
    """What two desks are told that use one PIN at the same moment."""
    got = at_once(*[partial(use_pin, store, location, pin)] * 2)
    taps = [tap for tap in got if isinstance(tap, Tap)]
    assert len(taps) == 2, got
    return taps


@pytest.mark.parametrize("kind", ["visitor", "member"])
def test_r14_two_desks_check_the_same_pin_in(
    store: Store, location: Location, clock: Clock, kind: str
) -> None:
    """One in, and not one in and one out; and out again in the same way."""
    for number in range(ROUNDS):
        person: Visit | Member = (
            register(store, location)
            if kind == "visitor"
            else add_member(store, location, email=f"ana{number}@example.com")
        )
        for direction in (Direction.IN, Direction.OUT):
            taps = both(store, location, person.pin)
            assert [tap.direction for tap in taps] == [direction] * 2
            assert sorted(tap.repeated for tap in taps) == [False, True]
            clock.advance(minutes=5)
    assert row_counts(store)["check_in"] == ROUNDS


def test_r16_two_desks_open_one_window_and_tell_the_host_once(
    store: Store, location: Location
) -> None:
    """The visit is locked before it is looked at."""
    set_up(store, location, "token-starts=check-in")
    add_member(store, location)
    for _ in range(ROUNDS):
        visit = register(store, location, host="Ana Reyes")
        both(store, location, visit.pin)
    told = [mail for mail in mails(store) if mail[0] == "visitor-arrived"]
    assert len(told) == ROUNDS


def test_r9_two_desks_check_in_where_the_pin_alone_logs_in(
    store: Store, location: Location
) -> None:
    """Both windows are counted, one after the other; neither desk waits for ever."""
    planned = ROUNDS * 3 - 1
    words = ("wifi-login=pin", f"planned-guests={planned}", "pin-length=8")
    set_up(store, location, "token-starts=check-in", *words)
    got: list[object] = []
    for _ in range(ROUNDS):
        pins = [register(store, location).pin for _ in range(3)]
        got += at_once(*[partial(use_pin, store, location, pin) for pin in pins])
    assert [type(each) for each in got].count(Tap) == planned, got
    assert [type(each) for each in got].count(Refused) == 1, got


def test_r5_two_desks_reissue_one_visit(store: Store, location: Location) -> None:
    """One of them does, the other is told so; the visitor has one new PIN."""
    for _ in range(ROUNDS):
        visit = register(store, location)
        got = at_once(*[partial(reissue, store, visit)] * 2)
        new = [each for each in got if isinstance(each, Visit)]
        refused = [each for each in got if isinstance(each, Refused)]
        assert (len(new), len(refused)) == (1, 1), got
        assert str(refused[0]) == f"visit {visit.id} was reissued as visit {new[0].id}"


def test_r5_a_reissue_and_a_check_in_at_the_same_moment(store: Store, location: Location) -> None:
    """Either the check-in comes along or the old PIN is refused: none is left with the old one."""
    for _ in range(ROUNDS):
        visit = register(store, location)
        acts: list[Callable[[], object]] = [
            partial(reissue, store, visit),
            partial(use_pin, store, location, visit.pin),
        ]
        new, tap = at_once(*acts)
        assert isinstance(new, Visit), new
        came = isinstance(tap, Tap)
        assert came or isinstance(tap, Refused), tap
        expected = VisitState.CHECKED_IN if came else VisitState.EXPECTED
        assert look_up(store, new).state is expected
        delete(store, new)
    assert set(seen(store, location, open_only=True)) <= {"in Zoë Nguyễn"}


def test_two_desks_add_one_member(store: Store, location: Location) -> None:
    """A constraint of the store: an address belongs to one member of a location."""
    for number in range(ROUNDS):
        email = f"ana{number}@example.com"
        got = at_once(*[partial(add_member, store, location, email=email)] * 2)
        assert sorted(isinstance(each, NexioError) for each in got) == [False, True], got
    assert row_counts(store)["member"] == ROUNDS
