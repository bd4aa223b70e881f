"""Starting our programs without loading them, which would be most of their time.

They are forks of a process that has loaded them (`tests.support.cli.loaded`), one for all processes
of the tests.  How they start themselves is for tests that use `subprocess`.
"""

from __future__ import annotations

import atexit
import json
import os
import select
import shlex
import socket
import subprocess
import sys
import time
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

ROOT = Path(__file__).parents[3]

FORKED = {
    str(Path(sys.executable).with_name(name)) for name in ("nexio", "nexio-radiusd", "nexio-webd")
}

READ_AT_START = ("LC_ALL", "LC_CTYPE", "NO_COLOR", "PYTHONIOENCODING", "PYTHONPATH", "PYTHONUTF8")
"""Variables that count when an interpreter starts, or when our modules are loaded."""

_VARIABLES = dict(os.environ)
"""Those of the loaded process: as they were before any test."""


class Program(subprocess.Popen[str]):
    """A fork, which is used as :class:`subprocess.Popen`, of text.

    Args:
        words: the command.
        terminal: whether stdin becomes the terminal of a session of its own.
        closed: numbers of the standard streams that it does not have.
        options: of :class:`subprocess.Popen`.
    """

    def __init__(
        self,
        *words: str | Path,
        terminal: bool = False,
        closed: tuple[int, ...] = (),
        **options: Any,
    ) -> None:
        self._how = {"terminal": terminal, "closed": closed}
        self._end = -1
        super().__init__([str(word) for word in words], text=True, **options)

    def _execute_child(self, args: list[str], *options: Any) -> None:
        """Ask for a fork instead."""
        folder, variables, streams = options[4], options[5], options[9:15]
        variables = dict(os.environ if variables is None else variables)
        sys.audit("subprocess.Popen", args[0], args, folder, variables)
        start = {
            **self._how,
            "words": args,
            "variables": variables,
            "folder": str(folder or Path.cwd()),
        }
        inside = (streams[0], streams[3], streams[5])
        files = [number if file == -1 else file for number, file in enumerate(inside)]
        self._end, told = os.pipe()
        socket.send_fds(_loaded(), [json.dumps(start).encode()], [*files, told])
        os.close(told)
        self._close_pipe_fds(*streams)  # type: ignore[attr-defined]  # not public
        self.pid = self._hear(None)
        self._child_created = True

    def _internal_poll(self, *_: Any, **__: Any) -> int | None:
        return self._wait(0.0, raises=False)

    def _wait(self, timeout: float | None, *, raises: bool = True) -> int | None:
        if self.returncode is None:
            try:
                self.returncode = self._hear(timeout)
            except TimeoutError:
                if raises:
                    raise subprocess.TimeoutExpired(self.args, timeout or 0) from None
                return None
            os.close(self._end)
        return self.returncode

    def _hear(self, timeout: float | None) -> int:
        """The next number that comes from the process that has forked it."""
        if not select.select([self._end], [], [], timeout)[0]:
            raise TimeoutError
        octets = os.read(self._end, 4)
        assert octets, "the process that forks programs has ended"
        return int.from_bytes(octets, "big", signed=True)


def start(
    *words: str | Path,
    terminal: bool = False,
    env: Mapping[str, str] | None = None,
    **options: Any,
) -> subprocess.Popen[str]:
    """Start a program: a fork where it is one of ours and nothing needs an interpreter's start.

    Args:
        words: the command.
        terminal: whether stdin becomes the terminal of a session of its own.
        env: the variables; None is those of this process.
        options: of :class:`subprocess.Popen`.
    """
    variables = os.environ if env is None else env
    same = all(variables.get(name) == _VARIABLES.get(name) for name in READ_AT_START)
    if same and str(words[0]) in FORKED:
        return Program(*words, terminal=terminal, env=env, **options)
    started_by = ["setsid", "--ctty"] if terminal else []
    return subprocess.Popen([*started_by, *words], text=True, env=env, **options)


def run(
    *words: str | Path, stdin: str | None = None, seconds: float, **options: Any
) -> subprocess.CompletedProcess[str]:
    """Run a program to its end, with its output in pipes."""
    pipes = {"stdin": subprocess.PIPE} if stdin is not None else {}
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **pipes}
    with start(*words, **{**streams, **options}) as process:
        try:
            out, err = process.communicate(stdin, seconds)
        except BaseException:
            process.kill()
            raise
    return subprocess.CompletedProcess(process.args, process.returncode, out, err)


def for_shells(folder: Path) -> tuple[Path, int]:
    """Make a program that starts ``nexio`` as a fork, for a shell.

    Args:
        folder: where it is put.

    Returns:
        The program, and the file descriptor that the shell must inherit.
    """
    nexio = Path(sys.executable).with_name("nexio")
    asking = _loaded().fileno()
    program = folder / "nexio"
    words = [sys.executable, "-IS", str(Path(__file__).with_name("asking.py")), str(asking)]
    program.write_text(f'#!/bin/sh\nexec {shlex.join([*words, str(nexio)])} "$@"\n')
    program.chmod(0o755)
    return program, asking


@cache
def _loaded() -> socket.socket:
    """Where programs are asked for: whichever process of the tests comes first starts it."""
    run = os.environ.get("PYTEST_XDIST_TESTRUNUID", f"{os.getpid()}")
    place = f"\0nexio-loaded-{run}"  # no file: it goes with whoever listens there
    asking = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listening:
        try:
            listening.bind(place)
        except OSError:  # another process has come first
            _connect(asking, place)
            atexit.register(asking.close)
            return asking
        listening.listen(64)
        asking.connect(place)
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.support.cli.loaded", str(listening.fileno())],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            env=_VARIABLES,
            pass_fds=[listening.fileno()],
        )

    @atexit.register
    def end() -> None:
        asking.close()
        process.wait()

    return asking


def _connect(asking: socket.socket, place: str) -> None:
    """Connect, as soon as it listens there: that follows at once."""
    for _ in range(1000):
        try:
            asking.connect(place)
        except ConnectionRefusedError:
            time.sleep(0.01)
        else:
            return
    raise TimeoutError(place)
