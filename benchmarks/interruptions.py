"""Measures how much a start and a reload of nexio-radiusd delay guests."""

from __future__ import annotations

import signal
import threading
from typing import TYPE_CHECKING, Final

from benchmarks.generator.load import Generator, Load, Order

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmarks.servers.server import Server

RATE: Final = 2_000
"""Requests a second while it reloads."""

LOST_MS: Final = 5_000.0
"""A request without an answer waited at least as long."""


def start(server: Server, load: Load) -> tuple[float, float]:
    """Seconds from starting the program to its first answer, and megabytes of a worker then."""
    with server:
        return server.first_answer(load), max(server.megabytes("nexio-worker"))


def reload_pair(
    generator: Generator, server: Server, load: Load, seconds: float, first: int
) -> tuple[float, float]:
    """The longest delay of a run with a reload, and of the same one without, in milliseconds."""

    def run(on_start: Callable[[], None]) -> float:
        server.wait_until_quiet()
        order = Order(port=server.port, seconds=seconds, rate=RATE, first=first)
        outcome = generator.send(load, order, on_start)
        longest = max(delay for _, delay in outcome.delays) * 1e3
        return max(longest, LOST_MS) if outcome.lost else longest

    reload_later = threading.Timer(seconds / 3, server.signal, [signal.SIGHUP])
    with_reload = run(reload_later.start)
    return with_reload, run(lambda: None)
