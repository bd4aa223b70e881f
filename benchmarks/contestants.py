"""FreeRADIUS with our plugin, and with its own modules, that know the same visitors."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import psycopg
from sqlalchemy import make_url

from nexio.locations.locations import get_location
from nexio.network.nas import NewNas, add_nas
from nexio.store.engine import Store
from tests.support.radius.freeradius import FreeRADIUS, copy_raddb, with_plugin
from tests.support.radius.guests import SECRET
from tests.support.radius.radiusd import free_port

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from benchmarks.crowd import Visitor
    from nexio.configuration import Configuration
    from tests.support.postgresql import PostgreSQL

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
		{log}
		update reply {{
			&Message-Authenticator := 0x00
		}}
	}}
}}
"""


def with_our_plugin(configuration: Configuration, folder: Path) -> FreeRADIUS:
    """The plugin, on a store that is filled already."""
    store = Store.open(configuration)
    with store.write() as work:
        nas = NewNas(name="bench", address="127.0.0.1", secret=SECRET.decode())
        add_nas(work, get_location(work, None), nas)
    store.close()
    return with_plugin(configuration, folder)


def with_files(folder: Path, visitors: Iterable[Visitor]) -> FreeRADIUS:
    """All visitors in one file, read at the start: the fastest there is, and never up to date."""
    server = _plain(folder, "files")
    (server.raddb / "mods-config/files/authorize").write_text(
        "".join(
            f'{each.email}\tCleartext-Password := "{each.pin}", Expiration := "{_until(each)}"\n'
            for each in visitors
        )
    )
    return server


def with_sqlite(folder: Path, visitors: Iterable[Visitor]) -> FreeRADIUS:
    """rlm_sql on a file: one query for each login, and no log."""
    server = _plain(folder, "sql")
    database = folder / "radius.db"
    schema = server.raddb / "mods-config/sql/main/sqlite/schema.sql"
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.executescript(schema.read_text())
        connection.executemany("INSERT INTO radcheck VALUES (NULL, ?, ?, ?, ?)", _rows(visitors))
    _set_up_sql(server, dialect="sqlite", radius_db=str(database), lean=True)
    server.change("mods-available/sql", 'filename = ".*"', f'filename = "{database}"')
    server.change("mods-available/sql", r"^\s*bootstrap = .*", "")
    return server


def with_postgresql(folder: Path, place: str, *, lean: bool) -> FreeRADIUS:
    """rlm_sql on a database of :func:`fill_postgresql`.

    Args:
        folder: an empty one.
        place: of the database.
        lean: one query for each login and no log, or all that Debian's configuration asks for.
    """
    server = _plain(folder, "sql", log="" if lean else "sql")
    _set_up_sql(server, dialect="postgresql", radius_db=place, lean=lean)
    return server


def fill_postgresql(postgresql: PostgreSQL, schema: Path, visitors: Iterable[Visitor]) -> str:
    """Make FreeRADIUS's own tables, and return the place of the database.

    It is a server of the tests, which waits for no disk: that favours rlm_sql.
    """
    url = make_url(postgresql.create_database("radius"))
    address = url.set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(address) as connection:
        connection.execute(schema.read_text())
        columns = "COPY radcheck (UserName, Attribute, op, Value) FROM STDIN"
        with connection.cursor().copy(columns) as copy:
            for row in _rows(visitors):
                copy.write_row(row)
    return f"host={url.query['host']} dbname={url.database} user={url.username}"


def _rows(visitors: Iterable[Visitor]) -> Iterable[tuple[str, str, str, str]]:
    for each in visitors:
        yield each.email, "Cleartext-Password", ":=", each.pin
        yield each.email, "Expiration", ":=", _until(each)


def _until(visitor: Visitor) -> str:
    return visitor.valid_until.astimezone().strftime("%d %b %Y %H:%M:%S")


def _set_up_sql(server: FreeRADIUS, *, dialect: str, radius_db: str, lean: bool) -> None:
    sql = "mods-available/sql"
    server.change(sql, 'dialect = "sqlite"', f'dialect = "{dialect}"')
    server.change(sql, 'driver = "rlm_sql_null"', 'driver = "rlm_sql_${dialect}"')
    server.change(sql, 'radius_db = "radius"', f'radius_db = "{radius_db}"')
    for name in ("read_groups", "read_profiles") if lean else ():
        server.change(sql, f"#\\s*{name} = yes", f"{name} = no")
    (server.raddb / "mods-enabled/sql").symlink_to("../mods-available/sql")


def _plain(folder: Path, module: str, log: str = "") -> FreeRADIUS:
    """A server of Debian's with one module that knows the guests."""
    server = FreeRADIUS(copy_raddb(folder / "raddb"), free_port())
    for name in ("sites-enabled/default", "sites-enabled/inner-tunnel", "mods-enabled/eap"):
        (server.raddb / name).unlink()
    site = SITE.format(port=server.port, module=module, log=log)
    (server.raddb / "sites-enabled/bench").write_text(site)
    server.change("clients.conf", "^\\s*secret = testing123", f'secret = "{SECRET.decode()}"')
    return server
