"""What a store does to a server in a test: it is away, or full, or another process holds it."""

from __future__ import annotations

import sqlite3
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

import psycopg

from nexio.store.tables import Row
from tests.support.radius.radiusd import PATIENCE
from tests.support.stores import run_sql

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from nexio.store.engine import Store
    from tests.support.postgresql import PostgreSQL
    from tests.support.radius.desk import Desk


@contextmanager
def gone(desk: Desk) -> Iterator[None]:
    """The file of SQLite is somewhere else for a while."""
    desk.store.close()
    paths = sorted(desk.configuration.home.glob("nexio.db*"))
    for path in paths:
        path.rename(path.with_name(f"away-{path.name}"))
    yield
    for path in reversed(paths):
        path.with_name(f"away-{path.name}").rename(path)


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Another process than the server writes to a SQLite file, and does not come to an end."""
    with closing(sqlite3.connect(path, isolation_level=None, timeout=PATIENCE)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        yield
        connection.execute("ROLLBACK")


@contextmanager
def refusing(postgresql: PostgreSQL, database: str) -> Iterator[None]:
    """Let nobody in, and send everybody away."""
    with _connected(postgresql) as administrator:
        administrator.execute(f'ALTER DATABASE "{database}" ALLOW_CONNECTIONS false'.encode())
        administrator.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [database]
        )
        yield
        administrator.execute(f'ALTER DATABASE "{database}" ALLOW_CONNECTIONS true'.encode())


@contextmanager
def full(store: Store) -> Iterator[None]:
    """PostgreSQL answers each new row as on a full disk."""
    tables = [table.name for table in Row.metadata.sorted_tables]
    run_sql(
        store,
        "CREATE FUNCTION disk_is_full() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN"
        " RAISE 'could not extend file: No space left on device' USING ERRCODE = '53100'; END$$",
    )
    try:
        for name in tables:
            trigger = f"TRIGGER disk_is_full BEFORE INSERT ON {name}"
            run_sql(store, f"CREATE {trigger} EXECUTE FUNCTION disk_is_full()")
        yield
    finally:  # other tests use this database, too
        for name in tables:  # one lock at a time, as servers write meanwhile
            run_sql(store, f"DROP TRIGGER IF EXISTS disk_is_full ON {name}")
        run_sql(store, "DROP FUNCTION disk_is_full")


def _connected(server: PostgreSQL) -> psycopg.Connection:
    """As its administrator."""
    return psycopg.connect(
        host=str(server.folder), user="postgres", dbname="postgres", autocommit=True
    )
