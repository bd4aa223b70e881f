"""Registering a visitor: R1, R2, R3, R9, R15, R20, R21."""

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from nexio.errors import InvalidValue, Refused
from nexio.locations.locations import Location
from nexio.reception.registration import Repetition, register
from nexio.reception.registration_texts import Registration, read_registration
from nexio.reception.tokens import TokenState
from nexio.reception.visits import Visit, VisitState
from nexio.store.engine import Store
from nexio.store.tables import LocationRow, PinRow, VisitRow
from tests.support import people
from tests.support.clocks import Clock
from tests.support.stores import row_counts

ZOE: dict[str, Any] = {"first_name": "Zoë", "last_name": "Nguyễn", "email": "zoe@example.com"}


def at(text: str) -> datetime:
    """An instant in UTC: "2026-11-20 09:00"."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def row_of(store: Store, visit: Visit) -> VisitRow:
    """What the store holds of a visit."""
    with store.read() as work:
        return work.session.get_one(VisitRow, visit.id)


def free_at(store: Store, visit: Visit) -> datetime | None:
    """When the PIN of a visit may be drawn again."""
    with store.read() as work:
        return work.session.scalars(select(PinRow.free_at).where(PinRow.visit_id == visit.id)).one()


def test_a_registered_visitor_is_read_back(store: Store, location: Location) -> None:
    """Everything that was said, and what follows from it."""
    with store.write() as work:
        texts = ZOE | {
            "expected_arrival": "14:00",
            "host": " Ana Reyes ",
            "company": "Acme",
            "phone": "+44 20 7946 0000",
            "notes": "needs a ramp",
            "pin": "012 345",
        }
        visit = register(work, location, read_registration(texts, work.now, location))
    assert people.look_up(store, visit) == visit
    assert visit.name == "Zoë Nguyễn"
    assert (visit.host, visit.company, visit.phone) == ("Ana Reyes", "Acme", "+44 20 7946 0000")
    assert (visit.email, visit.notes) == ("zoe@example.com", "needs a ramp")
    assert (visit.pin, visit.source, visit.replaces) == ("012345", "admin", None)
    assert visit.expected_arrival == at("2026-11-20 14:00")
    assert visit.state is VisitState.EXPECTED
    assert visit.location == location
    assert "012345" not in repr(visit)


def test_what_is_not_said_is_empty_and_the_arrival_is_now(sqlite_location: Location) -> None:
    """R1: "now" is rounded down to the minute."""
    now = at("2026-11-20 08:30:59")
    found = read_registration(ZOE | {"host": " "}, now, sqlite_location)
    assert found == Registration(**ZOE, expected_arrival=at("2026-11-20 08:30"))


@pytest.mark.parametrize(
    ("field", "text"),
    [
        ("first_name", "<b>"),
        ("last_name", "Agent 7"),
        ("email", "zoe"),
        ("expected_arrival", "10/11/2026"),
        ("expected_arrival", ""),
        ("pin", ""),
        ("host", "x" * 101),
        ("company", "a\nb"),
        ("phone", "\x1b"),
        ("notes", "x" * 1001),
        ("pin", "secret"),
    ],
)
def test_what_cannot_be_read_is_an_error(
    sqlite_location: Location, clock: Clock, field: str, text: str
) -> None:
    """Each field by its own rule."""
    with pytest.raises(InvalidValue):
        read_registration(ZOE | {field: text}, clock.now, sqlite_location)


def test_a_registration_does_not_show_its_pin(sqlite_location: Location, clock: Clock) -> None:
    """A repr ends up in reports."""
    said = read_registration(ZOE | {"pin": "123456"}, clock.now, sqlite_location)
    assert "123456" not in repr(said)


def test_r1_the_window_is_half_open_and_starts_at_a_whole_minute(
    store: Store, location: Location, clock: Clock
) -> None:
    """Expected 09:00, 60 minutes: 09:00:00 in, 09:59:59 in, 10:00:00 out."""
    visit = people.register(store, location, arrival="09:00")
    states = []
    for now in ("08:59:59", "09:00:00", "09:59:59", "10:00:00"):
        clock.now = at(f"2026-11-20 {now}")
        token = people.look_up(store, visit).token
        states.append(token and token.state)
    assert states == [TokenState.UPCOMING, TokenState.VALID, TokenState.VALID, TokenState.EXPIRED]
    clock.now = at("2026-11-20 11:07:42")
    token = people.register(store, location).token
    assert token is not None
    assert token.valid_from == at("2026-11-20 11:07")
    assert token.valid_until == at("2026-11-20 12:07")


def test_r2_the_duration_is_copied(store: Store, location: Location) -> None:
    """A new setting is for tokens that are issued later."""
    before = people.register(store, location)
    people.set_up(store, location, "token-duration=1d")
    after = people.register(store, location)
    for visit, duration in ((before, timedelta(hours=1)), (after, timedelta(days=1))):
        token = people.look_up(store, visit).token
        assert token is not None
        assert token.valid_until == visit.expected_arrival + duration


def test_r3_while_it_is_off_there_is_a_pin_and_no_token(store: Store, location: Location) -> None:
    """Turning it on later gives nobody a token."""
    people.set_up(store, location, "visitor-tokens=off")
    visit = people.register(store, location)
    assert visit.token is None
    assert len(visit.pin) == 6
    people.set_up(store, location, "visitor-tokens=on")
    assert people.look_up(store, visit).token is None
    assert people.register(store, location).token is not None


SOURCES = [
    ("admin", True, False, True),
    ("admin", False, True, False),
    ("walk-in", True, False, False),
    ("walk-in", False, True, True),
    ("walk-in", True, True, True),
]
"""Source, ``visitor-tokens``, ``walk-in-tokens``, and whether there is a token."""


def test_r21_a_walk_in_gets_a_token_by_a_setting_of_its_own(
    store: Store, location: Location
) -> None:
    """``visitor-tokens`` is for those who are pre-registered."""
    for source, pre_registered, walk_ins, token in SOURCES:
        with store.write() as work:
            row = work.session.get_one(LocationRow, location.id)
            row.visitor_tokens, row.walk_in_tokens = pre_registered, walk_ins
            said = replace(read_registration(ZOE, work.now, location), source=source)
            visit = register(work, location, said, Repetition(again=True))
        assert visit.source == source
        assert (visit.token is not None) is token


def test_r20_a_past_arrival_is_allowed_while_its_window_is_open(
    store: Store, location: Location
) -> None:
    """It is 08:30 and a token lasts 60 minutes."""
    for arrival in ("08:30", "07:31"):
        token = people.register(store, location, arrival=arrival).token
        assert token is not None
        assert token.state is TokenState.VALID
    before = row_counts(store)
    for arrival in ("07:30", "06:00", "2026-11-19 23:00"):
        with pytest.raises(InvalidValue, match=r"the expected arrival .* is over") as caught:
            people.register(store, location, arrival=arrival)
        assert "now" in caught.value.advice
        tomorrow = re.findall(r'"(Sat 21 Nov 2026 0[67]:[03]0 .00:00)"', caught.value.advice)
        assert len(tomorrow) == (0 if arrival.startswith("2026") else 1)
    assert row_counts(store) == before


DAYS = [
    ("2026-11-20 14:00", "60m", "2026-11-20 00:00", "2026-11-21 00:00"),
    ("2026-11-20 23:30", "60m", "2026-11-20 00:00", "2026-11-21 00:30"),
    ("2026-11-20 23:00", "60m", "2026-11-20 00:00", "2026-11-21 00:00"),
    ("2026-11-20 14:00", "3d", "2026-11-20 00:00", "2026-11-23 14:00"),
    # British Summer Time: the day in London is from 23:00 UTC to 23:00 UTC,
    ("2027-06-01 14:00", "60m", "2027-05-31 23:00", "2027-06-01 23:00"),
    ("2027-06-01 23:30", "60m", "2027-05-31 23:00", "2027-06-01 23:30"),
    # and it begins and ends with days of 23 and 25 hours.
    ("2027-03-28 14:00", "60m", "2027-03-28 00:00", "2027-03-28 23:00"),
    ("2027-10-31 14:00", "60m", "2027-10-30 23:00", "2027-11-01 00:00"),
]
"""Arrival, duration, and from when to when check-in is open then."""


def test_r15_check_in_is_open_on_the_local_day_and_while_the_window_is(
    store: Store, location: Location
) -> None:
    """R7: the PIN lives as long."""
    for arrival, duration, opens, closes in DAYS:
        people.set_up(store, location, f"token-duration={duration}")
        visit = people.register(store, location, arrival=arrival)
        row = row_of(store, visit)
        assert (row.opens_at, row.closes_at) == (at(opens), at(closes)), arrival
        assert free_at(store, visit) == at(closes), arrival


def test_r15_without_a_token_the_day_alone_counts(store: Store, location: Location) -> None:
    """A visit without a token has no window that could outlast the day."""
    people.set_up(store, location, "visitor-tokens=off", "token-duration=3d")
    visit = people.register(store, location, arrival="14:00")
    assert row_of(store, visit).closes_at == free_at(store, visit) == at("2026-11-21 00:00")


def test_after_an_error_nothing_is_half_written(store: Store, location: Location) -> None:
    """Every change is one transaction, with its audit and its batch."""
    people.register(store, location, pin="123456")
    before = row_counts(store)
    errors: list[tuple[dict[str, str], type[Exception]]] = [
        ({"pin": "123456"}, Refused),
        ({"pin": "secret"}, InvalidValue),
        ({"arrival": "06:00"}, InvalidValue),
        ({"email": "nobody"}, InvalidValue),
    ]
    for texts, error in errors:
        with pytest.raises(error):
            people.register(store, location, **texts)
        assert row_counts(store) == before


def test_a_failure_after_the_registration_undoes_it(store: Store, location: Location) -> None:
    """Whatever fails in the same transaction."""
    before = row_counts(store)
    said = read_registration(ZOE, at("2026-11-20 08:30"), location)

    def register_and_fail() -> None:
        with store.write() as work:
            register(work, location, said)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        register_and_fail()
    assert row_counts(store) == before


def test_r9_no_more_tokens_at_one_time_than_planned_guests(
    store: Store, location: Location
) -> None:
    """Two guests from 10:00 to 11:00 are planned for; windows are half-open (R1)."""
    people.set_up(store, location, "wifi-login=pin", "planned-guests=2", "pin-length=7")
    for _ in range(2):
        people.register(store, location, arrival="10:00")
    before = row_counts(store)
    for arrival in ("09:01", "09:59", "10:00", "10:59"):
        with pytest.raises(Refused, match="Harbour House is planned for 2 guests") as caught:
            people.register(store, location, arrival=arrival)
        assert "planned-guests" in caught.value.advice
    assert row_counts(store) == before
    for arrival in ("09:00", "11:00"):
        assert people.register(store, location, arrival=arrival).token is not None


def test_r9_guests_who_follow_each_other_are_no_crowd(store: Store, location: Location) -> None:
    """What counts is the fullest moment of the window, not everybody who is in it."""
    people.set_up(store, location, "wifi-login=pin", "planned-guests=2", "pin-length=7")
    for arrival in ("10:00", "11:00", "12:00"):
        people.register(store, location, arrival=arrival)
    people.set_up(store, location, "token-duration=3h")
    people.register(store, location, arrival="10:00")
    with pytest.raises(Refused):
        people.register(store, location, arrival="12:59")
    people.register(store, location, arrival="13:00")


def test_r9_a_revoked_token_makes_room(store: Store, location: Location) -> None:
    """So does another location's; and login by e-mail has no such limit."""
    annex = people.add_location(store, "Annex", "Europe/London", "visitor-tokens=on")
    pin_login = ("wifi-login=pin", "planned-guests=1", "pin-length=6")
    people.set_up(store, annex, *pin_login)
    people.register(store, annex)
    people.set_up(store, location, *pin_login)
    visit = people.register(store, location)
    with pytest.raises(Refused):
        people.register(store, location)
    people.revoke(store, visit)
    people.register(store, location)
    people.set_up(store, location, "wifi-login=email")
    people.register(store, location)
