"""E-mail addresses: parsed strictly once, then compared leniently (R8)."""

from __future__ import annotations

import unicodedata

from nexio.errors import InvalidValue
from nexio.input.names import quoted
from nexio.languages import ENGLISH, Marked, mark


def parse_email(text: str) -> str:
    """Return the address as it is written to, normalized, trimmed.

    The part before the @ keeps its case (RFC 5321 section 2.4 leaves it to the receiver);
    the domain is in lower case.  It makes no DNS query: a reception desk must be able to
    register visitors while the network is down.

    Raises:
        InvalidValue: it is not an address, has a display name or a quoted local part, or
            is at a domain that can receive no mail from here (``.local``, ``.test``).
    """
    # Slow to load, and commands and workers that only compare addresses load this module.
    from email_validator import EmailNotValidError, validate_email  # noqa: PLC0415

    try:
        address = validate_email(text.strip(), check_deliverability=False)
    except EmailNotValidError as error:
        raise InvalidValue(
            mark(
                "%(text)s is not an e-mail address%(reason)s",
                text=quoted(text.strip()),
                reason=_in_english(f": {' '.join(str(error).split())}"),
            ),
            mark("Write the address alone, like name@example.com."),
        ) from error
    return address.normalized


def _in_english(reason: str) -> Marked:
    """The library's message, which exists only in English."""
    return Marked(reason, lambda language: reason if language == ENGLISH else "")


def email_key(address: str) -> str:
    """Return the key for comparing and looking up: trimmed, composed, without case.

    A domain has two spellings, ``bücher.example`` and ``xn--bcher-kva.example``: they have the
    same key.  It never raises, whatever a guest typed.  R8: case makes no difference.
    """
    if address.isascii() and _ACE not in address.lower():  # ASCII is composed already
        return address.lower().strip()
    # Lower case, not case folding, which would make groß@ and gross@ the same mailbox.
    key = unicodedata.normalize("NFC", unicodedata.normalize("NFC", address).lower()).strip()
    local, at, domain = key.rpartition("@")
    return (local + at + _unicode_spelling(domain)).strip()


def ascii_spelling(address: str) -> str:
    """A stored address with its domain in ASCII, as DNS has it."""
    if address.isascii():
        return address
    import idna  # noqa: PLC0415 (slow to load and rarely needed)

    local, at, domain = address.rpartition("@")
    try:
        return local + at + idna.encode(domain, uts46=True).decode()
    except (idna.IDNAError, UnicodeError):
        return address


_ACE = "xn--"
"""The prefix of a label that encodes one beyond ASCII (RFC 5890 section 2.3.2.5)."""


def _unicode_spelling(domain: str) -> str:
    # Each label by itself: an invalid one does not affect the others.
    labels = _mapped(domain).split(".")
    return ".".join(_mapped(_decoded(label)) for label in labels)


def _mapped(text: str) -> str:
    """Wide letters, ideographic full stops and the like as DNS sees them (UTS 46)."""
    import idna  # noqa: PLC0415 (slow to load and rarely needed)

    try:
        return idna.uts46_remap(text, std3_rules=False, transitional=False)
    except (idna.IDNAError, UnicodeError):
        return text


def _decoded(label: str) -> str:
    import idna  # noqa: PLC0415 (slow to load and rarely needed)

    try:
        return idna.decode(label) if label.startswith(_ACE) else label
    except (idna.IDNAError, UnicodeError):
        return label
