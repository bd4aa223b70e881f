"""Auth events: what the RADIUS servers decided."""

from __future__ import annotations

import itertools
import os
import secrets
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable
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


@dataclass(frozen=True, slots=True, kw_only=True)
class EventBatch:
    """Decisions of one process about one NAS, which reach the store together or not at all."""

    record_id: str
    """Of process and number of the batch: makes it the same one wherever it is met."""

    source: str
    """Whose share of what can be stored it takes."""

    events: tuple[Decided, ...]
    writer: str = ""
    """The process, and its number for what it told together; known until it is on a disk."""

    number: int = 0
    server: tuple[str, ...] = ()
    """Whose process that is: kind, host and place, see ``servers.py``."""

    def __len__(self) -> int:
        """Return how many they are."""
        return len(self.events)

    def values(self) -> tuple[Decided, ...]:
        """Its decisions as plain values."""
        return self.events

    @classmethod
    def of_values(
        cls,
        record_id: str,
        source: str,
        values: Iterable[Decided],
        server: tuple[str, ...] = (),
    ) -> EventBatch:
        """What :meth:`values` told; an older version did not say whose it was."""
        return cls(record_id=record_id, source=source, events=tuple(values), server=server)

    def alone(self) -> list[EventBatch]:
        """Each of its decisions by itself: one of them cannot be stored."""
        return [
            replace(self, record_id=f"{self.record_id}.{i}", events=(event,))
            for i, event in enumerate(self.events)
        ]


def batches_of(writer: str, number: int, events: Iterable[Decided]) -> list[EventBatch]:
    """What a process told together, for each NAS a batch."""
    by_source: dict[str, list[Decided]] = {}
    for event in events:
        # Of one that no entry stands for, whatever it calls itself, "-".
        source = NOBODY if event[4] is None else event[3]
        by_source.setdefault(source, []).append(event)
    return [
        EventBatch(
            record_id=f"{writer}-{number}-{i}",
            source=source,
            events=tuple(some),
            writer=writer,
            number=number,
        )
        for i, (source, some) in enumerate(by_source.items())
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
