"""Stores made fast: migrated once for each process of the tests."""

from __future__ import annotations

import shutil
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

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

    A copy for each test (``CREATE DATABASE … TEMPLATE``) is 300 files, slower than most
    tests.
    """

    def __init__(self, home: Path, server: PostgreSQL) -> None:
        url = server.create_database("store_of_tests")
        self._made = replace(configuration_of(home), database_url=url)
        create_store(self._made)
        with self._connect() as connection:
            row = connection.execute("SELECT * FROM store_revision").fetchone()
        assert row is not None
        self._revision = row

    def copy(self, home: Path) -> Configuration:
        """See :class:`Template`."""
        home.mkdir()
        shutil.copy2(self._made.key_file, home / "key")
        self._empty()
        return replace(configuration_of(home), database_url=self._made.database_url)

    def _empty(self) -> None:
        values = sql.SQL(", ").join(map(sql.Literal, self._revision))
        with self._connect() as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
            # No check of foreign keys for each row: all rows go.
            connection.execute("SET session_replication_role = replica")
            for table in reversed(Row.metadata.sorted_tables):
                connection.execute(sql.SQL("DELETE FROM {}").format(sql.Identifier(table.name)))
            connection.execute(
                "SELECT setval(format('%I.%I', schemaname, sequencename)::regclass, 1, false)"
                " FROM pg_sequences"
            )
            connection.execute(sql.SQL("INSERT INTO store_revision VALUES ({})").format(values))
            connection.execute("UPDATE alembic_version SET version_num = %s", [schema.HEAD])

    def _connect(self) -> psycopg.Connection:
        return psycopg.connect(self._made.database_url.replace("+psycopg", ""))


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
