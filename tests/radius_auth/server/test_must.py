"""Points 1 to 10 of what a RADIUS server must do: who is heard, what is a packet, what is said.

``pytest -k must_07`` runs all that holds a point; further tests of those names stand beside what
they test.  Points 11 to 20 are in ``test_must_trust.py``.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from radius_auth.protocol.discards import DiscardReason
from radius_auth.protocol.packet import Attribute, Code, Fault, read_packet
from radius_auth.server.sockets import Source
from tests.support.radius.access_requests import (
    EAP,
    MS_CHAP,
    access_request,
    chap_attributes,
    verified,
)
from tests.support.radius.datagrams import almost_packets, join
from tests.support.radius.guests import ANNEX, EMAIL, OTHER_PIN, PIN, SECRET, nas, visit
from tests.support.radius.responder import LONGEST_DELAY, STRANGER, Server
from tests.support.radius.signing import status_server, unsigned, with_body

WRONG = OTHER_PIN.encode()
TESTS = Path(__file__).parents[2]
GOOD = access_request(authenticator=bytes(range(16)))
"""The same octets in each process of the tests."""


def test_every_point_is_held() -> None:
    """A test of each of the 20 points can be found by its number."""
    found = {
        int(number)
        for path in TESTS.rglob("test_*.py")
        for number in re.findall(r"^def test_must_(\d+)_", path.read_text(), re.MULTILINE)
    }
    assert found == set(range(1, 21))


# 1. Who is answered


def test_must_01_a_stranger_is_discarded_before_anything_is_read() -> None:
    """Must 1: whatever the datagram is, the reason is its sender."""
    server = Server(visit())

    for datagram in (b"", b"nonsense", access_request()):
        assert server.receive(datagram, STRANGER) is None
    assert server.wait(10) == []
    assert server.discards.counts == {DiscardReason.UNKNOWN_CLIENT: 3}
    assert server.events == []


def test_must_01_the_secret_is_that_of_the_source_address() -> None:
    """Must 1: never that of NAS-IP-Address or NAS-Identifier, which anybody may write."""
    other = b"a secret of another house"
    server = Server(
        visit(), nas_entries=(nas(1), nas(2, "127.0.0.2", secret=other, identifier="annex"))
    )
    claims: dict[int, list[bytes]] = {
        Attribute.NAS_IP_ADDRESS: [bytes((127, 0, 0, 2))],
        Attribute.NAS_IDENTIFIER: [b"annex"],
    }
    datagram = access_request(attributes=claims)

    assert server.receive(datagram, Source(3, ("127.0.0.2", 40000))) is None
    assert server.discards.counts == {DiscardReason.MESSAGE_AUTHENTICATOR_WRONG: 1}
    assert verified(datagram, server.receive(datagram)).code == Code.ACCESS_ACCEPT


# 2 is in tests/nexio/network/test_nas.py: what a secret may be. Here: 64 octets work.


def test_must_02_a_secret_of_64_octets_works() -> None:
    """Must 2: not cut anywhere, neither for the signature nor for the password."""
    secret = SECRET + b"-" * (64 - len(SECRET))
    server = Server(visit(), nas_entries=(nas(secret=secret),))
    datagram = access_request(secret=secret)

    reply = server.receive(datagram)

    assert verified(datagram, reply, secret).code == Code.ACCESS_ACCEPT
    assert server.receive(access_request(secret=secret[:-1] + b"+")) is None


# 3. Code and Length


@pytest.mark.parametrize(
    ("datagram", "reason"),
    [
        (b"", Fault.TOO_SHORT),
        (GOOD[:19], Fault.TOO_SHORT),
        (b"\0" + GOOD[1:], Fault.CODE_ZERO),
        (with_body(length=19), Fault.LENGTH_TOO_SMALL),
        (with_body(b"\x1a\xff" * 2100), Fault.LENGTH_TOO_LARGE),
        (GOOD[:-1], Fault.TRUNCATED),
        *((bytes([code]) + GOOD[1:], DiscardReason.UNEXPECTED_CODE)
          for code in (2, 3, 4, 5, 11, 13, 40, 43, 255)),
    ],
)  # fmt: skip
def test_must_03_another_code_or_length_is_discarded(datagram: bytes, reason: object) -> None:
    """Must 3: wrong code for the port, code 0, under 20 octets, Length under 20, over 4096."""
    server = Server(visit())

    assert server.receive(datagram) is None
    assert server.wait(10) == []
    assert server.discards.counts == {reason: 1}


def test_must_03_octets_after_the_length_are_padding() -> None:
    """Must 3: octets after Length are ignored, also by the cache."""
    server = Server(visit())
    datagram = access_request()

    assert server.receive(datagram + b"padding") == server.receive(datagram)
    assert read_packet(datagram).code == Code.ACCESS_REQUEST
    assert len(server.events) == 1


# 4. Attributes


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"\x01", Fault.ATTRIBUTE_OVERRUN),
        (b"\x01\x00", Fault.ATTRIBUTE_TOO_SHORT),
        (b"\x01\x01", Fault.ATTRIBUTE_TOO_SHORT),
        (b"\x01\x05ab", Fault.ATTRIBUTE_OVERRUN),
        (b"\x00\x03a", Fault.ATTRIBUTE_TYPE_ZERO),
        (b"\x21\x02" * 200, Fault.TOO_MANY_ATTRIBUTES),
    ],
)
def test_must_04_attributes_fill_the_packet(body: bytes, reason: Fault) -> None:
    """Must 4: length 0 or 1, overrun, type 0, more than 200 (with the signature): discarded."""
    server = Server(visit())

    assert server.receive(with_body(body)) is None
    assert server.discards.counts == {reason: 1}


@given(almost_packets() | st.binary(max_size=200))
def test_must_04_no_datagram_stops_it(datagram: bytes) -> None:
    """Must 3, 4 and 5: whatever a known NAS sends, an unsigned packet gets no answer."""
    server = Server(visit())

    assert server.receive(datagram) is None
    assert server.wait(10) == []
    assert sum(server.discards.counts.values()) == 1


# 5. Odd contents


def test_must_05_a_user_name_of_any_octets_is_answered() -> None:
    """Must 5: NULs and invalid UTF-8 end in a reject and a harmless record."""
    server = Server(visit())
    datagram = access_request(
        None, attributes={Attribute.USER_NAME: [b"\x1b[2J\xff\0" + EMAIL.encode()]}
    )

    assert server.ask(datagram).code == Code.ACCESS_REJECT
    assert server.events[0].user_name == "\\x1b[2J\\xff\\x00" + EMAIL


def test_must_05_unknown_attributes_are_no_reason_to_drop() -> None:
    """Must 5: a vendor's odd encoding (RFC 2865 section 5.26), any type, any order."""
    odd = join(
        [(26, b"\0\0\x01\x37\x01\xff?"), (26, b""), (26, b"\0"), (199, b"\0\xff"), (64, b"")]
    )
    full = join([(26, b"\0\0\x01\x37" + b"\x01\x02" * 120)] * 15)
    for body in (odd, full):
        server = Server(visit())
        datagram = with_body(body)
        assert server.receive(datagram) is None
        ((reply, _),) = server.wait(LONGEST_DELAY)
        assert verified(datagram, reply).code == Code.ACCESS_REJECT

    guests = access_request(attributes={200: [b"?"], 26: [b"\0\0\0\x09\x01\xff"], 24: [b"\0"]})
    assert Server(visit()).ask(guests).code == Code.ACCESS_ACCEPT


# 6. A valid request is always answered


any_attributes = st.dictionaries(
    st.integers(1, 255).filter(lambda kind: kind != Attribute.MESSAGE_AUTHENTICATOR)
    | st.sampled_from([1, 2, 3, 6, 26, 30, 31, 32, 33, 60, 61, 79]),
    st.lists(st.binary(max_size=64), min_size=1, max_size=3),
    max_size=12,
)


@given(any_attributes)
def test_must_06_every_request_is_answered_once(drawn: dict[int, list[bytes]]) -> None:
    """Must 5 and 6: any attributes, any octets: one verified reply, one record."""
    server = Server(visit())
    datagram = access_request(None, None, attributes=drawn)

    assert server.ask(datagram).code == Code.ACCESS_REJECT
    assert server.wait(10) == []
    (event,) = server.events
    assert event.user_name.isprintable()
    assert (event.device or "").isprintable()
    assert event.nas.isprintable()


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
def test_must_06_a_method_that_cannot_be_served_is_rejected(
    asked: dict[str, Any], reason: str
) -> None:
    """Must 6 and 7: EAP, MS-CHAP, none or two at once; never an accept, never silence."""
    server = Server(visit())

    assert server.ask(access_request(**asked)).code == Code.ACCESS_REJECT
    assert server.reasons() == [reason]


# 7. One method, one of each


@pytest.mark.parametrize(
    "attributes",
    [
        {Attribute.USER_PASSWORD: [bytes(16), bytes(16)]},
        {Attribute.USER_NAME: [EMAIL.encode(), b"ada@example.com"]},
        {Attribute.CHAP_PASSWORD: chap_attributes()[Attribute.CHAP_PASSWORD]},
        EAP,
        MS_CHAP,
        {Attribute.CALLING_STATION_ID: [b"02-00-00-00-00-01", b"02-00-00-00-00-02"]},
        {Attribute.SERVICE_TYPE: [bytes(3)]},
    ],
)
def test_must_07_contradictions_are_rejected(attributes: dict[int, list[bytes]]) -> None:
    """Must 7: beside the right PIN a second method, or two of what is single-valued."""
    server = Server(visit())

    assert server.ask(access_request(attributes=attributes)).code == Code.ACCESS_REJECT
    assert server.reasons() == ["contradictory request"]


TWO_LOCATIONS = (
    nas(1, ssid="Guests"),
    nas(2, ssid="Annex", location=ANNEX),
    nas(3, identifier="x"),
)


@pytest.mark.parametrize(
    ("attributes", "reason"),
    [
        ({30: [b"02-00-00-00-00-01:Guests", b"0200.0000.0001:Guests"]}, "valid"),
        ({30: [b"02-00-00-00-00-01", b"02-00-00-00-00-01:Guests"]}, "valid"),
        ({30: [b"02-00-00-00-00-01:Guests", b"Staff"]}, "valid"),
        ({30: [b"02-00-00-00-00-01:Guests"], 32: [b"x", b"y"]}, "valid"),
        ({30: [b"02-00-00-00-00-01:Guests", b"02-00-00-00-00-01:Annex"]}, "contradictory request"),
        ({30: [b"Staff", b"Office"]}, "no location"),
    ],
)
def test_must_07_two_that_lead_to_one_location_are_one(
    attributes: dict[int, list[bytes]], reason: str
) -> None:
    """Must 7 and R22: some switches send Called-Station-Id twice, each in its own notation."""
    server = Server(visit(), nas_entries=TWO_LOCATIONS)

    server.ask(access_request(attributes=attributes))

    assert server.reasons() == [reason]


def test_must_07_two_right_passwords_are_no_accept() -> None:
    """Must 7: the PIN twice is a contradiction, not twice as right."""
    server = Server(visit())
    (right,) = read_packet(access_request(authenticator=bytes(16))).values(Attribute.USER_PASSWORD)
    datagram = access_request(
        authenticator=bytes(16),
        password=None,
        attributes={Attribute.USER_PASSWORD: [right, right]},
    )

    assert server.ask(datagram).code == Code.ACCESS_REJECT
    assert server.reasons() == ["contradictory request"]


# 8. Proxy-State


@pytest.mark.parametrize("password", [PIN.encode(), WRONG])
def test_must_08_proxy_states_come_back_in_order(password: bytes) -> None:
    """Must 8 and 9: in accept and reject, after Message-Authenticator."""
    states = [b"2", b"\0\xff", b"1", b"2"]
    datagram = access_request(password=password, attributes={Attribute.PROXY_STATE: states})

    reply = Server(visit()).ask(datagram)

    assert reply.values(Attribute.PROXY_STATE) == states
    assert reply.attributes[0][0] == Attribute.MESSAGE_AUTHENTICATOR


def test_must_08_more_proxy_state_than_a_reply_can_carry() -> None:
    """Must 3 and 8: with its signature no reply has room for it: silence, now or later."""
    lenient = nas(require_message_authenticator=False, limit_proxy_state=False)
    server = Server(visit(), nas_entries=(lenient,))
    datagram = unsigned(join([(33, bytes(253))] * 15 + [(33, bytes(249))]))
    assert len(datagram) == 4096

    assert server.receive(datagram) is None
    assert server.receive(access_request(password=WRONG, identifier=9)) is None
    ((reply, _),) = server.wait(LONGEST_DELAY)

    assert reply[1] == 9
    assert server.discards.counts == {DiscardReason.REPLY_TOO_LONG: 1}


# 9. Message-Authenticator in replies


@pytest.mark.parametrize("signed", [True, False])
@pytest.mark.parametrize(
    "asked",
    [
        {},
        {"password": WRONG},
        {"user_name": "nobody@example.com"},
        {"attributes": {Attribute.PROXY_STATE: [b"1"]}},
    ],
)
def test_must_09_every_reply_is_signed_first(asked: dict[str, Any], signed: bool) -> None:
    """Must 9: accept and reject, also to a request without one; ``ask`` verifies it."""
    lenient = nas(require_message_authenticator=False, limit_proxy_state=False)
    reply = Server(visit(), nas_entries=(lenient,)).ask(access_request(**asked, signed=signed))

    kinds = [kind for kind, _ in reply.attributes]
    assert kinds[0] == Attribute.MESSAGE_AUTHENTICATOR
    assert kinds.count(Attribute.MESSAGE_AUTHENTICATOR) == 1


def test_must_09_so_is_the_one_to_status_server() -> None:
    """Must 9: also to Status-Server."""
    datagram = status_server()
    reply = verified(datagram, Server(visit()).receive(datagram))

    assert reply.attributes[0][0] == Attribute.MESSAGE_AUTHENTICATOR


# 10. Where replies go; on the wire: test_sockets.py and test_server.py


def test_must_10_replies_go_to_where_the_requests_came_from() -> None:
    """Must 10: each to its own socket, address and port."""
    server = Server(visit())
    sources = [Source(3, ("127.0.0.1", port), bytes([port % 256])) for port in range(40000, 40005)]
    for source in sources:
        server.receive(access_request(password=WRONG), source)

    sent = server.wait(LONGEST_DELAY)

    assert sorted((source for _, source in sent), key=str) == sources
