"""Ledgers: one budget each, with a record for each key that has guessed; bounded."""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from radius_auth.budgets import Record
    from radius_auth.guesses import Guess

MOST = 8_192
"""Records in one ledger."""

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
        record.add(at, weight)
        record.guess, record.weight = guess, weight

    def take_back(self, key: Key, at: float, weight: float = 1.0) -> None:
        """Count a guess no longer; a record that was forgotten meanwhile stays so."""
        record = self._records.get(key)
        if record is not None:
            record.take_back(at, weight)
            if not record.failures and not record.wrong:
                del self._records[key]

    def forget(self, key: Key) -> None:
        """Drop a record."""
        self._records.pop(key, None)

    def forget_all(self, chosen: Callable[[Key], bool]) -> None:
        """Drop the records of all keys that are chosen."""
        for key in [key for key in self._records if chosen(key)]:
            del self._records[key]

    def _make_room(self, now: float) -> None:
        """Forget what no longer counts, then the least dangerous: few failures, long ago.

        Who floods the ledger with new keys drives out his own first failures, not the records
        that make somebody wait.
        """
        for key in [key for key, record in self._records.items() if record.is_idle(now)]:
            del self._records[key]
        if len(self._records) >= self._most:
            harmless = sorted(self._records.items(), key=lambda item: _danger(item[1]))
            for key, _ in harmless[: self._most // 4 + 1]:
                del self._records[key]


def _danger(record: Record) -> tuple[int, float]:
    return record.failures, record.latest
