"""FreeRADIUS with our plugin beside FreeRADIUS with `rlm_sql` and with `rlm_files`.

The same 100,000 visitors, each with a PIN and an end of the window; all servers run at once and
are asked in turn, so that a noisy machine is noisy for all of them.  They are asked by radclient,
and by ourselves as fast as they answer: radclient itself takes longer than the fastest of them.

`rlm_sql` stands there twice: with one query for each login and no log; and with PostgreSQL as
Debian has it, with groups and with a line in its log for each login, which the plugin writes too.
"""

from __future__ import annotations

import random
import statistics
import tempfile
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.asking import ask_all, ask_by_radclient, make_requests, write_logins
from benchmarks.contestants import (
    fill_postgresql,
    with_files,
    with_our_plugin,
    with_postgresql,
    with_sqlite,
)
from benchmarks.crowd import fill
from nexio.configuration import Configuration
from nexio.store.creation import create_store
from tests.support.postgresql import PostgreSQL

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from benchmarks.crowd import Visitor
    from tests.support.radius.freeradius import FreeRADIUS

VISITORS = 100_000
ROUNDS = 5
LOGINS = 20_000


def main() -> None:
    """Print logins a second, and how the plugin stands to each of the others."""
    with tempfile.TemporaryDirectory(prefix="nexio-bench-") as name, ExitStack() as stack:
        folder = Path(name)
        configuration = Configuration.from_environment({"NEXIO_HOME": str(folder / "nexio")})
        create_store(configuration)
        visitors = fill(configuration, VISITORS)
        servers = _servers(configuration, visitors, folder, stack.enter_context(PostgreSQL()))
        for server in servers.values():
            stack.enter_context(server)
        servers["plugin"].warm_up()
        asked = random.Random(1).sample(visitors, LOGINS)
        logins = [(each.email, each.pin) for each in asked]
        requests = make_requests(logins)
        print("  as fast as they answer")
        _print(_measure(servers, lambda server: ask_all(server.port, requests)))
        path = write_logins(folder / "logins", logins)
        print("  asked by radclient")
        _print(_measure(servers, lambda server: ask_by_radclient(server.port, path, LOGINS)))


def _servers(
    configuration: Configuration, visitors: Sequence[Visitor], folder: Path, postgresql: PostgreSQL
) -> dict[str, FreeRADIUS]:
    plugin = with_our_plugin(configuration, folder / "plugin")
    schema = plugin.raddb / "mods-config/sql/main/postgresql/schema.sql"
    place = fill_postgresql(postgresql, schema, visitors)
    return {
        "plugin": plugin,
        "rlm_files": with_files(folder / "files", visitors),
        "rlm_sql, SQLite, lean": with_sqlite(folder / "sqlite", visitors),
        "rlm_sql, PostgreSQL, lean": with_postgresql(folder / "lean", place, lean=True),
        "rlm_sql, PostgreSQL": with_postgresql(folder / "postgresql", place, lean=False),
    }


def _measure(
    servers: Mapping[str, FreeRADIUS], ask: Callable[[FreeRADIUS], float]
) -> dict[str, list[Run]]:
    runs: dict[str, list[Run]] = {name: [] for name in servers}
    chance = random.Random(1)
    for round_ in range(-1, ROUNDS):
        # Another order in each round; the first round only warms up.
        for name in chance.sample(list(servers), len(servers)):
            cpu = servers[name].cpu_seconds()
            seconds = ask(servers[name])
            cpu = servers[name].cpu_seconds() - cpu
            if round_ >= 0:
                runs[name].append(Run(per_second=LOGINS / seconds, cpu_us=cpu / LOGINS * 1e6))
    return runs


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What one round showed of one server."""

    per_second: float
    cpu_us: float
    """Of the server, for each login; of a database beside it nothing."""


def _print(runs: Mapping[str, Sequence[Run]]) -> None:
    print(f"  {'':<26} {'logins/s':>9} {'min':>8} {'max':>8} {'CPU us':>7} {'plugin is':>11}")
    for name, each in runs.items():
        speeds = [run.per_second for run in each]
        ratios = [
            ours.per_second / run.per_second for ours, run in zip(runs["plugin"], each, strict=True)
        ]
        print(
            f"  {name:<26} {statistics.median(speeds):9.0f} {min(speeds):8.0f} {max(speeds):8.0f}"
            f" {statistics.median(run.cpu_us for run in each):7.0f}"
            f" {statistics.median(ratios):9.2f} x"
        )
