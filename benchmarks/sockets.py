"""Measures the cost of system calls in a worker: ``python -m benchmarks.sockets``.

A worker with 100,000 visits in memory answers on a socket, in a process of its own; 16 clients
have 8 requests under way each.  Prints its CPU for each accept, in turn with datagrams in batches
whose replies to one client are one message, in batches with a message for each reply, and with a
call for each datagram.  The load is made before the clock starts, and each reply is counted.
"""

from __future__ import annotations

import os
import selectors
import signal
import socket
import sys
import time
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final
from unittest.mock import patch

from benchmarks.path import VISITS, Known, pin, request
from radius_auth.companion.memory import freeze_memory
from radius_auth.protocol.packet import Code
from radius_auth.server import datagrams
from radius_auth.server.datagrams import BatchedPort
from radius_auth.server.options import Options
from radius_auth.server.sockets import listen
from radius_auth.server.worker import Inherited, Worker

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

CLIENTS: Final = 16
IN_FLIGHT: Final = 8
LOGINS: Final = CLIENTS * 256 * 4
OPTIONS: Final = Options(
    listen=(),
    auth_port=0,
    acct_port=0,
    reject_delay=1.0,
    max_staleness=timedelta(hours=24),
    workers=1,
)


def serve(opened: socket.socket, known: Known) -> None:
    """Be the worker until the parent ends."""
    life, _ = os.pipe()
    freeze_memory()
    made = Worker(Inherited(sockets=[opened], life=life), known, lambda _: None, OPTIONS)
    signal.signal(signal.SIGTERM, lambda *_: made.stop())
    made.run()


def ask(port: int, load: Sequence[bytes]) -> float:
    """Send the whole load, in turn from each client; return the seconds that it took."""
    clients = [socket.socket(type=socket.SOCK_DGRAM) for _ in range(CLIENTS)]
    shares = [iter(load[number::CLIENTS]) for number in range(CLIENTS)]

    began, answered = time.monotonic(), 0
    with selectors.DefaultSelector() as selector:
        for number, each in enumerate(clients):
            each.connect(("127.0.0.1", port))
            each.settimeout(0)
            selector.register(each, selectors.EVENT_READ, number)
            for _, datagram in zip(range(IN_FLIGHT), shares[number], strict=False):
                each.send(datagram)
        while answered < len(load):
            events = selector.select(5)
            if not events:
                raise TimeoutError(f"{len(load) - answered} requests got no answer")
            for key, _ in events:
                for reply in received(clients[key.data]):
                    if reply[0] != Code.ACCESS_ACCEPT:
                        raise ValueError("this is no accept")
                    answered += 1
                    following = next(shares[key.data], None)
                    if following is not None:
                        clients[key.data].send(following)
    for each in clients:
        each.close()
    return time.monotonic() - began


def received(client: socket.socket) -> Iterator[bytes]:
    """The datagrams that wait for a client."""
    with suppress(BlockingIOError):
        while True:
            yield client.recv(4096)


def cpu(process: int) -> float:
    """Seconds of CPU that a process has used."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def measure(known: Known, load: Sequence[bytes]) -> tuple[float, float]:
    """Microseconds of CPU for each accept, and accepts a second."""
    with listen("127.0.0.1", 0) as opened:
        process = os.fork()
        if process == 0:
            serve(opened, known)
            os._exit(0)
        try:
            port = opened.getsockname()[1]
            ask(port, load[: CLIENTS * 16])
            before = cpu(process)
            seconds = ask(port, load[CLIENTS * 16 :])
            used = cpu(process) - before
        finally:
            os.kill(process, signal.SIGTERM)
            os.waitpid(process, 0)
    count = len(load) - CLIENTS * 16
    return used / count * 1e6, count / seconds


def main() -> None:
    """Print three rounds of each."""
    known = Known(int(sys.argv[1]) if sys.argv[1:] else VISITS)
    load = [
        request(number % len(known.table), number // CLIENTS % 256, pin(number % len(known.table)))
        for number in range(LOGINS)
    ]
    ways = {
        "cut by the kernel": (True, True),
        "batches": (True, False),
        "one by one": (False, False),
    }
    for _ in range(3):
        for name, (batched, cut) in ways.items():
            works = patch.object(BatchedPort, "works", return_value=batched)
            with works, patch.object(datagrams, "_cuts", return_value=cut):
                used, rate = measure(known, load)
            print(f"{name:18} {used:6.1f} us of CPU for each accept, {rate:8.0f} a second")


if __name__ == "__main__":
    main()
