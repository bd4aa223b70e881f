"""CHAP: a response that is held against the PIN of every candidate (R9, R10, RFC 2865 §5.3)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import timedelta
from importlib import resources
from itertools import permutations
from typing import Any

import pytest

from nexio.keys.keyring import Keyring
from nexio.network.following import FollowedVisit
from nexio.network.nas import NewNas, add_nas
from nexio.reception.visits import PIN_PURPOSE, Visit
from nexio.store.engine import Store
from radius_auth.decision.decide import Decision, decide
from radius_auth.decision.passwords import Chap
from radius_auth.decision.reasons import Reason
from radius_auth.guard import Guard
from radius_auth.protocol.discards import DiscardReason, Discards
from radius_auth.protocol.packet import Attribute, Code, Packet, read_packet
from radius_auth.replica.table import Table
from radius_auth.server.responder import Responder
from radius_auth.server.sockets import Source
from tests.support.clocks import Clock
from tests.support.people import add_location, register
from tests.support.radius.access_requests import access_request, chap_attributes, read, verified
from tests.support.radius.decisions import auth_event
from tests.support.radius.guests import (
    EMAIL,
    HOUR,
    HOUSE,
    KEYRING,
    NINE,
    OTHER_PIN,
    PIN,
    SECRET,
    chap,
    nas,
    request,
    table_of,
    visit,
    with_settings,
)
from tests.support.radius.radclient import radclient
from tests.support.radius.radiusd import Radiusd
from tests.support.stores import Template

HALF_PAST = NINE + HOUR / 2
AP = Source(3, ("127.0.0.1", 40000))
PIN_ALONE = with_settings(HOUSE, wifi_login="pin", planned_guests=1)


@dataclass(frozen=True, kw_only=True)
class CountingKeyring(Keyring):
    """A keyring that remembers what it was asked to open."""

    opened: list[bytes] = field(default_factory=list)

    def unseal(self, sealed: bytes, purpose: str) -> str:
        """Open it, and remember it."""
        self.opened.append(sealed)
        return super().unseal(sealed, purpose)


def counting() -> CountingKeyring:
    """The keyring of the tests, with its count at nothing."""
    return CountingKeyring(keys=KEYRING.keys, active=KEYRING.active)


# The arithmetic


def rfc_exchange() -> dict[str, Any]:
    """RFC 2865 section 7.2: flopsy dials in with CHAP."""
    vectors = json.loads((resources.files("tests.support.radius") / "rfc_vectors.json").read_text())
    (found,) = (each for each in vectors["exchanges"] if each["name"] == "CHAP accept")
    exchange: dict[str, Any] = found
    return exchange


def visit_with_word(word: str) -> FollowedVisit:
    """A visit whose PIN is the RFC's password, which is no PIN of ours."""
    return visit(pin_sealed=KEYRING.seal(word, PIN_PURPOSE))


def test_the_vector_of_the_rfc() -> None:
    """RFC 2865 §7.2: its response fits "arctangent", without CHAP-Challenge, and nothing else."""
    exchange = rfc_exchange()
    received = read_packet(bytes.fromhex(exchange["request"]))
    password = read(received, exchange["secret"].encode()).password
    assert isinstance(password, Chap)
    assert password.challenge == received.authenticator

    assert password.matches(visit_with_word(exchange["password"]), KEYRING)
    for word in ("Arctangent", "arctangent ", "", exchange["user"]):
        assert not password.matches(visit_with_word(word), KEYRING)


@pytest.mark.parametrize("changed", ["ident", "response", "challenge"])
def test_each_part_of_the_response_counts(changed: str) -> None:
    """RFC 2865 §2.2: MD5 over ident, PIN and challenge; another one of them does not fit."""
    right = chap()
    others: dict[str, Any] = {"ident": 8, "response": bytes(16), "challenge": b"d" * 16}
    assert right.matches(visit(), KEYRING)
    assert not right._replace(**{changed: others[changed]}).matches(visit(), KEYRING)


def test_what_is_forgiven_to_pap_is_not_to_chap() -> None:
    """R8: only where the password is visible; the NAS hashed the dash along with the PIN."""
    assert not chap(f"{PIN[:3]}-{PIN[3:]}").matches(visit(), KEYRING)
    assert not chap(f" {PIN}").matches(visit(), KEYRING)


def test_a_response_does_not_show() -> None:
    """Must 20: not in a repr, where it could be tried against all PINs."""
    assert repr(chap().response) not in repr(chap())
    assert "challenge" not in repr(chap())


# Each candidate (R10)


def decided(asked: Chap, *visits: FollowedVisit, keyring: Keyring = KEYRING) -> Decision:
    """The decision at half past nine."""
    table = table_of(*visits)
    table.keyring = keyring
    return decide(request(asked), table, Guard(), HALF_PAST)


PINS = ("482913", "004711", "999999")


@pytest.mark.parametrize("pins", list(permutations(PINS)))
def test_the_pin_picks_the_visit(pins: tuple[str, ...]) -> None:
    """R10: whichever of the visits of one e-mail it belongs to, in whatever order they came."""
    visits = [visit(number, pin=pin) for number, pin in enumerate(pins, 1)]
    for each, pin in zip(visits, pins, strict=True):
        decision = decided(chap(pin), *visits)
        assert (decision.reason, decision.visit) == (Reason.VALID, each)
    assert decided(chap("123456"), *visits).reason is Reason.WRONG_PIN


@pytest.mark.parametrize("typed", [*PINS, "123456"])
def test_every_candidate_is_tried(typed: str) -> None:
    """R10, Must 15: also after one has fitted, so that the time tells nothing."""
    visits = [visit(number, pin=pin) for number, pin in enumerate(PINS, 1)]
    keyring = counting()
    decided(chap(typed), *visits, keyring=keyring)
    assert sorted(keyring.opened) == sorted(each.pin_sealed for each in visits)


def test_ended_deleted_and_coming_visits_are_tried_too() -> None:
    """R10, R11: the right PIN of a visit that is over is told so, and not "wrong PIN"."""
    visits = [
        visit(1, pin=PINS[0], valid_from=NINE - 2 * HOUR, valid_until=NINE - HOUR),
        visit(2, pin=PINS[1], deleted_at=NINE),
        visit(3, pin=PINS[2], valid_from=NINE + HOUR, valid_until=NINE + 2 * HOUR),
    ]
    reasons = [decided(chap(pin), *visits).reason for pin in PINS]
    assert reasons == [Reason.ENDED, Reason.DELETED, Reason.NOT_YET]


def test_of_two_visits_with_the_same_pin_the_open_one_counts() -> None:
    """R10: a PIN that was freed and drawn again for the same guest."""
    over = visit(9, valid_from=NINE - 2 * HOUR, valid_until=NINE - HOUR)
    current = visit(1)
    decision = decided(chap(), over, current)
    assert (decision.reason, decision.visit) == (Reason.VALID, current)


# Where the PIN alone logs in (R9)


@pytest.mark.parametrize(
    ("user_name", "typed", "reason"),
    [
        (PIN, PIN, Reason.VALID),
        (f"{PIN[:3]}-{PIN[3:]}", PIN, Reason.VALID),  # the User-Name is visible: R8
        (PIN, OTHER_PIN, Reason.WRONG_PIN),
        (OTHER_PIN, PIN, Reason.WRONG_PIN),
        (EMAIL, PIN, Reason.WRONG_PIN),
        ("", PIN, Reason.WRONG_PIN),
    ],
)
def test_pin_login_needs_the_pin_as_user_name(user_name: str, typed: str, reason: Reason) -> None:
    """R9: from a CHAP response alone no PIN can be found; it must still fit."""
    table = table_of(visit(), locations=[PIN_ALONE])
    assert decide(request(chap(typed), user_name), table, Guard(), HALF_PAST).reason is reason


def test_pin_login_opens_only_the_pin_that_was_named() -> None:
    """R9: the User-Name leads to one visit of that location, by its digest."""
    table = table_of(visit(1), visit(2, pin=OTHER_PIN), locations=[PIN_ALONE])
    keyring = counting()
    table.keyring = keyring
    assert decide(request(chap(), PIN), table, Guard(), HALF_PAST).reason is Reason.VALID
    assert len(keyring.opened) == 1


# From octets to octets


class Server:
    """A responder whose rejects go out at once; half past nine."""

    def __init__(self, *visits: FollowedVisit) -> None:
        self.table: Table = table_of(*visits, nas_entries=[nas()])
        self.age = timedelta(0)
        self.discards = Discards()
        self._responder = Responder(
            self,
            0.0,
            Clock(HALF_PAST),
            self.discards,
        )

    @property
    def reasons(self) -> list[str]:
        """What was decided since the last look."""
        return [auth_event(each).reason for each in self._responder.take_events()]

    def ask(self, datagram: bytes) -> Packet | None:
        """The verified reply, or None for silence."""
        reply = self._responder.receive(datagram, AP, 1000.0)
        return None if reply is None else verified(datagram, reply)


def chap_request(challenge: bytes = b"challenge", pin: str = PIN) -> bytes:
    """An Access-Request with CHAP-Challenge."""
    return access_request(password=None, attributes=chap_attributes(pin, challenge))


@pytest.mark.parametrize("length", [5, 16, 253])
def test_with_a_challenge(length: int) -> None:
    """RFC 2865 §5.40: of any length that an attribute can have and a guest's NAS sends."""
    challenge = b"\xff\x00" * 200
    for pin, code in ((PIN, Code.ACCESS_ACCEPT), (OTHER_PIN, Code.ACCESS_REJECT)):
        reply = Server(visit()).ask(chap_request(challenge[:length], pin))
        assert reply is not None
        assert reply.code == code


def test_a_challenge_that_is_text_stays_octets() -> None:
    """pyrad: a challenge that happens to be UTF-8 is no reason to stumble."""
    reply = Server(visit()).ask(chap_request("größe".encode()))
    assert reply is not None
    assert reply.code == Code.ACCESS_ACCEPT


def test_the_challenge_is_not_the_authenticator_where_both_are_there() -> None:
    """RFC 2865 §5.40: a response to the Request Authenticator does not fit another challenge."""
    attributes = chap_attributes(PIN, b"challenge") | {Attribute.CHAP_CHALLENGE: [b"another one"]}
    server = Server(visit())
    reply = server.ask(access_request(password=None, attributes=attributes))
    assert reply is not None
    assert (reply.code, server.reasons) == (Code.ACCESS_REJECT, ["wrong PIN"])


def test_a_sealed_pin_that_cannot_be_opened_is_silence() -> None:
    """Never a reject to a guest who may be right; it is counted."""
    foreign = Keyring.of({"0000ffff": b"x" * 32}, "0000ffff").seal(PIN, PIN_PURPOSE)
    for damaged in (foreign, visit().pin_sealed[:-1], b""):
        server = Server(visit(pin_sealed=damaged))
        assert server.ask(chap_request()) is None
        assert server.discards.counts == {DiscardReason.KEY_MISSING: 1}
        assert server.reasons == []


def test_a_sealed_pin_that_cannot_be_opened_holds_up_no_other_visit() -> None:
    """R10: the guest's PIN of another visit is found beside it."""
    lost, good = visit(id=6, pin_sealed=visit().pin_sealed[:-1]), visit(id=7)
    server = Server(lost, good)
    reply = server.ask(chap_request())
    assert reply is not None
    assert reply.code == Code.ACCESS_ACCEPT


def test_a_sealed_pin_that_cannot_be_opened_does_not_hold_up_pap() -> None:
    """PINs are compared by their digests, nothing is opened."""
    server = Server(visit(pin_sealed=b""))
    reply = server.ask(access_request())
    assert reply is not None
    assert reply.code == Code.ACCESS_ACCEPT


# Debian's radclient at the real nexio-radiusd


@dataclass(frozen=True, kw_only=True)
class Running:
    """A server, and who is expected there."""

    port: int
    first: Visit
    second: Visit
    pin_only: Visit


@pytest.fixture(scope="module")
def running(
    _sqlite_template: Template, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Running]:
    """Two visits of one e-mail at Harbour House; a house where the PIN alone logs in."""
    configuration = _sqlite_template.copy(tmp_path_factory.mktemp("chap") / "nexio")
    with closing(Store.open(configuration)) as store:
        house = add_location(store, "Harbour House", "Europe/London", "visitor-tokens=on")
        words = ["visitor-tokens=on", "wifi-login=pin", "planned-guests=1", "pin-length=6"]
        annex = add_location(store, "Annex", "Europe/London", *words)
        with store.write() as work:
            for place, address in ((house, "127.0.0.1"), (annex, "127.0.0.5")):
                add_nas(
                    work, place, NewNas(name=place.name, address=address, secret=SECRET.decode())
                )
        first, second = register(store, house), register(store, house)
        pin_only = register(store, annex, email="ada@example.com")
    with Radiusd(configuration) as server:
        yield Running(port=server.port, first=first, second=second, pin_only=pin_only)


def log_in(running: Running, user_name: str, pin: str, **attributes: Any) -> str:
    """The code of the answer to CHAP."""
    return radclient(running.port, user_name, pin, method="CHAP-Password", **attributes).code


def test_radclient_without_a_challenge(running: Running) -> None:
    """R10, RFC 2865 §5.3: each PIN of the e-mail gets on, another one does not."""
    assert log_in(running, EMAIL, running.first.pin) == "Access-Accept"
    assert log_in(running, EMAIL, running.second.pin) == "Access-Accept"
    assert log_in(running, EMAIL, "wrong") == "Access-Reject"
    assert log_in(running, "ada@example.com", running.first.pin) == "Access-Reject"


def test_radclient_with_a_challenge(running: Running) -> None:
    """RFC 2865 §5.40: radclient hashes the challenge that it is given."""
    challenge = {"CHAP_Challenge": "0x" + "8899aabbccddeeff" * 2}
    assert log_in(running, EMAIL, running.second.pin, **challenge) == "Access-Accept"
    assert log_in(running, EMAIL, "wrong", **challenge) == "Access-Reject"


def test_radclient_with_the_pin_alone(running: Running) -> None:
    """R9: the PIN as User-Name gets on, the e-mail does not."""
    source = {"Packet_Src_IP_Address": "127.0.0.5"}
    pin = running.pin_only.pin
    assert log_in(running, pin, pin, **source) == "Access-Accept"
    assert log_in(running, running.pin_only.email, pin, **source) == "Access-Reject"
    assert log_in(running, pin, "wrong", **source) == "Access-Reject"
