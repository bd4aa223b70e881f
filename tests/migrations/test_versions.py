"""The migrations: what they make is what ``nexio.store.tables`` says, on both engines."""

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from importlib.resources import files
from pathlib import Path

import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import CheckConstraint, Connection, Engine, inspect, text

from nexio.configuration import Configuration
from nexio.errors import SchemaMismatch
from nexio.store import schema
from nexio.store.creation import create_store
from nexio.store.engine import Store, create_sqlite_file
from nexio.store.tables import Row
from tests.support.postgresql import PostgreSQL
from tests.support.stores import configuration_of, engine_of, run_sql

ROOT = Path(__file__).parents[2]

EXPANDING_FROM = "0022"
"""Each step behind it lets servers of the version before go on."""

CONTRACTING: dict[str, str] = {}
"""Steps that take something away, and since which version nobody reads or writes that any more."""


@pytest.fixture(params=["sqlite", "postgresql"])
def empty(
    request: pytest.FixtureRequest, tmp_path: Path, postgresql: PostgreSQL
) -> Iterator[Configuration]:
    """A store that is there and has no tables."""
    configuration = configuration_of(tmp_path / "empty")
    if request.param == "postgresql":
        name = "without_tables"
        yield replace(configuration, database_url=postgresql.create_database(name))
        postgresql.drop_database(name)
    else:
        create_sqlite_file(configuration.database_url)
        yield configuration


@pytest.fixture
def engine(empty: Configuration) -> Iterator[Engine]:
    """An engine on a store without tables."""
    with engine_of(empty.database_url) as engine:
        yield engine


def drift_of(engine: Engine) -> list[str]:
    """What differs from ``nexio.store.tables``."""
    with engine.connect() as connection:
        return schema.drift(connection)


def test_the_head_in_the_code_is_the_newest_migration() -> None:
    """One line of migrations, and its end is written in ``schema.py`` as well."""
    config = Config()
    config.set_main_option("script_location", str(files("nexio_migrations")))
    assert ScriptDirectory.from_config(config).get_heads() == [schema.HEAD]


def test_the_migrations_make_what_the_tables_say(engine: Engine) -> None:
    """Tables, columns, types, indexes, unique constraints, foreign keys."""
    migrate(engine)
    assert drift_of(engine) == []
    with engine.connect() as connection:
        assert schema.current_version(connection) == schema.HEAD
        assert sorted(inspect(connection).get_table_names()) == sorted(
            [*Row.metadata.tables, "alembic_version"]
        )


def test_the_migrations_make_the_check_constraints(engine: Engine) -> None:
    """Alembic does not compare these by itself."""
    migrate(engine)
    inspector = inspect(engine)
    for table in Row.metadata.sorted_tables:
        made = {
            check["name"]: check["sqltext"] for check in inspector.get_check_constraints(table.name)
        }
        said = {
            str(check.name): str(check.sqltext)
            for check in table.constraints
            if isinstance(check, CheckConstraint)
        }
        assert made.keys() == said.keys(), table.name
        if engine.dialect.name == "sqlite":  # PostgreSQL gives its own wording
            assert made == said, table.name


def test_a_store_made_at_once_is_one_that_came_through_all_versions(engine: Engine) -> None:
    """Also in its defaults, conditions, names and sequences; but for the order of columns."""
    migrate(engine)
    with engine.begin() as connection:
        migrated = definitions(connection)
        Row.metadata.drop_all(connection)
        connection.execute(text("DROP TABLE alembic_version"))
        schema.make_tables(connection)
        assert schema.current_version(connection) == schema.HEAD
        assert definitions(connection) == migrated


def migrate(engine: Engine) -> None:
    """Make a store of the first version, and let it come through all others."""
    with engine.begin() as connection:
        schema.make_tables(connection, "0001")
    assert schema.upgrade(engine) == "0001"


def definitions(connection: Connection) -> list[tuple[str, list[str]]]:
    """Everything in a store but its rows, by name."""
    rows = connection.execute(text(DEFINITIONS[connection.dialect.name])).all()
    return sorted((name, words(definition)) for name, definition in rows)


DEFINITIONS = {
    "sqlite": "SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL",
    "postgresql": """
        SELECT conname, conrelid::regclass || ' ' || pg_get_constraintdef(oid)
        FROM pg_constraint WHERE connamespace = 'public'::regnamespace
        UNION ALL
        SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'
        UNION ALL
        SELECT format('%I.%I', table_name, column_name),
            concat_ws(' ', udt_name, is_nullable, column_default, character_maximum_length)
        FROM information_schema.columns WHERE table_schema = 'public'
        UNION ALL
        SELECT sequencename, concat_ws(' ', data_type, start_value, max_value, increment_by)
        FROM pg_sequences
    """,
}


def words(statement: str) -> list[str]:
    """The words of a statement in any order: the order of constraints means nothing.

    Nor do quotation marks, which SQLite puts around the name of a table that was made anew.
    """
    return sorted(statement.translate(dict.fromkeys(map(ord, ',()"'), " ")).split())


def test_a_step_expands(engine: Engine) -> None:
    """What servers of the version before read and write stays as it was.

    A step of ``CONTRACTING`` may take away what the version before did not use either.
    """
    with engine.begin() as connection:
        schema.make_tables(connection, EXPANDING_FROM)
    columns = columns_of(engine)
    for version in versions_after(EXPANDING_FROM):
        with engine.begin() as connection:
            schema.make_tables(connection, version)
        before, columns = columns, columns_of(engine)
        if version in CONTRACTING:
            continue
        assert before.items() <= columns.items(), version
        tables = {table for table, _ in before}
        for (table, name), (_, is_nullable, default) in columns.items():
            if table in tables and (table, name) not in before:
                assert is_nullable or default, (version, table, name)


def columns_of(engine: Engine) -> dict[tuple[str, str], tuple[str, bool, str | None]]:
    """Type, whether it may be empty, and the database's own default of every column."""
    found = inspect(engine)
    return {
        (table, column["name"]): (str(column["type"]), column["nullable"], column["default"])
        for table in found.get_table_names()
        for column in found.get_columns(table)
    }


def versions_after(version: str) -> list[str]:
    """The later ones, in their order."""
    config = Config()
    config.set_main_option("script_location", str(files("nexio_migrations")))
    steps = ScriptDirectory.from_config(config).iterate_revisions("head", version)
    return [step.revision for step in steps][::-1]


def test_drift_is_found(engine: Engine) -> None:
    """An index that somebody dropped, a table that somebody added."""
    schema.upgrade(engine)
    with engine.begin() as connection:
        connection.execute(text("DROP INDEX ix_visit_closes_at"))
        connection.execute(text("CREATE TABLE notes (words TEXT)"))
    found = "\n".join(drift_of(engine))
    assert "ix_visit_closes_at" in found
    assert "notes" in found


def test_an_upgrade_is_done_once(engine: Engine) -> None:
    """The second one finds nothing to do."""
    schema.upgrade(engine)
    schema.upgrade(engine)
    assert drift_of(engine) == []


def test_a_store_without_tables_is_refused(
    empty: Configuration, configuration: Configuration
) -> None:
    """The advice makes them."""
    keyed = replace(empty, key_file=configuration.key_file)
    with pytest.raises(SchemaMismatch, match="the store is empty") as caught:
        Store.open(keyed)
    assert "nexio init" in caught.value.advice
    assert "nexio db copy --from" in caught.value.advice
    assert create_store(keyed) is True
    Store.open(keyed).close()


@pytest.mark.parametrize(
    ("version", "message", "advice"),
    [
        ("0000", "the store has version 0000, this software needs", "nexio db upgrade"),
        ("9999", "the store has version 9999, which is newer", "Install the newer version"),
    ],
)
def test_a_store_of_another_version_is_refused(
    store: Store, configuration: Configuration, version: str, message: str, advice: str
) -> None:
    """Which way to go is said."""
    run_sql(store, "UPDATE alembic_version SET version_num = :version", version=version)
    with pytest.raises(SchemaMismatch, match=message) as caught:
        Store.open(configuration)
    assert advice in caught.value.advice


def test_a_newer_store_is_not_touched(store: Store, configuration: Configuration) -> None:
    """By an upgrade or ``nexio init`` of older software."""
    run_sql(store, "UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(SchemaMismatch, match="newer than this software"):
        schema.upgrade(store.engine)
    with pytest.raises(SchemaMismatch, match="newer than this software"):
        create_store(configuration)


def test_a_migration_that_fails_leaves_nothing(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All of an upgrade is one transaction, on both engines."""
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE visit (in_the_way INTEGER)"))
    with pytest.raises(Exception, match=r"visit.* already exists"):
        schema.upgrade(engine)
    with engine.connect() as connection:
        assert inspect(connection).get_table_names() == ["visit"]
        assert schema.current_version(connection) is None


def test_alembic_itself_finds_the_store_and_no_drift(sqlite_environment: dict[str, str]) -> None:
    """``alembic check`` is what a developer runs, and what CI does."""
    command = [sys.executable, "-m", "alembic", "check"]
    done = subprocess.run(
        command,
        cwd=ROOT,
        env=os.environ | sqlite_environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.strip() == "No new upgrade operations detected."
    assert done.returncode == 0, done.stderr
