"""Erase deleted rows from the files of the store."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING, cast

from sqlalchemy import Engine

if TYPE_CHECKING:
    from collections.abc import Sequence

READERS = "somebody reads the file at this moment, so its WAL could not be emptied: run this again"


def wipe(engine: Engine) -> list[str]:
    """Erase deleted rows from the files.

    SQLite rewrites its file, and empties its WAL.  PostgreSQL vacuums the tables and renews its
    statistics about their values; its files keep the octets until it reuses their space.

    Returns:
        Descriptions of what remains.
    """
    if engine.dialect.name == "sqlite":
        raw = engine.raw_connection()
        try:
            return wipe_file(cast("sqlite3.Connection", raw.driver_connection))
        except sqlite3.Error as error:
            return [f"{engine.url.database} could not be written anew ({error}): run this again"]
        finally:
            raw.close()
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        for table in _names():
            connection.exec_driver_sql(f"VACUUM (ANALYZE) {table}")
    freed = (
        "PostgreSQL keeps the octets of deleted rows in its files until it uses their place again"
        " (VACUUM FULL rewrites them, and locks the tables meanwhile), and in its WAL"
    )
    return [freed, "replicas and archived WAL of the database, for as long as they are kept"]


def wipe_file(connection: sqlite3.Connection) -> list[str]:
    """Rewrite a SQLite file without free pages, and empty its WAL.

    Returns:
        Descriptions of what remains.
    """
    connection.execute("PRAGMA query_only = OFF")
    connection.execute("PRAGMA secure_delete = ON")
    connection.execute("VACUUM")
    mode = connection.execute("PRAGMA journal_mode").fetchone()[0]
    if mode != "wal":
        return []
    busy, *_ = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    return [READERS] if busy else []


def _names() -> Sequence[str]:
    from nexio.store.tables import Row  # noqa: PLC0415 - loads all of them, and servers only wipe files

    return [table.name for table in Row.metadata.sorted_tables]
