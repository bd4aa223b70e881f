"""An end or a duration that is named at the registration becomes the token's: R2."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from nexio.errors import InvalidValue, NexioError, Refused
from nexio.locations.locations import Location
from nexio.reception.changing import extend_token_until, reschedule
from nexio.reception.registration import Repetition
from nexio.reception.registration import register as register_visitor
from nexio.reception.registration_texts import read_registration
from nexio.reception.visits import Visit
from nexio.store.engine import Store
from tests.support.clocks import Clock
from tests.support.contents import contents
from tests.support.people import look_up, register, revoke, set_up
from tests.support.reception import at, by_hand, mails, reissue

# Now is Friday, 20 November 2026, 08:30 in London; tokens last for 60 minutes.


def window(visit: Visit) -> tuple[datetime | None, datetime | None]:
    """Of the token."""
    assert visit.token is not None
    return visit.token.valid_from, visit.token.valid_until


def until(store: Store, visit: Visit, text: str) -> Visit:
    """Extend a token to an end."""
    with store.write() as work:
        return extend_token_until(work, visit.id, text)


def move(store: Store, visit: Visit, arrival: str, end: str | None = None) -> Visit:
    """Move a visit, also to another end."""
    with store.write() as work:
        return reschedule(work, visit.id, at(arrival), None if end is None else at(end))


NAMED = [
    ({"arrival": "tomorrow 9:30-10:30"}, ("2026-11-21 09:30", "2026-11-21 10:30")),
    ({"arrival": "9:00-12:00"}, ("2026-11-20 09:00", "2026-11-20 12:00")),
    ({"arrival": "9am-11"}, ("2026-11-20 09:00", "2026-11-20 11:00")),
    ({"arrival": "8:00-8:45"}, ("2026-11-20 08:00", "2026-11-20 08:45")),
    ({"arrival": "mon 9:00 - wed 17:00"}, ("2026-11-23 09:00", "2026-11-25 17:00")),
    ({"arrival": "9:00", "until": "friday 18:00"}, ("2026-11-20 09:00", "2026-11-20 18:00")),
    ({"arrival": "mon 9:00", "until": "fri 18:00"}, ("2026-11-23 09:00", "2026-11-27 18:00")),
    ({"arrival": "mon 9:00", "until": "18:00"}, ("2026-11-23 09:00", "2026-11-23 18:00")),
    ({"until": "19:00"}, ("2026-11-20 08:30", "2026-11-20 19:00")),
    ({"arrival": "9:00", "duration": "3d"}, ("2026-11-20 09:00", "2026-11-23 09:00")),
    ({"arrival": "9:00", "duration": "1m"}, ("2026-11-20 09:00", "2026-11-20 09:01")),
    ({"arrival": "9:00", "duration": "30d"}, ("2026-11-20 09:00", "2026-12-20 09:00")),
]


@pytest.mark.parametrize(("said", "ends"), NAMED)
def test_what_is_named_becomes_the_tokens(
    sqlite_store: Store, sqlite_location: Location, said: dict[str, str], ends: tuple[str, str]
) -> None:
    """R2: and not the default; the setting of others stays."""
    assert window(register(sqlite_store, sqlite_location, **said)) == tuple(map(at, ends))
    other = register(sqlite_store, sqlite_location, arrival="9:00", email="other@example.com")
    assert window(other) == (at("2026-11-20 09:00"), at("2026-11-20 10:00"))


def test_r2_a_named_length_counts_whatever_the_setting_becomes(
    store: Store, location: Location
) -> None:
    """Changed before or after."""
    set_up(store, location, "token-duration=8h")
    visit = register(store, location, arrival="9:00-9:30")
    assert window(visit) == (at("2026-11-20 09:00"), at("2026-11-20 09:30"))


def test_r15_the_pin_lasts_as_long_as_the_wifi(
    store: Store, location: Location, clock: Clock
) -> None:
    """R7, R15: days after the arrival it checks in."""
    visit = register(store, location, arrival="9:00", until="mon 18:00")
    clock.now = at("2026-11-23 17:59")
    assert by_hand(store, visit).direction == "in"


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"arrival": "9:00-10:00", "until": "11:00"}, "given twice"),
        ({"arrival": "9:00-10:00", "duration": "1h"}, "given twice"),
        ({"until": "11:00", "duration": "1h"}, "given twice"),
        ({"arrival": "9:00", "until": "8:00"}, "is not after the start"),
        ({"arrival": "9:00", "until": "9:00"}, "is not after the start"),
        ({"arrival": "10:00-9:00"}, "is not after the start"),
        ({"arrival": "9:00", "until": "21 dec 9:00"}, "more than 30 days"),
        ({"duration": "31d"}, "too long"),
        ({"duration": "0m"}, "too short"),
        ({"duration": "8"}, "has no unit"),
        ({"duration": ""}, "is empty"),
        ({"until": ""}, "is empty"),
        ({"arrival": "7:00-8:00"}, "is over"),
        ({"arrival": "7:00-8:30"}, "is over"),
    ],
)
def test_contradictions_are_errors(
    sqlite_store: Store, sqlite_location: Location, said: dict[str, str], words: str
) -> None:
    """Exit 2, what to do, and nothing is written."""
    before = contents(sqlite_store)
    with pytest.raises(InvalidValue, match=words) as caught:
        register(sqlite_store, sqlite_location, **said)
    assert caught.value.advice
    assert contents(sqlite_store) == before


@pytest.mark.parametrize(
    "said", [{"arrival": "9:00-10:00"}, {"until": "19:00"}, {"duration": "2h"}]
)
@pytest.mark.parametrize(
    ("source", "command"),
    [("admin", "nexio token on"), ("walk-in", "nexio settings set walk-in-tokens=on")],
)
def test_no_wifi_that_could_end(
    sqlite_store: Store, sqlite_location: Location, said: dict[str, str], source: str, command: str
) -> None:
    """R3, R21: exit 4, and the command that changes it."""
    set_up(sqlite_store, sqlite_location, "visitor-tokens=off")
    with pytest.raises(Refused, match="get no Wi-Fi") as caught:
        register(sqlite_store, sqlite_location, source=source, **said)
    assert command in caught.value.advice


def test_r16_an_end_that_is_not_known(store: Store, location: Location) -> None:
    """Where the check-in starts the Wi-Fi, a length can be named and an end cannot."""
    set_up(store, location, "token-starts=check-in")
    for said in ({"arrival": "9:00-10:00"}, {"until": "19:00"}):
        with pytest.raises(Refused, match="starts with the check-in") as caught:
            register(store, location, **said)
        assert "--duration" in caught.value.advice
    visit = register(store, location, duration="3h")
    with pytest.raises(Refused, match="starts with the check-in"):
        until(store, visit, "19:00")
    with pytest.raises(Refused, match="starts with the check-in"):
        move(store, visit, "2026-11-20 09:00", "2026-11-20 10:00")
    by_hand(store, visit)
    assert window(look_up(store, visit)) == (at("2026-11-20 08:30"), at("2026-11-20 11:30"))


def test_r5_a_reissue_gives_what_was_named(store: Store, location: Location) -> None:
    """By whatever settings; what was not named is by those of today."""
    named = register(store, location, arrival="9:00", duration="3d")
    other = register(store, location, arrival="9:00", email="other@example.com")
    set_up(store, location, "token-duration=8h")
    assert window(reissue(store, named)) == (at("2026-11-20 09:00"), at("2026-11-23 09:00"))
    assert window(reissue(store, other)) == (at("2026-11-20 09:00"), at("2026-11-20 17:00"))


def test_r5_a_reissue_without_tokens(store: Store, location: Location) -> None:
    """R3: none is given any more; nor is the reissue refused."""
    named = register(store, location, arrival="9:00", duration="3d")
    set_up(store, location, "visitor-tokens=off")
    assert reissue(store, named).token is None


def test_r5_an_old_visit_with_a_long_named_duration_is_not_over(
    store: Store, location: Location, clock: Clock
) -> None:
    """It would not end by the default of today."""
    named = register(store, location, arrival="9:00", duration="3d")
    clock.now = at("2026-11-22 12:00")
    assert window(reissue(store, named)) == (at("2026-11-20 09:00"), at("2026-11-23 09:00"))


def test_r13_a_move_keeps_the_length_or_names_another(store: Store, location: Location) -> None:
    """A reissue gives what was named last."""
    visit = register(store, location, arrival="9:00-12:00")
    moved = move(store, visit, "2026-11-23 10:00")
    assert window(moved) == (at("2026-11-23 10:00"), at("2026-11-23 13:00"))
    moved = move(store, visit, "2026-11-23 10:00", "2026-11-24 10:00")
    assert window(moved) == (at("2026-11-23 10:00"), at("2026-11-24 10:00"))
    assert window(reissue(store, visit)) == (at("2026-11-23 10:00"), at("2026-11-24 10:00"))


def test_r13_another_end_is_news(store: Store, location: Location) -> None:
    """The visitor gets a mail about it although the arrival is the same; not if all is."""
    visit = register(store, location, arrival="9:00-12:00")
    move(store, visit, "2026-11-20 09:00", "2026-11-20 12:00")
    assert [name for name, *_ in mails(store)] == ["visitor-registered"]
    move(store, visit, "2026-11-20 09:00", "2026-11-20 13:00")
    assert [name for name, *_ in mails(store)] == ["visitor-registered", "visitor-updated"]


def test_r13_a_move_to_an_end_of_no_wifi(store: Store, location: Location) -> None:
    """Exit 4 with the way to get some; nothing moved."""
    revoked = register(store, location, arrival="9:00")
    revoke(store, revoked)
    set_up(store, location, "visitor-tokens=off")
    without = register(store, location, arrival="9:00", email="other@example.com")
    before = contents(store)
    for visit in (revoked, without):
        with pytest.raises(Refused, match="access token") as caught:
            move(store, visit, "2026-11-23 10:00", "2026-11-23 11:00")
        assert "nexio token on, then: nexio visitor reissue" in caught.value.advice
    assert contents(store) == before


@pytest.mark.parametrize(
    ("text", "end"),
    [
        ("19:00", "2026-11-20 19:00"),
        ("friday 18:00", "2026-11-20 18:00"),
        ("tomorrow 9:00", "2026-11-21 09:00"),
        ("2026-11-22T10:00+01:00", "2026-11-22 09:00"),
    ],
)
def test_r2_extended_until(
    sqlite_store: Store, sqlite_location: Location, text: str, end: str
) -> None:
    """To an end as people say it."""
    visit = register(sqlite_store, sqlite_location, arrival="9:00")
    assert window(until(sqlite_store, visit, text)) == (at("2026-11-20 09:00"), at(end))


def test_r2_extended_on_a_later_day(store: Store, location: Location, clock: Clock) -> None:
    """A time alone is today, although the Wi-Fi began before."""
    visit = register(store, location, arrival="9:00", duration="3d")
    clock.now = at("2026-11-22 12:00")
    with pytest.raises(Refused, match="until Mon 23 Nov 2026 09:00"):
        until(store, visit, "19:00")
    clock.now = at("2026-11-23 08:00")
    assert window(until(store, visit, "19:00"))[1] == at("2026-11-23 19:00")


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("10:00", Refused),
        ("9:30", Refused),
        ("8:00", InvalidValue),
        ("21 dec 9:00", InvalidValue),
        ("", InvalidValue),
        ("soon", InvalidValue),
    ],
)
def test_r2_an_end_that_extends_nothing(
    sqlite_store: Store, sqlite_location: Location, text: str, error: type[NexioError]
) -> None:
    """Nothing is changed, and there is something to do."""
    visit = register(sqlite_store, sqlite_location, arrival="9:00")
    before = contents(sqlite_store)
    with pytest.raises(error) as caught:
        until(sqlite_store, visit, text)
    assert caught.value.advice
    assert contents(sqlite_store) == before


def test_r9_a_named_end_counts_for_the_planned_guests(store: Store, location: Location) -> None:
    """Another guest who would be there at the same time is refused."""
    set_up(
        store, location, "wifi-login=pin", "planned-guests=1", "pin-length=8", "visitor-tokens=on"
    )
    register(store, location, arrival="9:00", until="18:00")
    with pytest.raises(Refused, match="planned for 1 guests"):
        register(store, location, arrival="17:00", email="other@example.com")
    register(store, location, arrival="18:00", email="other@example.com")


def test_the_same_key_a_month_later(store: Store, location: Location, clock: Clock) -> None:
    """A script that asks again, by the same words, gets the same visit."""
    said = {"first_name": "Zoë", "last_name": "N", "email": "zoe@example.com"}
    said |= {"expected_arrival": "2026-11-20 09:00", "until": "19:00"}
    once = Repetition(key="order-7", words="Zoë at nine")

    def ask() -> Visit:
        with store.write() as work:
            found = read_registration(said, work.now, location)
            return register_visitor(work, location, found, once)

    visit = ask()
    clock.advance(days=40)
    again = ask()
    assert (again.id, window(again)) == (visit.id, window(visit))
    assert window(visit)[1] == at("2026-11-20 09:00") + timedelta(hours=10)
