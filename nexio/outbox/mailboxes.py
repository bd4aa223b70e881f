"""Sender and receiver of a mail: a name and an address, safe for a header."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from nexio.errors import InvalidValue
from nexio.input.names import JOINERS, quoted

if TYPE_CHECKING:
    from email.headerregistry import Address, AddressHeader

    from email_validator import ValidatedEmail

_NOT_IN_NAMES = frozenset('"\\<>[];:@=?')
"""Characters with a meaning in an address header (RFC 5322 section 3.2.3, RFC 2047 section 5)
that are in nobody's name."""

_ASIDES = frozenset(",()")
"""Characters with a meaning there that are in names such as "King, Jr." and "Smith (IT)"."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mailbox:
    """Somebody who sends or receives mail."""

    name: str
    address: str

    @property
    def header(self) -> Address:
        """The value for From and To; no name and no address can add a header or a receiver."""
        from email.headerregistry import Address  # noqa: PLC0415 (slow to load)

        user, _, domain = self.envelope.rpartition("@")
        whole = Address(_without(_NOT_IN_NAMES, self.name), user, domain)
        plain = Address(_without(_ASIDES, whole.display_name), user, domain)
        return whole if _is_read_back(whole) else plain

    @property
    def envelope(self) -> str:
        """The address for the mail server: the domain in ASCII (RFC 5891)."""
        address = _validated(self.address)
        return address.ascii_email or address.normalized

    @property
    def domain(self) -> str:
        """The part after the @, in ASCII."""
        return _validated(self.address).ascii_domain


def parse_sender(text: str | None) -> Mailbox:
    """Read ``NEXIO_MAIL_FROM``: ``desk@example.com`` or ``Harbour House <desk@example.com>``.

    Raises:
        InvalidValue: it is empty or not an address.
    """
    if not text:
        raise InvalidValue(
            "there is a mail server and no sender: NEXIO_MAIL_FROM is not set",
            "Say who the mail is from: NEXIO_MAIL_FROM='Harbour House <desk@example.com>'",
        )
    before, bracket, inside = text.strip().removesuffix(">").rpartition("<")
    name, address = (before, inside) if bracket else ("", text)
    try:
        return Mailbox(name=name.strip(' "'), address=_validated(address.strip()).normalized)
    except InvalidValue:
        raise InvalidValue(
            "NEXIO_MAIL_FROM is not an address to send from",
            "Write desk@example.com or 'Harbour House <desk@example.com>'.",
        ) from None


def header_text(text: str) -> str:
    """Make a text safe for a subject: one line, and nothing that could decode to another one.

    Python decodes what looks like an encoded word (RFC 2047), which may contain a line break.
    """
    return one_line(text).replace("=?", "= ?")


def one_line(text: str) -> str:
    """Text without anything that could end a line or control a terminal."""
    return " ".join("".join(map(_printable, text)).split())


def _without(characters: frozenset[str], name: str) -> str:
    return one_line("".join(" " if each in characters else each for each in name))


def _is_read_back(address: Address) -> bool:
    """Whether Python parses the header back to the same address.

    Python 3.11 drops the quotes where it folds a long name: then a comma would end the name.
    """
    from email import message_from_bytes  # noqa: PLC0415 (slow to load)
    from email.message import EmailMessage  # noqa: PLC0415
    from email.policy import default  # noqa: PLC0415

    message = EmailMessage()
    message["From"] = address
    header = message_from_bytes(message.as_bytes(), policy=default)["From"]
    return cast("AddressHeader", header).addresses == (address,)


def _printable(character: str) -> str:
    """Replace control characters with a blank; joiners are part of words."""
    steers = unicodedata.category(character) in {"Cc", "Cf", "Cs", "Zl", "Zp"}
    return " " if steers and character not in JOINERS else character


def _validated(address: str) -> ValidatedEmail:
    from email_validator import EmailNotValidError, validate_email  # noqa: PLC0415 (slow to load)

    try:
        return validate_email(address, check_deliverability=False)
    except EmailNotValidError:
        raise InvalidValue(
            f"{quoted(address)} is not an e-mail address", "Correct it, and send the mail again."
        ) from None
