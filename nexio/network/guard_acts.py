"""What the servers tell each other about guesses; ``guard_table.py`` keeps it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

OTHERS_KEPT: Final = 180.0
"""Seconds: a server that has said nothing for so long is not there any more."""


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
