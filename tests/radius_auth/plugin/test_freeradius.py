"""A real FreeRADIUS with the plugin: what changes while it runs, what is out of reach, load."""

from __future__ import annotations

import secrets
import signal
import socket
import subprocess
import time
from typing import TYPE_CHECKING

import pytest

from nexio.network.nas import remove_nas
from nexio.store.creation import create_store
from radius_auth.client.client import send_status_server
from radius_auth.protocol.packet import Attribute, Code, Packet
from tests.support.people import delete, revoke
from tests.support.radius.access_requests import access_request, verified
from tests.support.radius.desk import Desk, ask_until, desk_with
from tests.support.radius.eapol import FURTHER_METHODS, METHODS, REFUSED_METHODS, Phone
from tests.support.radius.freeradius import FreeRADIUS, with_plugin
from tests.support.radius.guests import SECRET
from tests.support.radius.logins import CHAP, MS_CHAP, PAP
from tests.support.radius.radclient import ManyLogins, Reply, radclient
from tests.support.radius.radiusd import PATIENCE
from tests.support.radius.signing import sign, unsigned
from tests.support.stores import configuration_of, run_sql

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from nexio.configuration import Configuration
    from nexio.network.events import AuthEvent
    from nexio.reception.visits import Visit

TWO_PASSWORDS = {Attribute.USER_PASSWORD: [b"x" * 16] * 2}
PATIENT_FOR = 3
"""Seconds in which a server that was going to answer would have."""


@pytest.fixture(scope="module")
def freeradius(
    freeradius_python: None, desk: Desk, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[FreeRADIUS]:
    """A server of that desk."""
    with with_plugin(desk.configuration, tmp_path_factory.mktemp("freeradius")) as server:
        server.warm_up()
        yield server
        assert server.stop() == 0, server.log[-2000:]
        assert "Traceback" not in server.log


@pytest.fixture(params=[PAP, CHAP, MS_CHAP, *METHODS])
def way(request: pytest.FixtureRequest, freeradius: FreeRADIUS, tmp_path: Path) -> Way:
    """Each method in turn."""
    return Way(freeradius, request.param, tmp_path)


class Way:
    """One method of logging in at one server."""

    def __init__(self, server: FreeRADIUS, method: str, folder: Path) -> None:
        self._server, self.method, self._folder = server, method, folder

    def log_in(self, visit: Visit, *, seconds: int = 8) -> Reply:
        """As that visitor."""
        if self.method in METHODS:
            phone = Phone(method=self.method, folder=self._folder, seconds=seconds)
            return phone.log_in(self._server, visit.email, visit.pin)
        return radclient(
            self._server.port,
            visit.email,
            visit.pin,
            method=self.method,
            timeout=seconds,
            tries=1,
        )


# From the start


def test_the_first_request_is_answered(desk: Desk, freeradius_python: None, tmp_path: Path) -> None:
    """Without a repetition; a check of the configuration beside it starts nothing."""
    visit = desk.register()
    with with_plugin(desk.configuration, tmp_path) as server:
        first = radclient(server.port, visit.email, visit.pin, tries=1, timeout=int(PATIENCE))
        assert first.code == "Access-Accept"
        checked = subprocess.check_output(
            ["freeradius", "-C", "-l", "stdout", "-d", server.raddb], text=True
        )
        assert "answering from" not in checked
        assert server.log.count("answering from") == 1


# While it runs


def test_registered_revoked_and_deleted_while_it_runs(desk: Desk, way: Way) -> None:
    """R4 and R13 on every method: in, and then out again, without a restart."""
    revoked, deleted = desk.register(), desk.register()
    for visit in (revoked, deleted):
        assert ask_until("Access-Accept", lambda it=visit: way.log_in(it)).session_timeout > 3000  # type: ignore[misc]

    revoke(desk.store, revoked)
    delete(desk.store, deleted)

    for visit in (revoked, deleted):
        ask_until("Access-Reject", lambda it=visit: way.log_in(it))  # type: ignore[misc]


def test_a_nas_is_known_without_a_restart(desk: Desk, freeradius: FreeRADIUS) -> None:
    """Must 1 and R19: silence for a stranger, an answer once it is in the store."""
    visit = desk.register()

    def ask() -> Reply:
        return radclient(
            freeradius.port,
            visit.email,
            visit.pin,
            tries=1,
            timeout=1,
            Packet_Src_IP_Address="127.0.0.7",
        )

    assert ask().code == "silence"
    desk.add_nas("127.0.0.7")
    assert ask_until("Access-Accept", ask).code == "Access-Accept"

    with desk.store.write() as work:
        remove_nas(work, "127.0.0.7")
    ask_until("Access-Reject", ask)


def test_status_server(desk: Desk, freeradius: FreeRADIUS) -> None:
    """Must 18: answered while guests are."""
    words = send_status_server("127.0.0.1", freeradius.port, SECRET, timeout=PATIENT_FOR)

    assert words == ""  # FreeRADIUS says nothing of itself, but it answers


# What the network sends


@pytest.mark.parametrize(
    ("attributes", "reason"),
    [
        pytest.param({Attribute.CALLED_STATION_ID: [b"02:Caf\xe9"]}, "valid", id="SSID in Latin-1"),
        pytest.param({Attribute.NAS_PORT_ID: [b"\xff\xfe"]}, "valid", id="port"),
        pytest.param({Attribute.CALLING_STATION_ID: [b"\xff\xfe"]}, "valid", id="device"),
        pytest.param({Attribute.REPLY_MESSAGE: [b"a\0b"]}, "valid", id="NUL"),
        pytest.param(TWO_PASSWORDS, "contradictory request", id="two passwords"),
        pytest.param({250: [b"\xff" * 200]}, "valid", id="an unknown attribute"),
        pytest.param({Attribute.PROXY_STATE: [b"\xff", b"\0", b"b"]}, "valid", id="Proxy-State"),
    ],
)  # fmt: skip
def test_odd_octets_harm_nobody(
    desk: Desk, freeradius: FreeRADIUS, attributes: dict[int, list[bytes]], reason: str
) -> None:
    """Must 5, 7, 8: an answer, by the rules, and Proxy-State as it came."""
    visit = desk.register()
    ask_until("Access-Accept", lambda: radclient(freeradius.port, visit.email, visit.pin))
    known = len(desk.events())

    password = None if Attribute.USER_PASSWORD in attributes else visit.pin.encode()
    reply = ask_raw(freeradius, access_request(visit.email, password, attributes=attributes))

    accepted = reason == "valid"
    assert reply.code == (Code.ACCESS_ACCEPT if accepted else Code.ACCESS_REJECT)
    assert reply.values(Attribute.PROXY_STATE) == attributes.get(Attribute.PROXY_STATE, [])
    found = desk.wait_for_events(lambda events: reason in {each.reason for each in events[known:]})
    assert reason in {event.reason for event in found[known:]}


@pytest.mark.parametrize("password", [b"\xff482913", b"\0", b"", b"4829\0", b"\xc3\xa9" * 40])
def test_odd_passwords_are_rejected(desk: Desk, freeradius: FreeRADIUS, password: bytes) -> None:
    """A password that is no ASCII makes the call of Python fail, unless it is caught."""
    reply = ask_raw(freeradius, access_request(desk.register().email, password))

    assert reply.code == Code.ACCESS_REJECT


@pytest.mark.parametrize("method", FURTHER_METHODS)
def test_further_methods_let_in(
    desk: Desk, freeradius: FreeRADIUS, tmp_path: Path, method: str
) -> None:
    """R10: what the guide's table of methods promises, each with a right and a wrong PIN."""
    visit, device = desk.register(), f"0c:00:00:00:00:{len(method):02x}"
    phone = Phone(method=method, folder=tmp_path, device=device)
    ask_until("Access-Accept", lambda: radclient(freeradius.port, visit.email, visit.pin))

    assert phone.log_in(freeradius, visit.email, visit.pin).session_timeout > 3000
    assert phone.log_in(freeradius, visit.email, visit.pin[::-1] + "0").code == "Access-Reject"

    assert reasons_on(desk, device, 2) == ["valid", "wrong PIN"]


@pytest.mark.parametrize("method", REFUSED_METHODS)
def test_a_method_that_is_not_offered_inside_is_no_wrong_pin(
    desk: Desk, freeradius: FreeRADIUS, tmp_path: Path, method: str
) -> None:
    """R11: the PIN was never looked at, so the log must not say that it is wrong."""
    visit, device = desk.register(), f"0d:00:00:00:00:{len(method):02x}"
    phone = Phone(method=method, folder=tmp_path, device=device)
    ask_until("Access-Accept", lambda: radclient(freeradius.port, visit.email, visit.pin))

    assert phone.log_in(freeradius, visit.email, visit.pin).code == "Access-Reject"

    assert reasons_on(desk, device, 1) == ["EAP failed"]


@pytest.mark.parametrize("method", METHODS)
def test_odd_octets_around_a_tunnel(
    desk: Desk, freeradius: FreeRADIUS, tmp_path: Path, method: str
) -> None:
    """Must 5: an SSID and an outer name in Latin-1 harm nobody; inside it is an unknown user."""
    visit = desk.register()
    ask_until("Access-Accept", lambda: radclient(freeradius.port, visit.email, visit.pin))
    mac = f"0e:00:00:00:{len(method):02x}:"
    said: dict[int, bytes] = {Attribute.CALLED_STATION_ID: b"02-00-00-00-00-01:Caf\xe9"}
    outside = Phone(
        method=method, folder=tmp_path, device=f"{mac}01", outside="Zo\udceb", attributes=said
    )
    inside = Phone(method=method, folder=tmp_path, device=f"{mac}02", attributes=said)

    assert outside.log_in(freeradius, visit.email, visit.pin).code == "Access-Accept"
    assert inside.log_in(freeradius, "zo\udceb\x07@x.com", visit.pin).code == "Access-Reject"

    assert reasons_on(desk, outside.device, 1) == ["valid"]
    assert reasons_on(desk, inside.device, 1) == ["unknown user"]


def test_status_server_from_an_odd_access_point(desk: Desk, freeradius: FreeRADIUS) -> None:
    """Must 18: answered, whatever it is called."""
    odd = b"\x20\x07Caf\xe9\x07"

    assert ask_raw(freeradius, sign(unsigned(odd, code=12))).code == Code.ACCESS_ACCEPT


def test_no_password_in_the_log_of_freeradius(desk: Desk, freeradius: FreeRADIUS) -> None:
    """Must 20."""
    visit = desk.register()
    ask_until("Access-Accept", lambda: radclient(freeradius.port, visit.email, visit.pin))
    radclient(freeradius.port, visit.email, "a wrong password")

    for secret in (visit.pin, "a wrong password", SECRET.decode()):
        assert secret not in freeradius.log


COUNTING = """
def _counted(function):
    def call(pairs):
        with open({path!r}, "a") as calls:
            calls.write(".")
        return function(pairs)

    return call


authorize, authenticate, post_auth = map(_counted, (authorize, authenticate, post_auth))
"""


def test_how_often_the_plugin_is_asked(freeradius_python: None, desk: Desk, tmp_path: Path) -> None:
    """Calls of Python for each login: of EAP the first packet, the tunnel, and the last packet."""
    calls, visit = tmp_path / "calls", desk.register()
    with_counting = with_plugin(desk.configuration, tmp_path / "freeradius")
    with (with_counting.raddb / "mods-config/nexio/nexio_plugin.py").open("a") as module:
        module.write(COUNTING.format(path=str(calls)))
    counted: dict[str, int] = {}
    with with_counting as server:
        server.warm_up()
        for method in (PAP, CHAP, MS_CHAP, "TTLS-PAP", "PEAP-MSCHAPv2"):
            calls.write_text("")
            assert Way(server, method, tmp_path).log_in(visit).code == "Access-Accept"
            counted[method] = len(calls.read_text())
        calls.write_text("")
        assert radclient(server.port, visit.email, "000000", tries=1).code == "Access-Reject"
        counted["reject"] = len(calls.read_text())

    assert counted == {
        PAP: 1, CHAP: 1, MS_CHAP: 2, "TTLS-PAP": 4, "PEAP-MSCHAPv2": 7, "reject": 1
    }  # fmt: skip


# Out of reach


def test_before_there_is_a_store_it_is_silent(freeradius_python: None, tmp_path: Path) -> None:
    """Nobody is rejected who may be right; FreeRADIUS starts, and says why it is silent."""
    configuration = configuration_of(tmp_path / "nexio")
    with with_plugin(configuration, tmp_path) as server:
        # Without the store no NAS is known, so that the question cannot be asked in its name:
        # what is silent here is the look for the NAS.
        assert (
            radclient(server.port, "a@example.com", "482913", tries=2, timeout=1).code == "silence"
        )
        server.wait_for_line("no guest is answered: ")

        create_store(configuration)
        with desk_with(configuration) as desk:
            visit = desk.register()
            reply = ask_until(
                "Access-Accept",
                lambda: radclient(server.port, visit.email, visit.pin, tries=1, timeout=1),
            )

        assert reply.code == "Access-Accept"
        server.wait_for_line("answering from ")


def test_without_a_spool_guests_are_answered(
    freeradius_python: None, sqlite_configuration: Configuration, tmp_path: Path
) -> None:
    """Unusable at the start or gone later; decisions are in the store, and it is said.

    A PIN with a realm as the name is masked there.
    """
    spool = sqlite_configuration.home / "spool"
    with desk_with(sqlite_configuration) as desk:
        visit = desk.register()
        spool.write_text("a file in place of the folder")
        with with_plugin(sqlite_configuration, tmp_path) as server:
            server.warm_up()
            assert radclient(server.port, visit.email, visit.pin).code == "Access-Accept"
            radclient(server.port, "44863544@guest", "44863544")
            server.wait_for_line("the spool ")
            assert server.stop() == 0
        names = {event.user_name for event in desk.events()}
        assert {visit.email, "******@guest"} <= names
        assert "are lost" not in server.log


def test_a_pin_that_cannot_be_read_is_silence_for_that_guest_only(
    desk: Desk, freeradius: FreeRADIUS, way: Way
) -> None:
    """A key that is missing, in a tunnel or not: no reject of a guest who may be right."""
    damaged, other = desk.register(), desk.register()
    ask_until("Access-Accept", lambda: way.log_in(damaged))
    run_sql(
        desk.store,
        "UPDATE visit SET pin_sealed = :sealed WHERE id = :id",
        sealed=b"\xff" * 40,
        id=damaged.id,
    )
    run_sql(desk.store, "UPDATE store_revision SET epoch = :epoch", epoch=secrets.token_hex(16))
    newest = desk.register()
    ask_until("Access-Accept", lambda: radclient(freeradius.port, newest.email, newest.pin))

    readable = way.method in {PAP, "TTLS-PAP"}  # where no PIN is unsealed
    expected = "Access-Accept" if readable else "silence"
    assert way.log_in(damaged, seconds=PATIENT_FOR).code == expected
    assert way.log_in(other).code == "Access-Accept"


# Load


def test_two_thousand_logins_at_once(desk: Desk, freeradius: FreeRADIUS, tmp_path: Path) -> None:
    """None lost, none wrong, from four NAS at once, while visitors are registered."""
    sources = [f"127.0.0.{number}" for number in range(11, 15)]
    desk.add_nas(*sources)
    visits = [desk.register() for _ in range(20)]
    for source in sources:  # FreeRADIUS learns one NAS a second
        ask_until("Access-Accept", lambda it=source: radclient(  # type: ignore[misc]
            freeradius.port, visits[-1].email, visits[-1].pin, timeout=1, tries=1,
            Packet_Src_IP_Address=it))  # fmt: skip

    asking = [
        ManyLogins(freeradius.port, logins(visits, 500), tmp_path, source=source)
        for source in sources
    ]
    for _ in range(5):
        desk.register()
    done = [each.finish() for each in asking]

    assert [(each.accepted, each.rejected, each.lost) for each in done] == [(500, 0, 0)] * 4


def test_hup_and_restart_under_load(
    freeradius_python: None, own_desk: Desk, tmp_path: Path
) -> None:
    """A NAS asks again, so that no guest notices; every decision is in the log afterwards."""
    visits = [own_desk.register() for _ in range(20)]
    server = with_plugin(own_desk.configuration, tmp_path)
    # As Debian has it. What FreeRADIUS drops when it ends, it rejects; but never so soon.
    server.change("radiusd.conf", "reject_delay = 0", "reject_delay = 1")
    with server:
        server.warm_up()
        asking = ManyLogins(server.port, logins(visits, 1500), tmp_path, at_once=20, timeout=1)
        for _ in range(3):
            server.signal(signal.SIGHUP)
            time.sleep(0.1)
        # FreeRADIUS 3.2.1 told to end under load goes round in circles now and then, in a thread of
        # its own; it is killed then, and what it decided in the last half second is not logged.
        ended = server.stop(seconds=5)
        assert ended in {0, -signal.SIGKILL}
        server.start()
        done = asking.finish()
        assert server.stop() == 0

        assert (done.accepted, done.rejected, done.lost) == (1500, 0, 0)
        assert "Traceback" not in server.log
    assert own_desk.reasons().count("valid") >= (1500 if ended == 0 else 500)


@pytest.fixture
def own_desk(sqlite_configuration: Configuration) -> Iterator[Desk]:
    """A desk whose server may be ended."""
    with desk_with(sqlite_configuration) as made:
        yield made


def ask_raw(server: FreeRADIUS, datagram: bytes) -> Packet:
    """Send octets, and check the reply as a NAS would."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        asking.settimeout(PATIENT_FOR)
        asking.sendto(datagram, ("127.0.0.1", server.port))
        return verified(datagram, asking.recv(4096))


def reasons_on(desk: Desk, device: str, count: int) -> list[str]:
    """What the log says of a device, once there are so many lines."""

    def on_device(events: list[AuthEvent]) -> list[str]:
        return [event.reason for event in events if event.device == device]

    return on_device(desk.wait_for_events(lambda events: len(on_device(events)) >= count))


def logins(visits: list[Visit], count: int) -> list[tuple[str, str, str]]:
    """Each visitor in turn, with each method in turn."""
    methods = (PAP, CHAP, MS_CHAP)
    return [
        (visit.email, methods[number % 3], visit.pin)
        for number, visit in ((number, visits[number % len(visits)]) for number in range(count))
    ]
