"""Finds the NAS that a request comes from (R19)."""

from __future__ import annotations

import re
import socket
from collections import defaultdict
from dataclasses import dataclass, field
from itertools import product
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from ipaddress import IPv4Network, IPv6Network

    from nexio.network.nas import Nas


_ACCESS_POINT = re.compile(
    rb"(?:[0-9a-f]{2}([-:.]?)(?:[0-9a-f]{2}\1){4}[0-9a-f]{2}"  # 001122334455, 00-11-22-33-44-55
    rb"|[0-9a-f]{4}([-:.])[0-9a-f]{4}\2[0-9a-f]{4}"  # 0011.2233.4455
    rb"|[0-9a-f]{6}-[0-9a-f]{6})"  # 001122-334455
    rb"(?::|\Z)",
    re.IGNORECASE,
)
"""The MAC address at the beginning of Called-Station-Id, in the notations of controllers."""

REMEMBERED = 65_536
"""Source addresses whose client is cached; a large network may have more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """All NAS of one source address: one secret, and one or more locations behind it."""

    secret: bytes = field(repr=False)
    entries: tuple[Nas, ...]
    require_message_authenticator: bool
    limit_proxy_state: bool

    only: Nas | None = field(init=False)
    """The entry, if it is the only one and requires no SSID and no NAS-Identifier."""

    def __post_init__(self) -> None:
        """Compute what is the same for each request."""
        first = self.entries[0]
        is_plain = len(self.entries) == 1 and first.ssid is None and first.identifier is None
        object.__setattr__(self, "only", first if is_plain else None)

    def narrow(self, called_station: bytes | None, identifier: bytes | None) -> Nas | None:
        """The most specific entry for this Called-Station-Id and NAS-Identifier.

        Returns:
            None if every entry requires something else.
        """
        called = called_station or b""
        fitting = [nas for nas in self.entries if _fits(nas, called, identifier or b"")]
        return max(fitting, key=_exactness, default=None)

    def narrow_all(
        self, called_stations: Sequence[bytes], identifiers: Sequence[bytes]
    ) -> tuple[Nas, ...]:
        """The same for repeated attributes: one entry for each location that they lead to.

        A Called-Station-Id without an SSID does not count beside one that has one.
        """
        called = called_stations[:1]
        if len(called_stations) > 1:
            called = [each for each in called_stations if ssid_of(each)] or called
        found: dict[int, Nas] = {}
        for pair in product(called or [b""], identifiers or [b""]):
            nas = self.narrow(*pair)
            if nas is not None:
                found.setdefault(nas.location.id, nas)
        return tuple(found.values())


def ssid_of(called_station: bytes) -> bytes:
    """The SSID in a Called-Station-Id (RFC 3580 section 3.20), which may contain colons.

    It is the part after the MAC address and a colon, or all of it if it does not begin with a MAC
    address; empty if there is only the address.
    """
    found = _ACCESS_POINT.match(called_station)
    return called_station if found is None else called_station[found.end() :]


class NasIndex(dict[str, "Client | None"]):
    """The client of each source address; rebuilt when a NAS changes.

    ``index[address]`` is one lookup for an address that was seen before
    (``python -m benchmarks.path``); None means that the datagram is not for us.
    """

    def __init__(self, entries: Iterable[Nas]) -> None:
        super().__init__()
        self.entries = tuple(entries)
        by_network: defaultdict[IPv4Network | IPv6Network, list[Nas]] = defaultdict(list)
        for nas in self.entries:
            by_network[nas.address].append(nas)
        self._clients: dict[tuple[int, int, int], Client] = {
            (network.version, network.prefixlen, int(network.network_address)): _client(group)
            for network, group in by_network.items()
        }
        self._prefixes: dict[int, list[int]] = {4: [], 6: []}
        for version, length, _ in sorted(self._clients, reverse=True):
            if length not in self._prefixes[version]:
                self._prefixes[version].append(length)

    def find(self, source: str) -> Client | None:
        """The client of a source address, or None."""
        return self[source]

    def __missing__(self, source: str) -> Client | None:
        """Search the networks, the longest prefix first."""
        client = self._search(source)
        if client is not None:  # unknown senders are not cached: there may be any number
            if len(self) >= REMEMBERED:
                self.clear()
            self[source] = client
        return client

    def _search(self, source: str) -> Client | None:
        # Without `ipaddress`, which takes half of the time that an unknown sender's datagram costs.
        version, family = (6, socket.AF_INET6) if ":" in source else (4, socket.AF_INET)
        octets = socket.inet_pton(family, source.partition("%")[0])
        number, bits = int.from_bytes(octets), 8 * len(octets)
        for length in self._prefixes[version]:
            network = number >> (bits - length) << (bits - length)
            client = self._clients.get((version, length, network))
            if client is not None:
                return client
        return None


def _client(entries: list[Nas]) -> Client:
    """One address has one secret (``nexio.network.nas`` ensures it), and its strictest policies."""
    return Client(
        secret=entries[0].secret or b"",  # servers always have the secrets (network/news.py)
        entries=tuple(entries),
        require_message_authenticator=any(nas.require_message_authenticator for nas in entries),
        limit_proxy_state=any(nas.limit_proxy_state for nas in entries),
    )


def _fits(nas: Nas, called: bytes, identifier: bytes) -> bool:
    return (nas.ssid is None or nas.ssid.encode() == ssid_of(called)) and (
        nas.identifier is None or nas.identifier.encode() == identifier
    )


def _exactness(nas: Nas) -> tuple[bool, bool]:
    return (nas.ssid is not None, nas.identifier is not None)
