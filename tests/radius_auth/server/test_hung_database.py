"""A PostgreSQL that hangs: its connections stay open, and its kernel confirms keepalives.

Guests go on getting on, the log says within seconds that nothing is followed, and both servers
stop in time; what they had to tell is in the spool then, and comes later.
"""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from tests.support.cli.forking import run
from tests.support.cli.programs import program
from tests.support.radius.desk import Desk, ask_until, desk_with
from tests.support.radius.freeradius import with_plugin
from tests.support.radius.radclient import radclient
from tests.support.radius.radiusd import Radiusd, environment_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from subprocess import CompletedProcess

    from nexio.configuration import Configuration
    from tests.support.postgresql import PostgreSQL

NOTICED = 10.0
"""Seconds in which the log is to say so; some five without other people's load."""

STOPPED = 10.0
"""Seconds in which a server stops, whatever the database does."""


@pytest.fixture
def desk(postgresql_configuration: Configuration) -> Iterator[Desk]:
    """A desk whose database may hang."""
    with desk_with(postgresql_configuration) as made:
        yield made


def test_radiusd_notices_goes_on_and_stops(postgresql: PostgreSQL, desk: Desk) -> None:
    """From memory meanwhile, within ten seconds at the end."""
    visit = desk.register()
    with Radiusd(desk.configuration) as server:
        assert radclient(server.port, visit.email, visit.pin).code == "Access-Accept"
        with postgresql.hanging():
            began = time.monotonic()
            server.wait_for_line("not following the store")
            assert time.monotonic() - began < NOTICED
            assert radclient(server.port, visit.email, visit.pin).code == "Access-Accept"
            began = time.monotonic()
            assert server.stop() == 0
            assert time.monotonic() - began < STOPPED
    assert "Traceback" not in server.stderr
    with Radiusd(desk.configuration):
        desk.wait_for_events(lambda events: len(events) >= 2)
    assert desk.reasons() == ["valid", "valid"]


def test_radiusd_follows_again(postgresql: PostgreSQL, desk: Desk) -> None:
    """By itself, when the database moves again; a line each."""
    with Radiusd(desk.configuration) as server:
        with postgresql.hanging():
            server.wait_for_line("not following the store")
        server.wait_for_line("following the store again")
        late = desk.register()
        ask_until("Access-Accept", lambda: radclient(server.port, late.email, late.pin))
        assert server.stop() == 0
    assert server.stderr.count("not following the store") == 1


def test_radiusd_does_not_start_without_an_answer(postgresql: PostgreSQL, desk: Desk) -> None:
    """Exit code 5, and why; a service manager tries again."""
    with postgresql.hanging():
        server = Radiusd(desk.configuration)
        began = time.monotonic()
        code = server.wait()
    assert (code, time.monotonic() - began < STOPPED) == (5, True)
    assert "the store cannot be used" in server.stderr


COMMANDS = ("visitor list", "token on", "db check", "db backup x", "doctor")


def test_commands_end(postgresql: PostgreSQL, desk: Desk, tmp_path: Path) -> None:
    """Exit code 5 and why (doctor: 4), and no waiting for ever; all at once, as they only wait."""

    def end(words: str) -> tuple[CompletedProcess[str], float]:
        began = time.monotonic()
        ran = run(
            program("nexio"),
            *words.split(),
            env=environment_of(desk.configuration),
            cwd=tmp_path,
            seconds=2 * STOPPED,
        )
        return ran, time.monotonic() - began

    with postgresql.hanging(), ThreadPoolExecutor(len(COMMANDS)) as running:
        ended = list(running.map(end, COMMANDS))
    for words, (ran, seconds) in zip(COMMANDS, ended, strict=True):
        assert seconds < 2 * STOPPED, words
        assert ran.returncode == (4 if words == "doctor" else 5), ran
        assert "timeout expired" in ran.stdout + ran.stderr, ran


def test_freeradius_notices_goes_on_and_stops(
    freeradius_python: None, postgresql: PostgreSQL, desk: Desk, tmp_path: Path
) -> None:
    """The same within FreeRADIUS."""
    visit = desk.register()
    with with_plugin(desk.configuration, tmp_path / "freeradius") as server:
        server.warm_up()
        assert radclient(server.port, visit.email, visit.pin).code == "Access-Accept"
        with postgresql.hanging():
            began = time.monotonic()
            server.wait_for_line("not following the store")
            assert time.monotonic() - began < NOTICED
            assert radclient(server.port, visit.email, visit.pin).code == "Access-Accept"
            began = time.monotonic()
            assert server.stop() == 0
            assert time.monotonic() - began < STOPPED
        server.start()
        server.warm_up()
        desk.wait_for_events(lambda events: [e.outcome for e in events].count("accept") >= 2)
    assert desk.reasons().count("valid") == 2


def test_freeradius_stops_while_it_waits_for_its_first_table(
    freeradius_python: None, postgresql: PostgreSQL, desk: Desk, tmp_path: Path
) -> None:
    """The database hung before anything was read."""
    with postgresql.hanging(), with_plugin(desk.configuration, tmp_path / "freeradius") as server:
        radclient(server.port, "nobody@example.com", "000000", timeout=1, tries=1)
        server.wait_for_line("no guest is answered")
        began = time.monotonic()
        assert server.stop() == 0
        assert time.monotonic() - began < STOPPED
