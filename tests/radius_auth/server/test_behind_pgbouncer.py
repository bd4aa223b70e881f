"""A store behind PgBouncer in transaction mode: each transaction gets another connection.

Nothing calls there, so servers look twice a second, and say so once.  What PostgreSQL may do they
notice as without it.
"""

from __future__ import annotations

import time
from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text

from nexio.store.creation import create_store
from nexio.store.engine import Store
from nexio.store.postgresql import SETTINGS
from tests.support.clocks import Clock
from tests.support.inherited_settings import INHERITED, run, use
from tests.support.people import revoke
from tests.support.pgbouncer import PgBouncer
from tests.support.radius.desk import Desk, ask_until, desk_with
from tests.support.radius.radclient import radclient
from tests.support.radius.radiusd import Radiusd
from tests.support.stores import configuration_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from nexio.configuration import Configuration
    from tests.support.postgresql import PostgreSQL

SAID = "a pooler is in front of PostgreSQL: changes are looked for twice a second"
NOTICED = 10.0
"""Seconds in which the log is to say that nothing is followed."""

STOPPED = 10.0


@pytest.fixture
def pgbouncer(postgresql: PostgreSQL) -> Iterator[PgBouncer]:
    """A pooler in front of the tests' PostgreSQL."""
    with PgBouncer(postgresql) as running:
        yield running


@pytest.fixture
def desk(postgresql_configuration: Configuration, pgbouncer: PgBouncer) -> Iterator[Desk]:
    """A desk whose store is behind it; what empties that store ends its connections before."""
    url = pgbouncer.url(postgresql_configuration.database_url)
    with desk_with(replace(postgresql_configuration, database_url=url)) as made:
        yield made


def test_inherited_settings_change_nothing(
    postgresql: PostgreSQL, pgbouncer: PgBouncer, clock: Clock, tmp_path: Path
) -> None:
    """Each transaction sets what the code depends on, and leaves nothing of it to others."""
    url = postgresql.create_database("pooled")
    for name, value in INHERITED.items():
        run(postgresql, "pooled", f"ALTER DATABASE pooled SET {name} = '{value}'")
    made = replace(configuration_of(tmp_path), database_url=pgbouncer.url(url))
    create_store(made)
    use(made, clock)
    with closing(Store.open(made, clock)) as store:
        for _ in range(10):  # what is said ten times would be prepared
            with store.engine.begin() as connection:
                for name in SETTINGS.keys() - {"transaction_timeout", "DateStyle"}:
                    found = connection.scalar(text("SELECT current_setting(:n)"), {"n": name})
                    if not name.startswith("default_transaction"):
                        assert found == SETTINGS[name], name
                isolation = connection.scalar(text("SHOW transaction_isolation"))
                assert isolation == "read committed"
                assert connection.scalar(text("SHOW transaction_read_only")) == "off"
        with store.read() as work:
            assert work.session.scalar(text("SHOW transaction_isolation")) == "repeatable read"
            assert work.session.scalar(text("SHOW transaction_read_only")) == "on"


def test_radiusd_follows_by_looking(desk: Desk) -> None:
    """Registered and revoked are known, it is said once, each decision is in the log once."""
    with Radiusd(desk.configuration) as server:
        server.wait_for_line(SAID)
        visit = desk.register()
        ask_until("Access-Accept", lambda: radclient(server.port, visit.email, visit.pin))
        revoke(desk.store, visit)
        ask_until("Access-Reject", lambda: radclient(server.port, visit.email, visit.pin))
        assert server.stop() == 0
    assert server.stderr.count(SAID) == 1
    assert "WARNING" not in server.stderr
    assert desk.reasons().count("revoked") == 1


def test_it_hangs_behind_the_pooler(postgresql: PostgreSQL, desk: Desk) -> None:
    """The pooler lets everybody in all the same; noticed within seconds, and followed again."""
    visit = desk.register()
    with Radiusd(desk.configuration) as server:
        ask_until("Access-Accept", lambda: radclient(server.port, visit.email, visit.pin))
        with postgresql.hanging():
            began = time.monotonic()
            server.wait_for_line("not following the store")
            assert time.monotonic() - began < NOTICED
            assert radclient(server.port, visit.email, visit.pin).code == "Access-Accept"
        server.wait_for_line("following the store again")
        late = desk.register()
        ask_until("Access-Accept", lambda: radclient(server.port, late.email, late.pin))
        desk.wait_for_events(lambda events: len(events) > 2)
        with postgresql.hanging():
            server.wait_for_line("not following the store", times=2)
            began = time.monotonic()
            assert server.stop() == 0
            assert time.monotonic() - began < STOPPED
    assert server.stderr.count(SAID) == 1
