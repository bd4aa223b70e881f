"""Auth events: the decisions of the RADIUS servers."""

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
"""The source that is charged for decisions without a NAS entry."""

BY_PIN: Final = "valid"
"""The reason for a guest who was admitted by the right PIN."""

UNCOUNTED: Final = "device not counted"
"""The reason for admitting or rejecting a device under a limit while the store is unreachable."""

_PREFIX = secrets.token_hex(8)
_numbers = itertools.count()


Decided = tuple[float, str, str | None, str, int | None, int | None, str, str, int]
"""A compact decision: seconds since 1970, masked User-Name, device, NAS, numbers of location and
visit, outcome, reason, and the microseconds it took."""


PackedDecisions = tuple[str, int, bytes]
"""Decisions about one NAS as a process reports them: the source whose share of the storage limit
they use, their number, and their octets."""


class Packed(Sequence[Decided]):
    """Decisions as octets, unpacked on access.

    The process that made the decisions packed them; so the companion's memory and spool need not
    serialize them again (``python -m benchmarks.recording``).

    Args:
        count: number of decisions.
        octets: from :func:`packed_by_nas`.
    """

    def __init__(self, count: int, octets: bytes) -> None:
        self.plain = count, octets
        """The form that the spool stores."""

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
    """Decisions of one process about one NAS, stored together or not at all."""

    record_id: str
    """Made of the process and the batch number: identifies the batch everywhere."""

    source: str
    """The source whose share of the storage limit it uses."""

    events: Sequence[Decided]
    writer: str = ""
    """The process, and its number for this report; known until the batch is on a disk."""

    number: int = 0
    server: tuple[str, ...] = ()
    """The server of that process: kind, host and place, see ``servers.py``."""

    def __len__(self) -> int:
        """Return how many they are."""
        return len(self.events)

    def values(self) -> Sequence[Any]:
        """Its decisions as plain values."""
        return self.events.plain if isinstance(self.events, Packed) else self.events

    def since(self) -> float:
        """The time of its first decision: seconds since 1970."""
        return self.events[0][0]

    @classmethod
    def of_values(
        cls,
        record_id: str,
        source: str,
        values: Sequence[Any],
        server: tuple[str, ...] = (),
    ) -> EventBatch:
        """Rebuild a batch from its :meth:`values`.

        An older version did not store the server, and wrote each decision unpacked.
        """
        is_packed = bool(values) and isinstance(values[0], int)
        events = Packed(*values) if is_packed else tuple(values)
        return cls(record_id=record_id, source=source, events=events, server=server)

    def alone(self) -> list[EventBatch]:
        """Split into batches of one decision, to isolate a decision that cannot be stored."""
        return [
            replace(self, record_id=f"{self.record_id}.{i}", events=(event,))
            for i, event in enumerate(self.events)
        ]


def packed_by_nas(events: Iterable[Decided]) -> list[PackedDecisions]:
    """Pack the decisions of one report, separately for each NAS."""
    by_source: dict[str, list[Decided]] = {}
    for event in events:
        # "-" for a NAS without an entry, whatever name it sends.
        source = NOBODY if event[4] is None else event[3]
        by_source.setdefault(source, []).append(event)
    return [(source, len(some), marshal.dumps(some)) for source, some in by_source.items()]


def event_batches(
    writer: str, number: int, reported: Iterable[PackedDecisions]
) -> list[EventBatch]:
    """The batches of one report of a process, one for each NAS."""
    return [
        EventBatch(
            record_id=f"{writer}-{number}-{i}",
            source=source,
            events=Packed(count, octets),
            writer=writer,
            number=number,
        )
        for i, (source, count, octets) in enumerate(reported)
    ]


def new_record_id() -> str:
    """A unique record id: 32 hex digits, made of this process and a counter."""
    return f"{_PREFIX}{os.getpid() & 0xFFFFFFFF:08x}{next(_numbers) & 0xFFFFFFFF:08x}"


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthEvent:
    """One decision; ``record_id`` (32 hex digits) identifies it everywhere."""

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
        """The source whose share of the storage limit it uses; "-" for a NAS without an entry."""
        return NOBODY if self.location_id is None else self.nas


def decided(event: AuthEvent) -> Decided:
    """The event as a compact decision."""
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
