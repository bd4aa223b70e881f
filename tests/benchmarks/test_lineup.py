"""Each server of the benchmark starts, knows the visitors, and answers what it is asked."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks import loads, sites
from benchmarks.crowd import fill
from benchmarks.form import Form
from benchmarks.generator.load import Generator, Load, Order
from benchmarks.interruptions import reload_pair
from benchmarks.packets import SOCKETS
from benchmarks.page import tables
from benchmarks.recorded import LATEST, latest_reasons
from benchmarks.rounds import warm_up
from benchmarks.servers.lineup import MAKERS, Lineup, add_access_points
from benchmarks.session import measure
from nexio.configuration import Configuration
from nexio.store.creation import create_store
from tests.support.postgresql import PostgreSQL
from tests.support.radius.radiusd import wait_until

VISITORS = 4 * SOCKETS
TINY = Form(
    visitors=VISITORS,
    rounds=1,
    seconds=0.05,
    paced_seconds=0.05,
    paced=("accept",),
    starts=1,
    reloads=0,
    reload_seconds=0.0,
    people=5,
    sessions=5,
    desk_visitors=10,
    changes=2,
    idle_seconds=0.1,
)


Asked = tuple[Lineup, dict[str, Load], Generator]


@pytest.fixture(scope="module")
def lineup(
    freeradius_python: None, postgresql: PostgreSQL, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Asked]:
    """Servers for a few visitors, what they are asked, and what asks them."""
    folder = tmp_path_factory.mktemp("lineup")
    configuration = Configuration.from_environment({"NEXIO_HOME": str(folder / "home")})
    create_store(configuration)
    visitors = fill(configuration, VISITORS)[:VISITORS]
    add_access_points(configuration)
    (folder / "servers").mkdir()
    known = loads.prepare(visitors, folder)
    known["echo"] = replace(known["accept"], code=None)
    made = Lineup(folder / "servers", folder / "home", visitors, postgresql)
    yield made, known, Generator(folder)
    postgresql.drop_database("radius")


@pytest.mark.parametrize("key", MAKERS)
def test_each_server_answers(key: str, lineup: Asked) -> None:
    """Rightly, in each of its columns, and nothing is lost."""
    makers, known, generator = lineup
    with makers.make(key) as server:
        load = known.get(key, known["accept"])
        server.first_answer(load)
        warm_up(generator, server, load)
        for column in sorted(server.columns):
            asked = load if key == "echo" else known[column]
            port = server.port + (column == "accounting")
            order = Order(port=port, seconds=60, limit=VISITORS)
            outcome = generator.send(asked, order)
            assert (outcome.answers, outcome.lost) == (VISITORS, 0), column
        if key in {"radiusd", "plugin"}:
            wait_until(lambda: _guesses_are_recorded(makers.home_of(key)))
        if key == "radiusd":
            longest = reload_pair(generator, server, known["accept"], 0.2, first=0)
            assert min(longest) > 0


def _guesses_are_recorded(home: Path) -> bool:
    """Look at all decisions, because those of two workers come in any order.

    On a busy machine the guard may refuse to check some guesses, but not all.
    """
    reasons = latest_reasons(home, LATEST)
    refused = reasons["too many guesses"] + reasons["too soon"]
    return reasons["wrong PIN"] > 0 and reasons["wrong PIN"] + refused == VISITORS


def test_two_sites(programs: None) -> None:
    """Each change at one is known at the other."""
    found = sites.measure(TINY)

    assert (len(found.registered), len(found.revoked)) == (TINY.changes, TINY.changes)
    assert found.registered[0] > 0


def test_a_whole_run(postgresql: PostgreSQL) -> None:
    """From the store to the tables, with two servers that start at once."""
    results = measure(TINY, ["pyrad", "echo"])

    assert {each.server for each in results.rounds} == {"pyrad", "echo"}
    assert all(each.answers and not each.lost for each in results.rounds)
    assert "| UDP echo in Python" in tables(results)
