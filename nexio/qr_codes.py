"""The text of a visitor's QR code: signed by this store, and not the PIN."""

from __future__ import annotations

import base64
import hmac
from typing import TYPE_CHECKING

from sqlalchemy import select

from nexio.store.creation import SIGNING_KEY_PURPOSE
from nexio.store.tables import StoreRevisionRow

if TYPE_CHECKING:
    from nexio.store.engine import Reading
    from nexio.visits import Visit

PREFIX = "NEXIO1"
SIGNATURE_OCTETS = 15


def qr_text(work: Reading, visit: Visit) -> str:
    """``NEXIO1:<visit>:<signature>``, capitals and digits only, so that the code stays small.

    The signing key is the store's own and sealed in it: codes in mails that were sent stay
    good when the keys of the store are changed.
    """
    sealed = work.session.scalars(select(StoreRevisionRow.signing_key_sealed)).one()
    key = base64.b64decode(work.keyring.unseal(sealed, SIGNING_KEY_PURPOSE))
    body = f"{PREFIX}:{visit.id}"
    signature = hmac.digest(key, body.encode(), "sha256")[:SIGNATURE_OCTETS]
    return f"{body}:{base64.b32encode(signature).decode()}"
