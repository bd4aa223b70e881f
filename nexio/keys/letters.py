"""Letters: messages that a browser encrypts, and only the holder of the store's keys can read.

A letter is an ephemeral public key on P-256 (65 octets, uncompressed), a nonce (12), ciphertext
and tag of AES-256-GCM.  Its key is HKDF-SHA-256 of the shared secret, without a salt.  WebCrypto
has all of these; ``nexio_web/static/offline.js`` writes them.
"""

from __future__ import annotations

import base64
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from nexio.keys.cipher import derived_key
from nexio.keys.keyring import NONCE_OCTETS

CURVE: Final = ec.SECP256R1()
ORDER: Final = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
"""Order of the curve's group (FIPS 186-4, D.1.2.3)."""

POINT_OCTETS: Final = 65
PURPOSE: Final = b"nexio offline tap"


def private_key(secret: bytes) -> ec.EllipticCurvePrivateKey:
    """Derive the private key from a secret of 64 octets: more than 48, so there is no bias."""
    return ec.derive_private_key(1 + int.from_bytes(secret) % (ORDER - 1), CURVE)


def public_text(key: ec.EllipticCurvePrivateKey) -> str:
    """The public key in the form that a browser takes: the point in base64url."""
    point = key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    return base64.urlsafe_b64encode(point).decode()


def open_letter(key: ec.EllipticCurvePrivateKey, letter: str, beside: str) -> bytes:
    """Decrypt a letter.

    Args:
        key: our private key.
        letter: in base64url.
        beside: the associated data.

    Raises:
        ValueError: it was changed, truncated, or encrypted for another key.
    """
    octets = base64.urlsafe_b64decode(letter)
    point, nonce = octets[:POINT_OCTETS], octets[POINT_OCTETS : POINT_OCTETS + NONCE_OCTETS]
    sender = ec.EllipticCurvePublicKey.from_encoded_point(CURVE, point)
    shared = key.exchange(ec.ECDH(), sender)
    derived = derived_key(shared, PURPOSE)
    try:
        return AESGCM(derived).decrypt(
            nonce, octets[POINT_OCTETS + NONCE_OCTETS :], beside.encode()
        )
    except InvalidTag:
        raise ValueError("not a letter to this key") from None
