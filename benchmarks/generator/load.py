"""A load: prepared requests in a file; and the outcome of sending them to a server."""

from __future__ import annotations

import json
import struct
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import quantiles
from typing import Final

from benchmarks.generator.programs import make_program
from benchmarks.packets import SOCKETS, is_right

WINDOW: Final = 8
"""Requests of one socket that wait for their answer."""

_RECORD: Final = struct.Struct("=IIqq")


class WrongReply(Exception):
    """A server sent a wrong answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """Requests, ready to be sent."""

    requests: Sequence[bytes]
    code: int | None
    """Of each right reply; None where the same octets come back, as from an echo."""

    path: Path
    """Where they lie for the generator."""

    @classmethod
    def prepare(cls, requests: Sequence[bytes], code: int | None, path: Path) -> Load:
        """Write them down for the generator."""
        with path.open("wb") as file:
            for request in requests:
                file.write(struct.pack("=H", len(request)) + request)
        return cls(requests=requests, code=code, path=path)

    def is_right(self, number: int, reply: bytes) -> bool:
        """Whether that is a right reply to a request."""
        request = self.requests[number]
        return reply == request if self.code is None else is_right(reply, request, self.code)


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """The parameters of the generator for one load."""

    port: int
    seconds: float
    rate: int = 0
    """Requests a second; 0 is as many as are answered."""

    first: int = 0
    warm: int = 0
    """Requests before the clock starts."""

    limit: int = 0
    """The most requests while it runs; 0 is any number."""

    patience: float = 5.0
    """Seconds after which a request without an answer is lost."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """The outcome of a load; every reply was verified."""

    answers: int
    lost: int
    seconds: float
    """From the first request to the last reply."""

    generator_cpu: float
    """Seconds."""

    delays: Sequence[tuple[float, float]]
    """When each answered request was sent, and how long its answer took: seconds."""

    def percentile(self, percent: int) -> float:
        """The percentile of the delays, in seconds."""
        delays = [delay for _, delay in self.delays]
        return quantiles(delays, n=100, method="inclusive")[percent - 1]


class Generator:
    """The program that sends loads.

    Args:
        folder: for the program and what it writes.
    """

    def __init__(self, folder: Path) -> None:
        self._command = make_program("generator", folder)
        self._result = folder / "replies"

    def send(
        self, load: Load, order: Order, on_start: Callable[[], None] = lambda: None
    ) -> Outcome:
        """Send requests and verify the replies.

        Args:
            load: the requests.
            order: how many, how fast and where to.
            on_start: called just before the clock starts.

        Raises:
            WrongReply: a reply is wrong, or none was asked for.
        """
        words = (
            *(order.port, SOCKETS, WINDOW, order.rate, order.seconds),
            *(order.first, order.warm, order.limit, order.patience, load.path, self._result),
        )
        with subprocess.Popen(
            [*self._command, *map(str, words)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        ) as program:
            assert program.stdin is not None
            assert program.stdout is not None
            if program.stdout.readline() != "ready\n":
                raise RuntimeError("the load generator did not start")
            on_start()
            program.stdin.write("go\n")
            program.stdin.flush()
            report = json.loads(program.stdout.readline())
        return _verified(load, self._result.read_bytes(), report)


def _verified(load: Load, octets: bytes, report: dict[str, float]) -> Outcome:
    if report["stray"]:
        raise WrongReply(f"{report['stray']:.0f} replies that nobody waited for")
    delays, at = [], 0
    while at < len(octets):
        number, length, sent, came = _RECORD.unpack_from(octets, at)
        at += _RECORD.size + length
        if not length:
            continue
        if not load.is_right(number, octets[at - length : at]):
            raise WrongReply(
                f"request {number} got a wrong reply: {octets[at - length : at].hex()}"
            )
        delays.append((sent / 1e9, (came - sent) / 1e9))
    assert len(delays) == report["answered"]
    last = max((sent + delay for sent, delay in delays), default=report["seconds"])
    return Outcome(
        answers=len(delays),
        lost=int(report["lost"]),
        seconds=last,
        generator_cpu=report["cpu"],
        delays=delays,
    )
