"""Connections to PostgreSQL: whatever is set there they work, and they never wait for ever."""

from __future__ import annotations

import gc
import threading
import time
from contextlib import ExitStack, closing, contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

import psycopg
import pytest
from psycopg import sql
from sqlalchemy import text

from nexio.errors import Refused, StoreUnreachable
from nexio.network.nas import NewNas, add_nas, list_nas
from nexio.operations.checking import find_damage
from nexio.store import schema
from nexio.store.creation import create_store
from nexio.store.engine import Store
from nexio.store.patience import Patience
from nexio.store.postgresql import SETTINGS, open_connection
from nexio.store.watching import watch
from tests.support.inherited_settings import INHERITED, run, use
from tests.support.people import add_location, register
from tests.support.stores import configuration_of, engine_of, run_sql

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

    from nexio.configuration import Configuration
    from nexio.locations.locations import Location
    from tests.support.clocks import Clock
    from tests.support.postgresql import PostgreSQL

QUICK = Patience(silence=0.2, longest=60.0, connecting=2.0, busy=0.2)
"""For what is to be noticed within a test."""


@contextmanager
def database(postgresql: PostgreSQL, name: str, home: Path) -> Iterator[Configuration]:
    """An empty database of that name and where it is; dropped afterwards."""
    url = postgresql.create_database(name)
    yield replace(configuration_of(home), database_url=url)
    postgresql.drop_database(name)


# What a server, a database, a role or a variable hands down


@pytest.mark.parametrize("where", ["database", "role", "variable"])
def test_inherited_settings_change_nothing(
    where: str,
    postgresql: PostgreSQL,
    clock: Clock,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """With DateStyle German every command was a fault of nexio."""
    with database(postgresql, "inherits", tmp_path) as configuration:
        if where == "variable":
            options = " ".join(
                f"-c {name}={value.replace(' ', chr(92) + ' ')}"
                for name, value in INHERITED.items()
                if name != "client_encoding"
            )
            monkeypatch.setenv("PGOPTIONS", options)
            monkeypatch.setenv("PGDATESTYLE", "German")
            monkeypatch.setenv("PGTZ", "<+13>-13")
            monkeypatch.setenv("PGCLIENTENCODING", "LATIN1")
        else:
            kind = "DATABASE inherits" if where == "database" else "ROLE postgres"
            for name, value in INHERITED.items():
                run(postgresql, "inherits", f"ALTER {kind} SET {name} = '{value}'")
        try:
            create_store(configuration)
            use(configuration, clock)
        finally:
            monkeypatch.delenv("PGOPTIONS", raising=False)
            if where == "role":
                run(postgresql, "postgres", "ALTER ROLE postgres RESET ALL")


def test_each_connection_sets_what_the_code_depends_on(
    postgresql_configuration: Configuration, clock: Clock
) -> None:
    """Also the one that listens, and also after a transaction that was undone."""
    with closing(Store.open(postgresql_configuration, clock)) as store:
        with pytest.raises(ZeroDivisionError), store.write():
            raise ZeroDivisionError
        with store.engine.connect() as connection:
            for name, value in SETTINGS.items():
                found = connection.execute(text("SELECT current_setting(:n, true)"), {"n": name})
                assert found.scalar() in {value, f"{value}, MDY", None}, name


def test_a_listening_connection_outlives_an_idle_timeout(
    postgresql: PostgreSQL, clock: Clock, tmp_path: Path
) -> None:
    """A server listens for hours and says nothing meanwhile."""
    with database(postgresql, "idles", tmp_path) as configuration:
        create_store(configuration)
        run(postgresql, "idles", "ALTER DATABASE idles SET idle_session_timeout = '100ms'")
        with (
            closing(Store.open(configuration, clock)) as store,
            closing(watch(store.engine)) as watching,
        ):
            assert watching.wait()  # half a second of silence
            assert watching.wait()


@pytest.mark.parametrize("encoding", ["SQL_ASCII", "LATIN1", "EUC_JP"])
def test_a_database_that_cannot_hold_every_name_is_refused(
    encoding: str, postgresql: PostgreSQL, tmp_path: Path
) -> None:
    """``init`` says what to type, and makes nothing; what it says to type works."""
    statement = sql.SQL("CREATE DATABASE poor ENCODING {} LOCALE 'C' TEMPLATE template0")
    run(postgresql, "postgres", statement.format(encoding).as_string())
    configuration = replace(configuration_of(tmp_path / "new"), database_url=postgresql.url("poor"))
    with pytest.raises(Refused, match=f"has the encoding {encoding}") as caught:
        create_store(configuration)
    assert "createdb --encoding=UTF8 --template=template0" in caught.value.advice
    assert not configuration.home.exists()
    run(postgresql, "poor", "DO $$BEGIN ASSERT to_regclass('visit') IS NULL; END$$")
    postgresql.drop_database("poor")


def test_a_poor_encoding_of_an_old_store_is_named(
    postgresql: PostgreSQL, clock: Clock, tmp_path: Path
) -> None:
    """It goes on, and ``db check`` says so."""
    run(
        postgresql,
        "postgres",
        "CREATE DATABASE ascii ENCODING 'SQL_ASCII' LOCALE 'C' TEMPLATE template0",
    )
    made = replace(configuration_of(tmp_path / "made"), database_url=postgresql.url("ascii"))
    create_store_in_any(made)
    with closing(Store.open(made, clock)) as store, store.read() as work:
        (line,) = find_damage(work)
    assert "SQL_ASCII" in line
    postgresql.drop_database("ascii")


def create_store_in_any(configuration: Configuration) -> None:
    """As an earlier version did: its tables first, whatever the encoding."""
    with engine_of(configuration.database_url) as engine:
        schema.upgrade(engine)
    create_store(configuration)


# Errors that lead somewhere


@pytest.mark.parametrize("revoked", ["CREATE", "ALL"])
def test_a_missing_grant_is_named(
    revoked: str, postgresql: PostgreSQL, clock: Clock, tmp_path: Path
) -> None:
    """The hint names the GRANT, not the network; typed as it stands, it mends it."""
    with database(postgresql, "granted", tmp_path) as made:
        run(postgresql, "granted", "CREATE ROLE desk LOGIN")
        run(postgresql, "granted", f"REVOKE {revoked} ON SCHEMA public FROM public")
        as_desk = replace(made, database_url=made.database_url.replace("postgres@", "desk@"))
        try:
            with pytest.raises(StoreUnreachable, match="schema") as caught:
                create_store(as_desk)
            assert caught.value.advice.startswith("As its owner: psql granted -c 'GRANT USAGE")
            run(postgresql, "granted", caught.value.advice.partition("'")[2].rstrip("'"))
            create_store(as_desk)
            use(as_desk, clock)
        finally:
            run(postgresql, "granted", "DROP OWNED BY desk CASCADE")
            run(postgresql, "granted", "DROP ROLE desk")


def test_a_missing_grant_on_tables_is_named(
    postgresql: PostgreSQL, clock: Clock, tmp_path: Path
) -> None:
    """The tables were made by somebody else than who uses them."""
    with database(postgresql, "granted", tmp_path) as made:
        create_store(made)
        run(postgresql, "granted", "CREATE ROLE desk LOGIN")
        as_desk = replace(made, database_url=made.database_url.replace("postgres@", "desk@"))
        try:
            with pytest.raises(StoreUnreachable, match="permission denied for table") as caught:
                Store.open(as_desk, clock)
            run(postgresql, "granted", caught.value.advice.partition("'")[2].rstrip("'"))
            use(as_desk, clock)
        finally:
            run(postgresql, "granted", "DROP OWNED BY desk CASCADE")
            run(postgresql, "granted", "DROP ROLE desk")


def test_a_database_that_is_not_there(postgresql: PostgreSQL, tmp_path: Path) -> None:
    """PostgreSQL answers: the network is not what to look at."""
    configuration = replace(configuration_of(tmp_path), database_url=postgresql.url("nowhere"))
    with pytest.raises(StoreUnreachable, match="does not exist") as caught:
        create_store(configuration)
    assert caught.value.advice.startswith("PostgreSQL answers: look at user, password and database")


# A database that hangs


def test_a_hung_database_is_given_up(
    postgresql: PostgreSQL, postgresql_configuration: Configuration, clock: Clock
) -> None:
    """Its kernel confirms keepalives: reading and connecting end by our own clock."""
    with closing(Store.open(postgresql_configuration, clock, QUICK)) as store:
        with postgresql.hanging():
            for _ in range(2):  # the open connection, then a new one
                began = time.monotonic()
                with pytest.raises(StoreUnreachable, match="timeout expired"):
                    look(store)
                assert time.monotonic() - began < 6
        look(store)  # as before


def test_a_watch_outlives_a_moment_of_standstill(
    postgresql: PostgreSQL, postgresql_configuration: Configuration, clock: Clock
) -> None:
    """It hears nothing, and says that something may have changed: reading finds out."""
    with (
        closing(Store.open(postgresql_configuration, clock)) as store,
        closing(watch(store.engine)) as watching,
    ):
        with postgresql.hanging():
            assert watching.wait()
        assert watching.wait()


@pytest.mark.parametrize("at", ["reading", "closing"])
def test_a_connection_that_breaks_leaves_no_warning(
    at: str, postgresql: PostgreSQL, recwarn: pytest.WarningsRecorder
) -> None:
    """Rows that were being read went with it: nothing about that is for a server's log."""
    connection = open_connection(QUICK, postgresql.url("postgres").replace("+psycopg", ""))
    rows = connection.cursor("rows")
    rows.execute("SELECT generate_series(1, 10)")
    postgresql.disconnect("postgres")
    if at == "closing":
        rows.close()
    with pytest.raises(psycopg.OperationalError):
        rows.fetchone()
    del rows
    gc.collect()
    assert list(recwarn) == []


def look(store: Store) -> None:
    """Read something."""
    with store.read() as work:
        work.session.execute(text("SELECT count(*) FROM visit"))


def test_a_write_that_hangs_is_undone(
    postgresql: PostgreSQL, postgresql_configuration: Configuration, clock: Clock
) -> None:
    """All or nothing, also here; and the next one is done."""
    with closing(Store.open(postgresql_configuration, clock, QUICK)) as store:
        house = add_location(store, "Harbour House", "UTC")
        with pytest.raises(StoreUnreachable, match="has not answered"):
            add_two(store, house, postgresql.hanging)
        with store.read() as work:
            assert list_nas(work) == []
        register(store, house)


def add_two(
    store: Store, house: Location, hanging: Callable[[], AbstractContextManager[None]]
) -> None:
    """Two NAS in one transaction, the second one while the database hangs."""
    with ExitStack() as stack:
        work = stack.enter_context(store.write())
        add_nas(work, house, NewNas(name="lobby", address="192.0.2.1"))
        stack.enter_context(hanging())
        add_nas(work, house, NewNas(name="bar", address="192.0.2.2"))


def test_a_slow_statement_is_waited_for(
    postgresql_configuration: Configuration, clock: Clock
) -> None:
    """A server that lets others in is slow, and does not hang."""
    with closing(Store.open(postgresql_configuration, clock, QUICK)) as store, store.read() as work:
        assert work.session.execute(text("SELECT pg_sleep(1), 7")).one()[1] == 7


def test_a_statement_that_takes_too_long_is_given_up(
    postgresql_configuration: Configuration, clock: Clock
) -> None:
    """One process of the server's may hang alone."""
    patience = Patience(silence=0.1, longest=0.5)
    with (
        closing(Store.open(postgresql_configuration, clock, patience)) as store,
        pytest.raises(StoreUnreachable, match="has not answered for"),
    ):
        run_sql_of(store, "SELECT pg_sleep(60)")


def run_sql_of(store: Store, statement: str) -> None:
    """Read by any statement."""
    with store.read() as work:
        work.session.execute(text(statement))


def test_a_program_that_stops_waits_no_longer(
    postgresql: PostgreSQL, postgresql_configuration: Configuration, clock: Clock
) -> None:
    """Whatever is being waited for, in whichever thread; and nothing new is begun."""
    patience = Patience()
    with closing(Store.open(postgresql_configuration, clock, patience)) as store:
        ended = threading.Event()

        def wait() -> None:
            with pytest.raises(StoreUnreachable, match="stopping"):
                run_sql_of(store, "SELECT pg_sleep(60)")
            ended.set()

        threading.Thread(target=wait).start()
        patience.end_in(0.2)
        assert ended.wait(5)
        with postgresql.hanging(), pytest.raises(StoreUnreachable, match="stopping"):
            look(store)


def test_another_writer_is_waited_for_within_a_limit(
    postgresql_configuration: Configuration, clock: Clock
) -> None:
    """As on SQLite; the message says that it is somebody else, and not the network."""
    with closing(Store.open(postgresql_configuration, clock, QUICK)) as store:
        with (
            closing(Store.open(postgresql_configuration, clock)) as other,
            other.write(alone=True),
            pytest.raises(StoreUnreachable, match="lock timeout") as caught,
        ):
            run_one_write(store)
        assert caught.value.advice.startswith("Somebody else changes the store")
        run_sql(store, "SELECT 1")


def run_one_write(store: Store) -> None:
    """Write something."""
    add_location(store, "Quay", "UTC")
