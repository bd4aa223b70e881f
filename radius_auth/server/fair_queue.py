"""A queue in which the NAS take turns, however much one of them sends."""

from __future__ import annotations

from collections import OrderedDict, deque
from typing import Generic, TypeVar

Item = TypeVar("Item")


class FairQueue(Generic[Item]):
    """Holds waiting items, by owner.

    Args:
        of_one: how many of one owner may wait.
        of_all: how many may wait in all.
    """

    def __init__(self, of_one: int, of_all: int) -> None:
        self._of_one = of_one
        self._of_all = of_all
        self._waiting: OrderedDict[str, deque[Item]] = OrderedDict()
        self._total = 0

    def __len__(self) -> int:
        """How many items wait."""
        return self._total

    def put(self, owner: str, item: Item) -> bool:
        """Add an item of an owner; False if there is no room for it."""
        waiting = self._waiting.get(owner)
        if self._total >= self._of_all or (waiting and len(waiting) >= self._of_one):
            return False
        self._waiting.setdefault(owner, deque()).append(item)
        self._total += 1
        return True

    def take(self, count: int) -> list[Item]:
        """Remove and return up to ``count`` items, one of each owner in turn, in order."""
        taken: list[Item] = []
        while self._waiting and len(taken) < count:
            owner, waiting = self._waiting.popitem(last=False)
            taken.append(waiting.popleft())
            if waiting:
                self._waiting[owner] = waiting
        self._total -= len(taken)
        return taken
