"""Answering accounting on real sockets, of each NAS a fair share."""

from __future__ import annotations

import socket
import threading
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from nexio.clock import utc_now
from radius_auth.protocol.discards import DiscardReason, Discards
from radius_auth.server import accountant
from radius_auth.server.accountant import Accountant, AccountingThread
from radius_auth.server.sockets import listen
from tests.support.clocks import Clock
from tests.support.radius.accounting_requests import accounting_request, answered
from tests.support.radius.guests import NINE, nas, table_of
from tests.support.radius.radiusd import PATIENCE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from datetime import datetime

    from nexio.network.accounting_records import AccountingRecord

FLOOD, LOBBY, STRANGER = "127.0.0.2", "127.0.0.3", "127.0.1.9"


class Disk:
    """Where records are stored: as slow as a test wants."""

    def __init__(self) -> None:
        self.commits: list[Sequence[AccountingRecord]] = []
        self.storing, self.may_go_on = threading.Event(), threading.Event()

    def store(self, records: Sequence[AccountingRecord]) -> None:
        """Store them, when it may."""
        self.storing.set()
        assert self.may_go_on.wait(PATIENCE)
        self.commits.append(records)


class Answering:
    """A thread that answers, and what it answers by."""

    def __init__(self, clock: Callable[[], datetime] | None = None) -> None:
        self.table = table_of(nas_entries=(nas(address="127.0.0.0/24"),))
        self.age = timedelta(0)
        self.discards = Discards()
        self.disk = Disk()
        self.accountant = Accountant(
            self, self.disk.store, timedelta(hours=24), clock or Clock(NINE), self.discards
        )

    @contextmanager
    def on(self, opened: socket.socket) -> Iterator[None]:
        """Let it run."""
        thread = AccountingThread([opened], self.accountant, self.discards)
        thread.start()
        try:
            yield
        finally:
            self.disk.may_go_on.set()
            thread.stop()


@contextmanager
def host(address: str, server: socket.socket) -> Iterator[socket.socket]:
    """An access point at an address of loopback."""
    with socket.socket(type=socket.SOCK_DGRAM) as opened:
        opened.settimeout(PATIENCE)
        # For hundreds of replies that come before the first is taken.
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        opened.bind((address, 0))
        opened.connect(server.getsockname())
        yield opened


def test_a_flood_of_one_nas_does_not_hold_up_another(monkeypatch: pytest.MonkeyPatch) -> None:
    """What another one tells after hundreds of it is stored in the next commit, and answered."""
    monkeypatch.setattr(accountant, "RECORDS_PER_COMMIT", 16)
    answering = Answering()
    with (
        listen("127.0.0.1", 0) as opened,
        host(FLOOD, opened) as flood,
        host(LOBBY, opened) as lobby,
        answering.on(opened),
    ):
        flood.send(accounting_request(session=b"first"))
        assert answering.disk.storing.wait(PATIENCE)
        for number in range(300):
            flood.send(accounting_request(session=b"%d" % number))
        start = accounting_request(session=b"lobby")
        lobby.send(start)
        answering.disk.may_go_on.set()
        answered(start, lobby.recv(4096))
        for _ in range(301):
            flood.recv(4096)
    _, second, *_ = answering.disk.commits
    assert {record.source_address for record in second} == {FLOOD, LOBBY}
    assert sum(map(len, answering.disk.commits)) == 302
    assert answering.discards.counts == {}


def test_must_17_each_keeps_the_time_of_its_arrival(monkeypatch: pytest.MonkeyPatch) -> None:
    """In their order, however they were stored together: a Stop is before what follows it."""
    monkeypatch.setattr(accountant, "RECORDS_PER_COMMIT", 7)
    answering = Answering(utc_now)
    with (
        listen("127.0.0.1", 0) as opened,
        host(LOBBY, opened) as lobby,
        answering.on(opened),
    ):
        answering.disk.may_go_on.set()
        for number in range(200):
            lobby.send(accounting_request(session=b"%d" % number))
        for _ in range(200):
            lobby.recv(4096)
    records = [record for commit in answering.disk.commits for record in commit]
    by_session = sorted(records, key=lambda record: int(record.session_id))
    assert [record.at for record in by_session] == sorted(record.at for record in records)


def test_what_there_is_no_room_for_is_sent_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of one NAS only so much waits; the rest is dropped and counted, and no one else's is."""
    monkeypatch.setattr(accountant, "OF_ONE_NAS", 10)
    monkeypatch.setattr(accountant, "RECORDS_PER_COMMIT", 5)
    answering = Answering()
    with (
        listen("127.0.0.1", 0) as opened,
        host(FLOOD, opened) as flood,
        host(LOBBY, opened) as lobby,
        host(STRANGER, opened) as stranger,
        answering.on(opened),
    ):
        flood.send(accounting_request(session=b"first"))
        assert answering.disk.storing.wait(PATIENCE)
        for number in range(50):
            flood.send(accounting_request(session=b"%d" % number))
            stranger.send(b"anything")
        start = accounting_request(session=b"lobby")
        lobby.send(start)
        answering.disk.may_go_on.set()
        answered(start, lobby.recv(4096))
        for _ in range(11):
            flood.recv(4096)
    assert answering.discards.counts == {
        DiscardReason.NO_ROOM: 40,
        DiscardReason.UNKNOWN_CLIENT: 50,
    }
