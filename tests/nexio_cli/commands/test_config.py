"""``nexio config show`` and ``nexio --config``."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.support.cli.programs import free_port, program, run, serving
from tests.support.cli.running import Nexio


@pytest.fixture
def file(sqlite_desk: Nexio, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The deployment in a file, and not in the environment."""
    configuration = sqlite_desk.configuration
    for name in [name for name in os.environ if name.startswith("NEXIO_")]:
        monkeypatch.delenv(name)
    path = tmp_path / "nexio.toml"
    path.write_text(f'home = "{configuration.home}"\nkey-file = "{configuration.key_file}"\n')
    monkeypatch.setenv("NEXIO_CONFIG", str(path))
    return path


def test_where_each_value_comes_from(
    file: Path, sqlite_desk: Nexio, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file, the environment above it, and what nexio takes by itself; no password."""
    with file.open("a") as more:
        more.write('smtp-url = "smtp://desk:hunter2@mail"\n[webd]\nport = 8443\n')
    file.chmod(0o600)
    monkeypatch.setenv("NEXIO_OPERATOR", "maria")
    ran = sqlite_desk.done("config", "show", "--json")
    found = {each["key"]: (each["value"], each["origin"]) for each in ran.json}
    home = sqlite_desk.configuration.home
    assert found["home"] == (str(home), f"file {file}")
    assert found["operator"] == ("maria", "environment NEXIO_OPERATOR")
    assert found["database-url"] == (f"sqlite:///{home}/nexio.db", "default")
    assert found["smtp-url"] == ("smtp://desk:***@mail", f"file {file}")
    assert found["location"] == (None, "default")
    assert found["webd.port"] == ("8443", f"file {file}")
    assert "radiusd.workers" not in found
    assert "hunter2" not in ran.out + sqlite_desk.done("config", "show").out


def test_what_a_server_would_not_take(
    file: Path, sqlite_desk: Nexio, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each server reads its own options, wherever they stand; all is shown all the same."""
    text = file.read_text()
    file.write_text(f"{text}[radiusd]\nauth-port = 1645\n[webd]\nport = 8443\n")
    assert sqlite_desk.done("config", "show").err == ""
    file.write_text(f"{text}[radiusd]\nworkers = 0\n[webd]\nlisten = '0.0.0.0'\n")
    ran = sqlite_desk.done("config", "show")
    assert "radiusd.workers" in ran.out
    assert "nexio-radiusd would not start: '0' is no number of workers. Give 1 to" in ran.err
    assert "PINs would go to 0.0.0.0 in clear" in ran.err
    monkeypatch.setenv("NEXIO_CONFIG", os.devnull)
    assert "no number of workers" in sqlite_desk.done("--config", str(file), "config", "show").err
    assert run(program("nexio-radiusd"), "--check").returncode == 0


def test_the_commands_use_it(
    file: Path, sqlite_desk: Nexio, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the variable or the option; a location of the file stands for --location."""
    sqlite_desk.done("location", "add", "Annex", "--timezone", "UTC")
    assert sqlite_desk("visitor", "list").exit_code == 2
    with file.open("a") as more:
        more.write('location = "Annex"\n')
    assert sqlite_desk.register()["location"] == "Annex"
    assert sqlite_desk.register("--location", "Harbour House")["location"] == "Harbour House"
    monkeypatch.setenv("NEXIO_CONFIG", os.devnull)
    ran = sqlite_desk.done("--config", str(file), "visitor", "list", "--json")
    assert [each["location"] for each in ran.json] == ["Annex"]


def test_a_file_that_cannot_be_used(file: Path, sqlite_desk: Nexio) -> None:
    """Exit 2 and the known keys; but help and completion go on."""
    file.write_text("hoem = 1\n")
    assert "database-password-file" in sqlite_desk("visitor", "list").refused(2)
    assert "unknown key" in sqlite_desk("desk", "link").refused(2)
    assert sqlite_desk("visitor", "list", "--help").exit_code == 0
    file.write_text("smtp-url = 'smtp://u:hunter2@mail'\n")
    file.chmod(0o644)
    assert "hunter2" not in sqlite_desk("config", "show").refused(5)


def test_the_password_of_the_mail_server_is_read_when_it_is_needed(
    file: Path, sqlite_desk: Nexio
) -> None:
    """Whoever looks something up need not be able to; a mail waits, and a note says why."""
    with file.open("a") as more:
        more.write('smtp-url = "smtp://desk@127.0.0.1:1"\nmail-from = "desk@example.com"\n')
        more.write(f'smtp-password-file = "{file.parent}/none"\n')
    sqlite_desk.done("visitor", "list")
    zoe = ["--first-name", "Zoë", "--last-name", "N", "--email", "zoe@example.com"]
    assert "password file" in sqlite_desk.done("visitor", "register", *zoe).err
    assert sqlite_desk("mail", "deliver").exit_code == 5


def test_the_servers_use_it(
    file: Path, sqlite_desk: Nexio, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Their tables say the ports; an option counts more."""
    port, other = free_port(), free_port()
    with file.open("a") as more:
        more.write(f'[radiusd]\nlisten = ["127.0.0.1"]\nauth-port = {port}\nworkers = 1\n')
        more.write(f"[webd]\nport = {other}\n")
    with serving(program("nexio-radiusd")) as said:
        assert f"127.0.0.1:{port}" in " ".join(said)
        sqlite_desk.done("nas", "add", "here", "127.0.0.1")
    monkeypatch.setenv("NEXIO_CONFIG", os.devnull)
    with serving(program("nexio-webd"), "--config", str(file)) as said:
        assert str(other) in " ".join(said)


def test_completion_needs_no_file(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A Tab tells nobody that the file is wrong."""
    file.write_text("hoem = 1\n")
    monkeypatch.setenv("_NEXIO_COMPLETE", "bash_complete")
    monkeypatch.setenv("COMP_WORDS", "nexio doctor --po")
    monkeypatch.setenv("COMP_CWORD", "2")
    ran = run("nexio")
    assert (ran.stdout, ran.stderr) == ("plain,--port\n", "")
