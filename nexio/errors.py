"""The exceptions: everything that can be refused or go wrong, and who can do something about it.

NexioError
├── InvalidValue        exit 2  the caller wrote something that cannot be read
├── NotFound            exit 3  no such visitor, NAS, location, …
├── Refused             exit 4  a rule refuses it
│   └── UnknownCode
└── Unreachable         exit 5  the store, the key or a server is out of reach
    ├── StoreUnreachable
    ├── KeyUnusable
    ├── SecretUnusable
    ├── RowDamaged
    ├── SchemaMismatch
    └── MailServerUnreachable

Each has one line about what is wrong (``str(error)``), one line about what to do
(``error.advice``) and a stable word for scripts (``error.code``).  None ever holds a PIN, a
password or a secret.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from datetime import datetime


class NexioError(Exception):
    """A fault that a person can do something about.

    Args:
        message: what is wrong, one line, without a final line break; a text of
            :func:`nexio.languages.mark` if web pages show it, too.
        advice: what to do about it, one line; may be empty if the message says it.  Advice
            about the command line is not marked: web pages leave it out.
    """

    exit_code: ClassVar[int] = 1
    """a fault of nexio itself; it names a report file that you can send to its maintainers"""

    code: str = "fault"
    """A fault of nexio itself; the advice names a report file"""

    def __init__(self, message: str, advice: str = "") -> None:
        super().__init__(message)
        self.message, self.advice = message, advice


class InvalidValue(NexioError):
    """A value that cannot be read or is not allowed."""

    exit_code = 2
    """the command line is wrong: an unknown option, or a value that cannot be read"""

    code = "invalid"
    """A value cannot be read or is not allowed"""


class NotFound(NexioError):
    """Nothing of that name, number or address is in the store."""

    exit_code = 3
    """no such visitor, member, NAS, location or file"""

    code = "not-found"
    """No such visitor, member, NAS, location or file"""


class Rule(StrEnum):
    """Which rule of the door or the desk refused, for callers that word the refusal themselves."""

    NOBODY = "nobody"
    """The PIN is nobody's, or not any more."""

    NO_CODE = "no-code"
    """What was scanned is not a visitor's code."""

    WIFI_CODE = "wifi-code"
    """It is the code for the Wi-Fi, which stands beside the visitor's in the mail."""

    REPLACED = "replaced"
    """A newer mail has a newer code."""

    DELETED = "deleted"
    """The visit was deleted."""

    ELSEWHERE = "elsewhere"
    """The visit is at another location."""

    LEAVING = "leaving"
    """R14: so soon after the check-in, the code alone does not check out."""

    NOT_YET = "not-yet"
    """R15: the day of the visit is still to come."""

    OVER = "over"
    """R15: it has passed."""

    ENDED = "ended"
    """R14: in and out once a day."""

    TWICE = "twice"
    """The same e-mail is expected at the same time already."""

    PASS_ELSEWHERE = "pass-elsewhere"
    """The pass is for another location."""

    STALE = "stale"
    """A pass's code is too old, or none."""

    USED = "used"
    """A pass's code was used before."""

    GONE = "gone"
    """The pass was taken away, or there is a newer one."""


class Refused(NexioError):
    """A rule refused what was asked; the message names the rule in words.

    Args:
        message: as for every error.
        advice: as for every error, for the desk.
        rule: the rule.
        at: the time that the refusal is about.
    """

    exit_code = 4
    """a rule says no, and the message says which; also: a login was rejected, a check found
    something, or `--yes` is missing in a script"""

    code = "refused"
    """A rule says no that has no code of its own"""

    def __init__(
        self,
        message: str,
        advice: str = "",
        *,
        rule: Rule | None = None,
        at: datetime | None = None,
    ) -> None:
        super().__init__(message, advice)
        self.rule, self.at = rule, at
        if rule is not None:
            self.code = rule.value


class UnknownCode(Refused):
    """A PIN that is nobody's, or a forged QR code: it may be a guess."""

    code = "unknown-code"
    """A PIN or a QR code leads to nobody"""


class Unreachable(NexioError):
    """Something outside this process is not there or does not let us in."""

    exit_code = 5
    """the store, the key, a server or a file is out of reach, or the output cannot be written"""

    code = "unreachable"
    """A server or a file is out of reach"""


class StoreUnreachable(Unreachable):
    """The store cannot be opened, read or written."""

    code = "store-unreachable"
    """The store cannot be opened, read or written"""


class KeyUnusable(Unreachable):
    """The key file is missing, unreadable, open to others or not this store's."""

    code = "key-unusable"
    """The key file is missing, unreadable, open to others, or not this store's"""


class SecretUnusable(Unreachable):
    """A file with a password is missing, unreadable or open to others."""

    code = "secret-unusable"
    """A file with a password is missing, unreadable or open to others"""


class RowDamaged(Unreachable):
    """A row of the store holds what cannot be used."""

    code = "row-damaged"
    """A row of the store holds what cannot be used: `nexio db check`"""


class SchemaMismatch(Unreachable):
    """The store has the schema of another version of this software."""

    code = "schema-mismatch"
    """The store is of another version of nexio"""


class MailServerUnreachable(Unreachable):
    """The mail server does not answer, or does not let us in."""

    code = "mail-server-unreachable"
    """The mail server does not answer, or does not let nexio in"""
