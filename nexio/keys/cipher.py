"""Encrypt and decrypt with AES-256-GCM."""

from __future__ import annotations

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM


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
