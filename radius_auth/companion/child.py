"""The companion as a child process of a server that must not fork, from that server's side."""

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
"""Between the end of a companion and its successor."""

RETRY_SECONDS = 5.0
"""At least so long after the start before: where it cannot get to work it is not tried at once."""

END_SECONDS: Final = 12.0
"""How long its end is waited for: it goes on delivering for some seconds."""

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
    """What the program is told at its start; through a pipe, as it may hold a password."""

    configuration: Configuration
    myself: Myself
    spool: str
    """The name of the file for decisions."""

    door: int
    """The descriptor of the listening socket."""

    accounting_door: int
    """And of that for accounting."""

    max_staleness: timedelta
    """How old a table of the disk may be."""

    metrics_listen: Place | None = None
    """Where a monitor asks."""

    replaces: bool = False
    """Whether there was another one, so that somebody answers from memory."""


class _Running(NamedTuple):
    """A process that was started."""

    process: subprocess.Popen[bytes]
    life: int
    """The end of its standard input: closed, it ends."""

    said: int
    """Its log is read from there."""


class Child:
    """The process, and its successors.

    Args:
        packages: the folder of our packages.
        task: what it does.
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
        """Start it where it is not there.

        Args:
            is_in_use: whether one has got to work, so that guests are answered from memory.
            at_once: however soon after the one before.
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
        """Wait for news for the link, and write into our log what the companion says."""
        running = self._running
        with selectors.DefaultSelector() as selector:
            if link is not None:
                selector.register(link, selectors.EVENT_READ)
            if running is not None:
                selector.register(running.said, selectors.EVENT_READ)
            for key, _ in selector.select(seconds):
                if running is not None and key.fd == running.said:
                    self._listen(running)

    def stop(self) -> None:
        """Let it end, and wait for that."""
        self._stopping = True
        running, until = self._running, time.monotonic() + END_SECONDS
        if running is not None:
            os.close(running.life)
            while self._running is not None and (left := until - time.monotonic()) > 0:
                self.wait(None, left)

    def _listen(self, running: _Running) -> None:
        said = os.read(running.said, 65_536)
        *lines, self._unfinished = (self._unfinished + said).split(b"\n")
        for line in lines:
            _relay(line.decode("utf-8", "replace"))
        if not said:
            self._end(running)

    def _end(self, running: _Running) -> None:
        """It has closed its log: it has ended."""
        self._running, self._unfinished = None, b""
        os.close(running.said)
        running.process.wait()
        if not self._stopping:
            os.close(running.life)
            log.error("the companion has ended and is replaced")
            self._starts_at = max(self._starts_at, time.monotonic() + RESTART_SECONDS)


def _start(packages: str, task: Task) -> _Running:
    # In FreeRADIUS sys.executable is whatever lies in the path.
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    (life_read, life), (said, said_write) = os.pipe(), os.pipe()
    try:
        process = subprocess.Popen(  # noqa: S603 - our own program
            [Path(sys.base_exec_prefix, "bin", version), "-I", "-c", _BOOT, packages],
            cwd="/",
            stdin=life_read,
            stdout=subprocess.DEVNULL,
            stderr=said_write,
            pass_fds=[task.door, task.accounting_door],
            # FreeRADIUS waits for every child of its process group, and a Ctrl-C is for it alone.
            start_new_session=True,
            # While FreeRADIUS starts, root is still its real user, and could be again.
            user=os.geteuid(),
        )
        os.write(life, pickle.dumps(task))
    except BaseException:
        os.close(life)
        os.close(said)
        raise
    finally:
        os.close(life_read)
        os.close(said_write)
    return _Running(process, life, said)


def _relay(line: str) -> None:
    """Write a line of its log into ours."""
    number, _, words = line.partition(" ")
    if number.isdecimal():
        log.log(int(number), "%s", words)
    else:  # from Python itself, at a fault
        log.error("%s", line)
