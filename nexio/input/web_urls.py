"""The address of the pages, as this deployment has it."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit

from nexio.errors import InvalidValue


def parse_web_url(text: str | None) -> str:
    """Read ``NEXIO_WEB_URL``: ``https://visit.example.com``; a slash stands at the end of it.

    Raises:
        InvalidValue: it is not set, not an address, or without TLS: a phone makes the codes of a
            pass only on a page that came by TLS, or from the machine itself.
    """
    advice = "Say where nexio-webd is reached: NEXIO_WEB_URL=https://visit.example.com"
    if text is None:
        raise InvalidValue("NEXIO_WEB_URL is not set, so there is no address for the link", advice)
    try:
        parts = urlsplit(text.strip())
        host, _ = parts.hostname, parts.port  # a port that is no number is said here
    except ValueError:
        raise InvalidValue("NEXIO_WEB_URL is not an address of the web", advice) from None
    if parts.scheme not in {"http", "https"} or not host or parts.username is not None:
        raise InvalidValue("NEXIO_WEB_URL is not an address of the web", advice)
    if parts.path.strip("/") or parts.query or parts.fragment or not parts.netloc.isascii():
        raise InvalidValue("NEXIO_WEB_URL has more than a scheme, a host and a port", advice)
    if parts.scheme == "http" and not _is_this_machine(host):
        raise InvalidValue("NEXIO_WEB_URL is without TLS", advice)
    return f"{parts.scheme}://{parts.netloc}/"


def _is_this_machine(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
