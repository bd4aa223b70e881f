"""What the companion and the workers tell each other.

A message is a tuple of a kind and plain values.  Visits and numbers are written as tuples; acts of
the guard as packed octets, which go on to others; what changes rarely, locations and NAS, as a
pickle.
"""

from __future__ import annotations

import pickle
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from enum import IntEnum
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Final

from nexio.network.following import FollowedVisit

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from nexio.locations.locations import Location
    from nexio.network.nas import Nas

VISITS_AT_ONCE: Final = 100
"""Visits in one message: a worker takes them in within a millisecond."""


class ToWorker(IntEnum):
    """What the companion tells a worker."""

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
    """When the store was last followed, and what the others have done."""

    ACTS = 7
    """What others did about guesses, or a part of all that was done: acts packed together."""

    ALL_ACTS = 8
    """Those were all."""

    TIDY = 9
    """The guard is to forget what counts no longer."""

    STORED = 10
    """Decisions up to that batch are on a disk."""

    FIRST_ACTS = 11
    """All that was done about guesses follows."""

    HEARD = 12
    """Up to which of its acts it was told what the guard of another worker did."""

    KEPT = 13
    """At the door for accounting, whether the Accounting-Request of that number is on a disk."""

    SLOT = 14
    """What became of a slot that it asked for: visit, device, answer."""


class ToCompanion(IntEnum):
    """What a worker tells the companion."""

    HELLO = 1
    """Who it is: its name for batches, and that of its guard."""

    DECISIONS = 2
    """A batch of decisions: its number, and for each NAS how many they are and their octets."""

    ACTS = 3
    """The number of its latest act about guesses, and what it did since the last time, in parts of
    at most :data:`~nexio.network.guard_acts.ACTS_AT_ONCE`."""

    COUNTS = 4
    """What it has done so far."""

    ACCOUNTING = 5
    """At the door for accounting, an Accounting-Request with a number: when it came, from where,
    and what it says."""

    SLOT = 6
    """It asks for a slot: visit and device."""

    DISCARDS = 7
    """What got no answer since the last time: reason, address, how many."""

    SIGNATURES = 8
    """What asked since the last time and need not sign: NAS, whether it did, how many."""


_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_NAMES: Final = tuple(field.name for field in fields(FollowedVisit))
_INSTANTS: Final = frozenset(
    {"opens_at", "closes_at", "deleted_at", "valid_from", "valid_until", "revoked_at"}
)
_POSITIONS: Final = tuple(i for i, name in enumerate(_NAMES) if name in _INSTANTS)
_values: Final = attrgetter(*_NAMES)

MOST_INSTANTS: Final = 100_000


class Instants:
    """Instants as numbers, each made once: most visits of a day share theirs."""

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
    """Visits as they are sent."""
    sent = []
    for visit in visits:
        values = list(_values(visit))
        for position in _POSITIONS:
            instant = values[position]
            if instant is not None:
                values[position] = (instant - _EPOCH) // _MICROSECOND
        sent.append(tuple(values))
    return sent


def visits_of(sent: Iterable[tuple[Any, ...]], instants: Instants) -> list[FollowedVisit]:
    """The visits that were sent."""
    visits = []
    for values in sent:
        named = dict(zip(_NAMES, values, strict=True))
        for name in _INSTANTS:
            microseconds = named[name]
            if microseconds is not None:
                named[name] = instants.read(microseconds)
        visits.append(FollowedVisit(**named))
    return visits


def places_as_octets(locations: Sequence[Location] | None, nas: Sequence[Nas] | None) -> bytes:
    """Locations and NAS as they are sent."""
    return pickle.dumps((locations, nas), pickle.HIGHEST_PROTOCOL)


def places_of(octets: bytes) -> tuple[Sequence[Location] | None, Sequence[Nas] | None]:
    """The locations and NAS that were sent."""
    places: tuple[Sequence[Location] | None, Sequence[Nas] | None] = pickle.loads(octets)  # noqa: S301 (ours)
    return places
