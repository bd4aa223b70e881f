"""How soon a running server knows: from the commit to the first right answer.

A visitor is registered, then deleted, while nexio-radiusd runs; each time the server is asked
again and again until its answer has changed.  The claim is "within one second".
"""

from __future__ import annotations

import statistics
import time
from typing import TYPE_CHECKING

from benchmarks.deployment import Deployment, deployment, stores
from nexio.reception.visits import delete_visit

if TYPE_CHECKING:
    from nexio.reception.visits import Visit

ROUNDS = 50
PATIENCE_SECONDS = 30


def main() -> None:
    """Print the times, in milliseconds."""
    print(f"  {'store':<12} {'change':<12} {'median':>8} {'95 %':>8} {'worst':>8}   milliseconds")
    with stores() as urls:
        for name, url in urls.items():
            with deployment(url, "--reject-delay", "0") as running:
                times = [_round(running, number) for number in range(ROUNDS)]
            for change, column in zip(
                ("registered", "deleted"), zip(*times, strict=True), strict=True
            ):
                _print(name, change, [seconds * 1000 for seconds in column])


def _round(running: Deployment, number: int) -> tuple[float, float]:
    visit = running.register(number)
    registered = _until(running, visit, accepted=True)
    with running.store.write() as work:
        delete_visit(work, visit.id)
    return registered, _until(running, visit, accepted=False)


def _until(running: Deployment, visit: Visit, *, accepted: bool) -> float:
    committed = time.perf_counter()
    while running.ask(visit).accepted is not accepted:
        if time.perf_counter() - committed > PATIENCE_SECONDS:
            raise TimeoutError(f"the server did not notice within {PATIENCE_SECONDS} s")
    return time.perf_counter() - committed


def _print(store: str, change: str, milliseconds: list[float]) -> None:
    ordered = sorted(milliseconds)
    median, worst = statistics.median(ordered), ordered[-1]
    almost = ordered[int(len(ordered) * 0.95) - 1]
    print(f"  {store:<12} {change:<12} {median:8.1f} {almost:8.1f} {worst:8.1f}")
