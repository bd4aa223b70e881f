"""The process that has loaded our programs: it forks one where a test asks for one.

It starts by ``python -m tests.support.cli.loaded``; the processes of the tests ask it
(`tests.support.cli.forking`), over a socket whose door is its first argument, and it ends with the
last of them.  Each message is how to start one program, with its streams and a pipe.  Through that
go its process id and, when it has ended, its exit code, 4 octets each.
"""

from __future__ import annotations

import contextlib
import fcntl
import gc
import importlib
import io
import json
import os
import pkgutil
import resource
import select
import selectors
import signal
import socket
import sys
import tempfile
import termios
import threading
import time
import warnings
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from sqlalchemy.orm import configure_mappers

import nexio
import nexio_cli
import nexio_web
import radius_auth
from nexio.configuration import Configuration
from nexio.network.endings import any_due
from nexio.network.following import Horizon
from nexio.network.news import read_all, read_news
from nexio.network.server_identity import RADIUSD, Identity
from nexio.network.servers import Report, report
from nexio.store.engine import Store
from nexio_cli.main import main as run_command
from nexio_cli.main import run as run_nexio
from nexio_web.daemon import run as run_webd
from radius_auth.guard.sharing import shared_guard
from radius_auth.server.daemon import run as run_radiusd
from tests.support.statements import share_compiled_statements

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PROGRAMS: dict[str, Callable[[], object]] = {
    "nexio": run_nexio,
    "nexio-radiusd": run_radiusd,
    "nexio-webd": run_webd,
}

LATER = (
    *("aiosmtplib", "alembic.autogenerate", "alembic.command", "babel.dates", "dateutil.parser"),
    *("email_validator", "icalendar", "jinja2", "png", "psycopg", "qrcode"),
    *("rich.live", "rich.progress", "rich.table"),
    "sqlalchemy.dialects.postgresql.psycopg",
    "sqlalchemy.dialects.sqlite.pysqlite",
)
"""What our modules load when they need it."""

COMMANDS = (
    "init --location House --timezone UTC",
    "nas add ap 127.0.0.1 --secret xyzzy-xyzzy-xyzzy",
    "token on",
    "visitor register --first-name A --last-name B --email a@example.com --arrival now",
    "visitor list",
    "visitor show 1",
    "token revoke 1 --yes",
    "log",
)
"""What a desk does, as far as every other command does it too."""

LONGEST = 1 << 20
"""Octets of a message."""

FEWEST = 2
"""What is watched where nobody asks: the door, and the end of programs."""

FIRST = 3
"""The number of the first file that is no standard stream."""


def load() -> None:
    """Load all that the programs could need."""
    for package in (nexio, nexio_cli, nexio_web, radius_auth):
        for each in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if each.name != "radius_auth.freeradius":  # only FreeRADIUS can load it
                importlib.import_module(each.name)
    for name in LATER:
        importlib.import_module(name)
    configure_mappers()
    compile_statements()
    gc.collect()
    gc.freeze()


def compile_statements() -> None:
    """Let a desk and a server do on SQLite what they do most, so that no fork compiles it."""
    share_compiled_statements()
    with tempfile.TemporaryDirectory() as folder:
        for name in [name for name in os.environ if name.startswith("NEXIO_")]:
            del os.environ[name]  # they would lead to a store of this machine's
        os.environ |= {"NEXIO_HOME": folder, "NEXIO_CONFIG": os.devnull}
        with contextlib.redirect_stderr(io.StringIO()):
            for words in COMMANDS:
                assert run_command(words.split()) == 0, words
        configuration = Configuration.from_environment(os.environ)
        with closing(Store.open(configuration)) as store, shared_guard(configuration):
            now = store.clock()
            said = Report(version="1", writer="", started_at=now, table_age=0.0, requests=0.0)
            with store.write() as writing:
                report(writing, Identity(RADIUSD, "host", "1812"), said)
            with store.read() as work:
                read_news(work, replace(read_all(work, Horizon()).position, number=0))
                any_due(work)


def serve(door: socket.socket) -> dict[str, Any] | None:
    """Fork programs until nobody can ask any more.

    Returns:
        In each of the forks how to start it, and None at the end.
    """
    wake_read, wake_write = os.pipe()
    os.set_blocking(wake_write, False)
    signal.set_wakeup_fd(wake_write, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    running: dict[int, int] = {}
    with selectors.DefaultSelector() as selector:
        for each in (door, wake_read):
            selector.register(each, selectors.EVENT_READ)
        for asking in who_asks(selector, door, wake_read, running):
            message, files, _, _ = socket.recv_fds(asking, LONGEST, FIRST + 1)
            process = os.fork()
            if process == 0:
                for key in selector.get_map().values():
                    if isinstance(key.fileobj, socket.socket):
                        key.fileobj.close()
                break
            running[process] = files.pop()
            os.write(running[process], process.to_bytes(4, "big"))
            for file in files:
                os.close(file)
        else:
            return None
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    for number, file in enumerate(files[:FIRST]):
        os.dup2(file, number)
    os.closerange(FIRST, resource.getrlimit(resource.RLIMIT_NOFILE)[0])
    told: dict[str, Any] = json.loads(message)
    return told


def who_asks(
    selector: selectors.BaseSelector, door: socket.socket, wake: int, running: dict[int, int]
) -> Iterator[socket.socket]:
    """Whoever asks for a program, until the last one that could has gone.

    Args:
        selector: watches the door and ``wake``.
        door: where they come to.
        wake: becomes readable when a program has ended.
        running: the programs.
    """
    while True:
        for key, _ in selector.select():
            if key.fd == wake:
                os.read(wake, 4096)
                reap(running)
            elif key.fileobj is door:
                selector.register(door.accept()[0], selectors.EVENT_READ)
            elif isinstance(key.fileobj, socket.socket) and key.fileobj.recv(1, socket.MSG_PEEK):
                yield key.fileobj
            elif isinstance(key.fileobj, socket.socket):
                selector.unregister(key.fileobj)
                key.fileobj.close()
        if len(selector.get_map()) == FEWEST and not select.select([door], [], [], 0)[0]:
            return


def reap(running: dict[int, int]) -> None:
    """Say of each program that has ended how it did."""
    for process, pipe in list(running.items()):
        ended, status = os.waitpid(process, os.WNOHANG)
        if ended:
            code = os.waitstatus_to_exitcode(status)
            with contextlib.suppress(BrokenPipeError):  # nobody wants to know
                os.write(pipe, code.to_bytes(4, "big", signed=True))
            os.close(running.pop(process))


def become(
    words: list[str],
    variables: dict[str, str],
    folder: str,
    closed: list[int],
    *,
    terminal: bool,
) -> None:
    """Be a program, as if its interpreter had started just now."""
    if terminal:
        os.setsid()
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)
    name = Path(words[0]).name
    Path("/proc/self/comm").write_text(name, "ascii")
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(variables)
    time.tzset()
    if variables.get("PYTHONWARNINGS") == "error":
        warnings.simplefilter("error")
    sys.argv[:] = words
    # Where a program starts another Python (multiprocessing), that one loads this file again.
    sys.modules["__main__"] = ModuleType("__main__")
    sys.modules["__main__"].__file__ = words[0]
    open_streams(closed)
    try:
        PROGRAMS[name]()
    except SystemExit as end:
        end_at_once(end.code)
        raise


def end_at_once(code: object) -> None:
    """End as the interpreter does, without taking apart what was loaded, which takes longest."""
    if not isinstance(code, int) or sys.stdout is None or sys.stderr is None:
        return
    if threading.active_count() > 1:
        return  # the interpreter knows how to end the others
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except OSError:
        return  # the interpreter says so, and ends with 120
    os._exit(code)


def open_streams(closed: list[int]) -> None:
    """Make the standard streams anew: what they are decides how they are buffered."""
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        old = getattr(sys, name)
        stream = None
        if number in closed:
            os.close(number)
        else:
            stream = open(  # noqa: SIM115 (it stays open; a number is no path)
                number,
                "w" if number else "r",
                1 if name == "stderr" or (number and os.isatty(number)) else -1,
                encoding=old.encoding,
                errors=old.errors,
                newline="\n",
                closefd=False,
            )
        setattr(sys, name, stream)
        setattr(sys, f"__{name}__", stream)


if __name__ == "__main__":
    load()
    start = serve(socket.socket(fileno=int(sys.argv[1])))
    if start is not None:
        become(**start)
