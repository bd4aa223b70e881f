"""The table that requests are decided by: all in memory, no request waits for the store.

One thread changes it (the follower), others read it without a lock: each entry is an
immutable value that is replaced as a whole.
"""

from __future__ import annotations

from collections import Counter
from contextlib import suppress
from typing import TYPE_CHECKING, TypeVar

from nexio.keys import Keyring
from nexio.settings import LONGEST_PIN, NIST_FLOOR, SHORTEST_PIN
from radius_auth.nas_index import NasIndex

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime
    from zoneinfo import ZoneInfo

    from nexio.following import FollowedVisit, Horizon, News
    from nexio.locations import Location

    Visits = tuple[FollowedVisit, ...]

Key = TypeVar("Key", str, bytes)


_CHANCES = {
    Keyring.sealed_length(digits): 10.0 ** (NIST_FLOOR - digits)
    for digits in range(SHORTEST_PIN, LONGEST_PIN + 1)
}
"""Of one guess at one PIN, in millionths, by the length of the sealed PIN."""


class Table:
    """Visits by e-mail and by PIN, NAS by address, locations by number.

    Args:
        keyring: the keys of the store that it is filled from.
    """

    def __init__(self, keyring: Keyring) -> None:
        self.keyring = keyring
        self.locations: dict[int, Location] = {}
        self.nas = NasIndex(())
        self._zones: list[ZoneInfo] = []
        self._visits: dict[int, FollowedVisit] = {}
        self._by_email: dict[str, Visits] = {}
        self._by_digest: dict[bytes, Visits] = {}
        self._good: Counter[tuple[int, float]] = Counter()

    def __len__(self) -> int:
        """How many visits are known."""
        return len(self._visits)

    def find_visit(self, visit_id: int) -> FollowedVisit | None:
        """The visit of that number, where it is known."""
        return self._visits.get(visit_id)

    def visits_of(self, email_key: str) -> Visits:
        """The visits of an address, at every location."""
        return self._by_email.get(email_key, ())

    def visits_with(self, location_id: int, pin: str) -> Visits:
        """The visits with that PIN at a location."""
        return self._by_digest.get(self.keyring.digest(location_id, pin), ())

    def chance_of(self, visit: FollowedVisit) -> float:
        """The chance that a guess is the PIN of a visit, in millionths: 1 for six digits.

        0 for a PIN that is not good any more.  One whose time is over counts: it can be extended.
        """
        if visit.deleted_at is not None or visit.revoked_at is not None or visit.replaced:
            return 0.0
        return _CHANCES.get(len(visit.pin_sealed), 1.0)

    def chance_at(self, location_id: int) -> float:
        """The chance that a guess is anybody's PIN at a location, in millionths."""
        return sum(self._good[location_id, chance] * chance for chance in _CHANCES.values())

    def apply(self, news: News, horizon: Horizon, now: datetime) -> None:
        """Take in what changed; visits outside the horizon are dropped."""
        if news.locations is not None:
            self.locations = {location.id: location for location in news.locations}
            self._zones = _zones(news.locations)
        if news.nas is not None:
            self.nas = NasIndex(news.nas)
        for visit_id in news.removed_visits:
            self._drop(visit_id)
        self.put(visit for visit in news.visits if horizon.holds(visit, now))
        for visit in news.visits:
            if not horizon.holds(visit, now):
                self._drop(visit.id)

    def put(self, visits: Iterable[FollowedVisit]) -> None:
        """Add visits, or replace those of the same number."""
        for visit in visits:
            old = self._visits.get(visit.id)
            if old is not None and (old.email_key, old.pin_digest) != (
                visit.email_key,
                visit.pin_digest,
            ):
                self._drop(visit.id)
                old = None
            if old is not None:
                self._tally(old, -1)
            self._visits[visit.id] = visit
            self._tally(visit, +1)
            _put(self._by_email, visit.email_key, visit)
            _put(self._by_digest, visit.pin_digest, visit)

    def drop_outside(self, horizon: Horizon, now: datetime) -> None:
        """Forget what the horizon has left behind."""
        for visit in [visit for visit in self._visits.values() if not horizon.holds(visit, now)]:
            self._drop(visit.id)

    def _tally(self, visit: FollowedVisit, one: int) -> None:
        if chance := self.chance_of(visit):
            key = visit.location_id, chance
            self._good[key] += one
            if not self._good[key]:
                del self._good[key]

    def _drop(self, visit_id: int) -> None:
        visit = self._visits.pop(visit_id, None)
        if visit is not None:
            self._tally(visit, -1)
            _drop(self._by_email, visit.email_key, visit_id)
            _drop(self._by_digest, visit.pin_digest, visit_id)


def _zones(locations: Iterable[Location]) -> list[ZoneInfo]:
    """The zones, read now and kept: Python forgets those that nobody holds.

    So no request waits for a file, or fails because none can be opened at that moment.
    """
    zones = []
    for location in locations:
        with suppress(OSError, LookupError):  # then it is tried again where a time is told
            zones.append(location.zone)
    return zones


def _put(index: dict[Key, Visits], key: Key, visit: FollowedVisit) -> None:
    index[key] = (*(other for other in index.get(key, ()) if other.id != visit.id), visit)


def _drop(index: dict[Key, Visits], key: Key, visit_id: int) -> None:
    rest = tuple(other for other in index.get(key, ()) if other.id != visit_id)
    if rest:
        index[key] = rest
    else:
        index.pop(key, None)
