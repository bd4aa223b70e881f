"""What the servers tell each other about guesses; ``guard_table.py`` keeps it."""

from __future__ import annotations

import marshal
from collections.abc import Sequence
from itertools import chain, islice
from typing import TYPE_CHECKING, Any, Final, NamedTuple, overload

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

OTHERS_KEPT: Final = 180.0
"""Seconds: a server that has said nothing for so long is not there any more."""


ACTS_AT_ONCE: Final = 250
"""Acts that are packed together: a worker takes them in within a millisecond."""


class Kind:
    """What was done: plain words, so that an act can be sent as it is (``marshal``)."""

    GUESS: Final = "guess"
    """A wrong guess was looked at."""

    BACK: Final = "back"
    """It was right after all."""

    IN: Final = "in"
    """A device got in, and got back what it had guessed wrongly."""

    RELEASE: Final = "release"
    """The desk gave a device three tries."""

    HERE: Final = "here"
    """A server is at work; said every minute."""

    GONE: Final = "gone"
    """It ends."""


KINDS: Final = (Kind.GUESS, Kind.BACK, Kind.IN, Kind.RELEASE, Kind.HERE, Kind.GONE)


class Act(NamedTuple):
    """What one process did.

    A named tuple, as a server makes one for each new device and each wrong guess, and its other
    workers make that of each wrong guess again (``python -m benchmarks.path``).
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
    """A MAC address; empty where the NAS names no device."""

    nas: str = ""
    cost: float = 0.0
    """What is taken from the bucket; of ``in``: how many guesses are given back."""

    chance: float = 0.0
    """That one guess at the visit is right; of ``in``, and of a guess that the desk gave."""


_named: Final = tuple.__new__
"""Makes a named tuple in half of the time that calling its class takes: each worker makes the acts
of all others (``python -m benchmarks.path``)."""


def values_of(act: Act) -> tuple[Any, ...]:
    """An act as plain values: ``marshal`` knows no named tuple."""
    return act[:]


def acts_of(values: Iterable[tuple[Any, ...]]) -> list[Act]:
    """The acts that plain values stand for."""
    return [_named(Act, each) for each in values]


def packed(acts: Iterable[Act]) -> bytes:
    """Acts as a process of a server tells them to the others."""
    return marshal.dumps([values_of(act) for act in acts])


def unpacked(octets: bytes) -> list[Act]:
    """The acts that a process of this server told."""
    return acts_of(marshal.loads(octets))  # noqa: S302 (a process of ours)


class ActBatch(NamedTuple):
    """What a process told together; its octets go on as they are (``benchmarks.recording``)."""

    acts: Sequence[Act]
    octets: bytes


class Part(NamedTuple):
    """Acts that stay together: how many, since when, and their octets."""

    size: int
    since: float
    octets: bytes


def part_of(told: ActBatch) -> Part:
    """What was told together, without the acts."""
    return Part(len(told.acts), min([act.at for act in told.acts]), told.octets)


def parts_of(acts: Iterable[Act], most: int) -> Iterator[Part]:
    """Acts in parts of so many at most."""
    left = iter(acts)
    while some := list(islice(left, most)):
        yield part_of(ActBatch(some, packed(some)))


def together(parts: Iterable[Part], most: int) -> Iterator[list[Part]]:
    """Parts in groups of so many acts at most."""
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
    """Acts as octets, until somebody looks at one."""

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
    """Acts as plain values, where nobody looks at them as acts."""
    if isinstance(acts, Packed):
        return chain.from_iterable(marshal.loads(each.octets) for each in acts.parts)  # noqa: S302 (ours)
    return acts


def times_put_right(acts: Iterable[Act], now: float) -> list[Act]:
    """Acts that were read at the start, without times that cannot be.

    Nothing happened after what the same host wrote down later, or after now: a clock that was
    ahead for a while leaves no times in the future.
    """
    latest: dict[str, float] = {}
    right = []
    for act in reversed(list(acts)):
        at = latest[act.host] = min(act.at, latest.get(act.host, now))
        right.append(act if at == act.at else act._replace(at=at))
    return right[::-1]
