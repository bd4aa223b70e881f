"""Counts of answered and discarded requests since a worker started (RFC 5997 §4.2)."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Final, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from nexio.network.events import Decided
    from nexio.network.nas_entry import Nas
    from radius_auth.protocol.discards import Discards

_BY_REASON: Final = ("accepts", "rejects", "discards")
_PLAIN: Final = (
    "repeats",
    "waiting",
    "lost",
    "unrecorded",
    "without_spool",
    "from_disk",
    "mean_us",
    "slowest_us",
)
_SUMMED: Final = ("repeats", "waiting", "lost", "unrecorded")
_OUTCOME_AND_REASON: Final = itemgetter(6, 7)
_LATENCY: Final = itemgetter(8)
"""Of a :data:`~nexio.network.events.Decided`."""

_LINE: Final = re.compile(r"(\w+)(?:: (.+))?=(\d+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """The numbers of a moment."""

    accepts: Mapping[str, int] = field(default_factory=dict)
    """By reason, as are the next two."""

    rejects: Mapping[str, int] = field(default_factory=dict)
    discards: Mapping[str, int] = field(default_factory=dict)
    """Requests without an answer."""

    repeats: int = 0
    """Requests that got the octets of their first copy again."""

    waiting: int = 0
    """Delayed rejects that wait."""

    lost: int = 0
    """Datagrams that the kernel dropped because the server was too busy to read them."""

    unrecorded: int = 0
    """Decisions that will not be in the log: neither spool nor store could take them."""

    without_spool: int = 0
    """1 if the spool cannot be used, so that decisions wait in memory for the store."""

    from_disk: int = 0
    """1 if the store has been away since the start: the table is the saved one."""

    mean_us: int = 0
    """Microseconds from a request to its decision, without the reject delay."""

    slowest_us: int = 0

    def lines(self) -> list[str]:
        """One line for each number, which :func:`parse_counts` reads back."""
        by_reason = [
            f"{name}: {reason}={count}"
            for name in _BY_REASON
            for reason, count in getattr(self, name).items()
        ]
        return [*by_reason, *(f"{name}={getattr(self, name)}" for name in _PLAIN)]

    def plus(self, other: Counts) -> Counts:
        """The sum of the counts of two servers."""
        together: dict[str, Any] = {
            name: dict(Counter(getattr(self, name)) + Counter(getattr(other, name)))
            for name in _BY_REASON
        }
        together |= {name: getattr(self, name) + getattr(other, name) for name in _SUMMED}
        total_us = self.mean_us * self._decisions + other.mean_us * other._decisions
        return Counts(
            **together,
            without_spool=max(self.without_spool, other.without_spool),
            from_disk=max(self.from_disk, other.from_disk),
            mean_us=total_us // max(1, self._decisions + other._decisions),
            slowest_us=max(self.slowest_us, other.slowest_us),
        )

    @property
    def _decisions(self) -> int:
        return sum(self.accepts.values()) + sum(self.rejects.values())


def parse_counts(lines: Iterable[str]) -> Counts | None:
    """Parse `Counts.lines`, ignoring what a later version may add; None if it is something else."""
    by_reason: dict[str, dict[str, int]] = {name: {} for name in _BY_REASON}
    plain: dict[str, int] = {}
    for line in lines:
        found = _LINE.fullmatch(line)
        if found is None:
            return None
        name, reason, count = found.groups()
        if reason is None and name in _PLAIN:
            plain[name] = int(count)
        elif reason is not None and name in by_reason:
            by_reason[name][reason] = int(count)
    return Counts(
        accepts=by_reason["accepts"],
        rejects=by_reason["rejects"],
        discards=by_reason["discards"],
        **plain,
    )


class Signatures(dict[tuple[int, bool], int]):
    """Requests of NAS that need not sign, by the number of the NAS and whether they are signed.

    NAS that must sign are not counted: without a Message-Authenticator a request is discarded.
    """

    def note(self, nas: Nas | None, *, is_signed: bool) -> None:
        """Count one."""
        if nas is not None:
            key = nas.id, is_signed
            self[key] = self.get(key, 0) + 1


class Recording(Protocol):
    """The state of the recording of decisions; see ``Recorder``."""

    @property
    def lost(self) -> int:
        """How many decisions are lost."""

    @property
    def without_spool(self) -> bool:
        """Whether the spool cannot be used."""

    @property
    def siblings(self) -> Counts:
        """The counts of the other workers of this server."""


NOTHING: Final = Counts()


class Statistics:
    """Counts requests as they are answered.

    Args:
        discards: counts what is not answered.
        lost: returns how many datagrams the kernel has dropped.
        recording: the state of the recording of decisions; None if nothing is recorded.
    """

    def __init__(
        self,
        discards: Discards,
        lost: Callable[[], int] = lambda: 0,
        recording: Recording | None = None,
    ) -> None:
        self.repeats = 0
        self._recording = recording
        self._discards = discards
        self._lost = lost
        self._decisions: dict[str, Counter[str]] = {"accept": Counter(), "reject": Counter()}
        self._total_us = 0
        self._slowest_us = 0

    def count(self, events: Sequence[Decided]) -> None:
        """Count decisions."""
        for (outcome, reason), number in Counter(map(_OUTCOME_AND_REASON, events)).items():
            self._decisions[outcome][reason] += number
        self._total_us += sum(map(_LATENCY, events))
        self._slowest_us = max(self._slowest_us, max(map(_LATENCY, events), default=0))

    def of_all_workers(self, waiting: int) -> Counts:
        """The current counts of this worker and its siblings."""
        own = self.counts(waiting)
        return own if self._recording is None else own.plus(self._recording.siblings)

    def counts(self, waiting: int) -> Counts:
        """The current counts of this worker alone.

        Args:
            waiting: how many delayed rejects wait.
        """
        accepts, rejects = self._decisions["accept"], self._decisions["reject"]
        return Counts(
            accepts=dict(accepts),
            rejects=dict(rejects),
            discards={str(reason): count for reason, count in self._discards.counts.items()},
            repeats=self.repeats,
            waiting=waiting,
            lost=self._lost(),
            unrecorded=0 if self._recording is None else self._recording.lost,
            without_spool=int(self._recording is not None and self._recording.without_spool),
            mean_us=self._total_us // max(1, accepts.total() + rejects.total()),
            slowest_us=self._slowest_us,
        )
