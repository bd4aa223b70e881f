"""Stores made fast: migrated once for each process of the tests."""

from __future__ import annotations

import shutil
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import psycopg
from psycopg import sql
from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from nexio.configuration import Configuration
from nexio.store import schema
from nexio.store.creation import create_store
from nexio.store.engine import connect
from nexio.store.tables import Row

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pytest
    from sqlalchemy import Engine

    from nexio.store.engine import Store
    from tests.support.postgresql import PostgreSQL

OPERATOR = "test desk"


class Template(Protocol):
    """A store with empty tables, made by the real migrations."""

    def copy(self, home: Path) -> Configuration:
        """A test's own store, with its key in ``home``."""


class SQLiteTemplate:
    """Each test gets a copy of the file."""

    def __init__(self, home: Path) -> None:
        self._made = configuration_of(home)
        create_store(self._made)

    def copy(self, home: Path) -> Configuration:
        """See :class:`Template`."""
        home.mkdir()
        for name in ("key", "nexio.db"):
            shutil.copy2(self._made.home / name, home / name)
        return configuration_of(home)


class PostgreSQLTemplate:
    """The tests of a process share one database, emptied before each of them.

    A copy for each (``CREATE DATABASE … TEMPLATE``) is 300 files, which takes longer than most
    tests; so does a new connection for emptying it.
    """

    def __init__(self, home: Path, server: PostgreSQL) -> None:
        url = server.create_database("store_of_tests")
        self._made = replace(configuration_of(home), database_url=url)
        create_store(self._made)
        self._connection = self._connect()
        row = self._connection.execute("SELECT * FROM store_revision").fetchone()
        assert row is not None
        self._emptying = _emptying(row).as_string(self._connection)

    def copy(self, home: Path) -> Configuration:
        """See :class:`Template`."""
        home.mkdir()
        shutil.copy2(self._made.key_file, home / "key")
        try:
            self._connection.execute(self._emptying)
        except psycopg.OperationalError:  # a test has ended all connections, ours too
            self._connection.close()
            self._connection = self._connect()
            self._connection.execute(self._emptying)
        return replace(configuration_of(home), database_url=self._made.database_url)

    def close(self) -> None:
        """Leave the server."""
        self._connection.close()

    def _connect(self) -> psycopg.Connection:
        return psycopg.connect(self._made.database_url.replace("+psycopg", ""), autocommit=True)


def _emptying(revision: tuple[Any, ...]) -> sql.Composable:
    """What ends all other connections and leaves the store as it was made: one transaction."""
    terminate = (
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    # Without a look at foreign keys for each row: all of them go.
    all_go = "SET LOCAL session_replication_role = replica"
    deletes = [
        sql.SQL("DELETE FROM {}").format(sql.Identifier(table.name))
        for table in reversed(Row.metadata.sorted_tables)
    ]
    numbers = (
        "SELECT setval(format('%I.%I', schemaname, sequencename)::regclass, 1, false)"
        " FROM pg_sequences"
    )
    values = sql.SQL(", ").join(map(sql.Literal, revision))
    insert = sql.SQL("INSERT INTO store_revision VALUES ({})").format(values)
    version = sql.SQL("UPDATE alembic_version SET version_num = {}").format(schema.HEAD)
    before = [sql.SQL(terminate), sql.SQL(all_go)]
    return sql.SQL("; ").join([*before, *deletes, sql.SQL(numbers), insert, version])


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
        return {
            table.name: work.session.scalar(select(func.count()).select_from(table)) or 0
            for table in Row.metadata.sorted_tables
        }


def run_sql(store: Store, statement: str, **values: object) -> None:
    """Change a store behind the software's back, in SQL that both engines know."""
    with Session(store.engine) as session:
        session.execute(text(statement), values)
        session.commit()
