"""Encrypt and decrypt with AES-256-GCM, and derive keys with HKDF-SHA-256."""

from __future__ import annotations

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from nexio.keys.keyring import KEY_OCTETS


class Cipher:
    """Encrypts and decrypts with one key.

    Args:
        key: 32 octets.
    """

    def __init__(self, key: bytes) -> None:
        self._aes = AESGCM(key)

    def encrypt(self, nonce: bytes, octets: bytes, purpose: str) -> bytes:
        """Encrypt octets for a purpose; the tag is appended."""
        return self._aes.encrypt(nonce, octets, purpose.encode())

    def decrypt(self, nonce: bytes, octets: bytes, purpose: str) -> bytes:
        """Decrypt the result of :meth:`encrypt`.

        Raises:
            ValueError: it was changed, truncated, or encrypted with another key or purpose.
        """
        try:
            return self._aes.decrypt(nonce, octets, purpose.encode())
        except InvalidTag:
            raise ValueError("not what was encrypted") from None


def derived_key(key: bytes, purpose: bytes) -> bytes:
    """Derive a key of 32 octets for a purpose (RFC 5869, without a salt)."""
    return HKDF(SHA256(), KEY_OCTETS, salt=None, info=purpose).derive(key)
