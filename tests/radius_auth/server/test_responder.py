"""From octets to octets, without a socket; time passes when a test says so."""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING, Any

import pytest

from nexio.keys.keyring import Keyring
from nexio.reception.visits import PIN_PURPOSE
from radius_auth.protocol.discards import DiscardReason
from radius_auth.protocol.packet import Attribute, Code, Fault
from tests.support.radius.access_requests import (
    EAP,
    access_request,
    chap_attributes,
    forged,
    verified,
)
from tests.support.radius.guests import (
    ANNEX,
    NINE,
    OTHER_PIN,
    PIN,
    SECOND,
    nas,
    table_of,
    visit,
    with_settings,
)
from tests.support.radius.responder import LONGEST_DELAY, Server

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nexio.network.following import FollowedVisit


WRONG = OTHER_PIN.encode()


# Who is answered


def test_what_cannot_be_trusted_is_discarded() -> None:
    """Must 3, 4, 11 and 12: by default a Message-Authenticator is a must."""
    server = Server(visit())

    for datagram in (
        b"",
        access_request()[:-1],
        access_request(signed=False),
        b"\x02" + access_request()[1:],
        forged(access_request()),
    ):
        assert server.receive(datagram) is None
    assert server.wait(10) == []
    assert server.discards.counts == {
        Fault.TOO_SHORT: 1,
        Fault.TRUNCATED: 1,
        DiscardReason.MESSAGE_AUTHENTICATOR_MISSING: 1,
        DiscardReason.UNEXPECTED_CODE: 1,
        DiscardReason.MESSAGE_AUTHENTICATOR_WRONG: 1,
    }
    assert server.events == []


# Answers


def test_an_accept_goes_out_at_once() -> None:
    """Must 6, 9 and R12: signed first, with the time that is left and Class."""
    server = Server(visit(7))
    datagram = access_request()

    reply = verified(datagram, server.receive(datagram))

    assert reply.code == Code.ACCESS_ACCEPT
    assert reply.attributes[0][0] == Attribute.MESSAGE_AUTHENTICATOR
    assert reply.values(Attribute.SESSION_TIMEOUT) == [(1800).to_bytes(4)]
    assert reply.values(Attribute.CLASS) == [b"nexio/1/7/107"]
    assert reply.values(Attribute.REPLY_MESSAGE) == []
    assert server.responder.next_due() is None


@pytest.mark.parametrize(
    ("held", "words"),
    [
        (visit(valid_from=NINE + 3600 * SECOND), b"Your Wi-Fi access starts at 10:00."),
        (visit(valid_until=NINE + 60 * SECOND), b"Your Wi-Fi access ended at 09:01."),
        (visit(deleted_at=NINE), b"This visit was cancelled."),
        (visit(replaced=True), b"You were sent a newer PIN."),
        (visit(token_id=None), b"Your visit does not include Wi-Fi."),
    ],
)
def test_who_knows_the_pin_is_told_why(held: FollowedVisit, words: bytes) -> None:
    """R11: in Reply-Message."""
    reply = Server(held).ask(access_request())

    assert reply.code == Code.ACCESS_REJECT
    assert reply.values(Attribute.REPLY_MESSAGE)[0].startswith(words)


def test_the_words_are_on_the_clock_of_the_visit() -> None:
    """R1 and R11: a guest of Berlin who roams is told Berlin's time."""
    of_berlin = visit(location=2, valid_until=NINE + 60 * SECOND)
    server = Server(of_berlin)
    server.table.locations = {
        1: with_settings(server.table.locations[1], roaming=True),
        2: ANNEX,
    }

    reply = server.ask(access_request())

    assert reply.values(Attribute.REPLY_MESSAGE) == [b"Your Wi-Fi access ended at 10:01."]


@pytest.mark.parametrize(
    "asked",
    [
        {"password": WRONG},
        {"user_name": "nobody@example.com"},
        {"user_name": None},
        {"password": None},
        {"attributes": {Attribute.SERVICE_TYPE: [bytes([0, 0, 0, 6])]}},
    ],
)
def test_nobody_else_is_told_anything(asked: dict[str, Any]) -> None:
    """Must 6 and R11: rejected, and all rejects look the same."""
    datagram = access_request(**asked)

    reply = Server(visit(valid_until=NINE + 60 * SECOND)).ask(datagram)

    assert reply.code == Code.ACCESS_REJECT
    assert [kind for kind, _ in reply.attributes] == [Attribute.MESSAGE_AUTHENTICATOR]


def test_there_are_no_words_beside_eap() -> None:
    """R11: RFC 3579 section 2.6.5, even where the PIN beside it would be right."""
    server = Server(visit(valid_until=NINE + SECOND))

    reply = server.ask(access_request(attributes=EAP))

    assert reply.code == Code.ACCESS_REJECT
    assert reply.values(Attribute.REPLY_MESSAGE) == []


def test_chap_is_served() -> None:
    """Must 6: the PIN's response is an accept, another one a reject."""
    server = Server(visit())
    right = access_request(password=None, attributes=chap_attributes())
    wrong = access_request(password=None, attributes=chap_attributes(OTHER_PIN), identifier=8)

    assert server.ask(right).code == Code.ACCESS_ACCEPT
    assert server.ask(wrong).code == Code.ACCESS_REJECT


def test_the_ssid_leads_to_the_location() -> None:
    """R19: one controller, two locations; an SSID of neither is rejected."""
    server = Server(
        visit(), nas_entries=(nas(1, ssid="Harbour"), nas(2, ssid="Annex", location=ANNEX))
    )

    def on(ssid: bytes) -> bytes:
        return access_request(
            attributes={Attribute.CALLED_STATION_ID: [b"02-00-00-00-00-01:" + ssid]}
        )

    replies = [server.ask(on(ssid)).code for ssid in (b"Harbour", b"Annex", b"Staff")]

    assert replies == [Code.ACCESS_ACCEPT, Code.ACCESS_REJECT, Code.ACCESS_REJECT]
    assert server.reasons() == ["valid", "wrong location", "no location"]
    assert [(event.nas, event.location_id) for event in server.events] == [
        ("ap-1", 1),
        ("ap-2", 2),
        ("", None),
    ]


# The late look


@pytest.mark.parametrize(
    ("before", "reason"),
    [((), "unknown user"), ((visit(2, pin=OTHER_PIN),), "wrong PIN")],
)
def test_a_visitor_registered_meanwhile_gets_on(
    before: tuple[FollowedVisit, ...], reason: str
) -> None:
    """R12: an accept, for the time that is left when it is sent."""
    server = Server(*before)
    datagram = access_request()
    assert server.receive(datagram) is None

    server.wait(0.5)
    server.table.put([visit(1)])
    ((reply, _),) = server.wait(0.75)

    accepted = verified(datagram, reply)
    assert accepted.code == Code.ACCESS_ACCEPT
    assert accepted.values(Attribute.SESSION_TIMEOUT) == [(1798).to_bytes(4)]
    assert server.reasons() == ["valid"]
    assert server.receive(datagram) == reply


def test_a_visitor_whose_change_is_half_read_gets_on() -> None:
    """A follower puts many visits into the table, and requests are decided meanwhile."""
    server = Server()
    datagram = access_request()

    def read() -> Iterator[FollowedVisit]:
        yield visit(2, email="jo@example.com", pin=OTHER_PIN)
        assert server.receive(datagram) is None
        yield visit(1)

    server.table.put(read())

    assert verified(datagram, server.wait(LONGEST_DELAY)[0][0]).code == Code.ACCESS_ACCEPT


def test_a_token_that_came_meanwhile_counts() -> None:
    """A reject with "no token" is looked up once more, too."""
    server = Server(visit(token_id=None, valid_from=None, valid_until=None))
    datagram = access_request()
    server.receive(datagram)
    server.table.put([visit()])

    assert verified(datagram, server.wait(LONGEST_DELAY)[0][0]).code == Code.ACCESS_ACCEPT


@pytest.mark.parametrize(
    "before",
    [
        visit(deleted_at=NINE),
        visit(valid_until=NINE + SECOND),
        visit(revoked_at=NINE),
        visit(replaced=True),
        visit(valid_from=NINE + 3600 * SECOND),
    ],
)
def test_what_was_settled_stays_settled(before: FollowedVisit) -> None:
    """Only what the table may not have known is looked up again."""
    server = Server(before)
    datagram = access_request()
    server.receive(datagram)
    server.table.put([visit()])

    assert verified(datagram, server.wait(LONGEST_DELAY)[0][0]).code == Code.ACCESS_REJECT


def test_the_late_look_is_as_of_the_arrival() -> None:
    """A request of 09:29:59.9 does not profit from its delay."""
    server = Server()
    server.receive(access_request())
    server.table.put([visit(valid_from=server.clock.now + SECOND / 10)])
    server.wait(LONGEST_DELAY)

    assert server.reasons() == ["not yet"]


def test_a_window_that_ends_during_the_delay_is_over() -> None:
    """R12: with less than a second left when it is sent, the answer is "ended"."""
    server = Server()
    datagram = access_request()
    server.receive(datagram)
    server.table.put([visit(valid_until=server.clock.now + 2 * SECOND)])

    ((reply, _),) = server.wait(LONGEST_DELAY)

    assert verified(datagram, reply).values(Attribute.REPLY_MESSAGE) == [
        b"Your Wi-Fi access ended at 09:30."
    ]
    assert server.reasons() == ["ended"]


def test_another_store_in_place_of_this_one_stops_nothing() -> None:
    """What is held back is answered, whatever was reloaded."""
    server = Server(visit(2, valid_until=NINE + SECOND, email="jo@example.com"))
    server.receive(access_request(identifier=1))
    server.receive(access_request("jo@example.com", identifier=2))
    server.table = table_of(locations=[ANNEX])

    sent = server.wait(LONGEST_DELAY)

    assert sorted(reply[:2] for reply, _ in sent) == [b"\x03\x01", b"\x03\x02"]
    assert sorted(server.reasons()) == ["ended", "no location"]


# The key


OTHER_KEYRING = Keyring.of({"00000002": b"o" * 32}, "00000002")
SEALED_OTHERWISE = visit(pin_sealed=OTHER_KEYRING.seal(PIN, PIN_PURPOSE))


def test_without_the_key_there_is_silence() -> None:
    """The guest may be right, so the NAS asks the next server."""
    server = Server(SEALED_OTHERWISE)

    assert server.receive(access_request(password=None, attributes=chap_attributes())) is None
    assert server.wait(10) == []
    assert server.discards.counts == {DiscardReason.KEY_MISSING: 1}
    assert server.events == []


def test_what_got_no_answer_is_tried_again() -> None:
    """Not before the NAS asks again, with the same octets."""
    server = Server(SEALED_OTHERWISE)
    asked = access_request(password=None, attributes=chap_attributes())
    assert server.receive(asked) is None
    server.table.put([visit()])

    assert server.ask(asked).code == Code.ACCESS_ACCEPT
    assert server.discards.counts == {DiscardReason.KEY_MISSING: 1}


def test_without_the_key_a_held_reject_is_not_sent() -> None:
    """Nor does it keep others from their answers."""
    server = Server()
    asked = access_request(password=None, attributes=chap_attributes(), identifier=1)
    other = access_request("jo@example.com", identifier=2)
    server.receive(asked)
    server.receive(other)
    server.table.put([SEALED_OTHERWISE])

    ((reply, _),) = server.wait(LONGEST_DELAY)

    assert verified(other, reply).code == Code.ACCESS_REJECT
    assert server.discards.counts == {DiscardReason.KEY_MISSING: 1}
    assert server.reasons() == ["unknown user"]
    server.table.put([visit()])
    assert server.ask(asked).code == Code.ACCESS_ACCEPT


# The record


def test_a_decision_is_recorded_once() -> None:
    """When it came, who, where and why."""
    server = Server(visit(7))
    arrived = server.clock.now
    datagram = access_request(
        " Zoe@Example.com",
        WRONG,
        attributes={Attribute.CALLING_STATION_ID: [b"02-00-00-AB-CD-EF"]},
    )
    server.receive(datagram)
    server.wait(LONGEST_DELAY)
    server.receive(datagram)

    (event,) = server.events
    assert (event.at, event.user_name, event.device) == (
        arrived,
        " Zoe@Example.com",
        "02:00:00:ab:cd:ef",
    )
    assert (event.nas, event.location_id, event.visit_id) == ("ap-1", 1, None)
    assert (event.outcome, event.reason) == ("reject", "wrong PIN")
    assert len(bytes.fromhex(event.record_id)) == 16
    assert 0 <= event.latency_us < 1_000_000


def test_an_accept_names_the_visit() -> None:
    """R10: which of several it was."""
    server = Server(visit(7), visit(8, pin=OTHER_PIN))
    server.receive(access_request())

    (event,) = server.events
    assert (event.outcome, event.reason, event.visit_id) == ("accept", "valid", 7)


@pytest.mark.parametrize("user_name", [PIN, f" {PIN[:3]} {PIN[3:]} ", "12345-67"])
def test_a_pin_in_the_wrong_field_is_masked(user_name: str) -> None:
    """Must 20: no PIN is in the record, wherever the guest typed it."""
    server = Server(visit())
    server.ask(access_request(user_name))

    (event,) = server.events
    assert event.user_name == "******"
    assert PIN not in repr(event)


def test_no_password_is_in_the_record() -> None:
    """Must 20: neither a right one nor a wrong one."""
    server = Server(visit())
    server.ask(access_request())
    server.ask(access_request(password=b"hunter2", identifier=8))

    assert len(server.events) == 2
    assert PIN not in repr(server.events)
    assert "hunter2" not in repr(server.events)


def test_records_have_ids_of_their_own() -> None:
    """Exactly once by record id, so no two share one."""
    server = Server(visit())
    for identifier in range(20):
        server.ask(access_request(identifier=identifier))

    assert len({event.record_id for event in server.events}) == 20


def test_no_login_leaves_work_for_the_garbage_collector() -> None:
    """A worker may do without one: what is done with is freed at once, whatever came."""
    lost = visit(2, email="jo@example.com", pin_sealed=SEALED_OTHERWISE.pin_sealed)
    server = Server(visit(), lost)
    loads = [
        [
            access_request(),
            access_request(password=WRONG),
            access_request(password=None, attributes=chap_attributes(OTHER_PIN)),
            access_request("jo@example.com", None, attributes=chap_attributes()),
            access_request("nobody@example.com"),
            access_request(attributes=EAP),
            access_request(signed=False),
            access_request()[:-1],
            forged(access_request()),
            b"",
        ]
        for _ in range(20)
    ]
    gc.collect()
    gc.disable()
    try:
        for load in loads:
            for datagram in [*load, *load]:
                server.receive(datagram)
            server.wait(LONGEST_DELAY)
            server.events.clear()
        assert server.discards.counts[DiscardReason.KEY_MISSING]
        assert gc.collect() == 0
    finally:
        gc.enable()
