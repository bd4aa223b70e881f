"""A server as a child process: started, waited for, its costs read, ended."""

from __future__ import annotations

import itertools
import os
import signal
import socket
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final, Self

from benchmarks.servers import processes

if TYPE_CHECKING:
    from benchmarks.generator.load import Load

PATIENCE: Final = 120.0
"""Seconds in which a server starts or ends."""

ASKED_EVERY: Final = 0.005
"""Seconds, until the first answer."""

QUIET: Final = 0.021
"""CPU seconds in each of three intervals of 0.2 s: a server that uses no more is idle."""


@dataclass(kw_only=True)
class Server:
    """A server; it runs within the context."""

    key: str
    name: str
    command: Sequence[str | Path]
    folder: Path
    """For its log."""

    port: int
    """For logins; the next one is for accounting."""

    columns: frozenset[str]
    """The kinds of requests that it supports."""

    environment: Mapping[str, str] = field(default_factory=dict)
    database: Path | None = None
    """The folder of its PostgreSQL, whose costs count too."""

    _process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        ours = {name: text for name, text in os.environ.items() if not name.startswith("NEXIO_")}
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                list(self.command),
                env={**ours, **self.environment},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C is for the benchmark, which then ends it
            )
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process is not None
        members = [each.pid for each in processes.tree(self._process.pid)]
        self._process.terminate()
        try:
            self._process.wait(PATIENCE / 4)
        except subprocess.TimeoutExpired:
            for pid in members:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            self._process.wait()

    def first_answer(self, load: Load) -> float:
        """Ask until it answers, and return how many seconds that took.

        Raises:
            RuntimeError: it ends, or does not answer.
        """
        began = time.monotonic()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
            asking.bind(("127.0.0.1", 0))
            asking.settimeout(ASKED_EVERY)
            for number in itertools.cycle(range(len(load.requests))):
                asking.sendto(load.requests[number], ("127.0.0.1", self.port))
                with suppress(TimeoutError, ConnectionRefusedError):
                    reply = asking.recv(4096)
                    if any(load.is_right(each, reply) for each in range(number, -1, -1)):
                        break
                self._check(time.monotonic() - began)
        return time.monotonic() - began

    def cpu_seconds(self) -> float:
        """CPU time of all of its processes, and of its database's."""
        return processes.cpu_seconds(*self._roots())

    def cpu_by_name(self) -> dict[str, float]:
        """The same for the processes of each name."""
        return processes.cpu_by_name(*self._roots())

    def megabytes(self, name: str = "") -> list[float]:
        """Memory of its processes of that name, or of all of them and its database's."""
        return processes.megabytes(*self._roots(), name=name)

    def wait_until_quiet(self, patience: float = 30.0) -> None:
        """Wait until it has done what it does after its answers, such as recording them."""
        deadline, quiet, before = time.monotonic() + patience, 0, self.cpu_seconds()
        while quiet < 3 and time.monotonic() < deadline:
            time.sleep(0.2)
            now = self.cpu_seconds()
            quiet = quiet + 1 if now - before < QUIET else 0
            before = now

    def signal(self, number: int) -> None:
        """Send it a signal, as a service manager does."""
        assert self._process is not None
        self._process.send_signal(number)

    def _roots(self) -> list[int]:
        assert self._process is not None
        roots = [self._process.pid]
        if self.database is not None:
            roots.append(int((self.database / "data" / "postmaster.pid").read_text().split()[0]))
        return roots

    def _check(self, seconds: float) -> None:
        assert self._process is not None
        if self._process.poll() is not None or seconds > PATIENCE:
            log = (self.folder / "log").read_text(errors="replace")
            raise RuntimeError(f"{self.name} does not answer:\n{log[-4000:]}")


def free_port() -> int:
    """A UDP port that nobody uses at the moment, and neither the next one."""
    while True:
        with (
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one,
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other,
        ):
            one.bind(("127.0.0.1", 0))
            port: int = one.getsockname()[1]
            with suppress(OSError, OverflowError):
                other.bind(("127.0.0.1", port + 1))
                return port
