"""SIGTERM while the store is in trouble: a server ends in time, and tells the rest when it starts.

A PostgreSQL that hangs is in ``test_hung_database.py``, also for FreeRADIUS, and behind a pooler
in ``test_behind_pgbouncer.py``.
"""

from __future__ import annotations

import os
import resource
import signal
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from radius_auth.server.daemon import Child
from tests.support.outages import full, gone, locked
from tests.support.radius.desk import Desk, ask_until, desk_with
from tests.support.radius.freeradius import with_plugin
from tests.support.radius.radclient import radclient
from tests.support.radius.radiusd import Radiusd
from tests.support.silent_line import SilentLine

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from nexio.configuration import Configuration
    from nexio.reception.visits import Visit
    from tests.support.postgresql import PostgreSQL

STOPPED = 10.0
"""Seconds in which a server stops."""


@pytest.fixture
def desk(sqlite_configuration: Configuration) -> Iterator[Desk]:
    """A desk on SQLite."""
    with desk_with(sqlite_configuration) as made:
        yield made


@pytest.fixture
def postgresql_desk(postgresql_configuration: Configuration) -> Iterator[Desk]:
    """A desk on PostgreSQL."""
    with desk_with(postgresql_configuration) as made:
        yield made


def assert_stops(server: Radiusd, visit: Visit) -> None:
    """Hold that it does, after it has let somebody in."""
    assert radclient(server.port, visit.email, visit.pin).code == "Access-Accept"
    began = time.monotonic()
    assert server.stop() == 0
    assert time.monotonic() - began < STOPPED
    assert "Traceback" not in server.stderr


def assert_all_told(desk: Desk) -> None:
    """Hold that the next start delivers what the last one could not: two logins, once each."""
    with Radiusd(desk.configuration) as server:
        desk.wait_for_events(lambda events: len(events) >= 2)
        assert server.stop() == 0
    assert desk.reasons() == ["valid", "valid"]


def first_login(server: Radiusd, desk: Desk) -> Visit:
    """Somebody whom it has let in, as the store knows."""
    visit = desk.register()
    ask_until("Access-Accept", lambda: radclient(server.port, visit.email, visit.pin))
    desk.wait_for_events(bool)
    return visit


@pytest.mark.parametrize("fault", ["locked", "gone"])
def test_sqlite(fault: str, desk: Desk) -> None:
    """Somebody writes and does not end, or there is no file."""
    with Radiusd(desk.configuration) as server:
        visit = first_login(server, desk)
        path = desk.configuration.home / "nexio.db"
        with locked(path) if fault == "locked" else gone(desk):
            assert_stops(server, visit)
    assert_all_told(desk)


def test_nothing_can_be_written(desk: Desk) -> None:
    """The disk is full, of spool and store alike: what is lost is told."""
    with Radiusd(desk.configuration) as server:
        visit = first_login(server, desk)
        for each in (*server.workers(), server.companion()):
            _, hard = resource.prlimit(each, resource.RLIMIT_FSIZE)
            resource.prlimit(each, resource.RLIMIT_FSIZE, (0, hard))
        assert_stops(server, visit)
        server.wait_for_line("1 records are lost since the start")


@pytest.mark.parametrize("fault", ["away", "full"])
def test_postgresql(fault: str, postgresql: PostgreSQL, postgresql_desk: Desk) -> None:
    """Stopped, or its disk is full."""
    desk = postgresql_desk
    with Radiusd(desk.configuration) as server:
        visit = first_login(server, desk)
        with postgresql.away() if fault == "away" else full(desk.store):
            assert_stops(server, visit)
    assert_all_told(desk)


def test_a_silent_line(postgresql: PostgreSQL, postgresql_desk: Desk) -> None:
    """Packets are dropped, and no end is closed."""
    desk = postgresql_desk
    with SilentLine(postgresql.folder / ".s.PGSQL.5432") as line:
        url = desk.configuration.database_url.split("?")[0]
        url = url.replace("@/", f"@127.0.0.1:{line.port}/")
        with Radiusd(replace(desk.configuration, database_url=url)) as server:
            visit = first_login(server, desk)
            line.is_silent = True
            assert_stops(server, visit)
    assert_all_told(desk)


def test_freeradius(freeradius_python: None, desk: Desk, tmp_path: Path) -> None:
    """The plugin and its companion do not hold it up either."""
    visit = desk.register()
    with with_plugin(desk.configuration, tmp_path / "freeradius") as server:
        server.warm_up()
        assert radclient(server.port, visit.email, visit.pin).code == "Access-Accept"
        with locked(desk.configuration.home / "nexio.db"):
            assert radclient(server.port, visit.email, visit.pin).code == "Access-Accept"
            began = time.monotonic()
            assert server.stop() == 0
            assert time.monotonic() - began < STOPPED
        server.start()
        server.warm_up()
        desk.wait_for_events(lambda events: [e.outcome for e in events].count("accept") >= 2)
    assert desk.reasons().count("valid") == 2


def test_a_signal_right_after_the_fork_is_the_childs(programs: None) -> None:
    """It ends the child without a word, and no handler of the parent runs in it."""
    heard: list[int] = []
    before = signal.signal(signal.SIGTERM, lambda number, _: heard.append(number))

    def leave() -> None:
        os.kill(os.getpid(), signal.SIGTERM)
        if heard:
            os._exit(1)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)

    child = Child("child", "nexio-child", lambda ready, _: ready())
    try:
        child.start(leave)
        _, status = os.waitpid(child.process, 0)
    finally:
        signal.signal(signal.SIGTERM, before)
        os.close(child.ready)
    assert os.waitstatus_to_exitcode(status) == -signal.SIGTERM
