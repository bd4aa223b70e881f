"""Prepares the load of each column of the table, before any clock starts."""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from benchmarks import packets
from benchmarks.generator.load import Load
from benchmarks.packets import SOCKETS

if TYPE_CHECKING:
    from benchmarks.crowd import Visitor

GUESSES: Final = 3
"""Wrong PINs at each visit, each from a new device: the guard checks 6 in a day.  So no guess is
refused unchecked, and all servers compare the same number of PINs."""

DUPLICATES: Final = 1_024
"""Requests that come again and again, within the seconds in which servers remember them."""

_AT_ONCE: Final = 32 * SOCKETS
"""Sessions that are open at the same time: so many Starts, then their Stops."""


BESIDE: Final = 1_000_000
"""The number of the first session in the load that is sent beside logins."""


def prepare(visitors: Sequence[Visitor], folder: Path) -> dict[str, Load]:
    """All loads, by column.

    Args:
        visitors: the visitors who can log in.
        folder: where the loads are written for the generator.
    """
    guests = random.Random(2).sample(visitors, len(visitors))
    accepts = [packets.pap(n, each.email, each.pin, n) for n, each in enumerate(guests)]
    made = {
        "accept": (accepts, packets.ACCESS_ACCEPT),
        "CHAP accept": (
            [packets.chap(n, each.email, each.pin, n) for n, each in enumerate(guests)],
            packets.ACCESS_ACCEPT,
        ),
        "duplicate": (accepts[:DUPLICATES], packets.ACCESS_ACCEPT),
        "accounting": (_accounting(guests), packets.ACCOUNTING_RESPONSE),
        "accounting beside": (_accounting(guests, BESIDE), packets.ACCOUNTING_RESPONSE),
        "reject": (_rejects(guests), packets.ACCESS_REJECT),
    }
    return {
        column: Load.prepare(requests, code, folder / column)
        for column, (requests, code) in made.items()
    }


def _rejects(guests: Sequence[Visitor]) -> list[bytes]:
    """The same wrong PIN again is no guess, so each pass has another one."""
    rejects: list[bytes] = []
    for turn in range(1, GUESSES + 1):
        for each in guests:
            number = len(rejects)
            wrong = f"{(int(each.pin) + turn) % 10 ** len(each.pin):0{len(each.pin)}}"
            rejects.append(packets.pap(number, each.email, wrong, len(guests) * turn + number))
    return rejects


def _accounting(guests: Sequence[Visitor], first: int = 0) -> list[bytes]:
    """Start and Stop of a session for each of them; no record comes twice."""
    records: list[bytes] = []
    whole = guests[: len(guests) // SOCKETS * SOCKETS]  # both from the same access point
    for at in range(0, len(whole), _AT_ONCE):
        for status in (packets.START, packets.STOP):
            records += [
                packets.accounting(n, each.email, status, first + at + n)
                for n, each in enumerate(whole[at : at + _AT_ONCE])
            ]
    return records
