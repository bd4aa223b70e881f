"""The real ``nexio-webd``, as a child process on a free port."""

from __future__ import annotations

import http.client
import signal
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from tests.support.cli.forking import start
from tests.support.radius import radiusd
from tests.support.radius.radiusd import PATIENCE, environment_of, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from http.client import HTTPMessage

    from nexio.configuration import Configuration

PROGRAM = Path(sys.executable).with_name("nexio-webd")
HERE = "127.0.0.1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came back."""

    status: int
    headers: HTTPMessage
    body: bytes

    @property
    def text(self) -> str:
        """The body as text."""
        return self.body.decode()


class Webd:
    """A running server.

    Args:
        process: of its parent.
        port: where it answers.
        log: where its stderr goes.
    """

    def __init__(self, process: subprocess.Popen[str], port: int, log: IO[bytes]) -> None:
        self.process, self.port, self._log = process, port, log

    @property
    def origin(self) -> str:
        """What stands before the path of a page."""
        return f"http://{HERE}:{self.port}"

    @property
    def stderr(self) -> str:
        """All that it has said."""
        return Path(self._log.name).read_text()

    def ask(
        self,
        path: str,
        method: str = "GET",
        body: bytes | None = None,
        headers: dict[str, str] | None = None,
        **connection: Any,
    ) -> Answer:
        """Send one request on a connection of its own."""
        line = http.client.HTTPConnection(HERE, self.port, timeout=PATIENCE, **connection)
        return exchange(line, path, method, body, headers)

    def workers(self) -> set[int]:
        """The process ids of its workers."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        return {int(each) for each in children.read_text().split() if _is_worker(each)}


def _is_worker(process: str) -> bool:
    """Not what Python starts beside them to tidy up."""
    try:
        return b"spawn_main" in Path(f"/proc/{process}/cmdline").read_bytes()
    except FileNotFoundError:
        return False


def exchange(
    line: http.client.HTTPConnection,
    path: str,
    method: str = "GET",
    body: bytes | None = None,
    headers: dict[str, str] | None = None,
) -> Answer:
    """Ask once, and close."""
    try:
        line.request(method, path, body, headers or {})
        answer = line.getresponse()
        return Answer(status=answer.status, headers=answer.headers, body=answer.read())
    finally:
        line.close()


@contextmanager
def webd(
    configuration: Configuration,
    *options: str,
    port: int | None = None,
    variables: dict[str, str] | None = None,
) -> Iterator[Webd]:
    """A server that answers, for as long as the context lasts."""
    port = port or free_port()
    with tempfile.NamedTemporaryFile() as log:
        process = start(
            PROGRAM,
            *("--port", str(port)),
            *options,
            env={**environment_of(configuration), **(variables or {})},
            stdin=subprocess.DEVNULL,
            stderr=log,
        )
        server = Webd(process, port, log)
        try:
            wait_until(lambda: process.poll() is not None or is_listened_to(port))
            assert process.poll() is None, server.stderr
            yield server
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
            process.wait(PATIENCE)


def is_listened_to(port: int) -> bool:
    """Whether somebody takes connections: granian does once its worker is ready."""
    try:
        socket.create_connection((HERE, port), timeout=1).close()
    except OSError:
        time.sleep(0.05)
        return False
    return True


def free_port() -> int:
    """A TCP port that nobody uses at the moment, and that no client or probe of another test gets.

    Somebody else who listens there for a moment would be taken for the server.
    """
    return radiusd.free_port(socket.SOCK_STREAM)
