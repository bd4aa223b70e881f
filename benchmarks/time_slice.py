"""Measures the benefit of a short time slice for a worker: ``python -m benchmarks.time_slice``.

A worker and a program that computes for 6 ms of every 26 have one processor, as a worker and the
companion may have; the requests come from another one, 500 a second.  Prints the delay of an answer
with and without the short slice in turn: half of them, 90 % and 99 % took no longer.
"""

from __future__ import annotations

import os
import signal
import socket
import statistics
import sys
import time
from typing import Final

from benchmarks.path import Known, pin, request
from benchmarks.sockets import serve
from radius_auth.server.sockets import listen
from radius_auth.server.time_slice import SHORTEST, ask_for_slice

VISITS: Final = 600
EVERY: Final = 0.002
ROUNDS: Final = 5
SHARED, ASKING = {0}, {1}
"""Processors."""


def compute() -> None:
    """Be the other program, until it is killed."""
    os.sched_setaffinity(0, SHARED)
    while True:
        until = time.perf_counter() + 0.006
        while time.perf_counter() < until:
            pass
        time.sleep(0.02)


def delays(known: Known, *, is_short: bool) -> list[float]:
    """Milliseconds until each answer, the shortest first."""
    with listen("127.0.0.1", 0) as opened, socket.socket(type=socket.SOCK_DGRAM) as client:
        worker = os.fork()
        if worker == 0:
            os.sched_setaffinity(0, SHARED)
            if is_short and not ask_for_slice(SHORTEST):
                raise OSError("this system has no time slices to ask for")
            serve(opened, known)
            os._exit(0)
        try:
            client.connect(opened.getsockname())
            client.settimeout(5)
            return sorted([_ask(client, number) for number in range(VISITS)])
        finally:
            os.kill(worker, signal.SIGTERM)
            os.waitpid(worker, 0)


def _ask(client: socket.socket, number: int) -> float:
    datagram = request(number, number % 256, pin(number))
    time.sleep(EVERY)
    began = time.perf_counter()
    client.send(datagram)
    client.recv(4096)
    return (time.perf_counter() - began) * 1000


def main() -> None:
    """Print the median of the rounds of each."""
    known = Known(VISITS)
    other = os.fork()
    if other == 0:
        compute()
    os.sched_setaffinity(0, ASKING)
    found: dict[bool, list[list[float]]] = {True: [], False: []}
    try:
        for _ in range(int(sys.argv[1]) if sys.argv[1:] else ROUNDS):
            for is_short, rounds in found.items():
                rounds.append(delays(known, is_short=is_short))
    finally:
        os.kill(other, signal.SIGKILL)
        os.waitpid(other, 0)
    for is_short, rounds in found.items():
        of_all = [
            statistics.median(each[int(share * len(each))] for each in rounds)
            for share in (0.5, 0.9, 0.99)
        ]
        kind = "a short slice" if is_short else "as it is"
        print(f"{kind:14}", *(f"{delay:7.2f} ms" for delay in of_all))


if __name__ == "__main__":
    main()
