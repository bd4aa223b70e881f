"""What a tablet writes while the server is away, made without a browser."""

from __future__ import annotations

import base64
import json
import secrets
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat


def letter(public: str, content: Any, tap_id: str) -> str:
    """What ``offline.js`` writes."""
    point = base64.urlsafe_b64decode(public)
    server = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point)
    own, nonce = ec.generate_private_key(ec.SECP256R1()), secrets.token_bytes(12)
    shared = own.exchange(ec.ECDH(), server)
    key = HKDF(SHA256(), 32, salt=None, info=b"nexio offline tap").derive(shared)
    sealed = AESGCM(key).encrypt(nonce, json.dumps(content).encode(), tap_id.encode())
    mine = own.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    return base64.urlsafe_b64encode(mine + nonce + sealed).decode()
