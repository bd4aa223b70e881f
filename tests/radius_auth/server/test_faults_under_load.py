"""A server that is killed or told to end while hundreds of guests log in each second."""

from __future__ import annotations

import os
import signal
import time
from itertools import count
from typing import TYPE_CHECKING

import pytest

from nexio.network.guard_acts import Kind
from radius_auth.guard.host_journal import HostJournal, guard_path
from radius_auth.protocol.packet import Code
from tests.support.radius.busy_nas import BusyNas, Login
from tests.support.radius.desk import Desk, ask_until, desk_with
from tests.support.radius.radclient import radclient
from tests.support.radius.radiusd import Radiusd, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nexio.configuration import Configuration
    from nexio.reception.visits import Visit

RATE = 300.0
"""Logins in a second, each of which is sent once, and repeated only by who asks for it."""


@pytest.fixture
def desk(sqlite_configuration: Configuration) -> Iterator[Desk]:
    """A desk whose server may be killed."""
    with desk_with(sqlite_configuration) as made:
        yield made


def crowd(*visits: Visit) -> Iterator[Login]:
    """Guests without an end: of four, two have the right PIN and two nobody knows."""
    for number in count():
        visit = visits[number % len(visits)]
        stranger = f"nobody{number}@example.com"
        device = f"06-00-00-{number >> 16 & 255:02x}-{number >> 8 & 255:02x}-{number & 255:02x}"
        yield Login(email=visit.email, password=visit.pin, chap=bool(number % 2))
        yield Login(email=stranger, password="000000", chap=bool(number % 2), device=device)


def assert_right(login: Login) -> None:
    """Hold that an answer is the right one; a stranger's is a reject."""
    nobody = login.email.startswith("nobody")
    assert login.code == (Code.ACCESS_REJECT if nobody else Code.ACCESS_ACCEPT)


@pytest.fixture
def radiusd(desk: Desk) -> Iterator[Radiusd]:
    """Its server, which ends in peace whatever has happened."""
    with Radiusd(desk.configuration) as server:
        yield server
        assert server.stop() == 0
        assert "Traceback" not in server.stderr


def test_a_worker_is_killed_under_load(desk: Desk, radiusd: Radiusd) -> None:
    """What its NAS repeat is answered by its successor, which knows who guessed."""
    visits = [desk.register() for _ in range(10)]
    guessed_at = desk.register()
    guess_at(desk, radiusd, guessed_at)
    answers: list[Login] = []

    with BusyNas(radiusd.port, crowd(*visits), RATE, answered=answers.append) as nas:
        wait_until(lambda: len(answers) > RATE)
        killed = radiusd.worker()
        os.kill(killed, signal.SIGKILL)
        radiusd.wait_for_line("the worker ended with code -9 and is replaced")
        radiusd.wait_for_line("answering on", times=2)
        at_the_kill = len(answers)
        wait_until(lambda: len(answers) > at_the_kill + 3 * RATE)
        nas.stop()

    assert radiusd.worker() != killed
    assert (nas.given_up, nas.unverified) == ([], 0)
    assert len(answers) == nas.sent
    for login in answers:
        assert_right(login)
    refused = radclient(radiusd.port, guessed_at.email, guessed_at.pin)
    assert refused.code == "Access-Reject"
    desk.wait_for_events(lambda events: any(each.reason == "too many guesses" for each in events))
    assert "too many guesses" in desk.reasons()


def guess_at(desk: Desk, server: Radiusd, visit: Visit) -> None:
    """Six wrong PINs, after which new devices have to wait; they are on disk afterwards."""
    ask_until("Access-Accept", lambda: radclient(server.port, visit.email, visit.pin))
    for number in range(6):
        device = f'"06-ff-00-00-00-{number:02x}"'
        radclient(server.port, visit.email, f"11111{number}", Calling_Station_Id=device)
    path = guard_path(desk.configuration.home)

    def told() -> int:
        acts = HostJournal(path).exchange()
        return sum(act.kind == Kind.GUESS for act in acts)

    wait_until(lambda: told() == 6)


def test_sigterm_under_load_answers_what_was_taken(desk: Desk) -> None:
    """As many answers as decisions, those that were held among them; exit 0."""
    visits = [desk.register() for _ in range(10)]
    answers: list[Login] = []
    with Radiusd(desk.configuration, "--reject-delay", "1") as server:
        with BusyNas(server.port, crowd(*visits), RATE, tries=1, answered=answers.append) as nas:
            wait_until(lambda: len(answers) > RATE)
            told_at = time.monotonic()
            assert server.stop() == 0
            nas.stop()
        assert "Traceback" not in server.stderr

    for login in answers:
        assert_right(login)
    held = [login for login in answers if login.answered_at > told_at + 0.5]
    assert len(held) > RATE / 10  # rejects of the last second, each at its time
    # Once it is told to end it takes no more: what was not taken was asked after that.
    assert all(login.asked_at > told_at - 0.5 for login in nas.given_up)
    assert nas.sent == len(answers) + len(nas.given_up)
    assert len(desk.events()) == len(answers)
