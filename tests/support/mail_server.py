"""A real mail server on a loopback port, which misbehaves as a test asks."""

from __future__ import annotations

import asyncio
import email
import email.policy
import socket
import ssl
import threading
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage
from typing import TYPE_CHECKING, Any, AnyStr, Self, cast

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

if TYPE_CHECKING:
    from collections.abc import Iterator

USER, PASSWORD = "desk", "pass/word@1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """A mail that the server accepted."""

    sender: str
    to: list[str]
    octets: bytes

    @property
    def message(self) -> EmailMessage:
        """The mail, parsed as a mail program does."""
        lines = self.octets.replace(b"\r\n", b"\n")
        return email.message_from_bytes(lines, policy=email.policy.default)


@dataclass
class MailServer:
    """What a test asks of the server, and what the server received.

    ``answers`` gives the reply to each address at RCPT, such as ``"550 no such user"``;
    ``data_answer`` the reply to a whole mail.  ``hang`` names the commands (EHLO, MAIL,
    DATA) that get no reply, ``drop`` says when the connection breaks: ``"before answer"`` or
    ``"after answer"`` of a whole mail.
    """

    tls: ssl.SSLContext | None = None
    implicit_tls: bool = False
    login: bool = False
    utf8: bool = False
    answers: dict[str, str] = field(default_factory=dict)
    data_answer: str = "250 taken as 4711"
    hang: set[str] = field(default_factory=set)
    drop: str = ""
    received: list[Received] = field(default_factory=list)
    connections: int = 0
    port: int = 0

    def __enter__(self) -> Self:
        self._loop = asyncio.new_event_loop()
        self._server = self._loop.run_until_complete(self._start())
        self.port = self._server.sockets[0].getsockname()[1]
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        asyncio.run_coroutine_threadsafe(self._stop(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    @property
    def mails_by_receiver(self) -> Counter[str]:
        """How many mails each address got."""
        return Counter(address for each in self.received for address in each.to)

    @property
    def url(self) -> str:
        """NEXIO_SMTP_URL without TLS and login."""
        return f"smtp://127.0.0.1:{self.port}?tls=none"

    async def _start(self) -> asyncio.Server:
        context = self.tls if self.implicit_tls else None
        return await self._loop.create_server(self._protocol, "127.0.0.1", 0, ssl=context)

    async def _stop(self) -> None:
        self._server.close()
        others = asyncio.all_tasks() - {cast("asyncio.Task[Any]", asyncio.current_task())}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    def _protocol(self) -> _Protocol:
        self.connections += 1
        starttls = self.tls is not None and not self.implicit_tls
        return _Protocol(
            _Handler(self),
            server=self,
            hostname="mail.example.com",
            enable_SMTPUTF8=self.utf8,
            tls_context=None if self.implicit_tls else self.tls,
            require_starttls=starttls,
            auth_required=starttls and self.login,
            auth_require_tls=starttls,
            authenticator=_authenticate,
            loop=self._loop,
        )


class _Protocol(SMTP):
    def __init__(self, handler: _Handler, server: MailServer, **options: Any) -> None:
        super().__init__(handler, **options)
        self._behaviour = server

    async def push(self, status: AnyStr) -> None:
        await super().push(status)
        if self._behaviour.drop == "after answer" and status == self._behaviour.data_answer:
            _transport(self).close()


@dataclass(frozen=True)
class _Handler:
    server: MailServer

    async def handle_EHLO(  # noqa: N802 - aiosmtpd's name
        self, smtp: SMTP, session: Session, envelope: Envelope, hostname: str, responses: list[str]
    ) -> list[str]:
        await self._perhaps_hang("EHLO")
        session.host_name = hostname
        return responses

    async def handle_MAIL(  # noqa: N802 - aiosmtpd's name
        self, smtp: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        await self._perhaps_hang("MAIL")
        answer = self.server.answers.get(address, "250 OK")
        envelope.mail_from = address if answer.startswith("2") else None
        return answer

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, smtp: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        answer = self.server.answers.get(address, "250 OK")
        if answer.startswith("2"):
            envelope.rcpt_tos.append(address)
        return answer

    async def handle_DATA(  # noqa: N802 - aiosmtpd's name
        self, smtp: SMTP, session: Session, envelope: Envelope
    ) -> str:
        if self.server.data_answer.startswith("2"):
            self.server.received.append(
                Received(
                    sender=envelope.mail_from or "",
                    to=list(envelope.rcpt_tos),
                    octets=cast("bytes", envelope.content),
                )
            )
        await self._perhaps_hang("DATA")
        if self.server.drop == "before answer":
            _transport(smtp).abort()
        return self.server.data_answer

    async def _perhaps_hang(self, command: str) -> None:
        if command in self.server.hang:
            await asyncio.Event().wait()


def _transport(smtp: SMTP) -> asyncio.WriteTransport:
    return cast("asyncio.WriteTransport", smtp.transport)


def _authenticate(
    smtp: SMTP, session: Session, envelope: Envelope, mechanism: str, auth_data: object
) -> AuthResult:
    right = LoginPassword(USER.encode(), PASSWORD.encode())
    return AuthResult(success=auth_data == right, handled=False)


@contextmanager
def nobody_there() -> Iterator[int]:
    """A port that nobody answers, reserved so that nobody else can take it."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        port: int = held.getsockname()[1]
        yield port
