"""The processes of a server: workers that only answer, and the companion that does the rest."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from radius_auth.client.client import send_status_server
from radius_auth.protocol.status import parse_status
from tests.support.radius.busy_nas import BusyNas, Login
from tests.support.radius.desk import Desk, ask_until, desk_with
from tests.support.radius.guests import SECRET
from tests.support.radius.radclient import radclient
from tests.support.radius.radiusd import Radiusd, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nexio.configuration import Configuration
    from nexio.reception.visits import Visit

WAVE = 40


@pytest.fixture
def desk(configuration: Configuration) -> Iterator[Desk]:
    """On SQLite and on PostgreSQL."""
    with desk_with(configuration) as made:
        yield made


@pytest.fixture
def radiusd(desk: Desk) -> Iterator[Radiusd]:
    """Its server with two workers, which ends in peace whatever has happened."""
    with Radiusd(desk.configuration) as server:
        yield server
        assert server.stop() == 0
        assert "Traceback" not in server.stderr


on_sqlite = pytest.mark.parametrize("configuration", ["sqlite"], indirect=True)
"""For what the processes say to each other; the database hears nothing of it."""


def log_in(server: Radiusd, visit: Visit, times: int = WAVE) -> None:
    """Let guests in, from as many ports, so that both workers have some."""
    for _ in range(times):
        assert radclient(server.port, visit.email, visit.pin).code == "Access-Accept"


@pytest.mark.parametrize("configuration", ["postgresql"], indirect=True)  # the spool is SQLite
def test_a_worker_loads_neither_sqlalchemy_nor_a_database(desk: Desk) -> None:
    """It only answers: its modules say so, and what a running one has mapped into its memory."""
    asked = "import sys, radius_auth.server.worker_process; print(*sys.modules)"
    loaded = subprocess.check_output([sys.executable, "-c", asked], text=True)
    assert "radius_auth.server.worker" in loaded
    assert not re.search("sqlalchemy|sqlite3|psycopg|alembic", loaded)
    with Radiusd(desk.configuration, started_by=["env"]) as radiusd:  # no fork of what has them
        for worker in radiusd.workers():
            mapped = Path(f"/proc/{worker}/maps").read_text()
            assert not re.search("sqlalchemy|sqlite3|psycopg", mapped, re.IGNORECASE)
        mapped = Path(f"/proc/{radiusd.companion()}/maps").read_text()
        assert "sqlite3" in mapped
        assert "psycopg" in mapped


@on_sqlite
def test_status_is_that_of_all_workers(desk: Desk, radiusd: Radiusd) -> None:
    """Whichever of them is asked: what all of them have done."""
    visit = desk.register()
    ask_until("Access-Accept", lambda: radclient(radiusd.port, visit.email, visit.pin))
    log_in(radiusd, visit)
    known = len(desk.wait_for_events(lambda events: len(events) > WAVE))

    def accepts() -> set[int]:
        told = [
            parse_status(send_status_server("127.0.0.1", radiusd.port, SECRET, timeout=2.0))
            for _ in range(8)
        ]
        return {sum(each.counts.accepts.values()) for each in told if each and each.counts}

    wait_until(lambda: accepts() == {desk.reasons().count("valid")})
    assert len(desk.events()) == known


def test_a_killed_companion_costs_no_login_and_no_decision(desk: Desk, radiusd: Radiusd) -> None:
    """The workers go on from memory and keep what they decide; the next one gets it, once."""
    visit = desk.register()
    ask_until("Access-Accept", lambda: radclient(radiusd.port, visit.email, visit.pin))
    before = len(desk.wait_for_events(bool))
    codes: list[object] = []
    logins = (Login(email=visit.email, password=visit.pin) for _ in range(10 * WAVE))

    with BusyNas(radiusd.port, logins, 100, answered=lambda login: codes.append(login.code)):
        wait_until(lambda: len(codes) > WAVE)
        killed = radiusd.companion()
        os.kill(killed, signal.SIGKILL)
        radiusd.wait_for_line("the companion ended with code -9 and is replaced")
        wait_until(lambda: len(codes) == 10 * WAVE)

    wait_until(lambda: len(radiusd.companions()) == 1)
    assert radiusd.companion() != killed
    found = desk.wait_for_events(lambda events: len(events) >= before + 10 * WAVE)
    assert len(found) == before + 10 * WAVE
    new = desk.register()
    ask_until("Access-Accept", lambda: radclient(radiusd.port, new.email, new.pin))


def test_a_killed_worker_is_replaced_while_the_store_is_away(
    sqlite_configuration: Configuration,
) -> None:
    """Its successor gets all there is from the companion, within a second or so."""
    with desk_with(sqlite_configuration) as desk, Radiusd(sqlite_configuration) as server:
        visit = desk.register()
        ask_until("Access-Accept", lambda: radclient(server.port, visit.email, visit.pin))
        desk.store.close()
        home = sqlite_configuration.home
        for path in sorted(home.glob("nexio.db*")):
            path.rename(path.with_name(f"away-{path.name}"))
        server.wait_for_line("not following the store: ")
        killed = server.workers()
        for each in killed:
            os.kill(each, signal.SIGKILL)
        server.wait_for_line("answering on", times=3)

        log_in(server, visit, times=4)

        assert not {*killed} & {*server.workers()}
        for path in sorted(home.glob("away-*"), reverse=True):
            path.rename(path.with_name(path.name.removeprefix("away-")))
        assert server.stop() == 0


@on_sqlite
def test_guesses_count_over_all_workers(desk: Desk) -> None:
    """Six wrong PINs as fast as they come, whichever worker gets them; none is looked at twice."""
    visit = desk.register()
    with Radiusd(desk.configuration, "--workers", "4") as server:
        ask_until("Access-Accept", lambda: radclient(server.port, visit.email, visit.pin))
        logins = [
            Login(
                email=visit.email,
                password=f"{111000 + number}",
                device=f"06-ff-00-00-00-{number:02x}",
            )
            for number in range(60)
        ]
        codes: list[Login] = []
        with BusyNas(server.port, iter(logins), 60, answered=codes.append):
            wait_until(lambda: len(codes) == len(logins))
        reasons = desk.wait_for_events(lambda events: len(events) > len(logins))
        assert sum(event.reason == "wrong PIN" for event in reasons) <= 6
        assert server.stop() == 0
