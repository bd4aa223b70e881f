"""Packets broken in the ways that a parser may trip over, some of them signed again."""

from __future__ import annotations

import hashlib
import hmac
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import random
    from collections.abc import Sequence

ACCOUNTING_REQUEST = 4
HEADER = 20
LONGEST = 4200
"""Octets; somewhat more than RADIUS allows."""

INTERESTING = (0, 1, 2, 3, 16, 18, 26, 79, 80, 127, 128, 254, 255)


class Mutations:
    """An endless supply of broken packets.

    Args:
        seeds: whole packets to break.
        chance: decides everything, so that a run can be repeated.
        secret: what most of them are signed with after they were broken.
    """

    def __init__(self, seeds: Sequence[bytes], chance: random.Random, secret: bytes) -> None:
        self._seeds = seeds
        self._chance = chance
        self._secret = secret
        self._ways = (
            self._flip, self._flip, self._overwrite, self._cut_out, self._insert, self._splice,
            self._repeat_attribute, self._move_attribute, self._stretch_attribute, self._fill,
        )  # fmt: skip

    def draw(self) -> bytes:
        """The next one."""
        packet = bytearray(self._chance.choice(self._seeds))
        if self._chance.random() < 0.7:
            packet[1] = self._chance.randrange(256)  # most are no duplicates
        for _ in range(self._chance.choice((0, 1, 1, 1, 2, 2, 3, 5, 8))):
            packet = self._chance.choice(self._ways)(packet)[:LONGEST]
        if self._chance.random() < 0.6:
            _mend(packet)
        if self._chance.random() < 0.8:
            packet[2:4] = min(len(packet), 0xFFFF).to_bytes(2)
            if len(packet) >= HEADER and self._chance.random() < 0.9:
                self._sign(packet)
        return bytes(packet)

    def _sign(self, packet: bytearray) -> None:
        """Put the right value where an attribute has the form of a Message-Authenticator."""
        if packet[0] == ACCOUNTING_REQUEST:  # RFC 2866 section 3
            packet[4:HEADER] = bytes(16)
        for start, end in attributes_of(packet):
            if packet[start] == 80 and end - start == 18:
                packet[start + 2 : end] = bytes(16)
                packet[start + 2 : end] = hmac.digest(self._secret, bytes(packet), "md5")
                break
        if packet[0] == ACCOUNTING_REQUEST:
            packet[4:HEADER] = hashlib.md5(bytes(packet) + self._secret).digest()

    def _position(self, packet: bytearray) -> int:
        return self._chance.randrange(len(packet) + 1)

    def _flip(self, packet: bytearray) -> bytearray:
        if packet:
            packet[self._chance.randrange(len(packet))] ^= 1 << self._chance.randrange(8)
        return packet

    def _overwrite(self, packet: bytearray) -> bytearray:
        if packet:
            octet = self._chance.choice(INTERESTING)
            packet[self._chance.randrange(len(packet))] = octet
        return packet

    def _cut_out(self, packet: bytearray) -> bytearray:
        start = self._position(packet)
        del packet[start : start + self._chance.choice((1, 2, 5, 16, 40, LONGEST))]
        return packet

    def _insert(self, packet: bytearray) -> bytearray:
        start = self._position(packet)
        packet[start:start] = self._chance.randbytes(self._chance.choice((1, 2, 3, 18, 60)))
        return packet

    def _splice(self, packet: bytearray) -> bytearray:
        other = self._chance.choice(self._seeds)
        return packet[: self._position(packet)] + other[self._chance.randrange(len(other)) :]

    def _repeat_attribute(self, packet: bytearray) -> bytearray:
        attributes = attributes_of(packet)
        if attributes:
            start, end = self._chance.choice(attributes)
            packet += packet[start:end] * self._chance.choice((1, 1, 2, 30, 250))
        return packet

    def _move_attribute(self, packet: bytearray) -> bytearray:
        attributes = attributes_of(packet)
        if attributes:
            start, end = self._chance.choice(attributes)
            moved = packet[start:end]
            del packet[start:end]
            packet[HEADER:HEADER] = moved
        return packet

    def _stretch_attribute(self, packet: bytearray) -> bytearray:
        attributes = attributes_of(packet)
        if attributes:
            start, _ = self._chance.choice(attributes)
            packet[start + 1] = self._chance.choice(INTERESTING)
        return packet

    def _fill(self, packet: bytearray) -> bytearray:
        """Fill it up with attributes of one kind, which may have parts of their own."""
        kind = self._chance.choice((1, 18, 26, 33, 64, 69, 79, 241, self._chance.randrange(256)))
        vendor = self._chance.choice((b"", b"\0\0\x01\x37", b"\0\0\0\x09"))
        value = vendor + self._chance.choice((b"", b"\x01\x02" * 60, b"\x19\x04ab", b"\xff" * 200))
        packet += (bytes((kind, len(value) + 2)) + value) * self._chance.choice((1, 10, 190, 300))
        return packet


def _mend(packet: bytearray) -> None:
    """Cut off what is no whole attribute, so that what is broken lies deeper."""
    attributes = attributes_of(packet)
    del packet[attributes[-1][1] if attributes else HEADER :]


def attributes_of(packet: bytearray) -> list[tuple[int, int]]:
    """Where each attribute starts and ends, as far as they can be told apart."""
    found: list[tuple[int, int]] = []
    start = HEADER
    while start + 2 <= len(packet) and packet[start + 1] >= 2:
        end = start + packet[start + 1]
        if end > len(packet):
            break
        found.append((start, end))
        start = end
    return found
