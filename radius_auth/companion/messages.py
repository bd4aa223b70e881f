"""The messages between the companion and the workers.

A message is a tuple of a kind and plain values.  Visits and numbers are written as tuples; acts of
the guard as packed octets, which are passed on to others; locations and NAS, which change rarely,
as a pickle.
"""

from __future__ import annotations

import pickle
from datetime import UTC, datetime, timedelta
from enum import IntEnum
from typing import TYPE_CHECKING, Any, Final

from nexio.network.following import INSTANTS, FollowedVisit

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from nexio.locations.locations import Location
    from nexio.network.nas import Nas

VISITS_AT_ONCE: Final = 100
"""Visits in one message: a worker processes them within a millisecond."""


class ToWorker(IntEnum):
    """Messages of the companion to a worker."""

    BEGIN = 1
    """A whole table follows: keys, and which one is in use."""

    VISITS = 2
    """Visits that are new or changed."""

    GONE = 3
    """Numbers of visits that are no longer known."""

    PLACES = 4
    """All locations and all NAS, or None for those that have not changed."""

    END = 5
    """The table is whole."""

    BEAT = 6
    """When the store was last followed, and the counts of the other workers."""

    ACTS = 7
    """Acts of the guards of others, or a part of all acts, packed together."""

    ALL_ACTS = 8
    """All acts have been sent."""

    TIDY = 9
    """The guard is to forget acts that no longer count."""

    STORED = 10
    """Decisions up to that batch are on a disk."""

    FIRST_ACTS = 11
    """All acts follow."""

    RELAYED = 12
    """The guard of a worker, and the number up to which all of its acts were passed on."""

    ACCOUNTING_STORED = 13
    """On the socket for accounting: whether the Accounting-Request of that number is on a disk."""

    SLOT = 14
    """The answer about a slot that it asked for: visit, device, answer."""


class ToCompanion(IntEnum):
    """Messages of a worker to the companion."""

    HELLO = 1
    """Its name for batches, and that of its guard."""

    DECISIONS = 2
    """A batch of decisions: its number, and for each NAS their count and octets."""

    ACTS = 3
    """The number of the latest act of its guard, and all acts since the last time, in parts of at
    most :data:`~nexio.network.guard_acts.ACTS_AT_ONCE`."""

    COUNTS = 4
    """Its counts so far."""

    ACCOUNTING = 5
    """On the socket for accounting: an Accounting-Request with a number, the time it came, its
    source and its content."""

    SLOT = 6
    """A request for a slot: visit and device."""

    DISCARDS = 7
    """Requests without an answer since the last time: reason, address, count."""

    SIGNATURES = 8
    """Requests since the last time of NAS that need not sign: NAS, whether it did, count."""


_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)

MOST_INSTANTS: Final = 100_000


class Instants:
    """Makes instants from numbers, each once: most visits of a day share theirs."""

    def __init__(self) -> None:
        self._known: dict[int, datetime] = {}

    def read(self, microseconds: int) -> datetime:
        """The instant that a number stands for."""
        known = self._known.get(microseconds)
        if known is None:
            if len(self._known) >= MOST_INSTANTS:
                self._known.clear()
            known = self._known[microseconds] = _EPOCH + timedelta(microseconds=microseconds)
        return known


def visits_as_values(visits: Iterable[FollowedVisit]) -> list[tuple[Any, ...]]:
    """Visits as tuples to send."""
    sent = []
    for visit in visits:
        values: list[Any] = list(visit)
        for position in INSTANTS:
            instant = values[position]
            if instant is not None:
                values[position] = (instant - _EPOCH) // _MICROSECOND
        sent.append(tuple(values))
    return sent


def visits_of(sent: Iterable[tuple[Any, ...]], instants: Instants) -> list[FollowedVisit]:
    """The visits that were sent."""
    visits = []
    for each in sent:
        values = list(each)
        for position in INSTANTS:
            microseconds = values[position]
            if microseconds is not None:
                values[position] = instants.read(microseconds)
        visits.append(FollowedVisit._make(values))
    return visits


def places_as_octets(locations: Sequence[Location] | None, nas: Sequence[Nas] | None) -> bytes:
    """Locations and NAS as octets to send."""
    return pickle.dumps((locations, nas), pickle.HIGHEST_PROTOCOL)


def places_of(octets: bytes) -> tuple[Sequence[Location] | None, Sequence[Nas] | None]:
    """The locations and NAS that were sent."""
    places: tuple[Sequence[Location] | None, Sequence[Nas] | None] = pickle.loads(octets)  # noqa: S301 (ours)
    return places
