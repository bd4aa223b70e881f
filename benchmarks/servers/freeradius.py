"""FreeRADIUS with its own modules, which know the same visitors as our servers.

Its configuration is Debian's, with one site that asks one module.
"""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterable, Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Final

import psycopg

from benchmarks.packets import SECRET
from benchmarks.servers.server import Server, free_port
from tests.support.radius.freeradius import FreeRADIUS, copy_raddb

if TYPE_CHECKING:
    from benchmarks.crowd import Visitor
    from tests.support.postgresql import PostgreSQL

LOGINS: Final = frozenset({"accept", "CHAP accept", "reject"})
SITE: Final = """
client access_points {{
	ipaddr = 127.0.0.0/8
	secret = "{secret}"
	require_message_authenticator = yes
}}

server bench {{
	listen {{
		type = auth
		ipaddr = 127.0.0.1
		port = {port}
	}}
	listen {{
		type = acct
		ipaddr = 127.0.0.1
		port = {accounting_port}
	}}
	authorize {{
		chap
		{module}
		expiration
		pap
	}}
	authenticate {{
		Auth-Type PAP {{
			pap
		}}
		Auth-Type CHAP {{
			chap
		}}
	}}
	preacct {{
		acct_unique
	}}
	accounting {{
		{accounting}
	}}
	post-auth {{
		{log}
		update reply {{
			&Message-Authenticator := 0x00
		}}
		Post-Auth-Type REJECT {{
			{log}
			update reply {{
				&Message-Authenticator := 0x00
			}}
		}}
	}}
}}
"""
PYTHON: Final = """
python3 trivial {{
	python_path = "{folder}"
	module = trivial_python3
	mod_instantiate = ${{.module}}
	func_instantiate = instantiate
	mod_authorize = ${{.module}}
	func_authorize = authorize
}}
"""


def with_files(folder: Path, visitors: Iterable[Visitor]) -> Server:
    """All visitors in one file, read at the start: the fastest there is, and never up to date."""
    raddb = _raddb(folder, "files")
    (raddb.raddb / "mods-config/files/authorize").write_text(
        "".join(
            f'{each.email}\tCleartext-Password := "{each.pin}", Expiration := "{_until(each)}"\n'
            for each in visitors
        )
    )
    return as_server(raddb, "files", "FreeRADIUS, rlm_files", LOGINS | {"duplicate"})


def with_python(folder: Path, visitors: Iterable[Visitor]) -> Server:
    """rlm_python3 with a module that looks into a dictionary."""
    raddb = _raddb(folder, "trivial")
    ours = folder / "python"
    ours.mkdir()
    shutil.copy(Path(__file__).with_name("trivial_python3.py"), ours)
    write_pins(ours / "pins", visitors)
    (raddb.raddb / "mods-enabled/trivial").write_text(PYTHON.format(folder=ours))
    return as_server(raddb, "python3", "FreeRADIUS, trivial rlm_python3", LOGINS | {"duplicate"})


def with_sqlite(folder: Path, visitors: Sequence[Visitor]) -> Server:
    """rlm_sql on a file: one query for each login, none of which is logged."""
    raddb = _raddb(folder, "sql", accounting="sql")
    database = folder / "radius.db"
    schema = raddb.raddb / "mods-config/sql/main/sqlite/schema.sql"
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.execute("PRAGMA journal_mode = WAL")  # without it accounting is much slower
        connection.executescript(schema.read_text())
        connection.executemany("INSERT INTO radcheck VALUES (NULL, ?, ?, ?, ?)", _rows(visitors))
    _set_up_sql(raddb, dialect="sqlite", radius_db=str(database), lean=True)
    raddb.change("mods-available/sql", 'filename = ".*"', f'filename = "{database}"')
    raddb.change("mods-available/sql", r"^\s*bootstrap = .*", "")
    raddb.change("mods-available/sql", "busy_timeout = 200", "busy_timeout = 10000")
    return as_server(raddb, "sqlite", "FreeRADIUS, rlm_sql, SQLite", LOGINS | {"accounting"})


def with_postgresql(folder: Path, postgresql: PostgreSQL, *, lean: bool) -> Server:
    """rlm_sql on a database of :func:`fill_postgresql`.

    Args:
        folder: an empty one.
        postgresql: where the database is.
        lean: one query for each login and no log; else all that Debian's configuration asks for,
            with groups and a row in the log for each login.
    """
    raddb = _raddb(folder, "sql", log="" if lean else "sql", accounting="sql")
    place = f"host={postgresql.folder} dbname=radius user=postgres"
    _set_up_sql(raddb, dialect="postgresql", radius_db=place, lean=lean)
    key, name = ("postgresql", "") if lean else ("postgresql-log", ", groups and log")
    columns = LOGINS | {"accounting"} if lean else LOGINS
    server = as_server(raddb, key, f"FreeRADIUS, rlm_sql, PostgreSQL{name}", columns)
    server.database = postgresql.folder
    return server


def fill_postgresql(postgresql: PostgreSQL, schema: Path, visitors: Iterable[Visitor]) -> None:
    """Make FreeRADIUS's own tables in a database called radius."""
    postgresql.create_database("radius")
    place = f"host={postgresql.folder} dbname=radius user=postgres"
    with psycopg.connect(place, autocommit=True) as connection:
        connection.execute(schema.read_text())
        columns = "COPY radcheck (UserName, Attribute, op, Value) FROM STDIN"
        with connection.cursor().copy(columns) as copy:
            for row in _rows(visitors):
                copy.write_row(row)
        connection.execute("VACUUM ANALYZE")


def write_pins(path: Path, visitors: Iterable[Visitor]) -> Path:
    """E-mail and PIN of each, in lines."""
    path.write_text("".join(f"{each.email}\t{each.pin}\n" for each in visitors))
    return path


def schema_of(folder: Path) -> Path:
    """FreeRADIUS's tables for PostgreSQL."""
    return folder / "raddb/mods-config/sql/main/postgresql/schema.sql"


def as_server(raddb: FreeRADIUS, key: str, name: str, columns: frozenset[str]) -> Server:
    """The program with that configuration."""
    return Server(
        key=key,
        name=name,
        command=["freeradius", "-f", "-l", "stdout", "-d", raddb.raddb],
        folder=raddb.raddb.parent,
        port=raddb.port,
        columns=columns,
    )


def _rows(visitors: Iterable[Visitor]) -> Iterable[tuple[str, str, str, str]]:
    for each in visitors:
        yield each.email, "Cleartext-Password", ":=", each.pin
        yield each.email, "Expiration", ":=", _until(each)


def _until(visitor: Visitor) -> str:
    return visitor.valid_until.astimezone().strftime("%d %b %Y %H:%M:%S")


def _set_up_sql(raddb: FreeRADIUS, *, dialect: str, radius_db: str, lean: bool) -> None:
    sql = "mods-available/sql"
    raddb.change(sql, 'dialect = "sqlite"', f'dialect = "{dialect}"')
    raddb.change(sql, 'driver = "rlm_sql_null"', 'driver = "rlm_sql_${dialect}"')
    raddb.change(sql, 'radius_db = "radius"', f'radius_db = "{radius_db}"')
    for name in ("read_groups", "read_profiles") if lean else ():
        raddb.change(sql, f"#\\s*{name} = yes", f"{name} = no")
    (raddb.raddb / "mods-enabled/sql").symlink_to("../mods-available/sql")


def _raddb(folder: Path, module: str, *, log: str = "", accounting: str = "ok") -> FreeRADIUS:
    """Debian's configuration with one site, which asks one module."""
    made = FreeRADIUS(copy_raddb(folder / "raddb"), free_port())
    for name in ("sites-enabled/default", "sites-enabled/inner-tunnel", "mods-enabled/eap"):
        (made.raddb / name).unlink()
    site = SITE.format(
        secret=SECRET.decode(),
        port=made.port,
        accounting_port=made.port + 1,
        module=module,
        log=log,
        accounting=accounting,
    )
    (made.raddb / "sites-enabled/bench").write_text(site)
    (made.raddb / "clients.conf").write_text("")
    made.change("radiusd.conf", r"reject_delay = \d", "reject_delay = 0")
    return made
