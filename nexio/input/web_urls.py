"""Checks the configured address of the web pages."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit

from nexio.errors import InvalidValue


def parse_web_url(text: str | None) -> str:
    """Read the base of all links, ``https://visit.example.com``; the result ends with a slash.

    Raises:
        InvalidValue: it is not set, not an address, or without TLS: the secret of a link would
            cross the network in clear text.  Without TLS, only this machine itself is allowed.
    """
    advice = "Say where nexio-webd is reached: NEXIO_WEB_URL=https://visit.example.com"
    if text is None:
        raise InvalidValue("NEXIO_WEB_URL is not set, so there is no address for the link", advice)
    wrong = "the address of nexio-webd"  # the value is not shown: it may hold a password
    try:
        parts = urlsplit(text.strip())
        host, _ = parts.hostname, parts.port  # raises ValueError for a port that is no number
    except ValueError:
        raise InvalidValue(f"{wrong} is not an address of the web", advice) from None
    if parts.scheme not in {"http", "https"} or not host or parts.username is not None:
        raise InvalidValue(f"{wrong} is not an address of the web", advice)
    if parts.path.strip("/") or parts.query or parts.fragment or not parts.netloc.isascii():
        raise InvalidValue(f"{wrong} has more than a scheme, a host and a port", advice)
    if parts.scheme == "http" and not _is_this_machine(host):
        raise InvalidValue(f"{wrong} is without TLS", advice)
    return f"{parts.scheme}://{parts.netloc}/"


def _is_this_machine(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
