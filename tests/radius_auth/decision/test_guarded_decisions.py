"""Decisions with a guard: what is a guess, and what is said of it."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nexio.keys.keyring import Keyring
from radius_auth.decision.candidates import find_candidate, reserve_guess
from radius_auth.decision.decide import (
    Accepted,
    Decision,
    Rejected,
    choose_visit,
    decide,
    decide_again,
    read_claim,
)
from radius_auth.decision.passwords import Chap, Pap
from radius_auth.decision.reasons import MAY_CATCH_UP, Reason
from radius_auth.guard import Guard
from radius_auth.guard.desk import waits
from radius_auth.replica.table import Table
from tests.support.radius.guesses import MINUTE
from tests.support.radius.guests import (
    ANNEX,
    EMAIL,
    HOUR,
    HOUSE,
    NINE,
    PIN,
    SECOND,
    chap,
    nas,
    pap,
    request,
    table_of,
    visit,
    with_settings,
)

MAC = b"02-00-00-00-00-01"
BY_PIN = with_settings(HOUSE, wifi_login="pin", planned_guests=1)
TOMORROW: dict[str, Any] = {"valid_from": NINE + 24 * HOUR, "valid_until": NINE + 25 * HOUR}


class Desk:
    """Decisions with one guard, half past nine; each question comes ten seconds after the last."""

    def __init__(self, table: Table | None = None) -> None:
        self.guard = Guard()
        self.table = table_of(visit()) if table is None else table
        self.now = NINE + 30 * MINUTE

    def ask(self, pin: str | Chap, user_name: str = EMAIL, **changes: Any) -> Decision:
        """Log in from a device."""
        self.now += 10 * SECOND
        password = pap(pin) if isinstance(pin, str) else pin
        asked = request(password, user_name, **({"calling_station": MAC} | changes))
        return decide(asked, self.table, self.guard, self.now)

    def exhaust(self, user_name: str = EMAIL) -> None:
        """Type six wrong PINs."""
        for n in range(6):
            assert self.ask(f"11111{n}", user_name).reason is Reason.WRONG_PIN

    def left(self, number: int = 1) -> int:
        """Guesses that are left at a visit."""
        target = self.guard.visits().get(number)
        return 8 if target is None else round(target.bucket.level(self.now.timestamp()))


# What is a guess


def test_what_is_refused_looks_like_what_is_wrong() -> None:
    """R11: a reject without a visit, so without words; the right PIN is refused, too."""
    desk = Desk()
    desk.exhaust()

    assert desk.ask("222222") == Rejected(reason=Reason.GUARDED)
    assert desk.ask(PIN) == Rejected(reason=Reason.GUARDED)
    assert Reason.GUARDED not in MAY_CATCH_UP


def test_a_short_pause_has_words_of_its_own() -> None:
    """The log says lock and pause apart; the repeats do not renew the pause."""
    desk = Desk()
    said = []
    for _ in range(20):
        desk.now -= timedelta(seconds=9.7)
        said.append(desk.ask("111111").reason)
    assert Counter(said) == {Reason.WRONG_PIN: 17, Reason.TOO_SOON: 3}
    assert said[:5] == [Reason.WRONG_PIN, *[Reason.TOO_SOON] * 3, Reason.WRONG_PIN]
    desk.now -= 10 * SECOND
    desk.ask("222222")
    desk.now -= 10 * SECOND
    right = request(None, calling_station=MAC)
    paused = Rejected(reason=Reason.TOO_SOON)
    assert desk.ask(PIN) == reserve_guess(right, 1, desk.table, desk.guard, desk.now) == paused
    assert Reason.TOO_SOON not in MAY_CATCH_UP


def test_chap_is_guarded_as_well() -> None:
    """Must 15: a wrong response is a guess."""
    desk = Desk()
    for n in range(6):
        assert desk.ask(chap(f"11111{n}")).reason is Reason.WRONG_PIN

    assert desk.ask(chap()).reason is Reason.GUARDED


def test_the_same_wrong_password_again_is_no_guess() -> None:
    """However it is written; a phone may go on."""
    desk = Desk()
    for typed in ["111111", "111-111", " 111111"] * 50:
        assert desk.ask(typed).reason is Reason.WRONG_PIN
    assert desk.left() == 7
    assert isinstance(desk.ask(PIN), Accepted)


@pytest.mark.parametrize("typed", ["", "1234", "12345678901", "48291a", "password"])
def test_what_can_be_no_pin_is_no_guess(typed: str) -> None:
    """It hits nothing, whatever else it is."""
    desk = Desk()
    for n in range(50):
        assert desk.ask(f"{typed}{'x' * n}" if n else typed).reason is Reason.WRONG_PIN
    assert desk.left() == 8


def test_a_former_pin_is_no_guess() -> None:
    """R5, R11: it has a reason of its own, as often as it is sent."""
    desk = Desk(table_of(visit(1, replaced=True, deleted_at=NINE), visit(2, pin="555555")))
    for _ in range(50):
        assert desk.ask(PIN).reason is Reason.REPLACED

    assert isinstance(desk.ask("555555"), Accepted)
    assert (desk.left(1), desk.left(2)) == (8, 8)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"service_type": 10}, Reason.MAC_AUTHENTICATION),
        ({"user_name": MAC}, Reason.MAC_AUTHENTICATION),
        ({"nas_port_type": 5, "calling_station": None}, Reason.UNSUPPORTED_SERVICE),
        ({"contradictory": True}, Reason.CONTRADICTORY),
        ({"password": None}, Reason.UNSUPPORTED_METHOD),
        ({"nas": None}, Reason.NO_LOCATION),
    ],
)
def test_what_is_no_login_is_no_guess(changes: dict[str, Any], reason: Reason) -> None:
    """R22: nor does the guard stand in its way."""
    desk = Desk()
    for n in range(50):
        asked = request(pap(f"1111{n}"), calling_station=MAC)
        asked = asked._replace(**changes)
        assert decide(asked, desk.table, desk.guard, desk.now).reason is reason

    assert len(desk.guard) == 0


# Which visits count


@pytest.mark.parametrize(
    ("changes", "counts"),
    [
        ({}, True),
        ({"revoked_at": NINE}, True),
        ({"deleted_at": NINE, "revoked_at": NINE}, True),
        ({"token_id": None, "valid_from": None, "valid_until": None}, True),
        ({"valid_from": NINE + 9 * HOUR, "valid_until": NINE + 10 * HOUR}, True),
        ({"valid_from": NINE - 8 * HOUR, "valid_until": NINE - 7 * HOUR}, True),
        ({"valid_from": NINE - 48 * HOUR, "valid_until": NINE - HOUR}, True),
        (TOMORROW, False),
        ({"valid_from": NINE - 48 * HOUR, "valid_until": NINE - 24 * HOUR}, False),
        ({"location": 2}, False),
    ],
)
def test_what_would_be_confirmed_counts(changes: dict[str, Any], counts: bool) -> None:
    """R11, R19: by an accept or in words; of the others the right PIN is an ordinary reject."""
    desk = Desk(table_of(visit(**changes)))
    right = desk.ask(PIN)
    desk.ask("111111")

    assert isinstance(right, Accepted) or right.is_explained is counts
    assert desk.left() == (7 if counts else 8)


def test_a_silent_visit_costs_what_a_wrong_pin_costs() -> None:
    """R11: the right PIN of tomorrow is a wrong guess at the visit of today."""
    desk = Desk(table_of(visit(1), visit(2, pin="555555", **TOMORROW)))
    asked = desk.ask("555555")

    assert isinstance(asked, Rejected)
    assert (asked.reason, asked.is_explained, desk.left()) == (Reason.NOT_YET, False, 7)


def test_until_two_hours_after_midnight() -> None:
    """R11: a window that ended at 23:30 is told of until 01:30."""
    late: dict[str, Any] = {"valid_from": NINE + 14 * HOUR, "valid_until": NINE + 14.5 * HOUR}
    for hours, told in [(14.9, True), (16.4, True), (16.6, False)]:
        desk = Desk(table_of(visit(**late)))
        desk.now = NINE + hours * HOUR
        answer = desk.ask(PIN)
        assert isinstance(answer, Rejected)
        assert answer.is_explained is told


def test_with_roaming_every_location_counts() -> None:
    """R19: and a PIN of another location that is not admitted costs a guess at ours."""
    table = table_of(visit(1), visit(2, location=2, pin="555555"))
    desk = Desk(table)
    assert desk.ask("555555").reason is Reason.WRONG_LOCATION
    assert (desk.left(1), desk.left(2)) == (7, 8)
    table.locations[1] = with_settings(HOUSE, roaming=True)
    assert isinstance(desk.ask("555555"), Accepted)
    desk.ask("111111")
    assert (desk.left(1), desk.left(2)) == (6, 7)


def test_a_guess_at_several_visits_is_compared_with_those_that_have_some_left() -> None:
    """R10: the right PIN of one that has none left is refused with the others."""
    desk = Desk(table_of(visit(1), visit(2, pin="555555", location=2)))
    desk.exhaust()
    desk.table.put([visit(2, pin="555555")])

    assert desk.ask(PIN).reason is Reason.WRONG_PIN
    assert isinstance(desk.ask("555555"), Accepted)


# Where the PIN alone logs in


def test_where_the_pin_alone_logs_in() -> None:
    """R9: a guess is a PIN that fits nobody, whatever the User-Name; it may hit any visit."""
    desk = Desk(table_of(visit(1), visit(2, pin="555555"), locations=[BY_PIN, ANNEX]))
    assert desk.ask("111111", "name").reason is Reason.WRONG_PIN
    before = desk.guard.locations()[1].bucket.level(desk.now.timestamp())
    assert desk.ask("11111111", "name").reason is Reason.WRONG_PIN

    assert desk.guard.locations()[1].cost == pytest.approx(2e-6)  # none has eight digits
    assert desk.guard.locations()[1].bucket.level(desk.now.timestamp()) >= before
    assert isinstance(desk.ask(PIN, "another"), Accepted)
    desk.table.put([visit(3, pin="22222222")])
    desk.ask("33333333")
    assert desk.guard.locations()[1].cost == pytest.approx(1e-8)


def test_a_visit_of_tomorrow_makes_no_guess_dearer() -> None:
    """R9, R11: what would not be confirmed cannot be hit."""
    desk = Desk(table_of(visit(1), visit(2, pin="555555", **TOMORROW), locations=[BY_PIN, ANNEX]))
    desk.ask("111111")
    assert desk.guard.locations()[1].cost == pytest.approx(1e-6)


# The late look, and FreeRADIUS


def look_again(desk: Desk, asked: Any, rejected: Decision) -> Decision:
    """A second later."""
    assert isinstance(rejected, Rejected)
    later = desk.now + 1.1 * SECOND
    return decide_again(asked, rejected, desk.table, desk.guard, desk.now, later)


def test_a_late_look_lets_in_who_was_registered_meanwhile() -> None:
    """And takes nothing."""
    desk = Desk(table_of())
    asked = request(pap(), calling_station=MAC)
    rejected = decide(asked, desk.table, desk.guard, desk.now)
    desk.table.put([visit()])

    assert isinstance(look_again(desk, asked, rejected), Accepted)
    assert desk.left() == 8


@pytest.mark.parametrize("typed", [pap("111111"), chap("111111")])
def test_a_late_look_counts_nothing_twice(typed: Any) -> None:
    """At what the PIN was compared with before; at a new visit it is a guess."""
    desk = Desk()
    asked = request(typed, calling_station=MAC)
    rejected = decide(asked, desk.table, desk.guard, desk.now)
    desk.table.put([visit(2, pin="555555")])

    assert look_again(desk, asked, rejected) == rejected
    assert (desk.left(1), desk.left(2)) == (7, 7)


def test_a_late_look_where_the_pin_alone_logs_in() -> None:
    """R9: the guess that was counted does not stand in the way."""
    desk = Desk(table_of(visit(5, pin="555555"), locations=[BY_PIN, ANNEX]))
    asked = request(pap(), calling_station=MAC)
    rejected = decide(asked, desk.table, desk.guard, desk.now)
    desk.table.put([visit()])

    assert isinstance(look_again(desk, asked, rejected), Accepted)


def test_in_two_halves() -> None:
    """FreeRADIUS verifies between them; what is not given back was wrong."""
    desk = Desk()
    asked = request(None, calling_station=MAC)
    for n in range(4):
        number = reserve_guess(asked, 1, desk.table, desk.guard, desk.now + n * MINUTE)
        assert isinstance(number, int)
    desk.now += 5 * MINUTE

    for _ in range(9):  # right each time
        found = find_candidate(asked, desk.table, desk.now)
        assert not isinstance(found, Rejected)
        number = reserve_guess(asked, found.id, desk.table, desk.guard, desk.now)
        assert isinstance(number, int)
        assert isinstance(choose_visit(asked, [found], desk.table, desk.now), Accepted)
        desk.guard.give_back(number, found.id, desk.now)
    assert desk.left() == 8


def test_in_two_halves_one_visit_is_guessed_at() -> None:
    """R10: FreeRADIUS compares with the candidate alone."""
    desk = Desk(table_of(visit(1), visit(2, pin="555555")))
    asked = request(None, calling_station=MAC)
    reserve_guess(asked, 2, desk.table, desk.guard, desk.now)
    assert (desk.left(1), desk.left(2)) == (8, 7)
    desk.exhaust()
    refused = reserve_guess(asked, 2, desk.table, desk.guard, desk.now)
    assert refused == Rejected(reason=Reason.GUARDED)


def test_in_two_halves_nobody_costs_nothing() -> None:
    """An unknown e-mail, or a visit whose PIN would not be confirmed."""
    desk = Desk(table_of(visit(**TOMORROW)))
    for n in range(50):
        email = EMAIL if n % 2 else f"{n}@example.com"
        asked = request(None, email, calling_station=MAC)
        assert isinstance(find_candidate(asked, desk.table, desk.now), Rejected)
        assert isinstance(reserve_guess(asked, 0, desk.table, desk.guard, desk.now), int)
    assert desk.guard.visits() == {}


def test_nobody_is_compared_with_somebody() -> None:
    """R11: the time of an answer does not tell whether an e-mail is known."""
    compared: list[int] = []

    class Watched(Keyring):
        def digest(self, location_id: int, pin: str) -> bytes:
            compared.append(location_id)
            return Keyring.digest(self, location_id, pin)

    table = table_of(visit())
    table.keyring = Watched(keys=table.keyring.keys, active=table.keyring.active)
    for email in (EMAIL, "nobody@example.com"):
        assert not isinstance(
            decide(request(Pap(b"111111"), email), table, Guard(), NINE), Accepted
        )
    assert compared == [1, table.nobody.location_id]
    assert not Pap(b"no PIN").matches(table.nobody, table.keyring)
    assert nas().require_message_authenticator


@given(
    user_name=st.binary(max_size=64) | st.just(EMAIL.encode()),
    typed=st.binary(max_size=64) | st.from_regex(rb"[0-9]{5,10}", fullmatch=True),
    station=st.none() | st.binary(max_size=32) | st.just(MAC),
    by_chap=st.booleans(),
    by_pin=st.booleans(),
)
def test_nothing_makes_it_raise(
    user_name: bytes, typed: bytes, station: bytes | None, by_chap: bool, by_pin: bool
) -> None:
    """Any octets; the same ones again and again, until they are refused or not."""
    guard = Guard()
    table = table_of(visit(), locations=[BY_PIN if by_pin else HOUSE, ANNEX])
    response = Chap(ident=1, response=typed[:16].ljust(16, b"\0"), challenge=typed)
    asked = request(response if by_chap else Pap(typed), calling_station=station)
    asked = asked._replace(user_name=user_name)
    for n in range(12):
        now = NINE + n * SECOND
        rejected = decide(asked, table, guard, now)
        if isinstance(rejected, Rejected):
            decide_again(asked, rejected, table, guard, now, now + SECOND)
        number = reserve_guess(asked, 1, table, guard, now)
        if isinstance(number, int):
            guard.give_back(number, 1, now)
    assert waits(guard, NINE) is not None
    assert len(guard) < 30


def test_no_pin_is_in_the_repr_of_a_claim() -> None:
    """Must 20: where the PIN alone logs in, it is what the visits are looked up by."""
    table = table_of(visit(), locations=(BY_PIN,))

    for asked in (request(pap()), request(pap(), PIN), request(chap(), PIN)):
        claim = read_claim(asked, asked.password, table, NINE)
        assert not isinstance(claim, Reason)
        assert claim.pin == PIN
        assert PIN not in repr(claim)
