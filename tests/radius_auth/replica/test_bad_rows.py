"""Rows that cannot be used, as a server meets them: one bad row costs one row."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import pytest

from nexio.locations.locations import edit_location
from nexio.network.following import Horizon
from nexio.network.nas import NewNas, add_nas
from nexio.store.engine import Store
from radius_auth.replica.follower import Follower
from tests.support.people import register, set_up
from tests.support.radius.desk import Desk, desk_with
from tests.support.radius.freeradius import with_plugin
from tests.support.radius.radclient import radclient
from tests.support.radius.radiusd import Radiusd
from tests.support.stores import run_sql

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from nexio.configuration import Configuration
    from nexio.locations.locations import Location
    from tests.support.clocks import Clock

JUNK = b"x" * 60
LOSE_PIN = "UPDATE visit SET pin_sealed = :junk WHERE id = 1"


def junk(store: Store) -> bytes:
    """A value that claims to be sealed with the key of the store."""
    return bytes.fromhex(store.keyring.active) + JUNK


@pytest.fixture
def follower(
    store: Store, location: Location, configuration: Configuration, clock: Clock
) -> Iterator[Follower]:
    """A follower of a store with two NAS and a visit, not started."""
    with store.write() as work:
        for number in (1, 2):
            new = NewNas(name=f"ap{number}", address=f"192.0.2.{number}", secret="s" * 20)
            add_nas(work, location, new)
    register(store, location)
    made = Follower(lambda: Store.open(configuration, clock), Horizon(), clock)
    yield made
    made.stop()


@pytest.mark.parametrize(
    ("column", "value"),
    [("address", "nowhere"), ("address", ""), ("secret_sealed", JUNK), ("reply", "vlan=20")],
)
def test_a_broken_nas_is_left_out_and_told_once(
    column: str,
    value: object,
    follower: Follower,
    store: Store,
    location: Location,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Following goes on, and the log has one line, not one a second."""
    run_sql(store, f"UPDATE nas SET {column} = :value WHERE id = 1", value=value)  # noqa: S608
    for number in range(3):
        set_up(store, location, f"ssid=Guest {number}")  # the NAS are read again with it
        follower.follow()
    assert follower.table.nas.find("192.0.2.1") is None
    assert follower.table.nas.find("192.0.2.2") is not None
    assert [location.settings.ssid for location in follower.table.locations.values()] == ["Guest 2"]
    (line,) = [record.message for record in caplog.records]
    assert line.startswith("nas 1 is left out: ")


def test_what_nobody_can_read_of_a_location_costs_its_nas(
    follower: Follower, store: Store, location: Location, caplog: pytest.LogCaptureFixture
) -> None:
    """A guest without the VLAN could be anywhere; the desk goes on, and can say it again."""
    run_sql(store, "UPDATE location SET reply = 'vlan=20'")
    set_up(store, location, "ssid=Guest")
    follower.follow()
    assert follower.table.nas.find("192.0.2.1") is None
    assert len(follower.table.locations) == 1
    assert "location 1 has reply attributes that nobody can read" in caplog.text
    with store.write() as work:
        edit_location(work, location, reply={"vlan": []})
    follower.follow()
    assert follower.table.nas.find("192.0.2.1") is not None


@pytest.mark.parametrize("zone", ["Atlantis/Capital", "../x", "", "Europe", "Mars\x1b[31m"])
def test_an_unknown_zone_costs_the_zone(
    zone: str,
    follower: Follower,
    store: Store,
    location: Location,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Guests of that location are let in; what they are told goes by UTC."""
    caplog.set_level(logging.WARNING)
    run_sql(store, "UPDATE location SET time_zone = :zone", zone=zone)
    for number in range(3):
        set_up(store, location, f"ssid=Guest {number}")
        follower.follow()
    (held,) = follower.table.locations.values()
    assert held.zone.key == "UTC"
    (line,) = [record.message for record in caplog.records]
    assert line.startswith("location 1 has an unknown time zone")
    assert "\x1b" not in line


@pytest.fixture
def desk(sqlite_configuration: Configuration) -> Iterator[Desk]:
    """A desk by the real time."""
    with desk_with(sqlite_configuration) as made:
        yield made


def test_a_running_server_goes_on(desk: Desk) -> None:
    """An unknown zone, a broken NAS and an unreadable PIN, all at once, under a real server."""
    with desk.store.write() as work:
        add_nas(work, desk.location, NewNas(name="other", address="192.0.2.7"))
    bad, good = desk.register(), desk.register()
    with Radiusd(desk.configuration) as server:
        run_sql(desk.store, "UPDATE location SET time_zone = 'Atlantis/Capital'")
        run_sql(desk.store, "UPDATE nas SET address = 'nowhere' WHERE name = 'other'")
        run_sql(desk.store, LOSE_PIN, junk=junk(desk.store))
        server.signal(1)  # SIGHUP: everything is read again
        server.wait_for_line("has an unknown time zone")
        server.wait_for_line("is left out")
        for visit, method, code in (
            (good, "User-Password", "Access-Accept"),
            (good, "CHAP-Password", "Access-Accept"),
            (bad, "User-Password", "Access-Accept"),  # its digest is sound
            (bad, "CHAP-Password", "silence"),  # who asks may be right
            (good, "CHAP-Password", "Access-Accept"),
        ):
            reply = radclient(
                server.port, visit.email, visit.pin, method=method, timeout=1, tries=2
            )
            assert reply.code == code, (visit.id, method)
    assert server.stop() == 0
    assert "Traceback" not in server.stderr
    assert server.stderr.count("unknown time zone") == 1
    assert server.stderr.count("is left out") == 1


def test_freeradius_starts_and_serves_with_bad_rows(
    freeradius_python: None, desk: Desk, tmp_path: Path
) -> None:
    """The same in the plugin, from the first table on."""
    with desk.store.write() as work:
        add_nas(work, desk.location, NewNas(name="other", address="192.0.2.7"))
    bad, good = desk.register(), desk.register()
    run_sql(desk.store, "UPDATE location SET time_zone = 'Atlantis/Capital'")
    run_sql(desk.store, "UPDATE nas SET address = 'nowhere' WHERE name = 'other'")
    run_sql(desk.store, LOSE_PIN, junk=junk(desk.store))
    with with_plugin(desk.configuration, tmp_path / "freeradius") as server:
        server.warm_up()
        for visit, method, code in (
            (good, "User-Password", "Access-Accept"),
            (good, "MS-CHAP-Password", "Access-Accept"),
            (bad, "User-Password", "Access-Accept"),
            (bad, "CHAP-Password", "silence"),
            (good, "CHAP-Password", "Access-Accept"),
        ):
            reply = radclient(
                server.port, visit.email, visit.pin, method=method, timeout=1, tries=2
            )
            assert reply.code == code, (visit.id, method)
        assert server.stop() == 0
    assert "Traceback" not in server.log
    assert server.log.count("unknown time zone") == 1
