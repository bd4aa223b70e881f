"""From octets to octets, without a socket; time passes when a test says so."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nexio.keys import Keyring
from nexio.visits import PIN_PURPOSE
from radius_auth.discards import Discards, Ignored
from radius_auth.framing import Attribute, Code, Fault, Frame, frame
from radius_auth.packet import Distrust
from radius_auth.responder import Responder
from radius_auth.sockets import Source
from tests.clocks import Clock
from tests.radius_auth.access_requests import access_request, chap_attributes, verified
from tests.radius_auth.guests import (
    ANNEX,
    EMAIL,
    NINE,
    OTHER_PIN,
    PIN,
    SECOND,
    nas,
    table_of,
    visit,
    with_settings,
)
from tests.radius_auth.test_framing import almost_packets

if TYPE_CHECKING:
    from nexio.events import AuthEvent
    from nexio.following import FollowedVisit
    from nexio.nas import Nas
    from radius_auth.table import Table

AP = Source(3, ("127.0.0.1", 40000))
STRANGER = Source(3, ("127.0.0.9", 40000))
LONGEST_DELAY = 1.25


class Server:
    """A responder with its surroundings: half past nine, and nobody registered yet."""

    def __init__(self, *visits: FollowedVisit, nas_entries: tuple[Nas, ...] = (nas(),)) -> None:
        self.table: Table = table_of(*visits, nas_entries=nas_entries)
        self.clock = Clock(NINE + timedelta(minutes=30))
        self.monotonic = 1000.0
        self.events: list[AuthEvent] = []
        self.discards = Discards()
        self.age = timedelta(0)
        self.responder = Responder(self, self.events.append, 1.0, self.clock, self.discards)

    def wait(self, seconds: float) -> list[tuple[Source, bytes]]:
        """Let time pass; what is sent at its end."""
        self.monotonic += seconds
        self.clock.advance(seconds=seconds)
        return list(self.responder.due(self.monotonic))

    def receive(self, datagram: bytes, source: Source = AP) -> bytes | None:
        """What is answered at once."""
        return self.responder.receive(datagram, source, self.monotonic)

    def ask(self, datagram: bytes) -> Frame:
        """The verified reply, whenever it comes."""
        reply = self.receive(datagram)
        if reply is None:
            ((_, reply),) = self.wait(LONGEST_DELAY)
        return verified(datagram, reply)

    def reasons(self) -> list[str]:
        """What was decided."""
        return [event.reason for event in self.events]


WRONG = OTHER_PIN.encode()


# Who is answered


def test_a_stranger_is_discarded_before_anything_is_read() -> None:
    """Must 1: whatever the datagram is, the reason is its sender."""
    server = Server(visit())

    for datagram in (b"", b"nonsense", access_request()):
        assert server.receive(datagram, STRANGER) is None
    assert server.wait(10) == []
    assert server.discards.counts == {Ignored.UNKNOWN_CLIENT: 3}
    assert server.events == []


def forged(datagram: bytes) -> bytes:
    """The same with one bit changed on the way."""
    return datagram[:-1] + bytes([datagram[-1] ^ 1])


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
        Distrust.MESSAGE_AUTHENTICATOR_MISSING: 1,
        Distrust.UNEXPECTED_CODE: 1,
        Distrust.MESSAGE_AUTHENTICATOR_WRONG: 1,
    }
    assert server.events == []


def test_a_nas_that_cannot_sign_is_answered_where_that_is_allowed() -> None:
    """Must 12: off per NAS; then Proxy-State without Message-Authenticator is discarded."""
    server = Server(visit(), nas_entries=(nas(require_message_authenticator=False),))
    plain = access_request(signed=False)
    proxied = access_request(signed=False, attributes={Attribute.PROXY_STATE: [b"1"]})

    assert verified(plain, server.receive(plain)).code == Code.ACCESS_ACCEPT
    assert server.receive(proxied) is None
    assert server.discards.counts == {Distrust.PROXY_STATE_UNPROTECTED: 1}


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


def test_a_reject_waits() -> None:
    """Must 15: at least the reject delay, with jitter, and no longer than 1.25 times."""
    server = Server(visit())
    for number in range(50):
        assert server.receive(access_request(password=WRONG, identifier=number)) is None

    assert server.wait(0.999999) == []
    early, late = server.wait(0.125001), server.wait(0.125001)
    assert early
    assert late
    assert len(early) + len(late) == 50


def test_a_reject_holds_up_nobody_else() -> None:
    """Must 15: an accept that comes later goes first."""
    server = Server(visit())
    server.receive(access_request(password=WRONG, identifier=1))
    accepted = access_request(identifier=2)

    assert verified(accepted, server.receive(accepted)).code == Code.ACCESS_ACCEPT
    ((source, rejected),) = server.wait(LONGEST_DELAY)
    assert source == AP
    assert rejected[:2] == bytes([Code.ACCESS_REJECT, 1])


def test_replies_go_to_where_the_requests_came_from() -> None:
    """Must 10: each to its own socket, address and port."""
    server = Server(visit())
    sources = [Source(3, ("127.0.0.1", port), bytes([port % 256])) for port in range(40000, 40005)]
    for source in sources:
        server.receive(access_request(password=WRONG), source)

    sent = server.wait(LONGEST_DELAY)

    assert sorted((source for source, _ in sent), key=str) == sources


@pytest.mark.parametrize("password", [PIN.encode(), WRONG])
def test_proxy_states_come_back_in_order(password: bytes) -> None:
    """Must 8 and 9: in accept and reject, after Message-Authenticator."""
    states = [b"2", b"\0\xff", b"1", b"2"]
    datagram = access_request(password=password, attributes={Attribute.PROXY_STATE: states})

    reply = Server(visit()).ask(datagram)

    assert reply.values(Attribute.PROXY_STATE) == states
    assert reply.attributes[0][0] == Attribute.MESSAGE_AUTHENTICATOR


@pytest.mark.parametrize(
    ("held", "words"),
    [
        (visit(valid_from=NINE + 3600 * SECOND), b"Your Wi-Fi access starts at 10:00."),
        (visit(valid_until=NINE + 60 * SECOND), b"Your Wi-Fi access ended at 09:01."),
        (visit(deleted_at=NINE), b"This visit was cancelled."),
        (visit(replaced=True), b"You were sent a newer PIN."),
        (visit(location=2), b"Your visit is at another location."),
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


EAP: dict[int, list[bytes]] = {Attribute.EAP_MESSAGE: [b"\x02\0\0\x05\x01"]}
MS_CHAP = {26: [b"\0\0\x01\x37\x19\x34" + bytes(50)]}


@pytest.mark.parametrize(
    ("asked", "reason"),
    [
        ({"password": None, "attributes": EAP}, "unsupported method"),
        ({"password": None, "attributes": MS_CHAP}, "unsupported method"),
        ({"password": None}, "unsupported method"),
        ({"attributes": EAP}, "contradictory request"),
        ({"attributes": chap_attributes()}, "contradictory request"),
        ({"attributes": {Attribute.SERVICE_TYPE: [b"\1"]}}, "contradictory request"),
    ],
)
def test_a_method_that_cannot_be_served_is_rejected(asked: dict[str, Any], reason: str) -> None:
    """Must 6 and 7: EAP, MS-CHAP, none or two at once; never an accept, never silence."""
    server = Server(visit())

    assert server.ask(access_request(**asked)).code == Code.ACCESS_REJECT
    assert server.reasons() == [reason]


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


# Duplicates


def test_copies_of_an_accept_get_the_same_octets() -> None:
    """Must 14: five at once and one late: one decision, one reply."""
    server = Server(visit())
    datagram = access_request()

    replies = {server.receive(datagram) for _ in range(5)}
    server.wait(5)
    replies.add(server.receive(datagram))

    (reply,) = replies
    assert verified(datagram, reply).code == Code.ACCESS_ACCEPT
    assert len(server.events) == 1


def test_copies_of_a_reject_get_one_reply() -> None:
    """Must 14: dropped while it is held back, the same octets afterwards."""
    server = Server(visit())
    datagram = access_request(password=WRONG)

    assert [server.receive(datagram) for _ in range(5)] == [None] * 5
    ((_, reply),) = server.wait(LONGEST_DELAY)
    assert verified(datagram, reply).code == Code.ACCESS_REJECT
    assert server.receive(datagram) == reply
    assert server.wait(10) == []
    assert server.discards.counts == {Ignored.REPEATED: 4}
    assert len(server.events) == 1


def test_another_request_replaces_a_held_reject() -> None:
    """Must 14: the guest corrected the PIN; the old reject is never sent, and stands in the log."""
    server = Server(visit())
    wrong, right = access_request(password=WRONG), access_request()
    assert wrong[1] == right[1]

    server.receive(wrong)
    server.wait(0.5)
    reply = server.receive(right)

    assert verified(right, reply).code == Code.ACCESS_ACCEPT
    assert server.wait(10) == []
    assert server.reasons() == ["valid", "wrong PIN"]


def test_the_same_request_from_another_port_is_another_one() -> None:
    """Must 14: the key is source address and port, Identifier and socket."""
    server = Server(visit())
    datagram = access_request()

    for source in (AP, Source(3, ("127.0.0.1", 40001)), Source(4, ("127.0.0.1", 40000))):
        assert server.receive(datagram, source) is not None

    assert len(server.events) == 3


def test_a_forged_copy_does_not_disturb_a_held_reject() -> None:
    """Must 14: a bad Message-Authenticator never touches the cache."""
    server = Server(visit())
    datagram = access_request(password=WRONG)
    server.receive(datagram)

    assert server.receive(forged(access_request())) is None

    ((_, reply),) = server.wait(LONGEST_DELAY)
    assert verified(datagram, reply).code == Code.ACCESS_REJECT


# The late look


@pytest.mark.parametrize(
    ("before", "reason"),
    [((), "unknown user"), ((visit(2, pin=OTHER_PIN),), "wrong PIN")],
)
def test_a_visitor_registered_meanwhile_gets_on(
    before: tuple[FollowedVisit, ...], reason: str
) -> None:
    """Section 4 of the design, R12: an accept, for the time that is left when it is sent."""
    server = Server(*before)
    datagram = access_request()
    assert server.receive(datagram) is None

    server.wait(0.5)
    server.table.put([visit(1)])
    ((_, reply),) = server.wait(0.75)

    accepted = verified(datagram, reply)
    assert accepted.code == Code.ACCESS_ACCEPT
    assert accepted.values(Attribute.SESSION_TIMEOUT) == [(1798).to_bytes(4)]
    assert server.reasons() == ["valid"]
    assert server.receive(datagram) == reply


def test_a_token_that_came_meanwhile_counts() -> None:
    """Section 4 of the design: "no token" is looked up once more, too."""
    server = Server(visit(token_id=None, valid_from=None, valid_until=None))
    datagram = access_request()
    server.receive(datagram)
    server.table.put([visit()])

    assert verified(datagram, server.wait(LONGEST_DELAY)[0][1]).code == Code.ACCESS_ACCEPT


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
    """Section 4 of the design: only what the table may not have known is looked up again."""
    server = Server(before)
    datagram = access_request()
    server.receive(datagram)
    server.table.put([visit()])

    assert verified(datagram, server.wait(LONGEST_DELAY)[0][1]).code == Code.ACCESS_REJECT


def test_the_late_look_is_as_of_the_arrival() -> None:
    """Section 4 of the design: a request of 09:29:59.9 does not profit from its delay."""
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

    ((_, reply),) = server.wait(LONGEST_DELAY)

    assert verified(datagram, reply).values(Attribute.REPLY_MESSAGE) == [
        b"Your Wi-Fi access ended at 09:30."
    ]
    assert server.reasons() == ["ended"]


def test_another_store_in_place_of_this_one_stops_nothing() -> None:
    """Section 4 of the design: what is held back is answered, whatever was reloaded."""
    server = Server(visit(2, valid_until=NINE + SECOND, email="jo@example.com"))
    server.receive(access_request(identifier=1))
    server.receive(access_request("jo@example.com", identifier=2))
    server.table = table_of(locations=[ANNEX])

    sent = server.wait(LONGEST_DELAY)

    assert sorted(reply[:2] for _, reply in sent) == [b"\x03\x01", b"\x03\x02"]
    assert sorted(server.reasons()) == ["ended", "no location"]


# The key


OTHER_KEYRING = Keyring.of({"00000002": b"o" * 32}, "00000002")
SEALED_OTHERWISE = visit(pin_sealed=OTHER_KEYRING.seal(PIN, PIN_PURPOSE))


def test_without_the_key_there_is_silence() -> None:
    """Section 3 of the design: the guest may be right, so the NAS asks the next server."""
    server = Server(SEALED_OTHERWISE)

    assert server.receive(access_request(password=None, attributes=chap_attributes())) is None
    assert server.wait(10) == []
    assert server.discards.counts == {Ignored.KEY_MISSING: 1}
    assert server.events == []


def test_without_the_key_a_held_reject_is_not_sent() -> None:
    """Section 3 of the design: nor does it keep others from their answers."""
    server = Server()
    asked = access_request(password=None, attributes=chap_attributes(), identifier=1)
    other = access_request("jo@example.com", identifier=2)
    server.receive(asked)
    server.receive(other)
    server.table.put([SEALED_OTHERWISE])

    ((_, reply),) = server.wait(LONGEST_DELAY)

    assert verified(other, reply).code == Code.ACCESS_REJECT
    assert server.discards.counts == {Ignored.KEY_MISSING: 1}
    assert server.reasons() == ["unknown user"]


# The record


def test_a_decision_is_recorded_once() -> None:
    """Section 4 of the design: when it came, who, where and why."""
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
    """Section 4 of the design: exactly once by record id, so no two share one."""
    server = Server(visit())
    for identifier in range(20):
        server.ask(access_request(identifier=identifier))

    assert len({event.record_id for event in server.events}) == 20


def test_a_user_name_of_any_octets_is_answered() -> None:
    """Must 5: NULs and invalid UTF-8 end in a reject and a harmless record."""
    server = Server(visit())
    datagram = access_request(
        None, attributes={Attribute.USER_NAME: [b"\x1b[2J\xff\0" + EMAIL.encode()]}
    )

    assert server.ask(datagram).code == Code.ACCESS_REJECT
    assert server.events[0].user_name == "\\x1b[2J\\xff\\x00" + EMAIL


def test_padding_after_the_packet_changes_nothing() -> None:
    """Must 3: octets after Length are ignored, also by the cache."""
    server = Server(visit())
    datagram = access_request()

    assert server.receive(datagram + b"padding") == server.receive(datagram)
    assert frame(datagram).code == Code.ACCESS_REQUEST
    assert len(server.events) == 1


# Whatever comes


MESSAGE_AUTHENTICATOR_IS_OURS = {Attribute.MESSAGE_AUTHENTICATOR}
any_attributes = st.dictionaries(
    st.integers(1, 255).filter(lambda kind: kind not in MESSAGE_AUTHENTICATOR_IS_OURS)
    | st.sampled_from([1, 2, 3, 6, 26, 30, 31, 32, 33, 60, 61, 79]),
    st.lists(st.binary(max_size=64), min_size=1, max_size=3),
    max_size=12,
)


@given(any_attributes)
def test_every_request_is_answered_once(drawn: dict[int, list[bytes]]) -> None:
    """Must 5 and 6: any attributes, any octets: one verified reply, one record."""
    server = Server(visit())
    datagram = access_request(None, None, attributes=drawn)

    assert server.ask(datagram).code == Code.ACCESS_REJECT
    assert server.wait(10) == []
    (event,) = server.events
    assert event.user_name.isprintable()
    assert (event.device or "").isprintable()
    assert event.nas.isprintable()


@given(almost_packets() | st.binary(max_size=200))
def test_no_datagram_stops_it(datagram: bytes) -> None:
    """Must 3, 4 and 5: whatever a known NAS sends, an unsigned packet gets no answer."""
    server = Server(visit())

    assert server.receive(datagram) is None
    assert server.wait(10) == []
    assert sum(server.discards.counts.values()) == 1
