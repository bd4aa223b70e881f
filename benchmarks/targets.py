"""Required, desired and reached figures: ratios within one run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from benchmarks.results import Results

OURS: Final = "radiusd"
PLUGIN: Final = "plugin"


@dataclass(frozen=True, slots=True)
class Target:
    """A figure and its two limits; where the goal is the larger one, more is better."""

    words: str
    must: float
    goal: float
    figure: Callable[[Results], float | None]
    unit: str = "×"

    def state(self, results: Results) -> str:
        """Whether it is met."""
        figure = self.figure(results)
        if figure is None:
            return "not measured"
        if self._is_met(figure, self.goal):
            return "goal"
        return "must" if self._is_met(figure, self.must) else "**not met**"

    def _is_met(self, figure: float, limit: float) -> bool:
        return figure >= limit if self.goal > self.must else figure <= limit


def _cpu(column: str, theirs: str) -> Callable[[Results], float | None]:
    return lambda results: results.ratio("cpu_us", column, OURS, theirs)


def _rate(column: str, theirs: str, ours: str = OURS) -> Callable[[Results], float | None]:
    return lambda results: results.ratio("per_second", column, ours, theirs)


def _p99(results: Results) -> float | None:
    return results.ratio("p99_ms", "accept", OURS, "files", paced=True)


def _start(results: Results) -> float | None:
    return max(results.starts, default=None)


def _worker(results: Results) -> float | None:
    return max(results.workers, default=None)


def _longest_tap(results: Results) -> float | None:
    return max(results.taps) / 1e3 if results.taps else None


def _last_request(results: Results) -> float | None:
    """The longest time, of sessions one by one and all together."""
    return None if results.ends is None else max(results.ends.last, *results.ends.noticed)


TARGETS: Final = (
    Target("CPU per accept / `rlm_files`", 0.75, 0.5, _cpu("accept", "files")),
    Target("accepts a second / `rlm_files`", 1.5, 2.0, _rate("accept", "files")),
    Target("CPU per reject / `rlm_files`", 1.0, 0.7, _cpu("reject", "files")),
    Target("CPU per CHAP accept / `rlm_files`", 1.0, 0.7, _cpu("CHAP accept", "files")),
    Target("accepts a second / `rlm_sql`, PostgreSQL", 6, 10, _rate("accept", "postgresql")),
    Target("the same, with groups and log", 6, 10, _rate("accept", "postgresql-log")),
    Target("accepts a second / plain pyrad server", 4, 6, _rate("accept", "pyrad")),
    Target("CPU per accept / UDP echo in Python", 6, 4, _cpu("accept", "echo")),
    Target("p99 at 500 a second / `rlm_files`", 2, 1, _p99),
    Target("accounting a second / `rlm_sql`, SQLite", 5, 10, _rate("accounting", "sqlite")),
    Target(
        "accounting a second / `rlm_sql`, PostgreSQL",
        1.5, 3, _rate("accounting", "postgresql"),
    ),
    Target(
        "plugin: accepts a second / trivial `rlm_python3`",
        0.7, 0.9, _rate("accept", "python3", PLUGIN),
    ),
    Target("longest delay added by a reload", 20, 5, Results.added_by_reload, "ms"),
    Target("start to first answer", 3, 1, _start, "s"),
    Target("memory of a worker at its first answer", 120, 100, _worker, "MB"),
    Target("longest tap at a tablet", 1, 0.25, _longest_tap, "s"),
    Target("accepts a second beside accounting / alone", 0.9, 0.95, Results.beside_accounting),
    Target("longest time until a Disconnect-Request", 5, 2, _last_request, "s"),
)  # fmt: skip
