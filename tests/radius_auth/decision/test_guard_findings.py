"""What an attack on an earlier guard had found; each of these tests failed then."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from itertools import count
from typing import TYPE_CHECKING, Any

import pytest

from nexio.errors import KeyUnusable
from nexio.network.guard_acts import Act, Kind
from nexio.reception.guessing_limits import BOUND
from radius_auth.decision.decide import Accepted, decide
from radius_auth.decision.passwords import Pap
from radius_auth.decision.reasons import Reason
from radius_auth.decision.words import reply_message
from radius_auth.guard import Guard
from radius_auth.protocol.packet import Attribute
from tests.support.radius.access_requests import access_request
from tests.support.radius.guests import (
    ANNEX,
    EMAIL,
    HOUR,
    HOUSE,
    NINE,
    OTHER_PIN,
    PIN,
    chap,
    nas,
    pap,
    request,
    table_of,
    visit,
    with_settings,
)
from tests.support.radius.responder import LONGEST_DELAY, Server

if TYPE_CHECKING:
    from datetime import datetime

    from nexio.network.following import FollowedVisit
    from radius_auth.decision.decide import Decision
    from radius_auth.replica.table import Table

NOW = NINE + timedelta(minutes=30)
BY_PIN = with_settings(HOUSE, wifi_login="pin", planned_guests=1)


def device(number: int) -> bytes:
    """Ever another one."""
    return (0x020000000000 + number).to_bytes(6).hex("-").encode()


def ask(
    table: Table, guard: Guard, typed: str, now: datetime = NOW, email: str = EMAIL, **changes: Any
) -> Decision:
    """Log in."""
    return decide(request(pap(typed), email, **changes), table, guard, now)


def looked_at(table: Table, guard: Guard, email: str = EMAIL, count: int = 500) -> int:
    """How many wrong PINs, each from a device of its own, were looked at."""
    decisions = [
        ask(table, guard, f"9{n:05}", email=email, calling_station=device(n)) for n in range(count)
    ]
    return sum(decision.reason is not Reason.GUARDED for decision in decisions)


@pytest.mark.parametrize(
    "held",
    [
        visit(revoked_at=NINE),
        visit(deleted_at=NINE, revoked_at=NINE),
        visit(replaced=True, deleted_at=NINE),
    ],
)
def test_1_what_is_revoked_or_deleted_is_guarded(held: FollowedVisit) -> None:
    """Its PIN may still check in, work again after an undo, and be confirmed in words."""
    assert looked_at(table_of(held), Guard()) <= 8


def test_2_held_guesses_are_not_compared_again_for_nothing() -> None:
    """With a visit that was registered meanwhile: the second look takes guesses of its own."""
    server = Server()
    for number in range(100):
        if number == 99:  # the right one comes last
            assert server.wait(0.5) == []
        typed = PIN if number == 99 else f"9{number:05}"
        datagram = access_request(
            identifier=number,
            password=typed.encode(),
            attributes={Attribute.CALLING_STATION_ID: [device(number)]},
        )
        assert server.receive(datagram) is None
    server.table.put([visit()])

    replies = server.wait(LONGEST_DELAY)

    assert Counter(reply[0] for reply, _ in replies) == {3: 100}


@pytest.mark.parametrize(
    ("lengths", "emails"),
    [({6: 33, 7: 67}, 1), ({6: 33, 7: 166, 8: 301}, 500), ({5: 1}, 1)],
    ids=["100 visits of one e-mail", "500 e-mails", "5 digits"],
)
def test_3_the_bound_holds_for_every_size(lengths: dict[int, int], emails: int) -> None:
    """One PIN in 1,000 at most is found in a day."""
    digits = [length for length, count in lengths.items() for _ in range(count)]
    table = table_of(
        *(
            visit(
                n,
                email=f"{n % emails}@example.com",
                pin=f"{n:0{length}}",
                valid_until=NINE + 9 * HOUR,
            )
            for n, length in enumerate(digits, 1)
        )
    )
    guard = Guard()
    each = sum(10.0**-length for length in digits) / emails
    chance = sum(
        looked_at(table, guard, f"{number}@example.com", count=40) * each
        for number in range(emails)
    )
    assert chance <= BOUND


def test_4_another_location_is_out_of_reach() -> None:
    """R19: without roaming nobody there is guessed at, confirmed or locked out from here."""
    table = table_of(visit(location=2))
    guard = Guard()
    for n in range(500):
        ask(table, guard, f"9{n:05}", calling_station=device(n))

    here = ask(table, guard, PIN)
    there = ask(table, guard, PIN, nas=nas(2, location=ANNEX), calling_station=device(999))

    assert reply_message(here, HOUSE, NOW) is None
    assert isinstance(there, Accepted)


def test_5_a_copied_address_keeps_nobody_out() -> None:
    """A device that was not in yet, whose address somebody else shows 960 times a day."""
    table, guard = table_of(visit(), visit(2, email="jo@example.com")), Guard()
    for n in range(970):
        now = NOW - (96 - n // 10) * HOUR / 4
        email = f"nobody{n}@example.com" if n % 10 else "jo@example.com"
        ask(table, guard, f"9{n:05}", now, email, calling_station=device(1))

    assert isinstance(ask(table, guard, PIN, calling_station=device(1)), Accepted)


@pytest.mark.parametrize("where", [None, b"unknown"])
def test_5_access_points_that_name_no_device_lock_nobody_else_out(where: bytes | None) -> None:
    """Guesses at one visit are no guesses at another one."""
    others = [visit(n, email=f"{n}@example.com", pin=f"8{n:05}") for n in range(2, 200)]
    table, guard = table_of(visit(), *others), Guard()
    for other in others:
        for n in range(12):
            ask(table, guard, f"9{n:05}", email=other.email_key, calling_station=where)

    for _ in range(2):
        assert isinstance(ask(table, guard, PIN, calling_station=where), Accepted)


def test_5_forged_datagrams_lock_nobody_out() -> None:
    """Where Message-Authenticator is off: what another secret has hidden is no PIN."""
    table, guard = table_of(visit()), Guard()
    for n in range(200):
        garbage = Pap(n.to_bytes(2) + b"\xfe\x01 nothing else")
        asked = request(garbage, calling_station=device(1))
        assert decide(asked, table, guard, NOW).reason is Reason.WRONG_PIN

    assert isinstance(ask(table, guard, PIN, calling_station=device(1)), Accepted)


# What a later attack has found


def guests_of(day: int) -> list[FollowedVisit]:
    """800 guests of that day, each with another PIN of 8 digits."""
    later = timedelta(days=day)
    return [
        visit(
            1000 * day + n,
            email=f"{day}-{n}@example.com",
            pin=f"{10_000 * day + n:08}",
            opens_at=NINE - 9 * HOUR + later,
            closes_at=NINE + 15 * HOUR + later,
            valid_from=NINE + later,
            valid_until=NINE + HOUR + later,
        )
        for n in range(800)
    ]


def test_6_what_was_wrong_yesterday_may_be_right_today() -> None:
    """R9: where the PIN alone logs in, a known wrong PIN costs a guess at whoever comes later."""
    guard, known, devices = Guard(), 0, count(1)
    for day in range(8):
        table, now = table_of(*guests_of(day), locations=[BY_PIN, ANNEX]), NOW + timedelta(days=day)
        reasons = [
            ask(table, guard, f"9{n:07}", now, calling_station=device(next(devices)))
            for n in range(known + 100)
        ]
        looked_at = sum(decision.reason is Reason.WRONG_PIN for decision in reasons)
        known = max(known, looked_at)
        assert looked_at * 800 / 10**8 <= BOUND
    assert known > 60


def test_6_the_same_guests_make_no_pin_new() -> None:
    """R9: neither a check-in nor a guest of tomorrow lets a phone's mistake count again."""
    guests = guests_of(0)[:100]
    table, guard = table_of(*guests, locations=[BY_PIN, ANNEX]), Guard()
    for n in range(50):
        table.put([guests[n]._replace(revoked_at=NINE), guests_of(1)[n]])
        ask(table, guard, "99999999")

    bucket = guard.locations()[1].bucket
    assert bucket.holds - bucket.level(NOW.timestamp()) == pytest.approx(100 / 10**8)


def test_6_a_new_pin_is_guessed_at_anew() -> None:
    """R5: what was wrong before the e-mail was changed may be right now."""
    table, guard = table_of(visit()), Guard()
    assert looked_at(table, guard, count=4) == 4
    table.put([visit(pin=OTHER_PIN, email="new@example.com")])

    reasons = [
        ask(
            table, guard, f"9{n:05}", email="new@example.com", calling_station=device(100 + n)
        ).reason
        for n in range(4)
    ]
    assert reasons == [Reason.WRONG_PIN] * 2 + [Reason.GUARDED] * 2


def test_6_a_new_pin_is_guessed_at_anew_where_the_location_is_closed() -> None:
    """R9: with the address of a device that was in, whose guesses are compared with its visit."""
    others = [visit(n, email=f"{n}@example.com", pin=f"5{n:05}") for n in range(2, 200)]
    table, guard = table_of(visit(), *others, locations=[BY_PIN, ANNEX]), Guard()
    ask(table, guard, PIN, calling_station=device(1))
    looked_at(table, guard, count=20)
    for n in range(6):
        if n == 3:
            table.put([visit(pin=OTHER_PIN)])
        ask(table, guard, f"11111{n % 3}", NOW + n * HOUR / 60, calling_station=device(1))

    assert guard.visits()[1].bucket.level(NOW.timestamp()) == pytest.approx(2, abs=0.1)


def test_7_roaming_gives_back_no_more() -> None:
    """R19: the bound is that of the visits' location, whichever access points they log in at."""
    roaming = [with_settings(place, roaming=True) for place in (HOUSE, ANNEX)]
    everybody = [visit(n, email=f"{n}@example.com", pin=f"5{n:05}") for n in range(1, 401)]
    table, guard = table_of(*everybody, locations=roaming), Guard()
    for each in everybody:
        station = device(each.id)
        at = nas(location=roaming[each.id % 2])
        for n in range(6):
            typed = f"11111{n}" if n < 5 else f"5{each.id:05}"
            now = NOW + n * HOUR / 360
            ask(table, guard, typed, now, each.email_key, calling_station=station, nas=at)

    devices = [each for target in guard.visits().values() for each in target.devices.values()]
    given_back = sum(len(each.given_back) for each in devices)
    assert 100 < given_back <= 200


def test_8_more_devices_than_are_kept() -> None:
    """The latest ones are known, and no guess makes anybody forget them."""
    table, guard = table_of(visit()), Guard()
    for n in range(100, 170):
        assert isinstance(ask(table, guard, PIN, calling_station=device(n)), Accepted)
    assert looked_at(table, guard, count=20) == 6

    later = NOW + HOUR / 60
    assert isinstance(ask(table, guard, PIN, later, calling_station=device(169)), Accepted)
    assert isinstance(ask(table, guard, PIN, later, calling_station=device(106)), Accepted)


def test_8_a_device_that_the_desk_releases_is_known() -> None:
    """However many were in before it."""
    table, guard = table_of(visit()), Guard()
    for n in range(64):
        ask(table, guard, PIN, calling_station=device(100 + n))
    looked_at(table, guard, count=20)
    guard.apply([
        Act(
            kind=Kind.RELEASE, at=NOW.timestamp(), writer="desk", serial=1, host="desk",
            visit_id=1, device="02:00:00:00:00:01",
        )
    ])  # fmt: skip

    assert isinstance(ask(table, guard, PIN, calling_station=device(1)), Accepted)


def damaged(number: int) -> FollowedVisit:
    """A visit whose PIN cannot be opened."""
    return visit(number, pin="555555", pin_sealed=b"\0" * len(visit().pin_sealed))


def answers(table: Table, guard: Guard, pin: str) -> str:
    """What is said to a CHAP response from a device of its own; nothing where it fails."""
    asked = request(chap(pin), calling_station=device(int(pin)))
    try:
        return decide(asked, table, guard, NOW).reason
    except KeyUnusable:
        return "no answer"


def test_9_a_pin_that_cannot_be_opened_hides_no_guess() -> None:
    """R11: wrong ones count; when nothing is left the right one looks the same."""
    table, guard = table_of(visit(), damaged(2)), Guard()
    said = [answers(table, guard, f"1{n:05}") for n in range(20)]

    assert said == ["no answer"] * 6 + [Reason.GUARDED] * 14
    assert answers(table, guard, PIN) == Reason.GUARDED


def test_9_a_pin_that_cannot_be_opened_tells_nothing_of_others() -> None:
    """R11: the right PIN of tomorrow is answered as any other one."""
    tomorrow = timedelta(days=1)
    quiet = visit(1, valid_from=NINE + tomorrow, valid_until=NINE + HOUR + tomorrow)
    table = table_of(quiet, damaged(2))

    assert answers(table, Guard(), PIN) == answers(table, Guard(), "111111") == "no answer"
