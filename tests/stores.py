"""Stores that are made fast: migrated once a session, then copied for each test."""

from __future__ import annotations

import shutil
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from nexio.configuration import Configuration
from nexio.store.creation import create_store
from nexio.store.tables import Row

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nexio.store.engine import Store
    from tests.postgresql import PostgreSQL

OPERATOR = "test desk"
_numbers = count(1)


@dataclass(frozen=True)
class Template:
    """A store with our tables and nothing in them, made by the real migrations."""

    configuration: Configuration
    server: PostgreSQL | None = None
    """Where its database is; None is SQLite."""

    @contextmanager
    def copy(self, home: Path) -> Iterator[Configuration]:
        """An independent store in ``home``, gone afterwards."""
        home.mkdir(parents=True, exist_ok=True)
        shutil.copy2(self.configuration.key_file, home / "key")
        copy = configuration_of(home)
        if self.server is None:
            shutil.copy2(self.configuration.home / "nexio.db", home / "nexio.db")
            yield copy
            return
        name = f"copy_{next(_numbers)}"
        url = self.server.create_database(name, template="template_of_tests")
        try:
            yield replace(copy, database_url=url)
        finally:
            self.server.drop_database(name)


def configuration_of(home: Path) -> Configuration:
    """A deployment that keeps everything in ``home``, on SQLite."""
    return Configuration.from_environment({"NEXIO_HOME": str(home), "NEXIO_OPERATOR": OPERATOR})


def sqlite_template(home: Path) -> Template:
    """Make the store that the SQLite stores of the tests are copies of."""
    template = Template(configuration_of(home))
    create_store(template.configuration)
    return template


def postgresql_template(home: Path, server: PostgreSQL) -> Template:
    """Make the store that the PostgreSQL stores of the tests are copies of."""
    url = server.create_database("template_of_tests")
    template = Template(replace(configuration_of(home), database_url=url), server)
    create_store(template.configuration)
    return template


def row_counts(store: Store) -> dict[str, int]:
    """How many rows each table has; what nothing half written leaves as it was."""
    with store.read() as work:
        return {
            table.name: work.session.scalar(select(func.count()).select_from(table)) or 0
            for table in Row.metadata.sorted_tables
        }


def run_sql(store: Store, statement: str, **values: object) -> None:
    """Change a store behind the software's back; where SQL is the same on both engines."""
    with Session(store.engine) as session:
        session.execute(text(statement), values)
        session.commit()
