"""E-mail addresses: read with care once, then compared with leniency (R8)."""

from __future__ import annotations

import unicodedata

from email_validator import EmailNotValidError, validate_email

from nexio.errors import InvalidValue
from nexio.names import quoted


def parse_email(text: str) -> str:
    """Return the address as it is written to, normalized, trimmed.

    The part before the @ keeps its case (RFC 5321 section 2.4 leaves it to the receiver);
    the domain is in lower case.  No DNS is asked: a reception desk must be able to
    register while the network is down.

    Raises:
        InvalidValue: it is not an address, has a display name or a quoted local part, or
            is at a domain that can receive no mail from here (``.local``, ``.test``).
    """
    try:
        address = validate_email(text.strip(), check_deliverability=False)
    except EmailNotValidError as error:
        reason = " ".join(str(error).split())
        raise InvalidValue(
            f"{quoted(text.strip())} is not an e-mail address: {reason}",
            "Write the address alone, like name@example.com.",
        ) from error
    return address.normalized


def email_key(address: str) -> str:
    """Return what is compared and looked up: trimmed, composed, without case.

    It never raises, whatever a guest typed.  R8: upper or lower case is forgiven.
    """
    if address.isascii():  # composed as it is
        return address.lower().strip()
    # Lower case, and not case folding: that would make one mailbox of groß@ and gross@.
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", address).lower()).strip()
