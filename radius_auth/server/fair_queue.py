"""A queue in which each NAS has a turn, however much another one sends."""

from __future__ import annotations

from collections import OrderedDict, deque
from typing import Generic, TypeVar

Item = TypeVar("Item")


class FairQueue(Generic[Item]):
    """Holds what waits, by whose it is.

    Args:
        of_one: how much of one may wait.
        of_all: how much of all together.
    """

    def __init__(self, of_one: int, of_all: int) -> None:
        self._of_one = of_one
        self._of_all = of_all
        self._waiting: OrderedDict[str, deque[Item]] = OrderedDict()
        self._total = 0

    def __len__(self) -> int:
        """How much waits."""
        return self._total

    def put(self, whose: str, item: Item) -> bool:
        """Let something wait; False where there is no room for it."""
        waiting = self._waiting.get(whose)
        if self._total >= self._of_all or (waiting and len(waiting) >= self._of_one):
            return False
        self._waiting.setdefault(whose, deque()).append(item)
        self._total += 1
        return True

    def take(self, count: int) -> list[Item]:
        """Up to so much, one of each in turn, the first first."""
        taken: list[Item] = []
        while self._waiting and len(taken) < count:
            whose, waiting = self._waiting.popitem(last=False)
            taken.append(waiting.popleft())
            if waiting:
                self._waiting[whose] = waiting
        self._total -= len(taken)
        return taken
