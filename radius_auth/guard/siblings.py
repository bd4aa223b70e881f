"""Memory that the guards of one server's workers share, so that they look at one guess at a time.

A worker tells the others of a wrong guess within milliseconds.  Until they have heard of it they
must not look at another one there, or several workers would each take the last guess of a bucket.
So a worker announces a guess before it looks at it: it writes a number for the visit where only it
writes, then reads what the others have written.  Where one of them has announced a guess that was
not heard of yet, it waits until it has heard, or until that one was right; of two that announce at
the same moment the one that comes first among the workers goes first.  No lock is held, so a worker
that dies holds up nobody: its parent empties its row.
"""

from __future__ import annotations

import mmap
import time
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

SLOTS: Final = 1_048_576
"""Visits share a slot with those whose number has the same remainder, and then wait for each other.
So there are more than a server has visits; a slot has 4 octets."""

PATIENCE: Final = 0.1
"""Seconds after which a guess is refused, as within the pause after a wrong PIN: the other worker
has no processor, or the companion is away."""

LARGEST: Final = 2**32
"""Numbers of acts are kept by their remainder."""


class Siblings:
    """The memory as one worker sees it.

    Args:
        memory: made by :func:`shared_memory`, before the workers were.
        workers: how many they are.
        index: which of them this is.
        patience: seconds that it waits for another one, which may have no processor.
    """

    def __init__(
        self, memory: mmap.mmap, workers: int, index: int, patience: float = PATIENCE
    ) -> None:
        self._patience = patience
        octets = memoryview(memory)
        names, rows = octets[: 8 * workers].cast("Q"), octets[8 * workers :].cast("I")
        self._names = names
        self._index = index
        self._own = rows[index * SLOTS : (index + 1) * SLOTS]
        self._others = [
            (other, rows[other * SLOTS : (other + 1) * SLOTS])
            for other in range(workers)
            if other != index
        ]
        self._before: list[tuple[int, int]] = []

    def begin(self, writer: str) -> None:
        """Take the place of the worker before, whose row is empty, under another name.

        Args:
            writer: the name of the guard, in hex digits.
        """
        self._names[self._index] = int(writer, 16)

    def has(self, writer: str) -> bool:
        """Whether a guard is that of another worker of this server."""
        return int(writer, 16) in self._names

    def announce(
        self, key: int, number: int, heard: dict[int, int], catch_up: Callable[[], None]
    ) -> bool:
        """Announce a guess; whether it may be looked at.

        Args:
            key: of what is guessed at.
            number: of the act that comes of it, at least.
            heard: by the name of each other guard, the number of its latest act that is known here.
            catch_up: waits for a moment, and hears what the others have done.
        """
        slot = key % SLOTS
        before, until = self._own[slot], 0.0
        while True:
            self._own[slot] = number % LARGEST
            other = self._first_before(slot, heard)
            if other is None:
                self._before.append((slot, before))
                return True
            if other < self._index:
                self._own[slot] = before
            now = time.monotonic()
            until = until or now + self._patience
            if now >= until:
                self._own[slot] = before
                return False
            catch_up()

    def _first_before(self, slot: int, heard: dict[int, int]) -> int | None:
        """The first other one that has announced something there which was not heard of."""
        for other, row in self._others:
            announced = row[slot]
            if announced and announced > heard.get(self._names[other], 0) % LARGEST:
                return other
        return None

    def is_quiet(self, key: int, heard: dict[int, int]) -> bool:
        """Whether everything that the others have guessed there was heard of."""
        slot = key % SLOTS
        for _, row in self._others:
            if row[slot]:  # of nearly all visits nobody has announced anything
                return self._first_before(slot, heard) is None
        return True

    def keep(self, key: int, number: int) -> None:
        """It was wrong, and is that act: the others wait until they have heard of it."""
        slot = key % SLOTS
        self._own[slot] = number % LARGEST
        if len(self._before) == 1 and self._before[0][0] == slot:
            self._before.clear()
        else:
            self._before = [each for each in self._before if each[0] != slot]

    def withdraw(self) -> None:
        """What was announced and not kept was no guess."""
        while self._before:
            slot, number = self._before.pop()
            self._own[slot] = number


def forget_worker(memory: mmap.mmap, workers: int, index: int) -> None:
    """A worker has ended and is replaced: what it looked at last, nobody will tell."""
    begin = 8 * workers + 4 * SLOTS * index
    memory[begin : begin + 4 * SLOTS] = bytes(4 * SLOTS)


def shared_memory(workers: int) -> mmap.mmap:
    """Memory for so many workers, which are made by ``fork`` afterwards."""
    return mmap.mmap(-1, workers * (8 + 4 * SLOTS))
