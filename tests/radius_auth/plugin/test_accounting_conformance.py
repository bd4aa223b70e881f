"""One table of what access points tell, the same rows from both servers (Must 16 and 17)."""

from __future__ import annotations

import socket
import time
from contextlib import suppress
from itertools import count
from typing import TYPE_CHECKING

import pytest

from nexio.clock import utc_now
from radius_auth.protocol.packet import Acct, Attribute
from tests.support.accounting import sessions
from tests.support.radius.accounting_cases import AP, CASES, OTHER, Case, Row, Told
from tests.support.radius.accounting_requests import (
    START,
    STOP,
    UPDATE,
    accounting_request,
    answered,
    number,
)
from tests.support.radius.desk import Desk
from tests.support.radius.freeradius import FreeRADIUS, with_plugin
from tests.support.radius.radclient import radclient
from tests.support.radius.radiusd import PATIENCE, Radiusd
from tests.support.radius.signing import status_server

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from nexio.network.sessions import WifiSession
    from nexio.reception.visits import Visit

Server = Radiusd | FreeRADIUS
STATUS = status_server()
NAMES = ("nexio-radiusd", "FreeRADIUS")
INEXACT = 20
"""Seconds; the machine may be busy between two requests."""


@pytest.fixture(scope="module")
def visit(desk: Desk) -> Visit:
    """Whose Class it is."""
    return desk.register()


@pytest.fixture(scope="module")
def servers(
    freeradius_python: None, desk: Desk, visit: Visit, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, Server]]:
    """Both, on the same store."""
    folder = tmp_path_factory.mktemp("freeradius")
    with (
        Radiusd(desk.configuration) as radiusd,
        with_plugin(desk.configuration, folder) as freeradius,
    ):
        freeradius.warm_up()
        yield {"nexio-radiusd": radiusd, "FreeRADIUS": freeradius}
        assert "Traceback" not in freeradius.log + radiusd.stderr


class Outcome:
    """What became of all cases at one server."""

    def __init__(self, name: str, server: Server, class_: bytes) -> None:
        self._name = name
        self._class = class_
        self.replies: dict[int, bytes] = {}
        """By Identifier."""

        self.began: dict[str, datetime] = {}
        """When each case began."""

        self.asked: dict[str, list[tuple[Told, bytes]]] = {}
        self._identifiers = count()
        with socket.socket(type=socket.SOCK_DGRAM) as opened:
            opened.connect(("127.0.0.1", server.accounting_port))
            for case in CASES:
                self._tell(opened, case)
            opened.settimeout(PATIENCE)
            opened.send(STATUS)
            self.of_status = opened.recv(4096)
            opened.settimeout(0.5)  # whatever comes late
            with suppress(TimeoutError):
                while True:
                    self._take(opened.recv(4096))

    def identifier(self, case: Case, nas: str) -> bytes:
        """The NAS-Identifier of an access point: no two cases have the same."""
        return f"{self._name} {CASES.index(case)} {nas}".encode()

    def devices(self, case: Case) -> str:
        """How their addresses begin: no two cases have the same."""
        return f"02:00:00:{NAMES.index(self._name):02x}:{CASES.index(case):02x}:"

    def _tell(self, opened: socket.socket, case: Case) -> None:
        self.began[case.name] = utc_now()
        self.asked[case.name] = []
        for each in case.told:
            number = next(self._identifiers)
            named: dict[int, list[bytes]] = {
                Attribute.NAS_IDENTIFIER: [self.identifier(case, each.nas)],
                Attribute.CALLING_STATION_ID: [f"{self.devices(case)}{each.device:02x}".encode()],
            }
            request = each.request(number, named, self._class)
            self.asked[case.name].append((each, request))
            opened.send(request)
            until = time.monotonic() + PATIENCE
            opened.settimeout(3.0)
            while each.is_answered and number not in self.replies:
                assert time.monotonic() < until, (self._name, case.name, each)
                try:
                    self._take(opened.recv(4096))
                except TimeoutError:
                    opened.send(request)  # as a NAS does

    def _take(self, reply: bytes) -> None:
        self.replies[reply[1]] = reply


@pytest.fixture(scope="module")
def outcomes(servers: dict[str, Server], visit: Visit) -> dict[str, Outcome]:
    """All cases at both servers, which have ended: everything is in the store."""
    made = {}
    for name, server in servers.items():
        accept = radclient(server.port, visit.email, visit.pin)
        class_ = bytes.fromhex(accept.attributes["Class"].removeprefix("0x"))
        made[name] = Outcome(name, server, class_)
    for status, seconds, which in (
        (START, 0, 0),
        (UPDATE, 60, 1),
        (UPDATE, 120, 0),
        (STOP, 150, 1),
    ):
        tell_one(servers[NAMES[which]], status, seconds)
    for server in servers.values():
        assert server.stop() == 0
    return made


def tell_one(server: Server, status: int, seconds: int) -> None:
    """Tell a server of a session that the other one hears of, too."""
    told = {
        Attribute.NAS_IDENTIFIER: [b"of both"],
        Acct.SESSION_TIME: number(seconds),
        Acct.INPUT_OCTETS: number(10 * seconds),
        Acct.DELAY_TIME: number(150 - seconds),
    }
    request = accounting_request(status, told)
    with socket.socket(type=socket.SOCK_DGRAM) as opened:
        opened.connect(("127.0.0.1", server.accounting_port))
        opened.settimeout(PATIENCE)
        opened.send(request)
        answered(request, opened.recv(4096))


def test_must_17_a_session_that_both_servers_hear_of_is_one_row(
    desk: Desk, outcomes: dict[str, Outcome]
) -> None:
    """In turns, as where a NAS changes its server; whichever stores its records first."""
    del outcomes
    (both,) = [each for each in sessions(desk.store) if each.nas_identifier == "of both"]
    assert (both.seconds, both.octets_in, both.ended_by) == (150, 1500, "stop")
    assert abs((both.heard_at - both.started_at).total_seconds() - 150) <= INEXACT


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_must_16_answered_if_and_only_if_it_is_stored(
    outcomes: dict[str, Outcome], name: str, case: Case
) -> None:
    """And the answer verifies."""
    outcome = outcomes[name]
    for each, request in outcome.asked[case.name]:
        reply = outcome.replies.get(request[1])
        if each.is_answered:
            answered(request, reply)
        else:
            assert reply is None, each


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_must_17_the_same_rows(
    desk: Desk, visit: Visit, outcomes: dict[str, Outcome], name: str, case: Case
) -> None:
    """All of a row, whatever server it came to."""
    outcome = outcomes[name]
    whose = {outcome.identifier(case, each).decode(): each for each in (AP, OTHER)}
    found = [each for each in sessions(desk.store) if each.nas_identifier in whose]
    found.sort(key=lambda session: session.id)

    rows = [
        row_of(session, expected, outcome.began[case.name], visit)
        for session, expected in zip(found, case.rows, strict=False)
    ]
    assert (rows, len(found)) == (list(case.rows), len(case.rows))


@pytest.mark.parametrize("name", NAMES)
def test_must_18_status_server_on_the_accounting_port(
    outcomes: dict[str, Outcome], name: str
) -> None:
    """Answered by an Accounting-Response (RFC 5997 section 4.2)."""
    answered(STATUS, outcomes[name].of_status)


def row_of(session: WifiSession, expected: Row, began: datetime, visit: Visit) -> Row:
    """A session as the table has it; what the busy machine makes inexact is as it is there."""
    ago = round((began - session.started_at).total_seconds())
    is_near = abs(ago - expected.began_ago) <= INEXACT
    counted = session.seconds or expected.seconds
    is_measured = not expected.seconds and counted <= INEXACT  # no Acct-Session-Time
    return Row(
        session_id=session.session_id,
        began_ago=expected.began_ago if is_near else ago,
        seconds=0 if is_measured else counted,
        octets_in=session.octets_in,
        octets_out=session.octets_out,
        ended_by=session.ended_by,
        terminate_cause=session.terminate_cause,
        is_visitors=session.visit_id == visit.id,
        user_name=session.user_name,
        device=None if session.device is None else int(session.device[-2:], 16),
        nas_address=session.nas_address,
        nas=(session.nas_identifier or "").split(maxsplit=2)[2],
    )
