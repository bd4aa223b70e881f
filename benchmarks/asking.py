"""Asking a RADIUS server as fast as it answers; what is measured is the server, not this.

The packets are made beforehand, so that asking costs a few microseconds for each: radclient
takes more time than the fastest of the servers.
"""

from __future__ import annotations

import re
import selectors
import socket
import subprocess
import time
from collections import deque
from typing import TYPE_CHECKING

from radius_auth.protocol.packet import Code
from tests.support.radius.access_requests import access_request
from tests.support.radius.guests import SECRET

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

SOCKETS = 8
AT_ONCE = 16
"""How many requests of one socket wait for their answer."""

PATIENCE = 10.0
"""Seconds without any answer after which something is wrong."""


def make_requests(logins: Iterable[tuple[str, str]]) -> list[bytes]:
    """One Access-Request for each User-Name and password; neighbours differ in the Identifier."""
    return [
        access_request(user_name, password.encode(), identifier=(number // SOCKETS) % 256)
        for number, (user_name, password) in enumerate(logins)
    ]


def ask_all(port: int, requests: Sequence[bytes]) -> float:
    """Send all of them from ports that were never used, and return how many seconds it took.

    Raises:
        RuntimeError: one of them was not accepted, or not answered.
    """
    queues = [deque(requests[number::SOCKETS]) for number in range(SOCKETS)]
    missing = len(requests)
    with selectors.DefaultSelector() as selector:
        for queue in queues:
            asking = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            asking.connect(("127.0.0.1", port))
            asking.settimeout(0)
            selector.register(asking, selectors.EVENT_READ, queue)
        began = time.perf_counter()
        for key in list(selector.get_map().values()):
            for _ in range(min(AT_ONCE, len(key.data))):
                key.fileobj.send(key.data.popleft())  # type: ignore[union-attr]
        while missing:
            ready = selector.select(PATIENCE)
            if not ready:
                raise RuntimeError(f"{missing} logins were not answered")
            for key, _ in ready:
                missing -= _take(key.fileobj, key.data)  # type: ignore[arg-type]
        seconds = time.perf_counter() - began
        for key in list(selector.get_map().values()):
            key.fileobj.close()  # type: ignore[union-attr]
    return seconds


def _take(asking: socket.socket, queue: deque[bytes]) -> int:
    """Take the answers that are there, and ask as many again; how many there were."""
    taken = 0
    while True:
        try:
            reply = asking.recv(4096)
        except BlockingIOError:
            return taken
        if reply[0] != Code.ACCESS_ACCEPT:
            raise RuntimeError("a login was not accepted")
        taken += 1
        if queue:
            asking.send(queue.popleft())


def write_logins(path: Path, logins: Iterable[tuple[str, str]]) -> Path:
    """What radclient reads."""
    path.write_text(
        "\n\n".join(
            f'User-Name = "{user_name}"\nUser-Password = "{password}"\nMessage-Authenticator = 0'
            for user_name, password in logins
        )
    )
    return path


def ask_by_radclient(port: int, logins: Path, count: int) -> float:
    """Let Debian's radclient ask, and return how many seconds it took.

    Raises:
        RuntimeError: one of them was not accepted, or not answered.
    """
    at_once = str(SOCKETS * AT_ONCE)
    began = time.perf_counter()
    done = subprocess.run(
        ["radclient", "-q", "-s", "-f", logins, "-p", at_once, "-r", "5", "-t", "5",
         f"127.0.0.1:{port}", "auth", SECRET],
        capture_output=True,
        text=True,
        check=False,
    )  # fmt: skip
    seconds = time.perf_counter() - began
    if not re.search(rf"Accepted\s*: {count}\b", done.stdout):
        raise RuntimeError(f"not everybody got on:\n{done.stdout}{done.stderr}")
    return seconds
