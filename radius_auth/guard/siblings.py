"""Shared memory by which the workers of one server check one guess at a time at each visit.

A worker sends a wrong guess to the others within milliseconds.  Until it arrives, they must not
check another guess there, or several workers would each take the last guess of a bucket.
So a worker announces a guess before it checks it: it writes a number for the visit into its own
row, then reads the rows of the others.  If one of them has announced a guess that has not arrived
yet, the worker waits until it arrives, or is withdrawn as right; if two announce at the same
moment, the one with the lower index goes first.  No lock is held, so a worker that dies blocks
nobody: its parent clears its row.
"""

from __future__ import annotations

import mmap
import time
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

SLOTS: Final = 1_048_576
"""Visits whose numbers have the same remainder share a slot, and then wait for each other.
So there are more slots than a server has visits; a slot has 4 octets."""

PATIENCE: Final = 0.1
"""Seconds after which a guess is refused, as within the pause after a wrong PIN: the other worker
has no processor, or the companion is away."""

LARGEST: Final = 2**32
"""Numbers of acts are stored modulo this."""


class Siblings:
    """The memory as one worker sees it.

    Args:
        memory: made by :func:`shared_memory`, before the workers were.
        workers: how many there are.
        index: of this worker.
        patience: seconds to wait for another worker, which may have no processor.
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
        """Replace the previous worker, whose row is empty, under a new name.

        Args:
            writer: the name of the guard, in hex digits.
        """
        self._names[self._index] = int(writer, 16)

    def has(self, writer: str) -> bool:
        """Whether a guard is that of another worker of this server."""
        return int(writer, 16) in self._names

    def announce(
        self, key: int, number: int, known: dict[int, int], catch_up: Callable[[], None]
    ) -> bool:
        """Announce a guess, and return whether it may be checked.

        Args:
            key: of what is guessed at.
            number: the lowest number that its act can get.
            known: by the name of each other guard, the number of its latest act that is known here.
            catch_up: waits for a moment, and receives the acts of the others.
        """
        slot = key % SLOTS
        before, until = self._own[slot], 0.0
        while True:
            self._own[slot] = number % LARGEST
            other = self._first_before(slot, known)
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

    def _first_before(self, slot: int, known: dict[int, int]) -> int | None:
        """The first other worker whose announced guess there has not arrived here."""
        for other, row in self._others:
            announced = row[slot]
            if announced and announced > known.get(self._names[other], 0) % LARGEST:
                return other
        return None

    def is_quiet(self, key: int, known: dict[int, int]) -> bool:
        """Whether all guesses that the others have announced there have arrived here."""
        slot = key % SLOTS
        for _, row in self._others:
            if row[slot]:  # of nearly all visits nobody has announced anything
                return self._first_before(slot, known) is None
        return True

    def confirm(self, key: int, number: int) -> None:
        """Mark an announced guess as wrong, with its act: the others wait until it arrives."""
        slot = key % SLOTS
        self._own[slot] = number % LARGEST
        if len(self._before) == 1 and self._before[0][0] == slot:
            self._before.clear()
        else:
            self._before = [each for each in self._before if each[0] != slot]

    def withdraw(self) -> None:
        """Withdraw the announced guesses that were not confirmed as wrong."""
        while self._before:
            slot, number = self._before.pop()
            self._own[slot] = number


def forget_worker(memory: mmap.mmap, workers: int, index: int) -> None:
    """Clear the row of a worker that has ended: the result of its last guess will never come."""
    begin = 8 * workers + 4 * SLOTS * index
    memory[begin : begin + 4 * SLOTS] = bytes(4 * SLOTS)


def shared_memory(workers: int) -> mmap.mmap:
    """Memory for that many workers, which are forked afterwards."""
    return mmap.mmap(-1, workers * (8 + 4 * SLOTS))
