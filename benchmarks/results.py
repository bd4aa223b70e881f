"""The results of a run as stored in JSON, and figures derived from them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median
from typing import Any, Final, Self

BUSY_GENERATOR: Final = 0.9
"""Of a processor: it has nothing left then."""

LOADED: Final = 0.5
"""A load average that an idle machine does not have."""

BUSY: Final = 0.05
"""A machine of which others use more is not idle."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """The results of one server in one round."""

    server: str
    column: str
    number: int
    rate: int
    """Requests a second; 0 is as many as were answered."""

    answers: int
    lost: int
    per_second: float
    cpu_us: float
    """Of all processes of the server and its database, for each answer, recorded and all."""

    p50_ms: float
    p99_ms: float
    generator: float
    """The part of one processor that the load generator took."""

    others: float
    """The part of the machine that other programs used."""

    cpu_of: Mapping[str, float] = field(default_factory=dict)
    """``cpu_us`` by the name of the processes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Opponent:
    """A server that was measured."""

    name: str
    megabytes: Sequence[float]
    """Of each of its processes, and of its database's, after all rounds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Endings:
    """The results at a NAS that ignores Session-Timeout."""

    noticed: Sequence[float]
    """Seconds from revoking a visitor to the Disconnect-Request, the shortest first."""

    together: int
    """Sessions whose windows ended in the same moment."""

    last: float
    """Seconds from that moment to the last Disconnect-Request of them."""

    per_second: float
    """Disconnect-Requests from the first to the last one of them, acknowledged and recorded."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sites:
    """How soon two servers on one PostgreSQL know changes at each other's site."""

    registered: Sequence[float]
    """Seconds from a registration at one until the other accepts, the shortest first."""

    revoked: Sequence[float]
    """The same until it rejects."""

    following: float
    """The part of a processor that following takes while nothing changes."""

    companion: float
    """The same of the whole process that follows, of a server that nobody asks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Results:
    """All results of one run of ``make bench``."""

    date: str
    form: str
    visitors: int
    pin_lengths: Sequence[int]
    machine: Mapping[str, str]
    load_average: float
    """At the start."""

    generator: Mapping[str, Any]
    servers: Mapping[str, Opponent]
    rounds: Sequence[Round]
    starts: Sequence[float]
    """Seconds until nexio-radiusd gave its first answer."""

    reloads: Sequence[tuple[float, float]]
    """The longest delay of a run with a reload, and of one without, in milliseconds."""

    taps: Sequence[float] = ()
    """Milliseconds that people waited at a tablet, the shortest first."""

    workers: Sequence[float] = ()
    """Megabytes of a worker at its first answer, once for each start."""

    commands: Mapping[str, float] = field(default_factory=dict)
    """CPU by command (see ``benchmarks/commands.py``)."""

    ends: Endings | None = None
    sites: Sites | None = None
    beside: Sequence[tuple[float, float]] = ()
    """Accepts a second alone, and beside accounting."""

    def save(self, path: Path) -> None:
        """Save the results."""
        path.write_text(json.dumps(asdict(self), indent=1) + "\n")

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read saved results."""
        saved = json.loads(path.read_text())
        saved["servers"] = {key: Opponent(**each) for key, each in saved["servers"].items()}
        saved["rounds"] = [Round(**each) for each in saved["rounds"]]
        ends = saved.get("ends")
        saved["ends"] = None if ends is None else Endings(**ends)
        sites = saved.get("sites")
        saved["sites"] = None if sites is None else Sites(**sites)
        return cls(**saved)

    def of(self, server: str, column: str, *, paced: bool = False) -> list[Round]:
        """The rounds of a server, in their order."""
        found = (each for each in self.rounds if (each.server, each.column) == (server, column))
        return sorted((each for each in found if bool(each.rate) is paced), key=_number)

    def middle(self, what: str, server: str, column: str, *, paced: bool = False) -> float | None:
        """The median over the rounds; None where there were none."""
        found = [getattr(each, what) for each in self.of(server, column, paced=paced)]
        return median(found) if found else None

    def cpu_of(self, server: str, column: str) -> dict[str, float]:
        """Microseconds for each answer by the name of the processes: medians over the rounds."""
        rounds = self.of(server, column)
        names = dict.fromkeys(name for each in rounds for name in each.cpu_of)
        return {name: median(each.cpu_of.get(name, 0.0) for each in rounds) for name in names}

    def ratio(
        self, what: str, column: str, ours: str, theirs: str, *, paced: bool = False
    ) -> float | None:
        """Ours divided by theirs: the median of what the rounds show, each for itself."""
        pairs = zip(
            self.of(ours, column, paced=paced), self.of(theirs, column, paced=paced), strict=False
        )
        found = [getattr(one, what) / getattr(other, what) for one, other in pairs]
        return median(found) if found else None

    def added_by_reload(self) -> float | None:
        """Milliseconds: the median of the runs with one, against the best run without.

        Other delays in runs without a reload do not make a reload look better.
        """
        if not self.reloads:
            return None
        with_reload = median(longest for longest, _ in self.reloads)
        return max(0.0, with_reload - min(longest for _, longest in self.reloads))

    def beside_accounting(self) -> float | None:
        """Accepts a second beside accounting, divided by those alone: the median of the pairs."""
        found = [beside / alone for alone, beside in self.beside]
        return median(found) if found else None

    def disturbances(self) -> Iterator[str]:
        """What makes the figures doubtful, in sentences."""
        if self.load_average > LOADED:
            yield f"The load average was {self.load_average:.2f} at the start."
        disturbed = [each for each in self.rounds if each.others > BUSY]
        if disturbed:
            worst = max(each.others for each in disturbed)
            yield (
                f"Other programs took more than {BUSY:.0%} of the machine during {len(disturbed)}"
                f" of {len(self.rounds)} rounds, {worst:.0%} at worst."
            )

        if self.busiest_generator() > BUSY_GENERATOR:
            yield "The load generator was the bottleneck of at least one round."

    def busiest_generator(self) -> float:
        """The largest part of a processor that the generator took in any round."""
        return max((each.generator for each in self.rounds), default=0.0)


def _number(each: Round) -> int:
    return each.number
