"""``nexio init``: the key, the store and the first location."""

from __future__ import annotations

import stat
from dataclasses import dataclass
from pathlib import Path

import pytest

from nexio.configuration import Configuration
from tests.support.cli.running import Nexio
from tests.support.postgresql import PostgreSQL
from tests.support.stores import configuration_of


@dataclass(frozen=True)
class Place:
    """Where nothing is yet, and the command ``nexio`` for it."""

    home: Path
    nexio: Nexio


@pytest.fixture
def empty(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    sqlite_file: None,
) -> Place:
    """A home that does not exist, with a store on SQLite in it to be."""
    home = tmp_path / "new" / "nexio"
    monkeypatch.setenv("NEXIO_HOME", str(home))
    return Place(home, Nexio(configuration_of(home), monkeypatch, capsys))


def mode(path: Path) -> int:
    """Who may do what with a file."""
    return stat.S_IMODE(path.stat().st_mode)


def test_a_new_store(empty: Place) -> None:
    """Key, store and location in one step; where they are stands on stdout."""
    ran = empty.nexio.done("init", "--location", "Harbour House", "--timezone", "europe/london")
    assert ran.err == "Store made.\nLocation added: Harbour House (Europe/London).\n"
    assert str(empty.home) in ran.out
    assert str(empty.home / "key") in ran.out
    assert empty.nexio.done("location", "list", "--json").json == [
        {"id": 1, "name": "Harbour House", "time_zone": "Europe/London", "reply": []}
    ]


def test_only_its_owner_may_read_it(empty: Place) -> None:
    """Folder 0700, key and store 0600."""
    empty.nexio.done("init")
    assert mode(empty.home) == 0o700
    assert mode(empty.home / "key") == 0o600
    assert mode(empty.home / "nexio.db") == 0o600


def test_a_folder_that_a_group_shares(empty: Place) -> None:
    """Where the group may write to the folder, it may write to the store too; the key stays."""
    empty.home.mkdir(parents=True)
    empty.home.chmod(0o770)
    empty.nexio.done("init")
    assert mode(empty.home / "nexio.db") | 0o022 == 0o660 | 0o022  # as far as the umask lets it
    assert mode(empty.home / "key") == 0o600


def test_again_and_nothing_changes(empty: Place) -> None:
    """The second time leaves the key, the rows and the location as they are."""
    empty.nexio.done("init", "--location", "Harbour House")
    key, rows = (empty.home / "key").read_bytes(), empty.nexio.rows()
    for words in ([], ["--location", "HARBOUR house"], ["--timezone", "Asia/Tokyo"]):
        assert "there already" in empty.nexio.done("init", *words).err
    assert ((empty.home / "key").read_bytes(), empty.nexio.rows()) == (key, rows)


def test_another_first_location(empty: Place) -> None:
    """A store has one first location: the advice names the command for a second one."""
    empty.nexio.done("init", "--location", "Harbour House")
    rows = empty.nexio.rows()
    ran = empty.nexio("init", "--location", "Annex")
    assert ran.exit_code == 4
    assert "nexio location add" in ran.err
    assert empty.nexio.rows() == rows


@pytest.mark.parametrize("zone", ["Europe/Londn", "London time", "", "localtime"])
def test_a_zone_that_does_not_exist(zone: str, empty: Place) -> None:
    """Refused before anything is made."""
    empty.nexio("init", "--timezone", zone).refused(2)
    assert not empty.home.exists()


def test_a_zone_that_is_nearly_right(empty: Place) -> None:
    """People know their city: the advice names the zone."""
    assert "Europe/London" in empty.nexio("init", "--timezone", "london").refused(2)


def test_the_zone_of_this_machine(empty: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without --timezone it is what TZ says."""
    monkeypatch.setenv("TZ", ":Asia/Kolkata")
    empty.nexio.done("init")
    assert empty.nexio.done("location", "list", "--json").json[0]["time_zone"] == "Asia/Kolkata"


@pytest.mark.parametrize("name", ["", "a\nb", "a\x1bb", "x" * 61])
def test_a_name_that_cannot_be_used(name: str, empty: Place) -> None:
    """Blank, with control characters or too long; a right one finishes what was begun."""
    ran = empty.nexio("init", "--location", name)
    if name:
        assert ran.exit_code == 2
        assert ran.err.count("Hint:") == 1
        assert "Location added: Annex" in empty.nexio.done("init", "--location", "Annex").err


def test_a_folder_where_nobody_may_write(empty: Place) -> None:
    """Exit 5, and the advice is another place."""
    empty.home.parent.mkdir()
    empty.home.parent.joinpath("nexio").write_text("a file in the way")
    assert "NEXIO_HOME" in empty.nexio("init").refused(5)


def test_a_key_that_nobody_may_write(empty: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """Exit 5; once there is a place for the key, the same command finishes the store."""
    blocked = empty.home.parent / "blocked"
    blocked.parent.mkdir()
    blocked.write_text("a file in the way")
    monkeypatch.setenv("NEXIO_KEY_FILE", str(blocked / "nexio" / "key"))
    assert "NEXIO_KEY_FILE" in empty.nexio("init").refused(5)
    blocked.unlink()
    assert "nexio init" in empty.nexio("visitor", "list").refused(5)
    empty.nexio.done("init")
    empty.nexio.done("visitor", "list")


def test_a_key_elsewhere(empty: Place, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """NEXIO_KEY_FILE says where the key is; nothing of it is beside the store."""
    key = tmp_path / "etc" / "nexio.key"
    monkeypatch.setenv("NEXIO_KEY_FILE", str(key))
    assert str(key) in empty.nexio.done("init").out
    assert mode(key) == 0o600
    assert not (empty.home / "key").exists()
    empty.nexio.done("visitor", "list")


def test_the_store_without_its_key(empty: Place) -> None:
    """A new key would hide that the old one is missed: exit 5, and none is made."""
    empty.nexio.done("init")
    (empty.home / "key").unlink()
    for words in (["init"], ["visitor", "list"], ["visitor", "show", "1"]):
        assert "key" in empty.nexio(*words).refused(5)
    assert not (empty.home / "key").exists()


@pytest.mark.parametrize("bits", [0o644, 0o604, 0o620, 0o660, 0o666])
def test_a_key_that_others_can_read(bits: int, empty: Place) -> None:
    """Refused with the command that closes it."""
    empty.nexio.done("init")
    (empty.home / "key").chmod(bits)
    assert "chmod 600" in empty.nexio("visitor", "list").refused(5)


def test_a_key_for_a_group(empty: Place) -> None:
    """Mode 0640 is for reception, daemon and FreeRADIUS together."""
    empty.nexio.done("init")
    (empty.home / "key").chmod(0o640)
    empty.nexio.done("visitor", "list")


def test_the_key_of_another_store(empty: Place, sqlite_configuration: Configuration) -> None:
    """Exit 5 before anything is read wrongly."""
    empty.nexio.done("init")
    (empty.home / "key").write_bytes(sqlite_configuration.key_file.read_bytes())
    assert "NEXIO_KEY_FILE" in empty.nexio("visitor", "list").refused(5)


def test_a_new_store_on_postgresql(
    empty: Place, postgresql: PostgreSQL, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same in a database that is there and empty; twice is once."""
    monkeypatch.setenv("NEXIO_DATABASE_URL", postgresql.create_database("new_of_init"))
    try:
        assert "Store made." in empty.nexio.done("init", "--location", "Harbour House").err
        assert "there already" in empty.nexio.done("init").err
        assert "Harbour House" in empty.nexio.done("location", "list").out
        assert not (empty.home / "nexio.db").exists()
    finally:
        postgresql.drop_database("new_of_init")
