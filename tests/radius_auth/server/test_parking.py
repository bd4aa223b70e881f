"""R18: a login that waits for a slot of its visit's limit, while others are answered."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from radius_auth.decision.device_limits import Answer
from radius_auth.protocol.discards import DiscardReason
from radius_auth.protocol.packet import Attribute, Code
from radius_auth.server import parking
from radius_auth.server.parking import Parked
from radius_auth.server.responder import Responder
from tests.support.radius.access_requests import access_request, verified
from tests.support.radius.guests import EMAIL, HOUSE, table_of, visit, with_settings
from tests.support.radius.responder import AP, LONGEST_DELAY, Server

if TYPE_CHECKING:
    from nexio.network.following import FollowedVisit

PHONE, LAPTOP = "02:00:00:00:00:01", "02:00:00:00:00:02"
OTHER = "ada@example.com"


class Limited(Server):
    """A responder whose companion answers when the test says so."""

    def __init__(self, *visits: FollowedVisit, outage: str = "allow") -> None:
        super().__init__(*visits)
        self.table = table_of(
            *visits,
            locations=[with_settings(HOUSE, device_limit_outage=outage)],
            nas_entries=self.table.nas.entries,
        )
        self.asked: list[tuple[int, str]] = []
        self.forgotten: list[tuple[int, str]] = []
        self.parked: Parked[Any] = Parked(
            lambda *asked: self.asked.append(asked), lambda *asked: self.forgotten.append(asked)
        )
        self.responder = Responder(self, 1.0, self.clock, self.discards, parked=self.parked)

    def answer(self, answer: Answer, device: str = PHONE) -> list[bytes]:
        """Let the companion answer; what is sent then."""
        self.parked.answer(1, device, answer)
        assert self.responder.next_due() is not None
        return [octets for octets, _ in self.wait(0)]


def login(device: str | None = PHONE, identifier: int = 7, email: str = EMAIL) -> bytes:
    """The right PIN from a device."""
    station: dict[int, list[bytes]] = {}
    if device is not None:
        station[Attribute.CALLING_STATION_ID] = [device.encode()]
    return access_request(email, identifier=identifier, attributes=station)


def limited(**changes: Any) -> FollowedVisit:
    """A visit with a limit of two, which nobody has used."""
    return visit(**({"max_devices": 2} | changes))


def test_a_new_device_waits_and_nobody_else_does() -> None:
    """Meanwhile another guest is in, and so is a device that has its slot."""
    server = Limited(limited(devices=(LAPTOP,)), visit(2, email=OTHER))
    new = login()
    assert server.receive(new) is None
    assert server.asked == [(1, PHONE)]
    assert server.responder.counts().waiting == 1
    assert server.ask(login(LAPTOP, 8)).code == Code.ACCESS_ACCEPT
    assert server.ask(login(PHONE, 9, OTHER)).code == Code.ACCESS_ACCEPT
    (reply,) = server.answer(Answer.TAKEN)
    assert verified(new, reply).code == Code.ACCESS_ACCEPT
    assert server.receive(new) == reply
    assert server.asked == [(1, PHONE)]
    assert server.reasons() == ["valid"] * 3
    assert server.responder.counts().waiting == 0


def test_a_duplicate_is_neither_asked_nor_answered_twice() -> None:
    """Must 14: while its first copy waits; another login of the device waits beside it."""
    server = Limited(limited())
    first, second = login(), login(identifier=8)
    for datagram in (first, first, second, second, first):
        assert server.receive(datagram) is None
    assert server.asked == [(1, PHONE)]
    assert server.discards.counts == {DiscardReason.REPEATED: 3}
    one, other = server.answer(Answer.TAKEN)
    assert verified(first, one).code == verified(second, other).code == Code.ACCESS_ACCEPT
    assert server.reasons() == ["valid", "valid"]


def test_a_login_that_was_replaced_gets_no_reply() -> None:
    """The NAS has forgotten it: the newer one is answered alone."""
    server = Limited(limited())
    old, new = login(), login()
    server.receive(old)
    server.receive(new)
    (reply,) = server.answer(Answer.TAKEN)
    assert verified(new, reply).code == Code.ACCESS_ACCEPT


def test_r18_a_wrong_pin_takes_no_place() -> None:
    """Nobody is asked for one, from however many devices it comes."""
    server = Limited(limited())
    for number in range(5):
        station = {31: [f"02:00:00:00:00:{number:02x}".encode()]}
        asked = access_request(password=b"000000", identifier=number, attributes=station)
        assert server.receive(asked) is None
    server.wait(LONGEST_DELAY)
    assert server.asked == []


def test_a_full_visit_is_refused_after_the_delay() -> None:
    """R11: with words, as the PIN was right."""
    server = Limited(limited())
    datagram = login()
    server.receive(datagram)
    assert server.answer(Answer.FULL) == []
    ((reply, _),) = server.wait(LONGEST_DELAY)
    packet = verified(datagram, reply)
    assert packet.code == Code.ACCESS_REJECT
    (words,) = packet.by_type[Attribute.REPLY_MESSAGE]
    assert words == b"Already used on 2 devices. Please ask at the reception desk."
    assert server.reasons() == ["too many devices"]


def test_a_login_without_a_device_is_refused() -> None:
    """Nobody is asked; where there is no limit it is in."""
    server = Limited(limited(), visit(2, email=OTHER))
    assert server.ask(login(None)).code == Code.ACCESS_REJECT
    assert server.ask(login(None, 8, OTHER)).code == Code.ACCESS_ACCEPT
    assert server.asked == []
    assert server.reasons() == ["no device", "valid"]


@pytest.mark.parametrize(
    ("outage", "code"), [("allow", Code.ACCESS_ACCEPT), ("refuse", Code.ACCESS_REJECT)]
)
def test_while_the_store_is_away_the_setting_decides(outage: str, code: Code) -> None:
    """The log says so."""
    server = Limited(limited(), outage=outage)
    datagram = login()
    server.receive(datagram)
    replies = server.answer(Answer.AWAY) or [octets for octets, _ in server.wait(LONGEST_DELAY)]
    assert verified(datagram, replies[0]).code == code
    assert server.reasons() == ["device not counted"]


def test_a_companion_that_says_nothing_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    """After two seconds; what it says later comes too late."""
    monkeypatch.setattr(parking, "SLOT_SECONDS", 0.0)
    server = Limited(limited())
    assert server.ask(login()).code == Code.ACCESS_ACCEPT
    assert server.forgotten == [(1, PHONE)]
    server.parked.answer(1, PHONE, Answer.FULL)
    assert server.wait(0) == []


def test_the_window_may_end_meanwhile() -> None:
    """R12: what is left counts from the reply."""
    server = Limited(limited())
    datagram = login()
    server.receive(datagram)
    server.clock.advance(minutes=10)
    (reply,) = server.answer(Answer.TAKEN)
    (timeout,) = verified(datagram, reply).by_type[Attribute.SESSION_TIMEOUT]
    assert int.from_bytes(timeout) == 20 * 60
    server.receive(login(LAPTOP, 8))
    server.clock.advance(minutes=20)
    assert server.answer(Answer.TAKEN, LAPTOP) == []
    assert [octets[0] for octets, _ in server.wait(LONGEST_DELAY)] == [Code.ACCESS_REJECT]


def test_a_visitor_registered_a_moment_ago_has_a_limit_too() -> None:
    """The second look at a reject applies it as well."""
    server = Limited()
    datagram = login()
    server.receive(datagram)
    server.table.put([limited()])
    assert server.wait(LONGEST_DELAY) == []
    assert server.asked == [(1, PHONE)]
    (reply,) = server.answer(Answer.TAKEN)
    assert verified(datagram, reply).code == Code.ACCESS_ACCEPT


def test_not_more_wait_than_there_is_room_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """The NAS asks again."""
    monkeypatch.setattr(parking, "LIMIT", 1)
    server = Limited(limited())
    server.receive(login())
    assert server.receive(login(LAPTOP, 8), AP) is None
    assert server.discards.counts == {DiscardReason.OVERLOADED: 1}
    assert server.asked == [(1, PHONE)]
    server.answer(Answer.TAKEN)
    server.receive(login(LAPTOP, 8), AP)
    assert server.asked == [(1, PHONE), (1, LAPTOP)]
