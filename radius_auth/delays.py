"""Replies that wait for their time: a reject is held back for the reject delay.

Nobody else is held up meanwhile (draft-ietf-radext-deprecating-radius section 8.3).
"""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Iterator
from typing import Generic, TypeVar

Item = TypeVar("Item")


class DelayedReplies(Generic[Item]):
    """A heap of items by the time when they are due; equal times keep their order."""

    def __init__(self) -> None:
        # The sequence number breaks ties, so that two items are never compared.
        self._heap: list[tuple[float, int, Item]] = []
        self._sequence = itertools.count()

    def __len__(self) -> int:
        """Return how many items wait."""
        return len(self._heap)

    def push(self, due: float, item: Item) -> None:
        """Let an item wait until ``due``, in monotonic seconds."""
        heapq.heappush(self._heap, (due, next(self._sequence), item))

    def pop_due(self, now: float) -> Iterator[Item]:
        """Take out what is due at ``now``, the earliest first."""
        while self._heap and self._heap[0][0] <= now:
            yield heapq.heappop(self._heap)[2]

    def next_due(self) -> float | None:
        """Return when the next item is due, or None where nothing waits."""
        return self._heap[0][0] if self._heap else None
