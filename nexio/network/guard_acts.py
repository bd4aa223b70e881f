"""Acts: the messages about PIN guesses that servers share; ``guard_table.py`` stores them."""

from __future__ import annotations

import marshal
from collections.abc import Sequence
from itertools import chain, islice
from typing import TYPE_CHECKING, Any, Final, NamedTuple, overload

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

OTHERS_KEPT: Final = 180.0
"""Seconds of silence after which a server counts as gone."""


ACTS_AT_ONCE: Final = 250
"""Number of acts that are packed together: a worker applies them within a millisecond."""


class Kind:
    """The kind of an act: plain strings, which ``marshal`` can send."""

    GUESS: Final = "guess"
    """A wrong guess was checked."""

    BACK: Final = "back"
    """The guess was right after all."""

    IN: Final = "in"
    """A device was admitted, and got its wrong guesses back."""

    RELEASE: Final = "release"
    """The desk gave a device three tries."""

    HERE: Final = "here"
    """A server is at work; sent every minute."""

    GONE: Final = "gone"
    """A server stops."""


KINDS: Final = (Kind.GUESS, Kind.BACK, Kind.IN, Kind.RELEASE, Kind.HERE, Kind.GONE)


class Act(NamedTuple):
    """One act of one process.

    A named tuple for speed: a server makes one for each new device and each wrong guess, and its
    other workers make that of each wrong guess again (``python -m benchmarks.path``).
    """

    kind: str
    """One of :data:`KINDS`."""

    at: float
    """Seconds since 1970, by the clock of its host."""

    writer: str
    """The process."""

    serial: int
    """Acts of one process are numbered from 1."""

    host: str
    location_id: int | None = None
    visit_id: int | None = None
    """None for a guess at all visits of a location."""

    device: str = ""
    """A MAC address; empty if the NAS names no device."""

    nas: str = ""
    cost: float = 0.0
    """The amount taken from the bucket; with ``in``, the number of guesses given back."""

    chance: float = 0.0
    """The chance that one guess at the visit is right; also of ``in``, and of a guess that the desk
    gave."""


_named: Final = tuple.__new__
"""Makes a named tuple in half of the time of calling its class: each worker makes the acts of all
others (``python -m benchmarks.path``)."""


def values_of(act: Act) -> tuple[Any, ...]:
    """An act as plain values: ``marshal`` does not support named tuples."""
    return act[:]


def acts_of(values: Iterable[tuple[Any, ...]]) -> list[Act]:
    """Make acts of plain values."""
    return [_named(Act, each) for each in values]


def packed(acts: Iterable[Act]) -> bytes:
    """Acts as a process of a server sends them to the others."""
    return marshal.dumps([values_of(act) for act in acts])


def unpacked(octets: bytes) -> list[Act]:
    """The acts that a process of this server sent."""
    return acts_of(marshal.loads(octets))  # noqa: S302 (a process of ours)


class ActBatch(NamedTuple):
    """Acts that a process sent together; the octets are passed on (``benchmarks.recording``)."""

    acts: Sequence[Act]
    octets: bytes


class Part(NamedTuple):
    """Acts that stay together: their number, the earliest time, and their octets."""

    size: int
    since: float
    octets: bytes


def part_of(batch: ActBatch) -> Part:
    """The batch without its unpacked acts."""
    return Part(len(batch.acts), min([act.at for act in batch.acts]), batch.octets)


def parts_of(acts: Iterable[Act], most: int) -> Iterator[Part]:
    """Split acts into parts of at most ``most`` acts."""
    left = iter(acts)
    while some := list(islice(left, most)):
        yield part_of(ActBatch(some, packed(some)))


def together(parts: Iterable[Part], most: int) -> Iterator[list[Part]]:
    """Group parts, with at most ``most`` acts in each group."""
    group: list[Part] = []
    count = 0
    for part in parts:
        if group and count + part.size > most:
            yield group
            group, count = [], 0
        group.append(part)
        count += part.size
    if group:
        yield group


class Packed(Sequence[Act]):
    """Acts as octets, unpacked on access."""

    def __init__(self, parts: Sequence[Part]) -> None:
        self.parts = parts

    def __len__(self) -> int:
        """Return how many they are."""
        return sum(each.size for each in self.parts)

    def __iter__(self) -> Iterator[Act]:
        """Read them."""
        return chain.from_iterable(unpacked(each.octets) for each in self.parts)

    @overload
    def __getitem__(self, which: int) -> Act: ...
    @overload
    def __getitem__(self, which: slice) -> Sequence[Act]: ...
    def __getitem__(self, which: int | slice) -> Act | Sequence[Act]:
        """One of them, or some."""
        return list(self)[which]


def values_in(acts: Sequence[Act]) -> Iterable[Sequence[Any]]:
    """Acts as plain values, without making :class:`Act` objects."""
    if isinstance(acts, Packed):
        return chain.from_iterable(marshal.loads(each.octets) for each in acts.parts)  # noqa: S302 (ours)
    return acts


def times_put_right(acts: Iterable[Act], now: float) -> list[Act]:
    """Correct impossible times in acts that were read at the start.

    No act can be later than one that the same host wrote after it, or later than now: so a clock
    that was ahead for a while leaves no times in the future.
    """
    latest: dict[str, float] = {}
    right = []
    for act in reversed(list(acts)):
        at = latest[act.host] = min(act.at, latest.get(act.host, now))
        right.append(act if at == act.at else act._replace(at=at))
    return right[::-1]
