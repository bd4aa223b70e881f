"""Upgrading a store: a backup first, and every way back."""

from __future__ import annotations

import shutil
import stat
from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text

from nexio.operations.backups import back_up, restore
from nexio.operations.checking import find_damage
from nexio.store import schema
from nexio.store.creation import create_store
from nexio.store.engine import Store
from tests.support.cli.running import Nexio
from tests.support.old_rows import rows_of_0001, rows_of_0002
from tests.support.old_stores import contents, store_of, upgrade
from tests.support.stores import configuration_of, engine_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import Any

    from nexio.configuration import Configuration
    from tests.support.clocks import Clock

ROWS = {"0001": rows_of_0001, "0002": rows_of_0002}
"""Earlier versions, and what fills them."""


@pytest.fixture(params=[("0001", "sqlite"), ("0002", "postgresql")], ids="-".join)
def old(
    request: pytest.FixtureRequest, tmp_path: Path, sqlite_file: None
) -> Iterator[tuple[str, Configuration]]:
    """A store of an earlier version with something in it, and the version."""
    version, engine = request.param
    database = request.getfixturevalue("postgresql") if engine == "postgresql" else None
    with store_of(version, tmp_path / "old", database, ROWS[version]) as configuration:
        yield version, configuration


@pytest.fixture
def nexio(
    old: tuple[str, Configuration],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Nexio:
    """The command, at that store."""
    configuration = old[1]
    for name, value in (
        ("NEXIO_HOME", configuration.home),
        ("NEXIO_KEY_FILE", configuration.key_file),
        ("NEXIO_DATABASE_URL", configuration.database_url),
    ):
        monkeypatch.setenv(name, str(value))
    return Nexio(configuration, monkeypatch, capsys)


def rows_of(url: str) -> dict[str, list[dict[str, Any]]]:
    """What a store holds, its times without a zone, as SQLite keeps them."""
    with engine_of(url) as engine:
        found = contents(engine)
    return {
        name: [{key: _bare(value) for key, value in row.items()} for row in rows]
        for name, rows in found.items()
    }


def _bare(value: Any) -> Any:
    return value.replace(tzinfo=None) if hasattr(value, "tzinfo") else value


def version_of(url: str) -> str | None:
    """The version of a store."""
    with engine_of(url) as engine, engine.connect() as connection:
        return schema.current_version(connection)


def test_a_backup_of_an_older_store_is_a_store_of_that_version(
    old: tuple[str, Configuration], nexio: Nexio, tmp_path: Path
) -> None:
    """Every row as it is; SQLite's own check finds nothing; the store is as it was."""
    version, configuration = old
    before = rows_of(configuration.database_url)
    nexio.done("db", "backup", str(tmp_path / "backup.db"))
    backup = f"sqlite:///{tmp_path}/backup.db"
    assert version_of(backup) == version_of(configuration.database_url) == version
    assert rows_of(backup) == before == rows_of(configuration.database_url)


def test_a_backup_of_an_older_store_is_restored(
    old: tuple[str, Configuration], tmp_path: Path, clock: Clock
) -> None:
    """Into a store of today, on SQLite: the same as if it had been upgraded in its place."""
    _, configuration = old
    with engine_of(configuration.database_url) as engine:
        back_up(engine, tmp_path / "backup.db")
    new = replace(configuration_of(tmp_path / "new"), key_file=configuration.key_file)
    create_store(new)
    with closing(Store.open(new, clock)) as store:
        restore(store, tmp_path / "backup.db")
        with store.read() as work:
            assert find_damage(work) == []
    upgrade(configuration)
    ours, upgraded = rows_of(new.database_url), rows_of(configuration.database_url)
    for name in upgraded.keys() - {"store_revision", "audit"}:
        assert ours[name] == upgraded[name], name


def test_an_upgrade_makes_a_backup_first(old: tuple[str, Configuration], nexio: Nexio) -> None:
    """It says where; it holds what the store held before, and opens with the key of the store."""
    version, configuration = old
    before = rows_of(configuration.database_url)
    ran = nexio.done("db", "upgrade")
    (backup,) = (configuration.home / "backups").iterdir()
    assert f"Backup written to {backup} (" in ran.err
    headline, *steps = ran.out.splitlines()
    assert f"version {schema.HEAD} now (it had {version})" in headline
    assert steps[-1].split()[0] == schema.HEAD
    assert all(line.split()[2] == "s" for line in steps)
    assert stat.S_IMODE(backup.stat().st_mode) == 0o600
    assert stat.S_IMODE(backup.parent.stat().st_mode) == 0o700
    assert version_of(f"sqlite:///{backup}") == version
    assert rows_of(f"sqlite:///{backup}") == before
    nexio.done("visitor", "list", "--all")
    nexio.done("db", "upgrade")  # nothing to do, so no backup either
    assert list(backup.parent.iterdir()) == [backup]
    nexio.done("db", "restore", str(backup), "--yes")
    assert nexio.done("db", "check").out == ""


def test_an_upgrade_without_a_backup(old: tuple[str, Configuration], nexio: Nexio) -> None:
    """Where somebody has one."""
    ran = nexio.done("db", "upgrade", "--no-backup", "--json")
    assert "Backup" not in ran.out + ran.err
    steps = ran.json["steps"]
    assert (ran.json["before"], ran.json["version"]) == (old[0], schema.HEAD)
    assert (steps[-1]["version"], steps[-1]["seconds"] > 0) == (schema.HEAD, True)
    assert not (old[1].home / "backups").exists()
    assert version_of(old[1].database_url) == schema.HEAD


def test_no_backup_no_upgrade(old: tuple[str, Configuration], nexio: Nexio) -> None:
    """A folder that cannot be made: nothing is changed, and the message leads on."""
    version, configuration = old
    before = rows_of(configuration.database_url)
    (configuration.home / "backups").write_text("in the way")
    said = nexio("db", "upgrade").refused(5)
    assert "--no-backup" in said
    assert (version_of(configuration.database_url), rows_of(configuration.database_url)) == (
        version,
        before,
    )


def test_the_older_commands_lead_there(old: tuple[str, Configuration], nexio: Nexio) -> None:
    """Whatever is typed at a store of an older version says what to type."""
    for words in ("visitor list", "db check", "key rotate --yes", "db restore x.db --yes"):
        assert "nexio db upgrade" in nexio(*words.split()).refused(5)


def test_the_way_back(old: tuple[str, Configuration], nexio: Nexio, tmp_path: Path) -> None:
    """The backup is a store of the old version: SQLite takes it as it is."""
    version, configuration = old
    before = rows_of(configuration.database_url)
    nexio.done("db", "upgrade")
    (backup,) = (configuration.home / "backups").iterdir()
    shutil.copy2(backup, tmp_path / "nexio.db")
    again = f"sqlite:///{tmp_path}/nexio.db"
    assert (version_of(again), rows_of(again)) == (version, before)
    assert upgrade(replace(configuration, database_url=again)).version == version


def test_a_failed_upgrade_changes_nothing(old: tuple[str, Configuration], nexio: Nexio) -> None:
    """It is one transaction; the backup stays, and the next try goes through."""
    version, configuration = old
    before = rows_of(configuration.database_url)
    run_on(configuration, "CREATE TABLE wifi_session (in_the_way TEXT)")
    ran = nexio("db", "upgrade")
    assert (ran.exit_code, ran.out) == (5, "")
    assert "Error: The store cannot be used" in ran.err
    run_on(configuration, "DROP TABLE wifi_session")
    assert version_of(configuration.database_url) == version
    assert rows_of(configuration.database_url) == before
    nexio.done("db", "upgrade", "--no-backup")
    assert nexio.done("db", "check").out == ""


def run_on(configuration: Configuration, statement: str) -> None:
    """Do something to a store of whatever version."""
    with engine_of(configuration.database_url) as engine, engine.begin() as connection:
        connection.execute(text(statement))
