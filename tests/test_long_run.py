"""Minutes of a bad day: guests log in, a desk registers and revokes, an engineer reloads.

A worker and the companion are killed, and the store goes away and comes back.
``LONG_RUN_SECONDS=60 LONG_RUN_RATE=500 pytest -m long tests/test_long_run.py`` is a shorter and
quieter one.
"""

from __future__ import annotations

import os
import random
import signal
import statistics
import sys
import threading
import time
from array import array
from collections import Counter
from contextlib import closing, contextmanager
from dataclasses import dataclass
from itertools import count, cycle
from pathlib import Path
from typing import TYPE_CHECKING, Self

import pytest
from sqlalchemy import select

from nexio.store.engine import Store
from nexio.store.tables import AuthEventRow
from radius_auth.protocol.packet import Code
from tests.support.people import register, revoke
from tests.support.radius.busy_nas import BusyNas, Login
from tests.support.radius.desk import Desk, desk_with
from tests.support.radius.radiusd import Radiusd, wait_until
from tests.support.stores import row_counts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nexio.configuration import Configuration
    from nexio.reception.visits import Visit

SECONDS = float(os.environ.get("LONG_RUN_SECONDS", "600"))
RATE = float(os.environ.get("LONG_RUN_RATE", "2000"))
"""Logins in a second."""

RELOAD_EVERY = 20.0
WORKER_KILLED_AT, STORE_AWAY_AT, COMPANION_KILLED_AT = 0.25, 0.5, 0.75
"""Parts of the time."""

AWAY_SECONDS = min(15.0, SECONDS / 10)
LOST_SECONDS = 0.5
"""Of decisions that are lost with a worker that is killed: those that it had not handed over."""

CHANGES = 4.0
"""Registrations and revocations in a second."""

KNOWN_WITHIN = 1.0
"""Seconds after which every server obeys a change."""

MAX_GROWTH = 16 * 1024 * 1024
"""Octets that a worker may grow once it has settled: the log's pages, and what the visits of the
run themselves take."""

HOSTS = ("127.0.0.1", "127.0.0.2", "127.0.0.3", "127.0.0.4")
RIGHT, WRONG, NOBODY = "right", "wrong PIN", "nobody"


@dataclass(slots=True, kw_only=True)
class Guest:
    """Somebody who was registered; times are monotonic seconds."""

    visit: Visit
    device: str
    registered_at: float
    revoking_at: float | None = None
    """When the desk began to revoke the token."""

    revoked_at: float | None = None
    """When that was in the store."""

    def allowed(self, login: Login) -> set[Code]:
        """What may have been answered to the right PIN at some time of that login."""
        if self.revoked_at is not None and login.asked_at > self.revoked_at + KNOWN_WITHIN:
            return {Code.ACCESS_REJECT}
        was_good = self.revoking_at is None or login.answered_at < self.revoking_at
        if was_good and login.asked_at > self.registered_at + KNOWN_WITHIN:
            return {Code.ACCESS_ACCEPT}
        return {Code.ACCESS_ACCEPT, Code.ACCESS_REJECT}


class Reception:
    """Registers and revokes in a thread, with a store of its own, as another process would."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._stopping = threading.Event()
        self._changing = threading.Lock()
        self._thread = threading.Thread(target=self._run)
        self.guests: list[Guest] = []
        self.changes: Counter[str] = Counter()

    def __enter__(self) -> Self:
        with closing(Store.open(self._desk.configuration)) as store:
            for _ in range(20):
                self._register(store)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        self._thread.join()

    def _run(self) -> None:
        with closing(Store.open(self._desk.configuration)) as store:
            for change in cycle((self._register, self._register, self._revoke)):
                if self._stopping.wait(1 / CHANGES):
                    return
                with self._changing:
                    change(store)

    @contextmanager
    def pause(self) -> Iterator[None]:
        """Change nothing, and begin when all servers know what was changed before."""
        with self._changing:
            time.sleep(2 * KNOWN_WITHIN)
            yield

    def _register(self, store: Store) -> None:
        number = len(self.guests)
        visit = register(store, self._desk.location, email=f"visitor{number}@example.com")
        device = f"02-00-00-00-{number >> 8:02x}-{number & 255:02x}"
        self.guests.append(Guest(visit=visit, device=device, registered_at=time.monotonic()))
        self.changes["registered"] += 1

    def _revoke(self, store: Store) -> None:
        guest = random.choice([each for each in self.guests if each.revoking_at is None])
        guest.revoking_at = time.monotonic()
        revoke(store, guest.visit)
        guest.revoked_at = time.monotonic()
        self.changes["revoked"] += 1


class Day:
    """Who logs in, and whether each answer was right.

    Wrong passwords come from ever new devices, as else the guard would refuse guests, too: of
    five logins three are right, and of fifty one is a wrong PIN of somebody who is expected.
    """

    def __init__(self, reception: Reception, victims: list[Visit]) -> None:
        self._reception = reception
        self._victims = victims
        five = (RIGHT, RIGHT, RIGHT, NOBODY, NOBODY)
        self._kinds = cycle((*five * 9, *five[:4], WRONG))
        self._by_email: dict[str, Guest] = {}
        self.answers: Counter[str] = Counter()
        self.faults: list[str] = []
        self.waits = array("d")
        """Seconds until each accept."""

    def logins(self) -> Iterator[Login]:
        """Without an end."""
        return map(self._login, self._kinds, count())

    def _login(self, kind: str, number: int) -> Login:
        chap = bool(number & 1)
        stranger = f"06-00-{number >> 24 & 255:02x}-{number >> 16 & 255:02x}"
        stranger += f"-{number >> 8 & 255:02x}-{number & 255:02x}"
        if kind == NOBODY:
            email = f"nobody{number}@example.com"
            return Login(email=email, password="000000", chap=chap, device=stranger)
        if kind == WRONG:
            visit = random.choice(self._victims)
            digits = len(visit.pin)
            pin = f"{(int(visit.pin) + 1) % 10**digits:0{digits}}"
            return Login(email=visit.email, password=pin, chap=chap, device=stranger)
        guest = random.choice(self._reception.guests)
        self._by_email[guest.visit.email] = guest
        return Login(
            email=guest.visit.email, password=guest.visit.pin, chap=chap, device=guest.device
        )

    def judge(self, login: Login) -> None:
        """Note an answer, and what is wrong with it."""
        guest = self._by_email.get(login.email)
        allowed = {Code.ACCESS_REJECT} if guest is None else guest.allowed(login)
        assert login.code is not None
        self.answers[f"{'CHAP' if login.chap else 'PAP'} {login.code.name}"] += 1
        if login.code == Code.ACCESS_ACCEPT:
            self.waits.append(login.answered_at - login.asked_at)
        if login.code not in allowed:
            self.faults.append(f"{login.code.name}: {login} {guest}")

    def told(self) -> str:
        """How long an accept took."""
        parts = statistics.quantiles(self.waits, n=1000)
        return (
            f"accepts after {parts[499] * 1e3:.1f} ms (half), {parts[989] * 1e3:.1f} ms (99 %),"
            f" {parts[998] * 1e3:.1f} ms (99.9 %), {max(self.waits) * 1e3:.1f} ms (all)"
        )


class Memory:
    """What a process has in memory, looked at now and then."""

    def __init__(self, process: int) -> None:
        self._process = process
        self.octets: list[int] = []

    def look(self) -> None:
        """Note it."""
        pages = int(Path(f"/proc/{self._process}/statm").read_text().split()[1])
        self.octets.append(pages * os.sysconf("SC_PAGE_SIZE"))

    @property
    def settled(self) -> int:
        """The most after the first fifth: a minute of five."""
        fifth = len(self.octets) // 5
        return max(self.octets[fifth : 2 * fifth])

    def told(self) -> str:
        """How much it was at first, when it had settled, and at the end."""
        first, settled, last = (
            octets / 1024**2 for octets in (self.octets[0], self.settled, self.octets[-1])
        )
        return f"memory {first:.1f} MiB at first, {settled:.1f} settled, {last:.1f} at the end"


@pytest.fixture
def desk(sqlite_configuration: Configuration) -> Iterator[Desk]:
    """A desk, and four access points."""
    with desk_with(sqlite_configuration) as made:
        made.add_nas(*HOSTS[1:])
        yield made


@pytest.mark.long
def test_a_long_run(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    """No request lost or answered wrongly, each decision in the log once, memory flat."""
    with (
        Reception(desk) as reception,
        Radiusd(desk.configuration, "--reject-delay", "1") as server,
    ):
        day = Day(reception, [desk.register() for _ in range(20)])
        desk.store.close()
        memory, stays = Memory(server.workers()[1]), server.workers()[1]
        nas = BusyNas(server.port, day.logins(), RATE, hosts=HOSTS, answered=day.judge)
        with nas:
            reloads = spend(server, memory, Trouble(server, desk.configuration.home, reception))
        assert stays in server.workers()
        wait_until(lambda: decisions(desk) > nas.sent - LOST_SECONDS * RATE)
        assert server.stop() == 0
        decided, strangers = decisions(desk), of_strangers(desk)

    with capsys.disabled():
        sys.stdout.write(
            f"\n{nas.sent} logins, {nas.repeated} sent again, {decided} in the log,"
            f" {reloads} reloads\n"
            f"{dict(reception.changes)}, {dict(day.answers)}, {len(day.faults)} wrong\n"
            f"{day.told()}\n{memory.told()}\n"
        )
    assert day.faults[:3] == []
    assert (nas.given_up, nas.unverified) == ([], 0)
    assert sum(day.answers.values()) == nas.sent
    assert 0 <= nas.sent - decided < LOST_SECONDS * RATE
    assert max(strangers.values()) == 1
    assert nas.sent > 0.9 * RATE * SECONDS
    assert "Traceback" not in server.stderr
    assert memory.octets[-1] - memory.settled < MAX_GROWTH


class Trouble:
    """What goes wrong in the course of a day, each once, while the desk changes nothing."""

    def __init__(self, server: Radiusd, home: Path, reception: Reception) -> None:
        self._server, self._home, self._reception = server, home, reception
        self._to_come = [
            (WORKER_KILLED_AT * SECONDS, self._kill_worker),
            (STORE_AWAY_AT * SECONDS, self._take_store_away),
            (COMPANION_KILLED_AT * SECONDS, self._kill_companion),
        ]

    def look(self, passed: float) -> None:
        """Let it happen when its time has come."""
        if self._to_come and passed > self._to_come[0][0]:
            with self._reception.pause():
                self._to_come.pop(0)[1]()

    def _kill_worker(self) -> None:
        killed = self._server.worker()
        os.kill(killed, signal.SIGKILL)
        wait_until(lambda: len({*self._server.workers()} - {killed}) == 2)

    def _take_store_away(self) -> None:
        for path in sorted(self._home.glob("nexio.db*")):  # the store itself goes first
            path.rename(path.with_name(f"away-{path.name}"))
        self._server.wait_for_line("not following the store: ")
        time.sleep(AWAY_SECONDS)
        for path in sorted(self._home.glob("away-*"), reverse=True):
            path.rename(path.with_name(path.name.removeprefix("away-")))
        self._server.wait_for_line("following the store again")
        self._server.wait_for_line("records reach the store again")

    def _kill_companion(self) -> None:
        killed = self._server.companion()
        os.kill(killed, signal.SIGKILL)
        self._server.wait_for_line("the companion ended with code -9 and is replaced")
        wait_until(lambda: self._server.companions() not in ([], [killed]))
        time.sleep(AWAY_SECONDS)


def spend(server: Radiusd, memory: Memory, trouble: Trouble) -> int:
    """Let the time pass, with a reload now and then; how many there were."""
    began, reloads = time.monotonic(), 0
    while (passed := time.monotonic() - began) < SECONDS:
        if passed > (reloads + 1) * RELOAD_EVERY:
            server.signal(signal.SIGHUP)
            reloads += 1
        trouble.look(passed)
        memory.look()
        time.sleep(0.5)
    return reloads


def of_strangers(desk: Desk) -> Counter[str | None]:
    """How often each device that logs in once is in the log."""
    with desk.store.read() as work:
        device = AuthEventRow.device
        return Counter(work.session.scalars(select(device).where(device.like("06:%"))))


def decisions(desk: Desk) -> int:
    """How many are in the log."""
    return row_counts(desk.store)["auth_event"]
