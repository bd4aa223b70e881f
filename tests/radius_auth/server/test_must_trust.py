"""Points 11 to 20 of what a RADIUS server must do: whom it trusts, what it repeats and tells."""

from __future__ import annotations

import hmac
import logging
from typing import TYPE_CHECKING

import pytest

from radius_auth.protocol.discards import DiscardReason
from radius_auth.protocol.packet import Attribute, Code, read_packet
from radius_auth.server.sockets import Source
from tests.radius_auth.conftest import follower
from tests.support.people import register
from tests.support.radius.access_requests import (
    EAP,
    access_request,
    chap_attributes,
    forged,
    verified,
)
from tests.support.radius.guests import OTHER_PIN, PIN, SECRET, nas, visit
from tests.support.radius.responder import AP, LONGEST_DELAY, STRANGER, Server
from tests.support.radius.signing import sign, status_server, unsigned
from tests.support.radius.worker import ask, running
from tests.support.warnings import warning

if TYPE_CHECKING:
    from collections.abc import Callable

    from nexio.configuration import Configuration
    from nexio.locations.locations import Location
    from nexio.store.engine import Store
    from radius_auth.replica.follower import Follower
    from tests.support.clocks import Clock

__all__ = ["follower"]  # a fixture

WRONG = OTHER_PIN.encode()
GOOD = access_request(authenticator=bytes(range(16)))
"""The same octets in each process of the tests."""


# 11 to 13. Message-Authenticator in requests


@pytest.mark.parametrize(
    ("datagram", "reason"),
    [
        (forged(GOOD), DiscardReason.MESSAGE_AUTHENTICATOR_WRONG),
        (sign(unsigned(), b"another secret"), DiscardReason.MESSAGE_AUTHENTICATOR_WRONG),
        (unsigned(b"\x50\x11" + bytes(15)), DiscardReason.MESSAGE_AUTHENTICATOR_LENGTH),
        (sign(unsigned(b"\x50\x12" + bytes(16))), DiscardReason.MESSAGE_AUTHENTICATOR_REPEATED),
    ],
)
@pytest.mark.parametrize("required", [True, False])
def test_must_11_a_bad_message_authenticator_is_discarded(
    datagram: bytes, reason: DiscardReason, required: bool
) -> None:
    """Must 11: wrong, of a wrong length or twice: also from a NAS that need not send any."""
    server = Server(visit(), nas_entries=(nas(require_message_authenticator=required),))

    assert server.receive(datagram) is None
    assert server.wait(10) == []
    assert server.discards.counts == {reason: 1}


def test_must_11_it_may_stand_anywhere() -> None:
    """Must 11: the last attribute is as good as the first."""
    datagram = access_request()
    start = datagram.index(b"\x50\x12", 20)
    moved = bytearray(datagram[:start] + datagram[start + 18 :] + b"\x50\x12" + bytes(16))
    moved[-16:] = hmac.digest(SECRET, bytes(moved), "md5")

    reply = Server(visit()).receive(bytes(moved))

    assert verified(bytes(moved), reply).code == Code.ACCESS_ACCEPT


def test_must_12_it_is_required_by_default() -> None:
    """Must 12: missing: discarded before the password is looked at."""
    server = Server(visit())

    assert server.receive(access_request(signed=False)) is None
    assert server.discards.counts == {DiscardReason.MESSAGE_AUTHENTICATOR_MISSING: 1}
    assert server.events == []


def test_must_12_a_nas_that_cannot_sign_is_answered_where_that_is_allowed() -> None:
    """Must 12: off per NAS; then Proxy-State without Message-Authenticator is discarded."""
    server = Server(visit(), nas_entries=(nas(require_message_authenticator=False),))
    plain = access_request(signed=False)
    proxied = access_request(signed=False, attributes={Attribute.PROXY_STATE: [b"1"]})

    assert verified(plain, server.receive(plain)).code == Code.ACCESS_ACCEPT
    assert server.receive(proxied) is None
    assert server.discards.counts == {DiscardReason.PROXY_STATE_UNPROTECTED: 1}


def test_must_13_eap_and_status_server_never_come_without() -> None:
    """Must 13: whatever the NAS need not send otherwise."""
    server = Server(visit(), nas_entries=(nas(require_message_authenticator=False),))

    assert server.receive(access_request(password=None, attributes=EAP, signed=False)) is None
    assert server.receive(status_server(signed=False)) is None
    assert server.discards.counts == {DiscardReason.MESSAGE_AUTHENTICATOR_MISSING: 2}
    assert server.wait(10) == []


# 14. Duplicates: a model of the cache is in test_duplicates_machine.py, sockets in test_server.py


def test_must_14_copies_of_an_accept_get_the_same_octets() -> None:
    """Must 14: five at once and one late: one decision, one reply."""
    server = Server(visit())
    datagram = access_request()

    replies = {server.receive(datagram) for _ in range(5)}
    server.wait(5)
    replies.add(server.receive(datagram))

    (reply,) = replies
    assert verified(datagram, reply).code == Code.ACCESS_ACCEPT
    assert len(server.events) == 1


def test_must_14_copies_of_a_reject_get_one_reply() -> None:
    """Must 14: dropped while it is held back, the same octets afterwards."""
    server = Server(visit())
    datagram = access_request(password=WRONG)

    assert [server.receive(datagram) for _ in range(5)] == [None] * 5
    ((reply, _),) = server.wait(LONGEST_DELAY)
    assert verified(datagram, reply).code == Code.ACCESS_REJECT
    assert server.receive(datagram) == reply
    assert server.wait(10) == []
    assert server.discards.counts == {DiscardReason.REPEATED: 4}
    assert len(server.events) == 1


def test_must_14_another_request_replaces_a_held_reject() -> None:
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


def test_must_14_the_same_request_from_another_port_is_another_one() -> None:
    """Must 14: the key is source address and port, Identifier and socket."""
    server = Server(visit())
    datagram = access_request()

    for source in (AP, Source(3, ("127.0.0.1", 40001)), Source(4, ("127.0.0.1", 40000))):
        assert server.receive(datagram, source) is not None

    assert len(server.events) == 3


def test_must_14_a_forged_copy_does_not_disturb_a_held_reject() -> None:
    """Must 14: a bad Message-Authenticator never touches the cache."""
    server = Server(visit())
    datagram = access_request(password=WRONG)
    server.receive(datagram)

    assert server.receive(forged(access_request())) is None

    ((reply, _),) = server.wait(LONGEST_DELAY)
    assert verified(datagram, reply).code == Code.ACCESS_REJECT


@pytest.mark.parametrize("right", [True, False])
def test_must_14_without_a_signature_a_newcomer_displaces_nothing(right: bool) -> None:
    """Must 14: a forged request of the same Identifier; both are answered, and both logged."""
    server = Server(visit(), nas_entries=(nas(require_message_authenticator=False),))
    waiting = access_request(password=WRONG, signed=False)
    newcomer = access_request(password=PIN.encode() if right else b"000000", signed=False)
    assert waiting[1] == newcomer[1]

    server.receive(waiting)
    server.wait(0.5)
    at_once = server.receive(newcomer)
    replies = [reply for reply, _ in server.wait(LONGEST_DELAY)]

    assert verified(waiting, replies[0]).code == Code.ACCESS_REJECT
    second = verified(newcomer, at_once if right else replies[1])
    assert second.code == (Code.ACCESS_ACCEPT if right else Code.ACCESS_REJECT)
    assert server.receive(waiting) == replies[0]
    assert len(server.events) == 2


# 15. Guessing: the reject delay; how often one may guess is in test_guard*.py


def test_must_15_a_reject_waits() -> None:
    """Must 15: at least the reject delay, with jitter, and no longer than 1.25 times."""
    server = Server(visit())
    for number in range(50):
        assert server.receive(access_request(password=WRONG, identifier=number)) is None

    assert server.wait(0.999999) == []
    early, late = server.wait(0.125001), server.wait(0.125001)
    assert early
    assert late
    assert len(early) + len(late) == 50


def test_must_15_a_reject_holds_up_nobody_else() -> None:
    """Must 15: an accept that comes later goes first."""
    server = Server(visit())
    server.receive(access_request(password=WRONG, identifier=1))
    accepted = access_request(identifier=2)

    assert verified(accepted, server.receive(accepted)).code == Code.ACCESS_ACCEPT
    ((rejected, source),) = server.wait(LONGEST_DELAY)
    assert source == AP
    assert rejected[:2] == bytes([Code.ACCESS_REJECT, 1])


def test_must_15_comparisons_take_constant_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Must 15: PIN, CHAP response and Message-Authenticator are compared by hmac's own."""
    compared: list[bytes] = []
    in_constant_time: Callable[[bytes, bytes], bool] = hmac.compare_digest

    def watched(ours: bytes, theirs: bytes) -> bool:
        compared.append(theirs)
        return in_constant_time(ours, theirs)

    monkeypatch.setattr(hmac, "compare_digest", watched)
    server = Server(visit())
    by_chap = access_request(password=None, attributes=chap_attributes(), identifier=8)
    digests = []
    for datagram in (access_request(), by_chap):
        compared.clear()
        assert server.ask(datagram).code == Code.ACCESS_ACCEPT
        digests.append(len(compared))
        (signature,) = read_packet(datagram).values(Attribute.MESSAGE_AUTHENTICATOR)
        assert signature in compared

    assert min(digests) >= 2  # the signature, and what the guest typed


# 16, 17 and 19 are where accounting and Disconnect are


# 18. Status-Server


def test_must_18_one_reply_without_side_effects() -> None:
    """Must 18: asked again it is answered anew; no decision, no place among the duplicates."""
    server = Server(visit())
    datagram = status_server()

    first = verified(datagram, server.receive(datagram))
    server.wait(60)
    again = verified(datagram, server.receive(datagram))

    assert first.code == again.code == Code.ACCESS_ACCEPT
    assert first.values(Attribute.REPLY_MESSAGE) != again.values(Attribute.REPLY_MESSAGE)
    assert server.wait(10) == []
    assert server.events == []


def test_must_18_it_needs_a_right_message_authenticator() -> None:
    """Must 18: missing, wrong, or from a stranger: silence."""
    server = Server(visit())

    for datagram, source in (
        (status_server(signed=False), AP),
        (forged(status_server()), AP),
        (status_server(), STRANGER),
    ):
        assert server.receive(datagram, source) is None
    assert set(server.discards.counts) == {
        DiscardReason.MESSAGE_AUTHENTICATOR_MISSING,
        DiscardReason.MESSAGE_AUTHENTICATOR_WRONG,
        DiscardReason.UNKNOWN_CLIENT,
    }


def test_must_18_answered_as_long_as_guests_are(
    follower: Follower,
    sqlite_configuration: Configuration,
    sqlite_store: Store,
    sqlite_location: Location,
    clock: Clock,
) -> None:
    """Must 18: until `max-staleness`; then both hear nothing, and both again when it knows more."""
    guest = register(sqlite_store, sqlite_location)
    follower.follow()
    asked = status_server()
    with (
        warning("the store has been out of reach for too long") as silence,
        running(follower, sqlite_configuration, clock) as (asking, _, _),
    ):
        clock.advance(hours=24)
        asking.send(asked)
        assert verified(asked, asking.recv(4096)).code == Code.ACCESS_ACCEPT
        assert ask(asking, guest.email, guest.pin) == Code.ACCESS_REJECT  # it has ended
        clock.advance(seconds=1)
        asking.send(asked)
        assert silence.wait(10)

        follower.follow()
        asking.send(asked)
        # Had the one before been answered, this would be its reply, and one would be left over.
        assert verified(asked, asking.recv(4096)).code == Code.ACCESS_ACCEPT
        assert ask(asking, guest.email, guest.pin) == Code.ACCESS_REJECT


# 20. Logging: how often is in test_load.py and test_discards.py


def test_must_20_discards_name_the_peer(caplog: pytest.LogCaptureFixture) -> None:
    """Must 20: who sent what gets no answer, and why."""
    caplog.set_level(logging.WARNING)
    server = Server(visit())
    server.receive(b"\x1b[2J", AP)
    server.receive(b"", STRANGER)

    assert caplog.messages == [
        "no answer to 127.0.0.1: shorter than 20 octets",
        "no answer to 127.0.0.9: no NAS of that address",
    ]


@pytest.mark.parametrize("right", [True, False])
def test_must_20_no_password_pin_or_secret_is_logged(
    right: bool, caplog: pytest.LogCaptureFixture
) -> None:
    """Must 20: at no level, wherever the guest typed it, and neither in the record."""
    caplog.set_level(logging.DEBUG)
    server = Server(visit())
    typed = PIN if right else "hunter2-4711"
    for identifier, user_name in enumerate(("zoe@example.com", typed, f"{typed}@example.com")):
        device: dict[int, list[bytes]] = {Attribute.CALLING_STATION_ID: [typed.encode()]}
        server.ask(
            access_request(user_name, typed.encode(), identifier=identifier, attributes=device)
        )
    server.receive(access_request(typed, typed.encode(), signed=False))

    written = caplog.text + repr(server.events) + repr(server.responder)
    assert len(server.events) == 3
    for secret in (PIN, SECRET.decode(), repr(SECRET)):
        assert secret not in written


def test_must_20_control_characters_are_escaped() -> None:
    """Must 20: what comes from the network cannot move a terminal's cursor."""
    server = Server(visit(), nas_entries=(nas(ssid="another"),))
    nasty = b"\x1b[31m\r\n\xff\xe2\x80\xae"
    server.ask(
        access_request(
            None,
            attributes={
                Attribute.USER_NAME: [nasty],
                Attribute.CALLING_STATION_ID: [nasty],
                Attribute.NAS_IDENTIFIER: [nasty],
            },
        )
    )

    (event,) = server.events
    for text in (event.user_name, event.device or "", event.nas):
        assert text.isprintable()
        assert r"\x1b[31m\r\n\xff" in text
