"""The configuration file.  Environment variables and options take precedence over it.

Each key stands for an environment variable, so code that reads the variable gets the file's value::

    database-url = "postgresql://nexio@db.example.com/nexio"
    database-password-file = "/etc/nexio/database-password"

    [radiusd]
    auth-port = 1645
"""

from __future__ import annotations

import os
import re
import shlex
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from nexio.errors import InvalidValue, SecretUnusable

SYSTEM_FILE = Path("/etc/nexio/nexio.toml")
CONFIG: Final = "NEXIO_CONFIG"
"""The variable that names another file."""

KEYS: Final = (
    *("home", "key-file", "nas-key-file", "database-url", "database-password-file", "smtp-url"),
    *("smtp-password-file", "mail-from", "web-url", "location", "operator"),
)
TABLES: Final = {
    "radiusd": (
        *("listen", "auth-port", "acct-port", "reject-delay", "max-staleness", "workers"),
        *("metrics-listen", "log-format"),
    ),
    "webd": (
        *("listen", "port", "tls-cert", "tls-key", "proxy", "insecure-http", "insecure-pair"),
        *("metrics-listen", "log-format"),
    ),
}
"""The options of the servers."""

VARIABLES: Final[Mapping[str, str]] = {
    key: f"NEXIO_{key.replace('-', '_').replace('.', '_').upper()}"
    for key in (*KEYS, *(f"{table}.{key}" for table, keys in TABLES.items() for key in keys))
}
"""The variable of each key."""

_START = r"(?i)\s*(?P<start>[a-z][a-z0-9+.-]*://[^/:]*)"
_PASSWORD = _START + ":[^/@]*@"
_PERHAPS = r"(?i)\s*(?P<start>[a-z][a-z0-9+.-]*://[^:]*):.*@"
"""Also matches a password with characters that should have been percent-encoded."""

_QUERY = r"(?i)(?P<start>[?&](?:[a-z]*password|[^=&]*%[^=&]*))=[^&]*"
"""A password parameter, or one whose percent-encoded name may hide that it is one."""

_USER = _START + "(?<!/)@"


def with_file(environment: Mapping[str, str], option: str | None = None) -> dict[str, str]:
    """The environment, with the settings that only the configuration file has.

    Args:
        environment: ``NEXIO_CONFIG`` may name the file; an empty variable counts as not set.
        option: the file, if the command line names it.

    Raises:
        InvalidValue: the file cannot be read, or has an unknown key.
        SecretUnusable: it holds a password and others may read it, or others may write or replace
            it.
    """
    given = {name: value for name, value in environment.items() if value}
    path = find_file(given, option)
    if path is None:
        return given
    _refuse_others(path, given.get("NEXIO_HOME"))
    return {**read_file(path), **given, CONFIG: str(path)}


def find_file(environment: Mapping[str, str], option: str | None = None) -> Path | None:
    """The path of the file to use; None if there is none."""
    named = option or environment.get(CONFIG)
    if named:
        return Path(named).expanduser().absolute()
    try:
        return SYSTEM_FILE if SYSTEM_FILE.exists() else None
    except PermissionError:  # its folder is closed to this user
        return None


def read_file(path: Path) -> dict[str, str]:
    """Read the settings of a file, by the names of their variables.

    Raises:
        As :func:`with_file`.
    """
    import tomllib  # noqa: PLC0415 (no command without a file pays for it)

    try:
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            read = tomllib.load(file)
    except OSError as error:
        raise InvalidValue(
            f"the configuration file {path} cannot be read: {error.strerror}",
            f"Look at its name and its rights, or leave out --config and {CONFIG}.",
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InvalidValue(
            f"the configuration file {path} is not TOML: {error}", 'Write lines like home = "…".'
        ) from None
    found = dict(_settings(read))
    unknown = [key for key in found if key not in VARIABLES]
    if unknown:
        keys = "an unknown key" if len(unknown) == 1 else "unknown keys"
        raise InvalidValue(
            f"{path} has {keys}: {', '.join(unknown)}", f"Known are: {', '.join(VARIABLES)}."
        )
    values = {VARIABLES[key]: _text(path, key, value) for key, value in found.items()}
    _refuse_open(path, mode, values)
    return values


def _settings(read: Mapping[str, Any]) -> Iterator[tuple[str, object]]:
    """Each key, prefixed with its table, and its value."""
    for key, value in read.items():
        if key in TABLES and isinstance(value, dict):
            for name, inner in value.items():
                yield f"{key}.{name}", inner
        else:
            yield key, value


def _text(path: Path, key: str, value: object) -> str:
    """A value as an environment variable has it: a list with commas, true as 1."""
    if isinstance(value, bool):
        return "1" if value else ""
    if isinstance(value, list) and all(isinstance(each, str) for each in value):
        return ",".join(value)
    if isinstance(value, str | int | float):
        return str(value)
    raise InvalidValue(f"{key} in {path} is no text and no number", f'Write: {key} = "…"')


def _refuse_others(path: Path, home: str | None) -> None:
    """Check that the file belongs to somebody who is trusted anyway, like the key file.

    That is root, the user of this process, or the owner of the home; a home that only the file
    itself names proves nothing.
    """
    try:
        status = path.stat()
        folders = dict.fromkeys((*path.parents, *path.resolve().parents))
        open_folders = [each for each in folders if _is_open(each.stat().st_mode)]
        keeper = _owner(home)
    except OSError:  # missing, or we may not read it: reading it raises the error
        return
    if status.st_uid not in {0, os.geteuid(), keeper}:
        raise SecretUnusable(
            f"the configuration file {path} belongs to the user {status.st_uid}: neither to root,"
            " nor to you, nor to the owner of NEXIO_HOME",
            f"If it is the right file: chown root {shlex.quote(str(path))}",
        )
    for folder in open_folders:
        raise SecretUnusable(
            f"every user of this machine may put another file into {folder}, where the"
            " configuration file lies",
            f"Close it with: chmod o-w {shlex.quote(str(folder))}",
        )


def _owner(home: str | None) -> int:
    try:
        return Path(home).expanduser().stat().st_uid if home else 0
    except FileNotFoundError:  # not there yet
        return 0


def _is_open(mode: int) -> bool:
    """Whether everybody may replace files in a folder; the sticky bit reserves that to owners."""
    return bool(mode & stat.S_IWOTH) and not mode & stat.S_ISVTX


def _refuse_open(path: Path, mode: int, values: Mapping[str, str]) -> None:
    """Check that nobody else can write the file, or read a password in it."""
    if not stat.S_ISREG(mode):  # /dev/null means: no file
        return
    if mode & stat.S_IWOTH:
        raise SecretUnusable(
            f"every user of this machine may write {path} (mode {stat.S_IMODE(mode):04o})",
            f"Close it with: chmod o-w {shlex.quote(str(path))}",
        )
    holds = [key for key, name in VARIABLES.items() if _has_password(values.get(name, ""))]
    if holds and mode & stat.S_IRWXO:
        raise SecretUnusable(
            f"{path} holds a password ({', '.join(holds)}) and is open to other users"
            f" (mode {stat.S_IMODE(mode):04o})",
            "Put the password into a file of its own (…-password-file),"
            f" or close this one with: chmod 640 {shlex.quote(str(path))}",
        )


# Passwords


def with_password(url: str, file: Path | None) -> str:
    """Add the password from a file to a URL; a password in the URL takes precedence.

    Raises:
        InvalidValue: the URL names no user, or is an SQLite URL.
        SecretUnusable: the file cannot be read, is open to others, or empty.
    """
    if file is None or re.match(_PASSWORD, url):
        return url
    if url.startswith("sqlite"):
        raise InvalidValue(
            f"the store is an SQLite file, which has no password, and {file} is to hold one",
            f"Leave out {VARIABLES['database-password-file']} (database-password-file), or name a"
            " PostgreSQL database in NEXIO_DATABASE_URL (database-url).",
        )
    found = re.match(_USER, url)
    if found is None:
        raise InvalidValue(
            f"{file} holds a password, and the URL that it is for names no user",
            "Write the user into the URL, such as postgresql://nexio@db.example.com/nexio",
        )
    return f"{found['start']}:{quote(_secret(file), safe='')}{url[found.end() - 1 :]}"


def masked(url: str) -> str:
    """A URL with its password masked; text that is not a URL is masked as a whole."""
    hidden = re.sub(_PERHAPS, r"\g<start>:***@", re.sub(_QUERY, r"\g<start>=***", url))
    return hidden if "://" in url else "***"


def _has_password(value: str) -> bool:
    return bool(re.match(_PERHAPS, value) or ("://" in value and re.search(_QUERY, value)))


def _secret(path: Path) -> str:
    """The first line of a file that other users cannot read."""
    try:
        with path.open(encoding="utf-8") as file:
            mode = os.fstat(file.fileno()).st_mode
            secret = file.readline().rstrip("\r\n")
    except OSError as error:
        raise SecretUnusable(
            f"the password file {path} cannot be read: {error.strerror}",
            "Run this as a user who may read it, or give that user's group mode 640.",
        ) from error
    except UnicodeDecodeError:
        secret = ""
    if mode & (stat.S_IRWXO | stat.S_IWGRP):
        raise SecretUnusable(
            f"the password file {path} is open to other users (mode {stat.S_IMODE(mode):04o})",
            f"Close it with: chmod 600 {shlex.quote(str(path))} (or 640 for a group)",
        )
    if not secret:
        raise SecretUnusable(
            f"the password file {path} has no password", "Write it into the first line, as UTF-8."
        )
    return secret
