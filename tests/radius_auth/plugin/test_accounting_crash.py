"""SIGKILL in the middle of accounting, then a restart (Must 16), on both servers."""

from __future__ import annotations

import hashlib
import socket
import time
from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest

from radius_auth.protocol.packet import Acct, Attribute
from tests.support.accounting import sessions
from tests.support.radius.accounting_requests import (
    START,
    STOP,
    UPDATE,
    accounting_request,
    number,
)
from tests.support.radius.desk import desk_with, sessions_when
from tests.support.radius.freeradius import FreeRADIUS, with_plugin
from tests.support.radius.guests import SECRET
from tests.support.radius.radiusd import PATIENCE, Radiusd

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from nexio.configuration import Configuration
    from nexio.network.sessions import WifiSession

AT_ONCE = 100
"""Records that wait for their answer."""

RETRY = 1.0
"""Seconds after which an access point sends a record again."""


def records(count: int) -> list[bytes]:
    """Start, update and Stop of each session; the last octets are the total."""
    told = []
    for i in range(count):
        session, step = divmod(i, 3)
        counted = {
            Acct.SESSION_TIME: number(60 * step),
            Acct.INPUT_OCTETS: number(100 * step),
            Attribute.CALLING_STATION_ID: [b"02-00-00-%02X-%02X-00" % divmod(session, 256)],
        }
        status = (START, UPDATE, STOP)[step]
        told.append(
            accounting_request(status, counted, session=b"%d" % session, identifier=i % 256)
        )
    return told


class AccessPoint:
    """Tells records, a hundred at a time, until each is answered."""

    def __init__(self, told: Sequence[bytes]) -> None:
        self._told = told
        self._waiting: deque[int] = deque(range(len(told)))
        self._asked: dict[int, int] = {}
        """What waits for its answer, by Identifier."""

        self.answered: set[int] = set()

    def tell(self, port: int, until: int) -> None:
        """Tell a server records until so many are answered."""
        deadline = time.monotonic() + 4 * PATIENCE
        with socket.socket(type=socket.SOCK_DGRAM) as opened:
            opened.connect(("127.0.0.1", port))
            opened.settimeout(RETRY)
            while len(self.answered) < until:
                assert time.monotonic() < deadline, f"{len(self.answered)} answered"
                self._ask(opened)
                try:
                    self._hear(opened.recv(4096))
                except (TimeoutError, ConnectionRefusedError):
                    self._wait()
        self._wait()

    def _ask(self, opened: socket.socket) -> None:
        while self._waiting and len(self._asked) < AT_ONCE:
            number = self._waiting[0]
            if number % 256 in self._asked:
                return
            self._asked[number % 256] = self._waiting.popleft()
            with suppress(ConnectionRefusedError):
                opened.send(self._told[number])

    def _hear(self, reply: bytes) -> None:
        number = self._asked.get(reply[1])
        if number is None or not is_answer(reply, self._told[number]):
            return  # it is to a transmission before the one that was answered
        del self._asked[reply[1]]
        self.answered.add(number)

    def _wait(self) -> None:
        """Send again what has no answer."""
        self._waiting.extendleft(sorted(self._asked.values(), reverse=True))
        self._asked.clear()


def is_answer(reply: bytes, request: bytes) -> bool:
    """Whether it verifies as the answer to that request (RFC 2866 section 3)."""
    digest = hashlib.md5(reply[:4] + request[4:20] + reply[20:] + SECRET).digest()
    return reply[4:20] == digest


class KilledRadiusd:
    """`nexio-radiusd`, and its successor."""

    def __init__(self, configuration: Configuration, folder: Path, freeradius_python: None) -> None:
        del folder, freeradius_python
        self._configuration = configuration

    def start(self) -> int:
        """Wait until it answers; its port for accounting."""
        self._server = Radiusd(self._configuration).__enter__()
        return self._server.accounting_port

    def kill(self) -> None:
        """All of its processes."""
        self._server.kill()

    def stop(self) -> int:
        """End it in peace."""
        return self._server.stop()


class KilledFreeRADIUS:
    """FreeRADIUS with its companion, and their successors."""

    def __init__(self, configuration: Configuration, folder: Path, freeradius_python: None) -> None:
        del freeradius_python  # it is there
        self._server: FreeRADIUS = with_plugin(configuration, folder)

    def start(self) -> int:
        """Wait until it answers; its port for accounting."""
        self._server.start()
        self._server.warm_up()
        return self._server.accounting_port

    def kill(self) -> None:
        """Both at once."""
        self._server.kill()

    def stop(self) -> int:
        """End it in peace."""
        return self._server.stop()


class KilledCompanion(KilledFreeRADIUS):
    """FreeRADIUS goes on, and its companion is replaced."""

    def start(self) -> int:
        """The first time; then only its port."""
        return self._server.accounting_port if "nexio:" in self._server.log else super().start()

    def kill(self) -> None:
        """Whoever stores the records."""
        self._server.kill_companion()


@pytest.mark.parametrize(
    "count", [450, pytest.param(10_000, marks=pytest.mark.long)], ids="{} records".format
)
@pytest.mark.parametrize("make", [KilledRadiusd, KilledFreeRADIUS, KilledCompanion])
def test_must_16_what_was_answered_before_a_crash_is_there_once(
    freeradius_python: None,
    sqlite_configuration: Configuration,
    tmp_path: Path,
    make: Callable[..., KilledRadiusd | KilledFreeRADIUS],
    count: int,
) -> None:
    """Each record is sent until it is answered, by the one that is killed or by its successor."""
    access_point = AccessPoint(records(count))
    server = make(sqlite_configuration, tmp_path, freeradius_python)
    with desk_with(sqlite_configuration) as desk:
        access_point.tell(server.start(), count // 2)
        server.kill()
        port = server.start()
        before = [divmod(number, 3) for number in access_point.answered]
        sessions_when(desk, lambda found: not missing(before, found))

        access_point.tell(port, count)
        assert server.stop() == 0

        found = [
            (int(each.session_id), each.seconds, each.octets_in, each.ended_by)
            for each in sessions(desk.store)
        ]
        whole = [(number, 120, 200, "stop") for number in range(count // 3)]
        assert sorted(found)[: count // 3] == whole
        assert len(found) == -(-count // 3)


def missing(told: list[tuple[int, int]], found: list[WifiSession]) -> list[tuple[int, int]]:
    """Which of those records, by session and step, are in no row."""
    there = {int(each.session_id): each for each in found}
    return [
        (session, step)
        for session, step in told
        if session not in there
        or (there[session].octets_in or 0) < 100 * step
        or (step == 2 and there[session].ended_by != "stop")
    ]
