"""What a PostgreSQL may do to a server that follows it: guests get on throughout.

Decisions of the outage reach the store once each.  One that hangs is in ``test_hung_database.py``,
one that is stopped in ``test_without_store.py``.
"""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import make_url

from nexio.errors import StoreUnreachable
from nexio.store.creation import create_store
from tests.support.outages import full, refusing
from tests.support.postgresql import PostgreSQL, Standby
from tests.support.radius.desk import Desk, ask_until, desk_with, sessions_when
from tests.support.radius.radclient import account, radclient
from tests.support.radius.radiusd import Radiusd
from tests.support.silent_line import SilentLine
from tests.support.stores import configuration_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from nexio.configuration import Configuration
    from nexio.reception.visits import Visit

NOTICED = 10.0
"""Seconds in which the log is to say so; some five without other people's load."""

GUESSES = 1


def during(server: Radiusd, visit: Visit, number: int) -> None:
    """Hold that the right PIN gets in, and others do not, each of which the log must have once."""
    assert radclient(server.port, visit.email, visit.pin).code == "Access-Accept"
    for each in range(GUESSES):
        nobody = f"nobody-{number}-{each}@example.com"
        assert radclient(server.port, nobody, "000000").code == "Access-Reject"


def assert_recorded(desk: Desk, *numbers: int) -> None:
    """Hold that each of those decisions is in the store, once."""
    wanted = {
        f"nobody-{number}-{each}@example.com" for number in numbers for each in range(GUESSES)
    }
    events = desk.wait_for_events(lambda found: wanted <= {each.user_name for each in found})
    counts = Counter(event.user_name for event in events if event.user_name in wanted)
    assert counts == dict.fromkeys(wanted, 1)


@pytest.fixture
def desk(postgresql_configuration: Configuration) -> Iterator[Desk]:
    """A desk whose database may have faults."""
    with desk_with(postgresql_configuration) as made:
        yield made


def test_it_refuses_connections(postgresql: PostgreSQL, desk: Desk) -> None:
    """Said once with the reason; followed again by itself."""
    visit = desk.register()
    with Radiusd(desk.configuration) as server:
        ask_until("Access-Accept", lambda: radclient(server.port, visit.email, visit.pin))
        database = make_url(desk.configuration.database_url).database or ""
        with refusing(postgresql, database):
            server.wait_for_line("not following the store: ")
            during(server, visit, 1)
        server.wait_for_line("following the store again")
        late = desk.register()
        ask_until("Access-Accept", lambda: radclient(server.port, late.email, late.pin))
        assert_recorded(desk, 1)
        assert server.stop() == 0
    lines = [line for line in server.stderr.splitlines() if "not following the store" in line]
    assert len(lines) <= 2  # it was sent away, and it is not let in


def test_its_disk_is_full(desk: Desk) -> None:
    """It can be read: servers follow, and what they tell waits in the spool; a desk hears why."""
    visit = desk.register()
    with Radiusd(desk.configuration) as server:
        ask_until("Access-Accept", lambda: radclient(server.port, visit.email, visit.pin))
        desk.wait_for_events(bool)
        with full(desk.store):
            with pytest.raises(StoreUnreachable, match="No space left") as caught:
                desk.register()
            assert caught.value.advice.startswith("Make room on the disk of ")
            during(server, visit, 1)
            assert "Received Accounting-Response" in account(server.accounting_port, "Start")
            server.wait_for_line("records wait in the spool: the store cannot be used: could not")
        server.wait_for_line("records reach the store again")
        assert_recorded(desk, 1)
        (session,) = sessions_when(desk, bool)
        assert session.session_id == "81"
        late = desk.register()
        ask_until("Access-Accept", lambda: radclient(server.port, late.email, late.pin))
        assert server.stop() == 0
    for words in ("not following the store", "Traceback", "lost"):
        assert words not in server.stderr


def test_a_silent_line(postgresql: PostgreSQL, desk: Desk) -> None:
    """Nothing comes through, and no end is closed: noticed within seconds."""
    visit = desk.register()
    with SilentLine(postgresql.folder / ".s.PGSQL.5432") as line:
        url = desk.configuration.database_url.split("?")[0].replace(
            "@/", f"@127.0.0.1:{line.port}/"
        )
        with Radiusd(replace(desk.configuration, database_url=url)) as server:
            ask_until("Access-Accept", lambda: radclient(server.port, visit.email, visit.pin))
            began = time.monotonic()
            line.is_silent = True
            server.wait_for_line("not following the store: ")
            assert time.monotonic() - began < NOTICED
            during(server, visit, 1)
            line.is_silent = False
            server.wait_for_line("following the store again")
            late = desk.register()
            ask_until("Access-Accept", lambda: radclient(server.port, late.email, late.pin))
            assert_recorded(desk, 1)
            assert server.stop() == 0


@pytest.fixture
def primary(programs: None) -> Iterator[PostgreSQL]:
    """A server of the test's own."""
    with PostgreSQL() as server:
        yield server


def test_failover_to_another_host_of_the_url(primary: PostgreSQL, tmp_path: Path) -> None:
    """First the standby only reads, then it is the primary: all there is reaches it."""
    made = configuration_of(tmp_path / "nexio")
    create_store(replace(made, database_url=primary.url("postgres")))
    with Standby(primary) as standby:
        url = f"{primary.url('postgres')}&host={standby.folder}"
        with (
            desk_with(replace(made, database_url=url)) as desk,
            Radiusd(desk.configuration) as server,
        ):
            visit = desk.register()
            ask_until("Access-Accept", lambda: radclient(server.port, visit.email, visit.pin))
            standby.wait_for_all()
            primary.stop()
            server.wait_for_line("not following the store: ")
            during(server, visit, 1)
            server.wait_for_line("records wait in the spool: ")
            server.wait_for_line("following the store again")  # the standby can be read
            during(server, visit, 2)
            standby.promote()
            late = desk.register()
            ask_until("Access-Accept", lambda: radclient(server.port, late.email, late.pin))
            during(server, visit, 3)
            assert_recorded(desk, 1, 2, 3)
            assert server.stop() == 0
    assert server.stderr.count("following the store again") == 1
    assert "Traceback" not in server.stderr
