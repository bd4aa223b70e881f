"""Parse and check the values that an engineer types for a NAS."""

from __future__ import annotations

import ipaddress
import re
from ipaddress import IPv4Network, IPv6Network
from typing import Final

from nexio.errors import InvalidValue
from nexio.input.names import parse_text

LONGEST_NAME: Final = 60
LONGEST_SECRET: Final = 128
LONGEST_HOST: Final = 253
"""RFC 1035 section 2.3.4."""

_MAPPED_PREFIX: Final = 96
"""RFC 4291 section 2.5.5.2: IPv4-mapped IPv6 addresses."""

DISCONNECT_PORT: Final = 3799
"""RFC 5176 section 2.1."""

_HOST_AND_PORT: Final = re.compile(r"(?:\[([^\]\s]+)\]|([^:\s]+))?(?::([0-9]{1,5}))?")
_NAME: Final = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?")


def parse_name(text: str) -> str:
    """The name of a NAS.

    Raises:
        InvalidValue: nothing, too long, or with control characters.
    """
    name = parse_text(text, "NAS name", LONGEST_NAME)
    if not name:
        raise InvalidValue("the NAS has no name", "Give it one, such as lobby-ap-1.")
    return name


def parse_address(text: str) -> IPv4Network | IPv6Network:
    """An address or a CIDR network, IPv4 or IPv6; IPv4-mapped IPv6 becomes IPv4, as in packets.

    Raises:
        InvalidValue: neither, with a zone, or a network with host bits set.
    """
    try:
        interface = ipaddress.ip_interface(text.strip())
    except ValueError:
        raise InvalidValue(
            f"{text[:60]!r} is not an IP address",
            "Write 192.0.2.10, 192.0.2.0/24 or 2001:db8::/64.",
        ) from None
    address, network = interface.ip, interface.network
    if "%" in text:
        raise InvalidValue(
            f"{text.strip()} has a zone, which is a name on this machine only",
            f"Leave it out: {text.partition('%')[0].strip()}",
        )
    if address != network.network_address:
        raise InvalidValue(
            f"{text.strip()} is no network by itself", f"Do you mean {canonical(network)}?"
        )
    return canonical(network)


def canonical(network: IPv4Network | IPv6Network) -> IPv4Network | IPv6Network:
    """The network, or the IPv4 network that it maps into IPv6 (``::ffff:192.0.2.0/120``)."""
    mapped = getattr(network.network_address, "ipv4_mapped", None)
    if mapped is None or network.prefixlen < _MAPPED_PREFIX:
        return network
    return ipaddress.ip_network((mapped, network.prefixlen - _MAPPED_PREFIX))


def parse_secret(text: str | None) -> str | None:
    """Must 2: an empty secret is refused, 64 octets and more are supported."""
    if text is None:
        return None
    if not text:
        raise InvalidValue("the secret is empty", "Leave --secret out and a strong one is made.")
    if not text.isprintable() or len(text.encode()) > LONGEST_SECRET:
        raise InvalidValue(
            "this secret cannot be used", f"Use up to {LONGEST_SECRET} printable characters."
        )
    return text


def parse_narrowing(text: str | None, field_name: str) -> str | None:
    """An SSID or a NAS-Identifier, or None.

    Raises:
        InvalidValue: too long, or with control characters.
    """
    return parse_text(text or "", field_name, LONGEST_NAME) or None


def parse_disconnect(
    text: str | None, usual_port: int = DISCONNECT_PORT
) -> tuple[str | None, int | None]:
    """Where a NAS takes disconnects: host and port, None for what is not given.

    A port alone is for a network of NAS: each takes them at its own address.

    Args:
        text: as typed.
        usual_port: for a host without a port.

    Raises:
        InvalidValue: neither an address nor a name, or no port.
    """
    text = (text or "").strip()
    if not text:
        return None, None
    if _is_address(text):
        return _host(text), usual_port
    found = _HOST_AND_PORT.fullmatch(text)
    if found is not None:
        bracketed, host, port = found.groups()
        number = int(port or usual_port)
        known = _is_address(bracketed) if bracketed else host is None or _is_host(host)
        if known and 1 <= number <= 65535:  # noqa: PLR2004
            named = bracketed or host
            return _host(named) if named else None, number
    raise InvalidValue(
        f"{text[:60]!r} is not a host with a port",
        "Write 192.0.2.10, 192.0.2.10:3799, [2001:db8::1]:3799, a name such as wifi.example.com, or"
        " a port alone: :3799.",
    )


def parse_source(text: str | None) -> str | None:
    """Our source address for disconnects; None leaves it to the routes.

    Raises:
        InvalidValue: no IP address.
    """
    text = (text or "").strip()
    if text and not _is_address(text):
        raise InvalidValue(
            f"{text[:60]!r} is not an IP address",
            "Write an address of the RADIUS server's machine.",
        )
    return _host(text) or None


def _host(text: str) -> str:
    """An address in canonical form; a name unchanged."""
    return str(canonical(ipaddress.ip_network(text)).network_address) if _is_address(text) else text


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _is_host(text: str) -> bool:
    """Whether a text is an address or a name; only digits and dots must be a valid address."""
    if not text.replace(".", "").isdigit():
        return len(text) <= LONGEST_HOST and _NAME.fullmatch(text) is not None
    return _is_address(text)
