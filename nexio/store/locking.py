"""Locking the store against other writers, and a row between reading it and writing it.

SQLite has one writer at a time and needs none of this.  On PostgreSQL a row that was read a
moment ago may have changed by now: code that is about to change it locks it and reads it again.
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
"""What PostgreSQL calls a lock that was waited for long enough."""


def lock_writers(connection: Connection, *, alone: bool) -> None:
    """Begin a write that no change of keys or tables can cut in two.

    SQLite has one writer at a time, which its first statement makes wait.  On PostgreSQL writers
    share an advisory lock, which a change of keys or tables has for itself.
    """
    if connection.dialect.name == "postgresql":
        lock = func.pg_advisory_xact_lock if alone else func.pg_advisory_xact_lock_shared
        connection.execute(select(lock(KEY_CHANGE_LOCK)))


def is_about_a_lock(cause: BaseException | None) -> bool:
    """Whether a driver's error is about a lock that somebody else has."""
    if isinstance(cause, sqlite3.Error):
        return getattr(cause, "sqlite_errorcode", None) == sqlite3.SQLITE_BUSY
    return getattr(cause, "sqlstate", None) == LOCK_NOT_AVAILABLE


def find_locked(session: Session, table: type[Kind], number: int) -> Kind | None:
    """The row of that number as it is now, locked until the transaction ends, or None.

    Others may still write rows that lead to it: nobody changes its number.

    Args:
        session: of a write.
        table: the row's class.
        number: its primary key.
    """
    session.flush()
    mapper = inspect(table)
    comes_joined = any(each.lazy == "joined" for each in mapper.relationships)
    if comes_joined and session.get_bind().dialect.name == "postgresql":
        # In a statement of its own: after a wait, what comes joined to a row is of before the wait.
        key = mapper.primary_key[0]
        if session.scalar(select(key).where(key == number).with_for_update(key_share=True)) is None:
            return None
        return session.get(table, number, populate_existing=True)
    lock = {"key_share": True}  # which SQLite leaves out
    return session.get(table, number, populate_existing=True, with_for_update=lock)


def find_all_locked(
    session: Session, table: type[Kind], numbers: Collection[int]
) -> dict[int, Kind]:
    """:func:`find_locked` of many, by their numbers; those that there are.

    They are locked in the order of their numbers, so that two who want the same wait and do not
    block each other.
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
    """:func:`find_locked` for a row that is known to be there."""
    row = find_locked(session, table, number)
    if row is None:
        raise LookupError(f"no {table.__tablename__} {number}")
    return row
