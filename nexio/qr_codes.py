"""The text of a visitor's QR code: signed by this store, and not the PIN."""

from __future__ import annotations

import base64
import hmac
from typing import TYPE_CHECKING

from nexio.errors import Refused
from nexio.signing import sign
from nexio.store.tables import LARGEST_NUMBER

if TYPE_CHECKING:
    from nexio.store.engine import Reading
    from nexio.visits import Visit

PREFIX = "NEXIO1"
SIGNATURE_OCTETS = 15


def qr_text(work: Reading, visit: Visit) -> str:
    """``NEXIO1:<visit>:<signature>``, capitals and digits only, so that the code stays small.

    Codes in mails that were sent stay good when the keys of the store are changed.
    """
    return _signed(work, visit.id)


def read_qr(work: Reading, text: str) -> int:
    """The number of the visit that a code was made for.

    Raises:
        Refused: another code, a cut one, or one that this store has not signed.
    """
    prefix, _, rest = text.strip().upper().partition(":")
    number, _, _ = rest.partition(":")
    if prefix != PREFIX or not (number.isascii() and number.isdigit()):
        raise Refused("this is not a visitor's code", "Scan the code in the registration e-mail.")
    small = len(number) <= len(str(LARGEST_NUMBER)) and 0 < int(number) <= LARGEST_NUMBER
    if not small or not hmac.compare_digest(
        text.strip().upper().encode(), _signed(work, int(number)).encode()
    ):
        raise Refused(
            "this code was not made here, or a part of it is missing",
            "Scan it again, or type the PIN.",
        )
    return int(number)


def _signed(work: Reading, number: int) -> str:
    body = f"{PREFIX}:{number}"
    signature = sign(work, body)[:SIGNATURE_OCTETS]
    return f"{body}:{base64.b32encode(signature).decode()}"
