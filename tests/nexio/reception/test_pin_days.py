"""The days on which a PIN counts, and what is drawn for them (R6)."""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta
from functools import partial
from typing import Any

import pytest
from sqlalchemy import event, select, text

from nexio.errors import Refused
from nexio.locations.locations import Location
from nexio.locations.settings import LONGEST_PIN
from nexio.operations.housekeeping import tidy
from nexio.reception.changing import edit_visit, extend_token, reschedule
from nexio.reception.guessing_limits import BOUND
from nexio.reception.pin_days import fullest_day
from nexio.reception.registration import Repetition
from nexio.reception.registration import register as enter_visit
from nexio.reception.registration_texts import Allowed, read_registration
from nexio.reception.visits import Visit
from nexio.store.engine import Store
from nexio.store.tables import PinDayRow
from tests.support.clocks import Clock
from tests.support.people import delete, register, register_many, revoke, set_up
from tests.support.reception import add_member, at, at_once, by_hand, reissue, take_back, use_pin

FRIDAY = date(2026, 11, 20)
ANY_SIX = {6: 1}


def days(store: Store) -> dict[str, dict[int, int]]:
    """How many PINs of how many digits each day of the store has, as it is stored."""
    found: dict[str, dict[int, int]] = {}
    with store.read() as work:
        for row in work.session.scalars(select(PinDayRow).order_by(PinDayRow.day)):
            if row.pins:
                found.setdefault(str(row.day), {})[row.length] = row.pins
    return found


def move(store: Store, visit: Visit, arrival: str) -> None:
    """Another expected arrival."""
    with store.write() as work:
        reschedule(work, visit.id, at(arrival))


def insist(store: Store, location: Location, pin: str) -> Visit:
    """Register somebody with a PIN that is easy to guess."""
    said = {"first_name": "Zoë", "last_name": "N", "email": "zoe@example.com", "pin": pin}
    with store.write() as work:
        found = read_registration(said, work.now, location, None, Allowed(insecure_short_pin=True))
        return enter_visit(work, location, found, Repetition(again=True))


def lengths(visits: list[Visit]) -> Counter[int]:
    """How many PINs have how many digits."""
    return Counter(len(visit.pin) for visit in visits)


def test_r6_the_34th_visit_of_a_day_has_7_digits(store: Store, location: Location) -> None:
    """In one transaction or in many."""
    visits = [register(store, location) for _ in range(36)]
    assert [len(visit.pin) for visit in visits] == [6] * 33 + [7] * 3
    assert days(store) == {str(FRIDAY): {6: 33, 7: 3}}
    assert len(register(store, location, arrival="tomorrow 9am").pin) == 6


def test_r6_turning_over_gives_no_short_pins(store: Store, location: Location) -> None:
    """Somebody may have guessed at those that are deleted, revoked or reissued today."""
    visits = []
    for number in range(30):
        visits.append(register(store, location))
        if number % 3 == 0:
            delete(store, visits[-1])
        elif number % 3 == 1:
            visits.append(reissue(store, visits[-1]))
        else:
            revoke(store, visits[-1])
    assert lengths(visits) == {6: 33, 7: len(visits) - 33}


def test_r6_another_email_draws_for_the_same_days(store: Store, location: Location) -> None:
    """Both PINs count: the old one may have been guessed at."""
    visit = register(store, location)
    with store.write() as work:
        edit_visit(work, visit.id, {"email": "ada@example.com"})
    assert days(store) == {str(FRIDAY): {6: 2}}


@pytest.mark.parametrize(
    ("arrival", "duration", "counted"),
    [
        ("14:00", "1h", ["20"]),
        ("21:00", "1h", ["20"]),
        ("21:00", "61m", ["20", "21"]),
        ("23:30", "1h", ["20", "21"]),
        ("tomorrow 9am", "2d", ["21", "22", "23"]),
        ("now", "10d", [str(day) for day in range(20, 31)]),
    ],
)
def test_a_pin_counts_until_two_hours_after_its_window(
    sqlite_store: Store, sqlite_location: Location, arrival: str, duration: str, counted: list[str]
) -> None:
    """R11: for so long the right PIN is told that its time is over."""
    set_up(sqlite_store, sqlite_location, f"token-duration={duration}")
    register(sqlite_store, sqlite_location, arrival=arrival)
    assert days(sqlite_store) == {f"2026-11-{day}": ANY_SIX for day in counted}


def test_r3_without_a_token_a_pin_counts_on_its_day(store: Store, location: Location) -> None:
    """It checks in."""
    set_up(store, location, "visitor-tokens=off")
    register(store, location, arrival="23:30")
    assert days(store) == {str(FRIDAY): ANY_SIX}


def test_r16_a_check_in_finds_its_days_counted(
    store: Store, location: Location, clock: Clock
) -> None:
    """The window may open until the end of the day: the days of the latest end count from before.

    An undo counts nothing twice.
    """
    set_up(store, location, "token-starts=check-in", "token-duration=1d")
    visit = register(store, location)
    counted = {f"2026-11-{day}": ANY_SIX for day in (20, 21, 22)}
    assert days(store) == counted
    use_pin(store, location, visit.pin)
    opened = {f"2026-11-{day}": ANY_SIX for day in (20, 21)}
    assert days(store) == opened
    take_back(store, visit)
    assert days(store) == counted
    clock.now = at("2026-11-20 23:59")
    use_pin(store, location, visit.pin)
    assert days(store) == counted


def test_r15_an_early_check_in_by_hand_counts_from_today(
    store: Store, location: Location, clock: Clock
) -> None:
    """The window that it opens is today: so is the PIN, until the visit's own day is over.

    An undo gives back the days that have not come; somebody may have guessed today.
    """
    set_up(store, location, "token-starts=check-in")
    visit = register(store, location, arrival="monday 9am")
    counted = days(store)
    by_hand(store, visit, override=True)
    early = {f"2026-11-{day}": ANY_SIX for day in (20, 21, 22, 23)}
    assert days(store) == early
    take_back(store, visit)
    assert days(store) == counted | {str(FRIDAY): ANY_SIX}


def test_r6_who_is_let_in_early_makes_the_pins_of_today_longer(
    store: Store, location: Location
) -> None:
    """Each of them logs in today: one more visitor of today gets 7 digits."""
    set_up(store, location, "token-starts=check-in")
    for visit in register_many(store, location, 33, "monday 9am"):
        by_hand(store, visit, override=True)
    assert len(register(store, location).pin) == 7


def test_r15_a_late_check_in_by_hand_counts_from_today(
    store: Store, location: Location, clock: Clock
) -> None:
    """Days that are over do not: nobody draws a PIN for them any more."""
    set_up(store, location, "token-starts=check-in")
    visit = register(store, location)
    clock.advance(days=5)
    tidy(store)
    by_hand(store, visit, override=True)
    assert days(store) == {"2026-11-25": ANY_SIX}


def test_r7_members_count_on_no_day(store: Store, location: Location) -> None:
    """Their PINs let nobody onto the Wi-Fi; they have the fewest digits that are allowed."""
    register_many(store, location, 34)
    member = add_member(store, location)
    assert len(member.pin) == 6
    assert days(store)[str(FRIDAY)] == {6: 33, 7: 1}


def test_r13_a_visit_that_moves_counts_where_it_is(store: Store, location: Location) -> None:
    """It leaves days to come; today's count stays, and an hour later on a day is no move."""
    visit = register(store, location, arrival="monday 9am")
    move(store, visit, "2026-11-23 15:00")
    assert days(store) == {"2026-11-23": ANY_SIX}
    move(store, visit, "2026-11-24 09:00")
    assert days(store) == {"2026-11-24": ANY_SIX}
    move(store, visit, "2026-11-20 12:00")
    assert days(store) == {"2026-11-20": ANY_SIX}
    move(store, visit, "2026-11-24 09:00")
    assert days(store) == {"2026-11-20": ANY_SIX, "2026-11-24": ANY_SIX}


def test_r13_a_moved_pin_makes_later_ones_longer(store: Store, location: Location) -> None:
    """It stays as it is, and takes the room of one that would be drawn."""
    register_many(store, location, 33, "monday 9am")
    for visit in register_many(store, location, 33, "tuesday 9am"):
        move(store, visit, "2026-11-23 09:00")
    assert days(store)["2026-11-23"] == {6: 66}
    assert len(register(store, location, arrival="monday 10am").pin) == LONGEST_PIN
    with store.read() as work:
        fullest = fullest_day(work, location)
    assert fullest is not None
    assert fullest.chance < BOUND


def test_r2_an_extension_counts_on_more_days(store: Store, location: Location) -> None:
    """Those that it adds."""
    visit = register(store, location)
    with store.write() as work:
        extend_token(work, visit.id, timedelta(days=1))
    assert days(store) == {"2026-11-20": ANY_SIX, "2026-11-21": ANY_SIX}


def test_deleted_visits_give_days_back_that_nobody_can_guess_on(
    store: Store, location: Location, clock: Clock
) -> None:
    """A server knows a deleted visit for 24 hours: until tomorrow its PIN may be put into words."""
    set_up(store, location, "token-duration=3d")
    visit = register(store, location)
    again = reissue(store, visit)
    assert days(store) == {
        "2026-11-20": {6: 2},
        "2026-11-21": {6: 2},
        "2026-11-22": ANY_SIX,
        "2026-11-23": ANY_SIX,
    }
    clock.advance(days=1)
    delete(store, again)
    assert days(store)["2026-11-22"] == ANY_SIX
    assert "2026-11-23" not in days(store)


def test_a_location_that_moves_to_another_zone_counts_from_zero(
    store: Store, location: Location
) -> None:
    """Visits keep their instants, so their days are other ones: no count is below zero."""
    visit = register(store, location, arrival="monday 9am")
    with store.write() as work:
        work.session.execute(text("UPDATE location SET time_zone = 'Pacific/Auckland'"))
    delete(store, visit)
    assert days(store) in ({"2026-11-23": ANY_SIX}, {})


@pytest.mark.parametrize("desks", [5])
def test_r6_desks_at_the_same_moment_count_each_other(
    store: Store, location: Location, desks: int
) -> None:
    """One PIN of 6 digits is left: one desk gets it."""
    register_many(store, location, 32)
    got = at_once(*[partial(register, store, location) for _ in range(desks)])
    visits = [visit for visit in got if isinstance(visit, Visit)]
    assert lengths(visits) == {6: 1, 7: desks - 1}, got
    assert days(store) == {str(FRIDAY): {6: 33, 7: desks - 1}}


def test_r6_a_desk_that_fails_leaves_no_count(store: Store, location: Location) -> None:
    """Drawing and counting are one transaction: no more guests than planned, no PIN."""
    set_up(store, location, "wifi-login=pin", "planned-guests=1")
    visit = register(store, location, arrival="tomorrow 9am")
    before = days(store)
    with pytest.raises(Refused, match="planned for 1 guests"):
        register(store, location, arrival="tomorrow 9am")
    with pytest.raises(Refused, match="belongs to somebody else"):
        register(store, location, pin=visit.pin, arrival="monday 9am")
    assert days(store) == before == {"2026-11-21": ANY_SIX}


def failing(store: Store, visit: Visit) -> None:
    """Give a visit another PIN, and then fail."""
    with store.write() as work:
        edit_visit(work, visit.id, {"email": "ada@example.com"})
        raise ZeroDivisionError


def test_r6_a_draw_that_is_undone_is_not_counted(store: Store, location: Location) -> None:
    """Whatever fails after it."""
    visit = register(store, location)
    with pytest.raises(ZeroDivisionError):
        failing(store, visit)
    assert days(store) == {str(FRIDAY): ANY_SIX}


def test_r6_a_chosen_pin_may_not_break_the_bound(store: Store, location: Location) -> None:
    """It is refused with the chance; who insists gets it, and it counts."""
    register_many(store, location, 66, pins=[f"{number:06}" for number in range(66)])
    with pytest.raises(Refused) as caught:
        register(store, location, pin="482913")
    assert str(caught.value) == (
        "with one PIN of 6 digits more, somebody who guesses all day gets in at Harbour House with"
        " a chance of 1 in 1,244 on 2026-11-20"
    )
    assert "--insecure-short-pin" in caught.value.advice
    assert register(store, location, pin="48291355").pin == "48291355"
    insist(store, location, "482913")
    assert days(store) == {str(FRIDAY): {6: 67, 8: 1}}


def test_r6_a_chosen_pin_of_5_digits_is_refused(store: Store, location: Location) -> None:
    """Below the floor of NIST SP 800-63B, also where the bound would hold."""
    with pytest.raises(Refused, match="a PIN of 5 digits is below the floor") as caught:
        register(store, location, pin="48291")
    assert "1 in 8,333" in str(caught.value)
    assert "48291" not in str(caught.value) + caught.value.advice
    assert insist(store, location, "48291").pin == "48291"


def test_days_that_are_over_are_forgotten(store: Store, location: Location, clock: Clock) -> None:
    """Nobody draws a PIN for them any more."""
    register(store, location)
    clock.advance(days=2)
    tidy(store)
    assert days(store) == {str(FRIDAY): ANY_SIX}
    clock.advance(days=1)
    tidy(store)
    with store.read() as work:
        assert work.session.scalars(select(PinDayRow)).all() == []


def statements(store: Store) -> list[tuple[str, Any]]:
    """What is asked of the store from now on."""
    asked: list[tuple[str, Any]] = []

    def note(*arguments: Any) -> None:
        asked.append((arguments[2], arguments[3]))

    event.listen(store.engine, "before_cursor_execute", note)
    return asked


def test_r6_drawing_looks_at_no_other_visit(sqlite_store: Store, sqlite_location: Location) -> None:
    """Whatever is asked of PINs and days is found by an index: 100,000 live PINs cost nothing."""
    asked = statements(sqlite_store)
    register(sqlite_store, sqlite_location)
    about_pins = [
        (words, values)
        for words, values in asked
        if "FROM pin" in words and words.startswith(("SELECT", "DELETE"))
    ]
    assert len(about_pins) >= 4
    with sqlite_store.engine.connect() as connection:
        for words, values in about_pins:
            plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {words}", values).all()
            steps = [row.detail for row in plan if "pin" in row.detail]
            assert steps
            assert all(step.startswith("SEARCH") for step in steps), (words, steps)
            assert all("location_id=?" in step for step in steps), (words, steps)
