"""Opening the store, reading and writing."""

import os
import shutil
import sqlite3
import threading
import time
import traceback
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import text, update

from nexio.clock import utc_now
from nexio.configuration import Configuration
from nexio.errors import InvalidValue, KeyUnusable, Refused, StoreUnreachable
from nexio.keys.key_file import create_key_file
from nexio.locations.locations import Location
from nexio.store.creation import create_store
from nexio.store.engine import Store, connect, create_sqlite_file, explain_errors, parse_url
from nexio.store.patience import Patience
from nexio.store.tables import LocationRow, VisitRow
from tests.support.clocks import Clock
from tests.support.people import add_location, register
from tests.support.stores import configuration_of, row_counts


def pragma(store: Store, name: str) -> object:
    """A setting of the connection that writes."""
    with store.write() as work:
        return work.session.execute(text(f"PRAGMA {name}")).scalar_one()


@pytest.mark.parametrize(
    ("name", "value"),
    [("journal_mode", "wal"), ("foreign_keys", 1), ("synchronous", 2), ("secure_delete", 1)],
)
def test_sqlite_is_durable_and_private(sqlite_store: Store, name: str, value: object) -> None:
    """Synchronous 2 is FULL."""
    assert pragma(sqlite_store, name) == value


def test_sqlite_is_patient(sqlite_store: Store) -> None:
    """A writer waits 30 seconds for another one."""
    assert pragma(sqlite_store, "busy_timeout") == 30_000


def test_a_kept_connection_follows_the_file(
    sqlite_configuration: Configuration, sqlite_store: Store, sqlite_location: Location
) -> None:
    """A store that stays open uses the file that is there now, such as a restored backup."""
    path = sqlite_configuration.home / "nexio.db"
    with sqlite_store.read() as work:
        assert work.session.get(LocationRow, sqlite_location.id) is not None

    aside = path.rename(path.with_name("aside.db"))
    with pytest.raises(StoreUnreachable), sqlite_store.read():
        pass  # no empty file is made
    assert not path.exists()

    with sqlite3.connect(aside) as connection:
        connection.execute("PRAGMA wal_checkpoint = TRUNCATE")
    connection.close()
    shutil.copy(aside, path)
    with sqlite_store.write() as work:
        work.session.execute(update(LocationRow).values(name="put back"))
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT name FROM location").fetchall() == [("put back",)]


def exchange(path: Path) -> None:
    """Put the file ``new.db`` in the place of a store, with nothing beside it."""
    for end in ("-wal", "-shm"):
        path.with_name(path.name + end).unlink()
    path.with_name("new.db").rename(path)


def test_a_file_that_is_exchanged_at_the_commit(
    sqlite_configuration: Configuration, sqlite_store: Store, sqlite_location: Location
) -> None:
    """Whoever writes then hears that the store does not have it, and may write it again."""
    path = sqlite_configuration.home / "nexio.db"
    register(sqlite_store, sqlite_location)  # the file has all of it, and nothing waits beside it
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA wal_checkpoint = TRUNCATE")
    shutil.copy(path, path.with_name("new.db"))
    changed = update(LocationRow).values(name="changed")

    def change() -> None:
        with sqlite_store.write() as work:
            work.session.execute(changed)
            work.done.append("change")
            exchange(path)

    with pytest.raises(StoreUnreachable, match="another file was put in the place of"):
        change()
    assert "change" not in sqlite_store.done
    with sqlite_store.read() as look:
        assert look.session.get_one(LocationRow, sqlite_location.id).name != "changed"
    with sqlite_store.write() as work:
        work.session.execute(changed)
    with sqlite_store.read() as look:
        assert look.session.get_one(LocationRow, sqlite_location.id).name == "changed"


def test_a_read_cannot_write(store: Store, location: Location) -> None:
    """It never turns into a write; the next write on the same connection can."""
    statement = update(LocationRow).values(name="changed")
    with pytest.raises(StoreUnreachable, match=r"read-?only"), store.read() as work:
        work.session.execute(statement)
    with store.write() as work:
        work.session.execute(statement)
    with store.read() as work:
        assert work.session.get_one(LocationRow, location.id).name == "changed"


def test_a_read_is_one_look(store: Store, location: Location) -> None:
    """What is committed meanwhile is not in it, and does not wait for it either."""
    with store.read() as work:
        assert work.session.query(VisitRow).count() == 0
        register(store, location)
        assert work.session.query(VisitRow).count() == 0
    assert row_counts(store)["visit"] == 1


def test_a_transaction_happens_at_one_time_by_one_operator(store: Store, clock: Clock) -> None:
    """The clock is asked once."""
    with store.write() as work:
        clock.advance(hours=1)
        assert work.operator == "test desk"
        assert work.now < clock.now
    with store.read() as work:
        assert work.now == clock.now


def test_the_clock_of_everything_that_is_no_test() -> None:
    """It is aware, and in UTC."""
    assert str(utc_now().tzinfo) == "UTC"


def test_a_reader_that_writes_later_waits_for_the_other_one(
    sqlite_store: Store, sqlite_location: Location
) -> None:
    """BEGIN IMMEDIATE: begun deferred, it would fail at once after another commit."""

    def count_up() -> None:
        for _ in range(20):
            with sqlite_store.write() as work:
                row = work.session.get_one(LocationRow, sqlite_location.id)
                row.planned_guests = (row.planned_guests or 0) + 1

    desks = [threading.Thread(target=count_up) for _ in range(2)]
    for desk in desks:
        desk.start()
    for desk in desks:
        desk.join()
    with sqlite_store.read() as work:
        assert work.session.get_one(LocationRow, sqlite_location.id).planned_guests == 40


def test_a_locked_store_is_out_of_reach_for_a_writer_only(
    sqlite_configuration: Configuration, clock: Clock
) -> None:
    """After the wait; here there is none."""
    with closing(Store.open(sqlite_configuration, clock, Patience(busy=0))) as store:
        with closing(sqlite3.connect(sqlite_configuration.home / "nexio.db")) as other:
            other.execute("BEGIN IMMEDIATE")
            with pytest.raises(StoreUnreachable, match="database is locked") as caught:
                add_location(store, "Quay")
            assert row_counts(store)["location"] == 0
        assert str(sqlite_configuration.home / "nexio.db") in caught.value.advice
        add_location(store, "Quay")


def test_a_program_that_stops_waits_for_no_other_writer(
    sqlite_configuration: Configuration, clock: Clock
) -> None:
    """A server stops within ten seconds, whoever holds the lock."""
    patience = Patience()
    patience.end_in(0)
    with closing(sqlite3.connect(sqlite_configuration.home / "nexio.db")) as other:
        other.execute("BEGIN IMMEDIATE")
        store = Store.open(sqlite_configuration, clock, patience)
        began = time.monotonic()
        with pytest.raises(StoreUnreachable, match="database is locked"):
            add_location(store, "Quay")
        assert time.monotonic() - began < 5
    store.close()


def test_a_missing_store_is_not_made_by_looking(tmp_path: Path) -> None:
    """SQLite by itself would make an empty one."""
    configuration = configuration_of(tmp_path / "nothing")
    with pytest.raises(StoreUnreachable, match=f"there is no store at {tmp_path}") as caught:
        Store.open(configuration)
    assert "nexio init" in caught.value.advice
    assert "NEXIO_HOME" in caught.value.advice
    assert not configuration.home.exists()


def test_a_file_that_is_no_store(sqlite_file: None, tmp_path: Path) -> None:
    """It is left as it is, by ``nexio init`` too."""
    configuration = configuration_of(tmp_path)
    create_key_file(configuration.key_file)
    path = tmp_path / "nexio.db"
    path.write_text("a letter to a friend\n" * 100)
    for attempt in (Store.open, create_store):
        with pytest.raises(StoreUnreachable, match="file is not a database") as caught:
            attempt(configuration)
        assert str(path) in caught.value.advice
    assert path.read_text() == "a letter to a friend\n" * 100


def test_a_store_that_vanishes_is_out_of_reach(
    sqlite_configuration: Configuration, clock: Clock
) -> None:
    """A new connection does not make an empty store in its place."""
    store = Store.open(sqlite_configuration, clock)
    store.close()
    path = sqlite_configuration.home / "nexio.db"
    path.unlink()
    with pytest.raises(StoreUnreachable, match="unable to open database file"):
        add_location(store, "Quay")
    assert not path.exists()
    store.close()


@pytest.mark.parametrize(
    "url",
    [
        "",
        "nexio.db",
        "mysql://nexio:hunter2@db/nexio",
        "postgres://nexio:hunter2@db/nexio",
        "postgresql+psycopg2://nexio:hunter2@db/nexio",
        "sqlite+aiosqlite:////srv/hunter2.db",
        "postgresql://nexio:hunter2",
        "postgresql://nexio:hunter2@db:port/nexio",
        "postgresql://nexio:pass@hunter2@db/nexio",
        "postgresql://nexio:hunter2@[::1/nexio",
    ],
)
def test_what_is_no_url_of_a_store(url: str) -> None:
    """The error shows the two forms, and never what was written: it may be a password."""
    with pytest.raises(InvalidValue) as caught:
        connect(url)
    assert str(caught.value) == "NEXIO_DATABASE_URL is not the URL of a store"
    assert "sqlite:////folder/nexio.db or postgresql://user@host/database" in caught.value.advice
    assert "hunter2" not in "".join(traceback.format_exception_only(caught.value))
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


@pytest.mark.parametrize("query", ["mode=ro", "timeout=5&cache=shared", "secret=1"])
def test_what_sqlite_does_not_know(query: str) -> None:
    """It is refused, and not quoted: it may be a password."""
    with pytest.raises(InvalidValue, match=r"behind a '\?' that SQLite does not know") as caught:
        parse_url(f"sqlite:////srv/nexio.db?{query}")
    assert query not in str(caught.value) + caught.value.advice


def test_what_does_nothing_to_sqlite() -> None:
    """An address that was good before stays good."""
    url = parse_url("sqlite:////srv/nexio.db?timeout=soon&check_same_thread=false")
    assert url == parse_url("sqlite:////srv/nexio.db")


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///", "sqlite:///:memory:"])
def test_a_store_in_memory_is_refused(url: str) -> None:
    """Nobody else would see it."""
    with pytest.raises(InvalidValue, match="a store in memory cannot be shared"):
        connect(url)


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://nexio:hunter2@127.0.0.1:1/nexio",
        "postgresql:///nexio?host=127.0.0.1&port=1&user=nexio&password=hunter2",
        "postgresql://nexio:hunter2@127.0.0.1:1/nexio?sslpassword=hunter2",
        "postgresql://nexio:hunter2@127.0.0.1:99999/nexio",
        "postgresql://nexio:hunter2@127.0.0.1:1/nexio?colour=red",
    ],
)
def test_a_password_is_in_no_error(tmp_path: Path, url: str) -> None:
    """Not in its text or advice, and not in the errors behind it."""
    configuration = replace(configuration_of(tmp_path), database_url=url)
    create_key_file(configuration.key_file)
    with pytest.raises(StoreUnreachable, match="the store cannot be used") as caught:
        Store.open(configuration)
    assert "127.0.0.1" in caught.value.advice
    shown = "".join(traceback.format_exception(caught.value))
    assert "hunter2" not in shown + caught.value.advice + repr(configuration)


def test_a_password_is_in_no_repr() -> None:
    """An engine shows up in tracebacks and debuggers."""
    assert "hunter2" not in repr(connect("postgresql://nexio:hunter2@db/nexio"))


def test_a_value_is_in_no_error(store: Store, location: Location) -> None:
    """SQLAlchemy would show what it was about to write."""
    visit = register(store, location, pin="9801234567")
    with pytest.raises(StoreUnreachable) as caught, store.write() as work:
        work.session.execute(
            text("UPDATE visit SET colour = :value WHERE id = :id"),
            {"value": visit.pin, "id": visit.id},
        )
    assert visit.pin not in "".join(traceback.format_exception(caught.value))


def test_a_fault_of_ours_is_not_dressed_up(store: Store, location: Location) -> None:
    """Only a lost race is a refusal; any other broken constraint is a bug, and is seen as one."""
    with pytest.raises(Refused, match="somebody else"), store.write() as work:
        work.session.add(twin_of(work.session.get_one(LocationRow, location.id)))
    with pytest.raises(ZeroDivisionError), explain_errors(store.engine):
        _ = 1 // 0


def twin_of(row: LocationRow) -> LocationRow:
    """Another location of the same name."""
    columns = {column.key for column in LocationRow.__table__.c} - {"id"}
    return LocationRow(**{name: getattr(row, name) for name in columns})


def test_the_key_must_be_the_stores_own(configuration: Configuration, tmp_path: Path) -> None:
    """A missing one and a wrong one are told apart."""
    elsewhere = replace(configuration, key_file=tmp_path / "other" / "key")
    with pytest.raises(KeyUnusable, match="there is no key file"):
        Store.open(elsewhere)
    create_key_file(elsewhere.key_file)
    with pytest.raises(KeyUnusable, match="does not hold the key of this store"):
        Store.open(elsewhere)


@pytest.mark.parametrize(
    ("folder_mode", "mode"), [(0o700, 0o600), (0o755, 0o600), (0o770, 0o660), (0o2775, 0o660)]
)
def test_a_new_store_is_closed_to_others(tmp_path: Path, folder_mode: int, mode: int) -> None:
    """A folder that a group may write to is shared on purpose: so is the store in it."""
    folder = tmp_path / "shared"
    folder.mkdir()
    folder.chmod(folder_mode)
    path = folder / "nexio.db"
    # What the process masks out stays out: under 0002 a group may write.
    before = os.umask(0o002)
    create_sqlite_file(f"sqlite:///{path}")
    os.umask(before)
    assert path.stat().st_mode & 0o777 == mode


def test_a_new_folder_is_closed_to_others(tmp_path: Path) -> None:
    """And a store that is there is left as it is."""
    path = tmp_path / "new" / "nexio.db"
    create_sqlite_file(f"sqlite:///{path}")
    assert path.parent.stat().st_mode & 0o777 == 0o700
    path.write_text("there already")
    create_sqlite_file(f"sqlite:///{path}")
    assert path.read_text() == "there already"


def test_a_store_that_cannot_be_made(tmp_path: Path) -> None:
    """The error says where and what to do."""
    (tmp_path / "file").touch()
    with pytest.raises(StoreUnreachable, match="cannot be made: ") as caught:
        create_sqlite_file(f"sqlite:///{tmp_path}/file/nexio.db")
    assert "NEXIO_HOME" in caught.value.advice
