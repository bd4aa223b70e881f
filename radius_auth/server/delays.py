"""Delays replies: a reject is held back for the reject delay.

No other reply is held up meanwhile (draft-ietf-radext-deprecating-radius section 8.3).
"""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Iterator
from typing import Generic, TypeVar

Item = TypeVar("Item")


LIMIT = 32_768
"""Replies that may wait: more than a server can make in the longest delay."""


class DelayedReplies(Generic[Item]):
    """A heap of items by the time when they are due; equal times keep their order.

    Args:
        limit: how many may wait; the caller checks :attr:`is_full` before a push.
    """

    def __init__(self, limit: int = LIMIT) -> None:
        self._limit = limit
        # The sequence number breaks ties, so that two items are never compared.
        self._heap: list[tuple[float, int, Item]] = []
        self._sequence = itertools.count()

    def __len__(self) -> int:
        """Return how many items wait."""
        return len(self._heap)

    @property
    def is_full(self) -> bool:
        """Whether no other item should be pushed."""
        return len(self._heap) >= self._limit

    def push(self, due: float, item: Item) -> None:
        """Add an item that is due at ``due``, in monotonic seconds."""
        heapq.heappush(self._heap, (due, next(self._sequence), item))

    def pop_due(self, now: float) -> Iterator[Item]:
        """Remove and return the items due at ``now``, the earliest first."""
        while self._heap and self._heap[0][0] <= now:
            yield heapq.heappop(self._heap)[2]

    def next_due(self) -> float | None:
        """Return when the next item is due, or None if none waits."""
        return self._heap[0][0] if self._heap else None
