"""Changing a registered visit: R2, R7, R9, R13, R16."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select

from nexio.errors import InvalidValue, NexioError, NotFound, Refused
from nexio.network.following import Horizon
from nexio.network.news import read_all
from nexio.reception.changing import edit_visit, extend_token, reschedule
from nexio.reception.tokens import TokenState
from nexio.reception.visits import VisitState
from nexio.store.tables import AuditRow, PinRow, VisitRow
from radius_auth.decision.decide import Request, decide
from radius_auth.decision.passwords import Pap
from radius_auth.decision.reasons import Reason
from radius_auth.guard import Guard
from radius_auth.replica.table import Table
from tests.support.contents import contents
from tests.support.people import delete, hold_pins, look_up, register, revoke, set_up
from tests.support.radius.guests import nas
from tests.support.stores import row_counts, run_sql

if TYPE_CHECKING:
    from nexio.locations.locations import Location
    from nexio.reception.visits import Visit
    from nexio.store.engine import Store
    from tests.support.clocks import Clock

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
FRIDAY, SATURDAY, SUNDAY, MONDAY = (datetime(2026, 11, day, tzinfo=UTC) for day in range(20, 24))
"""In London, too; it is half past eight on Friday at first."""


def move(store: Store, visit: Visit, to: datetime) -> Visit:
    """Reschedule a visit."""
    with store.write() as work:
        return reschedule(work, visit.id, to)


def extend(store: Store, visit: Visit, by: timedelta) -> Visit:
    """Extend its token."""
    with store.write() as work:
        return extend_token(work, visit.id, by)


def edit(store: Store, visit: Visit, **texts: str | None) -> Visit:
    """Correct what is known of the visitor."""
    with store.write() as work:
        return edit_visit(work, visit.id, texts)


def window(visit: Visit) -> tuple[datetime | None, datetime | None]:
    """Both ends of its token."""
    assert visit.token is not None
    return visit.token.valid_from, visit.token.valid_until


def times(store: Store, visit: Visit) -> dict[str, datetime]:
    """When check-in opens and closes, and when the PIN is free."""
    with store.read() as work:
        row = work.session.get_one(VisitRow, visit.id)
        free_at = work.session.scalar(select(PinRow.free_at).where(PinRow.visit_id == visit.id))
        assert free_at is not None
        return {"opens": row.opens_at, "closes": row.closes_at, "free": free_at}


def decision(store: Store, email: str, pin: str) -> Reason:
    """What a server at the location says to that e-mail and PIN at this moment."""
    with store.read() as work:
        table = Table(work.keyring)
        table.apply(read_all(work, Horizon()), Horizon(), work.now)
        password = Pap(pin.encode())
        asked = Request(nas=nas(), user_name=email.encode(), password=password)
        return decide(asked, table, Guard(), work.now).reason


def refusal(store: Store, act: Any, *arguments: Any, **texts: str) -> NexioError:
    """The error of a change that leaves everything as it was."""
    before = contents(store)
    with pytest.raises(NexioError) as caught:
        act(store, *arguments, **texts)
    assert contents(store) == before
    assert caught.value.advice
    return caught.value


def audited(store: Store, action: str) -> list[dict[str, Any]]:
    """The details of the audit rows about an action."""
    with store.read() as work:
        query = select(AuditRow.details).where(AuditRow.action == action)
        return list(work.session.scalars(query))


# Another time: R13


def test_the_window_moves_and_keeps_its_length(store: Store, location: Location) -> None:
    """R13: PIN and e-mail stay; check-in and PIN follow the new day."""
    visit = register(store, location, arrival="today 14:00")

    moved = move(store, visit, MONDAY + 10 * HOUR)

    assert moved.expected_arrival == MONDAY + 10 * HOUR
    assert window(moved) == (MONDAY + 10 * HOUR, MONDAY + 11 * HOUR)
    assert (moved.pin, moved.email, moved.id) == (visit.pin, visit.email, visit.id)
    end = MONDAY + timedelta(days=1)
    assert times(store, visit) == {"opens": MONDAY, "closes": end, "free": end}
    assert look_up(store, visit) == moved


def test_the_length_is_the_tokens_own(store: Store, location: Location) -> None:
    """R2, R13: neither the duration of today nor an extension is lost on the way."""
    visit = register(store, location, arrival="today 14:00")
    extend(store, visit, 30 * MINUTE)
    set_up(store, location, "token-duration=8h")

    moved = move(store, visit, SATURDAY + 9 * HOUR)

    assert window(moved) == (SATURDAY + 9 * HOUR, SATURDAY + 10.5 * HOUR)


def test_a_window_into_the_next_day_keeps_check_in_and_pin(
    store: Store, location: Location
) -> None:
    """R7, R15: until the window's end; moved back to noon, until the day's end again."""
    visit = register(store, location, arrival="today 14:00")
    move(store, visit, SATURDAY + 23.5 * HOUR)
    late = SUNDAY + HOUR / 2
    assert times(store, visit) == {"opens": SATURDAY, "closes": late, "free": late}
    move(store, visit, FRIDAY + 12 * HOUR)
    assert times(store, visit) == {"opens": FRIDAY, "closes": SATURDAY, "free": SATURDAY}


def test_a_moved_visit_gets_on_at_its_new_time_only(
    store: Store, location: Location, clock: Clock
) -> None:
    """R1, R13: the old hour is "not yet", and the new one is valid."""
    visit = register(store, location, arrival="now")
    assert decision(store, visit.email, visit.pin) is Reason.VALID
    move(store, visit, SATURDAY + 9 * HOUR)
    assert decision(store, visit.email, visit.pin) is Reason.NOT_YET
    clock.now = SATURDAY + 9 * HOUR
    assert decision(store, visit.email, visit.pin) is Reason.VALID
    clock.advance(hours=1)
    assert decision(store, visit.email, visit.pin) is Reason.ENDED


def test_a_moved_visit_without_a_token_has_none(store: Store, location: Location) -> None:
    """R3: tokens turned on later give nobody one."""
    set_up(store, location, "visitor-tokens=off")
    visit = register(store, location, arrival="today 14:00")
    set_up(store, location, "visitor-tokens=on")
    assert move(store, visit, SATURDAY + 9 * HOUR).token is None
    assert times(store, visit)["closes"] == SUNDAY


def test_a_revoked_token_stays_revoked(store: Store, location: Location) -> None:
    """R4, R13: its window moves along, and its PIN goes with the new day (R7)."""
    visit = register(store, location, arrival="today 14:00")
    revoke(store, visit)
    moved = move(store, visit, SATURDAY + 23.5 * HOUR)
    assert moved.token is not None
    assert moved.token.state is TokenState.REVOKED
    assert times(store, visit) == {"opens": SATURDAY, "closes": SUNDAY, "free": SUNDAY}
    assert decision(store, visit.email, visit.pin) is Reason.REVOKED


def test_a_window_that_is_still_open_may_be_moved_into_the_past(
    store: Store, location: Location
) -> None:
    """R20: who came early is entered when they came, while their window is open."""
    visit = register(store, location, arrival="today 14:00")
    moved = move(store, visit, FRIDAY + 8 * HOUR)
    assert window(moved) == (FRIDAY + 8 * HOUR, FRIDAY + 9 * HOUR)
    error = refusal(store, move, visit, FRIDAY + 7.5 * HOUR)
    assert isinstance(error, InvalidValue)
    assert "Fri 20 Nov 2026 07:30 +00:00 is over" in str(error)


def test_a_visit_without_a_token_does_not_move_into_a_day_that_is_over(
    store: Store, location: Location, clock: Clock
) -> None:
    """R20: just after midnight yesterday is over, although an hour from then would not be."""
    set_up(store, location, "visitor-tokens=off")
    visit = register(store, location, arrival="tomorrow 14:00")
    clock.now = SATURDAY + 10 * MINUTE
    error = refusal(store, move, visit, FRIDAY + 23.5 * HOUR)
    assert isinstance(error, InvalidValue)
    assert look_up(store, visit).state is VisitState.EXPECTED


def test_deleted_and_over_visits_are_not_moved(
    store: Store, location: Location, clock: Clock
) -> None:
    """R13: they are registered again; an unknown number is "not found"."""
    deleted = delete(store, register(store, location))
    assert "was deleted" in str(refusal(store, move, deleted, MONDAY))
    over = register(store, location, arrival="today 14:00")
    clock.now = SATURDAY
    assert "was over at Sat 21 Nov 2026 00:00 +00:00" in str(refusal(store, move, over, MONDAY))
    with pytest.raises(NotFound), store.write() as work:
        reschedule(work, 999, MONDAY)


def test_r9_planned_guests_count_at_the_new_time(store: Store, location: Location) -> None:
    """R9: moved into a full hour it is refused; its own old window is not in its way."""
    words = ("wifi-login=pin", "planned-guests=1", "pin-length=6")
    set_up(store, location, *words)
    first = register(store, location, arrival="today 14:00")
    second = register(store, location, arrival="today 16:00")
    assert "planned for 1 guests" in str(refusal(store, move, second, FRIDAY + 14.5 * HOUR))
    move(store, first, FRIDAY + 14.5 * HOUR)  # it overlaps nothing but itself
    move(store, second, FRIDAY + 15.5 * HOUR)


def test_r9_a_revoked_token_takes_no_place_when_it_moves(store: Store, location: Location) -> None:
    """R9: nobody gets on with it, so it may be moved into a full hour."""
    set_up(store, location, "wifi-login=pin", "planned-guests=1", "pin-length=6")
    register(store, location, arrival="today 14:00")
    second = register(store, location, arrival="today 16:00")
    revoke(store, second)
    assert move(store, second, FRIDAY + 14 * HOUR).expected_arrival == FRIDAY + 14 * HOUR


# More time: R2


def test_an_extended_token_ends_later(store: Store, location: Location) -> None:
    """R2: the explicit exception; arrival, beginning and PIN stay."""
    visit = register(store, location, arrival="today 14:00")
    after = extend(store, visit, 30 * MINUTE)
    assert window(after) == (FRIDAY + 14 * HOUR, FRIDAY + 15.5 * HOUR)
    assert (after.expected_arrival, after.pin) == (visit.expected_arrival, visit.pin)
    assert look_up(store, visit) == after


def test_an_extension_past_midnight_keeps_check_in_and_pin(
    store: Store, location: Location
) -> None:
    """R7, R15: until the window's new end."""
    visit = register(store, location, arrival="today 23:00")
    end = SATURDAY + 2 * HOUR
    extend(store, visit, 2 * HOUR)
    assert times(store, visit) == {"opens": FRIDAY, "closes": end, "free": end}


def test_who_is_off_gets_on_again(store: Store, location: Location, clock: Clock) -> None:
    """R2: an hour that ended five minutes ago, made one and a half."""
    visit = register(store, location)
    clock.advance(minutes=65)
    assert decision(store, visit.email, visit.pin) is Reason.ENDED
    extend(store, visit, 30 * MINUTE)
    assert decision(store, visit.email, visit.pin) is Reason.VALID


def test_an_extension_that_helps_nobody_is_refused(
    store: Store, location: Location, clock: Clock
) -> None:
    """R2: by too little, the window would be over all the same, also to the second."""
    visit = register(store, location)
    clock.advance(minutes=65)
    for minutes in (1, 5):
        error = refusal(store, extend, visit, minutes * MINUTE)
        assert isinstance(error, Refused)
        assert "would be over all the same" in str(error)
    assert extend(store, visit, 6 * MINUTE).token is not None


def test_a_token_lasts_for_thirty_days_at_most(store: Store, location: Location) -> None:
    """30 days exactly are allowed."""
    visit = register(store, location)
    rest = timedelta(days=30) - HOUR
    assert "30 days at most" in str(refusal(store, extend, visit, rest + MINUTE))
    begin, end = window(extend(store, visit, rest))
    assert begin is not None
    assert end is not None
    assert end - begin == timedelta(days=30)
    refusal(store, extend, visit, MINUTE)


def test_what_has_no_wifi_cannot_be_extended(
    store: Store, location: Location, clock: Clock
) -> None:
    """R3, R4, R13: no token, a revoked one, a deleted visit, one that is over."""
    visit = register(store, location)
    revoke(store, visit)
    assert "had its access token revoked" in str(refusal(store, extend, visit, HOUR))
    assert "was deleted" in str(refusal(store, extend, delete(store, visit), HOUR))
    set_up(store, location, "visitor-tokens=off")
    without = register(store, location)
    assert "has no access token" in str(refusal(store, extend, without, HOUR))
    clock.now = SATURDAY
    assert "was over" in str(refusal(store, extend, without, HOUR))


def test_r9_planned_guests_count_in_the_longer_window(store: Store, location: Location) -> None:
    """R9: into somebody else's hour it is refused, up to its beginning it is not (R1)."""
    set_up(store, location, "wifi-login=pin", "planned-guests=1", "pin-length=6")
    first = register(store, location, arrival="today 14:00")
    register(store, location, arrival="today 16:00")
    assert "planned for 1 guests" in str(refusal(store, extend, first, 61 * MINUTE))
    extend(store, first, HOUR)


# Editing


FIELDS = {
    "first_name": "Ada",
    "last_name": "Lovelace",
    "host": "Charles Babbage",
    "company": "Analytical Engines",
    "phone": "+44 20 7946 0000",
    "notes": "Brings punched cards",
}


@pytest.mark.parametrize("field", FIELDS)
def test_each_field_is_changed_alone(
    field: str, sqlite_store: Store, sqlite_location: Location
) -> None:
    """The others, the PIN and the window stay."""
    visit = register(sqlite_store, sqlite_location, host="Bo", company="Co", phone="1", notes="No")
    after = edit(sqlite_store, visit, **{field: f" {FIELDS[field]} "})
    assert getattr(after, field) == FIELDS[field]
    for name in [*FIELDS, "email", "pin", "token", "expected_arrival", "state"]:
        assert name == field or getattr(after, name) == getattr(visit, name)
    assert look_up(sqlite_store, visit) == after


def test_all_fields_at_once_and_none_of_what_is_left_out(store: Store, location: Location) -> None:
    """None leaves a field as it is."""
    visit = register(store, location, host="Bo")
    after = edit(store, visit, **(FIELDS | {"host": None, "email": None}))
    assert after.host == "Bo"
    assert (after.name, after.notes) == ("Ada Lovelace", FIELDS["notes"])


@pytest.mark.parametrize("field", ["host", "company", "phone", "notes"])
def test_an_optional_field_is_emptied(
    field: str, sqlite_store: Store, sqlite_location: Location
) -> None:
    """By an empty text, or blanks."""
    visit = register(sqlite_store, sqlite_location, **{field: "something"})
    assert getattr(edit(sqlite_store, visit, **{field: "  "}), field) is None


@pytest.mark.parametrize(
    ("field", "text"),
    [
        ("first_name", "<b>"),
        ("last_name", "R2D2"),
        ("email", ""),
        ("email", "zoe"),
        ("host", "a\x07"),
    ],
)
def test_what_is_not_allowed_changes_nothing(
    field: str, text: str, sqlite_store: Store, sqlite_location: Location
) -> None:
    """Nor the fields that are allowed."""
    visit = register(sqlite_store, sqlite_location)
    error = refusal(sqlite_store, edit, visit, notes="new", **{field: text})
    assert isinstance(error, InvalidValue)
    assert look_up(sqlite_store, visit) == visit


def test_nothing_to_change_is_an_error(store: Store, location: Location) -> None:
    """It is said before the visit is looked for."""
    visit = register(store, location)
    assert "nothing to change" in str(refusal(store, edit, visit))


def test_deleted_and_over_visits_are_not_edited(
    store: Store, location: Location, clock: Clock
) -> None:
    """They are history."""
    visit, other = register(store, location), register(store, location)
    assert "was deleted" in str(refusal(store, edit, delete(store, visit), notes="x"))
    clock.now = SATURDAY
    assert "was over" in str(refusal(store, edit, other, notes="x"))


def test_another_e_mail_means_another_pin(store: Store, location: Location) -> None:
    """The old PIN is refused at once, under either address."""
    visit = register(store, location)
    after = edit(store, visit, email="ada@example.com")

    assert after.email == "ada@example.com"
    assert after.pin != visit.pin
    assert window(after) == window(visit)
    assert decision(store, "ada@example.com", after.pin) is Reason.VALID
    assert decision(store, "ada@example.com", visit.pin) is Reason.WRONG_PIN
    assert decision(store, visit.email, visit.pin) is Reason.UNKNOWN_USER
    assert decision(store, visit.email, after.pin) is Reason.UNKNOWN_USER


def test_the_old_pin_is_free_at_once(store: Store, location: Location) -> None:
    """R7: for somebody else; the new one is not, and lives as long as the old one would have."""
    visit = register(store, location)
    before = times(store, visit)
    after = edit(store, visit, email="ada@example.com")
    assert register(store, location, email="bo@example.com", pin=visit.pin).pin == visit.pin
    with pytest.raises(Refused):
        register(store, location, email="cy@example.com", pin=after.pin)
    assert times(store, visit) == before


@pytest.mark.parametrize("address", ["ZOE@Example.com", " zoe@example.com ", "Zoe@EXAMPLE.COM"])
def test_the_same_e_mail_in_another_case_keeps_the_pin(
    address: str, sqlite_store: Store, sqlite_location: Location
) -> None:
    """R8: upper and lower case are one address; it is written as it was typed."""
    visit = register(sqlite_store, sqlite_location)
    after = edit(sqlite_store, visit, email=address)
    assert after.pin == visit.pin
    assert after.email.lower() == visit.email
    assert decision(sqlite_store, visit.email, visit.pin) is Reason.VALID


def test_no_pin_to_be_had_changes_nothing(sqlite_store: Store, sqlite_location: Location) -> None:
    """R7: with more than half of all PINs live a changed e-mail is refused, too."""
    visit = register(sqlite_store, sqlite_location)
    set_up(sqlite_store, sqlite_location, "pin-length=5", insecure_short_pin=True)
    hold_pins(sqlite_store, sqlite_location, 1, 50_001)
    visit = look_up(sqlite_store, visit)
    before = row_counts(sqlite_store)
    with pytest.raises(Refused, match="50001 of the 100000 PINs"):
        edit(sqlite_store, visit, email="ada@example.com")
    assert row_counts(sqlite_store) == before
    assert look_up(sqlite_store, visit) == visit
    assert decision(sqlite_store, visit.email, visit.pin) is Reason.VALID


# A window that the check-in opens: R16


@pytest.fixture
def from_check_in(store: Store, location: Location) -> Location:
    """A location whose tokens start with the check-in; no command sets that yet."""
    run_sql(store, "UPDATE location SET token_starts = 'check-in'")
    return location


def test_r16_before_the_check_in_both_ends_are_empty(store: Store, from_check_in: Location) -> None:
    """R16: the state is upcoming, the Wi-Fi refused with a reason of its own."""
    visit = register(store, from_check_in)
    assert window(visit) == (None, None)
    assert visit.token is not None
    assert visit.token.state is TokenState.UPCOMING
    assert decision(store, visit.email, visit.pin) is Reason.NOT_CHECKED_IN
    assert decision(store, visit.email, "000000") is Reason.WRONG_PIN
    assert times(store, visit) == {"opens": FRIDAY, "closes": SATURDAY, "free": SATURDAY}


def test_r16_moved_or_extended_it_stays_empty(store: Store, from_check_in: Location) -> None:
    """R16: what counts from the check-in is the duration, which an extension makes longer."""
    visit = register(store, from_check_in)
    assert window(extend(store, visit, HOUR)) == (None, None)
    assert window(move(store, visit, SATURDAY + 9 * HOUR)) == (None, None)
    assert times(store, visit)["closes"] == SUNDAY
    with store.read() as work:
        row = work.session.get_one(VisitRow, visit.id)
        assert row.token is not None
        assert row.token.duration == 2 * HOUR


def test_r16_it_can_be_revoked(store: Store, from_check_in: Location) -> None:
    """R4, R16: before anybody checked in."""
    visit = register(store, from_check_in)
    revoke(store, visit)
    assert decision(store, visit.email, visit.pin) is Reason.REVOKED


def test_r16_what_opens_the_window_is_copied_at_registration(
    store: Store, from_check_in: Location
) -> None:
    """R16: a later setting changes later visits only."""
    visit = register(store, from_check_in)
    run_sql(store, "UPDATE location SET token_starts = 'expected-arrival'")
    assert window(look_up(store, visit)) == (None, None)
    other = register(store, from_check_in, email="ada@example.com")
    assert window(other)[0] == other.expected_arrival


# The audit


def test_the_audit_has_times_and_no_personal_values(store: Store, location: Location) -> None:
    """Before and after of windows; of personal fields which changed."""
    visit = register(store, location, arrival="today 14:00", host="Bo Peep")
    move(store, visit, MONDAY)
    extend(store, visit, 30 * MINUTE)
    after = edit(store, visit, email="ada@example.com", host="", last_name="Lovelace")

    assert audited(store, "reschedule") == [
        {"before": "2026-11-20T14:00:00+00:00", "after": "2026-11-23T00:00:00+00:00"}
    ]
    assert audited(store, "extend") == [{"seconds": 1800}]
    assert audited(store, "edit") == [{"changed": ["email", "host", "last_name"]}]
    with store.read() as work:
        rows = work.session.scalars(select(AuditRow))
        written = str([[row.details, row.action, row.subject] for row in rows])
    for value in (visit.pin, after.pin, "example.com", "Lovelace", "Nguyễn", "Bo Peep"):
        assert value not in written
