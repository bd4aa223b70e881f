"""Read and write the key file: text, one key per line (``id base64``), ``#`` starts a comment.

A new store uses the last key; each store records the id of the key that it uses.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import os
import secrets
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from nexio.errors import KeyUnusable
from nexio.keys.keyring import ID_OCTETS, KEY_OCTETS, Keyring
from nexio.unfinished import temporary_folder

HEADER = """\
# The keys of a nexio store. Without this file the PINs and secrets in the store are lost:
# keep a copy in a safe place, apart from the copies of the store. Never send it by mail.
"""


def create_key_file(path: Path, *, like: Path | None = None) -> None:
    """Write a key file with one new key, readable only by its owner.

    An existing file is left unchanged: it may be the only copy.

    Args:
        path: of the key file.
        like: a file whose owner, group and mode the new one gets.

    Raises:
        KeyUnusable: it cannot be written.
    """
    with _writing(path):
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        first = {_new_id(): secrets.token_bytes(KEY_OCTETS)}
        with _beside(path, first) as whole, contextlib.suppress(FileExistsError):
            if like is not None:
                _share(whole, like.stat())
            path.hardlink_to(whole)


def add_key(path: Path) -> Keyring:
    """Add a new key to the file, after the others.

    Returns:
        All keys, with the new one in use.

    Raises:
        KeyUnusable: the file cannot be read or written.
    """
    keys = {**load_keys(path).keys, _new_id(): secrets.token_bytes(KEY_OCTETS)}
    _replace(path, keys)
    return Keyring.of(keys, list(keys)[-1])


def keep_only(path: Path, key_id: str) -> Path:
    """Move all other keys from the file to a file of retired keys.

    Older backups need the old keys, and so does any other store that was made with this file.

    Returns:
        The file with the old keys.

    Raises:
        KeyUnusable: a file cannot be read or written, or does not hold that key.
    """
    path = path.resolve()
    retired_file = path.with_name(f"{path.name}.retired")
    keys = load_keys(path).using(key_id).keys
    retired = {each: secret for each, secret in keys.items() if each != key_id}
    if retired:
        with _writing(retired_file):
            before = load_keys(retired_file).keys if retired_file.exists() else {}
        with _writing(retired_file), _beside(retired_file, {**before, **retired}) as whole:
            whole.replace(retired_file)
    _replace(path, {key_id: keys[key_id]})
    return retired_file


def load_keys(path: Path) -> Keyring:
    """Read the key file; the last key is in use.

    Raises:
        KeyUnusable: missing, unreadable, open to others, or not a key file.
    """
    try:
        with path.open(encoding="ascii") as file:
            mode = os.fstat(file.fileno()).st_mode
            if mode & (stat.S_IRWXO | stat.S_IWGRP):
                raise KeyUnusable(
                    f"the key file {path} is open to other users (mode {stat.S_IMODE(mode):04o})",
                    f"Close it with: chmod 600 {path} (or 640 for a group that shares it)",
                )
            keys = _parse(path, file.read())
    except FileNotFoundError:
        raise KeyUnusable(
            f"there is no key file at {path}",
            "Bring it back, or point NEXIO_KEY_FILE at it; for a new store: nexio init",
        ) from None
    except UnicodeDecodeError:
        raise _not_a_key_file(path) from None
    except OSError as error:
        raise KeyUnusable(
            f"the key file {path} cannot be read: {error.strerror}",
            "Run this as a user who may read it, or give that user's group mode 640.",
        ) from error
    return Keyring.of(keys, list(keys)[-1])


def _parse(path: Path, content: str) -> dict[str, bytes]:
    keys: dict[str, bytes] = {}
    for line in content.splitlines():
        words = line.partition("#")[0].split()
        if not words:
            continue
        try:
            key_id, encoded = words
            secret = base64.b64decode(encoded, validate=True)
            valid = len(bytes.fromhex(key_id)) == ID_OCTETS and len(secret) == KEY_OCTETS
        except (ValueError, binascii.Error):
            valid = False
        if not valid:
            raise _not_a_key_file(path)
        keys[key_id.lower()] = secret
    if not keys:
        raise _not_a_key_file(path)
    return keys


def _not_a_key_file(path: Path) -> KeyUnusable:
    return KeyUnusable(
        f"{path} is not a key file of nexio",
        "Point NEXIO_KEY_FILE at the key file that 'nexio init' made.",
    )


def _replace(path: Path, keys: Mapping[str, bytes]) -> None:
    """Replace the file atomically, and preserve its owner, group and mode."""
    path = path.resolve()  # keep a link to a file that others use, too
    with _writing(path), _beside(path, keys) as whole:
        _share(whole, path.stat())
        whole.replace(path)


def _share(path: Path, status: os.stat_result) -> None:
    path.chmod(stat.S_IMODE(status.st_mode))
    os.chown(path, status.st_uid, status.st_gid)


@contextmanager
def _beside(path: Path, keys: Mapping[str, bytes]) -> Iterator[Path]:
    """Write a complete file in the same folder, to be renamed into place."""
    with temporary_folder(path.parent) as folder:
        whole = folder / path.name
        descriptor = os.open(whole, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(HEADER)
            for key_id, secret in keys.items():
                file.write(f"{key_id} {base64.b64encode(secret).decode()}\n")
            file.flush()
            os.fsync(descriptor)
        yield whole


@contextmanager
def _writing(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise KeyUnusable(
            f"the key file {path} cannot be written: {error.strerror}",
            "Choose another place with NEXIO_KEY_FILE, or run this as a user who may write there.",
        ) from error


def _new_id() -> str:
    return secrets.token_hex(ID_OCTETS)
