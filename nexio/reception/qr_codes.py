"""Make and check the text of a visitor's QR code, which is signed by this store."""

from __future__ import annotations

import base64
import hmac

from sqlalchemy import select

from nexio.errors import Refused, Rule, UnknownCode
from nexio.input.scanners import bare, read_scan
from nexio.reception.visits import Visit, no_such_visit
from nexio.store.engine import Reading
from nexio.store.signing import sign
from nexio.store.tables import VisitRow, parse_number

PREFIX = "NEXIO1"
WIFI = "WIFI:"
"""Prefix of a code that makes phones join a Wi-Fi; our mails have one beside the visitor's."""

SIGNATURE_OCTETS = 15


def qr_text(work: Reading, visit: Visit) -> str:
    """``NEXIO1:<visit>:<signature>``, capitals and digits only, so that the code stays small.

    After a change of its PIN a visit has a higher edition:
    ``NEXIO1:<visit>:<edition>:<signature>``.  The code does not contain the PIN.  Codes in sent
    mails stay valid when the keys of the store are changed.
    """
    return _signed(work, visit.id, _edition(work, visit.id))


def is_qr(text: str) -> bool:
    """Whether a text was scanned from a mail, rather than typed as a PIN."""
    return bare(text).upper().startswith((PREFIX, WIFI))


def read_qr(work: Reading, text: str) -> int:
    """The number of the visit that a code was made for.

    Raises:
        InvalidValue: the scanner's keyboard layout has changed the code.
        NotFound: the visit was erased since.
        Refused: a code of another kind, a truncated one, one that this store has not signed, or
            one of a mail that a newer mail has replaced.
    """
    scanned = read_scan(text).upper()
    if scanned.startswith(WIFI):
        raise Refused(
            "this is the code for the Wi-Fi",
            "Scan the other code in the mail.",
            rule=Rule.WIFI_CODE,
        )
    prefix, _, rest = scanned.partition(":")
    words = rest.split(":")
    visit_id = parse_number(words[0])
    if prefix != PREFIX or visit_id is None:
        raise Refused(
            "this is not a visitor's code",
            "Scan the code in the registration e-mail.",
            rule=Rule.NO_CODE,
        )
    has_edition = len(words) == len(("visit", "edition", "signature"))
    edition = (parse_number(words[1]) or 0) if has_edition else 1
    genuine = _signed(work, visit_id, edition)
    octets = scanned.encode(errors="surrogatepass")  # invalid UTF-8 arrives as surrogates
    if visit_id == 0 or not hmac.compare_digest(octets, genuine.encode()):
        raise UnknownCode(
            "this code was not made here, or a part of it is missing",
            "Scan it again, or type the PIN.",
            rule=Rule.NO_CODE,
        )
    if edition != _edition(work, visit_id):
        raise Refused(
            f"this code of visit {visit_id} is no longer valid: a newer mail was sent",
            "Scan the code in the newest mail, or type its PIN.",
            rule=Rule.REPLACED,
        )
    return visit_id


def _edition(work: Reading, visit_id: int) -> int:
    edition = work.session.scalar(select(VisitRow.qr_edition).where(VisitRow.id == visit_id))
    if edition is None:
        raise no_such_visit(str(visit_id))
    return edition


def _signed(work: Reading, visit_id: int, edition: int) -> str:
    # The first edition has no number: codes from before editions existed stay valid.
    body = f"{PREFIX}:{visit_id}" + (f":{edition}" if edition > 1 else "")
    signature = sign(work, body)[:SIGNATURE_OCTETS]
    return f"{body}:{base64.b32encode(signature).decode()}"
