"""One table of logins, the same answers from `nexio-radiusd` and from FreeRADIUS with the plugin.

The late look-up of a reject is the one difference: FreeRADIUS decides once (DESIGN 4).
"""

from __future__ import annotations

from itertools import count, repeat
from typing import TYPE_CHECKING, Any

import pytest

from nexio.store.engine import utc_now
from tests.radius_auth.desk import Desk, desk_with, seconds_left
from tests.radius_auth.eapol import METHODS, Phone
from tests.radius_auth.freeradius import FreeRADIUS, with_plugin
from tests.radius_auth.logins import CASES, CHAP, MS_CHAP, PAP, Case, Guest, add_other_locations
from tests.radius_auth.radclient import Reply, radclient
from tests.radius_auth.radiusd import Radiusd

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.stores import Template

Server = Radiusd | FreeRADIUS

SERVED = {
    "nexio-radiusd": (PAP, CHAP),
    "FreeRADIUS": (PAP, CHAP, MS_CHAP, *METHODS),
}


@pytest.fixture(scope="module")
def desk(_sqlite_template: Template, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """A desk with three locations."""
    configuration = _sqlite_template.copy(tmp_path_factory.mktemp("desk") / "nexio")
    with desk_with(configuration) as made:
        add_other_locations(made)
        yield made


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
def servers(
    desk: Desk, guests: dict[str, Guest], tmp_path_factory: pytest.TempPathFactory
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
        for method in {PAP, MS_CHAP, "PEAP-MSCHAPv2"} & set(methods)
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
