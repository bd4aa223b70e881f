"""The table that requests are decided by: in memory, so that no request waits for the store.

One thread changes it (the follower), others read it without a lock: each entry is an
immutable value that is replaced as a whole.
"""

from __future__ import annotations

import hashlib
import itertools
import secrets
from collections import defaultdict
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, TypeVar

from nexio.keys.keyring import Keyring
from nexio.keys.purposes import VISIT_PIN
from nexio.locations.settings import LONGEST_PIN, SHORTEST_PIN
from nexio.network.following import FollowedVisit
from radius_auth.replica.confirming import is_confirmed
from radius_auth.replica.nas_index import NasIndex
from radius_auth.replica.replies import prepare_replies

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from zoneinfo import ZoneInfo

    from nexio.locations.locations import Location
    from nexio.network.following import Horizon, News
    from nexio.network.nas import Nas
    from radius_auth.replica.replies import BySource, PreparedReply

    Visits = tuple[FollowedVisit, ...]

    Tally = dict[int, tuple[float, bytes]]
    """By the number of digits: the chance, and a digest of the PINs."""

Key = TypeVar("Key", str, bytes)


_DIGITS = {Keyring.sealed_length(digits): digits for digits in range(SHORTEST_PIN, LONGEST_PIN + 1)}
"""The number of digits of a PIN, by the length of the encrypted PIN."""

_CHANCES = {length: 10.0**-digits for length, digits in _DIGITS.items()}
_LARGEST_CHANCE = 10.0**-SHORTEST_PIN
"""The chance that one guess is right."""

_revisions = itertools.count()
_NEVER = datetime.min.replace(tzinfo=UTC)

TALLIED_EVERY = timedelta(minutes=1)
"""How old the tally of the PINs at a location may be."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What has changed in a table."""

    is_whole: bool = False
    """The table was replaced by one with other keys, or of another store."""

    visits: Sequence[FollowedVisit] = ()
    """New or changed visits."""

    gone: Sequence[int] = ()
    """Numbers of visits that are no longer known."""

    locations: Sequence[Location] | None = None
    """All of them if one has changed, else None; so with the NAS."""

    nas: Sequence[Nas] | None = None


class Table:
    """Visits by e-mail and by PIN, NAS by address, locations by number.

    Args:
        keyring: the keys of the store that it is filled from.
    """

    def __init__(self, keyring: Keyring) -> None:
        self.keyring = keyring
        self.locations: dict[int, Location] = {}
        self.nas = NasIndex(())
        self.replies: dict[int, BySource] = {}
        """Further attributes of accepts, by the number of the NAS; empty if no NAS has any."""

        self._zones: list[ZoneInfo] = []
        self._visits: dict[int, FollowedVisit] = {}
        self.by_name: dict[bytes, Visits] = {}
        """Visits by their e-mail, in octets as most guests type it."""

        self.revision = next(_revisions)
        """Unique to each table and after each change; requests may be decided during a change."""

        self._by_digest: dict[bytes, Visits] = {}
        self._by_device: dict[str, Visits] = {}
        self._tallies: dict[int, tuple[datetime, Tally]] = {}

    def __len__(self) -> int:
        """How many visits are known."""
        return len(self._visits)

    def all_visits(self) -> list[FollowedVisit]:
        """Every visit that is known."""
        return list(self._visits.values())

    def find_visit(self, visit_id: int) -> FollowedVisit | None:
        """The visit of that number, if it is known."""
        return self._visits.get(visit_id)

    def visits_of(self, email_key: str) -> Visits:
        """The visits of an address, at every location."""
        return self.by_name.get(email_key.encode("utf-8", "surrogatepass"), ())

    def visits_with(self, location_id: int, pin: str) -> Visits:
        """The visits with that PIN at a location."""
        return self._by_digest.get(self.keyring.digest(location_id, pin), ())

    def visits_on(self, device: str) -> Visits:
        """The visits with whose PIN a device has logged in, as far as that is stored."""
        return self._by_device.get(device, ())

    def reply_for(self, nas: Nas | None, visit: FollowedVisit) -> PreparedReply | None:
        """The further attributes of an accept at a NAS for a visitor, or None."""
        by_source = None if nas is None else self.replies.get(nas.id)
        if by_source is None:
            return None
        return by_source.get(visit.source) or by_source[""]

    @cached_property
    def nobody(self) -> FollowedVisit:
        """A dummy visit, to compare with if there is no other; its PIN cannot be typed."""
        return FollowedVisit(
            id=0,
            location_id=0,
            email_key="",
            pin_digest=secrets.token_bytes(32),
            pin_sealed=self.keyring.seal("no PIN", VISIT_PIN),
            opens_at=_NEVER,
            closes_at=_NEVER,
            deleted_at=None,
            replaced=False,
            token_id=None,
            valid_from=None,
            valid_until=None,
            revoked_at=None,
        )

    def chance_of(self, visit: FollowedVisit) -> float:
        """The chance that a guess is the PIN of a visit."""
        return _CHANCES.get(len(visit.pin_sealed), _LARGEST_CHANCE)

    def chance_at(self, location: Location, digits: int, now: datetime) -> tuple[float, bytes]:
        """The chance that so many digits match a PIN of a location that would be confirmed now.

        Returns:
            The chance, and a digest of those PINs, which differs if they differ.
        """
        counted = self._tallies.get(location.id)
        if counted is None or abs(now - counted[0]) > TALLIED_EVERY:
            counted = self._tallies[location.id] = (now, self._tally(location, now))
        return counted[1].get(digits, (0.0, b""))

    def _tally(self, location: Location, now: datetime) -> Tally:
        soon = now + TALLIED_EVERY
        pins: defaultdict[int, list[bytes]] = defaultdict(list)
        for visit in list(self._visits.values()):
            if visit.location_id == location.id and (
                is_confirmed(visit, location, now) or is_confirmed(visit, location, soon)
            ):
                digits = _DIGITS.get(len(visit.pin_sealed), SHORTEST_PIN)
                pins[digits].append(visit.pin_digest)
        return {
            digits: (len(same) / 10.0**digits, hashlib.sha256(b"".join(sorted(same))).digest())
            for digits, same in pins.items()
        }

    def apply(self, news: News, horizon: Horizon, now: datetime) -> None:
        """Apply changes of the store; visits outside the horizon are dropped."""
        self.set_places(news.locations, news.nas)
        self.drop(news.removed_visits)
        self.put(visit for visit in news.visits if horizon.holds(visit, now))
        for visit in news.visits:
            if not horizon.holds(visit, now):
                self._drop(visit.id)
        self.revision = next(_revisions)

    def set_places(self, locations: Sequence[Location] | None, nas: Sequence[Nas] | None) -> None:
        """Replace all locations and all NAS; None leaves them as they are."""
        if locations is not None:
            self.locations = {location.id: location for location in locations}
            self._zones = _zones(locations)
        if nas is not None:
            self.nas = NasIndex(nas)
        if nas is not None or locations is not None:
            self.replies = prepare_replies(self.nas.entries, self.locations)

    def drop(self, numbers: Iterable[int]) -> None:
        """Forget the visits of those numbers."""
        for number in numbers:
            self._drop(number)

    def put(self, visits: Iterable[FollowedVisit]) -> None:
        """Add visits, or replace those of the same number."""
        for visit in visits:
            old = self._visits.get(visit.id)
            if old is not None and (old.email_key, old.pin_digest) != (
                visit.email_key,
                visit.pin_digest,
            ):
                self._drop(visit.id)
            elif old is not None and old.devices != visit.devices:
                for device in set(old.devices).difference(visit.devices):
                    _drop(self._by_device, device, visit.id)
            self._visits[visit.id] = visit
            self._tallies.pop(visit.location_id, None)
            _put(self.by_name, visit.email_key.encode("utf-8", "surrogatepass"), visit)
            _put(self._by_digest, visit.pin_digest, visit)
            for device in visit.devices:
                _put(self._by_device, device, visit)
        self.revision = next(_revisions)

    def drop_outside(self, horizon: Horizon, now: datetime) -> None:
        """Drop the visits outside the horizon."""
        for visit in [visit for visit in self._visits.values() if not horizon.holds(visit, now)]:
            self._drop(visit.id)

    def _drop(self, visit_id: int) -> None:
        visit = self._visits.pop(visit_id, None)
        if visit is not None:
            _drop(self.by_name, visit.email_key.encode("utf-8", "surrogatepass"), visit_id)
            _drop(self._by_digest, visit.pin_digest, visit_id)
            for device in visit.devices:
                _drop(self._by_device, device, visit_id)
            self.revision = next(_revisions)


def _zones(locations: Iterable[Location]) -> list[ZoneInfo]:
    """The zones, read now and referenced: Python drops those that nothing references.

    So no request waits for a file, or fails because none can be opened at that moment.
    """
    zones = []
    for location in locations:
        with suppress(OSError, LookupError):  # it is read again when a time is needed
            zones.append(location.zone)
    return zones


def _put(index: dict[Key, Visits], key: Key, visit: FollowedVisit) -> None:
    known = index.get(key, ())
    others: Visits = tuple(each for each in known if each.id != visit.id) if known else ()
    index[key] = (*others, visit)


def _drop(index: dict[Key, Visits], key: Key, visit_id: int) -> None:
    rest = tuple(other for other in index.get(key, ()) if other.id != visit_id)
    if rest:
        index[key] = rest
    else:
        index.pop(key, None)
