"""Signatures of the store's own: they stay good when its keys are changed."""

from __future__ import annotations

import base64
import hmac

from sqlalchemy import select

from nexio.store.creation import SIGNING_KEY_PURPOSE
from nexio.store.engine import Reading
from nexio.store.tables import StoreRevisionRow


def sign(work: Reading, text: str) -> bytes:
    """An HMAC-SHA-256 (32 octets) under the signing key, which the store holds sealed."""
    sealed = work.session.scalars(select(StoreRevisionRow.signing_key_sealed)).one()
    key = base64.b64decode(work.keyring.unseal(sealed, SIGNING_KEY_PURPOSE))
    return hmac.digest(key, text.encode(), "sha256")
