"""Backups of a store, and back again, on the same engine and from one to the other."""

from __future__ import annotations

import sqlite3
import stat
import subprocess
import threading
from contextlib import closing
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select

from nexio.errors import KeyUnusable, NexioError, NotFound, Refused, SchemaMismatch, Unreachable
from nexio.keys.key_file import load_keys
from nexio.network.following import Horizon
from nexio.network.nas import NewNas, add_nas, get_nas
from nexio.network.news import read_all, read_news
from nexio.operations.backups import back_up, restore
from nexio.operations.checking import find_damage
from nexio.operations.rotation import rotate_key
from nexio.store.creation import create_store
from nexio.store.engine import Store
from nexio.store.tables import AuditRow, VisitRow
from tests.support.cli.programs import program
from tests.support.clocks import Clock
from tests.support.contents import contents
from tests.support.people import add_location, delete, look_up, register, revoke
from tests.support.stores import configuration_of, run_sql

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from nexio.configuration import Configuration
    from nexio.locations.locations import Location
    from nexio.network.following import Position
    from nexio.reception.visits import Visit
    from tests.support.stores import Filling, Template

SECRET = "a long enough secret"
OF_ITS_OWN = {"store_revision", "audit"}
"""What is not the same after a restore: a new epoch, and the restore in the audit."""


@dataclass(frozen=True, kw_only=True)
class House:
    """Harbour House with some of everything in its store."""

    store: Store
    location: Location
    visit: Visit
    deleted: Visit


def fill(store: Store) -> tuple[Location, Visit, Visit]:
    """Two visits, one of them deleted, and a NAS."""
    location = add_location(store, "Harbour House", "Europe/London", "visitor-tokens=on")
    visit = register(store, location, host="Bo Peep")
    deleted = delete(store, register(store, location, email="ada@example.com"))
    with store.write() as work:
        add_nas(work, location, NewNas(name="lobby", address="192.0.2.1", secret=SECRET))
    return location, visit, deleted


def furnish(configuration: Configuration) -> tuple[Location, Visit, Visit]:
    """What the template of a store is filled with."""
    with closing(Store.open(configuration, Clock())) as store:
        return fill(store)


@pytest.fixture
def _filling(request: pytest.FixtureRequest) -> Filling | None:
    return None if "both" in request.fixturenames else furnish


@pytest.fixture
def house(request: pytest.FixtureRequest, store: Store) -> House:
    """Harbour House."""
    return house_in(store, request.getfixturevalue(f"_{store.engine.dialect.name}_template"))


@pytest.fixture
def sqlite_house(_sqlite_template: Template, sqlite_store: Store) -> House:
    """The same on SQLite: for what is said of a file before the store is looked at."""
    return house_in(sqlite_store, _sqlite_template)


def house_in(store: Store, template: Template) -> House:
    """The house that the template of a store was filled with."""
    location, visit, deleted = template.results[furnish]
    return House(store=store, location=location, visit=visit, deleted=deleted)


@pytest.fixture
def backup(tmp_path: Path) -> Path:
    """Where the backup goes."""
    return tmp_path / "backup.db"


def restored_from(house: House) -> dict[str, object]:
    """What a restored store has in common with the one that was backed up."""
    return {name: rows for name, rows in contents(house.store).items() if name not in OF_ITS_OWN}


def position(store: Store) -> Position:
    """Epoch and number of the store."""
    with store.read() as work:
        return read_all(work, Horizon()).position


# Making one


def test_a_backup_holds_every_row(house: House, backup: Path) -> None:
    """In the tables of a store on SQLite, which opens with the key of the store."""
    before = contents(house.store)
    assert back_up(house.store.engine, backup) == sum(map(len, before.values()))
    with closing(opened(house, backup)) as copy:
        assert contents(copy) == before
        assert look_up(copy, house.visit).pin == house.visit.pin
        with copy.read() as work:
            assert find_damage(work) == []
    assert contents(house.store) == before


def opened(house: House, backup: Path) -> Store:
    """The backup as a store of its own."""
    configuration = configuration_of(backup.parent / "nexio")
    url = f"sqlite:///{backup}"
    return Store.open(replace(configuration, database_url=url), house.store.clock)


def test_a_backup_is_private(house: House, backup: Path) -> None:
    """Mode 0600, no PIN and no secret in clear, nothing beside it."""
    back_up(house.store.engine, backup)
    assert stat.S_IMODE(backup.stat().st_mode) == 0o600
    octets = backup.read_bytes()
    assert house.visit.email.encode() in octets
    for secret in (house.visit.pin, house.deleted.pin, SECRET):
        assert secret.encode() not in octets
    assert sorted(path.name for path in backup.parent.iterdir()) == ["backup.db", "nexio"]


def test_no_file_is_overwritten(sqlite_house: House, backup: Path) -> None:
    """Whatever it is: the older backup may be the one that is needed."""
    backup.write_bytes(b"of yesterday")
    with pytest.raises(Refused, match="is there already") as caught:
        back_up(sqlite_house.store.engine, backup)
    assert caught.value.advice
    assert backup.read_bytes() == b"of yesterday"


@pytest.mark.parametrize("place", ["nowhere/backup.db", "file/backup.db", "b" * 256])
def test_a_place_that_cannot_be_written(place: str, sqlite_house: House, tmp_path: Path) -> None:
    """Exit code 5, and no part of a file is left."""
    (tmp_path / "file").write_text("in the way")
    before = contents(sqlite_house.store)
    with pytest.raises(Unreachable, match="cannot be read or written") as caught:
        back_up(sqlite_house.store.engine, tmp_path / place)
    assert (caught.value.exit_code, bool(caught.value.advice)) == (5, True)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "nexio"]
    assert contents(sqlite_house.store) == before


def test_a_full_disk(house: House, environment: dict[str, str], backup: Path) -> None:
    """Exit code 5, no part of a file is left, and the store goes on."""
    before = contents(house.store)
    # No file of this process may grow beyond 64 KiB; that of a backup would be larger.
    limited = ["bash", "-c", 'ulimit -f 64; exec "$@"', "-", program("nexio")]
    ran = subprocess.run(
        [*limited, "db", "backup", str(backup)], capture_output=True, text=True, check=False
    )
    assert (ran.returncode, ran.stdout) == (5, ""), ran
    assert [line.partition(":")[0] for line in ran.stderr.splitlines()] == ["Error", "Hint"]
    assert sorted(path.name for path in backup.parent.iterdir()) == ["nexio"]
    assert contents(house.store) == before


def test_a_backup_is_of_one_moment(
    configuration: Configuration, house: House, tmp_path: Path
) -> None:
    """Each registration is in it with PIN, token and audit, or not at all; nobody waits."""
    done = threading.Event()
    faults: list[BaseException] = []

    def desk() -> None:
        try:
            with closing(Store.open(configuration, house.store.clock)) as own:
                for number in range(40):
                    register(own, house.location, email=f"guest{number}@example.com")
        except BaseException as fault:  # noqa: BLE001 (the test raises it)
            faults.append(fault)
        finally:
            done.set()

    writer = threading.Thread(target=desk)
    writer.start()
    made: list[Path] = []
    while not done.is_set() or not made:
        made.append(tmp_path / f"backup{len(made)}.db")
        back_up(house.store.engine, made[-1])
    writer.join(120)

    assert faults == []
    for path in made:
        with closing(sqlite3.connect(path)) as connection:
            counts = [connection.execute(query).fetchone()[0] for query in COUNTS]
        assert len(set(counts)) == 1, f"{path}: {counts}"


COUNTS = (
    "SELECT count(*) FROM visit",
    "SELECT count(*) FROM access_token",
    "SELECT count(*) + 1 FROM pin",  # one visit is deleted, and its PIN free
    "SELECT count(*) FROM audit WHERE action = 'register'",
    # The location, its settings, a deletion and a NAS are batches, too.
    "SELECT number - 4 FROM store_revision",
    "SELECT count(*) - 4 FROM change",
)


# And back


def test_there_and_back(house: House, backup: Path) -> None:
    """What came later is gone, what was removed is back; the audit says who restored it."""
    before = restored_from(house)
    rows = back_up(house.store.engine, backup)
    register(house.store, house.location, email="bo@example.com")
    delete(house.store, house.visit)

    assert restore(house.store, backup) == rows

    assert restored_from(house) == before
    assert look_up(house.store, house.visit) == house.visit
    with house.store.read() as work:
        assert get_nas(work, "lobby").secret == SECRET.encode()
        assert find_damage(work) == []
        last = work.session.scalars(select(AuditRow).order_by(AuditRow.id)).all()[-1]
        assert (last.action, last.details) == ("restore", {"backup": "backup.db"})
        assert last.operator == house.store.operator


def test_the_backup_is_as_it_was(house: House, backup: Path) -> None:
    """Restoring reads it only: it can be used again."""
    back_up(house.store.engine, backup)
    octets = backup.read_bytes()
    restore(house.store, backup)
    restore(house.store, backup)
    assert backup.read_bytes() == octets
    assert sorted(path.name for path in backup.parent.iterdir()) == ["backup.db", "nexio"]


def test_readers_load_everything_anew(house: House, backup: Path) -> None:
    """Another epoch, and a number that never goes back."""
    back_up(house.store.engine, backup)
    for number in range(5):
        register(house.store, house.location, email=f"guest{number}@example.com")
    seen = [position(house.store)]
    for _ in range(2):
        restore(house.store, backup)
        with house.store.read() as work:
            assert read_news(work, seen[-1]) is None
        seen.append(position(house.store))
        assert seen[-1].number > seen[-2].number
    assert len({each.epoch for each in seen}) == 3
    register(house.store, house.location, email="bo@example.com")
    with house.store.read() as work:
        news = read_news(work, seen[-1])
    assert news is not None
    assert [visit.email_key for visit in news.visits] == ["bo@example.com"]


def test_numbers_are_never_used_twice(house: House, backup: Path) -> None:
    """A QR code or a Class attribute of a visit that the restore took away leads to nobody."""
    back_up(house.store.engine, backup)
    lost = [register(house.store, house.location, email=f"{n}@example.com") for n in range(3)]
    restore(house.store, backup)
    later = register(house.store, house.location, email="bo@example.com")
    assert later.id > max(visit.id for visit in lost)
    assert later.token is not None
    assert later.token.id > max(visit.token.id for visit in lost if visit.token is not None)


@pytest.fixture
def both(
    postgresql_configuration: Configuration, tmp_path: Path, clock: Clock
) -> Iterator[dict[str, Store]]:
    """A store on each engine, with one key file."""
    key_file = postgresql_configuration.key_file
    sqlite = replace(configuration_of(tmp_path / "other"), key_file=key_file)
    create_store(sqlite)
    found = {"sqlite": sqlite, "postgresql": postgresql_configuration}
    stores = {engine: Store.open(each, clock) for engine, each in found.items()}
    yield stores
    for store in stores.values():
        store.close()


@pytest.mark.parametrize("engines", [("sqlite", "postgresql"), ("postgresql", "sqlite")])
def test_from_one_engine_to_the_other(
    engines: tuple[str, str], both: dict[str, Store], backup: Path
) -> None:
    """The same rows, readable with the key; registering goes on behind the highest number."""
    source, target = (both[engine] for engine in engines)
    house = furnished(source)
    before = restored_from(house)
    back_up(source.engine, backup)
    register(target, add_location(target, "Annex"), email="bo@example.com")

    restore(target, backup)

    assert restored_from(replace(house, store=target)) == before
    assert look_up(target, house.visit) == house.visit
    with target.read() as work:
        assert find_damage(work) == []
    with pytest.raises(Refused, match="belongs to somebody else"):
        register(target, house.location, pin=house.visit.pin)
    assert register(target, house.location, email="bo@example.com").id > 3
    assert restored_from(house) == before


def furnished(store: Store) -> House:
    """Harbour House, and a revoked visit."""
    location, visit, deleted = fill(store)
    revoke(store, register(store, location, email="cy@example.com"))
    return House(store=store, location=location, visit=visit, deleted=deleted)


# What cannot be restored


def refusal(house: House, backup: Path) -> NexioError:
    """Why a backup is not restored; the store is as it was, and nothing lies about.

    What is said names the file as the operator did.
    """
    before, files = contents(house.store), sorted(backup.parent.iterdir())
    with pytest.raises(NexioError) as caught:
        restore(house.store, backup)
    assert contents(house.store) == before
    assert sorted(backup.parent.iterdir()) == files
    assert caught.value.advice
    assert "nexio-restore" not in f"{caught.value} {caught.value.advice}"
    return caught.value


def altered(backup: Path, *statements: str) -> None:
    """Change a backup behind the software's back."""
    with closing(sqlite3.connect(backup)) as connection:
        for statement in statements:
            connection.execute(statement)
        connection.commit()


def test_no_such_file(sqlite_house: House, backup: Path) -> None:
    """Exit code 3."""
    assert isinstance(refusal(sqlite_house, backup), NotFound)
    backup.mkdir()
    assert isinstance(refusal(sqlite_house, backup), NotFound)


@pytest.mark.parametrize("content", [b"", b"Dear reception,\n" * 1000, b"SQLite format 3\0" * 300])
def test_what_is_no_backup(content: bytes, sqlite_house: House, backup: Path) -> None:
    """Exit code 5; not that the store is empty, nor how to make one."""
    backup.write_bytes(content)
    error = refusal(sqlite_house, backup)
    assert error.exit_code == 5
    assert str(error) == f"{backup} is not a backup of nexio"
    assert "nexio db backup" in error.advice


def test_a_database_of_somebody_else(sqlite_house: House, backup: Path) -> None:
    """It opens, and has other tables."""
    altered(backup, "CREATE TABLE letters (id INTEGER)", "INSERT INTO letters VALUES (1)")
    assert str(refusal(sqlite_house, backup)) == f"{backup} is not a backup of nexio"


def test_a_backup_without_its_last_half(sqlite_house: House, backup: Path) -> None:
    """A copy that was cut off: said before anything is replaced."""
    back_up(sqlite_house.store.engine, backup)
    octets = backup.read_bytes()
    backup.write_bytes(octets[: len(octets) // 2])
    error = refusal(sqlite_house, backup)
    assert error.exit_code == 5
    assert str(backup) in str(error)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE access_token SET visit_id = 999 WHERE id = 1",  # of a visit that is not there
        "UPDATE pin SET location_id = 999",
        "DELETE FROM store_revision",
        "UPDATE alembic_version SET version_num = ''",
    ],
)
def test_a_damaged_backup(statement: str, sqlite_house: House, backup: Path) -> None:
    """All or nothing: exit code 5, whichever table the damage is in."""
    back_up(sqlite_house.store.engine, backup)
    altered(backup, statement)
    error = refusal(sqlite_house, backup)
    assert error.exit_code == 5
    assert str(backup) in str(error)


def test_a_backup_of_a_newer_version(sqlite_house: House, backup: Path) -> None:
    """The software that wrote it knows more than this one."""
    back_up(sqlite_house.store.engine, backup)
    altered(backup, "UPDATE alembic_version SET version_num = '9999'")
    error = refusal(sqlite_house, backup)
    assert isinstance(error, SchemaMismatch)
    assert "newer" in str(error)
    assert "9999" in str(error)
    assert "the backup" in str(error)


def test_a_backup_of_a_version_that_nobody_knows(sqlite_house: House, backup: Path) -> None:
    """Older than the first: exit code 5 and the version, not a fault of ours."""
    back_up(sqlite_house.store.engine, backup)
    altered(backup, "UPDATE alembic_version SET version_num = '0000'")
    error = refusal(sqlite_house, backup)
    assert isinstance(error, SchemaMismatch)
    assert "0000" in str(error)


def test_a_backup_of_another_key(house: House, backup: Path, tmp_path: Path) -> None:
    """It could not be read any more afterwards: exit code 5, and how to get at the key."""
    stranger = configuration_of(tmp_path / "stranger")
    create_store(stranger)
    with closing(Store.open(stranger)) as store:
        back_up(store.engine, backup)
    error = refusal(house, backup)
    assert isinstance(error, KeyUnusable)
    assert "does not hold the key of this backup" in str(error)
    assert "copy of the key file" in error.advice


def test_a_backup_of_before_a_rotation(
    house: House, backup: Path, configuration: Configuration
) -> None:
    """With the old key in the file again it is restored; the next rotation puts all in order."""
    back_up(house.store.engine, backup)
    path = configuration.key_file
    old = path.read_text()
    rotate_key(house.store, path)
    assert isinstance(refusal(house, backup), KeyUnusable)
    path.write_text(old + path.read_text())
    with closing(Store.open(configuration, house.store.clock)) as store:
        restore(store, backup)
        assert look_up(store, house.visit).pin == house.visit.pin
        later = register(store, house.location, email="bo@example.com")
        new = rotate_key(store, path)
        assert list(load_keys(path).keys) == [new]
        assert look_up(store, later).pin == later.pin


def test_a_restore_that_is_stopped_changes_nothing(house: House, backup: Path) -> None:
    """All or nothing: whatever goes wrong in the last table undoes the first."""
    back_up(house.store.engine, backup)
    # A table of somebody else that clings to a visit: not all rows can be deleted.
    run_sql(house.store, "CREATE TABLE stop (visit_id INTEGER REFERENCES visit (id))")
    run_sql(house.store, "INSERT INTO stop SELECT max(id) FROM visit")
    before = contents(house.store)
    try:
        assert "do not fit into the store" in str(refusal(house, backup))
        assert contents(house.store) == before
    finally:
        run_sql(house.store, "DROP TABLE stop")


def test_who_writes_meanwhile_waits(
    configuration: Configuration, house: House, backup: Path
) -> None:
    """What is registered before is replaced, what comes after stays; nothing fails."""
    back_up(house.store.engine, backup)
    faults: list[BaseException] = []
    started = threading.Event()

    def desk() -> None:
        try:
            with closing(Store.open(configuration, house.store.clock)) as own:
                for number in range(20):
                    register(own, house.location, email=f"guest{number}@example.com")
                    started.set()
        except BaseException as fault:  # noqa: BLE001 (the test raises it)
            faults.append(fault)
            started.set()

    writer = threading.Thread(target=desk)
    writer.start()
    started.wait(60)
    restore(house.store, backup)
    writer.join(120)

    assert faults == []
    with house.store.read() as work:
        assert find_damage(work) == []
        numbers = list(work.session.scalars(select(VisitRow.id).order_by(VisitRow.id)))
    assert numbers[:2] == [house.visit.id, house.deleted.id]
    assert len(numbers) < 22
