"""AES-256-GCM."""

from __future__ import annotations

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM


class Cipher:
    """What encrypts and decrypts with a key.

    Args:
        key: 32 octets.
    """

    def __init__(self, key: bytes) -> None:
        self._aes = AESGCM(key)

    def encrypt(self, nonce: bytes, octets: bytes, purpose: str) -> bytes:
        """Encrypt octets for a purpose; the tag stands behind them."""
        return self._aes.encrypt(nonce, octets, purpose.encode())

    def decrypt(self, nonce: bytes, octets: bytes, purpose: str) -> bytes:
        """Decrypt what :meth:`encrypt` made.

        Raises:
            ValueError: it was changed, cut, or encrypted with another key or for another purpose.
        """
        try:
            return self._aes.decrypt(nonce, octets, purpose.encode())
        except InvalidTag:
            raise ValueError("not what was encrypted") from None
