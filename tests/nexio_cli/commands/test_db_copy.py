"""``nexio db copy``: what it says, and that servers go over to the new store."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from nexio.store import schema
from tests.support.cli.programs import run
from tests.support.stores import OPERATOR, engine_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.cli.running import Nexio
    from tests.support.postgresql import PostgreSQL

PASSWORD = "s3cret%40word"


@pytest.fixture
def url(postgresql: PostgreSQL) -> Iterator[str]:
    """Of an empty database; the password that it has is not asked for."""
    yield postgresql.create_database("copied").replace("postgres@", f"postgres:{PASSWORD}@")
    postgresql.drop_database("copied")


def test_there_and_back(
    sqlite_desk: Nexio, url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A visitor, a NAS and who did what come along; the audit says who copied it."""
    desk, old = sqlite_desk, sqlite_desk.configuration.database_url
    visit = desk.register()
    desk.done("nas", "add", "lobby", "192.0.2.10", "--secret", "-", stdin="a long secret\n")
    rows = desk.rows()
    ran = desk.done("db", "copy", "--to", "-", stdin=f"{url}\n")
    lines = ran.out.splitlines()
    assert lines[0].startswith("Copied ")
    assert lines[0].endswith(f" to {shown(url)}, and compared each.")
    assert lines[1] == "What to do now, in this order:"
    assert "1. Keep the key file" in lines[2]
    assert PASSWORD not in ran.out + ran.err
    assert desk.rows() == rows

    monkeypatch.setenv("NEXIO_DATABASE_URL", url)
    assert desk.done("visitor", "show", "1", "--json").json["pin"] == visit["pin"]
    assert "a long secret" in desk.done("nas", "show", "lobby", "--secret").out
    (entry,) = [each for each in desk.done("audit", "--json").json if each["action"] == "copy"]
    assert (entry["operator"], entry["details"]) == (
        OPERATOR,
        {"from": "sqlite", "to": "postgresql"},
    )
    assert desk.register(email="ada@example.com")["id"] == visit["id"] + 1

    back = f"sqlite:///{tmp_path}/back.db"
    answer = desk.done("db", "copy", "--to", back, "--json")
    assert PASSWORD not in answer.out
    assert (answer.json["old"], answer.json["new"]) == (shown(url), back)
    assert answer.json["done"] is True
    assert any(f"NEXIO_DATABASE_URL='{back}'" in each for each in answer.json["next"])
    monkeypatch.setenv("NEXIO_DATABASE_URL", back)
    assert len(desk.done("visitor", "list", "--all", "--json").json) == 2
    assert desk.done("db", "check").out == ""
    assert old != back


def shown(url: str) -> str:
    """Without its password."""
    return url.replace(PASSWORD, "***")


def test_only_looking(sqlite_desk: Nexio, url: str, tmp_path: Path) -> None:
    """It says how much there is, and makes nothing."""
    ran = sqlite_desk.done("db", "copy", "--to", url, "--dry-run")
    assert "can be copied from " in ran.out
    with engine_of(url) as engine, engine.connect() as connection:
        assert schema.current_version(connection) is None
    answer = sqlite_desk.done(
        "db", "copy", "--to", f"sqlite:///{tmp_path}/n.db", "--dry-run", "--json"
    )
    assert answer.json["done"] is False
    assert not (tmp_path / "n.db").exists()


def test_into_the_store_of_this_deployment(
    sqlite_desk: Nexio, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The servers have the new address already: the old store is named."""
    old = sqlite_desk.configuration.database_url
    sqlite_desk.register()
    monkeypatch.setenv("NEXIO_DATABASE_URL", url)
    assert "nexio init" in sqlite_desk("visitor", "list").refused(5)
    ran = sqlite_desk.done("db", "copy", "--from", old)
    assert "names the new store already" in ran.out
    assert len(sqlite_desk.done("visitor", "list", "--all", "--json").json) == 1


@pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
def test_one_that_is_killed(
    engine: str, sqlite_environment: dict[str, str], url: str, tmp_path: Path
) -> None:
    """The real command, killed when all rows are there: nothing counts, and the next one goes."""
    to = url if engine == "postgresql" else f"sqlite:///{tmp_path}/new.db"
    killed_at_the_end = (
        "import os, signal, sys; from nexio_cli.main import main;"
        "import nexio.operations.copying as c;"
        "c.first_difference = lambda *_: os.kill(os.getpid(), signal.SIGKILL);"
        "main(['db', 'copy', '--to', sys.argv[1]])"
    )
    environment = os.environ | sqlite_environment
    command = [sys.executable, "-c", killed_at_the_end, to]
    killed = subprocess.run(command, env=environment, check=False)
    assert killed.returncode == -signal.SIGKILL
    assert run("nexio", "db", "copy", "--to", to).returncode == 0


def test_where_the_address_stands_in_a_file(
    sqlite_desk: Nexio, url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """That is what is to be changed."""
    file = tmp_path / "nexio.toml"
    file.write_text(f'database-url = "{sqlite_desk.configuration.database_url}"\n')
    file.chmod(0o600)
    monkeypatch.delenv("NEXIO_DATABASE_URL", raising=False)
    monkeypatch.setenv("NEXIO_CONFIG", str(file))
    ran = sqlite_desk.done("db", "copy", "--to", url)
    assert f'in {file}: database-url = "{shown(url)}"' in ran.out
    assert "database-password-file" in ran.out


@pytest.mark.parametrize(
    ("words", "exit_code", "said"),
    [
        ((), 2, "both are the same store"),
        (("--to", "postgresql://nexio:s3cret@word@db/nexio"), 2, "--to is not the URL of a store"),
        (("--from", "mysql://db/nexio"), 2, "--from is not the URL of a store"),
        (("--from", "sqlite:////nowhere/nexio.db"), 5, "there is no store at"),
        (("--to", "sqlite:///nexio.db"), 2, "is of another file in each folder"),
        (("--to", "postgresql://nexio:s3cret@127.0.0.1:1/nexio"), 5, "cannot be used"),
    ],
)
def test_what_is_refused(
    words: tuple[str, ...], exit_code: int, said: str, sqlite_desk: Nexio
) -> None:
    """With what to do, and without a password."""
    refused = sqlite_desk("db", "copy", *words).refused(exit_code)
    assert said in refused.lower() or said in refused
    assert "s3cret" not in refused
