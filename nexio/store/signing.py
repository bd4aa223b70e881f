"""Signatures under the store's signing key, which the store holds sealed."""

from __future__ import annotations

import base64
import hmac

from sqlalchemy import select

from nexio.keys.purposes import SIGNING_KEY
from nexio.store.engine import Reading
from nexio.store.tables import StoreRevisionRow


def sign(work: Reading, text: str) -> bytes:
    """An HMAC-SHA-256 (32 octets) under the signing key."""
    sealed = work.session.scalars(select(StoreRevisionRow.signing_key_sealed)).one()
    key = base64.b64decode(work.keyring.unseal(sealed, SIGNING_KEY))
    return hmac.digest(key, text.encode(), "sha256")
