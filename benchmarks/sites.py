"""Measures how soon another site knows a change, and the cost of following for an idle server.

Two servers of ours follow one PostgreSQL.  ``python -m benchmarks.sites`` prints it; ``make bench``
measures the same.
"""

from __future__ import annotations

import random
import socket
import tempfile
import time
from dataclasses import replace
from itertools import count
from pathlib import Path
from shutil import copy2
from statistics import median
from typing import TYPE_CHECKING, Final, Self

from benchmarks.form import WHOLE, Form
from benchmarks.results import Sites
from benchmarks.servers.processes import cpu_seconds
from nexio.configuration import Configuration
from nexio.network.following import Horizon
from nexio.store.creation import create_store
from nexio.store.engine import Store
from nexio.store.patience import Patience
from radius_auth.protocol.packet import Code
from radius_auth.replica.follower import Follower
from tests.support.people import revoke
from tests.support.postgresql import DURABLE, PostgreSQL
from tests.support.radius.busy_nas import Login, datagram_of
from tests.support.radius.desk import desk_with
from tests.support.radius.radiusd import PATIENCE, Radiusd

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nexio.reception.visits import Visit
    from tests.support.radius.desk import Desk

LOOKS_EVERY: Final = 0.002
"""Seconds between two logins of the guest who waits for a change."""

PAUSE: Final = 0.5
"""Seconds between two changes at most, by chance: at any moment of a server's rounds."""

_chance = random.Random(5)
_devices = (f"06-00-00-{number.to_bytes(3).hex('-')}" for number in count())


def measure(form: Form) -> Sites:
    """Register and revoke at one site, and log in at the other one."""
    with tempfile.TemporaryDirectory(prefix="nexio-bench-") as folder, PostgreSQL(DURABLE) as there:
        north = _configuration(Path(folder) / "north", there)
        create_store(north)
        south = replace(north, home=Path(folder) / "south", key_file=Path(folder) / "south" / "key")
        south.home.mkdir()
        copy2(north.key_file, south.key_file)
        with (
            desk_with(north) as desk,
            Radiusd(north, "--reject-delay", "0"),
            Radiusd(south, "--reject-delay", "0") as server,
            _Guest(server.port) as guest,
        ):
            changes = [_change(desk, guest) for _ in range(form.changes)]
            time.sleep(1)  # what was decided is on its way to the store
            return Sites(
                registered=sorted(registered for registered, _ in changes),
                revoked=sorted(revoked for _, revoked in changes),
                following=_following(south, form.idle_seconds),
                companion=_share(server.companion(), form.idle_seconds),
            )


def words(sites: Sites) -> str:
    """The results as text."""
    return (
        f"Two servers follow one PostgreSQL. After a visitor was registered at one site, the other"
        f" one accepted {_spread(sites.registered)}; after one was revoked, it rejected"
        f" {_spread(sites.revoked)}. Following a store that does not change takes"
        f" {sites.following:.2%} of a processor, and all that the companion of an idle server does"
        f" {sites.companion:.2%}."
    )


def _spread(seconds: Sequence[float]) -> str:
    slowest = seconds[int(0.99 * (len(seconds) - 1))]
    return (
        f"{median(seconds) * 1e3:.0f} ms later (half of {len(seconds)}), {slowest * 1e3:.0f} ms"
        f" (99 %), {seconds[-1] * 1e3:.0f} ms (the longest)"
    )


def _configuration(home: Path, there: PostgreSQL) -> Configuration:
    made = Configuration.from_environment({"NEXIO_HOME": str(home)})
    return replace(made, database_url=there.url("postgres"))


class _Guest:
    """Logs in again and again, each time from another device."""

    def __init__(self, port: int) -> None:
        self._server = ("127.0.0.1", port)
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.settimeout(PATIENCE)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def wait_for(self, code: Code, visit: Visit) -> float:
        """Seconds until the answer has that code.

        Raises:
            RuntimeError: it never had.
        """
        began = time.monotonic()
        for identifier in count():
            login = Login(email=visit.email, password=visit.pin, device=next(_devices))
            self._socket.sendto(datagram_of(login, identifier % 256), self._server)
            if self._socket.recv(4096)[0] == code:
                return time.monotonic() - began
            if time.monotonic() - began > PATIENCE:
                break
            time.sleep(LOOKS_EVERY)
        message = f"never {code.name}"
        raise RuntimeError(message)


def _change(desk: Desk, guest: _Guest) -> tuple[float, float]:
    """Seconds until a registration and a revocation are known there."""
    time.sleep(_chance.uniform(0, PAUSE))
    visit = desk.register()
    registered = guest.wait_for(Code.ACCESS_ACCEPT, visit)
    time.sleep(_chance.uniform(0, PAUSE))
    revoke(desk.store, visit)
    return registered, guest.wait_for(Code.ACCESS_REJECT, visit)


def _share(process: int, seconds: float) -> float:
    """The part of a processor that a process takes."""
    began, before = time.monotonic(), cpu_seconds(process)
    time.sleep(seconds)
    return (cpu_seconds(process) - before) / (time.monotonic() - began)


def _following(configuration: Configuration, seconds: float) -> float:
    """The same of a follower alone, in this process, which sleeps meanwhile."""
    follower = Follower(
        lambda: Store.open(configuration, patience=Patience.of_a_server()), Horizon()
    )
    follower.start()
    try:
        time.sleep(1)  # it has begun
        began, before = time.monotonic(), time.process_time()
        time.sleep(seconds)
        return (time.process_time() - before) / (time.monotonic() - began)
    finally:
        follower.stop()


if __name__ == "__main__":
    print(words(measure(WHOLE)))
