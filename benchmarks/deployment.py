"""A store and a running nexio-radiusd in a folder of their own, for the time of a benchmark."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from nexio.configuration import Configuration
from nexio.locations.locations import add_location, change_settings, get_location
from nexio.locations.settings import parse_changes
from nexio.network.nas import NewNas, add_nas
from nexio.reception.registration import register
from nexio.reception.registration_texts import read_registration
from nexio.store.creation import create_store
from nexio.store.engine import Store
from radius_auth.client.client import NoAnswer, send_access_request
from tests.support.postgresql import PostgreSQL

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nexio.reception.visits import Visit
    from radius_auth.client.client import AccessReply

ADDRESS = "127.0.0.1"


@dataclass(frozen=True, kw_only=True)
class Deployment:
    """An open store and a server that follows it."""

    store: Store
    port: int
    secret: bytes

    def register(self, number: int) -> Visit:
        """A visitor whose window is open."""
        texts = {"first_name": "Ada", "last_name": "Example", "email": f"ada{number}@example.com"}
        with self.store.write() as work:
            location = get_location(work, None)
            return register(work, location, read_registration(texts, work.now, location))

    def ask(self, visit: Visit) -> AccessReply:
        """Log in with the visit's PIN."""
        return send_access_request(
            ADDRESS, self.port, self.secret, visit.email, visit.pin, timeout=1.0, retries=5
        )


@contextmanager
def deployment(database_url: str | None, *options: str) -> Iterator[Deployment]:
    """Start a store and a server.

    Args:
        database_url: None is SQLite in a temporary folder.
        options: further options of nexio-radiusd.
    """
    with tempfile.TemporaryDirectory(prefix="nexio-bench-") as folder:
        environment = {"NEXIO_HOME": folder}
        if database_url is not None:
            environment["NEXIO_DATABASE_URL"] = database_url
        configuration = Configuration.from_environment(environment)
        create_store(configuration)
        store = Store.open(configuration)
        with store.write() as work:
            location = add_location(work, "Bench", "UTC")
            change_settings(work, location, parse_changes(["visitor-tokens=on"]))
            nas = add_nas(work, location, NewNas(name="bench", address=ADDRESS))
        port = _free_port()
        with _server(environment, port, options):
            yield Deployment(store=store, port=port, secret=nas.secret)
        store.close()


@contextmanager
def stores() -> Iterator[dict[str, str | None]]:
    """The URLs of an empty store of each kind."""
    with PostgreSQL() as server:
        server.create_database("bench")
        yield {"SQLite": None, "PostgreSQL": server.url("bench")}


@contextmanager
def _server(environment: dict[str, str], port: int, options: tuple[str, ...]) -> Iterator[None]:
    program = Path(sys.executable).parent / "nexio-radiusd"
    ports = ["--auth-port", str(port), "--acct-port", str(_free_port())]
    log = Path(environment["NEXIO_HOME"]) / "radiusd.log"
    with log.open("wb") as stderr:
        process = subprocess.Popen(
            [program, "--listen", ADDRESS, *ports, *options],
            env={**os.environ, **environment},
            stderr=stderr,
        )
        try:
            _wait_until_answering(process, port, log)
            yield
        finally:
            process.terminate()
            process.wait()


def _wait_until_answering(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    """A server that knows its NAS rejects a stranger; before, it is silent."""
    while process.poll() is None:
        if b"answering on" in log.read_bytes():
            return
        try:
            send_access_request(ADDRESS, port, b"none", "none", "none", timeout=0.05, retries=0)
        except NoAnswer:
            continue
    raise RuntimeError(log.read_text())


def _free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind((ADDRESS, 0))
        port: int = probe.getsockname()[1]
        return port
