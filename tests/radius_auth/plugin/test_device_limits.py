"""R18 on two servers of one store: `nexio-radiusd`, and FreeRADIUS with the plugin."""

from __future__ import annotations

from contextlib import closing, contextmanager
from itertools import count, cycle, islice
from typing import TYPE_CHECKING, NamedTuple

import pytest

from nexio.network.devices import free_device
from nexio.network.news import read_visits
from radius_auth.decision.reasons import Reason
from radius_auth.decision.words import GUEST_MESSAGES
from radius_auth.protocol.packet import Code
from tests.support.people import set_up
from tests.support.radius.desk import Desk, ask_until, desk_with
from tests.support.radius.devices import log_in
from tests.support.radius.freeradius import FreeRADIUS, with_plugin
from tests.support.radius.radclient import Reply, radclient
from tests.support.radius.radiusd import Radiusd, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nexio.reception.visits import Visit
    from tests.support.postgresql import PostgreSQL
    from tests.support.stores import Template

IN, OUT = Code.ACCESS_ACCEPT, Code.ACCESS_REJECT

_macs = map("02:00:00:00:{:02x}:{:02x}".format, (i // 256 for i in count()), cycle(range(256)))


class House(NamedTuple):
    """A desk, and the servers of its store."""

    desk: Desk
    radiusd: Radiusd
    freeradius: FreeRADIUS
    postgresql: PostgreSQL | None

    @property
    def ports(self) -> list[int]:
        """Where the servers are asked."""
        return [self.radiusd.port, self.freeradius.port]

    def devices(self, visit: Visit) -> tuple[str, ...]:
        """Those that hold a slot."""
        with self.desk.store.read() as work:
            return read_visits(work, [visit.id])[visit.id].devices

    @contextmanager
    def without_store(self) -> Iterator[None]:
        """A PostgreSQL that hangs, or a SQLite that somebody else keeps to themselves."""
        if self.postgresql is not None:
            with self.postgresql.hanging():
                yield
            return
        with closing(self.desk.store.engine.raw_connection()) as connection:
            connection.execute("BEGIN IMMEDIATE")
            yield
            connection.rollback()


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def house(
    request: pytest.FixtureRequest,
    freeradius_python: None,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[House]:
    """Both servers on one store."""
    folder = tmp_path_factory.mktemp(request.param)
    template: Template = request.getfixturevalue(f"_{request.param}_template")
    configuration = template.copy(folder / "nexio")
    is_sqlite = request.param == "sqlite"
    database = None if is_sqlite else request.getfixturevalue("postgresql")
    with (
        desk_with(configuration) as desk,
        Radiusd(configuration) as radiusd,
        with_plugin(configuration, folder) as freeradius,
    ):
        freeradius.warm_up()
        yield House(desk, radiusd, freeradius, database)
        assert freeradius.stop() == 0
        assert "Traceback" not in freeradius.log + radiusd.stderr


def known(house: House, *settings: str, most: str = "2") -> Visit:
    """A visitor whom both servers know, and so the settings that were saved before."""
    set_up(house.desk.store, house.desk.location, *settings)
    visit = house.desk.register(max_devices=most)
    for port in house.ports:
        wait_until(
            lambda port=port: (  # type: ignore[misc]
                radclient(port, visit.email, visit.pin).words == GUEST_MESSAGES[Reason.NO_DEVICE]
            )
        )
    return visit


def new_devices(number: int) -> list[str]:
    """Devices that nobody knows."""
    return list(islice(_macs, number))


def spread(house: House, macs: list[str]) -> dict[str, int]:
    """Every other one at the other server."""
    return dict(zip(macs, cycle(house.ports), strict=False))


def those_in(codes: dict[str, Code]) -> set[str]:
    """The devices that were accepted."""
    return {mac for mac, code in codes.items() if code == IN}


def test_r18_of_fifty_at_once_exactly_two_are_in(house: House) -> None:
    """And stay in; roaming to the other server makes no second device of one."""
    visit = known(house, "device-limit-outage=refuse")
    macs = new_devices(50)
    who = those_in(log_in(visit, spread(house, macs), insist=True))
    assert len(who) == 2
    assert set(house.devices(visit)) == who
    assert those_in(log_in(visit, spread(house, macs[1:]), insist=True)) == who - {macs[0]}
    for port in house.ports:
        assert those_in(log_in(visit, dict.fromkeys(who, port), insist=True)) == who


def test_r18_a_freed_slot_is_usable_at_once(house: House) -> None:
    """On either server, though it has not followed the store yet; the old device is out."""
    visit = known(house, "device-limit-outage=refuse", most="1")
    old, *new = new_devices(3)
    assert log_in(visit, {old: house.radiusd.port}, insist=True) == {old: IN}
    for mac, port in zip(new, house.ports, strict=True):
        assert log_in(visit, {mac: port}, insist=True) == {mac: OUT}
        with house.desk.store.write() as work:
            free_device(work, visit.id, old)
        assert log_in(visit, {mac: port}, insist=True) == {mac: IN}
        for each in house.ports:
            wait_until(lambda each=each, old=old: log_in(visit, {old: each}) == {old: OUT})  # type: ignore[misc]
        old = mac


@pytest.mark.parametrize(("outage", "code"), [("allow", IN), ("refuse", OUT)])
def test_r18_while_the_store_is_away(house: House, outage: str, code: Code) -> None:
    """The setting decides about new devices; one that has its slot is in.

    Who was let in counts as soon as the store is back, also beyond the limit.
    """
    visit = known(house, f"device-limit-outage={outage}")
    first, *new = new_devices(6)
    assert log_in(visit, {first: house.radiusd.port}) == {first: IN}
    known(house)  # and so the first device, too
    with house.without_store():
        codes = log_in(visit, spread(house, new))
        assert set(codes.values()) == {code}
        assert log_in(visit, {first: house.freeradius.port}) == {first: IN}
    if outage == "allow":
        wait_until(lambda: set(house.devices(visit)) == {first, *new})
        known(house)
        assert log_in(visit, spread(house, late := new_devices(2))) == dict.fromkeys(late, OUT)


def test_r22_a_device_is_remembered(house: House) -> None:
    """It gets on by MAC authentication, once it has logged in with the PIN."""
    set_up(house.desk.store, house.desk.location, "remember-devices=on")
    visit, (mac,) = house.desk.register(), new_devices(1)
    station = f'"{mac.upper()}"'

    def by_mac(port: int) -> str:
        return radclient(port, mac, mac, Calling_Station_Id=station).code

    def by_pin() -> Reply:
        port = house.freeradius.port
        return radclient(port, visit.email, visit.pin, Calling_Station_Id=station)

    assert by_mac(house.radiusd.port) == by_mac(house.freeradius.port) == "Access-Reject"
    ask_until("Access-Accept", by_pin)
    for port in house.ports:
        wait_until(lambda port=port: by_mac(port) == "Access-Accept")  # type: ignore[misc]
    with house.desk.store.write() as work:
        free_device(work, visit.id, mac)
    for port in house.ports:
        wait_until(lambda port=port: by_mac(port) == "Access-Reject")  # type: ignore[misc]
