"""What the plugin does beside answering: from the first call to the last."""

from __future__ import annotations

import gc
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from queue import SimpleQueue
from typing import TYPE_CHECKING

import pytest

from nexio.clock import utc_now
from nexio.network.event_log import list_events
from nexio.network.events import Decided
from nexio.network.guard_acts import Act, Kind
from radius_auth.companion import child
from radius_auth.guard.host_journal import HostJournal, guard_path
from radius_auth.plugin.background import Background
from radius_auth.protocol.discards import DiscardReason
from radius_auth.protocol.packet import Discarded
from tests.support.clocks import Clock
from tests.support.radius.desk import Desk, desk_with
from tests.support.radius.freeradius import packages
from tests.support.radius.guesses import attack
from tests.support.radius.radiusd import wait_until
from tests.support.stores import configuration_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from nexio.configuration import Configuration

PATIENCE = 20.0
"""Seconds; what is waited for comes at once."""

DAY = timedelta(hours=24)


class Heard(logging.Handler):
    """The log of the thread, and of the companion."""

    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self._coming: SimpleQueue[str] = SimpleQueue()
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Take one."""
        self._coming.put(record.getMessage())

    def wait_for(self, words: str) -> None:
        """Until a line begins with these words."""
        while not self.lines or not self.lines[-1].startswith(words):
            self.lines.append(self._coming.get(timeout=PATIENCE))


@pytest.fixture
def heard(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> Iterator[Heard]:
    """What is logged; and a companion that cannot get to work is soon tried again."""
    monkeypatch.setattr(child, "RETRY_SECONDS", 0.5)
    caplog.set_level(logging.INFO, "radius_auth")
    log, made = logging.getLogger("radius_auth"), Heard()
    log.addHandler(made)
    yield made
    log.removeHandler(made)


@pytest.fixture
def clock() -> Clock:
    """From now on: the companion has the real time."""
    return Clock(utc_now())


@pytest.fixture
def desk(sqlite_configuration: Configuration) -> Iterator[Desk]:
    """A desk on SQLite."""
    with desk_with(sqlite_configuration) as made:
        yield made


@pytest.fixture
def starting(programs: None, clock: Clock) -> Iterator[Callable[..., Background]]:
    """Makes one and gives it its first call; ended with the test."""
    made: list[Background] = []
    thresholds = gc.get_threshold()

    def start(configuration: Configuration, folder: str | None = None) -> Background:
        made.append(Background(configuration, DAY, folder or packages(), clock))
        with pytest.raises(Discarded, match="not read yet"):
            made[-1].table()
        return made[-1]

    yield start
    for each in made:
        each.stop()
    gc.set_threshold(*thresholds)  # what is frozen stays so: walking it took longer than the test
    assert threads() == []
    assert companions() == []


def threads() -> list[str]:
    """The names of our threads."""
    return [each.name for each in threading.enumerate() if each.name.startswith("nexio-")]


def companions() -> list[int]:
    """The companions that this process has started."""
    found = []
    for folder in Path("/proc").iterdir():
        with suppress(OSError, IndexError, ValueError):
            parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
            words = (folder / "cmdline").read_bytes()
            if parent == os.getpid() and b"radius_auth.companion.program" in words:
                found.append(int(folder.name))
    return found


def rejects(first: int, count: int) -> list[Decided]:
    """That many decisions, which took so many microseconds, one more each time."""
    at = utc_now().timestamp()
    return [
        (at, "nobody@example.com", None, "ap", None, None, "reject", "unknown user", number)
        for number in range(first, first + count)
    ]


def latencies(desk: Desk) -> list[int]:
    """Of all decisions that are in the store."""
    with desk.store.read() as work:
        return sorted(each.event.latency_us for each in list_events(work, None, limit=10_000))


# From the first call


def test_the_first_call_starts_a_thread_and_a_companion(
    desk: Desk, starting: Callable[..., Background], clock: Clock, heard: Heard
) -> None:
    """rlm_python3: FreeRADIUS may fork before; no call waits for the store.

    What happens in the store from then on is known, too.
    """
    visit = desk.register()
    assert (threads(), companions()) == ([], [])
    made = starting(desk.configuration)
    heard.wait_for("answering from 1 visits")

    assert made.table().find_visit(visit.id) is not None
    assert threads() == ["nexio-plugin"]
    assert len(companions()) == 1
    later = desk.register()
    wait_until(lambda: made.table().find_visit(later.id) is not None)


def test_a_start_waits_for_the_store(
    desk: Desk, programs: None, tmp_path: Path, heard: Heard
) -> None:
    """The first call finds a table; a store that is away is not waited for longer than that."""
    thresholds = gc.get_threshold()
    visit = desk.register()
    for configuration, seconds in ((desk.configuration, PATIENCE), (configuration_of(tmp_path), 0)):
        made = Background(configuration, DAY, packages())
        made.start(seconds)
        if seconds:
            assert made.table().find_visit(visit.id) is not None
        made.stop()
    gc.set_threshold(*thresholds)


def test_further_calls_start_nothing_more(
    starting: Callable[..., Background], tmp_path: Path, heard: Heard
) -> None:
    """rlm_python3: guests ask all the time while the store is out of reach."""
    made = starting(configuration_of(tmp_path / "nowhere"))
    heard.wait_for("no guest is answered")

    for _ in range(10):
        with pytest.raises(Discarded):
            made.table()

    assert threads() == ["nexio-plugin"]
    assert len(companions()) == 1


def test_what_is_made_later_is_found(
    starting: Callable[..., Background],
    sqlite_configuration: Configuration,
    tmp_path: Path,
    heard: Heard,
) -> None:
    """FreeRADIUS starts first, then there is a store, then its key.

    Each is told once, with the advice; and no folder is made.
    """
    key = sqlite_configuration.key_file
    aside = key.rename(tmp_path / "aside")
    later = configuration_of(tmp_path / "later")
    made = starting(later)
    heard.wait_for("no guest is answered: there is no store")
    assert not later.home.exists()

    sqlite_configuration.home.rename(later.home)
    heard.wait_for(f"no guest is answered: there is no key file at {later.key_file}")
    assert "NEXIO_KEY_FILE" in heard.lines[-1]
    aside.rename(later.key_file)
    heard.wait_for("answering from 0 visits")

    assert len(heard.lines) == 3
    assert len(made.table()) == 0


def test_a_companion_that_cannot_be_loaded_is_told(
    starting: Callable[..., Background],
    desk: Desk,
    tmp_path: Path,
    heard: Heard,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A folder without our packages, then a Python that is not there; then all is well."""
    with monkeypatch.context() as change:
        change.setattr(child, "_BOOT", "raise SystemExit('this is no companion')")
        starting(desk.configuration)
        heard.wait_for("this is no companion")
        heard.wait_for("the companion has ended and is replaced")
        change.setattr(sys, "base_exec_prefix", str(tmp_path))
        heard.wait_for("the companion cannot be started: ")
        assert str(tmp_path) in heard.lines[-1]

    heard.wait_for("answering")

    assert sum("cannot be started" in line for line in heard.lines) == 1


def test_a_companion_that_is_killed_is_replaced(
    desk: Desk, starting: Callable[..., Background], heard: Heard
) -> None:
    """Guests are answered from memory meanwhile; every decision is in the store once."""
    visit = desk.register()
    made = starting(desk.configuration)
    heard.wait_for("answering")
    for number in range(2):
        for decided in rejects(100 * number, 50):
            made.record(decided)
        time.sleep(0.3)  # some are on their way, others are not
        heard.lines.clear()
        (process,) = companions()
        os.kill(process, signal.SIGKILL)
        heard.wait_for("the companion has ended and is replaced")
        for decided in rejects(100 * number + 50, 50):
            made.record(decided)
        assert made.table().find_visit(visit.id) is not None
        wait_until(lambda: len(companions()) == 1)

    later = desk.register()
    wait_until(lambda: made.table().find_visit(later.id) is not None)
    (process,) = companions()
    os.kill(process, signal.SIGKILL)  # and FreeRADIUS ends in that moment
    made.stop()

    starting(desk.configuration)  # it delivers what a slow machine has left in the spool
    wait_until(lambda: len(latencies(desk)) >= 200)
    assert latencies(desk) == list(range(200))


def test_a_guess_without_a_decision_is_told(
    desk: Desk, starting: Callable[..., Background], clock: Clock, heard: Heard
) -> None:
    """A tunnel that is abandoned after a wrong response has none; other servers hear of it."""
    visit = desk.register()
    made = starting(desk.configuration)
    heard.wait_for("answering")
    attack(made.guard, clock(), visit.id, count=1)

    journal = HostJournal(guard_path(desk.configuration.home))
    found: list[Act] = []

    def is_told() -> bool:
        found.extend(journal.exchange())  # what is new
        return Kind.GUESS in {act.kind for act in found}

    wait_until(is_told)


def test_a_service_manager_that_ends_all_processes_ends_the_companion_last(
    desk: Desk, starting: Callable[..., Background], heard: Heard
) -> None:
    """Systemd tells all processes of a service: what is decided until the end is recorded."""
    made = starting(desk.configuration)
    heard.wait_for("answering")
    (process,) = companions()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        os.kill(process, number)
    for decided in rejects(0, 3):
        made.record(decided)
    made.stop()

    assert latencies(desk) == [0, 1, 2]
    assert not any("replaced" in line for line in heard.lines)


def test_the_plugin_loads_no_database(programs: None) -> None:
    """It only answers; neither memory nor time of FreeRADIUS is for SQLAlchemy."""
    asked = """
import sys, types
sys.modules["radiusd"] = types.SimpleNamespace(L_INFO=3, L_ERR=4, L_WARN=5)
import radius_auth.freeradius
print(*sys.modules)
"""
    loaded = subprocess.check_output([sys.executable, "-c", asked], text=True).split()
    assert "radius_auth.plugin.plugin" in loaded
    assert not {"sqlalchemy", "sqlite3", "psycopg", "alembic"} & set(loaded)


# Without the store


def test_it_goes_on_from_memory_for_a_day(
    desk: Desk, starting: Callable[..., Background], clock: Clock, heard: Heard
) -> None:
    """Until max-staleness, then the next server is to be asked."""
    made = starting(desk.configuration)
    heard.wait_for("answering")

    clock.advance(hours=23, minutes=59)
    made.table()
    clock.advance(minutes=1, seconds=PATIENCE)
    with pytest.raises(Discarded, match="too long"):
        made.table()


# To the end


def test_the_end_without_a_beginning(sqlite_configuration: Configuration, clock: Clock) -> None:
    """rlm_python3: "radiusd -C" checks the configuration and ends."""
    made = Background(sqlite_configuration, DAY, packages(), clock)
    made.record(rejects(0, 1)[0])

    made.stop()

    with pytest.raises(Discarded) as raised:
        made.table()
    assert raised.value.reason is DiscardReason.NOT_READ
    assert threads() == []


def test_the_end_while_the_store_is_out_of_reach(
    starting: Callable[..., Background], tmp_path: Path, heard: Heard
) -> None:
    """It does not wait for it."""
    made = starting(configuration_of(tmp_path / "nowhere"))
    heard.wait_for("no guest is answered")

    began = time.monotonic()
    made.stop()

    assert time.monotonic() - began < 3
    with pytest.raises(Discarded):
        made.table()
