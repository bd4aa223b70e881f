"""Stores of older versions, filled through their tables only."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, Engine, TableClause, column, insert, inspect, select, table

from nexio.keys.key_file import create_key_file, load_keys
from nexio.store import schema
from nexio.store.engine import create_sqlite_file
from nexio.store.sqlite import create_file
from tests.support.stores import configuration_of, engine_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from nexio.configuration import Configuration
    from nexio.keys.keyring import Keyring
    from tests.support.postgresql import PostgreSQL

    Contents = dict[str, list[dict[str, Any]]]
    """Every row of every table, by columns."""

FILLED = {
    *("qr_edition", "counted_at", "last_seconds", "last_octets_in", "last_octets_out"),
    *("disconnect_attempts", "takes_disconnects", "language"),
    *("device_limit_outage", "profile", "reply", "early_minutes"),
    *("check_in_code", "wifi_code"),
}
"""New columns that an upgrade fills: the first edition, the counters of a session, switches,
English, NAS of no known kind whose accepts say no more than before, no early minutes,
and the codes of mails."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Made:
    """A store that was made in this process."""

    files: dict[str, bytes]
    """Its key and, on SQLite, its rows."""

    result: Any


_made: dict[tuple[str, bool], _Made] = {}
"""By name, and whether it is on PostgreSQL."""


@contextmanager
def copied(
    name: str, home: Path, postgresql: PostgreSQL | None, make: Callable[[Configuration], Any]
) -> Iterator[tuple[Configuration, Any]]:
    """A copy of a store that is made once for each process of the tests.

    Args:
        name: that no other store has; on PostgreSQL it is the database's.
        home: the folder of its key.
        postgresql: None for SQLite.
        make: makes key and tables, and leaves no connection open.

    Returns:
        The copy, and what ``make`` has returned.
    """
    configuration, key = configuration_of(home), (name, postgresql is not None)
    if key not in _made:
        if postgresql is not None:
            configuration = replace(configuration, database_url=postgresql.create_database(name))
        result = make(configuration)
        files = {each.name: each.read_bytes() for each in home.iterdir()}
        _made[key] = _Made(files=files, result=result)
    else:
        for file, octets in _made[key].files.items():
            create_file(home / file)
            (home / file).write_bytes(octets)
    if postgresql is None:
        yield configuration, _made[key].result
        return
    url = postgresql.create_database(f"{name}_copy", name)
    try:
        yield replace(configuration, database_url=url), _made[key].result
    finally:
        postgresql.drop_database(f"{name}_copy")


@contextmanager
def store_of(
    version: str,
    home: Path,
    postgresql: PostgreSQL | None,
    rows_of: Callable[[Keyring], Contents],
) -> Iterator[Configuration]:
    """A store of that version, filled through its tables only.

    Args:
        version: the migration's.
        home: the folder of its key.
        postgresql: None for SQLite.
        rows_of: returns the rows of each table.
    """
    configuration, name = configuration_of(home), f"of_{version}"
    if postgresql is not None:
        configuration = replace(configuration, database_url=postgresql.create_database(name))
    make_store(configuration, version, rows_of)
    try:
        yield configuration
    finally:
        if postgresql is not None:
            postgresql.drop_database(name)


@contextmanager
def upgraded_from(
    version: str,
    home: Path,
    postgresql: PostgreSQL | None,
    rows_of: Callable[[Keyring], Contents],
) -> Iterator[Upgrade]:
    """The same, in the version of today, and what its upgrade has changed."""

    def make(configuration: Configuration) -> Upgrade:
        make_store(configuration, version, rows_of)
        return upgrade(configuration)

    name = f"from_{version}_{rows_of.__name__}"
    with copied(name, home, postgresql, make) as (configuration, done):
        yield replace(done, configuration=configuration)


def make_store(
    configuration: Configuration, version: str, rows_of: Callable[[Keyring], Contents]
) -> None:
    """Make a key and the tables of a version, and fill them."""
    create_sqlite_file(configuration.database_url)
    create_key_file(configuration.key_file)
    with engine_of(configuration.database_url) as engine, engine.begin() as connection:
        config = Config()
        config.set_main_option("script_location", str(files("nexio_migrations")))
        config.attributes["connection"] = connection
        command.upgrade(config, version)
        fill(connection, rows_of(load_keys(configuration.key_file)))


def fill(connection: Connection, rows_by_table: Contents) -> None:
    """Write rows as the software of that version did, through its tables only."""
    tables = _tables_of(connection)
    on_sqlite = connection.dialect.name == "sqlite"
    for name, rows in rows_by_table.items():
        for row in rows:
            values = {
                column: value.replace(tzinfo=None)
                if on_sqlite and isinstance(value, datetime)
                else value
                for column, value in row.items()
            }
            connection.execute(insert(tables[name]).values(values))


def contents(engine: Engine) -> Contents:
    """Every row of every table."""
    with engine.connect() as connection:
        return {
            name: [dict(row._mapping) for row in connection.execute(select(table))]  # noqa: SLF001
            for name, table in _tables_of(connection).items()
            if name != "alembic_version"
        }


def _tables_of(connection: Connection) -> dict[str, TableClause]:
    """Names and types of all columns; to look at keys and indexes as well would take long."""
    found = inspect(connection).get_multi_columns()
    return {
        name: table(name, *(column(each["name"], each["type"]) for each in columns))
        for (_, name), columns in found.items()
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class Upgrade:
    """A store that was upgraded, and its contents before and after that."""

    configuration: Configuration

    version: str | None
    """The version before."""

    before: Contents
    after: Contents

    def check_rows(self, **changed: str) -> None:
        """Each row keeps its values; new columns are empty, or in :data:`FILLED`.

        Args:
            changed: the columns, by table, that the upgrade must change.
        """
        assert self.before
        for name, rows in self.before.items():
            # PostgreSQL lists a changed row last.
            both = (sorted(each, key=_number) for each in (rows, self.after[name]))
            for row, kept in zip(*both, strict=True):
                same = row.keys() - {changed.get(name)}
                assert {column: kept[column] for column in same} == {
                    column: row[column] for column in same
                }
                new = kept.keys() - row.keys() - FILLED
                assert all(kept[column] is None for column in new)

    def new_tables(self) -> set[str]:
        """The tables that the upgrade added."""
        return self.after.keys() - self.before.keys()


def upgrade(configuration: Configuration) -> Upgrade:
    """Upgrade a store."""
    with engine_of(configuration.database_url) as engine:
        before = contents(engine)
        version = schema.upgrade(engine)
        after = contents(engine)
    return Upgrade(configuration=configuration, version=version, before=before, after=after)


def _number(row: dict[str, Any]) -> int:
    number: int = row.get("id", 0)
    return number
