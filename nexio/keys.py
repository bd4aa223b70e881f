"""The keys that secrets at rest are sealed with, and what is made with them.

A *sealed* value is AES-256-GCM: key id (4 octets), nonce (12), ciphertext and tag; the
associated data names table and column, so that a value cannot be moved to another one.
A *digest* is an HMAC-SHA-256 of location and PIN under a second key derived from the first:
equal PINs of one location have equal digests, which is how a PIN is looked up and kept unique
without being readable.

The key file is text, one key a line (``id base64``), ``#`` starts a comment; the last key is
the one that a new store is made with.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import os
import secrets
import stat
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from nexio.errors import KeyUnusable

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

KEY_OCTETS = 32
ID_OCTETS = 4
NONCE_OCTETS = 12

HEADER = """\
# The keys of a nexio store. Without this file the PINs and secrets in the store are lost:
# keep a copy in a safe place, apart from the copies of the store. Never send it by mail.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Keyring:
    """The keys of a deployment, one of them in use."""

    keys: Mapping[str, bytes] = field(repr=False)
    active: str
    _digest_key: bytes = field(repr=False)

    @classmethod
    def of(cls, keys: Mapping[str, bytes], active: str) -> Keyring:
        """A keyring that seals and digests with the key ``active`` (8 hex digits)."""
        derived = HKDF(SHA256(), KEY_OCTETS, salt=None, info=b"nexio pin digest")
        return cls(keys=keys, active=active, _digest_key=derived.derive(keys[active]))

    def using(self, key_id: str) -> Keyring:
        """The same keys with ``key_id`` in use.

        Raises:
            KeyUnusable: the file holds no key of that id.
        """
        if key_id not in self.keys:
            raise KeyUnusable(
                "the key file does not hold the key of this store",
                "Point NEXIO_KEY_FILE at the key file that the store was made with.",
            )
        return Keyring.of(self.keys, key_id)

    def seal(self, value: str, purpose: str) -> bytes:
        """Encrypt ``value``; ``purpose`` is ``table.column``."""
        nonce = secrets.token_bytes(NONCE_OCTETS)
        ciphertext = AESGCM(self.keys[self.active]).encrypt(nonce, value.encode(), purpose.encode())
        return bytes.fromhex(self.active) + nonce + ciphertext

    def unseal(self, sealed: bytes, purpose: str) -> str:
        """Decrypt what :meth:`seal` made.

        Raises:
            KeyUnusable: sealed under a key that the file does not hold, or damaged.
        """
        key_id = sealed[:ID_OCTETS].hex()
        if key_id not in self.keys:
            raise KeyUnusable(
                "a value in the store is sealed with a key that the key file does not hold",
                "Restore the key file that belongs to this store.",
            )
        nonce = sealed[ID_OCTETS : ID_OCTETS + NONCE_OCTETS]
        ciphertext = sealed[ID_OCTETS + NONCE_OCTETS :]
        try:
            return AESGCM(self.keys[key_id]).decrypt(nonce, ciphertext, purpose.encode()).decode()
        except (InvalidTag, ValueError):  # ValueError: cut off within the nonce
            raise KeyUnusable(
                f"a value of {purpose} cannot be opened with its key",
                "The store is damaged or the key file is another one: restore a backup of both.",
            ) from None

    def digest(self, location_id: int, pin: str) -> bytes:
        """The blind index (32 octets) of a PIN at a location."""
        return hmac.digest(self._digest_key, f"{location_id}:{pin}".encode(), "sha256")


def create_key_file(path: Path) -> None:
    """Write a key file with one new key, readable by its owner alone.

    A file that is there already is left as it is: it may be the only copy.
    """
    line = f"{secrets.token_hex(ID_OCTETS)} {_encode(secrets.token_bytes(KEY_OCTETS))}\n"
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return
    except OSError as error:
        raise KeyUnusable(
            f"the key file {path} cannot be written: {error.strerror}",
            "Choose another place with NEXIO_KEY_FILE, or run this as a user who may write there.",
        ) from error
    with os.fdopen(descriptor, "w") as file:
        file.write(HEADER + line)
        file.flush()
        os.fsync(descriptor)


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
            "Run 'nexio init', or point NEXIO_KEY_FILE at the key file of this store.",
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


def _encode(octets: bytes) -> str:
    return base64.b64encode(octets).decode()
