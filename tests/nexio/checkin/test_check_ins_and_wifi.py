"""What a check-in and a check-out do to the Wi-Fi: R16, R17; decided by the RADIUS core."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial

import pytest
from sqlalchemy import select

from nexio.checkin.taps import Direction
from nexio.errors import Refused
from nexio.locations.locations import Location
from nexio.operations.housekeeping import tidy
from nexio.reception.tokens import Token, TokenState, revoke_all
from nexio.reception.visits import Visit, VisitState
from nexio.store.engine import Store
from nexio.store.tables import PinRow, VisitRow
from radius_auth.decision.decide import Accepted
from radius_auth.decision.reasons import Reason
from tests.support.clocks import FRIDAY_MORNING, Clock
from tests.support.people import look_up, register, revoke, set_up
from tests.support.reception import at, at_once, by_hand, reissue, take_back, use_pin, wifi

HOUR = timedelta(hours=1)


@pytest.fixture
def from_check_in(store: Store, location: Location) -> Location:
    """Harbour House, where the Wi-Fi starts with the check-in."""
    return set_up(store, location, "token-starts=check-in")


@pytest.fixture
def to_check_out(store: Store, location: Location) -> Location:
    """Harbour House, where a check-out ends the Wi-Fi."""
    return set_up(store, location, "end-wifi-at-checkout=on")


def token_of(store: Store, visit: Visit) -> Token:
    """The token of a visit as it is now."""
    token = look_up(store, visit).token
    assert token is not None
    return token


def ends(store: Store, visit: Visit) -> tuple[datetime, datetime | None]:
    """When the visit closes, and when its PIN is free."""
    with store.read() as work:
        pin = work.session.scalar(select(PinRow).where(PinRow.visit_id == visit.id))
        assert pin is not None
        return work.session.get_one(VisitRow, visit.id).closes_at, pin.free_at


def test_r16_the_first_check_in_opens_the_window(
    store: Store, from_check_in: Location, clock: Clock
) -> None:
    """Until then both ends are empty and RADIUS refuses; from then on the duration runs."""
    visit = register(store, from_check_in, arrival="14:00")
    token = token_of(store, visit)
    assert (token.valid_from, token.valid_until) == (None, None)
    assert token.state is TokenState.UPCOMING
    assert wifi(store, visit).reason is Reason.NOT_CHECKED_IN
    clock.now = at("2026-11-20 15:07:42.5")
    use_pin(store, from_check_in, visit.pin)
    opened = token_of(store, visit)
    assert opened.valid_from == at("2026-11-20 15:07:42")
    assert opened.valid_until == at("2026-11-20 16:07:42")
    decision = wifi(store, visit)
    assert isinstance(decision, Accepted)
    assert decision.session_timeout == 3599
    clock.now = at("2026-11-20 16:07:42")
    assert wifi(store, visit).reason is Reason.ENDED


def test_r16_undoing_the_check_in_closes_the_window(store: Store, from_check_in: Location) -> None:
    """It was a mistake: visit and PIN end with the day again, and the next one opens anew."""
    set_up(store, from_check_in, "token-duration=2d")
    visit = register(store, from_check_in)
    before = ends(store, visit)
    assert before == (at("2026-11-21 00:00"), at("2026-11-21 00:00"))
    use_pin(store, from_check_in, visit.pin)
    assert ends(store, visit) == (at("2026-11-22 08:30"), at("2026-11-22 08:30"))
    take_back(store, visit)
    assert ends(store, visit) == before
    assert token_of(store, visit).valid_from is None
    assert wifi(store, visit).reason is Reason.NOT_CHECKED_IN
    use_pin(store, from_check_in, visit.pin)
    assert isinstance(wifi(store, visit), Accepted)


def test_r16_only_the_first_check_in_counts(
    store: Store, from_check_in: Location, clock: Clock
) -> None:
    """A second one neither prolongs the window, nor closes it when it is taken back."""
    visit = register(store, from_check_in)
    use_pin(store, from_check_in, visit.pin)
    clock.advance(minutes=10)
    use_pin(store, from_check_in, visit.pin)
    clock.advance(minutes=10)
    by_hand(store, visit, override=True)
    assert token_of(store, visit).valid_until == FRIDAY_MORNING + HOUR
    take_back(store, visit)
    assert isinstance(wifi(store, visit), Accepted)


def test_r16_the_setting_is_copied_at_registration(store: Store, location: Location) -> None:
    """What is changed later is for visitors who are registered later."""
    before = register(store, location, email="ada@example.com")
    set_up(store, location, "token-starts=check-in")
    after = register(store, location)
    set_up(store, location, "token-starts=expected-arrival")
    assert isinstance(wifi(store, before), Accepted)
    assert wifi(store, after).reason is Reason.NOT_CHECKED_IN
    use_pin(store, location, before.pin)
    take_back(store, before)
    assert isinstance(wifi(store, before), Accepted)
    use_pin(store, location, after.pin)
    assert isinstance(wifi(store, after), Accepted)


def test_r16_a_revoked_token_is_not_opened(store: Store, from_check_in: Location) -> None:
    """The visitor checks in without Wi-Fi, and so does one without a token."""
    visit = register(store, from_check_in)
    revoke(store, visit)
    assert use_pin(store, from_check_in, visit.pin).direction is Direction.IN
    assert token_of(store, visit).valid_from is None
    assert wifi(store, visit).reason is Reason.REVOKED
    set_up(store, from_check_in, "visitor-tokens=off")
    without = register(store, from_check_in, email="ada@example.com")
    use_pin(store, from_check_in, without.pin)
    assert wifi(store, without).reason is Reason.NO_TOKEN


def bounds(store: Store, visit: Visit) -> tuple[datetime, datetime]:
    """From when to when a server is to know the visit."""
    with store.read() as work:
        row = work.session.get_one(VisitRow, visit.id)
        return row.opens_at, row.closes_at


def test_r15_let_in_days_before_the_visit_is_on_the_wifi_at_once(
    store: Store, from_check_in: Location, clock: Clock
) -> None:
    """The servers know it, though its day is further away than they look; an undo ends that."""
    visit = register(store, from_check_in, arrival="2026-12-01 09:00")
    before = bounds(store, visit)
    assert wifi(store, visit).reason is Reason.UNKNOWN_USER
    by_hand(store, visit, override=True)
    assert isinstance(wifi(store, visit), Accepted)
    take_back(store, visit)
    assert bounds(store, visit) == before
    assert token_of(store, visit).valid_from is None
    assert wifi(store, visit).reason is Reason.UNKNOWN_USER


def test_r15_let_in_early_the_pin_alone_checks_in_on_no_other_day(
    store: Store, from_check_in: Location, clock: Clock
) -> None:
    """The desk lets in once; the next day is not the visit's either, and its own day is."""
    visit = register(store, from_check_in, arrival="monday 9am")
    by_hand(store, visit, override=True)
    clock.advance(days=1)
    with pytest.raises(Refused, match=f"visit {visit.id} is for "):
        use_pin(store, from_check_in, visit.pin)
    clock.advance(days=2)
    assert use_pin(store, from_check_in, visit.pin).direction is Direction.IN


def test_r5_a_reissue_of_who_was_let_in_early_is_on_the_wifi_too(
    store: Store, from_check_in: Location
) -> None:
    """The new visit's days reach to today as well."""
    visit = register(store, from_check_in, arrival="2026-12-01 09:00")
    by_hand(store, visit, override=True)
    assert isinstance(wifi(store, reissue(store, visit)), Accepted)


@pytest.mark.parametrize("is_freed", [False, True])
def test_r7_let_in_after_the_visit_its_pin_is_nobody_elses(
    store: Store, from_check_in: Location, clock: Clock, *, is_freed: bool
) -> None:
    """Also where another registration has removed it meanwhile; an undo frees it again."""
    visit = register(store, from_check_in)
    before = bounds(store, visit)
    clock.advance(days=3)
    if is_freed:
        register(store, from_check_in)
    by_hand(store, visit, override=True)
    assert isinstance(wifi(store, visit), Accepted)
    until = at("2026-11-23 09:30")
    assert ends(store, visit) == (until, until)
    with pytest.raises(Refused, match="belongs to somebody else"):
        register(store, from_check_in, pin=visit.pin)
    assert use_pin(store, from_check_in, visit.pin, Direction.OUT).direction is Direction.OUT
    take_back(store, visit)
    take_back(store, visit)
    assert bounds(store, visit) == before
    assert token_of(store, visit).valid_from is None
    assert register(store, from_check_in, pin=visit.pin).pin == visit.pin


def test_r7_let_in_after_the_visit_not_with_somebody_elses_pin(
    store: Store, from_check_in: Location, clock: Clock
) -> None:
    """The desk is told what to do, and nothing has changed."""
    visit = register(store, from_check_in)
    before = bounds(store, visit)
    clock.advance(days=3)
    other = register(store, from_check_in, pin=visit.pin, email="ada@example.com")
    with pytest.raises(Refused, match="is somebody else's now") as caught:
        by_hand(store, visit, override=True)
    assert caught.value.advice == "Register the visitor again."
    assert visit.pin not in str(caught.value)
    assert bounds(store, visit) == before
    assert look_up(store, visit).state is VisitState.EXPIRED
    assert use_pin(store, from_check_in, other.pin).id == other.id


def test_r9_let_in_after_the_visit_not_with_a_pin_that_is_too_short(
    store: Store, from_check_in: Location, clock: Clock
) -> None:
    """The location has gone over to longer PINs that log in alone."""
    visit = register(store, from_check_in)
    clock.advance(days=3)
    set_up(store, from_check_in, "wifi-login=pin", "planned-guests=20", "pin-length=8")
    with pytest.raises(Refused, match="fewer digits than the 8 with which a PIN alone logs in"):
        by_hand(store, visit, override=True)


def test_r7_two_desks_one_lets_in_and_one_gives_the_pin_away(
    store: Store, from_check_in: Location, clock: Clock
) -> None:
    """Either the PIN is the old visit's again or the new one's, and neither waits for ever."""
    visits = [register(store, from_check_in) for _ in range(8)]
    clock.advance(days=3)
    for visit in visits:
        acts: list[Callable[[], object]] = [
            partial(by_hand, store, visit, override=True),
            partial(register, store, from_check_in, pin=visit.pin),
        ]
        got = at_once(*acts)
        assert sum(isinstance(each, Refused) for each in got) == 1, got


def test_r9_a_check_in_opens_no_more_windows_than_planned(
    store: Store, from_check_in: Location, clock: Clock
) -> None:
    """Where the PIN alone logs in; the next guest comes in when the first one's time is over."""
    set_up(store, from_check_in, "wifi-login=pin", "planned-guests=1")
    first, second = register(store, from_check_in), register(store, from_check_in)
    use_pin(store, from_check_in, first.pin)
    with pytest.raises(Refused, match="planned for 1 guests"):
        use_pin(store, from_check_in, second.pin)
    clock.advance(hours=1)
    assert use_pin(store, from_check_in, second.pin).direction is Direction.IN


def test_r17_off_by_default(store: Store, location: Location, clock: Clock) -> None:
    """Wi-Fi does not depend on check-in or check-out."""
    visit = register(store, location)
    assert isinstance(wifi(store, visit), Accepted)
    use_pin(store, location, visit.pin)
    clock.advance(minutes=5)
    use_pin(store, location, visit.pin)
    assert isinstance(wifi(store, visit), Accepted)


def test_r17_a_check_out_by_a_person_ends_the_wifi(
    store: Store, to_check_out: Location, clock: Clock
) -> None:
    """And taking it back restores it, for what is left of the window."""
    visit = register(store, to_check_out)
    use_pin(store, to_check_out, visit.pin)
    clock.advance(minutes=20)
    use_pin(store, to_check_out, visit.pin)
    assert token_of(store, visit).state is TokenState.REVOKED
    assert wifi(store, visit).reason is Reason.REVOKED
    take_back(store, visit)
    decision = wifi(store, visit)
    assert isinstance(decision, Accepted)
    assert decision.session_timeout == 40 * 60


def test_r17_the_automatic_check_out_ends_no_wifi(
    store: Store, to_check_out: Location, clock: Clock
) -> None:
    """Neither before housekeeping has written it down nor after."""
    set_up(store, to_check_out, "token-duration=3d")
    visit = register(store, to_check_out)
    use_pin(store, to_check_out, visit.pin)
    clock.advance(days=1)
    assert isinstance(wifi(store, visit), Accepted)
    assert tidy(store).cut_offs == 1
    assert isinstance(wifi(store, visit), Accepted)
    assert use_pin(store, to_check_out, visit.pin).direction is Direction.IN


def test_r17_undo_gives_nothing_back_that_somebody_else_took(
    store: Store, to_check_out: Location, clock: Clock
) -> None:
    """A token that was revoked before the check-out stays revoked."""
    visit = register(store, to_check_out)
    use_pin(store, to_check_out, visit.pin)
    revoke(store, visit)
    clock.advance(minutes=5)
    use_pin(store, to_check_out, visit.pin)
    take_back(store, visit)
    assert wifi(store, visit).reason is Reason.REVOKED


@pytest.mark.parametrize("for_all", [False, True])
def test_r17_undo_gives_nothing_back_that_was_revoked_since(
    store: Store, to_check_out: Location, clock: Clock, *, for_all: bool
) -> None:
    """R4: whoever revokes a token after the check-out means it."""
    visit = register(store, to_check_out)
    use_pin(store, to_check_out, visit.pin)
    clock.advance(minutes=5)
    use_pin(store, to_check_out, visit.pin)
    if for_all:
        with store.write() as work:
            revoke_all(work, to_check_out)
    else:
        revoke(store, visit)
    take_back(store, visit)
    assert wifi(store, visit).reason is Reason.REVOKED


def test_r7_a_check_out_does_not_free_the_pin(
    store: Store, to_check_out: Location, clock: Clock
) -> None:
    """Who is expected for three days comes in on the second with the same PIN, without Wi-Fi."""
    set_up(store, to_check_out, "token-duration=3d")
    visit = register(store, to_check_out)
    before = ends(store, visit)
    use_pin(store, to_check_out, visit.pin)
    clock.advance(minutes=5)
    use_pin(store, to_check_out, visit.pin)
    assert ends(store, visit) == before
    clock.advance(days=1)
    register(store, to_check_out)  # removes the PINs that are free
    assert use_pin(store, to_check_out, visit.pin).direction is Direction.IN
    assert wifi(store, visit).reason is Reason.REVOKED
