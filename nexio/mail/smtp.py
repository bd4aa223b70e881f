"""Giving mail to a mail server (RFC 5321): one connection for many mails.

What goes wrong before a mail is the server's or the deployment's fault and raises; what goes
wrong with a mail is an :class:`Answer` about that mail.
"""

from __future__ import annotations

import smtplib
import time
from dataclasses import dataclass
from email.policy import SMTPUTF8
from enum import Enum, auto
from typing import TYPE_CHECKING, Self

from nexio.mail.connecting import clean, connect, reason_of, said, set_patience

if TYPE_CHECKING:
    from email.message import EmailMessage

    from nexio.mail.server import MailServer

LEAST_SECONDS = 0.1
"""What is left for an answer when the time is over: none would mean to wait for ever."""

_LOGIN_REFUSED = frozenset({530, 534, 535, 538})
"""RFC 4954 section 6: about us, and not about this mail."""

_OK = 250
_WILL_RECEIVE = frozenset({250, 251, 252})
_CLOSING = 421
_UTF8_OPTIONS = ("SMTPUTF8", "BODY=8BITMIME")
"""RFC 6531 section 3.4."""

_REFUSED = 500
"""From here on an answer is for good (RFC 5321 section 4.2.1)."""


class Outcome(Enum):
    """What became of a mail."""

    SENT = auto()
    REFUSED = auto()
    """For good: trying again is no use."""

    LATER = auto()
    """For now, or nobody knows: the line broke."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a server said to a mail."""

    outcome: Outcome
    words: str
    broken: bool = False
    """Whether the line broke, so that the words are ours."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How many seconds to wait for a mail server."""

    answer: float = 30.0
    """For connecting, and for each answer."""

    receipt: float = 30.0
    """For the answer to a whole mail: who hangs up too early does not know whether it was
    taken, and sends it twice (RFC 5321 section 4.5.3.2.6)."""

    total: float = float("inf")
    """For all mails together; only receipts are waited for beyond it."""


class SmtpConnection:
    """A connection that is made for the first mail, and again after it broke."""

    def __init__(self, server: MailServer, patience: Patience) -> None:
        self._server = server
        self._patience = patience
        self._deadline = time.monotonic() + patience.total
        self._smtp: smtplib.SMTP | None = None

    @property
    def is_late(self) -> bool:
        """Whether the time for all mails together is over."""
        return time.monotonic() >= self._deadline

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._smtp is not None:
            try:
                self._waiting(self._smtp).quit()
            except OSError:  # whatever it says to that, the mails are with it
                self._drop()

    def open(self) -> None:
        """Connect where there is no connection.

        Raises:
            MailServerUnreachable: nobody answers, the certificate is wrong, or the login is.
        """
        self._opened()

    def send(self, sender: str, to: str, message: EmailMessage) -> Answer:
        """Hand one mail over.

        Raises:
            MailServerUnreachable: as :meth:`open`.
        """
        used = self._smtp is not None
        answer = self._try(sender, to, message)
        # A server may hang up on a line that was idle: that says nothing about this mail.
        if answer is None and used:
            answer = self._try(sender, to, message)
        return answer or self._broken("the connection was closed")

    def _opened(self) -> smtplib.SMTP:
        self._smtp = self._smtp or connect(self._server, self._seconds)
        return self._smtp

    def _try(self, sender: str, to: str, message: EmailMessage) -> Answer | None:
        """One attempt; None where the line broke before the server knew of the mail."""
        smtp = self._opened()
        utf8 = not (sender + to).isascii()
        if utf8 and not smtp.has_extn("smtputf8"):
            words = f"{self._server.host} takes no addresses with letters beyond ASCII"
            return Answer(outcome=Outcome.REFUSED, words=words)
        try:
            code, text = self._waiting(smtp).mail(sender, _UTF8_OPTIONS if utf8 else ())
        except OSError:
            code, text = _CLOSING, b""
        if code == _CLOSING:
            self._drop()
            return None
        if code != _OK:
            return self._answered(code, text)
        octets = message.as_bytes(policy=SMTPUTF8) if utf8 else message.as_bytes()
        return self._hand_over(smtp, to, octets)

    def _hand_over(self, smtp: smtplib.SMTP, to: str, octets: bytes) -> Answer:
        try:
            code, text = self._waiting(smtp).rcpt(to)
            if code in _WILL_RECEIVE:
                code, text = set_patience(smtp, self._patience.receipt).data(octets)
        except smtplib.SMTPDataError as error:
            return self._answered(error.smtp_code, error.smtp_error)
        except OSError as error:
            return self._broken(reason_of(error))
        return self._answered(code, text)

    def _answered(self, code: int, text: bytes | str) -> Answer:
        words = clean(self._server, said(code, text))
        if code == _OK:
            return Answer(outcome=Outcome.SENT, words=words)
        self._forget_mail(code)
        for_good = code >= _REFUSED and code not in _LOGIN_REFUSED
        return Answer(outcome=Outcome.REFUSED if for_good else Outcome.LATER, words=words)

    def _forget_mail(self, code: int) -> None:
        """Make the connection fit for the next mail."""
        if self._smtp is None:
            return
        try:
            if code == _CLOSING or self._waiting(self._smtp).rset()[0] != _OK:
                self._drop()
        except OSError:
            self._drop()

    def _broken(self, reason: str) -> Answer:
        self._drop()
        words = clean(self._server, f"no answer from {self._server.shown}: {reason}")
        return Answer(outcome=Outcome.LATER, words=words, broken=True)

    def _waiting(self, smtp: smtplib.SMTP) -> smtplib.SMTP:
        return set_patience(smtp, self._seconds())

    def _seconds(self) -> float:
        return max(min(self._patience.answer, self._deadline - time.monotonic()), LEAST_SECONDS)

    def _drop(self) -> None:
        if self._smtp is not None:
            self._smtp.close()
        self._smtp = None
