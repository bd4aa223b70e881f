"""Copying a store into an empty one, on either engine: each row, or nothing."""

from __future__ import annotations

import stat
import tracemalloc
from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import inspect, make_url, text

from nexio.errors import KeyUnusable, Refused, RowDamaged, StoreUnreachable
from nexio.keys.key_file import create_key_file
from nexio.operations import copying
from nexio.operations.checking import find_damage
from nexio.operations.copying import copy_store, look
from nexio.store import rows
from nexio.store.audit import record_many
from nexio.store.engine import Store
from nexio.store.rows import numbers_used
from tests.support.clocks import Clock
from tests.support.contents import contents
from tests.support.full_stores import full_store
from tests.support.people import add_location, register
from tests.support.stores import engine_of, run_sql

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from nexio.configuration import Configuration
    from tests.support.postgresql import PostgreSQL

OF_ITS_OWN = {"store_revision", "audit"}
"""A new epoch, and the copy in the audit."""

WAYS = [
    ("sqlite", "postgresql"),
    ("postgresql", "sqlite"),
    ("postgresql", "postgresql"),
    ("sqlite", "sqlite"),
]


@pytest.fixture(params=WAYS, ids="-to-".join)
def engines(request: pytest.FixtureRequest) -> tuple[str, str]:
    """Of the old store and the new one."""
    ways: tuple[str, str] = request.param
    return ways


one_way_and_back = pytest.mark.parametrize("engines", WAYS[:2], ids="-to-".join, indirect=True)


@pytest.fixture
def old(
    engines: tuple[str, str], postgresql: PostgreSQL, tmp_path: Path
) -> Iterator[Configuration]:
    """A store with something in every table."""
    with full_store(
        tmp_path / "old", postgresql if engines[0] == "postgresql" else None
    ) as configuration:
        yield configuration


@pytest.fixture
def new(
    engines: tuple[str, str], old: Configuration, postgresql: PostgreSQL, tmp_path: Path
) -> Iterator[Configuration]:
    """An empty database, with the key of the old store."""
    if engines[1] == "sqlite":
        yield replace(old, database_url=f"sqlite:///{tmp_path}/new.db")
        return
    yield replace(old, database_url=postgresql.create_database("copied"))
    postgresql.drop_database("copied")


@pytest.fixture
def sqlite_old(sqlite_file: None, tmp_path: Path) -> Iterator[Configuration]:
    """A full one on SQLite."""
    with full_store(tmp_path / "old", None) as configuration:
        yield configuration


def copy(old: Configuration, url: str, clock: Clock) -> copying.Copied:
    """Copy a store."""
    with closing(Store.open(old, clock)) as store:
        return copy_store(store, url)


def numbers_of(configuration: Configuration) -> dict[str, int]:
    """The highest numbers that were given."""
    with engine_of(configuration.database_url) as engine, engine.connect() as connection:
        return numbers_used(connection)


def test_every_row(old: Configuration, new: Configuration, clock: Clock) -> None:
    """The same, readable with the same key; the old store is not touched, its numbers go on."""
    with closing(Store.open(old, clock)) as store:
        before = contents(store)
        assert all(before.values()), "a table without a row: fill it in tests/support"
        seen = look(store, new.database_url)
        steps: list[tuple[str, int, int]] = []
        copied = copy_store(store, new.database_url, lambda *step: steps.append(step))
        assert copied == seen
        assert copied.rows == sum(map(len, before.values()))
        assert contents(store) == before
    total = copied.rows
    for what in ("copying", "comparing"):
        assert [step for step in steps if step[0].startswith(what)][-1][1:] == (total, total)
    with closing(Store.open(new, clock)) as store:
        after = contents(store)
        for name in before.keys() - OF_ITS_OWN:
            assert after[name] == before[name], name
        with store.read() as work:
            assert find_damage(work) == []
        assert_of_its_own(before, after)
        given = numbers_of(old)
        assert numbers_of(new) == {**given, "audit": given["audit"] + 1}
        annex = add_location(store, "Annex")
        assert register(store, annex, email="bo@example.com").id == given["visit"] + 1


def assert_of_its_own(before: dict[str, list[tuple[object, ...]]], after: object) -> None:
    """Hold that readers do not take it for the old one, and that the audit says who copied it."""
    assert isinstance(after, dict)
    (was,), (revision,) = before["store_revision"], after["store_revision"]
    different = [mine for mine, theirs in zip(revision, was, strict=True) if mine != theirs]
    assert len(different) == 1
    assert len(different[0]) == 32
    assert after["audit"][: len(before["audit"])] == before["audit"]
    (entry,) = after["audit"][len(before["audit"]) :]
    assert entry[2:6] == ("test desk", "copy", "store", 1)


@one_way_and_back
def test_what_is_written_meanwhile_undoes_the_copy(
    old: Configuration, new: Configuration, clock: Clock, postgresql: PostgreSQL
) -> None:
    """Exit 4 and the table; nothing stays of it, and the next one goes through."""
    written: list[str] = []

    def step(what: str, done: int, of: int) -> None:
        del of
        if what.startswith("copying") and done and not written:
            written.append(what)
            with closing(Store.open(old, clock)) as desk:
                add_location(desk, "Annex")

    with closing(Store.open(old, clock)) as store:
        with pytest.raises(Refused, match=r"changed while it was copied \(table ") as caught:
            copy_store(store, new.database_url, step)
        assert caught.value.exit_code == 4
    assert_nothing_is_there(new)
    assert copy(old, new.database_url, clock).rows


def assert_nothing_is_there(new: Configuration) -> None:
    """Hold that the new database is as it was."""
    if new.database_url.startswith("sqlite"):
        assert not list((new.home.parent).glob("new.db*"))
        return
    with engine_of(new.database_url) as engine:
        assert inspect(engine).get_table_names() == []


@one_way_and_back
def test_memory_does_not_grow_with_the_store(
    old: Configuration, new: Configuration, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Some rows at a time are read, written and compared."""
    monkeypatch.setattr(rows, "ROWS_IN_MEMORY", 50)
    large = "x" * 20_000
    with closing(Store.open(old, clock)) as store:
        with store.write() as work:
            record_many(work, "visit", [("edit", 1, {"text": large})] * 1_500)
        tracemalloc.start()
        copy_store(store, new.database_url)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert peak < 1_500 * len(large) / 2


@one_way_and_back
def test_a_full_database_is_refused(old: Configuration, new: Configuration, clock: Clock) -> None:
    """Whatever is in it; nothing of it changes."""
    copy(old, new.database_url, clock)
    with closing(Store.open(new, clock)) as store:
        before = contents(store)
        for act in (look, copy_store):
            with (
                closing(Store.open(old, clock)) as source,
                pytest.raises(Refused, match="is a store already: it has the tables") as caught,
            ):
                act(source, new.database_url)
            assert caught.value.advice
        assert contents(store) == before


def test_a_database_of_somebody_else(
    sqlite_old: Configuration, postgresql: PostgreSQL, clock: Clock
) -> None:
    """It has a table, and keeps it."""
    url = postgresql.create_database("letters")
    try:
        with engine_of(url) as engine:
            with engine.begin() as connection:
                connection.execute(text("CREATE TABLE letters (id INTEGER)"))
            with pytest.raises(Refused, match="is not empty: it has the tables letters"):
                copy(sqlite_old, url, clock)
            assert inspect(engine).get_table_names() == ["letters"]
    finally:
        postgresql.drop_database("letters")


def test_a_schema_beside_the_old_store(
    postgresql_configuration: Configuration, clock: Clock
) -> None:
    """Its desks would wait for the whole copy: refused, and nothing is made."""
    url = make_url(postgresql_configuration.database_url)
    other = url.update_query_dict({"options": "-csearch_path=other"})
    with closing(Store.open(postgresql_configuration, clock)) as store:
        run_sql(store, "CREATE SCHEMA other")
        try:
            for act in (look, copy_store):
                with pytest.raises(Refused, match="is a schema of the database that has the old"):
                    act(store, other.render_as_string(hide_password=False))
            assert inspect(store.engine).get_table_names("other") == []
        finally:
            run_sql(store, "DROP SCHEMA other CASCADE")


@pytest.mark.parametrize(
    ("statement", "named"),
    [
        ("UPDATE visit SET host = 'a' || char(0) || 'b' WHERE id = 2", "visit 2"),
        ("UPDATE auth_event SET latency_us = 4000000000 WHERE id = 1", "auth_event 1"),
        ("UPDATE visit SET registered_at = 'whenever' WHERE id = 3", "visit"),
    ],
)
def test_a_row_that_does_not_fit(
    statement: str, named: str, sqlite_old: Configuration, postgresql: PostgreSQL, clock: Clock
) -> None:
    """SQLite keeps anything in any column; the row is named, and nothing stays."""
    with closing(Store.open(sqlite_old, clock)) as store:
        run_sql(store, statement)
    url = postgresql.create_database("copied")
    try:
        with pytest.raises(RowDamaged, match=named) as caught:
            copy(sqlite_old, url, clock)
        assert "nexio db check" in caught.value.advice
        assert_nothing_is_there(replace(sqlite_old, database_url=url))
    finally:
        postgresql.drop_database("copied")


def test_a_copy_that_is_not_the_same(
    sqlite_old: Configuration, postgresql: PostgreSQL, clock: Clock
) -> None:
    """Should the new database give anything back in another way, nothing stays of it."""
    url = postgresql.create_database("copied")
    change = (
        "CREATE FUNCTION change() RETURNS event_trigger LANGUAGE plpgsql AS $$BEGIN"
        " IF to_regclass('visit') IS NOT NULL AND to_regproc('other') IS NULL THEN"
        " CREATE FUNCTION other() RETURNS trigger LANGUAGE plpgsql AS"
        " 'BEGIN NEW.host = ''Bo''; RETURN NEW; END';"
        " CREATE TRIGGER other BEFORE INSERT ON visit FOR EACH ROW EXECUTE FUNCTION other();"
        " END IF; END$$"
    )
    try:
        with engine_of(url) as engine, engine.begin() as connection:
            connection.execute(text(change))
            made = "CREATE EVENT TRIGGER change ON ddl_command_end WHEN TAG IN ('CREATE TABLE')"
            connection.execute(text(f"{made} EXECUTE FUNCTION change()"))
        with pytest.raises(StoreUnreachable, match="does not hold visit as the old one does"):
            copy(sqlite_old, url, clock)
        assert_nothing_is_there(replace(sqlite_old, database_url=url))
    finally:
        postgresql.drop_database("copied")


def test_without_its_key(sqlite_old: Configuration, tmp_path: Path, clock: Clock) -> None:
    """A copy that nobody could read is not made."""
    with closing(Store.open(sqlite_old, clock)) as store:
        sqlite_old.key_file.unlink()
        create_key_file(sqlite_old.key_file)
        with pytest.raises(KeyUnusable, match="do not hold every key"):
            copy_store(store, f"sqlite:///{tmp_path}/new.db")
    assert not list(tmp_path.glob("new.db*"))


def test_the_file_is_closed_to_others(
    sqlite_old: Configuration, tmp_path: Path, clock: Clock
) -> None:
    """As a store that 'nexio init' makes."""
    new = tmp_path / "new.db"
    copy(sqlite_old, f"sqlite:///{new}", clock)
    assert stat.S_IMODE(new.stat().st_mode) == 0o600


def test_a_file_that_somebody_else_has_made(
    sqlite_old: Configuration, tmp_path: Path, clock: Clock
) -> None:
    """Whoever comes second leaves a store as it is, and says so where the file was removed."""
    url, new = f"sqlite:///{tmp_path}/new.db", tmp_path / "new.db"
    new.touch()
    copy(sqlite_old, url, clock)
    before = new.read_bytes()
    with pytest.raises(Refused, match="is a store already"):
        copy(sqlite_old, url, clock)
    assert new.read_bytes() == before
    new.write_bytes(b"")

    def remove(*_: object) -> None:
        new.unlink(missing_ok=True)

    with (
        closing(Store.open(sqlite_old, clock)) as store,
        pytest.raises(StoreUnreachable, match="was removed"),
    ):
        copy_store(store, url, remove)
