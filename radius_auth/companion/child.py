"""Runs the companion as a child process, for a server that must not fork."""

from __future__ import annotations

import logging
import os
import pickle
import selectors
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from datetime import timedelta

    from nexio.configuration import Configuration
    from nexio.metrics.place import Place
    from radius_auth.companion.link import Link
    from radius_auth.companion.myself import Myself

log = logging.getLogger(__name__)

RESTART_SECONDS = 0.5
"""Pause between the end of a companion and its successor."""

RETRY_SECONDS = 5.0
"""The least time between two starts, so that a failing companion is not retried at once."""

END_SECONDS: Final = 12.0
"""How long to wait for its end: it goes on delivering for some seconds."""

_BOOT: Final = """
import gc, site, sys
gc.disable()
others = list(sys.path)
site.addsitedir(sys.argv[1])
sys.path[:] = [path for path in sys.path if path not in others] + others
from radius_auth.companion.program import main
main()
"""
"""Finds our packages as ``freeradius/mods-config/nexio/nexio_plugin.py`` does.
Garbage is collected once the store is read."""


class Task(NamedTuple):
    """The parameters of the program; sent through a pipe, as they may hold a password."""

    configuration: Configuration
    myself: Myself
    spool: str
    """The name of the file for decisions."""

    door: int
    """The descriptor of the listening socket."""

    accounting_door: int
    """The descriptor of the listening socket for accounting."""

    max_staleness: timedelta
    """How old the table on the disk may be."""

    metrics_listen: Place | None = None
    """The address of the metrics endpoint."""

    replaces: bool = False
    """Whether it replaces another one, so that guests are answered from memory meanwhile."""


class _Running(NamedTuple):
    """A process that was started."""

    process: subprocess.Popen[bytes]
    life: int
    """The write end of its standard input: when it is closed, the process ends."""

    output: int
    """The read end of its standard error, which carries its log."""


class Child:
    """The process, and its successors.

    Args:
        packages: the folder of our packages.
        task: its parameters.
    """

    def __init__(self, packages: str, task: Task) -> None:
        self._packages = packages
        self._task = task
        self._running: _Running | None = None
        self._unfinished = b""
        self._trouble = ""
        self._starts_at = 0.0
        self._stopping = False

    def mind(self, *, is_in_use: bool, at_once: bool = False) -> None:
        """Start it if it does not run.

        Args:
            is_in_use: whether one has worked before, so that guests are answered from memory.
            at_once: however soon after the previous start.
        """
        if self._running is not None or (time.monotonic() < self._starts_at and not at_once):
            return
        self._starts_at = time.monotonic() + RETRY_SECONDS
        try:
            self._running = _start(self._packages, self._task._replace(replaces=is_in_use))
            self._trouble = ""
        except OSError as error:
            if str(error) != self._trouble:
                log.error("the companion cannot be started: %s", error)  # noqa: TRY400
            self._trouble = str(error)

    def wait(self, link: Link | None, seconds: float) -> None:
        """Wait for messages to the link, and copy the companion's log into ours."""
        running = self._running
        with selectors.DefaultSelector() as selector:
            if link is not None:
                selector.register(link, selectors.EVENT_READ)
            if running is not None:
                selector.register(running.output, selectors.EVENT_READ)
            for key, _ in selector.select(seconds):
                if running is not None and key.fd == running.output:
                    self._listen(running)

    def stop(self) -> None:
        """End it, and wait until it has ended."""
        self._stopping = True
        running, until = self._running, time.monotonic() + END_SECONDS
        if running is not None:
            os.close(running.life)
            while self._running is not None and (left := until - time.monotonic()) > 0:
                self.wait(None, left)

    def _listen(self, running: _Running) -> None:
        output = os.read(running.output, 65_536)
        *lines, self._unfinished = (self._unfinished + output).split(b"\n")
        for line in lines:
            _relay(line.decode("utf-8", "replace"))
        if not output:
            self._end(running)

    def _end(self, running: _Running) -> None:
        """Clean up after the process has ended, which it shows by closing its log."""
        self._running, self._unfinished = None, b""
        os.close(running.output)
        running.process.wait()
        if not self._stopping:
            os.close(running.life)
            log.error("the companion has ended and is replaced")
            self._starts_at = max(self._starts_at, time.monotonic() + RESTART_SECONDS)


def _start(packages: str, task: Task) -> _Running:
    # In FreeRADIUS sys.executable is whatever is in the path.
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    (life_read, life), (output, output_write) = os.pipe(), os.pipe()
    try:
        process = subprocess.Popen(  # noqa: S603 - our own program
            [Path(sys.base_exec_prefix, "bin", version), "-I", "-c", _BOOT, packages],
            cwd="/",
            stdin=life_read,
            stdout=subprocess.DEVNULL,
            stderr=output_write,
            pass_fds=[task.door, task.accounting_door],
            # FreeRADIUS waits for every child of its process group, and a Ctrl-C is for it alone.
            start_new_session=True,
            # While FreeRADIUS starts, its real user is still root, and it could become root again.
            user=os.geteuid(),
        )
        os.write(life, pickle.dumps(task))
    except BaseException:
        os.close(life)
        os.close(output)
        raise
    finally:
        os.close(life_read)
        os.close(output_write)
    return _Running(process, life, output)


def _relay(line: str) -> None:
    """Copy a line of its log into ours."""
    number, _, words = line.partition(" ")
    if number.isdecimal():
        log.log(int(number), "%s", words)
    else:  # written by Python itself, at a fault
        log.error("%s", line)
