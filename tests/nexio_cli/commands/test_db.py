"""``nexio db``: versions and damage."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from nexio.store.schema import HEAD
from nexio.store.tables import Row
from tests.support.cli.running import Nexio
from tests.support.clocks import noon_zone
from tests.support.postgresql import PostgreSQL
from tests.support.stores import configuration_of, engine_of

NEWER = "9999"


@pytest.fixture(params=["sqlite", "postgresql"])
def own(
    request: pytest.FixtureRequest,
    sqlite_file: None,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Iterator[Nexio]:
    """A store whose tables a test may damage: the tests on PostgreSQL share theirs otherwise."""
    configuration = configuration_of(tmp_path / "nexio")
    if request.param == "sqlite":
        yield made(Nexio(configuration, monkeypatch, capsys))
        return
    server: PostgreSQL = request.getfixturevalue("postgresql")
    url = server.create_database("store_to_damage")
    monkeypatch.setenv("NEXIO_DATABASE_URL", url)
    yield made(Nexio(replace(configuration, database_url=url), monkeypatch, capsys))
    server.drop_database("store_to_damage")


def made(nexio: Nexio) -> Nexio:
    """With Harbour House and its two visitors and NAS in its store."""
    nexio.done("init", "--location", "Harbour House", "--timezone", noon_zone())
    return filled(nexio)


def filled(nexio: Nexio) -> Nexio:
    """With two visitors and a NAS."""
    for number in (1, 2):
        nexio.register_ago(timedelta(0), email=f"zoe{number}@example.com")
    nexio.done("nas", "add", "lobby", "192.0.2.10")
    return nexio


@pytest.fixture
def house(desk: Nexio) -> Nexio:
    """Harbour House with two visitors and a NAS."""
    return filled(desk)


def set_version(nexio: Nexio, version: str) -> None:
    """Let the store say that another version of the software made it."""
    nexio.sql("UPDATE alembic_version SET version_num = :version", version=version)


def test_the_version(nexio: Nexio) -> None:
    """The store's, and the one that is needed."""
    assert nexio.done("db", "current", "--json").json == {"version": HEAD, "needed": HEAD}
    assert nexio.done("db", "current").out == f"The store has version {HEAD}; {HEAD} is needed.\n"


def test_upgrade_what_is_up_to_date(nexio: Nexio) -> None:
    """Nothing happens, and it says so."""
    rows = nexio.rows()
    assert nexio.done("db", "upgrade").out == f"The store has version {HEAD} already.\n"
    assert nexio.rows() == rows


def test_a_store_without_tables(own: Nexio) -> None:
    """Nothing is there to bring up or to back up: refused with what to do."""
    with engine_of(own.configuration.database_url) as engine, engine.begin() as connection:
        for table in [*reversed(Row.metadata.sorted_tables), "alembic_version"]:
            connection.execute(text(f"DROP TABLE {table}"))
    assert "nexio init" in own("visitor", "list").refused(5)
    assert own.done("db", "current", "--json").json == {"version": None, "needed": HEAD}
    for words in ("db upgrade", "db upgrade --no-backup", "db backup nowhere.db"):
        assert "nexio init" in own(*words.split()).refused(5)
    own.done("init", "--location", "Harbour House")
    assert own.done("visitor", "list", "--json").json == []


def test_an_older_store(nexio: Nexio) -> None:
    """Exit 5 for every command, with the backup and the command that brings it up."""
    set_version(nexio, "0000")
    for words in ("visitor list", "token on", "db check", "log"):
        said = nexio(*words.split()).refused(5)
        assert "backup" in said
        assert "nexio db upgrade" in said
    assert nexio.done("db", "current", "--json").json == {"version": "0000", "needed": HEAD}


def test_a_newer_store(nexio: Nexio) -> None:
    """Exit 5, and nothing of it is touched: this software does not know it."""
    set_version(nexio, NEWER)
    for words in ("visitor list", "token on", "db check", "db upgrade", "init"):
        assert "newer" in nexio(*words.split()).refused(5)
    assert nexio.done("db", "current", "--json").json["version"] == NEWER


def test_a_sound_store(house: Nexio) -> None:
    """Exit 0, an empty array, and one word on stderr."""
    ran = house.done("db", "check", "--json")
    assert (ran.json, ran.err) == ([], "The store is sound.\n")


DAMAGE = [
    ("UPDATE visit SET pin_sealed = nas.secret_sealed FROM nas WHERE visit.id = 2", "row 2"),
    ("UPDATE nas SET secret_sealed = signing_key_sealed FROM store_revision", "nas.secret"),
    ("CREATE TABLE intruder (id INTEGER)", "intruder"),
    ("DROP INDEX ix_visit_closes_at", "ix_visit_closes_at"),
]


def test_damage(own: Nexio) -> None:
    """Exit 4, and each damaged thing has a line; for a script an array of the same lines."""
    for number, (statement, named) in enumerate(DAMAGE, 1):
        own.sql(statement)
        ran = own("db", "check")
        assert (ran.exit_code, ran.err) == (4, "")
        lines = ran.out.splitlines()
        assert len(lines) == number
        assert any(named in line for line in lines)
    assert own("db", "check", "--json").json == lines


def test_a_damaged_signing_key(house: Nexio) -> None:
    """The one value of the store itself."""
    house.sql("UPDATE store_revision SET signing_key_sealed = nas.secret_sealed FROM nas")
    assert "signing_key" in house("db", "check").out


def test_much_damage_is_counted(house: Nexio) -> None:
    """Twenty lines, then how many more there are."""
    for number in range(20):
        house.register_ago(timedelta(0), email=f"ada{number}@example.com")
    house.sql("UPDATE visit SET pin_sealed = signing_key_sealed FROM store_revision")
    lines = house("db", "check").out.splitlines()
    assert len(lines) == 21
    assert lines[-1] == "and 2 more of visit.pin"


def test_a_damaged_pin_stops_no_other_visit_s_commands(house: Nexio) -> None:
    """Without its PIN the visit is shown all the same, with one line on stderr, and can go."""
    house.sql(
        "UPDATE visit SET pin_sealed = signing_key_sealed FROM store_revision WHERE visit.id = 2"
    )
    for words in ("visitor show 2", "visitor list", "visitor delete 2 --yes"):
        ran = house.done(*words.split())
        assert ran.err.splitlines()[0].startswith("Warning: visit 2 shows no PIN: a value of"), ran
        assert ran.err.count("visit 2 shows no PIN") == 1
        assert "zoe2@example.com" in ran.out or "Cancelled" in ran.out or words != "visitor list"
    assert house.done("visitor", "show", "1").err == ""
