"""What the plugin does beside answering: from the first call to the last."""

from __future__ import annotations

import logging
import threading
from datetime import timedelta
from queue import SimpleQueue
from typing import TYPE_CHECKING

import pytest

from nexio.network.event_log import list_events
from radius_auth.decision.reasons import Reason
from radius_auth.decision.request import Rejected, Request
from radius_auth.plugin import background
from radius_auth.plugin.background import Background
from radius_auth.plugin.logins import DecidedLogin
from radius_auth.protocol.packet import Discarded
from radius_auth.replica.follower import Follower
from tests.support.people import register
from tests.support.radius.guests import NINE
from tests.support.radius.virtual_server import house
from tests.support.stores import configuration_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from nexio.configuration import Configuration
    from nexio.locations.locations import Location
    from nexio.store.engine import Store
    from tests.support.clocks import Clock

PATIENCE = 20.0
"""Seconds; what is waited for comes at once."""

DAY = timedelta(hours=24)


class Watched(Background):
    """It says when it tries to open the store."""

    def __init__(self, configuration: Configuration, clock: Clock) -> None:
        super().__init__(configuration, DAY, clock)
        self._tries: SimpleQueue[None] = SimpleQueue()

    def wait_for_tries(self, number: int) -> None:
        """Until it has tried so many times more."""
        for _ in range(number):
            self._tries.get(timeout=PATIENCE)

    def _open_store(self) -> Store:
        self._tries.put(None)
        return super()._open_store()


class Heard(logging.Handler):
    """The log of the threads."""

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
    """What is logged; and tries follow each other fast."""
    monkeypatch.setattr(background, "RETRY_SECONDS", 0.01)
    caplog.set_level(logging.INFO, "radius_auth")
    log, made = logging.getLogger("radius_auth"), Heard()
    log.addHandler(made)
    yield made
    log.removeHandler(made)


@pytest.fixture
def starting(clock: Clock) -> Iterator[Callable[[Configuration], Watched]]:
    """Makes one and gives it its first call; ended with the test."""
    made: list[Watched] = []

    def start(configuration: Configuration) -> Watched:
        made.append(Watched(configuration, clock))
        with pytest.raises(Discarded, match="not read yet"):
            made[-1].table()
        return made[-1]

    yield start
    for each in made:
        each.stop()
    assert running() == set()


def running() -> set[str]:
    """The names of our threads."""
    return {each.name for each in threading.enumerate() if each.name.startswith("nexio-")}


def rejects(count: int) -> list[DecidedLogin]:
    """That many decisions, which took 1, 2, ... microseconds."""
    request = Request(nas=None, user_name=b"nobody@example.com", password=None)
    rejected = Rejected(reason=Reason.UNKNOWN_USER)
    return [
        DecidedLogin(request, rejected, house(), NINE, number, "192.0.2.7", False)
        for number in range(1, count + 1)
    ]


# From the first call


def test_the_first_call_starts_the_threads(
    sqlite_store: Store,
    sqlite_location: Location,
    sqlite_configuration: Configuration,
    clock: Clock,
    heard: Heard,
) -> None:
    """rlm_python3: FreeRADIUS may fork before; and no call waits for the store."""
    visit = register(sqlite_store, sqlite_location)
    made = Background(sqlite_configuration, DAY, clock)
    assert running() == set()

    with pytest.raises(Discarded, match="not read yet"):
        made.table()
    heard.wait_for("answering from 1 visits")

    assert made.table().find_visit(visit.id) is not None
    assert running() == {"nexio-follower", "nexio-guard", "nexio-plugin", "nexio-recorder"}
    made.stop()
    assert running() == set()


def test_further_calls_start_nothing_more(
    starting: Callable[[Configuration], Watched], tmp_path: Path, heard: Heard
) -> None:
    """rlm_python3: guests ask all the time while the store is out of reach."""
    made = starting(configuration_of(tmp_path / "nowhere"))

    for _ in range(10):
        with pytest.raises(Discarded):
            made.table()

    assert [each.name for each in threading.enumerate()].count("nexio-plugin") == 1


def test_a_store_that_is_made_later_is_found(
    starting: Callable[[Configuration], Watched],
    sqlite_configuration: Configuration,
    tmp_path: Path,
    heard: Heard,
) -> None:
    """FreeRADIUS starts first; it is told once, and no folder is made."""
    later = configuration_of(tmp_path / "later")
    made = starting(later)
    heard.wait_for("no guest is answered: there is no store")
    made.wait_for_tries(3)
    assert not later.home.exists()

    sqlite_configuration.home.rename(later.home)
    heard.wait_for("answering from 0 visits")

    assert len(heard.lines) == 2
    assert len(made.table()) == 0


def test_a_key_that_is_missing_is_told_once(
    starting: Callable[[Configuration], Watched],
    sqlite_configuration: Configuration,
    heard: Heard,
) -> None:
    """With the advice, and it goes on when the key is there."""
    key = sqlite_configuration.key_file
    aside = key.rename(key.with_name("aside"))
    made = starting(sqlite_configuration)
    heard.wait_for(f"no guest is answered: there is no key file at {key}")
    made.wait_for_tries(3)
    assert "NEXIO_KEY_FILE" in heard.lines[0]

    aside.rename(key)
    heard.wait_for("answering")

    assert len(heard.lines) == 2


def test_without_a_spool_guests_are_answered(
    starting: Callable[[Configuration], Watched],
    sqlite_configuration: Configuration,
    sqlite_store: Store,
    heard: Heard,
) -> None:
    """Decisions go straight to the store, and the log says so."""
    spool = sqlite_configuration.home / "spool"
    spool.write_text("a file in place of the folder")
    made = starting(sqlite_configuration)
    heard.wait_for("answering")
    assert heard.lines[0].startswith("the spool")
    for decided in rejects(3):
        made.record(decided)
    made.stop()
    with sqlite_store.read() as work:
        assert [each.event.latency_us for each in list_events(work, None, limit=9)] == [1, 2, 3]


class Faulty(Watched):
    """A fault of ours, twice."""

    faults = 2

    def _open_store(self) -> Store:
        self.faults -= 1
        if self.faults >= 0:
            raise ZeroDivisionError
        return super()._open_store()


def test_a_fault_of_ours_does_not_end_it(
    sqlite_configuration: Configuration, clock: Clock, heard: Heard
) -> None:
    """A thread that ends would leave every guest without an answer."""
    made = Faulty(sqlite_configuration, clock)
    with pytest.raises(Discarded):
        made.table()

    heard.wait_for("answering")
    made.stop()

    assert heard.lines[:2] == ["no guest is answered"] * 2


def test_a_decision_that_cannot_be_logged_costs_itself_alone(
    starting: Callable[[Configuration], Watched],
    sqlite_store: Store,
    sqlite_configuration: Configuration,
    heard: Heard,
) -> None:
    """Must 20: the others are logged; the line names the fault, and nothing that was typed."""
    made = starting(sqlite_configuration)
    heard.wait_for("answering")
    first, second = rejects(2)
    made.record(first._replace(request=None))  # type: ignore[arg-type]
    made.record(second)

    heard.wait_for("a decision could not be logged: AttributeError")
    made.stop()

    with sqlite_store.read() as work:
        assert [each.event.latency_us for each in list_events(work, None, limit=9)] == [2]


# Without the store


class Still(Follower):
    """A follower whose store goes out of reach at once."""

    def start(self) -> None:
        """Follow nothing."""


def test_it_goes_on_from_memory_for_a_day(
    starting: Callable[[Configuration], Watched],
    sqlite_configuration: Configuration,
    clock: Clock,
    heard: Heard,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Until max-staleness, then the next server is to be asked."""
    monkeypatch.setattr(background, "Follower", Still)
    made = starting(sqlite_configuration)
    heard.wait_for("answering")

    clock.advance(hours=24)
    made.table()
    clock.advance(seconds=1)
    with pytest.raises(Discarded, match="too long"):
        made.table()


# To the end


def test_decisions_are_in_the_store_at_the_end(
    starting: Callable[[Configuration], Watched],
    sqlite_store: Store,
    sqlite_configuration: Configuration,
    heard: Heard,
) -> None:
    """What was decided in the last moment, too."""
    made = starting(sqlite_configuration)
    heard.wait_for("answering")
    for decided in rejects(3):
        made.record(decided)

    made.stop()

    with sqlite_store.read() as work:
        assert [each.event.latency_us for each in list_events(work, None, limit=9)] == [1, 2, 3]


def test_the_end_without_a_beginning(sqlite_configuration: Configuration, clock: Clock) -> None:
    """rlm_python3: "radiusd -C" checks the configuration and ends."""
    made = Background(sqlite_configuration, DAY, clock)
    made.record(rejects(1)[0])

    made.stop()

    with pytest.raises(Discarded):
        made.table()
    assert running() == set()


def test_the_end_while_the_store_is_out_of_reach(
    starting: Callable[[Configuration], Watched], tmp_path: Path, heard: Heard
) -> None:
    """It does not wait for it."""
    made = starting(configuration_of(tmp_path / "nowhere"))
    made.wait_for_tries(2)

    made.stop()

    assert running() == set()
    with pytest.raises(Discarded):
        made.table()
