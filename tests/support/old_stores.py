"""Stores of older versions, filled by nothing but their tables."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, Engine, MetaData, insert, select

from nexio.keys.key_file import create_key_file, load_keys
from nexio.store.engine import connect, create_sqlite_file
from tests.support.stores import configuration_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from nexio.configuration import Configuration
    from nexio.keys.keyring import Keyring
    from tests.support.postgresql import PostgreSQL


@contextmanager
def store_of(
    version: str,
    home: Path,
    postgresql: PostgreSQL | None,
    rows_of: Callable[[Keyring], dict[str, list[dict[str, Any]]]],
) -> Iterator[Configuration]:
    """A store of that version, filled by nothing but its tables.

    Args:
        version: of a migration.
        home: where its key is.
        postgresql: None is SQLite.
        rows_of: gives the rows of each table.
    """
    configuration, name = configuration_of(home), f"of_{version}"
    if postgresql is not None:
        url = postgresql.create_database(name)
        configuration = replace(configuration, database_url=url)
    create_sqlite_file(configuration.database_url)
    create_key_file(configuration.key_file)
    engine = connect(configuration.database_url)
    with engine.begin() as connection:
        config = Config()
        config.set_main_option("script_location", str(files("nexio_migrations")))
        config.attributes["connection"] = connection
        command.upgrade(config, version)
        fill(connection, rows_of(load_keys(configuration.key_file)))
    engine.dispose()
    yield configuration
    if postgresql is not None:
        postgresql.drop_database(name)


def fill(connection: Connection, rows_by_table: dict[str, list[dict[str, Any]]]) -> None:
    """Write as the software of that version did, by nothing but its tables."""
    tables = MetaData()
    tables.reflect(connection)
    on_sqlite = connection.dialect.name == "sqlite"
    for name, rows in rows_by_table.items():
        for row in rows:
            values = {
                column: value.replace(tzinfo=None)
                if on_sqlite and isinstance(value, datetime)
                else value
                for column, value in row.items()
            }
            connection.execute(insert(tables.tables[name]).values(values))


def contents(engine: Engine) -> dict[str, list[dict[str, Any]]]:
    """Every row of every table that is there, by columns."""
    tables = MetaData()
    with engine.connect() as connection:
        tables.reflect(connection)
        return {
            name: [dict(row._mapping) for row in connection.execute(select(table))]  # noqa: SLF001
            for name, table in tables.tables.items()
            if name != "alembic_version"
        }
