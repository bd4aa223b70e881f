"""``nexio db backup``, ``nexio db restore`` and ``nexio key rotate``."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from tests.support.cli import forking
from tests.support.cli.programs import LIMIT, Terminal, program
from tests.support.cli.running import Nexio


@pytest.fixture
def house(desk: Nexio, zoe: object) -> Nexio:
    """Harbour House with Zoë and a NAS."""
    desk.done("nas", "add", "lobby", "192.0.2.10", "--secret", "a long enough secret of ours")
    return desk


def test_there_and_back(house: Nexio, tmp_path: Path) -> None:
    """What was changed since is gone, what was removed is back, PIN and secret are readable."""
    file = tmp_path / "Zoë's 50%25?#1.db"
    before = house.done("visitor", "list", "--json").out, house.done("nas", "list").out
    assert str(file) in house.done("db", "backup", str(file)).out
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    house.done("visitor", "delete", "--yes", "1")
    house.done("nas", "remove", "--yes", "lobby")
    house.register(email="ada@example.com")
    house.done("db", "restore", str(file), "--yes")
    assert (house.done("visitor", "list", "--json").out, house.done("nas", "list").out) == before
    house.done("db", "check")
    assert house.register(email="ada@example.com")["id"] > 2, "a number was used twice"


def test_a_backup_through_a_pipe(house: Nexio, tmp_path: Path) -> None:
    """Octets on stdout and talk on stderr; what arrives can be restored."""
    file = tmp_path / "there.db"
    with file.open("wb") as there:
        backup = [program("nexio"), "db", "backup", "-"]
        ran = forking.run(*backup, stdout=there, seconds=LIMIT)
    assert (ran.returncode, "Backup written (" in ran.stderr) == (0, True), ran
    house.done("visitor", "delete", "--yes", "1")
    house.done("db", "restore", str(file), "--yes")
    assert house.done("visitor", "show", "1", "--json").json["state"] == "expected"


def test_a_backup_is_no_text_for_a_terminal(sqlite_desk: Nexio) -> None:
    """Exit 2, before anything is written."""
    with Terminal((program("nexio"), "db", "backup", "-")) as terminal:
        assert terminal.end() == 2
    assert "no text for a terminal" in terminal.shown


def test_the_newest_backups_are_kept(sqlite_desk: Nexio, tmp_path: Path) -> None:
    """Those of other names stay, whatever their age; the new one is there before one goes."""
    folder = tmp_path / "backups"
    folder.mkdir()
    old = [f"nexio-2026010{day}T000000Z.db" for day in range(1, 5)]
    for name in (*old, "nexio-20260101T000000Z.db.gpg", "before.db"):
        (folder / name).write_text("old")
    backup = ["db", "backup", str(folder), "--keep", "2"]
    shape = sqlite_desk.done(*backup, "--json").json
    assert shape["removed"] == [str(folder / name) for name in old[:3]]
    left = {path.name for path in folder.iterdir()}
    new = Path(shape["file"]).name
    assert left == {old[3], new, "nexio-20260101T000000Z.db.gpg", "before.db"}
    backup[2] = str(tmp_path / "alone.db")
    assert "a folder" in sqlite_desk(*backup).refused(2)
    assert "stdout" in sqlite_desk("db", "backup", "-", "--json").err


def test_a_backup_is_never_overwritten(sqlite_desk: Nexio, tmp_path: Path) -> None:
    """Exit 4, and the file is as it was."""
    file = tmp_path / "backup.db"
    file.write_text("of yesterday")
    sqlite_desk("db", "backup", str(file)).refused(4)
    assert file.read_text() == "of yesterday"


def test_where_no_backup_can_be(sqlite_desk: Nexio, tmp_path: Path) -> None:
    """Exit 5, and no half of one is left."""
    (tmp_path / "file").write_text("in the way")
    sqlite_desk("db", "backup", str(tmp_path / "file" / "backup.db")).refused(5)
    sqlite_desk("db", "backup", str(tmp_path / "nowhere" / "backup.db")).refused(5)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "nexio"]


def test_what_is_no_backup(sqlite_desk: Nexio, tmp_path: Path) -> None:
    """Not there: exit 3; not a backup: exit 5; the store is as it was."""
    rows = sqlite_desk.rows()
    sqlite_desk("db", "restore", "--yes", str(tmp_path / "nowhere.db")).refused(3)
    (tmp_path / "letter.db").write_text("Dear reception," * 1000)
    sqlite_desk("db", "restore", "--yes", str(tmp_path / "letter.db")).refused(5)
    (tmp_path / "empty.db").write_text("")
    sqlite_desk("db", "restore", "--yes", str(tmp_path / "empty.db")).refused(5)
    assert sqlite_desk.rows() == rows


def test_a_new_key(house: Nexio, tmp_path: Path) -> None:
    """Everything reads as before, under another key, and the old one is gone from the file."""
    key_file = house.configuration.key_file
    before = house.done("visitor", "list", "--json").out, house.done("visitor", "qr", "1").out
    old = key_file.read_text()
    house.done("key", "rotate", "--yes")
    assert not set(old.splitlines()) & set(key_file.read_text().splitlines()) - comments(old)
    assert stat.S_IMODE(key_file.stat().st_mode) == 0o600
    after = house.done("visitor", "list", "--json").out, house.done("visitor", "qr", "1").out
    assert after == before
    house.done("db", "check")
    pin = house.done("visitor", "show", "1", "--json").json["pin"]
    named = ["--first-name", "Ada", "--last-name", "L", "--email", "ada@example.com"]
    house("visitor", "register", *named, "--pin", pin).refused(4)


def comments(text: str) -> set[str]:
    """The lines of a key file that are no keys."""
    return {line for line in text.splitlines() if line.startswith("#")}


def test_a_backup_of_before_the_new_key(house: Nexio, tmp_path: Path) -> None:
    """It needs the old key: exit 5 without it and nothing changed; with its line it is restored."""
    file, key_file = tmp_path / "backup.db", house.configuration.key_file
    old = key_file.read_text()
    house.done("db", "backup", str(file))
    house.done("key", "rotate", "--yes")
    before = house.done("visitor", "list", "--json").out, house.rows()
    assert "key" in house("db", "restore", "--yes", str(file)).refused(5)
    assert (house.done("visitor", "list", "--json").out, house.rows()) == before
    key_file.write_text(old + key_file.read_text())
    house.done("db", "restore", "--yes", str(file))
    assert house.done("visitor", "list", "--json").out == before[0]
