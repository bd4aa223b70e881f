"""Several servers on one store: each says how it does, and which decisions are its own."""

from __future__ import annotations

import socket
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import make_url

from nexio import __version__
from nexio.network.event_log import list_events
from nexio.network.guard_table import servers_at_work
from nexio.network.nas import NewNas, add_nas, get_nas
from nexio.network.nas_signatures import Signing, read_signatures, signing_of
from nexio.network.server_identity import FREERADIUS, RADIUSD
from nexio.network.servers import list_servers, server_names
from nexio.operations.fleet import look_at_fleet
from tests.support.radius.access_requests import access_request
from tests.support.radius.desk import Desk, desk_with
from tests.support.radius.freeradius import FreeRADIUS, with_plugin
from tests.support.radius.guests import SECRET
from tests.support.radius.radclient import radclient
from tests.support.radius.radiusd import PATIENCE, Radiusd, wait_until
from tests.support.stores import run_sql

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from nexio.network.servers import Server
    from nexio.operations.health import Finding
    from tests.support.stores import Template

SIGNS, LEARNS, MUST = "127.0.0.2", "127.0.0.3", "127.0.0.4"
"""NAS: need not sign and does, need not and does not, must and does not."""


@dataclass
class Fleet:
    """Two ``nexio-radiusd`` and a FreeRADIUS."""

    desk: Desk
    radiusd: tuple[Radiusd, Radiusd]
    freeradius: FreeRADIUS

    @property
    def ports(self) -> tuple[int, ...]:
        """Where they answer."""
        return *(each.port for each in self.radiusd), self.freeradius.port

    def servers(self) -> list[Server]:
        """What the store knows of them."""
        with self.desk.store.read() as look:
            return list_servers(look)

    def findings(self) -> list[Finding]:
        """What the doctor says of them."""
        with self.desk.store.read() as look:
            return list(look_at_fleet(look))

    def ask_unsigned(self) -> None:
        """Requests of NAS that sign and that do not, at each server."""
        unsigned = access_request(signed=False)
        for port in self.ports:
            signed = [access_request(identifier=number) for number in range(5)]
            assert ask(port, SIGNS, *signed) == len(signed)
            assert ask(port, LEARNS, unsigned) == 1
        for server in self.radiusd:
            assert ask(server.port, MUST, unsigned, seconds=0.2) == 0

    def signing(self, nas: str) -> Signing:
        """What is known of a NAS."""
        with self.desk.store.read() as look:
            found = get_nas(look, nas)
            return signing_of(found, read_signatures(look).get(found.id), look.now)


@pytest.fixture(scope="module")
def fleet(
    freeradius_python: None,
    _postgresql_template: Template,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Fleet]:
    """They run on one PostgreSQL."""
    homes = tmp_path_factory.mktemp("fleet")
    configuration = _postgresql_template.copy(homes / "nexio")
    second, third = (replace(configuration, home=homes / name) for name in ("second", "third"))
    with ExitStack() as stack:
        desk = stack.enter_context(desk_with(configuration))
        for address, must in ((SIGNS, False), (LEARNS, False), (MUST, True)):
            with desk.store.write() as work:
                secret = SECRET.decode()
                new = NewNas(
                    name=address,
                    address=address,
                    secret=secret,
                    require_message_authenticator=must,
                )
                add_nas(work, desk.location, new)
        server = stack.enter_context(with_plugin(third, homes))
        servers = [stack.enter_context(Radiusd(each)) for each in (configuration, second)]
        server.warm_up()
        made = Fleet(desk, (servers[0], servers[1]), server)
        made.ask_unsigned()  # the servers write down what they counted within ten seconds
        yield made


def ask(port: int, source: str, *datagrams: bytes, seconds: float = PATIENCE) -> int:
    """Send requests from that address; how many answers come."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as line:
        line.bind((source, 0))
        line.settimeout(seconds)
        for datagram in datagrams:
            line.sendto(datagram, ("127.0.0.1", port))
        for answers in range(len(datagrams)):
            try:
                line.recv(4096)
            except TimeoutError:
                return answers
        return len(datagrams)


def when(look: Callable[[], list[Server]], number: int) -> list[Server]:
    """The servers, once so many are at work."""
    wait_until(lambda: len([each for each in look() if each.state == "running"]) == number)
    return look()


def test_each_says_how_it_does(fleet: Fleet) -> None:
    """Who it is, since when, and how old its table is; nobody's clock is wrong."""
    servers = when(fleet.servers, 3)
    assert sorted(each.identity.kind for each in servers) == [FREERADIUS, RADIUSD, RADIUSD]
    places = {each.identity.place for each in servers if each.identity.kind == RADIUSD}
    assert places == {str(each.port) for each in fleet.radiusd}
    for each in servers:
        assert each.identity.host == socket.gethostname()
        assert each.report.version == __version__
        assert each.report.table_age < 30
        assert each.report.clock_off is not None
        assert not each.is_clock_off
    assert len({each.report.writer for each in servers}) == 3
    with fleet.desk.store.read() as look:
        sharing = servers_at_work(look.session.connection(), look.now)
    assert sharing == {each.report.writer for each in servers}
    assert all(each.well for each in fleet.findings() if each.subject in {"servers", "guessing"})


def test_each_decision_is_somebodys(fleet: Fleet) -> None:
    """The log knows who decided, by a number that leads to a name."""
    numbers = {each.identity.place: each.id for each in when(fleet.servers, 3)}
    whose = {}
    for port in fleet.ports:
        visit = fleet.desk.register()
        wait_until(
            lambda port=port, it=visit: (
                radclient(port, it.email, it.pin).code  # type: ignore[misc]
                == "Access-Accept"
            )
        )
        whose[visit.email] = numbers.pop(str(port), 0)
    (whose[visit.email],) = numbers.values()  # FreeRADIUS: the folder of its data is its place
    fleet.desk.wait_for_events(lambda events: {each.user_name for each in events} >= whose.keys())
    with fleet.desk.store.read() as look:
        events = list_events(look, None, limit=1000)
        names = server_names(look)
    for email, number in whose.items():
        assert {each.server_id for each in events if each.event.user_name == email} == {number}
    assert names[whose[email]] == f"{socket.gethostname()} FreeRADIUS"


def test_a_server_that_ends_is_not_missed(fleet: Fleet, tmp_path: Path) -> None:
    """It says so, as what it was told to; the guard counts the others alone."""
    fourth = replace(fleet.desk.configuration, home=tmp_path / "fourth")
    with Radiusd(fourth) as server:
        place = str(server.port)
        when(fleet.servers, 4)
        assert server.stop() == 0
    (ended,) = [each for each in fleet.servers() if each.identity.place == place]
    assert ended.state == "stopped"
    assert place not in " ".join(each.message for each in fleet.findings())
    with fleet.desk.store.read() as look:
        sharing = servers_at_work(look.session.connection(), look.now)
    assert ended.report.writer not in sharing


def test_a_wrong_clock_is_told_of(fleet: Fleet, tmp_path: Path) -> None:
    """In the server's log, and by the doctor: here the database's is a minute ahead."""
    store = fleet.desk.store
    run_sql(store, "CREATE SCHEMA IF NOT EXISTS skewed")
    run_sql(
        store,
        "CREATE OR REPLACE FUNCTION skewed.clock_timestamp() RETURNS timestamptz LANGUAGE sql AS"
        " $$ SELECT pg_catalog.clock_timestamp() + interval '1 minute' $$",
    )
    url = make_url(fleet.desk.configuration.database_url).update_query_dict(
        {"options": "-csearch_path=skewed,public,pg_catalog"}
    )
    elsewhere = replace(
        fleet.desk.configuration,
        home=tmp_path / "skewed",
        database_url=url.render_as_string(hide_password=False),
    )
    with Radiusd(elsewhere) as server:
        line = server.wait_for_line("this machine's clock is")
        assert "60.0 seconds behind the database's" in line
        wait_until(lambda: any(each.subject == "clock" for each in fleet.findings()))
        assert server.stop() == 0
        assert server.stderr.count("this machine's clock") == 1


def test_must_12_who_signs_is_known(fleet: Fleet) -> None:
    """Each server counts; who always signs can be required to, who does not is named."""
    wait_until(lambda: fleet.signing(SIGNS) is Signing.READY)
    wait_until(lambda: fleet.signing(LEARNS) is Signing.MISSING)
    wait_until(lambda: fleet.signing(MUST) is Signing.UNANSWERED)
    found = {
        each.message.split()[0]: each for each in fleet.findings() if "sends it" in each.message
    }
    assert "nexio nas edit 127.0.0.2 --require-message-authenticator" in found[SIGNS].message
