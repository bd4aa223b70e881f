"""Checking in and out at the desk: R14, R15."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import func, select

from nexio.checkin.check_ins import ONE_TAP, tap_visit
from nexio.checkin.refused_taps import MISTAKEN_UNTIL
from nexio.checkin.taps import Direction, Method, Tap
from nexio.errors import InvalidValue, NotFound, Refused
from nexio.locations.locations import Location
from nexio.outbox.outbox import Template
from nexio.reception.members import remove_member
from nexio.reception.visits import VisitState
from nexio.store.engine import Store
from nexio.store.tables import AuditRow
from tests.support.clocks import Clock
from tests.support.people import add_location, delete, look_up, register, revoke, set_up
from tests.support.reception import (
    add_member,
    at,
    by_hand,
    mails,
    qr_of,
    reissue,
    seen,
    take_back,
    use_pin,
    use_qr,
)
from tests.support.stores import row_counts, run_sql

IN, OUT = Direction.IN, Direction.OUT
ENDED = "this visit has ended for today"


def test_r14_first_use_is_in_and_second_is_out(
    store: Store, location: Location, clock: Clock
) -> None:
    """The tap says who, when, where and how; the visit's state follows."""
    visit = register(store, location, host="Ana Reyes")
    arrived = use_pin(store, location, visit.pin)
    assert arrived == Tap(
        direction=IN,
        stay=arrived.stay,
        kind="visitor",
        id=visit.id,
        name="Zoë Nguyễn",
        host="Ana Reyes",
        company=None,
        phone=None,
        at=clock.now,
        location=location,
        method=Method.PIN,
    )
    assert look_up(store, visit).state is VisitState.CHECKED_IN
    clock.advance(hours=2)
    left = by_hand(store, visit)
    assert (left.direction, left.method, left.at) == (OUT, Method.DESK, clock.now)
    assert look_up(store, visit).state is VisitState.CHECKED_OUT
    assert not left.cut_off


def test_r14_a_third_use_on_the_same_day_is_refused(
    store: Store, location: Location, clock: Clock
) -> None:
    """Until the last instant of the local day, by each way in; the next day is another one."""
    set_up(store, location, "token-duration=3d")
    visit = register(store, location)
    code = qr_of(store, visit)
    use_pin(store, location, visit.pin)
    clock.advance(minutes=5)
    use_pin(store, location, visit.pin)
    before = row_counts(store)
    for now in (clock.now + ONE_TAP, at("2026-11-20 23:59:59.999999")):
        clock.now = now
        with pytest.raises(Refused, match=f"^{ENDED}$") as caught:
            use_pin(store, location, visit.pin)
        assert f"nexio checkin --visit {visit.id} --override" in caught.value.advice
        with pytest.raises(Refused, match=ENDED):
            use_qr(store, code)
        with pytest.raises(Refused, match=ENDED):
            by_hand(store, visit)
    assert row_counts(store) == before
    clock.now = at("2026-11-21 00:00")
    assert use_pin(store, location, visit.pin).direction is IN
    clock.advance(minutes=5)
    assert use_pin(store, location, visit.pin).direction is OUT
    clock.advance(minutes=5)
    with pytest.raises(Refused, match=ENDED):
        use_pin(store, location, visit.pin)


def test_r14_a_day_is_the_locations(store: Store, clock: Clock) -> None:
    """In Auckland it is midnight when it is 11:00 UTC."""
    auckland = add_location(store, "Auckland", "Pacific/Auckland", "visitor-tokens=on")
    set_up(store, auckland, "token-duration=2d")
    visit = register(store, auckland)
    use_pin(store, auckland, visit.pin)
    clock.advance(minutes=5)
    use_pin(store, auckland, visit.pin)
    clock.now = at("2026-11-20 10:59:59")
    with pytest.raises(Refused, match=ENDED):
        use_pin(store, auckland, visit.pin)
    clock.now = at("2026-11-20 11:00")
    assert use_pin(store, auckland, visit.pin).direction is IN


def test_r14_members_come_and_go_as_often_as_they_like(
    store: Store, location: Location, clock: Clock
) -> None:
    """On one day and on the next; a cut-off in between makes the next one an arrival."""
    member = add_member(store, location)
    went = []
    for _ in range(5):
        tap = use_pin(store, location, member.pin)
        went.append(tap.direction)
        clock.advance(hours=1)
    assert went == [IN, OUT, IN, OUT, IN]
    assert (tap.kind, tap.id, tap.name, tap.host) == ("member", member.id, "Ana Reyes", None)
    clock.advance(days=1)
    assert use_pin(store, location, member.pin).direction is IN
    assert row_counts(store)["check_in"] == 4


@pytest.mark.parametrize("kind", ["visitor", "member"])
def test_r14_within_ten_seconds_it_is_one_tap(
    store: Store, location: Location, clock: Clock, kind: str
) -> None:
    """Nothing is written by the second one; nor after a check-out."""
    person = register(store, location) if kind == "visitor" else add_member(store, location)
    first = use_pin(store, location, person.pin)
    assert (first.direction, first.repeated) == (IN, False)
    before = row_counts(store)
    for after in (timedelta(0), timedelta(seconds=5), ONE_TAP - timedelta(microseconds=1)):
        clock.now = first.at + after
        again = use_pin(store, location, person.pin)
        assert (again.direction, again.repeated, again.at) == (IN, True, first.at)
    assert row_counts(store) == before
    clock.now = first.at + MISTAKEN_UNTIL
    out = use_pin(store, location, person.pin)
    assert (out.direction, out.repeated) == (OUT, False)
    clock.advance(seconds=9)
    again = use_pin(store, location, person.pin)
    assert (again.direction, again.repeated, again.at) == (OUT, True, out.at)


@pytest.mark.parametrize("kind", ["visitor", "member"])
@pytest.mark.parametrize(
    ("seconds", "ago"),
    [
        (10, "10 seconds ago"),
        (59.9, "59 seconds ago"),
        (60, "1 minute ago"),
        (150, "2 minutes ago"),
        (299.999999, "4 minutes ago"),
    ],
)
def test_r14_for_five_minutes_the_code_alone_does_not_check_out(
    sqlite_store: Store,
    sqlite_location: Location,
    clock: Clock,
    kind: str,
    seconds: float,
    ago: str,
) -> None:
    """It says since when they are in and how they leave; nothing is written."""
    person = (
        register(sqlite_store, sqlite_location)
        if kind == "visitor"
        else add_member(sqlite_store, sqlite_location)
    )
    name = "Zoë Nguyễn" if kind == "visitor" else "Ana Reyes"
    use_pin(sqlite_store, sqlite_location, person.pin)
    before = row_counts(sqlite_store)
    clock.advance(seconds=seconds)
    with pytest.raises(Refused) as caught:
        use_pin(sqlite_store, sqlite_location, person.pin)
    assert str(caught.value) == f"checked in {ago}: {name}"
    assert caught.value.advice.startswith("To check out: ")
    assert "--out" in caught.value.advice
    assert person.pin not in caught.value.advice
    assert row_counts(sqlite_store) == before
    assert seen(sqlite_store, sqlite_location, open_only=True) == [f"in {name}"]
    assert use_pin(sqlite_store, sqlite_location, person.pin, way=OUT).direction is OUT


@pytest.mark.parametrize("kind", ["visitor", "member"])
def test_r14_who_says_which_way_is_taken_at_the_word(
    store: Store, location: Location, clock: Clock, kind: str
) -> None:
    """At once and later; the same way twice writes nothing, however long after."""
    person = register(store, location) if kind == "visitor" else add_member(store, location)
    with pytest.raises(Refused, match="is not checked in"):
        use_pin(store, location, person.pin, way=OUT)
    first = use_pin(store, location, person.pin, way=IN)
    assert (first.direction, first.repeated) == (IN, False)
    clock.advance(hours=1)
    again = use_pin(store, location, person.pin, way=IN)
    assert (again.direction, again.repeated, again.at) == (IN, True, first.at)
    left = use_pin(store, location, person.pin, way=OUT)
    assert (left.direction, left.repeated) == (OUT, False)
    clock.advance(minutes=1)
    again = use_pin(store, location, person.pin, way=OUT)
    assert (again.direction, again.repeated, again.at) == (OUT, True, left.at)


def test_r14_the_way_holds_for_codes_and_by_hand(
    store: Store, location: Location, clock: Clock
) -> None:
    """A person at the desk who looks the visitor up means what is done, also at once."""
    visit = register(store, location)
    code = qr_of(store, visit)
    use_qr(store, code, way=IN)
    clock.advance(minutes=1)
    with pytest.raises(Refused, match="checked in 1 minute ago"):
        use_qr(store, code)
    assert by_hand(store, visit, way=IN).repeated
    assert use_qr(store, code, way=OUT).direction is OUT
    with pytest.raises(Refused, match=ENDED) as caught:
        use_qr(store, code, way=IN)
    undo, override = (
        caught.value.advice.index(f"nexio checkin {words}")
        for words in (f"undo {visit.id}", f"--visit {visit.id} --override")
    )
    assert undo < override
    take_back(store, visit)
    assert by_hand(store, visit).direction is OUT


def test_r14_the_cut_off_is_not_to_be_taken_back(
    store: Store, location: Location, clock: Clock
) -> None:
    """So the refusal does not name undo, which would be refused as well."""
    set_up(store, location, "cut-off=12:00")
    visit = register(store, location)
    use_pin(store, location, visit.pin)
    clock.now = at("2026-11-20 13:00")
    with pytest.raises(Refused, match=ENDED) as caught:
        use_pin(store, location, visit.pin)
    assert "undo" not in caught.value.advice
    assert f"nexio checkin --visit {visit.id} --override" in caught.value.advice


def test_r14_a_member_who_went_out_comes_in_at_once(
    store: Store, location: Location, clock: Clock
) -> None:
    """Only check-ins are waited after; the next code after ten seconds is an arrival."""
    member = add_member(store, location)
    use_pin(store, location, member.pin)
    use_pin(store, location, member.pin, way=OUT)
    clock.advance(seconds=10)
    assert use_pin(store, location, member.pin).direction is IN


def test_r14_ten_seconds_are_ten_seconds_across_a_clock_change(
    store: Store, location: Location, clock: Clock
) -> None:
    """In London 01:59:55 is followed by 01:00:05 on 25 October 2026, and back by 02:00 in March."""
    clock.now = at("2026-10-20 09:00")
    autumn = register(store, location, arrival="2026-10-25 12:00")
    clock.now = at("2026-10-25 00:59:55")
    use_pin(store, location, autumn.pin)
    clock.now = at("2026-10-25 01:00:04")
    assert use_pin(store, location, autumn.pin).repeated
    clock.now = at("2026-10-25 01:00:05")
    with pytest.raises(Refused, match="checked in 10 seconds ago"):
        use_pin(store, location, autumn.pin)
    clock.now = at("2027-03-27 09:00")
    spring = register(store, location, arrival="2027-03-28 12:00")
    clock.now = at("2027-03-28 00:59:55")
    use_pin(store, location, spring.pin)
    clock.now = at("2027-03-28 01:00:04")
    assert use_pin(store, location, spring.pin).repeated
    clock.now = at("2027-03-28 01:00:05")
    with pytest.raises(Refused, match="checked in 10 seconds ago"):
        use_pin(store, location, spring.pin)


def test_r14_pin_and_code_of_one_visit_are_one_person(
    sqlite_store: Store, sqlite_location: Location, clock: Clock
) -> None:
    """Who types the PIN and holds the mail under the scanner as well has come once."""
    visit = register(sqlite_store, sqlite_location)
    use_pin(sqlite_store, sqlite_location, visit.pin)
    clock.advance(seconds=3)
    assert use_qr(sqlite_store, qr_of(sqlite_store, visit)).repeated
    clock.advance(minutes=5)
    assert use_qr(sqlite_store, qr_of(sqlite_store, visit)).direction is OUT


def test_r8_what_a_keyboard_adds_to_a_pin_is_overlooked(
    sqlite_store: Store, sqlite_location: Location
) -> None:
    """As the guest's are; what is no PIN is told apart from nobody's."""
    register(sqlite_store, sqlite_location, pin="012345")
    assert use_pin(sqlite_store, sqlite_location, " 012-345 ").name == "Zoë Nguyễn"
    assert use_pin(sqlite_store, sqlite_location, "０１２\u202f–３４５").name == "Zoë Nguyễn"
    with pytest.raises(InvalidValue, match="this is not a PIN"):
        use_pin(sqlite_store, sqlite_location, "O12345")


DAYS = [
    # In London, a token of 60 minutes: the day, or until the window's end.
    ("Europe/London", "2026-11-21 14:00", "2026-11-21 00:00", "2026-11-22 00:00"),
    ("Europe/London", "2026-11-21 23:30", "2026-11-21 00:00", "2026-11-22 00:30"),
    # In Cairo the clocks went from 00:00 to 01:00 on Friday 30 April 2027: no midnight.
    ("Africa/Cairo", "2027-04-30 14:00", "2027-04-29 22:00", "2027-04-30 21:00"),
]
"""Zone, arrival, and from when to when check-in is open."""


@pytest.mark.parametrize(("zone", "arrival", "opens", "closes"), DAYS)
def test_r15_check_in_is_open_on_the_arrivals_day_and_while_the_window_is(
    store: Store, clock: Clock, zone: str, arrival: str, opens: str, closes: str
) -> None:
    """From the first existing instant of the day on, to the last one before the end."""
    location = add_location(store, "House", zone, "visitor-tokens=on")
    visit = register(store, location, arrival=arrival)
    clock.now = at(opens) - timedelta(microseconds=1)
    with pytest.raises(Refused, match=rf"visit {visit.id} is for \w+ \d+ \w+ \d+ ") as caught:
        use_pin(store, location, visit.pin)
    assert f"--visit {visit.id} --override" in caught.value.advice
    clock.now = at(opens)
    assert use_pin(store, location, visit.pin).direction is IN
    take_back(store, visit)
    clock.now = at(closes) - timedelta(microseconds=1)
    assert use_pin(store, location, visit.pin).direction is IN
    take_back(store, visit)
    clock.now = at(closes)
    over = f"visit {visit.id} was over at"
    with pytest.raises(Refused, match=over):
        use_pin(store, location, visit.pin)
    with pytest.raises(Refused, match=over):
        use_qr(store, qr_of(store, visit))
    with pytest.raises(Refused, match=over):
        by_hand(store, visit)


def test_r15_the_desk_can_let_in_all_the_same(
    store: Store, location: Location, clock: Clock
) -> None:
    """The day before, the day after, and once more on the day; the audit says who did."""
    visit = register(store, location, arrival="2026-11-21 14:00")
    for now in ("2026-11-20 09:00", "2026-11-21 09:00", "2026-11-22 09:00"):
        clock.now = at(now)
        assert by_hand(store, visit, override=True).direction is IN
        clock.advance(hours=1)
        assert by_hand(store, visit).direction is OUT
        clock.advance(hours=1)
        assert by_hand(store, visit, override=True).direction is IN
    with store.read() as work:
        overrides = select(func.count()).where(AuditRow.action == "override")
        assert work.session.scalar(overrides) == 6


def test_r15_an_override_lets_nobody_in_who_was_deleted(store: Store, location: Location) -> None:
    """There is no visit to be let in to."""
    visit = delete(store, register(store, location))
    with pytest.raises(Refused, match="was deleted"):
        by_hand(store, visit, override=True)


def test_each_pin_that_does_not_work_has_its_words(
    store: Store, location: Location, clock: Clock
) -> None:
    """At the desk it may be said; the advice is what helps."""
    annex = add_location(store, "Annex", "Europe/London")
    deleted = register(store, location)
    delete(store, deleted)
    old = register(store, location)
    new = reissue(store, old)
    elsewhere = register(store, annex)
    member = add_member(store, location)
    with store.write() as work:
        remove_member(work, member.id)
    over = register(store, location, pin="777777")
    clock.now = at("2026-11-21 00:00")
    for pin, words, advice in (
        (deleted.pin, f"visit {deleted.id} was deleted", "Register"),
        (old.pin, f"visit {old.id} was reissued as visit {new.id}", f"those of visit {new.id}"),
        (elsewhere.pin, "this PIN is nobody's at Harbour House", "nexio visitor list"),
        (member.pin, "this PIN is nobody's at Harbour House", "nexio visitor list"),
        (over.pin, f"visit {over.id} was over at Sat 21 Nov 2026 00:00 +00:00", "Register"),
    ):
        with pytest.raises(Refused) as caught:
            use_pin(store, location, pin)
        assert str(caught.value) == words
        assert advice in caught.value.advice
        assert pin not in f"{caught.value} {caught.value.advice}"


def test_a_pin_that_was_given_to_somebody_else_is_theirs(
    sqlite_store: Store, sqlite_location: Location, clock: Clock
) -> None:
    """Of two visits with one PIN, only the second is meant."""
    register(sqlite_store, sqlite_location, pin="777777")
    clock.advance(days=1)
    later = register(sqlite_store, sqlite_location, pin="777777", first_name="Ada")
    assert use_pin(sqlite_store, sqlite_location, "777777").id == later.id


def test_r7_after_its_token_was_revoked_a_pin_ends_with_the_day(
    store: Store, location: Location, clock: Clock
) -> None:
    """The visit goes on as it was: the desk is told how to let them in."""
    set_up(store, location, "token-duration=3d")
    visit = register(store, location)
    revoke(store, visit)
    assert use_pin(store, location, visit.pin).direction is IN
    clock.advance(days=1)
    with pytest.raises(Refused, match=f"the PIN of visit {visit.id} ended with its day") as caught:
        use_pin(store, location, visit.pin)
    assert f"nexio checkin --visit {visit.id}" in caught.value.advice
    assert by_hand(store, visit).direction is IN


def test_who_is_inside_can_always_leave_by_hand(
    store: Store, location: Location, clock: Clock
) -> None:
    """After the visit was deleted, and after it is over where the cut-off is later."""
    set_up(store, location, "cut-off=04:00")
    cancelled, late = register(store, location), register(store, location, first_name="Ada")
    for visit in (cancelled, late):
        use_pin(store, location, visit.pin)
    delete(store, cancelled)
    clock.now = at("2026-11-21 01:00")
    with pytest.raises(Refused, match=f"visit {late.id} was over") as caught:
        use_pin(store, location, late.pin)
    assert f"Check the visitor out with: nexio checkin --visit {late.id}" in caught.value.advice
    for visit in (cancelled, late):
        assert by_hand(store, visit).direction is OUT
    clock.advance(minutes=5)
    for visit in (cancelled, late):
        with pytest.raises(Refused):
            by_hand(store, visit)


def test_a_visit_that_is_not_there(store: Store, location: Location) -> None:
    """By a number that nobody has, or that no column holds."""
    for number in (0, 99, 2**40):
        with pytest.raises(NotFound, match=f"there is no visit {number}"), store.write() as work:
            tap_visit(work, number)


def test_undo_takes_the_last_tap_back(store: Store, location: Location, clock: Clock) -> None:
    """The check-out, then the check-in, then there is nothing left."""
    visit = register(store, location)
    with pytest.raises(Refused, match="has no check-in to take back"):
        take_back(store, visit)
    use_pin(store, location, visit.pin)
    clock.advance(hours=1)
    use_pin(store, location, visit.pin)
    undone = take_back(store, visit)
    assert (undone.direction, undone.at) == (OUT, clock.now)
    assert look_up(store, visit).state is VisitState.CHECKED_IN
    assert take_back(store, visit).direction is IN
    assert look_up(store, visit).state is VisitState.EXPECTED
    with pytest.raises(Refused, match="has no check-in to take back"):
        take_back(store, visit)
    assert use_pin(store, location, visit.pin).direction is IN


def test_undo_does_not_take_back_what_the_cut_off_did(
    store: Store, location: Location, clock: Clock
) -> None:
    """Nor anything of a visit that was deleted."""
    visit, gone = register(store, location), register(store, location)
    for each in (visit, gone):
        use_pin(store, location, each.pin)
    delete(store, gone)
    with pytest.raises(Refused, match=f"visit {gone.id} was deleted"):
        take_back(store, gone)
    clock.now = at("2026-11-21 00:00")
    with pytest.raises(Refused, match=f"visit {visit.id} has no check-in to take back"):
        take_back(store, visit)


@pytest.mark.parametrize("named", ["Ana Reyes", "ana REYES", "ANA@example.com"])
def test_the_host_is_told_of_the_first_arrival(
    store: Store, location: Location, clock: Clock, named: str
) -> None:
    """Once per visit, where the host is a member by name or e-mail."""
    add_member(store, location)
    visit = register(store, location, host=named)
    use_pin(store, location, visit.pin)
    assert mails(store, Template.VISITOR_ARRIVED) == [("visitor-arrived", visit.id, "queued")]
    run_sql(store, "UPDATE outbox SET state = 'sent', sent_at = created_at")
    clock.advance(minutes=5)
    use_pin(store, location, visit.pin)
    clock.advance(minutes=5)
    by_hand(store, visit, override=True)
    assert len(mails(store, Template.VISITOR_ARRIVED)) == 1


def test_the_host_is_not_told_of_an_arrival_that_was_a_mistake(
    store: Store, location: Location
) -> None:
    """Taken back, its mail does not go out; the real arrival is told of."""
    add_member(store, location)
    visit = register(store, location, host="Ana Reyes")
    use_pin(store, location, visit.pin)
    take_back(store, visit)
    assert mails(store, Template.VISITOR_ARRIVED) == []
    use_pin(store, location, visit.pin)
    assert len(mails(store, Template.VISITOR_ARRIVED)) == 1


def test_a_host_who_is_no_member_is_not_written_to(store: Store, location: Location) -> None:
    """Nor one of two of that name, nor one who was removed, nor a host of another location."""
    annex = add_location(store, "Annex", "Europe/London")
    add_member(store, annex, first_name="Eve")
    for email in ("ana1@example.com", "ana2@example.com"):
        add_member(store, location, email=email)
    gone = add_member(store, location, first_name="Bo", email="bo@example.com")
    with store.write() as work:
        remove_member(work, gone.id)
    for host in ("Somebody", "Ana Reyes", "Bo Reyes", "Eve Reyes", ""):
        visit = register(store, location, host=host)
        assert use_pin(store, location, visit.pin).direction is IN
    assert mails(store, Template.VISITOR_ARRIVED) == []
