"""The keys for secrets at rest: seal, unseal, and digests of PINs.

A *sealed* value is AES-256-GCM: key id (4 octets), nonce (12), ciphertext and tag; the associated
data names table and column, so that a value cannot be moved to another column.  A *digest* is an
HMAC-SHA-256 of location and PIN under another key derived from the first: equal PINs of one
location have equal digests, so a PIN can be looked up and be unique without being readable.

Secrets of NAS may be sealed with a *second* key, from a file that reception need not be able to
read.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import TYPE_CHECKING

from nexio.errors import KeyUnusable
from nexio.keys.purposes import NAS_SECRET, SAVED_TABLE

if TYPE_CHECKING:
    from nexio.keys.cipher import Cipher

KEY_OCTETS = 32
ID_OCTETS = 4
NONCE_OCTETS = 12
TAG_OCTETS = 16
_BLOCK = 64
"""Octets of SHA-256's block."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Keyring:
    """The keys of a deployment, one of them in use."""

    keys: Mapping[str, bytes] = field(repr=False)
    active: str
    second: str | None = None
    """The id of the key for NAS secrets; None is the same key.  It may be missing in ``keys``."""

    absent: str | None = None
    """The path of the second key's file if it does not exist; None also if only others may read
    it."""

    @classmethod
    def of(cls, keys: Mapping[str, bytes], active: str, second: str | None = None) -> Keyring:
        """A keyring that seals and digests with the key ``active`` (8 hex digits)."""
        return cls(keys=keys, active=active, second=second)

    def using(self, key_id: str, second: str | None = None) -> Keyring:
        """A keyring with the same keys, with ``key_id`` in use and ``second`` for NAS secrets.

        Raises:
            KeyUnusable: the file holds no key of that id.
        """
        if key_id not in self.keys:
            raise KeyUnusable(
                "the key file does not hold the key of this store",
                "Point NEXIO_KEY_FILE at the key file that the store was made with.",
            )
        return replace(Keyring.of(self.keys, key_id, second), absent=self.absent)

    @property
    def lacks_second(self) -> bool:
        """Whether there is a second key that this process does not have."""
        return self.second is not None and self.second not in self.keys

    def require_second(self) -> None:
        """Require that the secrets of NAS can be read and written.

        Raises:
            KeyUnusable: the second key is missing.
        """
        if self.lacks_second:
            raise second_missing(self.absent)

    def seal(self, value: str, purpose: str) -> bytes:
        """Encrypt ``value``; ``purpose`` is ``table.column``.

        Raises:
            KeyUnusable: the purpose is NAS secrets, and the second key is missing.
        """
        return self.seal_octets(value.encode(), purpose)

    def seal_octets(self, octets: bytes, purpose: str) -> bytes:
        """:meth:`seal` for octets."""
        key_id = self.active
        if self.second is not None and purpose.startswith((NAS_SECRET, SAVED_TABLE)):
            self.require_second()
            key_id = self.second
        nonce = secrets.token_bytes(NONCE_OCTETS)
        cipher = _cipher(self.keys[key_id])
        return bytes.fromhex(key_id) + nonce + cipher.encrypt(nonce, octets, purpose)

    def unseal(self, sealed: bytes, purpose: str) -> str:
        """Decrypt the result of :meth:`seal`.

        Raises:
            KeyUnusable: sealed with a key that is not in the file, or damaged.
        """
        octets = self.unseal_octets(sealed, purpose)
        try:
            return octets.decode()
        except UnicodeDecodeError:
            raise _damaged(purpose) from None

    def unseal_octets(self, sealed: bytes, purpose: str) -> bytes:
        """Decrypt the result of :meth:`seal_octets`.

        Raises:
            KeyUnusable: as :meth:`unseal`.
        """
        key_id = sealed[:ID_OCTETS].hex()
        if key_id == self.second:
            self.require_second()
        if key_id not in self.keys:
            raise KeyUnusable(
                "a value in the store is encrypted with a key that the key file does not hold",
                "Restore the key file that belongs to this store.",
            )
        nonce = sealed[ID_OCTETS : ID_OCTETS + NONCE_OCTETS]
        ciphertext = sealed[ID_OCTETS + NONCE_OCTETS :]
        try:
            cipher = _cipher(self.keys[key_id])
            return cipher.decrypt(nonce, ciphertext, purpose)
        except ValueError:
            raise _damaged(purpose) from None

    def is_closed(self, sealed: bytes) -> bool:
        """Whether a value is sealed with the second key, which is missing."""
        return self.lacks_second and sealed[:ID_OCTETS].hex() == self.second

    def is_current(self, sealed: bytes) -> bool:
        """Whether a value is sealed with the key in use."""
        return sealed[:ID_OCTETS].hex() == self.active

    @staticmethod
    def sealed_length(octets: int) -> int:
        """The length of a sealed value of so many octets: AES-GCM adds no padding."""
        return ID_OCTETS + NONCE_OCTETS + octets + TAG_OCTETS

    def digest(self, location_id: int, pin: str) -> bytes:
        """The blind index (32 octets) of a PIN at a location."""
        # Copying the state of a key hashed once takes a sixth of the time of ``hmac.digest``, and a
        # server computes a digest for each login (``python -m benchmarks.path``).
        inner, outer = _hashed(self.keys[self.active], location_id)
        inner, outer = inner.copy(), outer.copy()
        inner.update(pin.encode())
        outer.update(inner.digest())
        return outer.digest()


def second_missing(absent: str | None = None) -> KeyUnusable:
    """The error if the second key is needed, and this process does not have it.

    Args:
        absent: see :attr:`Keyring.absent`.
    """
    if absent is not None:
        return KeyUnusable(
            f"the secrets of access points have a key of their own, and there is no file {absent}",
            "Bring it back from where you keep keys, or point NEXIO_NAS_KEY_FILE at it.",
        )
    return KeyUnusable(
        "the secrets of access points have a key of their own, which you cannot read",
        "Run this as a user who may read the file nas-key, which lies beside the key file or"
        " where NEXIO_NAS_KEY_FILE says. If it is gone, bring it back from where you keep keys.",
    )


def _damaged(purpose: str) -> KeyUnusable:
    return KeyUnusable(
        f"a value of {purpose} cannot be opened with its key",
        "The store is damaged or the key file is another one: restore a backup of both.",
    )


@lru_cache(maxsize=16)
def _cipher(key: bytes) -> Cipher:
    """The cached cipher of a key; making one takes longer than decrypting a PIN.

    See ``python -m benchmarks.path``.
    """
    from nexio.keys.cipher import Cipher  # noqa: PLC0415 (a command that shows no PIN is fast)

    return Cipher(key)


@lru_cache(maxsize=1024)
def _hashed(key: bytes, location_id: int) -> tuple[hashlib._Hash, hashlib._Hash]:
    """The initial states of HMAC-SHA-256 (RFC 2104) for a location, under the derived key."""
    from nexio.keys.cipher import derived_key  # noqa: PLC0415 (as above)

    derived = derived_key(key, b"nexio pin digest")
    padded = derived.ljust(_BLOCK, b"\0")
    return (
        hashlib.sha256(bytes(octet ^ 0x36 for octet in padded) + b"%d:" % location_id),
        hashlib.sha256(bytes(octet ^ 0x5C for octet in padded)),
    )
