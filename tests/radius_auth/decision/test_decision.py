"""May this guest on now?  Each rule by a table, in the order in which they are applied."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from nexio.input.addresses import email_key, parse_email
from nexio.network.following import FollowedVisit
from radius_auth.decision.candidates import find_candidate
from radius_auth.decision.decide import (
    Accepted,
    Decision,
    Rejected,
    Request,
    choose_visit,
    decide,
    remaining,
)
from radius_auth.decision.passwords import Pap
from radius_auth.decision.reasons import Reason
from radius_auth.guard import Guard
from radius_auth.protocol.replies import class_of
from tests.support.radius.guests import (
    ANNEX,
    EMAIL,
    HOUR,
    HOUSE,
    NINE,
    OTHER_PIN,
    PIN,
    SECOND,
    TEN,
    chap,
    nas,
    pap,
    request,
    table_of,
    visit,
    with_settings,
)

DURING = NINE + timedelta(minutes=30)


def decided(
    asked: Request, *visits: FollowedVisit, now: datetime = DURING, **settings: Any
) -> Decision:
    """Decide with these visits, and these settings of Harbour House."""
    locations = (with_settings(HOUSE, **settings), ANNEX)
    return decide(asked, table_of(*visits, locations=locations), Guard(), now)


def decided_alone(asked: Request, *visits: FollowedVisit, now: datetime = DURING) -> Decision:
    """Decide where the PIN alone logs in."""
    return decided(asked, *visits, now=now, wifi_login="pin", planned_guests=1)


# The order of the rules


WRONG_IN_EVERY_WAY = {
    "contradictory": True,
    "nas_port_type": 5,
    "service_type": 10,
    "password": None,
    "nas": None,
    "user_name": b"nobody@example.com",
}
REMEDIES_OF_REQUESTS: list[tuple[dict[str, Any], Reason]] = [
    ({}, Reason.CONTRADICTORY),
    ({"contradictory": False}, Reason.UNSUPPORTED_SERVICE),
    ({"nas_port_type": 19}, Reason.MAC_AUTHENTICATION),
    ({"service_type": 1}, Reason.UNSUPPORTED_METHOD),
    ({"password": pap(OTHER_PIN)}, Reason.NO_LOCATION),
    ({"nas": nas()}, Reason.UNKNOWN_USER),
    ({"user_name": EMAIL.encode()}, Reason.WRONG_PIN),
    ({"password": pap(PIN)}, Reason.VALID),
]


def test_the_order_of_the_rules_about_a_request() -> None:
    """R22, R19, R11: a request that is wrong in every way, put right step by step."""
    wrong: dict[str, Any] = dict(WRONG_IN_EVERY_WAY)
    reasons = []
    for remedy, _ in REMEDIES_OF_REQUESTS:
        wrong |= remedy
        decision = decided(Request(**wrong), visit())
        assert isinstance(decision, Accepted) or decision.visit is None
        reasons.append(decision.reason)

    assert reasons == [reason for _, reason in REMEDIES_OF_REQUESTS]


REMEDIES_OF_VISITS: list[tuple[dict[str, Any], Reason]] = [
    ({}, Reason.WRONG_LOCATION),
    ({"location": 1}, Reason.REPLACED),
    ({"replaced": False}, Reason.DELETED),
    ({"deleted_at": None}, Reason.NO_TOKEN),
    ({"token_id": 101}, Reason.REVOKED),
    ({"revoked_at": None}, Reason.NOT_CHECKED_IN),
    ({"valid_from": TEN, "valid_until": TEN + HOUR}, Reason.NOT_YET),
    ({"valid_from": NINE - HOUR, "valid_until": NINE}, Reason.ENDED),
    ({"valid_from": NINE, "valid_until": TEN}, Reason.VALID),
]


def test_the_order_of_the_rules_about_a_visit() -> None:
    """R1, R3, R4, R5, R13, R16, R19: a visit that is wrong in every way, put right."""
    wrong: dict[str, Any] = {
        "location": 2,
        "replaced": True,
        "deleted_at": NINE,
        "token_id": None,
        "revoked_at": NINE,
        "valid_from": None,
        "valid_until": None,
    }
    reasons = []
    for remedy, _ in REMEDIES_OF_VISITS:
        wrong |= remedy
        asked_for = visit(**wrong)
        decision = decided(request(pap()), asked_for)
        assert decision.visit == asked_for
        reasons.append(decision.reason)

    assert reasons == [reason for _, reason in REMEDIES_OF_VISITS]


def test_every_reason_has_its_place_in_the_order() -> None:
    """R11: no reason is left that nothing above leads to."""
    met = [reason for _, reason in REMEDIES_OF_REQUESTS + REMEDIES_OF_VISITS]

    # The guard stands before the rules about a visit (test_guard.py), those about its device after
    # them (test_device_limits.py); FreeRADIUS finds the other.
    devices = {Reason.REMEMBERED, Reason.NO_DEVICE, Reason.TOO_MANY_DEVICES, Reason.UNCOUNTED}
    elsewhere = {Reason.GUARDED, Reason.TOO_SOON, Reason.EAP_FAILED} | devices
    assert sorted(set(met)) == sorted(set(Reason) - elsewhere)
    assert len(met) == len(set(met)) + 1  # VALID ends both


# The window


@pytest.mark.parametrize(
    ("now", "reason", "seconds"),
    [
        (NINE - timedelta(minutes=1), Reason.NOT_YET, None),
        (NINE - timedelta(microseconds=1), Reason.NOT_YET, None),
        (NINE, Reason.VALID, 3600),
        (NINE + timedelta(microseconds=1), Reason.VALID, 3599),
        (TEN - SECOND, Reason.VALID, 1),
        (TEN - 1.5 * SECOND, Reason.VALID, 1),
        (TEN - timedelta(milliseconds=999), Reason.ENDED, None),
        (TEN - timedelta(microseconds=1), Reason.ENDED, None),
        (TEN, Reason.ENDED, None),
        (TEN + HOUR, Reason.ENDED, None),
    ],
)
def test_the_edges_of_the_window(now: datetime, reason: Reason, seconds: int | None) -> None:
    """R1 and R12: 09:00:00 is in, 09:59:59 is in, 10:00:00 is out; whole seconds, at least 1."""
    decision = decided(request(pap()), visit(), now=now)

    assert decision.reason is reason
    assert (decision.session_timeout if isinstance(decision, Accepted) else None) == seconds


def test_an_accept_says_which_token_it_was() -> None:
    """R12: accounting finds location, visit and token in Class."""
    decision = decided(request(pap()), visit(7, token_id=9))

    assert isinstance(decision, Accepted)
    assert class_of(decision.visit) == b"nexio/1/7/9"


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        (DURING, 1800),
        (DURING + SECOND, 1799),
        (DURING + 1.25 * SECOND, 1798),
        (DURING - SECOND, 1800),
        (TEN - SECOND, 1),
        (TEN - SECOND / 2, None),
    ],
)
def test_a_decision_that_is_sent_later_is_for_what_is_left(
    now: datetime, expected: int | None
) -> None:
    """R12: the smallest of all limits; nothing left is "ended"."""
    accepted = decided(request(pap()), visit())

    sent = remaining(accepted, now)

    if expected is None:
        assert sent == Rejected(reason=Reason.ENDED, visit=accepted.visit)
    else:
        assert isinstance(sent, Accepted)
        assert sent.session_timeout == expected


def test_a_reject_that_is_sent_later_stays_one() -> None:
    """R1: "not yet" is decided as of the arrival of the request."""
    rejected = decided(request(pap()), visit(), now=NINE - SECOND)

    assert remaining(rejected, NINE) == rejected


# What is forgiven


@pytest.mark.parametrize(
    "typed",
    [
        "482913",
        " 482913 ",
        "482 913",
        "482-913",
        "4\t8-2 9-1 3",
        "４８２９１３",
        "٤٨٢\u00a0٩١٣",
        "482–913",
        "-",
    ],
)
@pytest.mark.parametrize("user_name", [EMAIL, " Zoe@Example.COM ", "ZOE@EXAMPLE.COM"])
def test_blanks_dashes_and_case_are_forgiven(typed: str, user_name: str) -> None:
    """R8: blanks, dashes and any digits in the PIN, upper or lower case of the e-mail."""
    decision = decided(request(pap(typed), user_name), visit())

    assert decision.reason is (Reason.WRONG_PIN if typed == "-" else Reason.VALID)


@pytest.mark.parametrize(
    "user_name",
    [
        *("zoë@bücher.example.com", "ZOË@BÜCHER.example.com", "zoe\u0308@bu\u0308cher.example.com"),
        *("zoë@xn--bcher-kva.example.com", "ZOË@XN--BCHER-KVA.EXAMPLE.COM"),
    ],
)
def test_both_spellings_of_a_domain(user_name: str) -> None:
    """R8: whichever the guest types, however the visitor was registered."""
    held = visit(email=email_key(parse_email("zoë@xn--bcher-kva.example.com")))
    assert decided(request(pap(), user_name), held).reason is Reason.VALID


@pytest.mark.parametrize(
    "typed",
    [
        b"",
        b"48291",
        b"4829133",
        b"482.913",
        b"482_913",
        b"48291\xff3",
        b"\xff482913",
        b"482913\0",
        b"482913\n",
        b"0482913",
        "４８２９１Ｂ".encode(),
        b"482\xa0913",
    ],
)
def test_nothing_else_is_forgiven(typed: bytes) -> None:
    """R8, Must 5: other octets among the digits are another password."""
    assert decided(request(Pap(typed)), visit()).reason is Reason.WRONG_PIN


@pytest.mark.parametrize("user_name", ["zoë@example.com", "zoe@example.co", "zoe @example.com", ""])
def test_another_e_mail_is_unknown(user_name: str) -> None:
    """R8: nor is another address taken for this one."""
    assert decided(request(pap(), user_name), visit()).reason is Reason.UNKNOWN_USER


@pytest.mark.parametrize("user_name", [b"\xff\xfe", b"zoe@example.com\0", b"\0", b"x" * 253])
def test_a_user_name_of_any_octets_is_unknown(user_name: bytes) -> None:
    """Must 5: embedded NULs and invalid UTF-8 are handled."""
    asked = Request(nas=nas(), user_name=user_name, password=pap())

    assert decided(asked, visit()).reason is Reason.UNKNOWN_USER


def test_leading_zeros_count() -> None:
    """R6: a PIN is text."""
    held = visit(pin="004711")

    assert decided(request(pap("004711")), held).reason is Reason.VALID
    assert decided(request(pap("4711")), held).reason is Reason.WRONG_PIN
    assert decided(request(pap("04711")), held).reason is Reason.WRONG_PIN


# The PIN alone


@pytest.mark.parametrize("user_name", ["", PIN, " 482-913", "guest", "other@example.com"])
def test_the_pin_alone_identifies(user_name: str) -> None:
    """R9: the User-Name may be absent, the PIN, or anything."""
    assert decided_alone(request(pap(), user_name), visit()).reason is Reason.VALID


@pytest.mark.parametrize("user_name", ["", EMAIL, OTHER_PIN])
def test_a_pin_of_nobody_lets_nobody_in(user_name: str) -> None:
    """R9 and R11: where the PIN alone logs in, a wrong one tells nothing."""
    rejected = decided_alone(request(pap(OTHER_PIN), user_name), visit())

    assert rejected == Rejected(reason=Reason.WRONG_PIN)


@pytest.mark.parametrize(
    ("user_name", "typed", "reason"),
    [
        (PIN, PIN, Reason.VALID),
        ("482 913", PIN, Reason.VALID),
        (PIN, OTHER_PIN, Reason.WRONG_PIN),
        (EMAIL, PIN, Reason.WRONG_PIN),
        ("", PIN, Reason.WRONG_PIN),
    ],
)
def test_with_chap_the_user_name_must_be_the_pin(
    user_name: str, typed: str, reason: Reason
) -> None:
    """R9: a CHAP response alone finds nobody; and it must still fit."""
    assert decided_alone(request(chap(typed), user_name), visit()).reason is reason


def test_the_pin_alone_is_that_of_this_location() -> None:
    """R7 and R9: the same PIN of another location is somebody else's."""
    assert decided_alone(request(pap()), visit(location=2)).reason is Reason.WRONG_PIN
    here = visit(2)
    assert decided_alone(request(pap()), visit(1, location=2), here).visit == here


# Several visits


MORNING = visit(1, pin="111111")
EVENING = visit(2, pin="222222", valid_from=NINE + 9 * HOUR, valid_until=TEN + 9 * HOUR)


@pytest.mark.parametrize("password", [pap, chap])
@pytest.mark.parametrize(
    ("pin", "reason", "number"),
    [("111111", Reason.VALID, 1), ("222222", Reason.NOT_YET, 2), ("333333", Reason.WRONG_PIN, 0)],
)
def test_the_pin_picks_the_visit(password: Any, pin: str, reason: Reason, number: int) -> None:
    """R10: of several visits with one e-mail; a CHAP response is tried on each."""
    for order in ((MORNING, EVENING), (EVENING, MORNING)):
        decision = decided(request(password(pin)), *order)
        assert decision.reason is reason
        assert (decision.visit.id if decision.visit else 0) == number


@pytest.mark.parametrize(
    ("other", "reason"),
    [
        ({"valid_from": NINE - HOUR, "valid_until": NINE}, Reason.ENDED),
        ({"deleted_at": NINE}, Reason.DELETED),
        ({"replaced": True}, Reason.REPLACED),
        ({"revoked_at": NINE}, Reason.REVOKED),
        ({"token_id": None, "valid_from": None, "valid_until": None}, Reason.NO_TOKEN),
        ({"location": 2}, Reason.WRONG_LOCATION),
        ({"valid_from": TEN, "valid_until": TEN + HOUR}, Reason.NOT_YET),
    ],
)
def test_of_equal_pins_the_open_window_wins(other: dict[str, Any], reason: Reason) -> None:
    """R10: the same PIN on a live visit and on one that is over or at another location."""
    for live, second in ((1, 2), (2, 1)):
        decision = decided(request(pap()), visit(live), visit(second, **other))
        assert isinstance(decision, Accepted)
        assert decision.visit.id == live
    assert decided(request(pap()), visit(3, **other)).reason is reason


def test_of_equal_pins_one_to_come_wins_over_one_that_ended() -> None:
    """R10 and R11: the guest is told about the visit that is still to come."""
    ended = visit(2, valid_from=NINE - HOUR, valid_until=NINE)
    to_come = visit(1, valid_from=TEN, valid_until=TEN + HOUR)

    assert decided(request(pap()), ended, to_come).reason is Reason.NOT_YET


def test_of_two_open_windows_the_latest_issued_wins() -> None:
    """R10: by the number of the visit."""
    latest = visit(9)

    assert decided(request(pap()), visit(8), latest, visit(7)).visit == latest


# Where somebody else verifies the response


def candidate(
    asked: Request, *visits: FollowedVisit, now: datetime = DURING, **settings: Any
) -> FollowedVisit | Rejected:
    """Whose PIN FreeRADIUS gets, with these visits and these settings of Harbour House."""
    locations = (with_settings(HOUSE, **settings), ANNEX)
    return find_candidate(asked, table_of(*visits, locations=locations), now)


@pytest.mark.parametrize(
    ("now", "number"),
    [
        (NINE - SECOND, 2),  # none is open: the latest issued of those to come
        (NINE, 1),
        (TEN - SECOND, 1),
        (TEN, 2),
        (NINE + 9 * HOUR, 2),
        (TEN + 9 * HOUR, 2),  # both ended
    ],
)
def test_the_candidate_is_the_visit_whose_window_is_open(now: datetime, number: int) -> None:
    """R10: MS-CHAP is verified against one PIN; before and after, against the latest issued."""
    for order in ((MORNING, EVENING), (EVENING, MORNING)):
        found = candidate(request(None), *order, now=now)
        assert isinstance(found, FollowedVisit)
        assert found.id == number


def test_of_several_open_windows_the_latest_issued_is_the_candidate() -> None:
    """R10: by the number of the visit, in any order."""
    latest = visit(9, pin=OTHER_PIN)

    for order in ((visit(8), latest, visit(7)), (latest, visit(8)), (visit(7), latest)):
        assert candidate(request(None), *order) == latest


@pytest.mark.parametrize(
    "other",
    [
        {"deleted_at": NINE},
        {"replaced": True},
        {"revoked_at": NINE},
        {"token_id": None, "valid_from": None, "valid_until": None},
        {"valid_from": None, "valid_until": None},
    ],
)
def test_a_visit_that_lets_nobody_in_is_the_last_candidate(other: dict[str, Any]) -> None:
    """R10: but it is one: who knows its PIN is told more (R11)."""
    live, dead = visit(1), visit(2, **other)

    assert candidate(request(None), live, dead) == live
    assert candidate(request(None), dead, live) == live
    assert candidate(request(None), dead) == dead


def test_with_roaming_a_visit_of_elsewhere_is_a_candidate_like_any() -> None:
    """R10 and R19: the latest issued of two open windows."""
    here, there = visit(1), visit(2, location=2)

    assert candidate(request(None), here, there) == here
    assert candidate(request(None), here, there, roaming=True) == there


def test_where_the_pin_alone_logs_in_the_user_name_is_the_pin() -> None:
    """R9: with MS-CHAP nothing else names the guest; blanks and dashes are forgiven (R8)."""
    settings: dict[str, Any] = {"wifi_login": "pin", "planned_guests": 1}
    here = visit()

    for name in (PIN, "482-913 "):
        assert candidate(request(None, name), here, visit(2, location=2), **settings) == here
    for name in (OTHER_PIN, EMAIL, ""):
        assert candidate(request(None, name), here, **settings) == Rejected(reason=Reason.WRONG_PIN)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"user_name": b"nobody@example.com"}, Reason.UNKNOWN_USER),
        ({"user_name": b""}, Reason.UNKNOWN_USER),
        ({"user_name": b"\xff"}, Reason.UNKNOWN_USER),
        ({"nas": None}, Reason.NO_LOCATION),
        ({"contradictory": True}, Reason.CONTRADICTORY),
        ({"nas_port_type": 5}, Reason.UNSUPPORTED_SERVICE),
        ({"service_type": 6}, Reason.UNSUPPORTED_SERVICE),
        ({"service_type": 10}, Reason.MAC_AUTHENTICATION),
        ({"calling_station": EMAIL.encode()}, Reason.MAC_AUTHENTICATION),
    ],
)
def test_who_is_no_guest_has_no_candidate(changes: dict[str, Any], reason: Reason) -> None:
    """R11, R19 and R22: no PIN leaves the table for them."""
    asked = Request(**{"nas": nas(), "user_name": EMAIL.encode(), "password": None, **changes})

    assert candidate(asked, visit()) == Rejected(reason=reason)


@pytest.mark.parametrize("now", [NINE - SECOND, NINE, DURING, TEN - SECOND, TEN])
@pytest.mark.parametrize("changes", [{}, {"deleted_at": NINE}, {"replaced": True}])
def test_a_candidate_is_decided_by_the_same_rules(now: datetime, changes: dict[str, Any]) -> None:
    """R1 and R10: whoever has verified the PIN, the decision is that of PAP."""
    known = table_of(held := visit(**changes))

    by_pap = decide(request(pap()), known, Guard(), now)
    assert choose_visit(request(None), [held], known, now) == by_pap


def test_without_a_location_nobody_gets_in() -> None:
    """R19: an access point that is gone since the PIN was proven."""
    asked, held = request(None, nas=None), visit()

    assert choose_visit(asked, [held], table_of(held), DURING).reason is Reason.WRONG_LOCATION
    gone = table_of(held, locations=[ANNEX])
    assert choose_visit(request(None), [held], gone, DURING).reason is Reason.WRONG_LOCATION


# Where


@pytest.mark.parametrize(
    ("here", "there", "reason"),
    [
        (False, False, Reason.WRONG_LOCATION),
        (False, True, Reason.WRONG_LOCATION),
        (True, False, Reason.VALID),
        (True, True, Reason.VALID),
    ],
)
def test_roaming_counts_where_the_nas_is(here: bool, there: bool, reason: Reason) -> None:
    """R19: the location that admits every location's guests is the one that is asked."""
    locations = (with_settings(HOUSE, roaming=here), with_settings(ANNEX, roaming=there))
    of_the_annex = visit(location=2)

    decision = decide(request(pap()), table_of(of_the_annex, locations=locations), Guard(), DURING)

    assert decision.reason is reason


def test_roaming_gives_no_time() -> None:
    """R1 and R19: away from home the window is the same."""
    away = visit(location=2)

    assert decided(request(pap()), away, now=TEN, roaming=True).reason is Reason.ENDED


def test_the_settings_of_the_moment_count() -> None:
    """R19: not those of the moment when the NAS was read."""
    stale = nas(location=with_settings(HOUSE, roaming=True))

    decision = decided(request(pap(), nas=stale), visit(location=2), roaming=False)

    assert decision.reason is Reason.WRONG_LOCATION


def test_a_location_that_is_gone_is_no_location() -> None:
    """R19: a request that was held while another store took the place of this one."""
    asked = request(pap(), nas=nas(location=with_settings(HOUSE)))

    assert decide(asked, table_of(locations=[ANNEX]), Guard(), DURING).reason is Reason.NO_LOCATION


# Not every Access-Request is a guest's


@pytest.mark.parametrize(
    "changes",
    [
        {"service_type": 10},
        {"user_name": "02-00-00-AB-CD-EF", "calling_station": b"02-00-00-AB-CD-EF"},
        {"user_name": "020000abcdef", "calling_station": b"02-00-00-AB-CD-EF"},
        {"user_name": "0200.00ab.cdef", "calling_station": b"02:00:00:ab:cd:ef"},
        {"user_name": "+44 20 7946 0000", "calling_station": b"+44 20 7946 0000"},
    ],
)
def test_mac_authentication_is_rejected(changes: dict[str, Any]) -> None:
    """R22: Call-Check, or a User-Name that is the Calling-Station-Id in any notation."""
    rejected = decided(request(pap(), **changes), visit())

    assert rejected == Rejected(reason=Reason.MAC_AUTHENTICATION)


@pytest.mark.parametrize(
    "changes",
    [
        {"calling_station": b"02-00-00-AB-CD-EF"},
        {"calling_station": None, "service_type": 1},
        {"calling_station": b"", "service_type": 2},
        {"service_type": 5, "nas_port_type": 19},
        {"service_type": 8, "nas_port_type": 15},
        {"service_type": 4_294_967_295, "nas_port_type": 0},
        *(
            {"service_type": service, "nas_port_type": 5, "calling_station": station}
            for service in (None, 1, 2, 5, 8)
            for station in (b"02-00-00-AB-CD-EF", b"0200.00ab.cdef", b"020000abcdef")
        ),
    ],
)
def test_a_guest_is_not_taken_for_a_device(changes: dict[str, Any]) -> None:
    """R22: Login, Framed, Outbound, Authenticate-Only and what nobody knows are guests'."""
    assert decided(request(pap(), **changes), visit()).reason is Reason.VALID


def test_a_device_by_another_address_is_an_unknown_user() -> None:
    """R22: only its own address makes it MAC authentication."""
    asked = request(pap(), "02-00-00-AB-CD-EF", calling_station=b"02-00-00-00-00-01")

    assert decided(asked, visit()).reason is Reason.UNKNOWN_USER


@pytest.mark.parametrize(
    "changes",
    [
        {"service_type": 3},  # Callback-Login
        {"service_type": 4},  # Callback-Framed
        {"service_type": 6},  # Administrative
        {"service_type": 7},  # NAS-Prompt
        {"service_type": 9},  # Callback-NAS-Prompt
        {"service_type": 11},  # Callback-Administrative
        {"nas_port_type": 5},  # Virtual
        {"service_type": 2, "nas_port_type": 5},
        {"service_type": 1, "nas_port_type": 5, "calling_station": b"192.0.2.7"},
        {"service_type": 1, "nas_port_type": 5, "calling_station": b""},
        {"service_type": 6, "nas_port_type": 5, "calling_station": b"02-00-00-AB-CD-EF"},
        {"service_type": 7, "calling_station": b"02-00-00-AB-CD-EF"},
    ],
)
def test_other_services_are_rejected(changes: dict[str, Any]) -> None:
    """R22: somebody wants to configure the NAS or to be called back; the PIN is no help."""
    rejected = decided(request(pap(), **changes), visit())

    assert rejected == Rejected(reason=Reason.UNSUPPORTED_SERVICE)


# What is told


def test_only_who_knows_the_pin_is_known() -> None:
    """R11: no visit goes along with a reject unless its PIN was right."""
    over = visit(valid_from=NINE - HOUR, valid_until=NINE)

    assert decided(request(pap()), over) == Rejected(reason=Reason.ENDED, visit=over)
    assert decided(request(pap(OTHER_PIN)), over) == Rejected(reason=Reason.WRONG_PIN)
    assert decided(request(pap(), "nobody@example.com"), over) == Rejected(
        reason=Reason.UNKNOWN_USER
    )


def test_no_password_is_in_a_repr() -> None:
    """Must 20: of a request, a password or a decision."""
    for asked in (request(pap(), PIN), request(chap(), PIN)):
        shown = repr(asked) + repr(decided_alone(asked, visit()))
        assert PIN not in shown
        assert repr(visit().pin_digest)[2:-1] not in shown
