"""Packets as a sniffer records them, read by Debian's tshark.

Its tests fail, and never skip, if it is not installed (apt-get install tshark).
"""

from __future__ import annotations

import json
import struct
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

MAGIC = 0xA1B2C3D4
RAW_IP = 101
"""LINKTYPE_RAW: each record starts with its IP header."""

NAS = bytes((192, 0, 2, 10))
SERVER = bytes((192, 0, 2, 1))
PORT = 40000
LENGTH = 65535


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """A request and its reply."""

    request: bytes
    reply: bytes
    port: int = 1812
    """The port of the server."""


def write_capture(path: Path, exchanges: Iterable[Exchange]) -> None:
    """Write a file in the format of tcpdump, with a second between exchanges."""
    with path.open("wb") as file:
        file.write(struct.pack("<IHHiIII", MAGIC, 2, 4, 0, 0, LENGTH, RAW_IP))
        for number, exchange in enumerate(exchanges):
            asked = _datagram(exchange.request, (NAS, PORT + number), (SERVER, exchange.port))
            answered = _datagram(exchange.reply, (SERVER, exchange.port), (NAS, PORT + number))
            for microseconds, packet in enumerate((asked, answered)):
                size = len(packet)
                file.write(struct.pack("<IIII", 1_800_000_000 + number, microseconds, size, size))
                file.write(packet)


def read_by_tshark(path: Path, secret: bytes) -> list[dict[str, Any]]:
    """What tshark makes of each packet, layer by layer; it checks the authenticators."""
    known = ["-o", f"radius.shared_secret:{secret.decode()}"]
    checked = ["-o", "radius.validate_authenticator:TRUE"]
    # Otherwise a doubled attribute would be two keys of the same name.
    as_json = ["-T", "json", "--no-duplicate-keys"]
    done = subprocess.run(
        ["tshark", "-r", path, *known, *checked, *as_json],
        capture_output=True,
        text=True,
        check=True,
    )
    return [packet["_source"]["layers"] for packet in json.loads(done.stdout)]


def complaints(layers: Any, path: str = "") -> Iterator[str]:
    """All malformed parts, expert remarks and wrong authenticators."""
    if isinstance(layers, list):
        for each in layers:
            yield from complaints(each, path)
    if not isinstance(layers, dict):
        return
    for name, value in layers.items():
        inner = f"{path}/{name}"
        if name.startswith(("_ws.malformed", "_ws.expert", "_ws.unreassembled")):
            yield f"{inner}: {value}"
        elif name.endswith("authenticator.invalid") and value != "0":
            yield inner
        yield from complaints(value, inner)


def _datagram(payload: bytes, source: tuple[bytes, int], to: tuple[bytes, int]) -> bytes:
    """UDP in IPv4, without the checksum of UDP, which RFC 768 allows."""
    udp = struct.pack("!HHHH", source[1], to[1], 8 + len(payload), 0) + payload
    head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(udp), 0, 0, 64, 17, 0) + source[0] + to[0]
    return head[:10] + _checksum(head) + head[12:] + udp


def _checksum(octets: bytes) -> bytes:
    """RFC 1071."""
    total: int = sum(struct.unpack(f"!{len(octets) // 2}H", octets))
    while total > 0xFFFF:
        total = (total & 0xFFFF) + (total >> 16)
    return (~total & 0xFFFF).to_bytes(2)
