"""Connects to the mail server, encrypts and logs in; and redacts its replies for storing.

A server sees the whole mail and may quote it.  So its replies are stored without any word that
contains a digit, in any script: no PIN can be read from the rest.
"""

from __future__ import annotations

import base64
import os
import socket
import ssl
import unicodedata
from asyncio import WriteTransport
from typing import cast

import aiosmtplib

from nexio.errors import MailServerUnreachable
from nexio.mail.server import MailServer, Tls
from nexio.outbox.mailboxes import one_line

CONNECTION_ERRORS = (aiosmtplib.SMTPException, OSError, ValueError)
"""Errors of a connection; ValueError means a name or an address that cannot be sent."""

LONGEST_TEXT = 100
"""How many characters of a server's reply are stored."""

LONGEST_WORD = 30
"""Characters; a longer word may be an encoded piece of the mail."""


class Client(aiosmtplib.SMTP):
    """An SMTP client that closes at once: with TLS, a server could delay an orderly close."""

    def close(self) -> None:
        """Close the connection."""
        if self.transport is not None:
            cast("WriteTransport", self.transport).abort()
        super().close()


async def connect(server: MailServer) -> Client:
    """Connect, encrypt and log in.

    Raises:
        MailServerUnreachable: there is no answer, or the certificate or the login is wrong.
    """
    context = None if server.tls in {Tls.NONE, Tls.INSECURE_NONE} else _context(server)
    # Without a name, the library looks up ours.  The caller limits the time.
    client = Client(
        hostname=server.host,
        port=server.port,
        use_tls=server.tls is Tls.IMPLICIT,
        start_tls=False,
        tls_context=context,
        local_hostname="localhost",
        timeout=None,
    )
    try:
        await client.connect()
        client.local_hostname = _own_name(client)
        if server.tls is Tls.STARTTLS:
            await client.starttls(tls_context=context)
        if server.user is not None and server.password is not None:
            await client.login(server.user, server.password)
        await client.rset()  # sends EHLO if nothing has yet
    except BaseException as error:
        client.close()
        if isinstance(error, CONNECTION_ERRORS):
            raise unreachable(server, error) from None
        raise
    return client


def unreachable(server: MailServer, error: Exception) -> MailServerUnreachable:
    """The error for a server that cannot be used."""
    if isinstance(error, aiosmtplib.SMTPAuthenticationError):
        return MailServerUnreachable(
            f"the mail server {server.shown} refuses our login: {reason_of(server, error)}",
            "Look at user and password in NEXIO_SMTP_URL.",
        )
    cause = error.__cause__ or error
    if isinstance(cause, ssl.SSLCertVerificationError):
        return MailServerUnreachable(
            f"the certificate of {server.shown} is not trusted: {cause.verify_message}",
            "Name the server as its certificate does; for a CA of your own: ?cafile=/path.pem",
        )
    return MailServerUnreachable(
        f"the mail server {server.shown} cannot be used: {reason_of(server, error)}",
        "Is it running, and are host, port and tls in NEXIO_SMTP_URL right?",
    )


def reason_of(server: MailServer, error: Exception) -> str:
    """Why a connection broke, in a few words."""
    if isinstance(error, aiosmtplib.SMTPResponseException):
        return reply(server, error.code, error.message)
    if isinstance(error, TimeoutError):
        return "it took too long"
    cause = error.__cause__ or error
    if isinstance(cause, OSError) and cause.errno:
        # asyncio and the resolver add addresses and numbers to the text.
        return os.strerror(cause.errno) if cause.errno > 0 else cause.strerror or "unknown name"
    return redacted(server, str(error)) or type(error).__name__


def reply(server: MailServer, code: int, text: str) -> str:
    """A reply with its code: "550 no such user"."""
    words = redacted(server, text)
    return f"{code} {words}".strip() if code > 0 else words  # the library's own replies have -1


def redacted(server: MailServer, text: str) -> str:
    """A server's text as one short line, without numbers and without our password."""
    for secret in _secrets(server):
        text = text.replace(secret, "******")
    words = [word for word in one_line(text).split() if _is_harmless(word)]
    return " ".join(words)[:LONGEST_TEXT]


def _context(server: MailServer) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=server.ca_file)
    except OSError:
        raise MailServerUnreachable(
            f"there are no certificates to be read in {server.ca_file}",
            "Look at cafile in NEXIO_SMTP_URL: a file in PEM format.",
        ) from None


def _own_name(client: Client) -> str:
    """Our host name, or our address as a literal if it has no domain (RFC 5321 section 4.1.4)."""
    name = socket.gethostname()
    if "." in name and name.isascii():
        return name
    address = client.get_transport_info("sockname")[0]
    return f"[IPv6:{address}]" if ":" in address else f"[{address}]"


def _secrets(server: MailServer) -> list[str]:
    if server.user is None or server.password is None:
        return []
    as_sent = (f"\0{server.user}\0{server.password}", server.password)
    return [*(base64.b64encode(each.encode()).decode() for each in as_sent), server.password]


def _is_harmless(word: str) -> bool:
    has_number = any(unicodedata.numeric(each, None) is not None for each in word)
    return len(word) <= LONGEST_WORD and not has_number
