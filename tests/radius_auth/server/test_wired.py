"""A switch with 802.1X, and devices: Debian's hostapd and wpa_supplicant ask our servers.

Only where the machine allows network namespaces: see ``tests/conftest.py``.
"""

from __future__ import annotations

import re
import sys
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final, Self

import pytest

from nexio.clock import utc_now
from nexio.network.nas import NasChanges, edit_nas
from nexio.network.sessions import SessionFilter, list_sessions
from nexio.store.tables import AccessTokenRow
from nexio_cli.terminal.session_view import end_words
from tests.support.people import revoke
from tests.support.radius import lossy_line
from tests.support.radius.desk import desk_with
from tests.support.radius.eapol import FURTHER_METHODS, METHODS
from tests.support.radius.freeradius import with_plugin
from tests.support.radius.networks import Network
from tests.support.radius.radiusd import Radiusd, wait_until
from tests.support.radius.wired import Login, Port, Program, Switch, device

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from nexio.configuration import Configuration
    from nexio.network.sessions import WifiSession
    from nexio.reception.visits import Visit

OF_METHOD: Final = {f"m{n}": name for n, name in enumerate([*METHODS, *FURTHER_METHODS])}
"""A port for each method that is served."""

NOBODY: Final = 9
"""A port at which no server is."""

LINE: Final = 4799
"""Where the line begins that loses an answer."""

TAKES_DISCONNECTS: Final = {"revoked": 3799, "lossy": 3800}
SOON: Final = 5.0
"""Seconds after which who may not be on is off."""

LONGEST: Final = 90.0
"""Seconds: hostapd asks four times, in growing pauses, before it asks another server."""

WINDOWS: Final = {"end": 8, "later": 20, "last": 50}
"""Seconds that a window is still open at each of these ports: on a slow machine, a login takes
some, and a switch does not listen for a minute after a reject."""


class House:
    """Servers, a switch, and guests; leaving the context ends all of it."""

    def __init__(self, configuration: Configuration, folder: Path, freeradius_python: None) -> None:
        del freeradius_python  # it is there
        self._stack, self.folder = ExitStack(), folder
        self._devices: dict[str, Program] = {}
        self.desk = self._stack.enter_context(desk_with(configuration))
        self.desk.add_nas("127.0.0.2", "127.0.0.3")
        places = {"127.0.0.2": TAKES_DISCONNECTS["revoked"], "127.0.0.3": LINE}
        with self.desk.store.write() as work:
            for name, place in places.items():
                edit_nas(work, name, NasChanges(disconnect=f"127.0.0.1:{place}"))
        self.network = self._stack.enter_context(Network())
        inside = self.network.inside
        self.freeradius = with_plugin(configuration, folder)
        self.freeradius.started_by = inside
        self.radiusd = self._stack.enter_context(Radiusd(configuration, started_by=inside))
        self.abandoned = self.visitor()
        self.waiting = self._log_in_where_the_first_server_is_gone()
        self._stack.enter_context(self.freeradius)
        self.other_switch = self._switch(self._port("again", 3811))
        self.switch = self._switch(
            *(self._port(name, 3820 + n) for n, name in enumerate([*OF_METHOD, *WINDOWS])),
            self._port("revoked", TAKES_DISCONNECTS["revoked"], "127.0.0.2"),
            self._port("lossy", TAKES_DISCONNECTS["lossy"], "127.0.0.3"),
        )
        words = [str(each) for each in (LINE, "127.0.0.1", TAKES_DISCONNECTS["lossy"])]
        line = Program(self.network, sys.executable, Path(lossy_line.__file__), *words)
        self.line = self._stack.enter_context(line)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def visitor(self) -> Visit:
        """Somebody who is expected now."""
        return self.desk.register()

    def end_in(self, visit: Visit, seconds: float) -> datetime:
        """Let a visitor's window end so soon; when that is."""
        assert visit.token is not None
        with self.desk.store.write() as work:
            token = work.session.get_one(AccessTokenRow, visit.token.id)
            token.valid_until = work.now + timedelta(seconds=seconds)
            return token.valid_until

    def plug_in(self, port: str, visit: Visit, method: str = "PEAP-MSCHAPv2") -> Program:
        """A device that logs in; the one that was there is pulled out."""
        if port in self._devices:
            self._devices[port].end()
        login = Login(visit=visit, method=method, ca_file=self.freeradius.ca_file)
        made = self._stack.enter_context(device(self.network, self.folder, port, login))
        self._devices[port] = made
        return made

    def log_in(self, port: str, visit: Visit, method: str = "PEAP-MSCHAPv2") -> Program:
        """A device that has logged in."""
        made = self.plug_in(port, visit, method)
        made.wait_for("EAP-SUCCESS")
        return made

    def session(self, visit: Visit, enough: Callable[[WifiSession], object]) -> WifiSession:
        """The visitor's last session, as soon as it meets a condition."""
        found: list[WifiSession] = []

        def reached() -> bool:
            with self.desk.store.read() as work:
                found[:] = list_sessions(work, SessionFilter(visit_id=visit.id))
            return bool(found) and bool(enough(found[-1]))

        wait_until(reached)
        return found[-1]

    def _log_in_where_the_first_server_is_gone(self) -> Program:
        """Which takes hostapd three quarters of a minute: so it begins before all else."""
        self._switch(self._port("waiting", 3810, servers=(NOBODY, self.freeradius.port)))
        return self.plug_in("waiting", self.abandoned)

    def _port(
        self, name: str, disconnects: int, address: str = "127.0.0.1", servers: tuple[int, ...] = ()
    ) -> Port:
        return Port(
            name=name,
            address=address,
            auth_ports=servers or (self.freeradius.port,),
            acct_port=(self.freeradius if name in OF_METHOD else self.radiusd).accounting_port,
            disconnect_port=disconnects,
        )

    def _switch(self, *ports: Port) -> Switch:
        return self._stack.enter_context(Switch(self.network, self.folder, *ports))


def each_method(house: House) -> None:
    """Each method that we serve gets in, and accounting at FreeRADIUS says who it is."""
    visits = {port: house.visitor() for port in OF_METHOD}
    devices = {
        port: house.plug_in(port, visits[port], method) for port, method in OF_METHOD.items()
    }
    for port, each in devices.items():
        each.wait_for("EAP-SUCCESS")
        session = house.session(visits[port], lambda found: found.heard_at > found.started_at)
        assert (session.ended_at, session.nas_identifier) == (None, port)
        assert (session.octets_in, session.octets_out) == (None, None)  # it counts none


def end_of_the_window(house: House) -> None:
    """The session ends by its Session-Timeout, which is what was left of the window."""
    for port, seconds in WINDOWS.items():
        visit = house.visitor()
        until = house.end_in(visit, seconds)
        guest = house.plug_in(port, visit)
        guest.wait_for("EAP authentication ", times=2)  # it started, and what came of it
        if "EAP-SUCCESS" in guest.said:
            break
    events = house.desk.wait_for_events(lambda found: visit.id in {each.visit_id for each in found})
    (accept,) = (each for each in events if each.visit_id == visit.id)
    left = int((until - accept.at).total_seconds())
    assert f"setting session timeout to {left} seconds" in house.switch.program.said
    session = house.session(visit, lambda found: found.ended_at is not None)
    # A switch counts whole ones, from a moment after its clock of the timeout began.
    assert session.seconds in {left - 1, left, left + 1}
    assert end_words(session, visit.location.zone) == "session timeout"


def revoked_while_on(house: House) -> None:
    """The session ends within five seconds, for our reason; another login is refused."""
    visit = house.visitor()
    house.log_in("revoked", visit)
    house.session(visit, lambda found: found)
    began = utc_now()
    revoke(house.desk.store, visit)
    session = house.session(visit, lambda found: found.ended_at and found.disconnect)
    assert session.ended_at is not None
    assert (session.ended_at - began).total_seconds() < SOON
    assert session.disconnect is not None
    assert (session.ended_by, session.disconnect.outcome) == ("stop", "ack")
    words = end_words(session, visit.location.zone)
    assert re.fullmatch(r"revoked at \d\d:\d\d, disconnected", words)
    house.plug_in("revoked", visit).wait_for("EAP-FAILURE")


def lost_ack(house: House) -> None:
    """The repetition is answered "no such session": which is over, and no refusal."""
    visit = house.visitor()
    house.log_in("lossy", visit)
    house.session(visit, lambda found: found)
    revoke(house.desk.store, visit)
    session = house.session(visit, lambda found: found.ended_at and found.disconnect)
    house.line.wait_for("an answer is lost")
    assert session.disconnect is not None
    assert (session.disconnect.outcome, session.disconnect.error_cause) == ("nak", 503)
    assert end_words(session, visit.location.zone).startswith("revoked at")


def power_cut(house: House) -> None:
    """A switch that starts again has nobody on any more; its sessions end where they were heard."""
    visit = house.visitor()
    house.log_in("again", visit)
    house.session(visit, lambda found: found.heard_at > found.started_at)
    house.other_switch.power_cut()
    session = house.session(visit, lambda found: found.ended_at is not None)
    assert (session.ended_by, session.ended_at) == ("accounting-on", session.heard_at)
    house.log_in("again", visit)
    assert house.session(visit, lambda found: found.ended_at is None).id != session.id


def restart(house: House) -> None:
    """A freshly started FreeRADIUS answers its first request."""
    before = len(house.freeradius.log)
    assert house.freeradius.stop() == 0
    house.freeradius.start()
    house.log_in("m0", house.visitor())
    assert "no answer to" not in house.freeradius.log[before:]


def failover(house: House) -> None:
    """Where the first server is gone, the second one lets the guest in."""
    house.waiting.wait_for("EAP-SUCCESS", seconds=LONGEST)
    house.session(house.abandoned, lambda found: found.ended_at is None)


def test_a_switch_asks_who_is_there(
    freeradius_python: None,
    sqlite_configuration: Configuration,
    tmp_path: Path,
    subtests: pytest.Subtests,
) -> None:
    """One after the other, at the same servers: starting them takes longer than each of these."""
    steps = (each_method, revoked_while_on, lost_ack, end_of_the_window, power_cut, restart)
    with House(sqlite_configuration, tmp_path, freeradius_python) as house:
        for step in (*steps, failover):
            with subtests.test(step.__doc__):
                step(house)
