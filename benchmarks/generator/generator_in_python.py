"""The load generator where there is no C compiler: the same words, files and output, but slower.

`generator.c` says what they mean.
"""

from __future__ import annotations

import json
import selectors
import socket
import struct
import sys
import time
from pathlib import Path
from typing import Any


def main() -> None:
    """Send, receive, and write down what came."""
    port, sockets, window, rate, seconds, first, warm, limit, patience, load, result = sys.argv[1:]
    sender = Sender(read_load(Path(load)), int(port), int(sockets), int(first))
    sender.patience = float(patience)
    if int(warm):
        sender.run(float("inf"), 0, int(window), int(warm))
    sender.begin()
    print("ready", flush=True)
    sys.stdin.readline()
    sender.begin()
    cpu = time.process_time()
    sender.run(float(seconds), int(rate), int(window), int(limit) or sys.maxsize)
    numbers = {"answered": sender.answered, "lost": sender.lost, "stray": sender.stray}
    numbers |= {"seconds": sender.now(), "cpu": time.process_time() - cpu}  # type: ignore[dict-item]
    Path(result).write_bytes(b"".join(sender.records))
    print(json.dumps(numbers))


def read_load(path: Path) -> list[bytes]:
    """The requests of a file."""
    octets, at, requests = path.read_bytes(), 0, []
    while at < len(octets):
        (length,) = struct.unpack_from("=H", octets, at)
        requests.append(octets[at + 2 : at + 2 + length])
        at += 2 + length
    return requests


class Sender:
    """Sockets, and the requests that wait for an answer on each."""

    patience: float
    """Seconds until a request is lost."""

    def __init__(self, requests: list[bytes], port: int, sockets: int, first: int) -> None:
        self.requests, self.first = requests, first
        self.turns = [0] * sockets
        self.late: set[bytes] = set()
        self.waiting: list[dict[int, tuple[int, float]]] = [{} for _ in range(sockets)]
        self.sockets = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(sockets)]
        self.selector = selectors.DefaultSelector()
        for number, each in enumerate(self.sockets):
            each.bind((f"127.0.0.{number + 1}", 0))
            each.connect(("127.0.0.1", port))
            each.settimeout(0)
            self.selector.register(each, selectors.EVENT_READ, number)
        self.begin()

    def begin(self) -> None:
        """Start the clock and count from 0."""
        self.sent = self.answered = self.lost = self.stray = 0
        self.records: list[bytes] = []
        self.epoch = time.monotonic()

    def now(self) -> float:
        """Seconds since the clock was started."""
        return time.monotonic() - self.epoch

    def run(self, until: float, rate: int, window: int, limit: int) -> None:
        """Send until then, or until that many were sent, and receive all replies."""
        while True:
            is_over = self.now() >= until or self.sent >= limit
            if self.stray or (is_over and self.sent == self.answered + self.lost):
                return
            pause = self.patience / 20
            if not is_over and rate:
                while self.sent < min(limit, self.now() * rate) and self.send(
                    self.sent % len(self.sockets)
                ):
                    pass
                pause = max(0.0, (self.sent + 1) / rate - self.now())
            elif not is_over:
                for number, waiting in enumerate(self.waiting):
                    while len(waiting) < window and self.sent < limit and self.send(number):
                        pass
            for key, _ in self.selector.select(pause):
                self.receive(key.fileobj, self.waiting[key.data])
            self.give_up()

    def send(self, number: int) -> bool:
        """Send the next request of a socket, where its identifier is free."""
        place = self.first + number + self.turns[number] * len(self.sockets)
        place %= len(self.requests)
        request = self.requests[place]
        if request[1] in self.waiting[number]:
            return False
        self.waiting[number][request[1]] = (place, self.now())
        self.sockets[number].send(request)
        self.turns[number] += 1
        self.sent += 1
        return True

    def receive(self, asking: Any, waiting: dict[int, tuple[int, float]]) -> None:
        """Take all replies that are there."""
        while True:
            try:
                reply = asking.recv(4096)
            except BlockingIOError:
                return
            asked = waiting.pop(reply[1], None) if len(reply) > 1 else None
            if asked is None:
                self.stray += reply[1:2] not in self.late  # or it was taken for lost before
                continue
            self.answered += 1
            self.write_record(asked, self.now(), reply)

    def give_up(self) -> None:
        """Take those for lost that wait too long."""
        before = self.now() - self.patience
        for waiting in self.waiting:
            while waiting and next(iter(waiting.values()))[1] < before:
                identifier = next(iter(waiting))
                self.write_record(waiting.pop(identifier), 0.0, b"")
                self.late.add(bytes([identifier]))
                self.lost += 1

    def write_record(self, asked: tuple[int, float], came: float, reply: bytes) -> None:
        """Write a record down."""
        times = (int(asked[1] * 1e9), int(came * 1e9))
        self.records.append(struct.pack("=IIqq", asked[0], len(reply), *times) + reply)


main()
