"""Check who owns the key file of a deployment, and who may write to its folders.

Somebody who can replace the key file, the store or a folder above them can read everything that is
sealed from then on.  Root, the user of this process and the owner of ``NEXIO_HOME`` can do so
anyway, and so can a group that was given the right.  Nobody else may.
"""

from __future__ import annotations

import os
import pwd
import shlex
import stat
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from nexio.configuration import Configuration
from nexio.errors import KeyUnusable, StoreUnreachable
from nexio.keys.key_file import load_keys
from nexio.keys.keyring import Keyring


def load_trusted_keys(configuration: Configuration) -> Keyring:
    """Read the key file of a deployment, and that of the second key if this user may read it.

    Raises:
        KeyUnusable: it cannot be used, or somebody else could have put it there.
        StoreUnreachable: everybody may write to the folder of the store.
    """
    refuse_open_folders(configuration)
    keyring = load_keys(configuration.key_file)
    _require_owner(configuration, configuration.key_file)
    path = configuration.nas_key_file
    if not os.access(path, os.R_OK):
        return replace(keyring, absent=str(path) if _is_absent(path) else None)
    second = load_keys(path)
    _require_owner(configuration, path)
    return replace(keyring, keys={**second.keys, **keyring.keys})


def _is_absent(path: Path) -> bool:
    """Whether there is no such file, as far as this user can see."""
    try:
        path.stat()
    except FileNotFoundError:
        return True
    except OSError:  # closed to us
        return False
    return False


def refuse_open_folders(configuration: Configuration) -> None:
    """Refuse a deployment whose folders everybody may write to.

    A group may write: stores are shared that way.  Everybody may write to a folder such as /tmp
    *above* these, as its sticky bit protects the files of each owner.

    Raises:
        StoreUnreachable: everybody may write to one of them.
    """
    closed = [str(configuration.home), *_store_paths(configuration.database_url)]
    for path in closed:
        _refuse_if_open(path, shared=0)
    for folder in _folders_above(
        [*closed, str(configuration.key_file), str(configuration.nas_key_file)]
    ):
        _refuse_if_open(folder, shared=stat.S_ISVTX)


def _folders_above(paths: Sequence[str]) -> dict[str, None]:
    """All folders above the paths, each once, including the targets of links.

    Computed with strings, since every command does it: ``Path`` would take eight times as long.
    """
    folders: dict[str, None] = {}
    ends = [os.path.realpath(path) for path in paths if os.path.islink(path)]  # noqa: PTH114
    for parent in dict.fromkeys(os.path.dirname(path) or "." for path in (*paths, *ends)):  # noqa: PTH120
        for folder in (parent, os.path.realpath(parent)):
            while folder not in folders:
                folders[folder] = None
                folder = os.path.dirname(folder) or "."  # noqa: PTH120, PLW2901
    return folders


def _store_paths(database_url: str) -> list[str]:
    """The SQLite file and its folder: a user who may write there can leave a journal to replay."""
    try:
        url = make_url(database_url)
    except (ArgumentError, ValueError):  # opening it will raise an error
        return []
    if url.get_backend_name() != "sqlite" or not url.database:
        return []
    path = Path(url.database).absolute()
    return [str(path.parent), str(path)]


def _refuse_if_open(path: str, *, shared: int) -> None:
    """Refuse a path that everybody may write to, unless it has the bit that makes this harmless."""
    try:
        mode = os.stat(path).st_mode  # noqa: PTH116
    except OSError:  # missing, or closed to us: its use will raise an error
        return
    if mode & stat.S_IWOTH and not mode & shared:
        raise StoreUnreachable(
            f"{path} can be written by every user of this machine (mode {stat.S_IMODE(mode):04o})",
            f"Close it with: chmod o-w {shlex.quote(path)}",
        )


def _require_owner(configuration: Configuration, path: Path) -> None:
    home = configuration.home
    keeper = home.stat().st_uid if home.exists() else os.geteuid()
    owner = path.stat().st_uid
    if owner not in {0, os.geteuid(), keeper}:
        raise KeyUnusable(
            f"the key file {path} belongs to {_name(owner)}: neither to root, nor to you,"
            f" nor to the owner of {home}",
            f"If it is the right key: chown {_name(keeper)} {shlex.quote(str(path))}",
        )


def _name(user: int) -> str:
    try:
        return pwd.getpwuid(user).pw_name
    except KeyError:  # of another machine, or deleted
        return str(user)
