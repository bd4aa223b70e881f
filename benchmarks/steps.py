"""Divides the time of a login into its steps; ``python -m benchmarks.path`` prints it.

The functions of the path are replaced by ones that read the CPU clock before and after them.  The
cost of that is measured first and subtracted.
"""

from __future__ import annotations

import socket
import time
from collections import Counter, defaultdict
from collections.abc import Callable
from contextlib import ExitStack
from itertools import cycle
from typing import TYPE_CHECKING, Any, Final, Self
from unittest.mock import patch

from radius_auth.decision import decide as deciding
from radius_auth.decision.passwords import Pap
from radius_auth.guard import Guard
from radius_auth.protocol.authenticators import Secret, md5
from radius_auth.protocol.duplicates import Duplicates
from radius_auth.server import responder as answering
from radius_auth.server.datagrams import open_port
from radius_auth.server.sockets import listen

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from nexio.keys.keyring import Keyring

CLIENTS: Final = 8
TAKEN: Final = 4 * CLIENTS
"""About how many datagrams a busy worker finds at once: some of each port that asks."""

STEPS: Final = (
    ("read the octets", answering, ("read_packet",)),
    ("Message-Authenticator", answering, ("check_access_request",)),
    ("duplicates: look up, keep", Duplicates, ("admit", "answer")),
    ("what is asked, the password in clear", answering, ("read_access_request",)),
    ("find the visit", deciding, ("read_claim",)),
    ("digest of the PIN", Pap, ("matches",)),
    (
        "the guard",
        Guard,
        (
            "is_undisturbed",
            "is_untouched",
            "record_first_login",
            "count_first",
            "look",
            "count",
            "finish",
        ),
    ),
    ("window and rules", answering, ("decide",)),
    ("the reply, signed twice", answering, ("encode_accept", "encode_reject")),
    ("the line of the log", answering, ("decision_for_log",)),
)
"""The steps and their functions; the time of a nested step does not count for the outer one."""

OWN: Final = "between the steps"


class Stopwatch:
    """Seconds by step, while its patches are in place."""

    def __init__(self) -> None:
        self.seconds: defaultdict[str, float] = defaultdict(float)
        self._calls: Counter[str] = Counter()
        self._within = 0.0
        self._cost, self._cost_within = 0.0, 0.0
        self._patches = ExitStack()

    def __enter__(self) -> Self:
        self._calibrate()
        for step, place, names in STEPS:
            for name in names:
                timed = self._timed(step, getattr(place, name))
                self._patches.enter_context(patch.object(place, name, timed))
        return self

    def __exit__(self, *_: object) -> None:
        self._patches.close()

    def divide(self, whole: float) -> dict[str, float]:
        """Those seconds, by step.

        Args:
            whole: how long it took with the patches.
        """
        own = whole - sum(self.seconds.values()) - self._cost * self._calls.total()
        found = {
            step: self.seconds[step] - self._cost_within * self._calls[step] for step, *_ in STEPS
        }
        return {**found, OWN: own + self._cost_within * self._calls.total()}

    def _timed(self, step: str, function: Callable[..., Any]) -> Callable[..., Any]:
        clock, seconds, calls = time.thread_time, self.seconds, self._calls

        def call(*given: Any, **named: Any) -> Any:
            outer, self._within = self._within, 0.0
            calls[step] += 1
            began = clock()
            try:
                return function(*given, **named)
            finally:
                took = clock() - began
                seconds[step] += took - self._within
                self._within = outer + took + self._cost - self._cost_within

        return call

    def _calibrate(self) -> None:
        """Measure the cost of reading the clock: in all, and within the measured time."""
        count, nothing = 20_000, _nothing
        timed = self._timed("nothing", nothing)
        bare = _seconds(lambda: [nothing(1, 2) for _ in range(count)])
        whole = _seconds(lambda: [timed(1, 2) for _ in range(count)])
        self._cost_within = self.seconds.pop("nothing") / count - bare / count
        self._cost = (whole - bare) / count
        self._calls.clear()


def of_system_calls(octets: Sequence[bytes]) -> dict[str, float]:
    """Microseconds for each datagram: taking it from its socket, and sending a reply."""
    taking = sending = 0.0
    with ExitStack() as stack:
        opened = stack.enter_context(listen("127.0.0.1", 0))
        clients = [
            stack.enter_context(socket.socket(type=socket.SOCK_DGRAM)) for _ in range(CLIENTS)
        ]
        for client in clients:
            client.connect(opened.getsockname())
        port = open_port(opened)
        for first in range(0, len(octets), TAKEN):
            some = list(zip(octets[first : first + TAKEN], cycle(clients), strict=False))
            for each, client in some:
                client.send(each)
            began = time.thread_time()
            taken = port.receive()
            then = time.thread_time()
            port.send([(each[:82], source) for each, source, _ in taken])
            taking, sending = taking + then - began, sending + time.thread_time() - then
            for _, client in some:
                client.recv(4_096)
    to_each = 1e6 / len(octets)
    return {"take a datagram": taking * to_each, "send a reply": sending * to_each}


def of_digests(keyring: Keyring, secret: bytes, octets: bytes) -> float:
    """Microseconds of all that is hashed for an accept, with nothing around it."""
    known, count = Secret(secret), 10_000

    def hash_all() -> None:
        for _ in range(count):
            known.hmac(octets)  # of the request
            known.start.copy().digest()  # hides the password
            keyring.digest(1, "12345678")
            known.hmac(octets[:82])  # of the reply
            md5(octets[:100]).digest()

    return _seconds(hash_all) / count * 1e6


def _seconds(action: Callable[[], object]) -> float:
    began = time.thread_time()
    action()
    return time.thread_time() - began


def _nothing(*_: object) -> None:
    pass


def as_lines(steps: Mapping[str, float]) -> Iterator[str]:
    """A line for each step, and their sum."""
    for step, microseconds in steps.items():
        yield f"  {step:38} {microseconds:6.2f} us"
    yield f"  {'together':38} {sum(steps.values()):6.2f} us"
