"""Reissuing visits: R5."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select

from nexio.checkin.taps import Direction
from nexio.errors import NotFound, Refused
from nexio.locations.locations import Location
from nexio.outbox.outbox import Template
from nexio.reception.registration import Repetition
from nexio.reception.registration import register as register_visitor
from nexio.reception.registration_texts import read_registration
from nexio.reception.reissue import list_without_token
from nexio.reception.tokens import TokenState
from nexio.reception.visits import Visit, VisitState
from nexio.store.engine import Store
from nexio.store.tables import PinRow, VisitRow
from radius_auth.decision.decide import Accepted
from radius_auth.decision.reasons import Reason
from tests.support.clocks import FRIDAY_MORNING, Clock
from tests.support.contents import contents
from tests.support.people import add_location, delete, look_up, register, revoke, set_up
from tests.support.reception import (
    add_member,
    at,
    by_hand,
    mails,
    reissue,
    seen,
    take_back,
    use_pin,
    wifi,
)
from tests.support.stores import row_counts

HOUR = timedelta(hours=1)


def without_token(store: Store, location: Location) -> list[str]:
    """The addresses before the @, as ``reissue --without-token`` has them."""
    with store.read() as work:
        return [visit.email.split("@")[0] for visit in list_without_token(work, location)]


def register_by(store: Store, location: Location, source: str) -> Visit:
    """A visit from a source: registered by Ana Reyes, or at the door."""
    host = add_member(store, location) if source == "customer" else None
    said = {"first_name": "Zoë", "last_name": "Nguyễn", "email": "zoe@example.com"}
    with store.write() as work:
        found = read_registration(said | {"source": source}, work.now, location, host)
        return register_visitor(work, location, found)


def test_r5_the_old_pin_is_refused_and_the_new_one_accepted(
    store: Store, location: Location
) -> None:
    """By the decision core, with the reason for the old one, and at the desk."""
    old = register(store, location)
    assert isinstance(wifi(store, old), Accepted)
    new = reissue(store, old)
    assert new.pin != old.pin
    assert isinstance(wifi(store, new), Accepted)
    refused = wifi(store, old)
    assert refused.reason is Reason.REPLACED
    with pytest.raises(Refused, match="was reissued as"):
        use_pin(store, location, old.pin)
    assert use_pin(store, location, new.pin).direction is Direction.IN


def test_r5_the_same_visit_anew(store: Store, location: Location) -> None:
    """All that is known of the visitor comes along; ``replaces`` links the two."""
    told = {"host": "Ana Reyes", "company": "Acme", "phone": "+44 20 7946 0000", "notes": "ramp"}
    old = register(store, location, arrival="14:00", **told)
    new = reissue(store, old)
    for field in ("name", "email", "host", "company", "phone", "notes", "source"):
        assert getattr(new, field) == getattr(old, field)
    assert (new.expected_arrival, new.location) == (old.expected_arrival, old.location)
    assert (new.replaces, new.state) == (old.id, VisitState.EXPECTED)
    assert new == look_up(store, new)
    gone = look_up(store, old)
    assert (gone.state, gone.replaces) == (VisitState.DELETED, None)
    assert gone.token is not None
    assert gone.token.state is TokenState.REVOKED


def test_r5_the_old_pin_is_free_at_once(store: Store, location: Location) -> None:
    """R7: for somebody else; and each PIN that was drawn is another one."""
    pins = [register(store, location, pin="482913")]
    for _ in range(10):
        pins.append(reissue(store, pins[-1]))
    assert len({visit.pin for visit in pins}) == 11
    with store.read() as work:
        assert work.session.scalars(select(PinRow.visit_id)).all() == [pins[-1].id]
    register(store, location, pin="482913")


def test_r5_the_token_is_by_the_settings_of_today(store: Store, location: Location) -> None:
    """None before and one now, a longer one, one that a check-in opens, and none again."""
    set_up(store, location, "visitor-tokens=off")
    visit = register(store, location)
    assert visit.token is None
    set_up(store, location, "visitor-tokens=on")
    visit = reissue(store, visit)
    assert visit.token is not None
    assert visit.token.valid_until == FRIDAY_MORNING + HOUR
    set_up(store, location, "token-duration=2d", "pin-length=8")
    visit = reissue(store, visit)
    assert visit.token is not None
    assert visit.token.valid_until == FRIDAY_MORNING + 48 * HOUR
    assert len(visit.pin) == 8
    set_up(store, location, "token-starts=check-in")
    visit = reissue(store, visit)
    assert visit.token is not None
    assert visit.token.valid_from is None
    set_up(store, location, "visitor-tokens=off")
    assert reissue(store, visit).token is None


@pytest.mark.parametrize("source", ["admin", "customer", "walk-in"])
def test_r5_r21_the_source_stays(store: Store, location: Location, source: str) -> None:
    """A walk-in gets a token by the setting for walk-ins, the others by theirs."""
    set_up(store, location, "visitor-tokens=off", "walk-in-tokens=off")
    old = register_by(store, location, source)
    setting = "walk-in-tokens=on" if source == "walk-in" else "visitor-tokens=on"
    set_up(store, location, setting)
    new = reissue(store, old)
    assert new.source == source
    assert new.token is not None
    with store.read() as work:
        rows = work.session.scalars(select(VisitRow).order_by(VisitRow.id))
        assert len({row.member_id for row in rows}) == 1


def test_r5_check_ins_come_along(store: Store, location: Location, clock: Clock) -> None:
    """Who is in the building stays in, and leaves with the new PIN; then it is over for today."""
    old = register(store, location)
    use_pin(store, location, old.pin)
    clock.advance(minutes=5)
    new = reissue(store, old)
    assert new.state is VisitState.CHECKED_IN
    assert seen(store, location, open_only=True) == ["in Zoë Nguyễn"]
    assert use_pin(store, location, new.pin).direction is Direction.OUT
    clock.advance(minutes=5)
    with pytest.raises(Refused, match="this visit has ended for today"):
        use_pin(store, location, new.pin)


def test_r5_r16_a_check_in_that_has_been_opens_the_new_window(
    store: Store, location: Location, clock: Clock
) -> None:
    """From the reissue on; taking the check-in back closes it."""
    set_up(store, location, "token-starts=check-in")
    old = register(store, location)
    use_pin(store, location, old.pin)
    clock.advance(hours=3)
    new = reissue(store, old)
    assert new.token is not None
    assert (new.token.valid_from, new.token.state) == (clock.now, TokenState.VALID)
    take_back(store, new)
    assert wifi(store, new).reason is Reason.NOT_CHECKED_IN


def test_r5_what_a_check_in_did_to_the_old_token_is_not_taken_back_from_the_new(
    store: Store, location: Location, clock: Clock
) -> None:
    """A window that the arrival opens is not closed; a token that the desk revoked not restored."""
    set_up(store, location, "token-starts=check-in", "end-wifi-at-checkout=on")
    old = register(store, location)
    use_pin(store, location, old.pin)
    clock.advance(minutes=5)
    use_pin(store, location, old.pin)
    set_up(store, location, "token-starts=expected-arrival")
    new = reissue(store, old)
    revoke(store, new)
    take_back(store, new)
    assert wifi(store, new).reason is Reason.REVOKED
    newest = reissue(store, new)
    take_back(store, newest)
    assert isinstance(wifi(store, newest), Accepted)


def test_r5_one_mail_and_no_cancellation(store: Store, location: Location) -> None:
    """The new one's registration; what still waits for the old one is not sent any more."""
    old = register(store, location)
    new = reissue(store, old)
    assert mails(store) == [("visitor-registered", new.id, "queued")]
    assert new.mail.value == "queued"


def test_r5_the_host_is_still_told_of_an_arrival(store: Store, location: Location) -> None:
    """A mail that waits goes on about the new visit; a second arrival is none."""
    add_member(store, location)
    old = register(store, location, host="Ana Reyes")
    use_pin(store, location, old.pin)
    new = reissue(store, old)
    assert mails(store, Template.VISITOR_ARRIVED) == [("visitor-arrived", new.id, "queued")]


def test_r5_r9_a_guest_does_not_count_twice(store: Store, location: Location) -> None:
    """With one guest planned for, that one can be reissued."""
    set_up(store, location, "wifi-login=pin", "planned-guests=1", "pin-length=6")
    old = register(store, location)
    new = reissue(store, old)
    assert isinstance(wifi(store, new), Accepted)
    with pytest.raises(Refused, match="planned for 1 guests"):
        register(store, location)


def test_r5_an_idempotency_key_comes_along(store: Store, location: Location) -> None:
    """A script that asks again is given the visit that counts."""
    with store.write() as work:
        said = {"first_name": "Zoë", "last_name": "Nguyễn", "email": "zoe@example.com"}
        found = read_registration(said, work.now, location)
        once = Repetition(key="order-7", words="Zoë")
        old = register_visitor(work, location, found, once)
    new = reissue(store, old)
    with store.write() as work:
        assert register_visitor(work, location, found, once).id == new.id


def test_r5_a_visit_that_is_over_is_refused(store: Store, location: Location, clock: Clock) -> None:
    """So is one that was deleted, one that was reissued before, and one that nobody knows."""
    over, deleted, old = (register(store, location) for _ in range(3))
    delete(store, deleted)
    new = reissue(store, old)
    before = contents(store)
    with pytest.raises(Refused, match=f"visit {deleted.id} was deleted"):
        reissue(store, deleted)
    with pytest.raises(Refused, match=f"visit {old.id} was reissued as visit {new.id}"):
        reissue(store, old)
    with pytest.raises(NotFound):
        reissue(store, replace(old, id=99))
    clock.now = at("2026-11-21 00:00")
    with pytest.raises(Refused, match=f"visit {over.id} was over at Sat 21 Nov") as caught:
        reissue(store, over)
    assert "Register" in caught.value.advice
    assert contents(store) == before


def test_r5_a_visit_that_would_be_over_at_once_is_refused(
    store: Store, location: Location, clock: Clock
) -> None:
    """Its day is not over, but by today's settings its Wi-Fi is, or the other way round."""
    visit = register(store, location)
    clock.advance(minutes=59, seconds=59)
    visit = reissue(store, visit)
    clock.advance(seconds=1)
    with pytest.raises(Refused, match=r"would be over at once: .* Fri 20 Nov 2026 09:30") as caught:
        reissue(store, visit)
    assert f"nexio visitor reschedule {visit.id}" in caught.value.advice
    set_up(store, location, "token-duration=3d")
    visit = reissue(store, visit)
    clock.advance(days=1)
    set_up(store, location, "visitor-tokens=off")
    with pytest.raises(Refused, match=r"would be over at once: .* Sat 21 Nov 2026 00:00"):
        reissue(store, visit)


def test_r5_who_needs_a_token(store: Store, location: Location, clock: Clock) -> None:
    """All visits to come, or under way, that have none and would get one; by arrival."""
    annex = add_location(store, "Annex", "Europe/London", "visitor-tokens=off")
    register(store, annex, email="elsewhere@example.com")
    register(store, location, email="has@example.com")
    location = set_up(store, location, "visitor-tokens=off")
    for email, arrival in (
        ("tomorrow", "tomorrow 9am"),
        ("now", "now"),
        ("early", "08:00"),
        ("in", "now"),
        ("cancelled", "now"),
    ):
        visit = register(store, location, email=f"{email}@example.com", arrival=arrival)
        if email == "cancelled":
            delete(store, visit)
        if email == "in":
            by_hand(store, visit)
    walk_in = {"source": "walk-in", "email": "door@example.com"}
    register(store, location, **walk_in)
    clock.advance(minutes=30)  # the hour of who came at 08:00 is over by now
    with pytest.raises(Refused, match="token generation is off at Harbour House") as caught:
        without_token(store, location)
    assert caught.value.advice == "Turn it on first: nexio token on --location 'Harbour House'"
    location = set_up(store, location, "visitor-tokens=on")
    assert without_token(store, location) == ["now", "in", "tomorrow"]
    location = set_up(store, location, "walk-in-tokens=on", "token-starts=check-in")
    assert without_token(store, location) == ["early", "now", "in", "door", "tomorrow"]


def test_r5_who_was_reissued_needs_none_any_more(store: Store, location: Location) -> None:
    """So that a second run does nobody twice."""
    location = set_up(store, location, "visitor-tokens=off")
    visits = [register(store, location, email=f"v{n}@example.com") for n in range(3)]
    location = set_up(store, location, "visitor-tokens=on")
    for visit in visits[:2]:
        reissue(store, visit)
    assert without_token(store, location) == ["v2"]
    reissue(store, visits[2])
    assert without_token(store, location) == []
    assert row_counts(store)["visit"] == 6
