"""Stores made fast: once for each process of the tests."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import psycopg
from psycopg import sql
from sqlalchemy import make_url, text
from sqlalchemy.orm import Session

from nexio.configuration import Configuration
from nexio.store import schema
from nexio.store.creation import create_store
from nexio.store.engine import connect
from nexio.store.tables import Row
from tests.support.connections import KeptConnection

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pytest
    from sqlalchemy import Engine

    from nexio.store.engine import Reading, Store
    from tests.support.postgresql import PostgreSQL

OPERATOR = "test desk"


Filling = Callable[[Configuration], Any]
"""What puts the same things into an empty store each time, and returns what it made."""


class Template(Protocol):
    """A store as it is made, or with a filling: made once, and copied for each test."""

    results: dict[Filling, Any]
    """What the fillings have returned."""

    def copy(self, home: Path, filling: Filling | None = None) -> Configuration:
        """A test's own store, with its key in ``home``."""

    def fill(self, configuration: Configuration, filling: Filling | None) -> None:
        """Let a copy, which nobody has open, hold this and nothing else."""


class SQLiteTemplate:
    """Each test gets a copy of the file."""

    def __init__(self, home: Path) -> None:
        self.results: dict[Filling, Any] = {}
        self._made = configuration_of(home)
        create_store(self._made)
        self._files: dict[Filling | None, Path] = {None: home / "nexio.db"}

    def copy(self, home: Path, filling: Filling | None = None) -> Configuration:
        """See :class:`Template`."""
        home.mkdir()
        shutil.copy2(self._made.home / "key", home / "key")
        configuration = configuration_of(home)
        self.fill(configuration, filling)
        return configuration

    def fill(self, configuration: Configuration, filling: Filling | None) -> None:
        """See :class:`Template`."""
        if filling is not None and filling not in self._files:
            filled = self.copy(self._made.home / f"filled-{len(self._files)}")
            self.results[filling] = filling(filled)
            self._files[filling] = filled.home / "nexio.db"
        shutil.copy2(self._files[filling], configuration.home / "nexio.db")


class PostgreSQLTemplate:
    """The tests of a process share one database, which is set back before each of them.

    A copy for each (``CREATE DATABASE … TEMPLATE``) is 300 files, which takes longer than most
    tests; so does a new connection for setting it back.
    """

    def __init__(self, home: Path, server: PostgreSQL) -> None:
        self.results: dict[Filling, Any] = {}
        url = server.create_database("store_of_tests")
        self._made = replace(configuration_of(home), database_url=url)
        at = make_url(url)
        KeptConnection.where = {"host": str(at.query["host"]), "dbname": at.database or ""}
        create_store(self._made)
        self._connection = self._connect()
        self._ways: dict[Filling | None, str] = {None: _way_back(self._connection)}

    def copy(self, home: Path, filling: Filling | None = None) -> Configuration:
        """See :class:`Template`."""
        home.mkdir()
        shutil.copy2(self._made.key_file, home / "key")
        configuration = replace(configuration_of(home), database_url=self._made.database_url)
        self.fill(configuration, filling)
        return configuration

    def fill(self, configuration: Configuration, filling: Filling | None) -> None:
        """See :class:`Template`."""
        if filling is not None and filling not in self._ways:
            self._set_back(self._ways[None])
            self.results[filling] = filling(self._made)
            self._ways[filling] = _way_back(self._connection)
        self._set_back(self._ways[filling])

    def close(self) -> None:
        """Leave the server."""
        self._connection.close()
        while KeptConnection.idle:
            KeptConnection.idle.pop().finish()

    def _set_back(self, statements: str) -> None:
        kept = ", ".join(str(driver.backend_pid) for driver in KeptConnection.idle)
        whole = f"{_TERMINATE.format(kept=kept)}; {statements}".encode()
        try:
            self._connection.execute(whole)
        except psycopg.OperationalError:  # a test has ended all connections, ours too
            self._connection.close()
            self._connection = self._connect()
            self._connection.execute(whole)

    def _connect(self) -> psycopg.Connection:
        return psycopg.connect(self._made.database_url.replace("+psycopg", ""), autocommit=True)


_TERMINATE = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database()"
    " AND pid <> pg_backend_pid() AND pid <> ALL('{{{kept}}}')"
)


def _way_back(connection: psycopg.Connection) -> str:
    """What sets the store back to now, after all others have left it: one transaction."""
    # Without a look at foreign keys for each row: all of them go.
    all_go = "SET LOCAL session_replication_role = replica"
    tables = [sql.Identifier(table.name) for table in Row.metadata.sorted_tables]
    deletes = [sql.SQL("DELETE FROM {}").format(table) for table in tables]
    inserts = [
        sql.SQL("INSERT INTO {0} SELECT * FROM json_populate_recordset(NULL::{0}, {1})").format(
            table, rows
        )
        for table in tables
        for (rows,) in connection.execute(
            sql.SQL("SELECT json_agg({0})::text FROM {0}").format(table)
        )
        if rows is not None
    ]
    numbers = [
        sql.SQL("SELECT setval({}, {}, {})").format(name, last or 1, last is not None)
        for name, last in connection.execute(
            "SELECT format('%I.%I', schemaname, sequencename), last_value FROM pg_sequences"
        )
    ]
    version = sql.SQL("UPDATE alembic_version SET version_num = {}").format(schema.HEAD)
    ways = [sql.SQL(all_go), *deletes, *inserts, *numbers, version]
    return sql.SQL("; ").join(ways).as_string(connection)


@contextmanager
def engine_of(url: str) -> Iterator[Engine]:
    """An engine whose connections are always closed at the end."""
    engine = connect(url)
    try:
        yield engine
    finally:
        engine.dispose()


def configuration_of(home: Path) -> Configuration:
    """A deployment with everything in ``home``, on SQLite."""
    return Configuration.from_environment({"NEXIO_HOME": str(home), "NEXIO_OPERATOR": OPERATOR})


def export(configuration: Configuration, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Set the variables that lead a program to a store."""
    variables = {
        "NEXIO_HOME": str(configuration.home),
        "NEXIO_KEY_FILE": str(configuration.key_file),
        "NEXIO_DATABASE_URL": configuration.database_url,
        "NEXIO_OPERATOR": configuration.operator,
    }
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    return variables


def row_counts(store: Store) -> dict[str, int]:
    """How many rows each table has, which a half-written change must not alter."""
    with store.read() as work:
        return count_rows(work)


def count_rows(work: Reading) -> dict[str, int]:
    """The same within a transaction, by one statement."""
    names = [table.name for table in Row.metadata.sorted_tables]
    counts = ", ".join(f"(SELECT count(*) FROM {name})" for name in names)  # noqa: S608 (ours)
    return dict(zip(names, work.session.execute(text(f"SELECT {counts}")).one(), strict=True))


def run_sql(store: Store, statement: str, **values: object) -> None:
    """Change a store behind the software's back, in SQL that both engines know."""
    with Session(store.engine) as session:
        session.execute(text(statement), values)
        session.commit()
