"""Three servers on one PostgreSQL that has every fault in turn: two of ours, and a FreeRADIUS.

Guests log in and access points tell of sessions at all of them, while a desk registers and
revokes.  Every guest inside a window is accepted and nobody outside; every decision and every
answered accounting record is in the store once.  While the store is away one server is killed,
and starts again without it.

``LONG_RUN_SECONDS=60 pytest -m long tests/test_three_servers.py`` is a shorter one of the long
form.
"""

from __future__ import annotations

import os
import random
import sys
import threading
import time
from collections import Counter, defaultdict
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from itertools import count, cycle
from shutil import copy2
from typing import TYPE_CHECKING, Protocol, Self

import pytest
from sqlalchemy import func, select

from nexio.clock import utc_now
from nexio.errors import StoreUnreachable
from nexio.store.creation import create_store
from nexio.store.engine import Store
from nexio.store.tables import AuthEventRow, WifiSessionRow
from radius_auth.protocol.packet import Code
from tests.support.clocks import Clock
from tests.support.people import register, revoke
from tests.support.postgresql import KILLABLE, PostgreSQL
from tests.support.radius.accounting_requests import STOP
from tests.support.radius.busy_nas import (
    STEP_OCTETS,
    STEP_SECONDS,
    STEPS,
    BusyNas,
    Login,
    Report,
    Sent,
)
from tests.support.radius.desk import Desk, desk_with
from tests.support.radius.freeradius import FreeRADIUS, with_plugin
from tests.support.radius.radclient import radclient
from tests.support.radius.radiusd import PATIENCE, Radiusd, wait_until
from tests.support.stores import configuration_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from nexio.configuration import Configuration
    from nexio.reception.visits import Visit


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How much of it, and how long."""

    logins: float
    """In a second, by all three."""

    reports: float
    """Accounting records in a second, by all three."""

    seconds: float
    """After so many there is no other round of all faults."""

    fault: float
    """Seconds that each fault lasts at least, and the peace after it."""

    known_within: float
    """Seconds after which every server obeys a change, without a fault: one for users, more for
    a machine that other tests run on."""


LONG_SECONDS = float(os.environ.get("LONG_RUN_SECONDS", "600"))
SHORT = Plan(logins=60, reports=30, seconds=0, fault=0.5, known_within=5.0)
LONG = Plan(logins=500, reports=200, seconds=LONG_SECONDS, fault=5.0, known_within=2.0)

CHANGES = 4.0
"""Registrations and revocations in a second."""

TRIES = 20
"""How often an access point asks, every three seconds: its server may be killed meanwhile."""

LOST_SECONDS = 1.0
"""Of decisions that are lost with a server that is killed: those that were on no disk yet."""

AWAY = "not following the store: "
RIGHT, WRONG, NOBODY = "right PIN", "wrong PIN", "nobody"
OPEN = 10
"""Sessions of which an access point tells at the same time."""


# The servers


class Server(Protocol):
    """One of the three, which may be killed."""

    name: str
    port: int
    accounting_port: int

    @property
    def log(self) -> str:
        """What it has said since its last start or before."""

    def stop(self) -> int:
        """End it in peace."""

    def restart(self) -> None:
        """Kill it with all its processes, and start it; return when it answers."""


class Ours:
    """`nexio-radiusd` on ports that stay."""

    def __init__(self, name: str, configuration: Configuration) -> None:
        self.name = name
        self._configuration = configuration
        self._server = Radiusd(configuration)
        self.port, self.accounting_port = self._server.port, self._server.accounting_port
        self._said = ""
        self._server.wait_for_line("answering on")

    @property
    def log(self) -> str:
        """See :class:`Server`."""
        return self._said + self._server.stderr

    def stop(self) -> int:
        """See :class:`Server`."""
        return self._server.stop()

    def restart(self) -> None:
        """See :class:`Server`."""
        self._server.kill()
        self._said += self._server.stderr
        ports = ("--auth-port", str(self.port), "--acct-port", str(self.accounting_port))
        self._server = Radiusd(self._configuration, *ports)
        self._server.wait_for_line("answering on")


class Theirs:
    """FreeRADIUS with the plugin."""

    def __init__(self, name: str, server: FreeRADIUS) -> None:
        self.name, self._server = name, server
        self.port, self.accounting_port = self._server.port, self._server.accounting_port
        self._server.start()
        self._server.warm_up()

    @property
    def log(self) -> str:
        """See :class:`Server`."""
        return self._server.log

    def stop(self) -> int:
        """See :class:`Server`."""
        return self._server.stop()

    def restart(self) -> None:
        """See :class:`Server`."""
        self._server.kill()
        self._server.start()


# The desk


class Outages:
    """When changes could not reach the servers; times are monotonic seconds."""

    def __init__(self, known_within: float) -> None:
        self._known_within = known_within
        self._spans: list[list[float]] = []

    @contextmanager
    def outage(self) -> Iterator[None]:
        """From before a fault until all servers follow again."""
        span = [time.monotonic(), float("inf")]
        self._spans.append(span)
        yield
        span[1] = time.monotonic()

    def known_at(self, committed: float) -> float:
        """When all servers know of a change; never, as far as is known in an outage."""
        known = committed + self._known_within
        for began, ended in self._spans:
            if began < known and committed < ended:
                known = max(known, ended)
        return known


@dataclass(slots=True, kw_only=True)
class Guest:
    """Somebody who was registered; times are monotonic seconds."""

    visit: Visit
    device: str
    registered_at: float
    revoking_at: float = float("inf")
    """When the desk began to revoke the token."""

    revoked_at: float = float("inf")
    """When that was in the store, as far as the desk heard."""

    def allowed(self, login: Login, outages: Outages, margin: float) -> set[Code]:
        """What may have been answered to the right PIN at some time of that login."""
        opens_in, closes_in = self._window()
        asked, answered = login.asked_at, login.answered_at
        outside = answered < opens_in - margin or asked > closes_in + margin
        if outside or asked > outages.known_at(self.revoked_at):
            return {Code.ACCESS_REJECT}
        inside = asked > opens_in + margin and answered < closes_in - margin
        is_known = asked > outages.known_at(self.registered_at)
        if inside and is_known and answered < self.revoking_at:
            return {Code.ACCESS_ACCEPT}
        return {Code.ACCESS_ACCEPT, Code.ACCESS_REJECT}

    def _window(self) -> tuple[float, float]:
        token = self.visit.token
        assert token is not None
        assert token.valid_from is not None
        assert token.valid_until is not None
        now, here = utc_now(), time.monotonic()
        return (
            here + (token.valid_from - now).total_seconds(),
            here + (token.valid_until - now).total_seconds(),
        )


class Reception:
    """Registers and revokes in a thread, also while that cannot be."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self.guests: list[Guest] = []
        """All whose registration is in the store."""

        self._expected: list[Guest] = []
        """Those who are in for some time, unless they are revoked."""

        self.changes: Counter[str] = Counter()

    def __enter__(self) -> Self:
        with closing(Store.open(self._desk.configuration)) as store:
            for _ in range(20):
                self._expect(store)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        self._thread.join()

    def at(self, ago: timedelta, arrival: str = "now") -> None:
        """Register somebody as if it were then."""
        clock = Clock(utc_now() - ago)
        with closing(Store.open(self._desk.configuration, clock)) as store:
            self._register(store, arrival)

    def _run(self) -> None:
        with closing(Store.open(self._desk.configuration)) as store:
            for change in cycle((self._expect, self._expect, self._revoke)):
                if self._stopping.wait(1 / CHANGES):
                    return
                try:
                    change(store)
                except StoreUnreachable:
                    self.changes["not possible"] += 1

    def _expect(self, store: Store) -> None:
        self._expected.append(self._register(store))

    def _register(self, store: Store, arrival: str = "now") -> Guest:
        number = next(_numbers)
        visit = register(
            store, self._desk.location, email=f"visitor{number}@example.com", arrival=arrival
        )
        device = f"02-00-00-00-{number >> 8:02x}-{number & 255:02x}"
        guest = Guest(visit=visit, device=device, registered_at=time.monotonic())
        self.guests.append(guest)
        self.changes["registered"] += 1
        return guest

    def _revoke(self, store: Store) -> None:
        # One at a time, and never again: whether it was done is unknown where the store went away.
        guest = self._expected.pop(random.randrange(len(self._expected)))
        guest.revoking_at = time.monotonic()
        revoke(store, guest.visit)
        guest.revoked_at = time.monotonic()
        self.changes["revoked"] += 1


_numbers = count()


# Those who ask


class Crowd:
    """Who asks one server, from an address of its own, and what became of it."""

    def __init__(
        self, number: int, reception: Reception, victims: list[Visit], outages: Outages, plan: Plan
    ) -> None:
        self.host = f"127.0.0.{number + 2}"
        self._number, self._reception, self._victims = number, reception, victims
        self._outages, self._margin = outages, plan.known_within / 2
        five = (RIGHT, RIGHT, RIGHT, NOBODY, NOBODY)
        self._kinds = cycle((*five * 9, *five[:4], WRONG))
        self._by_email: dict[str, Guest] = {}
        self._decided: list[tuple[float, float, str]] = []
        """When each login was first sent, and answered, and the device."""

        self._killed: list[tuple[float, float]] = []
        self._codes: Counter[str] = Counter()
        self._told: dict[str, list[int]] = defaultdict(list)
        """Which records about each session were answered."""

        self.faults: list[str] = []

    def logins(self) -> Iterator[Login]:
        """Without an end."""
        return map(self._login, self._kinds, count())

    def reports(self) -> Iterator[Report]:
        """Start, update and Stop of one session after the other, `OPEN` of them at a time."""
        for number in count():
            for step in range(len(STEPS)):
                if (session := number - step * OPEN) >= 0:
                    yield Report(session=f"{session}", step=step)

    def judge(self, login: Login) -> None:
        """Note an answer, and what is wrong with it."""
        guest = self._by_email.get(login.email)
        allowed = {Code.ACCESS_REJECT}
        if guest is not None:
            allowed = guest.allowed(login, self._outages, self._margin)
        assert login.code is not None
        self._codes[login.code.name] += 1
        self._decided.append((login.asked_at, login.answered_at, login.device))
        if login.code not in allowed:
            self.faults.append(f"{login.code.name}: {login} {guest}")

    def begin(self, asking: ExitStack, server: Server, plan: Plan) -> None:
        """Ask a server until the end of that context."""
        hosts = (self.host,)
        logins = BusyNas(
            server.port,
            self.logins(),
            plan.logins / 3,
            hosts=hosts,
            tries=TRIES,
            answered=self.judge,
        )
        reports = BusyNas(
            server.accounting_port,
            self.reports(),
            plan.reports / 3,
            hosts=hosts,
            tries=TRIES,
            answered=self.note,
        )
        self._nas = (asking.enter_context(logins), asking.enter_context(reports))

    def note(self, report: Report) -> None:
        """Note an answer."""
        assert report.code is Code.ACCOUNTING_RESPONSE
        self._told[report.session].append(report.step)

    @property
    def asked(self) -> int:
        """How many requests it has sent, without repetitions."""
        return sum(each.sent for each in self._nas)

    def unanswered(self) -> list[Sent]:
        """What got no answer."""
        return [*self._nas[0].given_up, *self._nas[1].given_up]

    @property
    def unverified(self) -> int:
        """How many answers belong to no request."""
        return sum(each.unverified for each in self._nas)

    def sessions(self) -> dict[str, Session]:
        """What the store is to have of each session."""
        return {
            session: (
                STEP_SECONDS * max(steps),
                STEP_OCTETS * max(steps),
                "stop" if STEPS[max(steps)] == STOP else None,
            )
            for session, steps in self._told.items()
        }

    def summary(self) -> str:
        """What it did, in a line."""
        logins, reports = self._nas
        return (
            f"{self.host}: {logins.sent} logins {dict(self._codes)}, {reports.sent} records of"
            f" {len(self._told)} sessions, {logins.repeated + reports.repeated} sent again"
        )

    @contextmanager
    def killing(self) -> Iterator[None]:
        """From before its server is killed until it answers again."""
        began = time.monotonic()
        yield
        self._killed.append((began, time.monotonic()))

    def bounds(self) -> dict[str, tuple[int, int]]:
        """How often each device may be in the log: just as often as it was answered.

        Where the server was killed, what was answered a moment before may be missing, and what
        was asked before and answered afterwards may have been decided twice.
        """
        least, most = Counter[str](), Counter[str]()
        for asked, answered, device in self._decided:
            missing = any(b - LOST_SECONDS < answered < e for b, e in self._killed)
            doubled = any(asked < e and b < answered for b, e in self._killed)
            least[device] += not missing
            most[device] += 1 + doubled
        return {device.replace("-", ":"): (least[device], most[device]) for device in most}

    def _login(self, kind: str, number: int) -> Login:
        chap = bool(number & 1)
        octets = number.to_bytes(3).hex("-")
        stranger = f"06-00-{self._number:02x}-{octets}"
        if kind == NOBODY:
            email = f"nobody{self._number}-{number}@example.com"
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


# The day


@pytest.fixture
def postgresql_of_its_own(programs: None) -> Iterator[PostgreSQL]:
    """It may be killed, and loses nothing by that."""
    with PostgreSQL(KILLABLE) as server:
        yield server


@pytest.fixture
def desk(postgresql_of_its_own: PostgreSQL, tmp_path: Path) -> Iterator[Desk]:
    """A desk with three more access points, one for each server."""
    url = postgresql_of_its_own.url("postgres")
    made = replace(configuration_of(tmp_path / "desk"), database_url=url)
    create_store(made)
    with desk_with(made) as desk:
        desk.add_nas(*(f"127.0.0.{number + 2}" for number in range(3)))
        yield desk


def at_another_host(made: Configuration, home: Path) -> Configuration:
    """A server of the same store with a folder of its own."""
    home.mkdir()
    copy2(made.key_file, home / "key")
    return replace(made, home=home, key_file=home / "key")


@pytest.fixture
def servers(freeradius_python: None, desk: Desk, tmp_path: Path) -> Iterator[list[Server]]:
    """The three."""
    homes = {name: tmp_path / name for name in ("north", "south", "west")}
    north, south, west = (at_another_host(desk.configuration, home) for home in homes.values())
    started: list[Server] = []
    try:
        started += [Ours("north", north), Ours("south", south)]
        started.append(Theirs("west", with_plugin(west, tmp_path / "freeradius")))
        yield started
    finally:
        for server in started:
            server.stop()


class Faults:
    """What befalls the database, for some time each."""

    def __init__(
        self, postgresql: PostgreSQL, seconds: float, servers: list[Server], crowds: list[Crowd]
    ) -> None:
        self._postgresql, self._seconds = postgresql, seconds
        self._servers, self._crowds = servers, crowds
        self._killed = cycle((1, 2, 0))
        """Which server is killed while the database is away."""

        self.all = (self._hangs, self._is_killed, self._disconnects, self._only_reads)

    def _hangs(self) -> None:
        before = [server.log.count(AWAY) for server in self._servers]
        with self._postgresql.hanging():
            for server, times in zip(self._servers, before, strict=True):
                wait_until(partial(has_said, server, AWAY, times))
            time.sleep(self._seconds)

    def _is_killed(self) -> None:
        number = next(self._killed)
        with self._postgresql.killed():
            time.sleep(self._seconds)
            with self._crowds[number].killing():
                self._servers[number].restart()
            time.sleep(self._seconds)

    def _disconnects(self) -> None:
        until = time.monotonic() + self._seconds
        while time.monotonic() < until:
            self._postgresql.disconnect("postgres")
            time.sleep(0.1)

    def _only_reads(self) -> None:
        with self._postgresql.reading_only():
            time.sleep(self._seconds)


def has_said(server: Server, words: str, times: int) -> bool:
    """Whether it has said something oftener than that."""
    return server.log.count(words) > times


def lets_in(server: Server, visit: Visit) -> bool:
    """Whether it does at this moment."""
    return radclient(server.port, visit.email, visit.pin).code == "Access-Accept"


def add_edges(reception: Reception) -> None:
    """Guests whose window opens or ends with the next minute, has ended, or is to come."""
    for ago, arrival in ((59, "now"), (0, "+1m"), (180, "now"), (0, "+2h")):
        reception.at(timedelta(minutes=ago), arrival)


def await_change(desk: Desk, servers: list[Server]) -> None:
    """Wait until all servers follow: each knows somebody who is registered now."""
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            visit = desk.register()
        except StoreUnreachable:
            assert time.monotonic() < deadline
        else:
            break
    for server in servers:
        wait_until(partial(lets_in, server, visit))


@pytest.mark.parametrize(
    "plan", [pytest.param(SHORT, id="short"), pytest.param(LONG, id="long", marks=pytest.mark.long)]
)
def test_three_servers_and_a_database_with_faults(
    plan: Plan,
    postgresql_of_its_own: PostgreSQL,
    desk: Desk,
    servers: list[Server],
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Each guest is answered rightly, and each decision and record is in the store once."""
    outages = Outages(plan.known_within)
    victims = [desk.register() for _ in range(20)]
    with Reception(desk) as reception:
        crowds = [Crowd(number, reception, victims, outages, plan) for number in range(3)]
        faults = Faults(postgresql_of_its_own, plan.fault, servers, crowds)
        await_change(desk, servers)
        with ExitStack() as asking:
            for crowd, server in zip(crowds, servers, strict=True):
                crowd.begin(asking, server, plan)
            began, seconds = time.monotonic(), -1.0
            while seconds < plan.seconds:
                for fault in faults.all:
                    add_edges(reception)
                    with outages.outage():
                        fault()
                        await_change(desk, servers)
                    time.sleep(plan.fault)
                seconds = time.monotonic() - began
    wait_until(lambda: not any(short_of(desk, crowd) for crowd in crowds))
    for server in servers:
        assert server.stop() == 0
        assert "Traceback" not in server.log, server.log

    with capsys.disabled():
        sys.stdout.write(f"\n{seconds:.0f} s, {dict(reception.changes)}\n")
        sys.stdout.writelines(f"{crowd.summary()}\n" for crowd in crowds)
    for crowd in crowds:
        assert crowd.faults[:3] == []
        assert (crowd.unanswered()[:3], crowd.unverified) == ([], 0)
        assert short_of(desk, crowd) == {}
        assert too_often(desk, crowd) == {}
        assert crowd.asked > 0.9 * (plan.logins + plan.reports) / 3 * seconds


def decided(desk: Desk, crowd: Crowd) -> dict[str, int]:
    """How often each device of a crowd is in the log."""
    counted = select(AuthEventRow.device, func.count()).where(AuthEventRow.nas == crowd.host)
    with desk.store.read() as work:
        rows = work.session.execute(counted.group_by(AuthEventRow.device)).all()
    return {f"{device}": number for device, number in rows}


Session = tuple[int, int, str | None]
"""Its seconds, its octets, and how it ended."""


def sessions(desk: Desk, crowd: Crowd) -> dict[str, list[Session]]:
    """Each session of a crowd, as often as it is there."""
    row, found = WifiSessionRow, dict[str, list[Session]]()
    told = select(row.session_id, row.seconds, row.octets_in, row.ended_by)
    with desk.store.read() as work:
        for name, seconds, octets, end in work.session.execute(told.where(row.nas == crowd.host)):
            found.setdefault(name, []).append((seconds, octets or 0, end))
    return found


def short_of(desk: Desk, crowd: Crowd) -> dict[str, object]:
    """What was answered, and is not in the store (yet)."""
    there, told = decided(desk, crowd), sessions(desk, crowd)
    missing: dict[str, object] = {
        device: (there.get(device, 0), least)
        for device, (least, _) in crowd.bounds().items()
        if there.get(device, 0) < least
    }
    expected = crowd.sessions()
    missing |= {
        key: (told.get(key), row) for key, row in expected.items() if told.get(key) != [row]
    }
    return missing


def too_often(desk: Desk, crowd: Crowd) -> dict[str, object]:
    """What is in the store oftener than it happened, or never did."""
    bounds, told = crowd.bounds(), crowd.sessions()
    more: dict[str, object] = {
        device: (number, bounds.get(device))
        for device, number in decided(desk, crowd).items()
        if number > bounds.get(device, (0, 0))[1]
    }
    return more | {key: rows for key, rows in sessions(desk, crowd).items() if key not in told}
