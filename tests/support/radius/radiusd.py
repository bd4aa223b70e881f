"""The real ``nexio-radiusd``, as a child process on a free port."""

from __future__ import annotations

import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import suppress
from itertools import cycle
from pathlib import Path
from typing import TYPE_CHECKING, Self

from tests.support.cli.forking import start

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from nexio.configuration import Configuration

PROGRAM = Path(sys.executable).with_name("nexio-radiusd")
REJECT_DELAY = 0.5
"""When it ends, a server looks once more: by then a busy machine has told it of a new visit."""
PATIENCE = 60.0
"""Seconds to wait for a program on a busy machine."""


class Radiusd:
    """A running server; leaving the context ends it.

    Args:
        configuration: names its store.
        options: its command line; without ``--auth-port`` it gets a free port.
        started_by: a program that starts it, such as ``nohup``.
    """

    def __init__(
        self, configuration: Configuration, *options: str, started_by: Sequence[str] = ()
    ) -> None:
        self.port, self.accounting_port = free_port(), free_port()
        ours = {
            "--auth-port": str(self.port),
            "--acct-port": str(self.accounting_port),
            "--reject-delay": str(REJECT_DELAY),
            "--workers": "2",
        }
        added = [word for name in ours.keys() - {*options} for word in (name, ours[name])]
        self._process = start(
            *started_by,
            PROGRAM,
            *added,
            *options,
            env=environment_of(configuration),
            stdin=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
        self._lines: list[str] = []
        self._said = threading.Condition()
        self._ended = False
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def __enter__(self) -> Self:
        self.wait_for_line("answering on")
        return self

    def __exit__(self, *_: object) -> None:
        if self._process.poll() is None:
            self._end()
        self._reader.join()

    @property
    def stderr(self) -> str:
        """All of its output."""
        return "".join(self._lines)

    def wait_for_line(self, words: str, times: int = 1) -> str:
        """Wait until it has written something so many times, and return the last such line."""

        def said() -> list[str]:
            return [line for line in self._lines if words in line]

        with self._said:
            self._said.wait_for(lambda: len(said()) >= times or self._ended, PATIENCE)
        assert len(said()) >= times, f"it did not say {words!r}:\n{self.stderr}"
        return said()[-1]

    def signal(self, number: int = signal.SIGTERM) -> None:
        """Send a signal to the parent, as a service manager does."""
        self._process.send_signal(number)

    def wait(self, seconds: float = PATIENCE) -> int:
        """Wait until it has ended, and return its exit code."""
        code = self._process.wait(seconds)
        self._reader.join()
        return code

    def stop(self) -> int:
        """End it by SIGTERM."""
        self.signal()
        return self.wait()

    def kill(self) -> None:
        """End all of its processes by SIGKILL, the companion first."""
        companion = self.companion()
        self._process.send_signal(signal.SIGSTOP)  # it replaces nobody meanwhile
        os.kill(companion, signal.SIGKILL)
        for each in self.workers():
            os.kill(each, signal.SIGKILL)
        self._process.kill()
        self.wait()

    def worker(self) -> int:
        """The process id of one of the workers."""
        return self.workers()[0]

    def workers(self) -> list[int]:
        """The process ids of the workers."""
        return self._children("nexio-worker")

    def companion(self) -> int:
        """The process id of the companion."""
        (companion,) = self.companions()
        return companion

    def companions(self) -> list[int]:
        """Itself, or nothing while it is replaced."""
        return self._children("nexio-companion")

    def _children(self, name: str) -> list[int]:
        parent = self._process.pid
        children = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
        names = {int(each): Path(f"/proc/{each}/comm").read_text().strip() for each in children}
        return [each for each, comm in names.items() if comm == name]

    def _end(self) -> None:
        self.signal()
        try:
            self._process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            for each in (*self.workers(), self.companion()):
                os.kill(each, signal.SIGKILL)
            self._process.kill()

    def _read(self) -> None:
        assert self._process.stderr is not None
        with self._process.stderr as stream:
            for line in stream:
                with self._said:
                    self._lines.append(line)
                    self._said.notify_all()
        with self._said:
            self._ended = True
            self._said.notify_all()


def wait_until(reached: Callable[[], object]) -> None:
    """Wait until another process has done something."""
    deadline = time.monotonic() + PATIENCE
    while not reached() and time.monotonic() < deadline:
        time.sleep(0.02)
    assert reached()


_BELOW_EPHEMERAL = range(10_000, 32_000)
"""Ports that Linux gives to nobody who asks for any: a test's clients take none of them."""

_ports = cycle(random.sample(_BELOW_EPHEMERAL, len(_BELOW_EPHEMERAL)))


def free_port(kind: int = socket.SOCK_DGRAM) -> int:
    """A port that is free at this moment, and that this process has not named before."""
    for port in _ports:
        with socket.socket(socket.AF_INET, kind) as probe, suppress(OSError):
            probe.bind(("", port))
            return port
    raise AssertionError("a cycle ends")


def environment_of(configuration: Configuration) -> dict[str, str]:
    """The variables with which a program finds that store."""
    return {
        "PATH": os.environ["PATH"],
        **{name: os.environ[name] for name in ("TZ",) if name in os.environ},
        "PYTHONWARNINGS": "error",
        "NEXIO_HOME": str(configuration.home),
        "NEXIO_KEY_FILE": str(configuration.key_file),
        "NEXIO_DATABASE_URL": configuration.database_url,
    }
