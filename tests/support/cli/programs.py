"""Our programs as separate processes: in a pipe, or on a terminal."""

from __future__ import annotations

import fcntl
import os
import select
import socket
import struct
import subprocess
import sys
import termios
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Self

from radius_auth.client.liveness import is_free
from tests.support.cli import forking

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

LIMIT = 60.0
"""Seconds to wait for a program."""

READY = "answering on"
"""What a ready server writes."""

COLUMNS = 80


def program(name: str) -> str:
    """The path of a console script of this environment."""
    return str(Path(sys.executable).parent / name)


def run(
    *command: str, stdin: str = "", cwd: Path | None = None
) -> subprocess.CompletedProcess[str]:
    """Run ``nexio`` or another program with its output in pipes."""
    words = [program(command[0]), *command[1:]] if command[0] == "nexio" else list(command)
    return forking.run(*words, stdin=stdin, seconds=LIMIT, cwd=cwd)


def free_port() -> int:
    """A UDP port of loopback that is free at this moment, and so is the next one (accounting)."""
    while True:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.bind(("127.0.0.1", 0))
            port: int = probe.getsockname()[1]
        if port < 65535 and is_free("127.0.0.1", port + 1):
            return port


@contextmanager
def serving(*command: str, cwd: Path | None = None) -> Iterator[list[str]]:
    """Run a server; wait until it is ready, and end it by SIGTERM.

    Yields:
        Its output until it was ready, stdout and stderr in order, as lines.
    """
    with forking.start(
        *command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, cwd=cwd
    ) as server:
        assert server.stdout is not None
        lines: list[str] = []
        try:
            for line in server.stdout:
                lines.append(line.rstrip("\n"))
                if READY in line:
                    break
            else:
                raise AssertionError(f"it ended with {server.wait()}: {lines}")
            yield lines
        finally:
            server.terminate()
            rest = server.communicate(timeout=LIMIT)[0]
    assert server.returncode == 0, rest


@dataclass
class Terminal:
    """A program on a pseudo-terminal of 80 columns, where Ctrl-C is Ctrl-C."""

    command: tuple[str, ...]
    _octets: bytes = field(default=b"", init=False)
    _screen: int = field(default=-1, init=False)
    _process: subprocess.Popen[str] | None = field(default=None, init=False)

    def __enter__(self) -> Self:
        self._screen, keyboard = os.openpty()
        set_size(keyboard)
        self._process = forking.start(
            *self.command,
            terminal=True,
            stdin=keyboard,
            stdout=keyboard,
            stderr=keyboard,
            env=os.environ | {"TERM": "xterm-256color"},
        )
        os.close(keyboard)
        return self

    def __exit__(self, *_: object) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
            self._process.wait()
        os.close(self._screen)

    @property
    def shown(self) -> str:
        """The screen so far."""
        return self._octets.decode(errors="replace")

    def type(self, keys: str) -> None:
        r"""Type on the keyboard; ``"\x03"`` is Ctrl-C."""
        os.write(self._screen, keys.encode())

    def wait_for(self, question: str) -> None:
        """Read until the screen shows the question and the program sleeps until it is answered.

        Between the two, Python's readline module loses a Ctrl-C and waits for another key.
        """
        self.read_until(lambda shown: question in shown)
        until(self._sleeps)

    def read_until(self, meets: Callable[[str], bool]) -> None:
        """Read until all that was shown meets a condition."""
        until(lambda: meets(self.shown) or not self._read_more())
        assert meets(self.shown), self.shown

    def end(self) -> int:
        """Read until the program has ended, and return its exit code."""
        until(lambda: not self._read_more())
        assert self._process is not None
        return self._process.wait(LIMIT)

    def _sleeps(self) -> bool:
        """Whether the program sleeps (Linux)."""
        assert self._process is not None
        status = Path(f"/proc/{self._process.pid}/stat").read_text()
        return status.rpartition(")")[2].split()[0] == "S"  # proc(5): after the name, the state

    def _read_more(self) -> bool:
        """Read what is there, and return whether more can come."""
        if not select.select([self._screen], [], [], 0.05)[0]:
            return True
        try:
            octets = os.read(self._screen, 65536)
        except OSError:  # Linux: EIO when the program has closed its side
            return False
        self._octets += octets
        return bool(octets)


def set_size(terminal: int) -> None:
    """Make a terminal 80 columns wide and 24 lines high."""
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 24, COLUMNS, 0, 0))


def until(happens: Callable[[], bool]) -> None:
    """Wait until another process has done something."""
    deadline = time.monotonic() + LIMIT
    while not happens():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.005)  # the other process needs the core
