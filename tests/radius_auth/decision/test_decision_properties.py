"""What holds of every decision, for any visits, settings and times."""

import hashlib
from datetime import datetime, timedelta
from typing import Any

from hypothesis import assume, given
from hypothesis import strategies as st

from nexio.input.pins import normalize_pin
from nexio.network.following import FollowedVisit
from nexio.reception.visits import PIN_PURPOSE
from radius_auth.decision.decide import Accepted, Request, decide, remaining
from radius_auth.decision.passwords import Chap, Pap
from radius_auth.guard import Guard
from radius_auth.replica.table import Table
from tests.support.radius.guests import (
    ANNEX,
    HOUSE,
    KEYRING,
    NINE,
    SECOND,
    nas,
    table_of,
    visit,
    with_settings,
)

EMAILS = ["zoe@example.com", "jo@example.com"]
PINS = ["482913", "004711", "00471100"]
SECONDS = st.integers(-7200, 7200) | st.sampled_from([-1, 0, 1, 3599, 3600, 3601])

moments = st.builds(
    lambda seconds, micros: NINE + seconds * SECOND + timedelta(microseconds=micros),
    SECONDS,
    st.sampled_from([0, 1, 500_000, 999_999]),
)
maybe_moments = st.none() | moments


@st.composite
def visits(draw: st.DrawFn) -> list[FollowedVisit]:
    """Up to six visits; PINs and e-mails are often the same."""
    return [draw(visits_numbered(number)) for number in range(1, draw(st.integers(0, 6)) + 1)]


@st.composite
def visits_numbered(draw: st.DrawFn, number: int) -> FollowedVisit:
    """One visit, in order or not."""
    start = draw(maybe_moments)
    length = draw(st.integers(1, 7200)) * SECOND
    changes: dict[str, Any] = {
        "valid_from": start,
        "valid_until": None if start is None else start + length,
        "token_id": draw(st.sampled_from([100, 100, None])),
        "deleted_at": draw(st.none() | st.none() | moments),
        "revoked_at": draw(st.none() | st.none() | moments),
        "replaced": draw(st.sampled_from([False, False, True])),
    }
    return visit(
        number,
        email=draw(st.sampled_from(EMAILS)),
        pin=draw(st.sampled_from(PINS)),
        location=draw(st.integers(1, 2)),
        **changes,
    )


@st.composite
def tables(draw: st.DrawFn) -> Table:
    """Visits, and settings of the location that is asked."""
    house = with_settings(
        HOUSE, wifi_login=draw(st.sampled_from(["email", "pin"])), roaming=draw(st.booleans())
    )
    return table_of(*draw(visits()), locations=(house, ANNEX))


@st.composite
def passwords(draw: st.DrawFn) -> Pap | Chap:
    """Mostly somebody's PIN."""
    typed = draw(st.sampled_from(PINS) | st.binary(max_size=12).map(bytes.hex))
    if draw(st.booleans()):
        return Pap(typed.encode())
    response = hashlib.md5(b"\x01" + typed.encode() + b"challenge").digest()
    return Chap(ident=1, response=response, challenge=b"challenge")


user_names = st.sampled_from([*EMAILS, *PINS, ""])


@st.composite
def requests(draw: st.DrawFn) -> Request:
    """A guest, often with the right e-mail and PIN."""
    return Request(
        nas=nas(),
        user_name=draw(user_names).encode(),
        password=draw(passwords()),
        service_type=draw(st.sampled_from([None, None, 2, 6, 10])),
    )


def all_visits(table: Table) -> list[FollowedVisit]:
    """Every visit of the table."""
    return [held for email in EMAILS for held in table.visits_of(email)]


def is_pin(password: object, held: FollowedVisit) -> bool:
    """Whether the digits typed are the visit's PIN, by the PIN itself and not its digest."""
    pin = KEYRING.unseal(held.pin_sealed, PIN_PURPOSE)
    if isinstance(password, Pap):
        return normalize_pin(password.typed) == pin
    assert isinstance(password, Chap)
    return hashlib.md5(b"\x01" + pin.encode() + b"challenge").digest() == password.response


def is_open(held: FollowedVisit, now: datetime) -> bool:
    """R1, R3, R4, R5, R13: in words of its own."""
    return (
        held.token_id is not None
        and held.deleted_at is None
        and held.revoked_at is None
        and not held.replaced
        and held.valid_from is not None
        and held.valid_until is not None
        and held.valid_from <= now < held.valid_until
    )


@given(tables(), requests(), moments, st.floats(0, 2))
def test_an_accept_is_right(table: Table, asked: Request, now: datetime, later: float) -> None:
    """R1, R4, R12, R13, R19: window, token, PIN, time and place, also when sent later."""
    decision = decide(asked, table, Guard(), now)
    if not isinstance(decision, Accepted):
        return
    held, house = decision.visit, table.locations[1]
    assert is_open(held, now)
    assert is_pin(asked.password, held)
    assert asked.service_type not in {6, 10}
    assert house.settings.wifi_login == "pin" or held.email_key == asked.user_name.decode()
    assert house.settings.roaming or held.location_id == 1
    for moment in (now, now + later * SECOND):
        sent = remaining(decision, moment)
        if isinstance(sent, Accepted):
            assert 1 <= sent.session_timeout <= decision.session_timeout
            assert held.valid_until is not None
            assert moment + sent.session_timeout * SECOND <= held.valid_until


@given(tables(), st.sampled_from(EMAILS), st.sampled_from(PINS), moments)
def test_who_may_on_gets_on(table: Table, email: str, pin: str, now: datetime) -> None:
    """R10: where any visit of that e-mail and PIN is open here, whatever else there is."""
    decision = decide(
        Request(nas=nas(), user_name=email.encode(), password=Pap(pin.encode())),
        table,
        Guard(),
        now,
    )
    settings = table.locations[1].settings
    entitled = [
        held
        for held in all_visits(table)
        if is_open(held, now + 0.999999 * SECOND)
        and is_open(held, now)
        and is_pin(Pap(pin.encode()), held)
        and (settings.wifi_login == "pin" or held.email_key == email)
        and (held.location_id == 1 or (settings.roaming and settings.wifi_login == "email"))
    ]
    assert isinstance(decision, Accepted) == bool(entitled)
    if isinstance(decision, Accepted):
        assert decision.visit.id == max(held.id for held in entitled)


@given(tables(), user_names, st.binary(max_size=128), moments)
def test_another_password_never_opens(
    table: Table, user_name: str, typed: bytes, now: datetime
) -> None:
    """R11: and nothing goes along that could be told."""
    assume(normalize_pin(typed) not in PINS)
    asked = Request(nas=nas(), user_name=user_name.encode(), password=Pap(typed))

    decision = decide(asked, table, Guard(), now)

    assert not isinstance(decision, Accepted)
    assert decision.visit is None


@given(tables(), user_names, st.binary(min_size=16, max_size=16), moments)
def test_another_response_never_opens(
    table: Table, user_name: str, response: bytes, now: datetime
) -> None:
    """R11: nor does chance answer a CHAP challenge."""
    asked = Request(
        nas=nas(),
        user_name=user_name.encode(),
        password=Chap(ident=1, response=response, challenge=b"challenge"),
    )

    decision = decide(asked, table, Guard(), now)

    assert not isinstance(decision, Accepted)
    assert decision.visit is None
