"""Between the workers of a server: who is told what, and when."""

from __future__ import annotations

import marshal
from typing import TYPE_CHECKING

import pytest

from nexio.network.guard_acts import ActBatch, packed, unpacked
from radius_auth.companion.messages import ToWorker
from radius_auth.companion.relay import Relay
from radius_auth.guard import Guard
from tests.support.radius.guesses import MINUTE, NOON, by_pin, guess, is_open, mac, tries
from tests.support.radius.guests import HOUR

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nexio.network.guard_acts import Act

GUEST = mac(7)


class Server:
    """The guards of two workers, and what is between them."""

    def __init__(self) -> None:
        self.guards = Guard(), Guard()
        self.told = 0
        self.relay = Relay(self._tell)
        self._known = [0, 0]

    def _tell(self, messages: Sequence[bytes], but: str) -> None:
        for message in messages:
            if acts := acts_in(message):
                self.told += len(acts)
                for guard in self.guards:
                    if guard.writer != but:
                        guard.apply(acts)

    def share(self) -> None:
        """Each worker tells what it did."""
        for index, guard in enumerate(self.guards):
            self._known[index], acts = guard.news_since(self._known[index])
            self.take(acts)

    def take(self, acts: Sequence[Act]) -> None:
        """A worker tells that."""
        self.relay.take([ActBatch(acts, packed(acts))])

    def news(self) -> Sequence[Act]:
        """What the host's file and the store are told."""
        return self.relay.news_since(0)[1]


def acts_in(message: bytes) -> list[Act]:
    """What a worker is told."""
    kind, *values = marshal.loads(message[4:])  # noqa: S302 - ours, behind its length
    return [act for each in values for act in unpacked(each)] if kind == ToWorker.ACTS else []


def test_no_worker_hears_of_devices_that_got_in_where_nobody_guesses() -> None:
    """But the host's file and the store do."""
    server = Server()
    one, other = server.guards
    one.record_login(guess(GUEST, 1), 1, NOON)
    other.record_login(guess(GUEST, 1), 1, NOON)
    one.record_login(guess(GUEST, 2), 2, NOON)
    server.share()

    assert server.told == 0
    assert [act.visit_id for act in server.news()] == [1, 2]


def test_a_device_that_another_worker_let_in_is_no_news() -> None:
    """But after a day it is, and where another server let it in, or another device got in."""
    server, elsewhere, successor = Server(), Guard(), Guard()
    one, other = server.guards
    elsewhere.record_login(guess(GUEST), 1, NOON)
    server.relay.apply(elsewhere.news_since(0)[1])
    later = NOON + 23 * HOUR
    one.record_login(guess(GUEST), 1, NOON)
    other.record_login(guess(GUEST), 1, later)
    other.record_login(guess(mac(8)), 1, later)
    server.share()
    successor.record_login(guess(GUEST), 1, NOON + 25 * HOUR)
    server.take(successor.news_since(0)[1])

    assert [(act.writer, act.device) for act in server.news()] == [
        (one.writer, GUEST),
        (other.writer, mac(8)),
        (successor.writer, GUEST),
    ]


def test_all_know_a_device_by_the_first_guess() -> None:
    """Whoever guesses, and wherever: the device that was in has the last two guesses."""
    for attacked in (0, 1):
        server = Server()
        one, other = server.guards
        one.record_login(guess(GUEST), 1, NOON)
        server.share()
        for number in range(3):
            tries(server.guards[attacked], guess(mac(100 + number)), NOON + number * MINUTE)
            server.share()
        for number in range(3):
            tries(other, guess(mac(200 + number)), NOON + (3 + number) * MINUTE)
            server.share()

        for guard in (one, other):
            assert not is_open(guard, guess(mac(300)), NOON + 6 * MINUTE)
            assert is_open(guard, guess(GUEST), NOON + 6 * MINUTE)
            assert guard.visits()[1].bucket.level(NOON.timestamp()) == pytest.approx(2, abs=0.1)


def test_a_device_that_gets_in_later_is_told_of_at_once() -> None:
    """Where somebody has guessed, everything is told."""
    server = Server()
    one, other = server.guards
    tries(one, guess(mac(100)), NOON)
    server.share()
    other.record_login(guess(GUEST), 1, NOON)
    server.share()

    assert one.visits()[1].devices[GUEST].was_in


def test_where_the_pin_alone_logs_in_all_know_all_devices() -> None:
    """One guess is at every visit of a location."""
    server = Server()
    one, other = server.guards
    one.record_login(guess(GUEST), 1, NOON)
    other.record_login(by_pin(mac(8)), 2, NOON)
    server.share()
    assert one.visits()[2].devices.keys() == {mac(8)}
    tries(other, by_pin(mac(100)), NOON)
    server.share()

    assert other.visits()[1].devices.keys() == {GUEST}


def test_a_worker_that_is_new_knows_what_the_others_do() -> None:
    """It needs to know the devices of those visits only at which somebody has guessed."""
    server = Server()
    one, _ = server.guards
    one.record_login(guess(GUEST, 1), 1, NOON)
    one.record_login(guess(GUEST, 2), 2, NOON)
    tries(one, guess(mac(100), 2), NOON)
    server.share()
    acts = [act for message in server.relay.everything() for act in acts_in(message)]

    assert [(act.kind, act.visit_id) for act in acts] == [("in", 2), ("guess", 2)]


def test_what_was_done_before_a_restart_is_told_when_it_is_needed() -> None:
    """The host's file and the store tell it all."""
    before, server = Server(), Server()
    before.guards[0].record_login(guess(GUEST, 1), 1, NOON)
    before.guards[0].record_login(guess(GUEST, 2), 2, NOON)
    tries(before.guards[0], guess(mac(100), 2), NOON)
    before.share()
    server.relay.begin_again(before.news())
    for guard in server.guards:
        assert 1 not in guard.visits()
    tries(server.guards[0], guess(mac(100), 1), NOON)
    server.share()

    for guard in server.guards:
        assert guard.visits()[1].devices[GUEST].was_in
