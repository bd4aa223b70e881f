"""Does one run: fills the store, starts the servers, asks them in turn, and ends them."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks import (
    commands,
    interruptions,
    loads,
    machine,
    rounds,
    sessions,
    sites,
    tablets,
)
from benchmarks.crowd import fill
from benchmarks.form import WHOLE, Form
from benchmarks.generator.load import Generator, Load, Order
from benchmarks.generator.programs import compiler, make_program
from benchmarks.packets import SOCKETS
from benchmarks.recorded import check_guesses
from benchmarks.results import Opponent, Results, Round
from benchmarks.servers.lineup import MAKERS, Lineup, add_access_points
from benchmarks.servers.server import Server, free_port
from benchmarks.targets import OURS, PLUGIN
from nexio.configuration import Configuration
from nexio.store.creation import create_store
from tests.support.postgresql import DURABLE, PostgreSQL

if TYPE_CHECKING:
    from benchmarks.crowd import Visitor
    from benchmarks.results import Endings, Sites


def measure(form: Form, keys: Sequence[str] = tuple(MAKERS)) -> Results:
    """Measure those servers.

    Args:
        form: the size of the run.
        keys: of :data:`MAKERS`.
    """
    average = os.getloadavg()[0]
    taps: list[float] = []
    costs: dict[str, float] = {}
    ends: Endings | None = None
    others: Sites | None = None
    if OURS in keys:
        _say("commands")
        costs = commands.measure(form.desk_visitors, form.rounds)
        _say("tablets")
        taps = tablets.measure(form.people)
        _say("sessions that end")
        ends = sessions.measure(form.sessions)
        _say("two sites")
        others = sites.measure(form)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="nexio-bench-")))
        _say(f"{form.visitors:,} visitors, and their requests")
        visitors = _fill(folder, form)
        known = loads.prepare(visitors, folder)
        known["echo"] = replace(known["accept"], code=None)
        generator = Generator(folder)
        proof = _prove(generator, known["echo"], folder, min(0.5, form.seconds))
        postgresql = stack.enter_context(PostgreSQL(DURABLE))
        lineup = Lineup(folder / "servers", folder / "nexio", visitors, postgresql)
        servers: dict[str, Server] = {}
        starts: list[tuple[float, float]] = []
        if OURS in keys:
            _say("start")
            servers[OURS] = ours = lineup.make(OURS)
            starts = [interruptions.start(ours, known["accept"]) for _ in range(form.starts)]
        # Later, as their databases are busy for a while after they were filled.
        servers |= {key: lineup.make(key) for key in keys if key != OURS}
        for server in servers.values():
            _start(stack.enter_context(server), generator, known)
        reloads = _reload(generator, servers, known["accept"], form)
        beside = []
        if OURS in servers:
            _say("logins beside accounting")
            beside = sessions.beside_accounting(
                folder / "beside", generator, servers[OURS], known, form
            )
        _say("rounds")
        measured = list(rounds.play(generator, [*servers.values()], known, form))
        for key in OURS, PLUGIN:
            if key in servers:
                guesses = [each.answers for each in measured if _is_reject(each, key)]
                check_guesses(lineup.home_of(key), guesses[-1])
        return Results(
            date=datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
            form="whole form" if form is WHOLE else "short form",
            visitors=len(visitors),
            pin_lengths=sorted({len(each.pin) for each in visitors}),
            machine=machine.describe(),
            load_average=average,
            generator=proof,
            servers={
                key: Opponent(name=each.name, megabytes=each.megabytes())
                for key, each in servers.items()
            },
            rounds=measured,
            starts=[seconds for seconds, _ in starts],
            workers=[megabytes for _, megabytes in starts],
            reloads=reloads,
            taps=taps,
            commands=costs,
            ends=ends,
            sites=others,
            beside=beside,
        )


def _fill(folder: Path, form: Form) -> list[Visitor]:
    """A store with visitors and access points."""
    configuration = Configuration.from_environment({"NEXIO_HOME": str(folder / "nexio")})
    create_store(configuration)
    visitors = fill(configuration, form.visitors)[: form.visitors]
    add_access_points(configuration)
    (folder / "servers").mkdir()
    return visitors


def _prove(generator: Generator, load: Load, folder: Path, seconds: float) -> dict[str, object]:
    """Measure the generator with the fastest possible echo, and its own costs."""
    port = free_port()
    echo = Server(
        key="echo",
        name="the echo beside the generator",
        command=[*make_program("echo", folder), str(port)],
        folder=folder,
        port=port,
        columns=frozenset(),
    )
    with echo:
        echo.first_answer(load)
        tries = [generator.send(load, Order(port=port, seconds=seconds)) for _ in range(3)]
    outcome = max(tries, key=lambda each: each.answers / each.seconds)
    return {
        "kind": "compiled C" if compiler() else "Python, because there is no C compiler",
        "echo": "an echo in C" if compiler() else "an echo in Python",
        "per_second": outcome.answers / outcome.seconds,
        "cpu_us": outcome.generator_cpu / outcome.answers * 1e6,
    }


def _start(server: Server, generator: Generator, known: dict[str, Load]) -> None:
    _say(server.name)
    load = known.get(server.key, known["accept"])
    server.first_answer(load)
    rounds.warm_up(generator, server, load)


def _reload(
    generator: Generator, servers: dict[str, Server], load: Load, form: Form
) -> list[tuple[float, float]]:
    if OURS not in servers:
        return []
    _say("reload")
    return [
        interruptions.reload_pair(generator, servers[OURS], load, form.reload_seconds, first)
        for first in range(0, form.reloads * SOCKETS, SOCKETS)
    ]


def _is_reject(each: Round, key: str) -> bool:
    return (each.server, each.column) == (key, "reject")


def _say(words: str) -> None:
    print(f"{words} …", file=sys.stderr, flush=True)
