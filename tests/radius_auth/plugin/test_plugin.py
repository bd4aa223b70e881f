"""What FreeRADIUS is told, on every way that a guest can come; without FreeRADIUS."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from nexio.errors import KeyUnusable
from nexio.keys.keyring import Keyring
from nexio.network.masking import MASK
from radius_auth.decision.device_limits import Answer
from radius_auth.decision.reasons import Reason
from radius_auth.decision.request import Rejected
from radius_auth.plugin.calls import CallResult, ReturnCode, Stage
from radius_auth.plugin.logins import MOST
from radius_auth.plugin.pairs import DECIDED, LOGGED, NOTE, PROVEN
from radius_auth.protocol.packet import Discarded
from tests.support.radius.freeradius_dictionary import dictionary
from tests.support.radius.guests import EMAIL, HOUR, NINE, OTHER_PIN, PIN, SECOND, TEN, nas, visit
from tests.support.radius.virtual_server import (
    ADDRESS,
    DEVICE,
    EAP,
    PASSED,
    REJECT,
    Reply,
    VirtualServer,
    at,
    chap_pairs,
    house,
    ms_chap,
    pap,
    tunnelled,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from radius_auth.plugin.pairs import Pairs
    from radius_auth.replica.table import Table

    Login = Callable[..., Reply]

DURING = NINE + timedelta(minutes=30)
CANCELLED = "This visit was cancelled."


def log_in_by_pap(server: VirtualServer, typed: str, user_name: str = EMAIL) -> Reply:
    """User-Password at the login page."""
    return server.answer(pap(typed, user_name))


def log_in_by_chap(server: VirtualServer, typed: str, user_name: str = EMAIL) -> Reply:
    """CHAP-Password."""
    return server.answer(chap_pairs(typed, user_name))


def log_in_by_ms_chap(server: VirtualServer, typed: str, user_name: str = EMAIL) -> Reply:
    """MS-CHAP2-Response, which FreeRADIUS verifies."""
    return server.answer(ms_chap(user_name), typed)


def log_in_by_ttls_pap(server: VirtualServer, typed: str, user_name: str = EMAIL) -> Reply:
    """User-Password inside a tunnel."""
    return server.answer_eap(pap(typed, user_name), typed)


def log_in_by_ttls_ms_chap(server: VirtualServer, typed: str, user_name: str = EMAIL) -> Reply:
    """MS-CHAP2-Response inside a tunnel."""
    return server.answer_eap(ms_chap(user_name), typed)


def log_in_by_peap(server: VirtualServer, typed: str, user_name: str = EMAIL) -> Reply:
    """EAP-MSCHAPv2 inside a tunnel."""
    return server.answer_eap(tunnelled(user_name), typed)


def log_in_by_gtc(server: VirtualServer, typed: str, user_name: str = EMAIL) -> Reply:
    """EAP-GTC inside a tunnel: the password beside EAP-Message."""
    return server.answer_eap(tunnelled(user_name), typed, gtc=True)


MAC = "02:00:00:ab:cd:ef"
"""DEVICE in one notation."""

AT_THE_PAGE = [log_in_by_pap, log_in_by_chap, log_in_by_ms_chap]
IN_A_TUNNEL = [log_in_by_ttls_pap, log_in_by_ttls_ms_chap, log_in_by_peap, log_in_by_gtc]
EVERY_WAY = AT_THE_PAGE + IN_A_TUNNEL


# The rules, the same on every way


@pytest.mark.parametrize("log_in", EVERY_WAY)
@pytest.mark.parametrize(
    ("devices", "slot", "outcome", "reason"),
    [
        ((MAC,), Answer.FULL, "accept", Reason.VALID),
        ((), Answer.TAKEN, "accept", Reason.VALID),
        ((), Answer.FULL, "reject", Reason.TOO_MANY_DEVICES),
        ((), Answer.AWAY, "accept", Reason.UNCOUNTED),
        (("02:00:00:00:00:09",), Answer.AWAY, "reject", Reason.TOO_MANY_DEVICES),
    ],
)
def test_r18_a_limit_of_devices(
    log_in: Login, devices: tuple[str, ...], slot: Answer, outcome: str, reason: Reason
) -> None:
    """A slot is asked for once in a login, where it is new."""
    server = VirtualServer(house(visit(7, max_devices=1, devices=devices)), DURING)
    server.slot = slot

    reply = log_in(server, PIN)

    assert reply.accepted == (outcome == "accept")
    assert (server.event.outcome, server.event.reason) == (outcome, reason)
    assert server.asked == ([] if devices == (MAC,) else [(7, MAC)])


def test_r22_a_remembered_device_is_in() -> None:
    """By MAC authentication, in FreeRADIUS as well."""
    table = house(visit(7, devices=(MAC,)), remember_devices=True)
    server = VirtualServer(table, DURING)

    assert server.answer(pap("020000abcdef", "02-00-00-AB-CD-EF")).accepted
    assert server.event.reason == Reason.REMEMBERED


@pytest.mark.parametrize("log_in", EVERY_WAY)
def test_a_right_pin_is_in_for_the_rest_of_its_window(log_in: Login) -> None:
    """R1 and R12: Session-Timeout and Class, and nothing else."""
    server = VirtualServer(house(visit(7)), DURING)

    assert log_in(server, PIN) == Reply(
        accepted=True,
        attributes={"Session-Timeout": "1800", "Class": f"0x{b'nexio/1/7/107'.hex()}"},
    )
    assert (server.event.outcome, server.event.reason) == ("accept", "valid")


@pytest.mark.parametrize("log_in", EVERY_WAY)
@pytest.mark.parametrize(
    ("changes", "now", "reason", "words"),
    [
        ({}, NINE - SECOND, Reason.NOT_YET, "Your Wi-Fi access starts at 09:00."),
        ({}, TEN - SECOND / 2, Reason.ENDED, "Your Wi-Fi access ended at 10:00."),
        ({"deleted_at": NINE}, DURING, Reason.DELETED, CANCELLED),
        ({"replaced": True}, DURING, Reason.REPLACED, "You were sent a newer PIN."),
        (
            {"token_id": None, "valid_from": None, "valid_until": None},
            DURING,
            Reason.NO_TOKEN,
            "Your visit does not include Wi-Fi. Please ask at the reception desk.",
        ),
        (
            {"revoked_at": NINE},
            DURING,
            Reason.REVOKED,
            "Your Wi-Fi access was ended. Please ask at the reception desk.",
        ),
        (
            {"valid_from": None, "valid_until": None},
            DURING,
            Reason.NOT_CHECKED_IN,
            "Your Wi-Fi access starts when you check in at the reception desk.",
        ),
    ],
)
def test_a_right_pin_that_does_not_count_is_told_why(
    log_in: Login, changes: dict[str, Any], now: datetime, reason: Reason, words: str
) -> None:
    """R11: in words where the login page shows them; one line in the log on every way."""
    server = VirtualServer(house(visit(**changes)), now)

    reply = log_in(server, PIN)

    assert not reply.accepted
    assert reply.words == (words if log_in in AT_THE_PAGE else None)
    assert (server.event.reason, server.event.visit_id) == (reason, 1)


@pytest.mark.parametrize("log_in", EVERY_WAY)
@pytest.mark.parametrize(
    ("typed", "user_name", "reason"),
    [
        (OTHER_PIN, EMAIL, Reason.WRONG_PIN),
        (PIN, "nobody@example.com", Reason.UNKNOWN_USER),
        (OTHER_PIN, "", Reason.UNKNOWN_USER),
    ],
)
@pytest.mark.parametrize("changes", [{}, {"deleted_at": NINE}])
def test_a_wrong_one_is_told_nothing(
    log_in: Login, typed: str, user_name: str, reason: Reason, changes: dict[str, Any]
) -> None:
    """R11: neither which part was wrong, nor whose visit it might have been."""
    server = VirtualServer(house(visit(**changes)), DURING)

    assert log_in(server, typed, user_name) == REJECT
    assert (server.event.reason, server.event.visit_id) == (reason, None)
    assert server.event.outcome == "reject"


@pytest.mark.parametrize("log_in", [log_in_by_pap, log_in_by_chap, log_in_by_ttls_pap])
def test_the_pin_picks_the_visit(log_in: Login) -> None:
    """R10: of several visits with one e-mail, where the password can be held against each."""
    evening = visit(2, pin=OTHER_PIN, valid_from=TEN, valid_until=TEN + HOUR)
    for typed, number, reason in ((PIN, 1, Reason.VALID), (OTHER_PIN, 2, Reason.NOT_YET)):
        server = VirtualServer(house(visit(), evening), DURING)
        log_in(server, typed)
        assert (server.event.visit_id, server.event.reason) == (number, reason)


@pytest.mark.parametrize("log_in", [log_in_by_ms_chap, log_in_by_ttls_ms_chap, log_in_by_peap])
def test_ms_chap_is_for_the_visit_whose_window_is_open(log_in: Login) -> None:
    """R10: the PIN of another visit of that e-mail is a wrong one there."""
    evening = visit(2, pin=OTHER_PIN, valid_from=TEN, valid_until=TEN + HOUR)

    assert log_in(VirtualServer(house(visit(), evening), DURING), PIN).accepted
    assert log_in(VirtualServer(house(visit(), evening), TEN), OTHER_PIN).accepted
    server = VirtualServer(house(visit(), evening), DURING)
    assert log_in(server, OTHER_PIN) == REJECT
    assert server.event.reason == Reason.WRONG_PIN


@pytest.mark.parametrize("log_in", EVERY_WAY)
def test_the_pin_alone_logs_in(log_in: Login) -> None:
    """R9: the User-Name is the PIN, which CHAP, MS-CHAP and EAP need; it is not logged."""
    table = house(visit(), wifi_login="pin", planned_guests=1)
    server = VirtualServer(table, DURING)

    assert log_in(server, PIN, PIN).accepted
    assert PIN not in repr(server.event)

    server = VirtualServer(table, DURING)
    assert log_in(server, OTHER_PIN, OTHER_PIN) == REJECT
    assert (server.event.reason, server.event.user_name) == (Reason.WRONG_PIN, MASK)


# MS-CHAP and EAP: what FreeRADIUS gets


def test_ms_chap_is_verified_against_the_pin() -> None:
    """rlm_python3: one Cleartext-Password, and who is to verify it."""
    server = VirtualServer(house(visit(7)), DURING)
    answer = server.plugin.authorize((*ms_chap(), *at(Stage.OUTER)))

    control = {name: value for name, _, value in answer.control}
    assert (answer.outcome, answer.reply) == (ReturnCode.OK, ())
    assert control.keys() == {"Cleartext-Password", "Auth-Type", NOTE}
    assert (control["Cleartext-Password"], control["Auth-Type"]) == (PIN, "MS-CHAP")
    assert PIN not in repr(answer)
    login = server.find(control[NOTE])
    assert login is not None
    assert login.visit_id == 7


def test_inside_the_tunnel_eap_gets_the_pin() -> None:
    """rlm_python3: FreeRADIUS's own EAP verifies it, so no Auth-Type is set."""
    pairs = (*tunnelled(), *at(Stage.INNER))

    control = VirtualServer(house(visit()), DURING).plugin.authorize(pairs).control

    assert {name for name, _, _ in control} == {"Cleartext-Password", NOTE}


@pytest.mark.parametrize("name", ["anonymous", EMAIL, "", "02-00-00-AB-CD-EF"])
def test_outside_of_the_tunnel_nobody_is_judged(name: str) -> None:
    """rlm_python3: whatever the outer identity says, it gets no PIN and no reject."""
    server = VirtualServer(house(visit()), DURING)

    assert server.plugin.authorize((("User-Name", name), EAP, DEVICE, *at(Stage.OUTER))) == PASSED
    assert server.events == []


@pytest.mark.parametrize("stage", [Stage.OUTER, Stage.INNER])
def test_a_password_beside_eap_is_rejected(stage: Stage) -> None:
    """Must 7: FreeRADIUS would otherwise choose one of them."""
    server = VirtualServer(house(visit()), DURING)

    answer = server.plugin.authorize((*pap(), EAP, *at(stage)))

    assert answer.outcome is ReturnCode.REJECT
    assert server.reason_of(answer) == Reason.CONTRADICTORY


def test_the_packet_that_gets_the_accept_must_not_contradict_itself() -> None:
    """Must 7: FreeRADIUS asks only about the first packet of an EAP login and about the last."""
    server = VirtualServer(house(visit()), DURING)
    proven = (PROVEN, server.keep(1))
    outside = (EAP, DEVICE, ("Calling-Station-Id", "02-00-00-00-00-99"))

    answer = server.plugin.post_auth((*outside, *at(Stage.OUTER), proven))

    assert answer.outcome is ReturnCode.REJECT
    assert server.reason_of(answer) == Reason.CONTRADICTORY


@pytest.mark.parametrize("log_in", [log_in_by_ms_chap, log_in_by_peap])
def test_a_pin_under_an_unknown_key_is_no_reject(log_in: Login) -> None:
    """Who asks may be right; the caller turns that into silence."""
    stranger = Keyring.of({"00000002": b"x" * 32}, "00000002")
    server = VirtualServer(house(visit(pin_sealed=stranger.seal(PIN, "visit.pin"))), DURING)

    with pytest.raises(KeyUnusable):
        log_in(server, PIN)
    assert server.events == []


@pytest.mark.parametrize(
    ("pairs", "reason"),
    [
        ((("User-Name", "anonymous"), EAP), Reason.EAP_FAILED),
        ((("User-Name", EMAIL),), Reason.UNSUPPORTED_METHOD),
        (ms_chap(), Reason.WRONG_PIN),
    ],
)
def test_a_reject_of_freeradius_itself_is_logged(pairs: Any, reason: Reason) -> None:
    """R11: a broken tunnel, no method at all, a wrong response; all without words."""
    server = VirtualServer(house(visit()), DURING)

    answer = server.plugin.post_auth((*pairs, *at(Stage.REJECTED)))

    assert (answer.outcome, answer.reply) == (ReturnCode.OK, ())
    assert (server.event.reason, server.event.visit_id) == (reason, None)


def test_beside_eap_there_are_no_words() -> None:
    """R11: RFC 3579 section 2.6.5; they stand in the log."""
    deleted = visit(deleted_at=NINE)
    server = VirtualServer(house(deleted), DURING)

    def reject(pairs: Pairs) -> CallResult:
        number = server.keep(rejected=Rejected(reason=Reason.DELETED, visit=deleted))
        return server.plugin.post_auth((*pairs, *at(Stage.REJECTED), (NOTE, number)))

    spoken, silent = reject(pap()), reject(tunnelled())

    assert spoken.reply == (("Reply-Message", ":=", CANCELLED),)
    assert silent.reply == ()
    assert [event.reason for event in server.events] == [Reason.DELETED] * 2


# Proofs


@pytest.mark.parametrize("stage", [Stage.OUTER, Stage.INNER])
@pytest.mark.parametrize("more", ["", "no number", (NOTE, 1), (PROVEN, 0), (PROVEN, 9)])
def test_nobody_is_in_without_a_proof(stage: Stage, more: Any) -> None:
    """R11: whatever in FreeRADIUS has let them pass."""
    server = VirtualServer(house(visit()), DURING)

    for pairs in (pap(), ms_chap(), tunnelled()):
        left = (PROVEN, more) if isinstance(more, str) else (more[0], server.keep(more[1]))
        answer = server.plugin.post_auth((*pairs, *at(stage), left))
        assert (answer.outcome, answer.reply) == (ReturnCode.REJECT, ())


@given(st.text())
def test_a_garbled_proof_is_none(text: str) -> None:
    """R11: it names no login, so nobody is accepted; and nothing is raised."""
    server = VirtualServer(house(visit(1)), DURING)
    assume(text != server.keep(1) and text != LOGGED)

    answer = server.plugin.post_auth((*pap(), *at(Stage.OUTER), (PROVEN, text)))
    server.plugin.post_auth((*pap(), *at(Stage.REJECTED), (NOTE, text)))

    assert (answer.outcome, answer.reply) == (ReturnCode.REJECT, ())
    assert {event.outcome for event in server.events} == {"reject"}


def test_of_too_many_logins_the_oldest_is_forgotten() -> None:
    """R11: whoever begins logins and never ends them fills no memory, and proves nothing."""
    server = VirtualServer(house(visit()), DURING)
    first, *_, last = [server.keep(1) for _ in range(MOST + 1)]

    outcomes = [
        server.plugin.post_auth((*ms_chap(), *at(Stage.OUTER), (PROVEN, number))).outcome
        for number in (first, last)
    ]

    assert outcomes == [ReturnCode.REJECT, ReturnCode.OK]


def test_a_proof_counts_once() -> None:
    """R11: an accept ends a login."""
    server = VirtualServer(house(visit()), DURING)
    pairs = (*ms_chap(), *at(Stage.OUTER), (PROVEN, server.keep(1)))

    outcomes = [server.plugin.post_auth(pairs).outcome for _ in range(2)]

    assert outcomes == [ReturnCode.OK, ReturnCode.REJECT]


@pytest.mark.parametrize(("pairs", "stage"), [(ms_chap(), Stage.OUTER), (ms_chap(), Stage.INNER)])
def test_a_response_is_one_guess(pairs: Pairs, stage: Stage) -> None:
    """R11: counted when it comes, and not again where FreeRADIUS asks before it verifies it."""
    server = VirtualServer(house(visit()), DURING)
    control = server.plugin.authorize((*pairs, *at(stage))).control
    number = next(value for name, _, value in control if name == NOTE)
    login = server.find(number)
    assert login is not None
    guess = login.guess

    again = server.plugin.authenticate((*pairs, *at(stage), (NOTE, number)))

    assert again == CallResult(outcome=ReturnCode.OK)
    assert guess == login.guess > 0


def test_a_reject_of_ours_needs_no_second_call() -> None:
    """R11: its words come at once, and an older policy.d/nexio, which asks again, logs it once."""
    server = VirtualServer(house(visit(deleted_at=NINE)), DURING)

    answer = server.plugin.authorize((*pap(), *at(Stage.OUTER)))
    again = server.plugin.post_auth((*pap(), *at(Stage.REJECTED), (NOTE, LOGGED)))

    assert answer.reply == (("Reply-Message", ":=", CANCELLED),)
    assert answer.control == ((NOTE, ":=", LOGGED),)
    assert again == CallResult(outcome=ReturnCode.OK)
    assert server.event.reason == Reason.DELETED


def test_time_goes_on_between_the_proof_and_the_end() -> None:
    """R1 and R12: the accept is for what is left when it is sent, not when the PIN was proven."""
    server = VirtualServer(house(visit()), TEN - 2 * SECOND)
    proven = (PROVEN, server.keep(1))

    assert log_in_by_pap(server, PIN).attributes["Session-Timeout"] == "2"
    server.clock.advance(seconds=1.5)
    answer = server.plugin.post_auth((*pap(), *at(Stage.OUTER), proven))
    assert answer.outcome is ReturnCode.REJECT


def test_a_visit_that_is_removed_meanwhile_is_nobodys() -> None:
    """R13: between the proof and the end of the login."""
    server = VirtualServer(house(visit(2)), DURING)

    answer = server.plugin.post_auth((*pap(), *at(Stage.OUTER), (PROVEN, server.keep(1))))

    assert answer.outcome is ReturnCode.REJECT
    assert server.reason_of(answer) == Reason.UNKNOWN_USER


# Where, and which service


def test_the_ssid_says_which_location_it_is() -> None:
    """R19: the access point's name is logged, or what it calls itself."""
    table = house(visit(), nas_entries=[nas(name="lobby", ssid="Guests")])
    called = ("Called-Station-Id", "02-00-00-00-00-01:Guests")
    server = VirtualServer(table, DURING)
    assert server.answer((*pap(), called)).accepted
    assert (server.event.nas, server.event.location_id) == ("lobby", 1)

    server = VirtualServer(table, DURING)
    assert server.answer((*pap(), ("NAS-Identifier", "ap\n\x1b[2J"))) == REJECT
    assert (server.event.nas, server.event.location_id) == (r"ap\n\x1b[2J", None)
    assert server.event.reason == Reason.NO_LOCATION


def test_an_address_of_nobody_is_no_location() -> None:
    """R19 and Must 1: an access point that was removed while FreeRADIUS remembers it."""
    server = VirtualServer(house(visit(), nas_entries=[]), DURING)

    assert server.answer(pap()) == REJECT
    assert (server.event.reason, server.event.nas) == (Reason.NO_LOCATION, ADDRESS)


def test_in_a_tunnel_nobody_looks_like_everybody() -> None:
    """R11: an e-mail that nobody has gets a challenge, too; the log knows better."""
    server = VirtualServer(house(visit()), DURING)

    known = server.plugin.authorize((*tunnelled(), *at(Stage.INNER)))
    unknown = server.plugin.authorize(
        (("User-Name", "nobody@example.com"), EAP, DEVICE, *at(Stage.INNER))
    )

    assert [name for name, _, _ in known.control] == [name for name, _, _ in unknown.control]
    assert unknown.outcome is ReturnCode.OK
    assert server.answer_eap((("User-Name", "nobody@example.com"), EAP, DEVICE), PIN) == REJECT
    assert server.event.reason == Reason.UNKNOWN_USER


@pytest.mark.parametrize("limited", [True, False])
@pytest.mark.parametrize("signed", [True, False])
def test_must_12_proxy_state_without_a_signature(limited: bool, signed: bool) -> None:
    """Must 12: FreeRADIUS 3.2.1 does not know that limit, so the plugin holds it."""
    weak = nas(require_message_authenticator=False, limit_proxy_state=limited)
    server = VirtualServer(house(visit(), nas_entries=[weak]), DURING)
    pairs = (*pap(), ("Proxy-State", "0x01"))

    if limited and not signed:
        with pytest.raises(Discarded):
            server.answer(pairs)
    else:
        signature = (("Message-Authenticator", "0x00"),) if signed else ()
        assert server.answer((*pairs, *signature)).accepted


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        (("Service-Type", "Administrative-User"), Reason.UNSUPPORTED_SERVICE),
        (("Service-Type", "Call-Check"), Reason.MAC_AUTHENTICATION),
        (("User-Password", PIN), Reason.CONTRADICTORY),
    ],
)
def test_other_requests_are_rejected(more: tuple[str, str], reason: Reason) -> None:
    """R22 and Must 7: the PIN is no help."""
    for pairs in ((*pap(), more), (*chap_pairs(), more), (*ms_chap(), more)):
        server = VirtualServer(house(visit()), DURING)
        assert server.answer(pairs, PIN) == REJECT
        assert server.event.reason == reason


@pytest.mark.parametrize("station", [None, "192.0.2.7", "02-00-00-AB-CD-EF"])
def test_a_virtual_port_is_an_administrators_only_without_a_device(station: str | None) -> None:
    """R22: guest portals (FortiGate) send Virtual as well, with the MAC address of the device."""
    said = (("Service-Type", "Login-User"), ("NAS-Port-Type", "Virtual"))
    device = () if station is None else (("Calling-Station-Id", station),)
    for asked in (pap(), chap_pairs(), ms_chap()):
        server = VirtualServer(house(visit()), DURING)
        pairs = (*(pair for pair in asked if pair != DEVICE), *said, *device)
        assert server.answer(pairs, PIN).accepted is (station == DEVICE[1])
        reason = Reason.VALID if station == DEVICE[1] else Reason.UNSUPPORTED_SERVICE
        assert server.event.reason == reason


# The log


def test_the_log_says_who_and_where() -> None:
    """What `nexio log` shows."""
    server = VirtualServer(house(visit(7)), DURING)

    server.answer(pap())

    event = server.event
    assert (event.at, event.user_name, event.device) == (DURING, EMAIL, "02:00:00:ab:cd:ef")
    assert (event.nas, event.location_id, event.visit_id) == ("ap-1", 1, 7)
    assert len(bytes.fromhex(event.record_id)) == 16


@pytest.mark.parametrize("log_in", IN_A_TUNNEL)
def test_an_accept_in_a_tunnel_names_the_visitor(log_in: Login) -> None:
    """Outside they are all "anonymous"."""
    server = VirtualServer(house(visit()), DURING)

    log_in(server, PIN)

    assert server.event.user_name == EMAIL


@pytest.mark.parametrize("user_name", [PIN, f"{PIN} ", OTHER_PIN, f"{PIN}@example.com"])
def test_a_name_that_could_be_a_pin_is_masked(user_name: str) -> None:
    """Guests type their PIN into the wrong field."""
    server = VirtualServer(house(visit()), DURING)

    server.answer(pap(PIN, user_name))

    assert PIN not in repr(server.event)
    assert MASK in server.event.user_name


@pytest.mark.parametrize(("stage", "key"), [(Stage.OUTER, PROVEN), (Stage.REJECTED, NOTE)])
def test_the_time_of_all_calls_is_added(stage: Stage, key: str) -> None:
    """Microseconds, without FreeRADIUS's own delay."""
    server = VirtualServer(house(visit()), DURING)

    number = server.keep(1, took_us=60_000_000)
    server.plugin.post_auth((*pap(), *at(stage), (key, number)))

    assert 60_000_000 <= server.event.latency_us < 120_000_000


def test_a_refusal_after_the_proof_has_the_time_of_both() -> None:
    """What authorize took goes on to the last call."""
    server = VirtualServer(house(visit()), TEN)
    number = server.keep(1, took_us=60_000_000)

    server.plugin.post_auth((*pap(), *at(Stage.OUTER), (PROVEN, number)))

    assert 60_000_000 <= server.event.latency_us < 120_000_000


def test_each_decision_is_another_record() -> None:
    """Exactly once by record id."""
    server = VirtualServer(house(visit()), DURING)
    for _ in range(3):
        server.answer(pap())

    assert len({event.record_id for event in server.events}) == 3


# Clients


def asked_for(address: str, *entries: Any) -> tuple[ReturnCode, dict[str, str]]:
    """What FreeRADIUS learns of an address."""
    server = VirtualServer(house(nas_entries=entries))
    answer = server.plugin.authorize(at(Stage.CLIENT, address))
    assert server.events == []
    return answer.outcome, {name: value for name, _, value in answer.control}


@pytest.mark.parametrize(
    ("network", "address", "attribute"),
    [
        ("192.0.2.7", "192.0.2.7", "FreeRADIUS-Client-IP-Address"),
        ("192.0.2.0/24", "192.0.2.7", "FreeRADIUS-Client-IP-Address"),
        ("2001:db8::7", "2001:db8::7", "FreeRADIUS-Client-IPv6-Address"),
        ("2001:db8::/32", "2001:db8::7", "FreeRADIUS-Client-IPv6-Address"),
    ],
)
def test_an_access_point_is_known_by_its_address(
    network: str, address: str, attribute: str
) -> None:
    """Must 1: the one address that asked, never all of a network."""
    outcome, known = asked_for(address, nas(address=network, secret=rb"a \secret"))

    assert outcome is ReturnCode.OK
    assert known == {
        attribute: address,
        "FreeRADIUS-Client-Secret": r"a \\secret",
        "FreeRADIUS-Client-Shortname": "ap-1",
        "FreeRADIUS-Client-Require-MA": "yes",
    }


def test_an_access_point_without_message_authenticator_is_told_so() -> None:
    """Must 12: per NAS, and on by default."""
    _, known = asked_for(ADDRESS, nas(require_message_authenticator=False))

    assert known["FreeRADIUS-Client-Require-MA"] == "no"


@pytest.mark.parametrize("address", ["192.0.3.7", "2001:db8::7", ""])
def test_a_stranger_is_none_of_ours(address: str) -> None:
    """Must 1: FreeRADIUS then drops what it has sent."""
    assert asked_for(address, nas(address="192.0.2.0/24")) == (ReturnCode.NOOP, {})


def test_a_status_server_is_answered() -> None:
    """Must 18: as long as there is a table; nothing is logged."""
    server = VirtualServer(house())

    answer = server.plugin.authorize(at(Stage.STATUS))

    assert (answer.outcome, answer.reply, answer.control) == (ReturnCode.OK, (), ())
    assert server.events == []


# FreeRADIUS's words


def test_every_attribute_is_one_of_freeradiuss() -> None:
    """rlm_python3: one that it does not know is dropped, and the accept still goes."""
    ended = house(visit(deleted_at=NINE), nas_entries=[nas(), nas(2, "2001:db8::7")])
    asked: list[tuple[Table, str, Pairs]] = [
        (house(visit()), "authorize", (*pap(), *at(Stage.OUTER))),
        (house(visit()), "authorize", (*pap(), *at(Stage.INNER))),
        (house(visit()), "authorize", (*ms_chap(), *at(Stage.OUTER))),
        (house(visit()), "post_auth", (*pap(), *at(Stage.OUTER), (PROVEN, "1"))),
        (ended, "post_auth", (*pap(), *at(Stage.OUTER), (PROVEN, "1"))),
        (ended, "authorize", (*pap(), *at(Stage.OUTER))),
        (ended, "authorize", at(Stage.CLIENT)),
        (ended, "authorize", at(Stage.CLIENT, "2001:db8::7")),
    ]

    answers = []
    for table, call, pairs in asked:
        server = VirtualServer(table, DURING)
        assert server.keep(1) == "1"
        answers.append(getattr(server.plugin, call)(pairs))

    sent = {name for answer in answers for name, _, _ in answer.reply + answer.control}
    assert {
        "Session-Timeout",
        "Class",
        "Reply-Message",
        "Auth-Type",
        PROVEN,
        NOTE,
        *DECIDED,
    } <= sent
    assert sent - dictionary().attributes.keys() == set()
    assert {"yes", "no"} <= set(dictionary().values["FreeRADIUS-Client-Require-MA"].values())
