"""Asking a NAS to end a session, on real sockets (RFC 5176; Must 19)."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from pyrad.packet import CoAPacket

from nexio.errors import InvalidValue, NotFound, Unreachable
from nexio.network.nas import NasChanges, NewNas, add_nas, edit_nas, list_nas, remove_nas
from nexio.network.nas_profiles import list_profiles
from radius_auth.disconnecting.disconnect import (
    DisconnectOutcome,
    DisconnectReply,
    attributes_of,
    disconnect,
    peer_of,
)
from radius_auth.protocol.packet import Code, read_packet
from radius_auth.protocol.pyrad_codec import Peer
from tests.support.accounting import record, tell
from tests.support.clocks import FRIDAY_MORNING
from tests.support.radius.access_requests import DICTIONARY
from tests.support.radius.fake_nas import NAK, FakeNas, error_cause, reply
from tests.support.radius.guests import SECRET

if TYPE_CHECKING:
    from nexio.locations.locations import Location
    from nexio.network.sessions import WifiSession
    from nexio.store.engine import Store
    from tests.support.radius.fake_nas import Replies

ATTRIBUTES: dict[str, str | int] = {
    "User-Name": "zoe@example.com",
    "NAS-Identifier": "lobby",
    "Acct-Session-Id": "81",
    "Calling-Station-Id": "02-00-00-AB-CD-EF",
    "Event-Timestamp": 1_795_000_000,
}
ACKNOWLEDGED = DisconnectReply(outcome=DisconnectOutcome.ACK)
SILENT = DisconnectReply(outcome=DisconnectOutcome.TIMEOUT)


def peer(nas: FakeNas, timeout: float = 10.0) -> Peer:
    """Where the fake one is."""
    return Peer(address="127.0.0.1", port=nas.port, secret=SECRET, timeout=timeout, transmissions=3)


def test_must_19_an_ack() -> None:
    """What is sent verifies by hand and by pyrad, and identifies the session."""
    with FakeNas(reply()) as nas:
        assert disconnect(peer(nas), ATTRIBUTES) == ACKNOWLEDGED
    ((request, _),) = nas.heard
    parts = read_packet(request)
    assert parts.code == Code.DISCONNECT_REQUEST
    digest = hashlib.md5(request[:4] + bytes(16) + request[20:] + SECRET).digest()
    assert parts.authenticator == digest
    kind, signature = parts.attributes[0]
    assert kind == 80
    blank = request[:4] + bytes(16) + b"\x50\x12" + bytes(16) + request[38:]
    assert signature == hmac.digest(SECRET, blank, "md5")
    seen = CoAPacket(packet=request, secret=SECRET, dict=DICTIONARY)
    assert seen.VerifyCoARequest()
    assert seen.verify_message_authenticator()
    assert seen["User-Name"] == [b"zoe@example.com"]
    assert {name: seen[name][0] for name in list(ATTRIBUTES)[1:]} == dict(
        list(ATTRIBUTES.items())[1:]
    )


@pytest.mark.parametrize("signed", [False, True])
def test_must_19_a_nak_with_its_cause(signed: bool) -> None:
    """Error-Cause says why; a NAS may sign its reply with a Message-Authenticator, too."""
    with FakeNas(reply(NAK, error_cause(503), signed=signed)) as nas:
        answer = disconnect(peer(nas), ATTRIBUTES)
    assert answer == DisconnectReply(outcome=DisconnectOutcome.NAK, error_cause=503)
    with FakeNas(reply(NAK)) as nas:
        assert disconnect(peer(nas), ATTRIBUTES) == DisconnectReply(outcome=DisconnectOutcome.NAK)


def test_must_19_a_bare_nak_of_coova_chilli() -> None:
    """It means that there is no such session; from others it is a refusal without a reason."""
    gone = []
    for bare_nak_is_gone in (True, False):
        for answer in (reply(NAK), reply(NAK, error_cause(503)), reply(NAK, error_cause(501))):
            with FakeNas(answer) as nas:
                asked = replace(peer(nas), bare_nak_is_gone=bare_nak_is_gone)
                gone.append(disconnect(asked, ATTRIBUTES).is_gone)
    assert gone == [True, True, False, False, True, False]


def test_each_nas_hears_what_it_finds_a_session_by(session: WifiSession) -> None:
    """Others answer attributes that they do not expect with a NAK; the time is always there."""
    attributes = attributes_of(session, b"zoe@example.com", FRIDAY_MORNING)
    for profile in list_profiles():
        wanted = profile.identified_by
        with FakeNas(reply()) as nas:
            disconnect(replace(peer(nas), identified_by=wanted), attributes)
        ((request, _),) = nas.heard
        sent = set(CoAPacket(packet=request, secret=SECRET, dict=DICTIONARY).keys())
        expected = attributes.keys() if wanted is None else wanted & attributes.keys()
        assert sent - {"Message-Authenticator", "Event-Timestamp"} == expected - {"Event-Timestamp"}
        assert "Event-Timestamp" in sent


def test_the_profile_says_where_to(store: Store, session: WifiSession) -> None:
    """What is set for the NAS goes before it; a host without a port gets the profile's."""
    wanted = {
        "": ("192.0.2.10", 1700),
        ":13799": ("192.0.2.10", 13799),
        "198.51.100.7": ("198.51.100.7", 1700),
        "198.51.100.7:3799": ("198.51.100.7", 3799),
    }
    with store.write() as work:
        for disconnect_host, expected in wanted.items():
            edit_nas(work, "lobby", NasChanges(profile="cisco", disconnect=disconnect_host))
            found = peer_of(list_nas(work), session, 3.0)
            assert (found.address, found.port) == expected
            assert found.identified_by == frozenset({"Calling-Station-Id", "Acct-Session-Id"})


def test_must_19_a_retransmission_is_the_same_octets_from_the_same_port() -> None:
    """Three times, and then it is a timeout; another request has other ones."""
    with FakeNas() as nas:
        assert disconnect(peer(nas, 0.05), ATTRIBUTES) == SILENT
        assert disconnect(peer(nas, 0.05), ATTRIBUTES | {"Event-Timestamp": 1}) == SILENT
    assert len(nas.heard) == 6
    assert len(set(nas.heard[:3])) == len(set(nas.heard[3:])) == 1
    assert nas.heard[0][0][4:20] != nas.heard[3][0][4:20]


def test_must_19_an_answer_to_a_retransmission() -> None:
    """The first one was lost."""
    with FakeNas(lambda _: [], reply()) as nas:
        assert disconnect(peer(nas, 0.2), ATTRIBUTES) == ACKNOWLEDGED
    assert len(nas.heard) == 2


def with_another_end(octets: bytes) -> bytes:
    """With its last octet changed, whatever that is."""
    return octets[:-1] + bytes([octets[-1] ^ 1])


WRONG: list[Replies] = [
    reply(secret=b"another secret"),
    reply(identifier=1),
    reply(code=2),
    reply(code=44),
    reply(NAK, b"\x50\x12" + bytes(16)),
    reply(NAK, b"\x65\x00"),
    lambda request: [request],
    lambda _: [b"\x29"],
    lambda _: [bytes(4096)],
    lambda request: [with_another_end(reply()(request)[0])],
]


def test_must_19_a_reply_that_does_not_verify_does_not_end_the_wait() -> None:
    """Whatever comes before the right answer is passed over, within one transmission."""

    def all_wrong(request: bytes) -> list[bytes]:
        return [datagram for wrong in WRONG for datagram in wrong(request)]

    with FakeNas(lambda request: [*all_wrong(request), *reply()(request)]) as nas:
        assert disconnect(peer(nas), ATTRIBUTES) == ACKNOWLEDGED
    assert len(nas.heard) == 1
    with FakeNas(*[all_wrong] * 3) as nas:
        assert disconnect(peer(nas, 0.05), ATTRIBUTES) == SILENT


def test_nobody_is_there() -> None:
    """A port that is closed is as silent as a NAS that is off; a name that is none is said."""
    with FakeNas() as nas:
        gone = peer(nas, 0.01)
    assert disconnect(gone, ATTRIBUTES) == SILENT
    with pytest.raises(Unreachable, match="not a host that can be found"):
        disconnect(replace(gone, address="wifi.invalid."), ATTRIBUTES)


def test_over_ipv6() -> None:
    """As over IPv4."""
    with FakeNas(reply(), host="::1") as nas:
        assert disconnect(replace(peer(nas), address="::1"), ATTRIBUTES) == ACKNOWLEDGED


@pytest.fixture
def session(store: Store, location: Location) -> WifiSession:
    """Zoe's, at the access point in the lobby."""
    with store.write() as work:
        new = NewNas(name="lobby", address="192.0.2.0/24", secret=SECRET.decode())
        nas = add_nas(work, location, new)
    (session,) = tell(store, record(nas_id=nas.id))
    return session


def test_must_19_it_goes_to_the_source_of_the_session(store: Store, session: WifiSession) -> None:
    """To port 3799; with the secret of its NAS."""
    with store.read() as work:
        found = peer_of(list_nas(work), session, 3.0)
    assert (found.address, found.port, found.secret) == ("192.0.2.10", 3799, SECRET)


def test_must_19_or_to_the_host_that_is_set(
    store: Store, location: Location, session: WifiSession
) -> None:
    """A cloud controller's; a NAS that was entered anew stands for the same source."""
    with store.write() as work:
        remove_nas(work, "lobby")
        with pytest.raises(NotFound, match=r"no NAS stands for 192\.0\.2\.10"):
            peer_of(list_nas(work), session, 3.0)
        new = NewNas(name="new", address="192.0.2.10", disconnect="wifi.example.com:1700")
        add_nas(work, location, new)
        found = peer_of(list_nas(work), session, 3.0)
    assert (found.address, found.port) == ("wifi.example.com", 1700)


def test_to_another_port_from_an_address_of_ours(
    store: Store, location: Location, session: WifiSession
) -> None:
    """A network of portals has a port of its own; some take requests from one address only."""
    changes = NasChanges(disconnect=":13799", disconnect_source="127.0.0.2")
    with store.write() as work:
        edit_nas(work, "lobby", changes)
        found = peer_of(list_nas(work), session, 3.0)
        with pytest.raises(InvalidValue, match="is not an IP address"):
            edit_nas(work, "lobby", NasChanges(disconnect_source="eth0"))
    assert (found.address, found.port) == ("192.0.2.10", 13799)
    with FakeNas(reply(), then=reply()) as nas:
        asked = replace(found, address="127.0.0.1", port=nas.port)
        assert disconnect(asked, ATTRIBUTES) == ACKNOWLEDGED
        assert disconnect(replace(asked, source="192.0.2.99"), ATTRIBUTES) == SILENT
    ((_, (source, _)),) = nas.heard
    assert source == "127.0.0.2"


def test_what_identifies_a_session(session: WifiSession) -> None:
    """RFC 5176 section 3, with the time of asking (section 6.3)."""
    assert attributes_of(session, None, FRIDAY_MORNING) == {
        "User-Name": "zoe@example.com",
        "NAS-IP-Address": "192.0.2.10",
        "NAS-Identifier": "lobby",
        "Acct-Session-Id": "81",
        "Calling-Station-Id": "02-00-00-AB-CD-EF",
        "Event-Timestamp": int(FRIDAY_MORNING.timestamp()),
    }


def test_the_name_goes_back_octet_for_octet(session: WifiSession) -> None:
    """CoovaChilli wants it so: also a PIN, octets that are no text, the longest, and digits."""
    for name in (b"44863544@guest", b"459377", b"\xff\0\x1bzoe", b"x" * 253, b"0x41"):
        masked = replace(session, user_name="******")
        attributes = attributes_of(masked, name, FRIDAY_MORNING)
        with FakeNas(reply()) as nas:
            assert disconnect(peer(nas), attributes) == ACKNOWLEDGED
        ((request, _),) = nas.heard
        assert read_packet(request).values(1) == [name]


def test_the_session_is_named_by_the_octets_that_were_sent(session: WifiSession) -> None:
    """Octets that are no text, and as many as fit."""
    for number in (b"\xff1\\", b"7" * 253, b"0x41"):
        escaped = replace(session, session_id="\\xff1", session_id_hex=number.hex())
        with FakeNas(reply()) as nas:
            sent = attributes_of(escaped, None, FRIDAY_MORNING)
            assert disconnect(peer(nas), sent) == ACKNOWLEDGED
        ((request, _),) = nas.heard
        assert read_packet(request).values(44) == [number]


def test_what_is_not_known_as_it_was_sent_is_left_out(session: WifiSession) -> None:
    """A masked PIN, an escaped octet: a NAS would find no session with them."""
    vague = replace(
        session,
        user_name="******",
        session_id="\\xff1",
        calling_station=None,
        nas_identifier="x" * 120,
        nas_address="2001:db8::1",
    )
    sent = attributes_of(vague, None, FRIDAY_MORNING)
    assert sent.pop("Event-Timestamp")
    assert sent == {"NAS-IPv6-Address": "2001:db8::1"}
