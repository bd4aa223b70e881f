"""The configuration file: beneath the environment and the options; passwords in files."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from nexio import configuration_file
from nexio.configuration import Configuration, read_environment
from nexio.configuration_file import CONFIG, TABLES, masked, with_file, with_password
from nexio.errors import InvalidValue, SecretUnusable
from nexio_web import options as webd
from radius_auth.server import options as radiusd

STRANGER = 54321
"""A user of nobody's."""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Of a deployment, closed to others."""
    return written(
        tmp_path / "nexio.toml",
        'home = "/srv/nexio"\nlocation = "Pier"\nmail-from = ""\n'
        '[radiusd]\nauth-port = 1645\nlisten = ["192.0.2.1", "2001:db8::1"]\nreject-delay = 0.5\n'
        "[webd]\ninsecure-http = true\n",
    )


def written(path: Path, text: str, mode: int = 0o600) -> Path:
    """A file with a mode."""
    path.write_text(text)
    path.chmod(mode)
    return path


def test_what_the_file_says(file: Path) -> None:
    """By the names of the variables; lists by commas, and what is empty is not set."""
    found = with_file({CONFIG: str(file)})
    assert found == {
        "NEXIO_CONFIG": str(file),
        "NEXIO_HOME": "/srv/nexio",
        "NEXIO_LOCATION": "Pier",
        "NEXIO_MAIL_FROM": "",
        "NEXIO_RADIUSD_AUTH_PORT": "1645",
        "NEXIO_RADIUSD_LISTEN": "192.0.2.1,2001:db8::1",
        "NEXIO_RADIUSD_REJECT_DELAY": "0.5",
        "NEXIO_WEBD_INSECURE_HTTP": "1",
    }
    configuration = Configuration.from_environment(found)
    assert configuration.home == Path("/srv/nexio")
    assert (configuration.mail_from, configuration.file) == (None, file)


def test_the_environment_counts_more(file: Path) -> None:
    """A variable that is empty is not set, and says nothing."""
    found = with_file({"NEXIO_HOME": "/elsewhere", "NEXIO_LOCATION": "", CONFIG: str(file)})
    assert (found["NEXIO_HOME"], found["NEXIO_LOCATION"]) == ("/elsewhere", "Pier")


def test_an_option_names_another_file(file: Path, tmp_path: Path) -> None:
    """It counts more than the variable."""
    other = written(tmp_path / "other.toml", 'home = "/other"\n')
    found = with_file({CONFIG: str(file)}, str(other))
    assert (found["NEXIO_HOME"], found[CONFIG]) == ("/other", str(other))
    assert "NEXIO_LOCATION" not in found


def test_the_file_of_the_machine(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """/etc/nexio/nexio.toml counts where it is there and no other one is named."""
    assert Path("/etc/nexio/nexio.toml") == configuration_file.SYSTEM_FILE
    monkeypatch.setattr(configuration_file, "SYSTEM_FILE", file.with_name("none.toml"))
    assert with_file({"NEXIO_HOME": "/h"}) == {"NEXIO_HOME": "/h"}
    monkeypatch.setattr(configuration_file, "SYSTEM_FILE", file)
    assert with_file({})["NEXIO_HOME"] == "/srv/nexio"
    assert "NEXIO_HOME" not in with_file({CONFIG: "/dev/null"})


def test_the_servers_options_can_be_written() -> None:
    """Each option of a server is a key of its table."""
    for name, server in (("radiusd", radiusd), ("webd", webd)):
        actions = server.parser({})._actions  # noqa: SLF001 - argparse shows them nowhere else
        options = {each.option_strings[-1].removeprefix("--") for each in actions}
        assert options - {"help", "version", "config", "check"} == set(TABLES[name])
        for key in TABLES[name]:
            variable = configuration_file.VARIABLES[f"{name}.{key}"]
            assert variable == server.variable(key)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("hoem = '/h'", "unknown key: hoem"),
        ("[radiusd]\nport = 1", "unknown key: radiusd.port"),
        ("[radius]\nport = 1", "unknown key: radius"),
        ("hoem = '/h'\nhome = 7.5\n[webd]\nprot = 1", "unknown keys: hoem, webd.prot"),
        ("home = ['a', 1]", "home in "),
        ("radiusd = 7", "unknown key: radiusd"),
        ("home = ", "is not TOML"),
    ],
)
def test_what_cannot_be_meant(text: str, words: str, tmp_path: Path) -> None:
    """An unknown key is refused, and the known ones are listed."""
    path = written(tmp_path / "nexio.toml", text)
    with pytest.raises(InvalidValue) as refused:
        with_file({CONFIG: str(path)})
    assert words in str(refused.value)
    if "unknown" in words:
        assert "database-password-file" in refused.value.advice
        assert "radiusd.auth-port" in refused.value.advice


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_whose_it_is(file: Path, tmp_path: Path) -> None:
    """Root's, ours, or of the owner of a home that the environment names; nobody else's."""
    os.chown(file, STRANGER, -1)
    with pytest.raises(SecretUnusable, match=f"belongs to the user {STRANGER}") as error:
        with_file({CONFIG: str(file), "NEXIO_HOME": str(tmp_path)})
    assert error.value.advice == f"If it is the right file: chown root {file}"
    (tmp_path / "home").mkdir()
    os.chown(tmp_path / "home", STRANGER, -1)
    assert with_file({CONFIG: str(file), "NEXIO_HOME": str(tmp_path / "home")})


@pytest.mark.parametrize("linked", [False, True])
def test_where_it_lies(linked: bool, file: Path, tmp_path: Path) -> None:
    """Not where everybody may exchange it, nor behind a link from there; /tmp has a sticky bit."""
    folder = tmp_path / "open"
    folder.mkdir()
    path = folder / "other.toml"
    if linked:
        path.symlink_to(file)
    else:
        file.rename(path)
    folder.chmod(0o777)
    with pytest.raises(SecretUnusable, match=f"another file into {folder}") as error:
        with_file({CONFIG: str(path)})
    assert error.value.advice == f"Close it with: chmod o-w {folder}"
    folder.chmod(0o1777)
    assert with_file({CONFIG: str(path)})


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    """Whoever names one means it."""
    with pytest.raises(InvalidValue, match="cannot be read"):
        with_file({CONFIG: str(tmp_path / "none.toml")})


@pytest.mark.parametrize(
    ("text", "mode", "refused"),
    [
        ("database-url = 'postgresql://n:hunter2@db/n'", 0o644, "holds a password (database-url)"),
        ("smtp-url = 'smtp://u:hun/ter2@mail'", 0o604, "holds a password (smtp-url)"),
        ("database-url = 'postgresql://n:hunter2@db/n'", 0o640, None),
        ("database-url = 'postgresql://n@db/n'", 0o644, None),
        ("home = '/h'", 0o666, "may write"),
        ("home = '/h'", 0o664, None),
    ],
)
def test_who_may_read_and_write_it(
    text: str, mode: int, refused: str | None, tmp_path: Path
) -> None:
    """As the key file: a password is closed to others, and nobody else writes the file."""
    path = written(tmp_path / "nexio.toml", text, mode)
    if refused is None:
        assert with_file({CONFIG: str(path)})
        return
    with pytest.raises(SecretUnusable) as error:
        with_file({CONFIG: str(path)})
    assert refused in str(error.value)
    assert "hunter2" not in str(error.value) + error.value.advice


def test_the_password_of_the_store_is_in_a_file(tmp_path: Path) -> None:
    """Its first line, whatever letters it has; a password in the URL wins."""
    secret = written(tmp_path / "password", "p@ss/w:rd%ä\nmore\n")
    given = {
        "NEXIO_DATABASE_URL": "postgresql://nexio@db/nexio?sslmode=require",
        "NEXIO_DATABASE_PASSWORD_FILE": str(secret),
    }
    url = Configuration.from_environment(given).database_url
    assert url == "postgresql://nexio:p%40ss%2Fw%3Ard%25%C3%A4@db/nexio?sslmode=require"
    assert with_password("postgresql://n:own@db/n", secret) == "postgresql://n:own@db/n"
    assert "p%40ss" not in repr(Configuration.from_environment(given))


@pytest.mark.parametrize("mode", [0o644, 0o604, 0o620, 0o666])
def test_a_password_that_others_can_read(mode: int, tmp_path: Path) -> None:
    """Refused, with the command that closes it."""
    secret = written(tmp_path / "password", "hunter2\n", mode)
    with pytest.raises(SecretUnusable) as error:
        with_password("smtp://desk@mail", secret)
    assert "chmod 600" in error.value.advice
    assert "hunter2" not in str(error.value) + error.value.advice


def test_a_password_for_nobody(tmp_path: Path) -> None:
    """A URL without a user, a file that is not there, or one without a password."""
    secret = written(tmp_path / "password", "hunter2\n")
    for url in ("postgresql:///nexio", "postgresql://@/nexio"):
        with pytest.raises(InvalidValue, match="no user"):
            with_password(url, secret)
    with pytest.raises(InvalidValue, match="an SQLite file, which has no password") as refused:
        with_password("sqlite:////srv/nexio.db", secret)
    assert "Leave out NEXIO_DATABASE_PASSWORD_FILE" in refused.value.advice
    with pytest.raises(SecretUnusable, match="cannot be read"):
        with_password("smtp://desk@mail", tmp_path / "none")
    with pytest.raises(SecretUnusable, match="no password"):
        with_password("smtp://desk@mail", written(secret, "\nx"))


def test_the_plugin_reads_the_file_too(file: Path, tmp_path: Path) -> None:
    """What its own file of the environment does not say."""
    own = written(tmp_path / "environment", f"NEXIO_HOME=/own\n{CONFIG}={file}\n")
    found = read_environment(own)
    assert (found["NEXIO_HOME"], found["NEXIO_LOCATION"]) == ("/own", "Pier")


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://n:hunter2@db/n", "postgresql://n:***@db/n"),
        ("smtp://u:hun@ter/2@mail:587", "smtp://u:***@mail:587"),
        ("sqlite:////srv/nexio.db", "sqlite:////srv/nexio.db"),
        ("postgresql://n@db:5432/n", "postgresql://n@db:5432/n"),
        ("hunter2", "***"),
        ("smtps://joe@example.com:S3cret@mail", "smtps://joe@example.com:***@mail"),
        ("smtp://DOM/joe:S3cret@h", "smtp://DOM/joe:***@h"),
        ("postgresql://n@db/n?a=b&password=S3cret&c=d", "postgresql://n@db/n?a=b&password=***&c=d"),
        ("postgresql://n@db:5432/n?password=S3@cret", "postgresql://n@db:5432/n?password=***"),
        ("postgresql://n@db/n?pass%77ord=S3cret", "postgresql://n@db/n?pass%77ord=***"),
    ],
)
def test_a_url_is_shown_without_its_password(url: str, shown: str) -> None:
    """Also one that should have been quoted, and what is no URL at all."""
    assert masked(url) == shown
