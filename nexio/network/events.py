"""Auth events: what the RADIUS servers decided."""

from __future__ import annotations

import itertools
import marshal
import os
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final, overload

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime


NOBODY: Final = "-"
"""Whose share a decision takes that led to no entry."""

BY_PIN: Final = "valid"
"""The reason of a guest who was let in by the right PIN."""

UNCOUNTED: Final = "device not counted"
"""The reason of a device under a limit that was let in, or not, while the store was away."""

_PREFIX = secrets.token_hex(8)
_numbers = itertools.count()


Decided = tuple[float, str, str | None, str, int | None, int | None, str, str, int]
"""A decision in few octets: seconds since 1970, masked User-Name, device, NAS, numbers of location
and visit, outcome, reason, and microseconds until it was made."""


PackedDecisions = tuple[str, int, bytes]
"""Decisions about one NAS as a process tells them: whose share of what can be stored they take, how
many they are, and their octets."""


class Packed(Sequence[Decided]):
    """Decisions as octets, until somebody looks at one.

    Whoever made them made the octets, too; so on their way through the companion's memory and its
    spool nobody makes them again (``python -m benchmarks.recording``).

    Args:
        count: how many they are.
        octets: of :func:`packed_by_nas`.
    """

    def __init__(self, count: int, octets: bytes) -> None:
        self.plain = count, octets
        """As they stand in the spool."""

    def __len__(self) -> int:
        """Return how many they are."""
        return self.plain[0]

    def __iter__(self) -> Iterator[Decided]:
        """Read them."""
        return iter(self._read())

    @overload
    def __getitem__(self, which: int) -> Decided: ...
    @overload
    def __getitem__(self, which: slice) -> Sequence[Decided]: ...
    def __getitem__(self, which: int | slice) -> Decided | Sequence[Decided]:
        """One of them, or some."""
        return self._read()[which]

    def _read(self) -> Sequence[Decided]:
        read: Sequence[Decided] = marshal.loads(self.plain[1])  # noqa: S302 (a process of ours)
        return read


@dataclass(frozen=True, slots=True, kw_only=True)
class EventBatch:
    """Decisions of one process about one NAS, which reach the store together or not at all."""

    record_id: str
    """Of process and number of the batch: makes it the same one wherever it is met."""

    source: str
    """Whose share of what can be stored it takes."""

    events: Sequence[Decided]
    writer: str = ""
    """The process, and its number for what it told together; known until it is on a disk."""

    number: int = 0
    server: tuple[str, ...] = ()
    """Whose process that is: kind, host and place, see ``servers.py``."""

    def __len__(self) -> int:
        """Return how many they are."""
        return len(self.events)

    def values(self) -> Sequence[Any]:
        """Its decisions as plain values."""
        return self.events.plain if isinstance(self.events, Packed) else self.events

    def since(self) -> float:
        """When the first of them was made: seconds since 1970."""
        return self.events[0][0]

    @classmethod
    def of_values(
        cls,
        record_id: str,
        source: str,
        values: Sequence[Any],
        server: tuple[str, ...] = (),
    ) -> EventBatch:
        """What :meth:`values` told.

        An older version did not say whose it was, and wrote each decision.
        """
        is_packed = bool(values) and isinstance(values[0], int)
        events = Packed(*values) if is_packed else tuple(values)
        return cls(record_id=record_id, source=source, events=events, server=server)

    def alone(self) -> list[EventBatch]:
        """Each of its decisions by itself: one of them cannot be stored."""
        return [
            replace(self, record_id=f"{self.record_id}.{i}", events=(event,))
            for i, event in enumerate(self.events)
        ]


def packed_by_nas(events: Iterable[Decided]) -> list[PackedDecisions]:
    """What a process tells together, for each NAS."""
    by_source: dict[str, list[Decided]] = {}
    for event in events:
        # Of one that no entry stands for, whatever it calls itself, "-".
        source = NOBODY if event[4] is None else event[3]
        by_source.setdefault(source, []).append(event)
    return [(source, len(some), marshal.dumps(some)) for source, some in by_source.items()]


def event_batches(writer: str, number: int, told: Iterable[PackedDecisions]) -> list[EventBatch]:
    """What a process told together, for each NAS a batch."""
    return [
        EventBatch(
            record_id=f"{writer}-{number}-{i}",
            source=source,
            events=Packed(count, octets),
            writer=writer,
            number=number,
        )
        for i, (source, count, octets) in enumerate(told)
    ]


def new_record_id() -> str:
    """The id of a record that nobody else makes: 32 hex digits, of this process and counted."""
    return f"{_PREFIX}{os.getpid() & 0xFFFFFFFF:08x}{next(_numbers) & 0xFFFFFFFF:08x}"


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthEvent:
    """One decision; ``record_id`` (32 hex digits) makes it the same one wherever it is met."""

    record_id: str = field(default_factory=new_record_id)
    at: datetime
    user_name: str
    device: str | None
    nas: str
    location_id: int | None
    visit_id: int | None
    outcome: str
    reason: str
    latency_us: int

    @property
    def source(self) -> str:
        """Whose share of what can be stored it takes; of one that no entry stands for, "-"."""
        return NOBODY if self.location_id is None else self.nas


def decided(event: AuthEvent) -> Decided:
    """The same in few octets."""
    return (
        event.at.timestamp(),
        event.user_name,
        event.device,
        event.nas,
        event.location_id,
        event.visit_id,
        event.outcome,
        str(event.reason),
        event.latency_us,
    )
