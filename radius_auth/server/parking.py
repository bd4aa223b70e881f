"""Holds accepts that wait for a slot of their visit's device limit (R18)."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final, Generic, NamedTuple, TypeVar

from radius_auth.companion.link import SLOT_SECONDS
from radius_auth.decision.device_limits import Answer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

Item = TypeVar("Item")

LIMIT: Final = 4_096
"""Requests that may wait; more get no answer, so that their NAS retransmits."""


class _Waiting(NamedTuple, Generic[Item]):
    until: float
    items: list[Item]


class Parked(Generic[Item]):
    """Items by the visit and the device whose slot was asked for; each slot is asked for once.

    Args:
        ask: asks the companion, which answers by :meth:`answer`.
        forget: called for a slot that nobody waits for any more.
    """

    def __init__(
        self,
        ask: Callable[[int, str], None] = lambda *_: None,
        forget: Callable[[int, str], None] = lambda *_: None,
    ) -> None:
        self._ask = ask
        self._forget = forget
        self._waiting: dict[tuple[int, str], _Waiting[Item]] = {}
        self._ready: list[tuple[Answer, Item]] = []
        self._count = 0

    def __len__(self) -> int:
        """How many items wait."""
        return self._count

    @property
    def is_full(self) -> bool:
        """Whether no other item should be added."""
        return self._count >= LIMIT

    def put(self, visit_id: int, device: str, item: Item) -> None:
        """Add an item that waits for the slot of a device."""
        self._count += 1
        waiting = self._waiting.get((visit_id, device))
        if waiting is not None:
            waiting.items.append(item)
            return
        until = time.monotonic() + SLOT_SECONDS
        self._waiting[visit_id, device] = _Waiting(until, [item])
        self._ask(visit_id, device)

    def answer(self, visit_id: int, device: str, answer: Answer) -> None:
        """Apply an answer of the companion."""
        waiting = self._waiting.pop((visit_id, device), None)
        if waiting is not None:
            self._ready += ((answer, item) for item in waiting.items)

    def pop_ready(self) -> Iterator[tuple[Answer, Item]]:
        """Remove and return items that have their answer, or have waited too long for one."""
        while self._waiting and next(iter(self._waiting.values())).until <= time.monotonic():
            asked = next(iter(self._waiting))
            self._forget(*asked)
            self.answer(*asked, Answer.AWAY)
        while self._ready:
            self._count -= 1
            yield self._ready.pop(0)

    def next_due(self) -> float | None:
        """When an item will have waited too long, in monotonic seconds; None if none waits."""
        if self._ready:
            return 0.0
        return next(iter(self._waiting.values())).until if self._waiting else None
