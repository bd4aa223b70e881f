"""Ledgers: one budget each, with a record for each key that has guessed; bounded."""

from __future__ import annotations

import itertools
from collections import OrderedDict
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from radius_auth.budgets import Record
    from radius_auth.guesses import Guess

MOST = 8_192
"""Records in one ledger."""

PROTECTED = 4
"""A guess is not forgotten before a quarter of the ledger's size have come after it: else, in a
full ledger, two keys in turn would make each other forgotten."""

Key = TypeVar("Key")


class Ledger(Generic[Key]):
    """The records of one budget.

    Args:
        make: makes an empty record.
        most: how many are kept.
    """

    def __init__(self, make: Callable[[], Record], most: int = MOST) -> None:
        self._make = make
        self._most = most
        self._records: dict[Key, Record] = {}
        # By failures, so that room is made without a look at every record.  A plain dict would
        # do but for its front: finding the first key again and again is quadratic.
        self._by_failures: dict[int, OrderedDict[Key, int]] = {}
        self._entries = 0

    def __len__(self) -> int:
        """How many keys have a record."""
        return len(self._records)

    def __iter__(self) -> Iterator[tuple[Key, Record]]:
        """Keys and records."""
        return iter(self._records.items())

    def find(self, key: Key) -> Record | None:
        """The record of a key."""
        return self._records.get(key)

    def wait(self, key: Key, now: float, weight: float = 1.0) -> float:
        """Seconds until a guess is let through; 0 is now."""
        record = self._records.get(key)
        return 0.0 if record is None else record.wait(now, weight)

    def add(self, key: Key, guess: Guess, at: float, weight: float = 1.0) -> None:
        """Count a guess."""
        record = self._records.get(key)
        if record is None:
            if len(self._records) >= self._most:
                self._make_room(at)
            record = self._records[key] = self._make()
        else:
            self._strike_out(key, record)
        record.add(at, weight)
        record.guess, record.weight = guess, weight
        self._enter(key, record)

    def take_back(self, key: Key, at: float, weight: float = 1.0) -> None:
        """Count a guess no longer; a record that was forgotten meanwhile stays so."""
        record = self._records.get(key)
        if record is None:
            return
        self._strike_out(key, record)
        record.take_back(at, weight)
        if record.failures or record.wrong:
            self._enter(key, record)
        else:
            del self._records[key]

    def forget(self, key: Key) -> None:
        """Drop a record."""
        record = self._records.pop(key, None)
        if record is not None:
            self._strike_out(key, record)

    def forget_all(self, chosen: Callable[[Key], bool]) -> None:
        """Drop the records of all keys that are chosen."""
        for key in [key for key in self._records if chosen(key)]:
            self.forget(key)

    def _enter(self, key: Key, record: Record) -> None:
        """Put it behind all others of as many failures."""
        self._entries += 1
        self._by_failures.setdefault(record.failures, OrderedDict())[key] = self._entries

    def _strike_out(self, key: Key, record: Record) -> None:
        equals = self._by_failures[record.failures]
        del equals[key]
        if not equals:
            del self._by_failures[record.failures]

    def _make_room(self, now: float) -> None:
        """Forget one that no longer counts, or else the least dangerous: few failures, long ago.

        Who floods the ledger with new keys drives out his own first failures, not the records
        that make somebody wait.
        """
        oldest = [next(iter(self._by_failures[failures])) for failures in sorted(self._by_failures)]
        idle = (key for key in oldest if self._records[key].is_idle(now))
        self.forget(next(itertools.chain(idle, filter(self._is_old, oldest))))

    def _is_old(self, key: Key) -> bool:
        """Whether it may be forgotten; one is in any full ledger, as entries have numbers."""
        entry = self._by_failures[self._records[key].failures][key]
        return self._entries - entry >= self._most // PROTECTED
