"""What breaks around a running server: guests go on getting on, and the log says what is wrong.

One test for each fault.  What a clock that is set does stands in ``test_clock_changes.py``, what
the end of a process does in ``test_faults_under_load.py``, a store that is exchanged in
``test_live_changes.py``, and accounting without a disk in ``test_accounting_server.py``.
"""

from __future__ import annotations

import resource
import shutil
import sqlite3
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from nexio.operations.rotation import rotate_key
from nexio.store.engine import Store
from radius_auth.protocol.packet import Code
from tests.support.outages import locked
from tests.support.radius.busy_nas import BusyNas, Login
from tests.support.radius.desk import Desk, ask_until, desk_with
from tests.support.radius.radclient import radclient
from tests.support.radius.radiusd import PATIENCE, Radiusd, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nexio.configuration import Configuration
    from nexio.reception.visits import Visit

FEW = 7
"""Lines that one fault may cost the log, however long it lasts.

Each thread that meets it has one for its beginning and one for its end: the two that record, into
the spool and into the store; the two that share guesses, through the guard's file and through the
store; the one that keeps the table on disk; the one that follows the store; and the one that ends
sessions.  Most of the time the last two meet none that others have.
"""

WAVE = 40
"""Logins during a fault: enough to last several rounds of every thread."""


@pytest.fixture
def desk(sqlite_configuration: Configuration) -> Iterator[Desk]:
    """A desk whose surroundings may be broken."""
    with desk_with(sqlite_configuration) as made:
        yield made


@pytest.fixture
def radiusd(desk: Desk) -> Iterator[Radiusd]:
    """Its server, which ends in peace whatever has happened."""
    with Radiusd(desk.configuration) as server:
        yield server
        assert server.stop() == 0
        assert "Traceback" not in server.stderr


def assert_guests_get_on(server: Radiusd, visit: Visit) -> None:
    """Hold that both methods accept the right PIN, over some seconds, and refuse another one."""
    for method in ("User-Password", "CHAP-Password"):
        reply = radclient(server.port, visit.email, visit.pin, method=method)
        assert reply.code == "Access-Accept"
    wrong = radclient(server.port, "nobody@example.com", "000000")
    assert wrong.code == "Access-Reject"
    right = (Login(email=visit.email, password=visit.pin, chap=chap) for chap in (True, False) * 20)
    codes: list[Code | None] = []
    with BusyNas(server.port, right, WAVE / 2, answered=lambda login: codes.append(login.code)):
        wait_until(lambda: len(codes) == WAVE)
    assert codes == [Code.ACCESS_ACCEPT] * WAVE


DECISIONS = WAVE + 3
"""How many decisions `assert_guests_get_on` makes."""


def assert_recorded(desk: Desk, times: int = 1) -> None:
    """Hold that every one of those decisions reaches the store, once."""
    found = desk.wait_for_events(lambda events: len(events) >= DECISIONS * times)
    reasons = [event.reason for event in found]
    assert reasons.count("valid") == (DECISIONS - 1) * times
    assert reasons.count("unknown user") == times
    assert len(reasons) == DECISIONS * times


def waiting(path: Path) -> int:
    """How many records wait in a spool."""
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=PATIENCE)) as connection:
        (number,) = connection.execute("SELECT coalesce(sum(weight), 0) FROM event").fetchone()
    return int(number)


# The store


def test_the_store_is_locked(desk: Desk, radiusd: Radiusd) -> None:
    """Logins go on, a registration waits, decisions are in the spool meanwhile."""
    visit = desk.register()
    ask_until("Access-Accept", lambda: radclient(radiusd.port, visit.email, visit.pin))
    desk.wait_for_events(bool)
    before = len(desk.events())
    spool = desk.configuration.home / "spool" / "radiusd.db"

    with ThreadPoolExecutor(1) as reception:
        with locked(desk.configuration.home / "nexio.db"):
            registering = reception.submit(desk.register)
            assert_guests_get_on(radiusd, visit)
            wait_until(lambda: waiting(spool) == DECISIONS)
            assert not registering.done()
            assert len(desk.events()) == before
        new = registering.result(PATIENCE)

    ask_until("Access-Accept", lambda: radclient(radiusd.port, new.email, new.pin))
    found = desk.wait_for_events(lambda events: len(events) > before + DECISIONS)
    assert len(found) > before + DECISIONS
    wait_until(lambda: waiting(spool) == 0)


def test_the_store_is_gone(desk: Desk, radiusd: Radiusd) -> None:
    """Logins go on from memory; the log says since when, and that it is back."""
    visit = desk.register()
    ask_until("Access-Accept", lambda: radclient(radiusd.port, visit.email, visit.pin))
    known = len(desk.wait_for_events(bool))
    desk.store.close()
    paths = sorted(desk.configuration.home.glob("nexio.db*"))

    for path in paths:  # the store itself goes first
        path.rename(path.with_name(f"away-{path.name}"))
    since = radiusd.wait_for_line("not following the store: ")
    assert since.split(" ", 1)[0] == time.strftime("%Y-%m-%d")
    assert_guests_get_on(radiusd, visit)
    radiusd.wait_for_line("records wait in the spool: ")
    assert len(lines_of(radiusd, "WARNING")) <= FEW

    for path in reversed(paths):
        path.with_name(f"away-{path.name}").rename(path)
    radiusd.wait_for_line("following the store again")
    radiusd.wait_for_line("records reach the store again")
    found = desk.wait_for_events(lambda events: len(events) >= known + DECISIONS)
    assert len(found) == known + DECISIONS
    new = desk.register()
    ask_until("Access-Accept", lambda: radclient(radiusd.port, new.email, new.pin))


def lines_of(server: Radiusd, words: str) -> list[str]:
    """What it said with these words."""
    return [line for line in server.stderr.splitlines() if words in line]


# The disk


def test_the_disk_is_full(desk: Desk, radiusd: Radiusd) -> None:
    """Nothing can be written, not even to the spool; later all of it is in the store."""
    visit = desk.register()
    ask_until("Access-Accept", lambda: radclient(radiusd.port, visit.email, visit.pin))
    known = len(desk.wait_for_events(bool))

    with limited(radiusd, resource.RLIMIT_FSIZE, 0):
        assert_guests_get_on(radiusd, visit)
        radiusd.wait_for_line("records wait in memory: the spool")
        radiusd.wait_for_line("guesses are not shared through")
        assert len(lines_of(radiusd, "WARNING")) <= FEW
    radiusd.wait_for_line("records reach the spool again")
    radiusd.wait_for_line("guesses are shared through the guard's file again")

    found = desk.wait_for_events(lambda events: len(events) >= known + DECISIONS)
    assert len(found) == known + DECISIONS
    assert len(lines_of(radiusd, "WARNING")) <= 2 * FEW


@contextmanager
def limited(server: Radiusd, kind: int, most: int) -> Iterator[None]:
    """Allow what works for a server less of something than it needs."""
    processes = [*server.workers(), server.companion()]
    before, hard = resource.prlimit(processes[0], kind)
    for each in processes:
        resource.prlimit(each, kind, (most, hard))
    yield
    for each in processes:
        resource.prlimit(each, kind, (before, hard))


@pytest.fixture
def radiusd_of_its_own(desk: Desk) -> Iterator[Radiusd]:
    """The same, with an interpreter of its own, which has loaded only what a server loads."""
    with Radiusd(desk.configuration, started_by=("env",)) as server:
        yield server
        assert server.stop() == 0
        assert "Traceback" not in server.stderr


def test_out_of_file_descriptors(desk: Desk, radiusd_of_its_own: Radiusd) -> None:
    """Nothing can be opened any more; the log is bounded, and later all is as it was."""
    radiusd, visit, later = radiusd_of_its_own, desk.register(), desk.register("+2h")
    ask_until("Access-Accept", lambda: radclient(radiusd.port, visit.email, visit.pin))
    known = len(desk.wait_for_events(bool))

    with limited(radiusd, resource.RLIMIT_NOFILE, 3):
        assert_guests_get_on(radiusd, visit)
        early = radclient(radiusd.port, later.email, later.pin)
        assert (early.words or "").startswith("Your Wi-Fi access starts at ")
        # Those who tell the store of it have it open.
        found = desk.wait_for_events(lambda events: len(events) > known + DECISIONS)
        assert len(lines_of(radiusd, "WARNING")) <= FEW

    assert len(found) == known + DECISIONS + 1
    new = desk.register()
    ask_until("Access-Accept", lambda: radclient(radiusd.port, new.email, new.pin))
    assert len(lines_of(radiusd, "WARNING")) <= 2 * FEW


# The key


def test_the_key_file_is_gone(desk: Desk, radiusd: Radiusd) -> None:
    """PAP and CHAP go on, also after a rotation that it cannot follow."""
    visit = desk.register()
    ask_until("Access-Accept", lambda: radclient(radiusd.port, visit.email, visit.pin))
    known = len(desk.wait_for_events(bool))
    key_file = desk.configuration.key_file
    elsewhere = key_file.with_name("key-of-the-operator")
    shutil.copy2(key_file, elsewhere)
    key_file.unlink()

    assert_guests_get_on(radiusd, visit)
    desk.wait_for_events(lambda events: len(events) >= known + DECISIONS)
    assert lines_of(radiusd, "WARNING") == []  # what is open needs to read no key

    with closing(Store.open(replace(desk.configuration, key_file=elsewhere))) as store:
        rotate_key(store, elsewhere)
    radiusd.wait_for_line("not following the store: there is no key file at")
    assert_guests_get_on(radiusd, visit)
    assert len(lines_of(radiusd, "WARNING")) <= FEW

    shutil.copy2(elsewhere, key_file)
    radiusd.wait_for_line("following the store again")
    found = desk.wait_for_events(lambda events: len(events) >= known + 2 * DECISIONS)
    assert len(found) == known + 2 * DECISIONS
    assert_guests_get_on(radiusd, visit)
    new = desk.register()
    ask_until("Access-Accept", lambda: radclient(radiusd.port, new.email, new.pin))


def test_without_a_key_file_it_does_not_start(desk: Desk) -> None:
    """Exit 5, and what to do."""
    desk.configuration.key_file.unlink()
    server = Radiusd(desk.configuration)

    assert server.wait() == 5
    wrong, remedy = server.stderr.splitlines()
    assert "there is no key file at" in wrong
    assert "Bring it back" in remedy


# The port


@pytest.mark.parametrize("port", ["auth", "acct"])
def test_a_port_is_in_use(desk: Desk, radiusd: Radiusd, port: str) -> None:
    """Exit 5, one line of what is wrong and one of what to do; the first one goes on."""
    visit = desk.register()
    taken = radiusd.port if port == "auth" else radiusd.accounting_port
    second = Radiusd(desk.configuration, f"--{port}-port", str(taken))

    assert second.wait() == 5
    wrong, remedy = second.stderr.splitlines()
    assert f"port {taken}: Address already in use" in wrong
    assert "choose another --auth-port or --acct-port" in remedy
    ask_until("Access-Accept", lambda: radclient(radiusd.port, visit.email, visit.pin))
