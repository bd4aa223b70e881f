"""Decisions with a guard: what is a guess, and what is said of it."""

from __future__ import annotations

from typing import Any

import pytest

from radius_auth.decision import (
    Accepted,
    Decision,
    Rejected,
    acquit,
    decide,
    find_candidate,
    reconsider,
    reserve_guess,
    settle,
)
from radius_auth.guard import Guard
from radius_auth.guesses import Reservation
from radius_auth.passwords import Chap, Pap
from radius_auth.reasons import MAY_CATCH_UP, Reason
from radius_auth.table import Table
from tests.radius_auth.guests import (
    ANNEX,
    EMAIL,
    HOUSE,
    NINE,
    PIN,
    SECOND,
    chap,
    pap,
    request,
    table_of,
    visit,
    with_settings,
)
from tests.radius_auth.test_guard import MINUTE

MAC = b"02-00-00-00-00-01"
BY_PIN = with_settings(HOUSE, wifi_login="pin", planned_guests=1)

# What is a guess


class Desk:
    """Decisions with one guard, half past nine."""

    def __init__(self, table: Table | None = None) -> None:
        self.guard = Guard()
        self.table = table_of(visit()) if table is None else table
        self.now = NINE + 30 * MINUTE

    def ask(self, pin: str | Chap, user_name: str = EMAIL, **changes: Any) -> Decision:
        """Log in from a device."""
        password = pap(pin) if isinstance(pin, str) else pin
        asked = request(password, user_name, **({"calling_station": MAC} | changes))
        return decide(asked, self.table, self.guard, self.now)

    def exhaust(self) -> None:
        """Type five wrong PINs."""
        for n in range(5):
            assert self.ask(f"11111{n}").reason is Reason.WRONG_PIN


def test_what_is_refused_looks_like_what_is_wrong() -> None:
    """R11: a reject without a visit, so without words; the right PIN is refused, too."""
    desk = Desk()
    desk.exhaust()

    assert desk.ask("222222") == Rejected(reason=Reason.GUARDED)
    assert desk.ask(PIN) == Rejected(reason=Reason.GUARDED)
    assert Reason.GUARDED not in MAY_CATCH_UP
    desk.now += 30 * SECOND
    assert isinstance(desk.ask(PIN), Accepted)


def test_chap_is_guarded_as_well() -> None:
    """DESIGN 6, Must 15: a wrong response is a guess."""
    desk = Desk()
    for n in range(5):
        assert desk.ask(chap(f"11111{n}")).reason is Reason.WRONG_PIN

    assert desk.ask(chap()).reason is Reason.GUARDED


def test_the_same_wrong_password_again_is_no_guess() -> None:
    """DESIGN 6: from the same device and e-mail, however it is written; a phone may go on."""
    desk = Desk()
    for typed in ["111111", "111-111", " 111111"] * 50:
        assert desk.ask(typed).reason is Reason.WRONG_PIN
    assert isinstance(desk.ask(PIN), Accepted)

    for n in range(5):
        desk.ask("111111", f"{n}@example.com")
    assert [each.budget for each in desk.guard.slowed(desk.now)] == []


def test_a_former_pin_is_no_guess() -> None:
    """DESIGN 6, R5, R11: it has a reason of its own, as often as it is sent."""
    desk = Desk(table_of(visit(1, replaced=True, deleted_at=NINE), visit(2, pin="555555")))
    for _ in range(50):
        assert desk.ask(PIN).reason is Reason.REPLACED

    assert isinstance(desk.ask("555555"), Accepted)


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
        asked = type(asked)(**{name: getattr(asked, name) for name in asked.__slots__} | changes)
        assert decide(asked, desk.table, desk.guard, desk.now).reason is reason

    assert len(desk.guard) == 0


def test_an_unknown_e_mail_counts_for_the_device() -> None:
    """DESIGN 6: it can hit nothing, so nothing is taken from the location."""
    desk = Desk()
    reasons = [desk.ask("111111", f"{n}@example.com").reason for n in range(11)]

    assert reasons == [Reason.UNKNOWN_USER] * 10 + [Reason.GUARDED]
    assert [each.budget for each in desk.guard.slowed(desk.now)] == ["device"]
    assert isinstance(desk.ask(PIN, calling_station=b"02-00-00-00-00-02"), Accepted)


def test_where_the_pin_alone_logs_in() -> None:
    """R9: a guess is a PIN that fits nobody, whatever the User-Name; it may hit any visit."""
    desk = Desk(table_of(visit(1), visit(2, pin="555555"), locations=[BY_PIN, ANNEX]))
    for n in range(5):
        assert desk.ask(f"11111{n}", f"name {n}").reason is Reason.WRONG_PIN

    assert desk.ask(PIN, "another").reason is Reason.GUARDED
    (first, *_) = desk.guard.take_news()
    assert isinstance(first, Reservation)
    assert (first.guess.weight, first.guess.email) == (2.0, None)


def test_a_guess_weighs_what_it_can_hit() -> None:
    """DESIGN 6: each PIN that is good, by its digits; not what was revoked or replaced."""
    table = table_of(
        visit(1),
        visit(2, pin="55555555"),
        visit(3, pin="666666", revoked_at=NINE),
        visit(4, pin="777777", replaced=True),
        visit(5, pin="888888", deleted_at=NINE),
    )
    rejected = Desk(table).ask("111111")

    assert isinstance(rejected, Rejected)
    assert rejected.guess is not None
    assert rejected.guess.guess.weight == pytest.approx(1.01)
    assert rejected.guess.guess.visit == 2
    assert table.chance_at(1) == pytest.approx(1.01)


# The late look, and FreeRADIUS


def test_a_late_accept_gives_the_guess_back() -> None:
    """DESIGN 4 and 6: the visitor was registered meanwhile; the device is trusted then."""
    desk = Desk(table_of())
    asked = request(pap(), calling_station=MAC)
    rejected = decide(asked, desk.table, desk.guard, desk.now)
    assert isinstance(rejected, Rejected)
    desk.table.put([visit()])

    decision = reconsider(asked, rejected, desk.table, desk.guard, desk.now)

    assert isinstance(decision, Accepted)
    assert len(desk.guard) == 2  # the device that is trusted, and the news of it
    assert desk.guard.slowed(desk.now) == []


def test_a_late_look_counts_nothing_twice() -> None:
    """DESIGN 6: five wrong PINs are five, each of them looked at twice."""
    desk = Desk()
    for n in range(5):
        asked = request(pap(f"11111{n}"), calling_station=MAC)
        rejected = decide(asked, desk.table, desk.guard, desk.now)
        assert isinstance(rejected, Rejected)
        again = reconsider(asked, rejected, desk.table, desk.guard, desk.now)
        assert again.reason is Reason.WRONG_PIN

    assert desk.ask("222222").reason is Reason.GUARDED
    desk.now += 30 * SECOND
    assert isinstance(desk.ask(PIN), Accepted)


def test_in_two_halves() -> None:
    """DESIGN 5 and 6: FreeRADIUS verifies between them; what is not acquitted was wrong."""
    desk = Desk()
    asked = request(None, calling_station=MAC)
    for _ in range(4):
        assert isinstance(reserve_guess(asked, desk.table, desk.guard, desk.now), Reservation)

    for _ in range(9):  # right each time
        found = find_candidate(asked, desk.table, desk.now)
        assert not isinstance(found, Rejected)
        reserved = reserve_guess(asked, desk.table, desk.guard, desk.now)
        assert isinstance(reserved, Reservation)
        settled = settle(asked, [found], desk.table, desk.now)
        assert isinstance(acquit(settled, reserved, desk.guard, desk.now), Accepted)


def test_in_two_halves_nobody_is_a_guess_too() -> None:
    """DESIGN 6: an unknown e-mail counts for the device there, as well."""
    desk = Desk()
    for n in range(10):
        asked = request(None, f"{n}@example.com", calling_station=MAC)
        assert isinstance(find_candidate(asked, desk.table, desk.now), Rejected)
        assert isinstance(reserve_guess(asked, desk.table, desk.guard, desk.now), Reservation)

    asked = request(None, calling_station=MAC)
    refused = reserve_guess(asked, desk.table, desk.guard, desk.now)
    assert refused == Rejected(reason=Reason.GUARDED)


def test_no_password_is_kept() -> None:
    """DESIGN 6, Must 20: neither in the guard nor in what is told to others."""
    desk = Desk()
    desk.ask("135790")
    record = desk.guard._pairs.find((EMAIL, "02:00:00:00:00:01"))  # noqa: SLF001 - nobody else sees it

    assert record is not None
    (digest,) = record.wrong
    assert b"135790" not in digest
    assert "135790" not in repr(desk.guard.take_news())
    assert Pap(b"135790").sample() == b"135790"


def test_a_pin_in_the_wrong_field_stays_here() -> None:
    """Must 20: of an unknown e-mail nothing is told to others; the device counts there, too."""
    desk, other = Desk(), Guard()
    for n in range(10):
        assert desk.ask(f"13579{n}", f"24680{n}").reason is Reason.UNKNOWN_USER
    news = desk.guard.take_news()
    other.apply(news)

    assert "24680" not in repr(news)
    assert [(each.budget, each.email) for each in other.slowed(desk.now)] == [("device", None)]
