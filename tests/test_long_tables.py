"""A store of years: what takes how long there, and how much room it needs: `make test-long`.

It prints each time beside that of an almost empty store, and the plans of the queries.
``LONG_TABLES=10 pytest -m long -s tests/test_long_tables.py`` has a tenth of the rows.
"""

from __future__ import annotations

import os
import re
import sys
import tempfile
import time
from contextlib import closing
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any, Final

import pytest
from sqlalchemy import func, select, text

from nexio.locations.locations import get_location
from nexio.metrics.store_numbers import numbers_of
from nexio.network.following import Horizon
from nexio.network.nas import NewNas, add_nas
from nexio.operations.housekeeping import tidy
from nexio.store.creation import create_store
from nexio.store.engine import Store
from nexio.store.tables import (
    AccessTokenRow,
    AuditRow,
    AuthEventRow,
    CheckInRow,
    OutboxRow,
    Row,
    VisitRow,
    WifiSessionRow,
)
from radius_auth.replica.follower import Follower
from tests.support.busy_desk import WAITS, a_busy_desk
from tests.support.cli.running import Nexio
from tests.support.clocks import noon_zone
from tests.support.many_rows import DAY, FIRST_AGO, analyze, fill
from tests.support.people import add_location, register, set_up
from tests.support.postgresql import SOCKETS, PostgreSQL
from tests.support.query_plans import LARGE, Statements, plan_of, statements
from tests.support.radius.radiusd import Radiusd
from tests.support.stores import configuration_of, export

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from nexio.configuration import Configuration
    from nexio.locations.locations import Location

PART: Final = int(os.environ.get("LONG_TABLES", "1"))
"""Of the rows, one of so many."""


@dataclass(frozen=True, kw_only=True)
class Size:
    """How many rows."""

    live: int
    past: int
    decisions: int


FULL: Final = {
    "sqlite": Size(live=100_000, past=1_000_000, decisions=5_000_000),
    "postgresql": Size(live=1_000_000, past=3_000_000, decisions=5_000_000),
}
EMPTY: Final = Size(live=10, past=10, decisions=10)

NEW: Final = "new@example.com"
TIMES: Final = 5
"""How often each command runs; the median counts."""

MOST_MORE: Final = 1.0
"""Seconds that a command may take longer than on an empty store."""

READING_ALL: Final = {"log --email nobody@example.com": 10.0}
"""Seconds of what no index leads to: it reads decisions until the page is full."""

COMMANDS: Final = [
    "visitor register --first-name Bo --last-name L --email bo@example.com --arrival now --again",
    "checkin --visit {}",
    "visitor show {}",
    "visitor list --limit 50",
    "today",
    "log",
    "log --since today",
    "log --email new@example.com --since today",
    "log --email nobody@example.com",
    "explain new@example.com",
    "session list",
    "mail list",
    "audit",
]
ROWS: Final[tuple[type[Row], ...]] = (
    VisitRow,
    AccessTokenRow,
    AuthEventRow,
    WifiSessionRow,
    CheckInRow,
    OutboxRow,
    AuditRow,
)
HOUSE: Final = "Harbour House"
START_SECONDS: Final = 600.0


@dataclass(frozen=True, kw_only=True)
class Measured:
    """What was measured in one store."""

    seconds: dict[str, float]
    plans: dict[str, list[str]]
    memory: int
    """Octets of all processes of a server."""


@pytest.fixture(params=["sqlite", "postgresql"])
def make(
    request: pytest.FixtureRequest, programs: None
) -> Iterator[Callable[[str], Configuration]]:
    """Makes stores, on a disk: they are larger than the memory of some machines."""
    with tempfile.TemporaryDirectory(prefix="nexio-years-", dir=SOCKETS) as folder:
        if request.param == "sqlite":
            yield lambda name: configuration_of(Path(folder) / name)
            return
        with PostgreSQL() as server:
            yield lambda name: replace(
                configuration_of(Path(folder) / name), database_url=server.create_database(name)
            )


@pytest.mark.long
def test_years(
    make: Callable[[str], Configuration],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """No command takes a second longer than in an empty store, and housekeeping blocks nobody."""
    empty, full = make("empty"), make("full")
    kind = full.database_url.partition(":")[0].partition("+")[0]
    whole = FULL[kind]
    size = Size(live=whole.live // PART, past=whole.past // PART, decisions=whole.decisions // PART)
    began = time.monotonic()
    for configuration, rows in ((empty, EMPTY), (full, size)):
        _make(configuration, rows)
    made = time.monotonic() - began
    before, now = (_measure(each, monkeypatch, capsys) for each in (empty, full))
    lines = [f"{kind}: {size}, made in {made:.0f} s"]
    lines += [*_report(before, now, size), *_sizes(full), *_prune(full, size)]
    with capsys.disabled():
        sys.stdout.write("\n".join(["", *lines, ""]))
    for words in COMMANDS:
        more = now.seconds[words] - before.seconds[words]
        assert more < READING_ALL.get(words, MOST_MORE), words


def _make(configuration: Configuration, size: Size) -> None:
    """Harbour House with the past, and the live ones elsewhere, as one house has not so many."""
    create_store(configuration)
    words = ("visitor-tokens=on", "pin-length=10")
    with closing(Store.open(configuration)) as store:
        elsewhere = add_location(store, "Elsewhere", "UTC", *words)
        house = add_location(store, HOUSE, noon_zone(), *words)
        with store.write() as work:
            add_nas(work, house, NewNas(name="ap-1", address="127.0.0.1"))
        fill(store, elsewhere, past=0, live=size.live, events=0)
        fill(store, house, past=size.past, live=10, events=size.decisions)
        if store.engine.dialect.name == "postgresql":  # it does so by itself after a while
            analyze(store)


def _measure(
    configuration: Configuration,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Measured:
    seconds, plans = {}, {}
    seconds["start"], memory = _started(configuration)
    export(configuration, monkeypatch)
    monkeypatch.setenv("NEXIO_LOCATION", HOUSE)
    with closing(Store.open(configuration)) as store:
        house = locations_named(store, HOUSE)
        follower = Follower(lambda: Store.open(configuration), Horizon())
        with statements() as asked:
            seconds["follow a change"] = _median(
                lambda: register(store, house, email=NEW), follower.follow
            )
        plans["follow a change"] = _plans(store, asked)
        follower.stop()
        nexio = Nexio(configuration, monkeypatch, capsys)
        for words in COMMANDS:
            guests = iter(_guests(store, house, words))
            with statements() as asked:
                seconds[words] = _median(lambda: None, partial(_run, nexio, words, guests))
            plans[words] = _plans(store, asked)
        with statements() as asked:
            seconds["metrics"] = _median(lambda: None, lambda: _monitored(store))
        plans["metrics"] = _plans(store, asked)
    return Measured(seconds=seconds, plans=plans, memory=memory)


def locations_named(store: Store, name: str) -> Location:
    """The location of that name."""
    with store.read() as look:
        return get_location(look, name)


def _started(configuration: Configuration) -> tuple[float, int]:
    """Seconds until a server answers, and the memory of its processes then."""
    began = time.monotonic()
    server = Radiusd(configuration)
    try:
        while "answering on" not in server.stderr:
            assert time.monotonic() < began + START_SECONDS, server.stderr
            time.sleep(0.05)
        seconds = time.monotonic() - began
        processes = [*server.workers(), *server.companions()]
        return seconds, sum(map(_proportional, processes))
    finally:
        server.stop()


def _proportional(process: int) -> int:
    """Octets of its memory; of what several share, its part."""
    rollup = Path(f"/proc/{process}/smaps_rollup").read_text()
    return sum(int(line.split()[1]) * 1024 for line in rollup.splitlines() if line[:4] == "Pss:")


def _median(before: Callable[[], object], act: Callable[[], object]) -> float:
    """Seconds that something takes after something else."""
    spent = []
    for _ in range(TIMES):
        before()
        began = time.perf_counter()
        act()
        spent.append(time.perf_counter() - began)
    return median(spent)


def _guests(store: Store, house: Location, words: str) -> list[int]:
    """A visit for each time that a command runs, if it is about one."""
    times = TIMES if "{}" in words else 0
    return [register(store, house, email=NEW).id for _ in range(times)]


def _run(nexio: Nexio, words: str, guests: Iterator[int]) -> None:
    nexio.done(*words.format(next(guests, "")).split())


def _monitored(store: Store) -> None:
    with store.read() as look:
        list(numbers_of(look))


def _plans(store: Store, asked: Statements) -> list[str]:
    """How the database finds the rows of large tables, each way once."""
    steps: dict[str, None] = {}
    with store.engine.connect() as connection:
        driver: Any = connection.connection.driver_connection
        for statement, values in asked.items():
            if "set_config" in statement:  # what follows is planned so
                driver.execute(statement, values)
            for line in plan_of(driver, statement, values).splitlines():
                step = re.sub(r" +\(cost=.*", "", line).strip(" ->")
                if re.search(r"(SCAN|SEARCH|Scan).*\b(" + "|".join(LARGE) + r")\b", step):
                    steps[step] = None
    return list(steps)


def _report(before: Measured, now: Measured, size: Size) -> Iterator[str]:
    for words, seconds in now.seconds.items():
        less = before.seconds[words]
        yield f"{seconds * 1e3:9.1f} ms, empty {less * 1e3:7.1f} ms: {words}"
        yield from (f"             {step}" for step in now.plans.get(words, ()))
    octets = (now.memory - before.memory) / size.live
    yield (
        f"memory of a server with two workers: {now.memory / 1e6:.0f} MB,"
        f" empty {before.memory / 1e6:.0f} MB: {octets:.0f} octets for each live token"
    )


def _sizes(configuration: Configuration) -> Iterator[str]:
    """Octets for each row, with its indexes."""
    with closing(Store.open(configuration)) as store, store.read() as look:
        for table in ROWS:
            name = table.__tablename__
            if store.engine.dialect.name == "sqlite":
                size = text(
                    "SELECT sum(pgsize) FROM dbstat WHERE aggregate = TRUE AND name IN"
                    " (SELECT name FROM sqlite_master WHERE tbl_name = :name)"
                )
            else:
                size = text("SELECT pg_total_relation_size(:name)")
            octets = look.session.scalar(size, {"name": name}) or 0
            rows = look.session.scalar(select(func.count()).select_from(table)) or 1
            yield f"{octets / rows:7.0f} octets a row of {name}, {rows:,} rows"


def _prune(configuration: Configuration, size: Size) -> Iterator[str]:
    """Forget the first week, while a desk registers."""
    with closing(Store.open(configuration)) as store:
        house = locations_named(store, HOUSE)
        kept = max(1, (FIRST_AGO + size.past) // DAY - 7)
        set_up(store, house, f"retention-days={kept}")
        began = time.monotonic()
        with a_busy_desk(configuration, house) as waits:
            tidied = tidy(store)
        seconds = time.monotonic() - began
    yield (
        f"{tidied.visits} visits forgotten in {seconds:.0f} s; of {len(waits)} that were"
        f" registered meanwhile, the one that waited longest took {max(waits):.2f} s"
    )
    assert tidied.visits
    assert max(waits) < WAITS
