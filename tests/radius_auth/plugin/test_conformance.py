"""One table of logins, the same answers from `nexio-radiusd` and from FreeRADIUS with the plugin.

The late look-up of a reject is the one difference: FreeRADIUS decides once.
"""

from __future__ import annotations

from itertools import count, repeat
from typing import TYPE_CHECKING, Any

import pytest

from nexio.store.engine import utc_now
from radius_auth.protocol.packet import Code
from tests.support.radius.desk import Desk, seconds_left, sessions_when
from tests.support.radius.eapol import METHODS, Phone
from tests.support.radius.freeradius import FreeRADIUS, with_plugin
from tests.support.radius.logins import CASES, CHAP, MS_CHAP, PAP, Case, Guest, add_other_locations
from tests.support.radius.odd_requests import (
    ODD_REQUESTS,
    OWN,
    add_shared_controller,
    ask_oddly,
    device_of,
)
from tests.support.radius.radclient import Reply, account, radclient
from tests.support.radius.radiusd import Radiusd

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime
    from pathlib import Path

    from nexio.network.events import AuthEvent
    from nexio.reception.visits import Visit

Server = Radiusd | FreeRADIUS

SERVED = {
    "nexio-radiusd": (PAP, CHAP),
    "FreeRADIUS": (PAP, CHAP, MS_CHAP, *METHODS),
}


@pytest.fixture(scope="module")
def desk(desk: Desk) -> Desk:
    """A desk with three locations."""
    add_other_locations(desk)
    add_shared_controller(desk)
    return desk


@pytest.fixture(scope="module")
def guests(desk: Desk) -> dict[str, Guest]:
    """Whoever logs in, by the name of the case; registered before the servers start.

    Of those with a wrong PIN one for each server and method: the guard counts it at the visit.
    """
    wrong = [case for case in CASES if case.reason == "wrong PIN"]
    ways = [f"{name} {method}" for name, methods in SERVED.items() for method in methods]
    return {case.name: case.prepare(desk) for case in CASES} | {
        f"{case.name} {way}": case.prepare(desk) for case in wrong for way in ways
    }


def guest_of(guests: dict[str, Guest], case: Case, name: str, method: str) -> Guest:
    """Who logs in at a server with a method."""
    return guests.get(f"{case.name} {name} {method}", guests[case.name])


@pytest.fixture(scope="module")
def odd_guests(desk: Desk) -> list[Visit]:
    """Whoever stands behind each of the odd requests."""
    return [desk.register() for _ in ODD_REQUESTS]


@pytest.fixture(scope="module")
def servers(
    freeradius_python: None,
    desk: Desk,
    guests: dict[str, Guest],
    odd_guests: list[Visit],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[dict[str, Server]]:
    """Both, on the same store."""
    folder = tmp_path_factory.mktemp("freeradius")
    with (
        Radiusd(desk.configuration) as radiusd,
        with_plugin(desk.configuration, folder) as freeradius,
    ):
        freeradius.warm_up()
        yield {"nexio-radiusd": radiusd, "FreeRADIUS": freeradius}
        assert freeradius.stop() == 0
        assert "Traceback" not in freeradius.log + radiusd.stderr


_devices = map("02:00:00:00:{:02x}:{:02x}".format, count(), repeat(0))


def log_in(
    server: Server,
    method: str,
    case: Case,
    guest: Guest,
    folder: Path,
    device: str | None = None,
) -> Reply:
    """Log in with one method, on a device of its own: the guard counts wrong passwords by it."""
    device = device or next(_devices)
    if method in METHODS and isinstance(server, FreeRADIUS):
        phone = Phone(method=method, folder=folder, device=device)
        return phone.log_in(server, guest.user_name, guest.password)
    said: dict[str, Any] = {
        "method": method,
        "Calling_Station_Id": f'"{device}"',
        **case.attributes,
    }
    return radclient(server.port, guest.user_name, guest.password, **said)


@pytest.mark.parametrize(
    ("name", "method", "case"),
    [
        pytest.param(name, method, case, id=f"{name} {method} {case.name}")
        for name, methods in SERVED.items()
        for method in methods
        for case in CASES
        if method in case.methods
    ],
)
def test_the_same_answer(
    servers: dict[str, Server],
    guests: dict[str, Guest],
    tmp_path: Path,
    name: str,
    method: str,
    case: Case,
) -> None:
    """R1 to R22 on every way in: code, Session-Timeout, Class and words; signed (Must 9)."""
    guest = guest_of(guests, case, name, method)

    began = utc_now()
    reply = log_in(servers[name], method, case, guest, tmp_path)

    assert "Message-Authenticator" in reply.attributes
    if case.reason == "valid":
        assert reply.code == "Access-Accept"
        assert guest.visit is not None
        left = seconds_left(guest.visit), seconds_left(guest.visit, began)
        assert left[0] <= reply.session_timeout <= left[1]
        assert "Class" in reply.attributes
    else:
        assert reply.code == "Access-Reject"
        assert not {"Session-Timeout", "Class"} & set(reply.attributes)
        # RFC 3579 section 2.6.5: beside EAP-Message there are no words.
        assert (reply.words or "").startswith(case.words if method not in METHODS else "")
        assert bool(reply.words) == bool(case.words and method not in METHODS)


def test_the_same_reasons_in_the_log(
    desk: Desk, servers: dict[str, Server], guests: dict[str, Guest], tmp_path: Path
) -> None:
    """R11: one line for each login, with one reason, whatever server it came to."""
    logins = [
        (name, method, case)
        for name, methods in SERVED.items()
        for method in {PAP, MS_CHAP, "TTLS-PAP", "PEAP-MSCHAPv2", "PEAP-GTC"} & set(methods)
        for case in CASES
        if method in case.methods
    ]
    expected = {}
    for number, (name, method, case) in enumerate(logins):
        device = f"0a:00:00:00:01:{number:02x}"
        if "Calling_Station_Id" not in case.attributes:
            expected[device] = case.reason
            guest = guest_of(guests, case, name, method)
            log_in(servers[name], method, case, guest, tmp_path, device)

    found = desk.wait_for_events(lambda events: expected.keys() <= {each.device for each in events})

    assert {event.device: event.reason for event in found if event.device in expected} == expected
    assert len([event for event in found if event.device in expected]) == len(expected)


@pytest.mark.parametrize("name", SERVED)
def test_odd_requests_are_judged_and_logged_alike(
    desk: Desk, servers: dict[str, Server], odd_guests: list[Visit], name: str
) -> None:
    """Must 5, Must 7, R8 and R22: what is not as it should be, each attribute by itself."""
    began, answered = utc_now(), []
    for number, (odd, visit) in enumerate(zip(ODD_REQUESTS, odd_guests, strict=True)):
        dropped = odd.discarded_by_freeradius and name == "FreeRADIUS"
        reply = ask_oddly(number, visit, servers[name].port, tries=1 if dropped else 5)
        assert (reply is None) is dropped, odd.name
        if reply is not None:
            accepted = reply.code == Code.ACCESS_ACCEPT
            assert accepted is (odd.reason == "valid"), odd.name
            device = device_of(number) if odd.device == OWN else odd.device
            user_name = odd.user_name or visit.email
            answered.append((odd.name, odd.reason, user_name, device, odd.nas))

    desk.wait_for_events(lambda events: len(_since(began, events)) >= len(answered))

    for expected, event in zip(answered, _since(began, desk.events()), strict=True):
        logged = (event.reason, event.user_name, event.device, event.nas)
        assert (expected[0], *logged) == expected


def test_accounting_goes_to_the_server_beside(
    desk: Desk, servers: dict[str, Server], guests: dict[str, Guest]
) -> None:
    """R12: with the Class of FreeRADIUS's accept, nexio-radiusd knows whose session it is."""
    guest, beside = guests["inside the window"], servers["nexio-radiusd"]
    assert isinstance(beside, Radiusd)
    assert guest.visit is not None
    reply = radclient(servers["FreeRADIUS"].port, guest.user_name, guest.password)

    class_ = f"Class = {reply.attributes['Class']}"
    assert "Accounting-Response" in account(beside.accounting_port, "Start", class_, tries=3)

    (session,) = sessions_when(desk, lambda sessions: len(sessions) > 0)
    assert (session.visit_id, session.email) == (guest.visit.id, guest.visit.email)


def _since(began: datetime, events: list[AuthEvent]) -> list[AuthEvent]:
    """Those of this test; what came before is written to the log later, too."""
    return [event for event in events if event.at >= began]
