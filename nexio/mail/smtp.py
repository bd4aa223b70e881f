"""Sends mail to a mail server (RFC 5321): one connection for many mails.

An error before a mail is about the server or the deployment, and is raised; an error during a mail
is a :class:`MailReply` about that mail.
"""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from dataclasses import dataclass
from email.message import EmailMessage
from email.policy import SMTPUTF8
from enum import Enum, auto
from typing import Self

from aiosmtplib import SMTPResponseException

from nexio.errors import MailServerUnreachable
from nexio.mail.connecting import CONNECTION_ERRORS, Client, connect, reason_of, reply, unreachable
from nexio.mail.server import MailServer

LEAST_SECONDS = 1.0
"""The time for a mail that is begun when the total time is nearly over."""

_LOGIN_REFUSED = frozenset({530, 534, 535, 538})
"""RFC 4954 section 6: about us, not about this mail."""

_UTF8_OPTIONS = ("SMTPUTF8", "BODY=8BITMIME")
"""RFC 6531 section 3.4."""

_NO, _NO_FOR_GOOD = 400, 500
"""The lowest codes of a temporary and a permanent refusal (RFC 5321 section 4.2.1)."""


class MailOutcome(Enum):
    """The result of sending a mail."""

    SENT = auto()
    REFUSED = auto()
    """Permanently: trying again is useless."""

    LATER = auto()
    """Temporarily, or unknown: the connection broke."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MailReply:
    """A server's reply to a mail."""

    outcome: MailOutcome
    words: str
    broken: bool = False
    """Whether the connection broke: then the words are not the server's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MailTimeouts:
    """How many seconds to wait for a mail server."""

    mail: float = 60.0
    """For one mail: connecting, logging in and all replies until the mail itself is sent."""

    receipt: float = 60.0
    """For sending the mail itself and the reply to it: a client that disconnects too early does not
    know whether it was accepted, and sends it twice (RFC 5321 section 4.5.3.2.6)."""

    total: float = float("inf")
    """For all mails together; only the wait for a receipt may exceed it."""


class SmtpConnection:
    """A connection that is opened for the first mail, and again after it broke."""

    def __init__(self, server: MailServer, timeouts: MailTimeouts) -> None:
        self._server = server
        self._timeouts = timeouts
        self._deadline = time.monotonic() + timeouts.total
        self._runner = asyncio.Runner()
        self._client: Client | None = None

    @property
    def is_late(self) -> bool:
        """Whether the time for all mails together is over."""
        return time.monotonic() >= self._deadline

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with self._runner:
            self._runner.run(self._quit())

    def open(self) -> None:
        """Connect if there is no connection.

        Raises:
            MailServerUnreachable: there is no answer, or the certificate or the login is wrong.
        """
        self._runner.run(self._open())

    def send(self, sender: str, to: str, message: EmailMessage) -> MailReply:
        """Send one mail.

        Raises:
            MailServerUnreachable: as :meth:`open`.
        """
        return self._runner.run(self._send(sender, to, message))

    async def _open(self) -> None:
        try:
            async with asyncio.timeout(self._seconds()):
                await self._ready()
        except TimeoutError as error:
            raise self._unreachable(error) from None

    async def _send(self, sender: str, to: str, message: EmailMessage) -> MailReply:
        known = False
        try:
            async with asyncio.timeout(self._seconds()) as deadline:
                client = await self._ready()
                utf8 = not (sender + to).isascii()
                if utf8 and not client.supports_extension("smtputf8"):
                    words = f"{self._server.host} takes no addresses with letters beyond ASCII"
                    return MailReply(outcome=MailOutcome.REFUSED, words=words)
                known = True
                await client.mail(sender, options=_UTF8_OPTIONS if utf8 else (), encoding="utf-8")
                await client.rcpt(to, encoding="utf-8")
                deadline.reschedule(asyncio.get_running_loop().time() + self._timeouts.receipt)
                policy = SMTPUTF8 if utf8 else None
                receipt = await client.data(message.as_bytes(policy=policy))
        except CONNECTION_ERRORS as error:
            if not known:
                raise self._unreachable(error) from None
            return self._refused_or_broken(error)
        return MailReply(outcome=MailOutcome.SENT, words=reply(self._server, *receipt))

    async def _ready(self) -> Client:
        """A connection that works for the next mail.

        A server may have closed an idle connection: that is no error of this mail.
        """
        if self._client is not None:
            try:
                await self._client.rset()
            except CONNECTION_ERRORS:
                self._drop()
        self._client = self._client or await connect(self._server)
        return self._client

    def _refused_or_broken(self, error: Exception) -> MailReply:
        reason = reason_of(self._server, error)
        # Any other code is not an answer to the command.
        if isinstance(error, SMTPResponseException) and error.code >= _NO:
            for_good = error.code >= _NO_FOR_GOOD and error.code not in _LOGIN_REFUSED
            return MailReply(
                outcome=MailOutcome.REFUSED if for_good else MailOutcome.LATER, words=reason
            )
        self._drop()
        words = f"no answer from {self._server.shown}: {reason}"
        return MailReply(outcome=MailOutcome.LATER, words=words, broken=True)

    def _unreachable(self, error: Exception) -> MailServerUnreachable:
        self._drop()
        return unreachable(self._server, error)

    async def _quit(self) -> None:
        if self._client is None:
            return
        with suppress(*CONNECTION_ERRORS):  # whatever it answers, it has accepted the mails
            async with asyncio.timeout(self._seconds()):
                await self._client.quit()
        self._drop()

    def _seconds(self) -> float:
        return max(min(self._timeouts.mail, self._deadline - time.monotonic()), LEAST_SECONDS)

    def _drop(self) -> None:
        if self._client is not None:
            self._client.close()
        self._client = None
