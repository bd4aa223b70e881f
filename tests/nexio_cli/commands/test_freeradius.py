"""``nexio freeradius``: the plugin in a copy of Debian's raddb, and looking it over."""

from __future__ import annotations

import os
import pwd
from pathlib import Path

import pytest

from tests.support.cli.programs import Terminal, program
from tests.support.cli.running import Nexio
from tests.support.radius.freeradius import copy_raddb
from tests.support.radius.trees import change, tree

KEYS = ["subject", "well", "message", "advice"]


@pytest.fixture
def raddb(freeradius_python: None, tmp_path: Path) -> Path:
    """As Debian installs it."""
    return copy_raddb(tmp_path / "raddb")


def test_from_the_first_to_the_last(sqlite_nexio: Nexio, raddb: Path) -> None:
    """Installed, found well by FreeRADIUS itself, and taken out without a trace."""
    before = tree(raddb)
    there = ("--raddb", str(raddb))
    ran = sqlite_nexio.done("freeradius", "install", "--replace-default", *there)
    assert f"The plugin is installed in {raddb}." in ran.out
    assert "Then restart FreeRADIUS" in ran.err
    lines = sqlite_nexio.done("freeradius", "check", *there).out.splitlines()
    assert {line[:7] for line in lines} == {"ok     "}
    assert "nothing to do" in sqlite_nexio.done("freeradius", "install", *there).out
    ran = sqlite_nexio.done("freeradius", "uninstall", "--yes", *there)
    assert "link    sites-enabled/default -> ../sites-available/default" in ran.out
    assert tree(raddb) == before
    assert "nothing to do" in sqlite_nexio.done("freeradius", "uninstall", "--yes", *there).out


def test_check_for_scripts(sqlite_nexio: Nexio, raddb: Path) -> None:
    """The keys are those of ``nexio doctor``; exit 4 where something is wrong."""
    ran = sqlite_nexio("freeradius", "check", "--raddb", str(raddb), "--json")
    assert ran.exit_code == 4
    assert all(list(each) == KEYS for each in ran.json)
    assert [each["subject"] for each in ran.json if not each["well"]] == ["files"]


@pytest.mark.parametrize("command", ["install", "uninstall"])
def test_dry_run(
    sqlite_nexio: Nexio, raddb: Path, command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The lines are those of the real run, no password is in them, and nothing is changed."""
    monkeypatch.setenv("NEXIO_DATABASE_URL", "postgresql://nexio:s3cret@127.0.0.1/nexio")
    words = [command, "--raddb", str(raddb)]
    if command == "install":
        words.append("--replace-default")
    else:
        words.append("--yes")
        sqlite_nexio.done("freeradius", "install", *words[1:])
    before = tree(raddb)
    dry = sqlite_nexio.done("freeradius", *words, "--dry-run")
    assert tree(raddb) == before
    real = sqlite_nexio.done("freeradius", *words)
    assert tree(raddb) != before
    assert dry.err == "Nothing was changed.\n"
    assert set(dry.out.splitlines()) < set(real.out.splitlines())
    assert "s3cret" not in dry.out + real.out + real.err


def test_the_default_site_in_a_pipe(sqlite_nexio: Nexio, raddb: Path) -> None:
    """Nobody can be asked: refused with both ways out, and nothing is changed."""
    before = tree(raddb)
    said = sqlite_nexio("freeradius", "install", "--raddb", str(raddb)).refused(4)
    assert "--replace-default" in said
    assert "--keep-default" in said
    assert tree(raddb) == before
    sqlite_nexio.done("freeradius", "install", "--raddb", str(raddb), "--keep-default")
    assert (raddb / "sites-enabled" / "default").is_symlink()


def test_another_python(sqlite_nexio: Nexio, raddb: Path, tmp_path: Path) -> None:
    """FreeRADIUS would not start any more: exit 4, nothing is changed, and check says it, too."""
    there = ("--raddb", str(raddb))
    sqlite_nexio.done("freeradius", "install", "--replace-default", *there)
    (tmp_path / "rlm_python3.so").write_bytes(b"\x7fELF\0libpython3.7m.so.1.0\0")
    change(raddb / "radiusd.conf", "libdir = /usr/lib/freeradius", f"libdir = {tmp_path}")
    before = tree(raddb)
    for words in ((), ("--dry-run",)):
        said = sqlite_nexio("freeradius", "install", *there, *words).refused(4)
        assert "FreeRADIUS has Python 3.7 in it, and this nexio is installed for 3." in said
        assert "python3.7 -m venv" in said
    assert tree(raddb) == before
    wrong = [
        each["subject"]
        for each in sqlite_nexio("freeradius", "check", *there, "--json").json
        if not each["well"]
    ]
    assert wrong == ["Python"]


@pytest.mark.parametrize(("answer", "exit_code"), [("y", 0), ("n", 4)])
def test_the_default_site_on_a_terminal(
    sqlite_nexio: Nexio, raddb: Path, answer: str, exit_code: int
) -> None:
    """It is asked for, and no is the same answer as in a pipe."""
    command = (program("nexio"), "freeradius", "install", "--raddb", str(raddb))
    with Terminal(command) as terminal:
        terminal.wait_for("Take it out? [y/N]: ")
        terminal.type(f"{answer}\n")
        assert terminal.end() == exit_code, terminal.shown
    assert (raddb / "sites-enabled" / "default").is_symlink() == bool(exit_code)
    assert (raddb / "sites-enabled" / "nexio").is_symlink() != bool(exit_code)


def test_what_was_changed_is_named(sqlite_nexio: Nexio, raddb: Path) -> None:
    """By both commands."""
    there = ("--raddb", str(raddb))
    sqlite_nexio.done("freeradius", "install", "--yes", *there)
    with (raddb / "policy.d" / "nexio").open("a") as policy:
        policy.write("# mine\n")
    line = "keep    policy.d/nexio (you changed it)"
    assert line in sqlite_nexio.done("freeradius", "install", *there).out
    assert line in sqlite_nexio.done("freeradius", "uninstall", "--yes", *there).out


@pytest.mark.parametrize("command", ["install", "uninstall", "check"])
def test_no_raddb(sqlite_nexio: Nexio, tmp_path: Path, command: str) -> None:
    """The folder is named."""
    said = sqlite_nexio("freeradius", command, "--raddb", str(tmp_path)).refused(3)
    assert str(tmp_path) in said


def test_without_the_right(sqlite_nexio: Nexio, raddb: Path) -> None:
    """Exit 5, and the advice is to be root."""
    root = os.geteuid() == 0
    raddb.chmod(0)
    os.seteuid(pwd.getpwnam("freerad").pw_uid if root else os.geteuid())
    try:
        said = sqlite_nexio("freeradius", "install", "--raddb", str(raddb)).refused(5)
    finally:
        os.seteuid(0 if root else os.geteuid())
        raddb.chmod(0o700)
    assert "sudo" in said
