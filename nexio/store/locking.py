"""Lock the store against other writers, and a row between reading and writing it.

SQLite has one writer at a time and needs none of this.  On PostgreSQL a row that was just read may
have changed since: code that is about to change it locks it and reads it again.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Collection
from typing import TypeVar

from sqlalchemy import Connection, func, inspect, select
from sqlalchemy.orm import Session

from nexio.store.groups import in_groups
from nexio.store.tables.row import Row

Kind = TypeVar("Kind", bound=Row)

KEY_CHANGE_LOCK = 0x6E6578696F
"""Number of the advisory lock of PostgreSQL: "nexio" in octets."""

LOCK_NOT_AVAILABLE = "55P03"
"""PostgreSQL's error code for a lock timeout."""


def lock_writers(connection: Connection, *, alone: bool) -> None:
    """Begin a write that no change of keys or tables can interrupt.

    SQLite has one writer at a time, and the first statement of another waits.  On PostgreSQL
    writers share an advisory lock, which a change of keys or tables takes exclusively.
    """
    if connection.dialect.name == "postgresql":
        lock = func.pg_advisory_xact_lock if alone else func.pg_advisory_xact_lock_shared
        connection.execute(select(lock(KEY_CHANGE_LOCK)))


def is_about_a_lock(cause: BaseException | None) -> bool:
    """Whether a driver's error is about a lock that somebody else holds."""
    if isinstance(cause, sqlite3.Error):
        return getattr(cause, "sqlite_errorcode", None) == sqlite3.SQLITE_BUSY
    return getattr(cause, "sqlstate", None) == LOCK_NOT_AVAILABLE


def find_locked(session: Session, table: type[Kind], number: int) -> Kind | None:
    """The current row of that number, locked until the transaction ends, or None.

    Others may still write rows that refer to it: nobody changes its number.

    Args:
        session: of a write transaction.
        table: the row's class.
        number: its primary key.
    """
    session.flush()
    mapper = inspect(table)
    comes_joined = any(each.lazy == "joined" for each in mapper.relationships)
    if comes_joined and session.get_bind().dialect.name == "postgresql":
        # Lock in a separate statement: after a wait, joined rows would be from before the wait.
        key = mapper.primary_key[0]
        if session.scalar(select(key).where(key == number).with_for_update(key_share=True)) is None:
            return None
        return session.get(table, number, populate_existing=True)
    lock = {"key_share": True}  # which SQLite leaves out
    return session.get(table, number, populate_existing=True, with_for_update=lock)


def find_all_locked(
    session: Session, table: type[Kind], numbers: Collection[int]
) -> dict[int, Kind]:
    """:func:`find_locked` for many numbers; returns the rows that exist, by number.

    Rows are locked in the order of their numbers, to avoid deadlocks.
    """
    session.flush()
    key = inspect(table).primary_key[0]
    found: dict[int, Kind] = {}
    groups = list(in_groups(sorted(numbers)))
    for group in groups:
        wanted = select(key).where(key.in_(group)).order_by(key)
        session.execute(wanted.with_for_update(key_share=True)).all()
    for group in groups:
        query = select(table).where(key.in_(group)).execution_options(populate_existing=True)
        found |= {session.identity_key(instance=row)[1][0]: row for row in session.scalars(query)}
    return found


def get_locked(session: Session, table: type[Kind], number: int) -> Kind:
    """:func:`find_locked` for a row that is known to exist."""
    row = find_locked(session, table, number)
    if row is None:
        raise LookupError(f"no {table.__tablename__} {number}")
    return row
