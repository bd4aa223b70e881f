"""Somebody who listens as systemd does to what a server tells."""

from __future__ import annotations

import socket
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from tests.support.radius.radiusd import PATIENCE

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class ServiceManager:
    """A socket that servers tell their news to."""

    def __init__(self, path: Path, line: socket.socket) -> None:
        self.variables = {"NOTIFY_SOCKET": str(path), "WATCHDOG_USEC": "400000"}
        self._line = line

    @property
    def as_words(self) -> tuple[str, ...]:
        """A program that starts another one with these variables."""
        return ("env", *(f"{name}={value}" for name, value in self.variables.items()))

    def wait_for(self, *beginnings: str) -> list[str]:
        """Wait until something is told that begins with each of them, and return all news."""
        heard: list[str] = []
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            heard += self.hear(deadline - time.monotonic())
            if all(any(each.startswith(words) for each in heard) for words in beginnings):
                return heard
        raise AssertionError(beginnings)

    def fill(self, news: str, at_most: int) -> None:
        """Put that into its queue until no more goes in."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as line, suppress(BlockingIOError):
            line.setblocking(False)
            for _ in range(at_most):
                line.sendto(news.encode(), self.variables["NOTIFY_SOCKET"])

    def hear(self, seconds: float) -> list[str]:
        """The next news, or none after so many seconds."""
        self._line.settimeout(max(seconds, 0.001))
        try:
            return self._line.recv(4096).decode().split("\n")
        except TimeoutError:
            return []


@contextmanager
def service_manager(folder: Path) -> Iterator[ServiceManager]:
    """One with its socket in that folder."""
    path = folder / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as line:
        line.bind(str(path))
        yield ServiceManager(path, line)
