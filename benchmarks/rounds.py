"""Runs the rounds: each server is asked in turn, in another order each time."""

from __future__ import annotations

import os
import random
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from benchmarks.form import COLUMNS, RATE, Form
from benchmarks.generator.load import Generator, Load, Order, Outcome
from benchmarks.packets import SOCKETS
from benchmarks.results import Round
from benchmarks.servers import processes
from benchmarks.servers.server import Server

ACCOUNTING: Final = "accounting"
BEFORE_DUPLICATES: Final = 1.0
"""Seconds at most from the first answers to their duplicates: caches forget within 5."""


def warm_up(generator: Generator, server: Server, load: Load) -> None:
    """Warm up with each access point: FreeRADIUS does not answer our plugin's first request.

    Raises:
        RuntimeError: it does not answer all of them.
    """
    for first in range(0, 10 * SOCKETS, SOCKETS):
        order = Order(port=server.port, seconds=5, first=first, limit=SOCKETS, patience=1.0)
        if not generator.send(load, order).lost:
            return
    raise RuntimeError(f"{server.name} does not answer all access points")


def play(
    generator: Generator, servers: Sequence[Server], loads: Mapping[str, Load], form: Form
) -> Iterator[Round]:
    """All rounds of all columns; each result as soon as it is there."""
    chance = random.Random(3)
    for column in COLUMNS:
        asked = [each for each in servers if column in each.columns]
        print(f"  {column} …", file=sys.stderr, flush=True)
        for number in range(form.rounds):
            for server in chance.sample(asked, len(asked)):
                turn = Turn(generator, server, _load(loads, server, column), column, form)
                yield turn.at_full_speed(number)
                if column in form.paced:
                    yield turn.at_one_rate(number)


def _load(loads: Mapping[str, Load], server: Server, column: str) -> Load:
    return loads["echo"] if server.key == "echo" else loads[column]


class Turn:
    """A server, and its requests for one column.

    No request of the columns ``reject`` and ``accounting`` may come twice, so each round has a
    part of the load of its own.
    """

    def __init__(
        self, generator: Generator, server: Server, load: Load, column: str, form: Form
    ) -> None:
        self._generator, self._server, self._load = generator, server, load
        self._column, self._form = column, form
        self._for_pace = int(form.paced_seconds * RATE / SOCKETS + 1) * SOCKETS
        whole = len(load.requests) - form.rounds * self._for_pace
        # One guess per visit and round: within seconds a second one would be refused.
        self._part = min(whole // form.rounds, form.visitors) // SOCKETS * SOCKETS

    def at_full_speed(self, number: int) -> Round:
        """A round in which each socket always has requests in flight."""
        return self._measure(number, 0, self._form.seconds, number * self._part, self._part)

    def at_one_rate(self, number: int) -> Round:
        """A round in which so many requests come each second as many servers can answer."""
        first = self._form.rounds * self._part + number * self._for_pace
        return self._measure(number, RATE, self._form.paced_seconds, first, self._for_pace)

    def _measure(self, number: int, rate: int, seconds: float, first: int, most: int) -> Round:
        is_duplicate = self._column == "duplicate"
        watch = Watch(self._server, patience=BEFORE_DUPLICATES if is_duplicate else 0.0)
        order = Order(
            port=self._server.port + (self._column == ACCOUNTING),
            seconds=seconds,
            rate=rate,
            first=0 if is_duplicate else first,
            warm=len(self._load.requests) if is_duplicate else 0,
            limit=most if self._column in {"reject", ACCOUNTING} else 0,
        )
        outcome = self._generator.send(self._load, order, watch.start)
        return watch.round(outcome, self._column, number, rate)


class Watch:
    """Measures processors from the start of a round until the server has nothing left to do."""

    def __init__(self, server: Server, patience: float) -> None:
        self._server, self._patience = server, patience

    def start(self) -> None:
        """Begin, when what was done to warm up is recorded; or after so many seconds."""
        self._server.wait_until_quiet(self._patience)
        self._cpu, self._machine = self._server.cpu_by_name(), processes.machine_seconds()
        self._ours = processes.cpu_seconds(os.getpid())

    def round(self, outcome: Outcome, column: str, number: int, rate: int) -> Round:
        """The results of the round."""
        self._server.wait_until_quiet()
        cpu = {
            name: now - self._cpu.get(name, 0.0) for name, now in self._server.cpu_by_name().items()
        }
        busy, whole = (
            now - before
            for now, before in zip(processes.machine_seconds(), self._machine, strict=True)
        )
        ours = processes.cpu_seconds(os.getpid()) - self._ours
        if not outcome.answers:
            raise RuntimeError(f"{self._server.name} answers no {column}")
        return Round(
            server=self._server.key,
            column=column,
            number=number,
            rate=rate,
            answers=outcome.answers,
            lost=outcome.lost,
            per_second=outcome.answers / outcome.seconds,
            cpu_us=sum(cpu.values()) / outcome.answers * 1e6,
            cpu_of={name: each / outcome.answers * 1e6 for name, each in cpu.items()},
            p50_ms=outcome.percentile(50) * 1e3,
            p99_ms=outcome.percentile(99) * 1e3,
            generator=outcome.generator_cpu / outcome.seconds,
            others=max(0.0, busy - ours) / whole,
        )
