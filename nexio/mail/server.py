"""The mail server in ``NEXIO_SMTP_URL``."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, field
from enum import StrEnum
from urllib.parse import parse_qsl, unquote, urlsplit

from nexio.errors import InvalidValue


class Tls(StrEnum):
    """How the connection to the mail server is encrypted."""

    STARTTLS = "starttls"
    """Started after the greeting; no mail is sent without it."""

    IMPLICIT = "implicit"
    """Encrypted from the first octet (``smtps://``)."""

    NONE = "none"
    """Not encrypted; a password is sent only to this machine."""

    INSECURE_NONE = "insecure-none"
    """Not encrypted; the password is sent in clear text to any machine."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MailServer:
    """The server that accepts our mail, and how to connect to it."""

    host: str
    port: int
    tls: Tls
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    ca_file: str | None = None
    """Certificates to trust, instead of those that the system trusts."""

    @property
    def shown(self) -> str:
        """``mail.example.com port 587``: for messages, without user and password."""
        return f"{self.host} port {self.port}"


def parse_smtp_url(text: str) -> MailServer:
    """Read ``smtp://user:password@host:587?tls=starttls`` or ``smtps://user:password@host``.

    Raises:
        InvalidValue: it cannot be read, or would send a password in clear text; the message
            quotes nothing of it.
    """
    try:
        url = urlsplit(text)
        port = url.port
        query = dict(parse_qsl(url.query, keep_blank_values=True, strict_parsing=bool(url.query)))
    except ValueError:  # its message would quote a part of the password
        raise _bad_url() from None
    host = url.hostname or ""
    strays = set(query) - {"tls", "cafile"} or url.path.strip("/") or url.fragment
    if url.scheme not in _PORTS or not host or "@" in host or strays:
        raise _bad_url()
    server = MailServer(
        host=host,
        port=port or _PORTS[url.scheme],
        tls=_tls(url.scheme, query.get("tls")),
        user=_unquoted(url.username),
        password=_unquoted(url.password),
        ca_file=query.get("cafile") or None,
    )
    _check_login(server)
    return server


_PORTS = {"smtp": 587, "smtps": 465}
"""RFC 6409 section 3.1, RFC 8314 section 3.3."""


def _tls(scheme: str, word: str | None) -> Tls:
    if scheme == "smtps" and word is None:
        return Tls.IMPLICIT
    if scheme == "smtp" and (word or Tls.STARTTLS) in {*Tls} - {Tls.IMPLICIT}:
        return Tls(word or Tls.STARTTLS)
    raise _bad_url()


def _check_login(server: MailServer) -> None:
    if (server.user is None) != (server.password is None):
        raise InvalidValue(
            "NEXIO_SMTP_URL has a user without a password, or the other way round",
            "Write smtp://user:password@host:587?tls=starttls",
        )
    if not f"{server.user}{server.password}".isascii():
        raise InvalidValue(
            "NEXIO_SMTP_URL has a user or a password with letters beyond ASCII",
            "Mail servers disagree on how those are sent: choose another password.",
        )
    if server.user is not None and server.tls is Tls.NONE and not _is_this_host(server.host):
        raise InvalidValue(
            "NEXIO_SMTP_URL would send its password to another machine in the clear",
            "Use tls=starttls, or smtps://; or insist with tls=insecure-none.",
        )


def _is_this_host(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _unquoted(text: str | None) -> str | None:
    return unquote(text) if text else None


def _bad_url() -> InvalidValue:
    return InvalidValue(
        "NEXIO_SMTP_URL is not the URL of a mail server",
        "Write smtp://user:password@host:587?tls=starttls or smtps://user:password@host;"
        " in a password, write @ as %40, / as %2F, # as %23 and ? as %3F.",
    )
