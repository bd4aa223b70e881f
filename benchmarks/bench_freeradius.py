"""FreeRADIUS with our plugin beside FreeRADIUS with `rlm_sql` and with `rlm_files`.

The same 100,000 visitors, each with a PIN and an end of the window; all servers run at once and
are asked in turn by radclient, so that a noisy machine is noisy for all of them.  `rlm_sql` gets
its leanest form: one query for each login, no groups, no log of its decisions.
"""

from __future__ import annotations

import random
import re
import sqlite3
import statistics
import subprocess
import tempfile
import time
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
from sqlalchemy import make_url

from benchmarks.crowd import Visitor, fill
from nexio.configuration import Configuration
from nexio.locations import get_location
from nexio.nas import NewNas, add_nas
from nexio.store.creation import create_store
from nexio.store.engine import Store
from tests.postgresql import PostgreSQL
from tests.radius_auth.freeradius import FreeRADIUS, copy_raddb, with_plugin
from tests.radius_auth.guests import SECRET
from tests.radius_auth.radiusd import free_port

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

VISITORS = 100_000
ROUNDS = 7
LOGINS = 20_000
AT_ONCE = 100

SITE = """
server bench {{
	listen {{
		type = auth
		ipaddr = 127.0.0.1
		port = {port}
	}}
	authorize {{
		{module}
		expiration
		pap
	}}
	authenticate {{
		Auth-Type PAP {{
			pap
		}}
	}}
	post-auth {{
		update reply {{
			&Message-Authenticator := 0x00
		}}
	}}
}}
"""


def main() -> None:
    """Print logins a second, and how the plugin stands to each of the others."""
    with tempfile.TemporaryDirectory(prefix="nexio-bench-") as name, ExitStack() as stack:
        folder = Path(name)
        configuration = Configuration.from_environment({"NEXIO_HOME": str(folder / "nexio")})
        create_store(configuration)
        visitors = fill(configuration, VISITORS)
        postgresql = stack.enter_context(PostgreSQL())
        contestants = {
            "plugin": _plugin(configuration, folder / "plugin"),
            "rlm_files": _files(folder / "files", visitors),
            "rlm_sql on SQLite": _sqlite(folder / "sqlite", visitors),
            "rlm_sql on PostgreSQL": _postgresql(folder / "postgresql", visitors, postgresql),
        }
        for server in contestants.values():
            stack.enter_context(server)
        contestants["plugin"].warm_up()
        _print(_measure(contestants, visitors, folder))


def _measure(
    contestants: Mapping[str, FreeRADIUS], visitors: Sequence[Visitor], folder: Path
) -> dict[str, list[Run]]:
    runs: dict[str, list[Run]] = {name: [] for name in contestants}
    chance = random.Random(1)
    for round_ in range(-1, ROUNDS):
        asked = _write_logins(folder / "logins", chance.sample(visitors, LOGINS))
        # Another order in each round; the first round only warms up.
        for name in chance.sample(list(contestants), len(contestants)):
            run = _ask(contestants[name], asked)
            if round_ >= 0:
                runs[name].append(run)
    return runs


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What one round showed of one server."""

    per_second: float
    cpu_us: float
    """Of the server, for each login; of a database beside it nothing."""


def _ask(server: FreeRADIUS, asked: Path) -> Run:
    cpu, began = server.cpu_seconds(), time.perf_counter()
    done = subprocess.run(
        ["radclient", "-q", "-s", "-f", asked, "-p", str(AT_ONCE), "-r", "5", "-t", "5",
         f"127.0.0.1:{server.port}", "auth", SECRET],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    seconds, cpu = time.perf_counter() - began, server.cpu_seconds() - cpu
    if not re.search(rf"Accepted\s*: {LOGINS}\b", done.stdout):
        raise RuntimeError(f"not everybody got on:\n{done.stdout}{done.stderr}")
    return Run(per_second=LOGINS / seconds, cpu_us=cpu / LOGINS * 1e6)


def _print(runs: Mapping[str, Sequence[Run]]) -> None:
    print(f"  {'':<22} {'logins/s':>9} {'min':>8} {'max':>8} {'CPU us':>7} {'plugin is':>11}")
    for name, each in runs.items():
        speeds = [run.per_second for run in each]
        ratios = [
            ours.per_second / run.per_second for ours, run in zip(runs["plugin"], each, strict=True)
        ]
        print(
            f"  {name:<22} {statistics.median(speeds):9.0f} {min(speeds):8.0f} {max(speeds):8.0f}"
            f" {statistics.median(run.cpu_us for run in each):7.0f}"
            f" {statistics.median(ratios):9.2f} x"
        )


def _write_logins(path: Path, visitors: Iterable[Visitor]) -> Path:
    path.write_text(
        "\n\n".join(
            f'User-Name = "{each.email}"\nUser-Password = "{each.pin}"\nMessage-Authenticator = 0'
            for each in visitors
        )
    )
    return path


def _plugin(configuration: Configuration, folder: Path) -> FreeRADIUS:
    store = Store.open(configuration)
    with store.write() as work:
        nas = NewNas(name="bench", address="127.0.0.1", secret=SECRET.decode())
        add_nas(work, get_location(work, None), nas)
    store.close()
    return with_plugin(configuration, folder)


def _files(folder: Path, visitors: Iterable[Visitor]) -> FreeRADIUS:
    server = _plain(folder, "files")
    (server.raddb / "mods-config/files/authorize").write_text(
        "".join(
            f'{each.email}\tCleartext-Password := "{each.pin}", Expiration := "{_until(each)}"\n'
            for each in visitors
        )
    )
    return server


def _sqlite(folder: Path, visitors: Iterable[Visitor]) -> FreeRADIUS:
    server = _plain(folder, "sql")
    database = folder / "radius.db"
    schema = server.raddb / "mods-config/sql/main/sqlite/schema.sql"
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.executescript(schema.read_text())
        connection.executemany("INSERT INTO radcheck VALUES (NULL, ?, ?, ?, ?)", _rows(visitors))
    _set_up_sql(server, dialect="sqlite", radius_db=str(database))
    server.change("mods-available/sql", 'filename = ".*"', f'filename = "{database}"')
    server.change("mods-available/sql", r"^\s*bootstrap = .*", "")
    return server


def _postgresql(folder: Path, visitors: Iterable[Visitor], postgresql: PostgreSQL) -> FreeRADIUS:
    server = _plain(folder, "sql")
    url = make_url(postgresql.create_database("radius"))
    schema = server.raddb / "mods-config/sql/main/postgresql/schema.sql"
    with psycopg.connect(
        url.set(drivername="postgresql").render_as_string(hide_password=False)
    ) as connection:
        connection.execute(schema.read_text())
        with connection.cursor().copy(
            "COPY radcheck (UserName, Attribute, op, Value) FROM STDIN"
        ) as copy:
            for row in _rows(visitors):
                copy.write_row(row)
    place = f"host={url.query['host']} dbname={url.database} user={url.username}"
    _set_up_sql(server, dialect="postgresql", radius_db=place)
    return server


def _rows(visitors: Iterable[Visitor]) -> Iterable[tuple[str, str, str, str]]:
    for each in visitors:
        yield each.email, "Cleartext-Password", ":=", each.pin
        yield each.email, "Expiration", ":=", _until(each)


def _until(visitor: Visitor) -> str:
    return visitor.valid_until.astimezone().strftime("%d %b %Y %H:%M:%S")


def _set_up_sql(server: FreeRADIUS, *, dialect: str, radius_db: str) -> None:
    sql = "mods-available/sql"
    server.change(sql, 'dialect = "sqlite"', f'dialect = "{dialect}"')
    server.change(sql, 'driver = "rlm_sql_null"', 'driver = "rlm_sql_${dialect}"')
    server.change(sql, 'radius_db = "radius"', f'radius_db = "{radius_db}"')
    for name in ("read_groups", "read_profiles"):
        server.change(sql, f"#\\s*{name} = yes", f"{name} = no")
    (server.raddb / "mods-enabled/sql").symlink_to("../mods-available/sql")


def _plain(folder: Path, module: str) -> FreeRADIUS:
    """A server of Debian's with one module that knows the guests."""
    server = FreeRADIUS(copy_raddb(folder / "raddb"), free_port())
    for name in ("sites-enabled/default", "sites-enabled/inner-tunnel", "mods-enabled/eap"):
        (server.raddb / name).unlink()
    site = SITE.format(port=server.port, module=module)
    (server.raddb / "sites-enabled/bench").write_text(site)
    server.change("clients.conf", "^\\s*secret = testing123", f'secret = "{SECRET.decode()}"')
    return server
