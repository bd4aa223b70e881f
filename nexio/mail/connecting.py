"""A way to the mail server: connected, encrypted, logged in."""

from __future__ import annotations

import base64
import math
import smtplib
import socket
import ssl
import time
from typing import TYPE_CHECKING

from nexio.errors import MailServerUnreachable
from nexio.mail.mailboxes import one_line
from nexio.mail.server import Tls

if TYPE_CHECKING:
    from collections.abc import Callable

    from nexio.mail.server import MailServer

LONGEST_WORDS = 300
"""Characters that are kept of what a server says."""


class _Answers:
    """What the server says, line by line; smtplib reads it in place of a file."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._received = b""
        self.deadline = math.inf

    def readline(self, most: int) -> bytes:
        """A line, or what there is where the server hung up.

        Raises:
            TimeoutError: it is not whole by the deadline.
        """
        while b"\n" not in self._received and len(self._received) < most:
            seconds = self.deadline - time.monotonic()
            if seconds <= 0:
                raise TimeoutError
            self._sock.settimeout(None if seconds == math.inf else seconds)
            octets = self._sock.recv(most)
            if not octets:
                break
            self._received += octets
        line, newline, rest = self._received[:most].partition(b"\n")
        self._received = rest + self._received[most:]
        return line + newline

    def close(self) -> None:
        """Nothing: the socket is not ours."""


class _Patient(smtplib.SMTP):
    """Waits for an answer as a whole.

    smtplib waits that long for each octet: a server that says one a second is never late.
    """

    def getreply(self) -> tuple[int, bytes]:
        """The next answer, within the socket's timeout."""
        if self.sock is None:
            return super().getreply()
        seconds = self.sock.gettimeout()
        if self.file is None:
            self.file = _Answers(self.sock)
        self.file.deadline = math.inf if seconds is None else time.monotonic() + seconds
        try:
            return super().getreply()
        finally:
            if self.sock is not None:
                self.sock.settimeout(seconds)


class _PatientTls(_Patient, smtplib.SMTP_SSL):
    """The same where TLS comes first."""


def connect(server: MailServer, seconds: Callable[[], float]) -> smtplib.SMTP:
    """Connect, and say who we are.

    Args:
        server: where to.
        seconds: how long to wait for the next answer.

    Raises:
        MailServerUnreachable: nobody answers, the certificate is wrong, or the login is.
    """
    smtp: smtplib.SMTP | None = None
    try:
        smtp = _connected(server, seconds())
        _greet(smtp, server, seconds)
    except (OSError, UnicodeError) as error:  # smtplib's own are OSErrors
        if smtp is not None:
            smtp.close()
        raise _unreachable(server, error) from None
    return smtp


def set_patience(smtp: smtplib.SMTP, seconds: float) -> smtplib.SMTP:
    """The connection, willing to wait that long for an answer."""
    if smtp.sock is not None:
        smtp.sock.settimeout(seconds)
    return smtp


def clean(server: MailServer, words: str) -> str:
    """A server's words as they may be kept: one line, short, without our password."""
    if server.user is not None and server.password is not None:
        plain = base64.b64encode(f"\0{server.user}\0{server.password}".encode()).decode()
        alone = base64.b64encode(server.password.encode()).decode()
        for secret in (plain, alone, server.password):
            words = words.replace(secret, "******")
    return one_line(words)[:LONGEST_WORDS]


def reason_of(error: Exception) -> str:
    """Why a line broke, in a few words."""
    if isinstance(error, smtplib.SMTPResponseException):
        return said(error.smtp_code, error.smtp_error)
    # smtplib says that a line was closed by the other side when it was us who gave up.
    if isinstance(error, TimeoutError) or isinstance(error.__context__, TimeoutError):
        return "it took too long"
    strerror = error.strerror if isinstance(error, OSError) else None
    return strerror or str(error) or type(error).__name__


def said(code: int, words: bytes | str) -> str:
    """An answer with its code: "550 no such user"."""
    text = words.decode("utf-8", "replace") if isinstance(words, bytes) else words
    return f"{code} {text}"


def _connected(server: MailServer, seconds: float) -> smtplib.SMTP:
    # Without a name smtplib looks up ours, which can take as long as it likes.
    if server.tls is Tls.IMPLICIT:
        context = _context(server)
        return _PatientTls(server.host, server.port, "localhost", timeout=seconds, context=context)
    return _Patient(server.host, server.port, "localhost", timeout=seconds)


def _greet(smtp: smtplib.SMTP, server: MailServer, seconds: Callable[[], float]) -> None:
    smtp.local_hostname = _own_name(smtp)
    set_patience(smtp, seconds()).ehlo_or_helo_if_needed()
    if server.tls is Tls.STARTTLS:
        set_patience(smtp, seconds()).starttls(context=_context(server))
        set_patience(smtp, seconds()).ehlo_or_helo_if_needed()
    if server.user is not None and server.password is not None:
        set_patience(smtp, seconds()).login(server.user, server.password)


def _context(server: MailServer) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=server.ca_file)
    except OSError:
        raise MailServerUnreachable(
            f"there are no certificates to be read in {server.ca_file}",
            "Look at cafile in NEXIO_SMTP_URL: a file in PEM format.",
        ) from None


def _own_name(smtp: smtplib.SMTP) -> str:
    """Our name, or our address as a literal where we have no full one (RFC 5321 section 4.1.4)."""
    name = socket.gethostname()
    if "." in name and name.isascii():
        return name
    address = smtp.sock.getsockname()[0] if smtp.sock is not None else "127.0.0.1"
    return f"[IPv6:{address}]" if ":" in address else f"[{address}]"


def _unreachable(server: MailServer, error: Exception) -> MailServerUnreachable:
    words = clean(server, reason_of(error))
    if isinstance(error, smtplib.SMTPAuthenticationError):
        return MailServerUnreachable(
            f"the mail server {server.shown} refuses our login: {words}",
            "Look at user and password in NEXIO_SMTP_URL.",
        )
    if isinstance(error, ssl.SSLCertVerificationError):
        return MailServerUnreachable(
            f"the certificate of {server.shown} is not trusted: {error.verify_message}",
            "Name the server as its certificate does; for a CA of your own: ?cafile=/path.pem",
        )
    return MailServerUnreachable(
        f"the mail server {server.shown} cannot be used: {words}",
        "Is it running, and are host, port and tls in NEXIO_SMTP_URL right?",
    )
