"""Copy all rows of a store into another one, on either engine."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from itertools import zip_longest
from typing import Any, NamedTuple

from sqlalchemy import Connection, MetaData, Select, String, Table, func, insert, select, text
from sqlalchemy.exc import DataError, IntegrityError
from sqlalchemy.types import NullType

from nexio.errors import RowDamaged
from nexio.store.engine import explain_errors
from nexio.store.tables import Row

ROWS_IN_MEMORY = 5_000
"""Rows held in memory at a time."""

Report = Callable[[str, int], None]
"""Callback with a table and the number of rows just done."""


class Tables(NamedTuple):
    """The same tables in two stores, parents first."""

    there: Sequence[Table]
    here: Sequence[Table]


def our_tables(source: Connection, target: Connection) -> Tables:
    """All tables of our version."""
    return _our_tables(is_raw=_are_sqlite(source, target))


@cache
def _our_tables(*, is_raw: bool) -> Tables:
    ours = MetaData()
    for table in Row.metadata.sorted_tables:
        table.to_metadata(ours)
    tables = Tables(ours.sorted_tables, ours.sorted_tables)
    return _raw(tables) if is_raw else tables


def tables_of(source: Connection, target: Connection) -> Tables:
    """The tables of an earlier version, as both stores have them."""
    here, there = MetaData(), MetaData()
    here.reflect(target)
    here.remove(here.tables["alembic_version"])
    there.reflect(source, only=list(here.tables))
    tables = Tables([there.tables[each.name] for each in here.sorted_tables], here.sorted_tables)
    return _raw(tables) if _are_sqlite(source, target) else tables


def _are_sqlite(source: Connection, target: Connection) -> bool:
    return source.dialect.name == target.dialect.name == "sqlite"


def _raw(tables: Tables) -> Tables:
    """Copy values from SQLite to SQLite unconverted, even unreadable ones."""
    for column in (column for side in tables for table in side for column in table.columns):
        column.type = NullType()
    return tables


def copy_rows(
    source: Connection, target: Connection, tables: Tables, report: Report = lambda _, __: None
) -> int:
    """Copy every table, parents before children, rows in the order of their numbers.

    Returns:
        The number of rows.

    Raises:
        RowDamaged: one does not fit; the message names it.
        StoreUnreachable: the source cannot be read.
    """
    count = 0
    for old, new in zip(*tables, strict=True):
        for rows in _read(source, old, select(old).order_by(*old.primary_key.columns)):
            _insert(target, new, [dict(row._mapping) for row in rows])  # noqa: SLF001 (its name)
            count += len(rows)
            report(new.name, len(rows))
    return count


def _insert(target: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert rows; if one does not fit, try halves until it is found."""
    try:
        with target.begin_nested():
            target.execute(insert(table), rows)
    except (DataError, IntegrityError, ValueError) as error:
        if len(rows) == 1:
            key = ", ".join(str(rows[0][column.name]) for column in table.primary_key.columns)
            raise RowDamaged(
                f"{table.name} {key} does not fit into the new store",
                "Nothing was changed there. What is wrong with it: nexio db check",
            ) from error
        half = len(rows) // 2
        _insert(target, table, rows[:half])
        _insert(target, table, rows[half:])


def first_difference(
    one: Connection, other: Connection, tables: Tables, report: Report = lambda _, __: None
) -> str | None:
    """The first table whose rows differ between two stores, or None.

    Raises:
        As :func:`copy_rows`.
    """
    for old, new in zip(*tables, strict=True):
        both = (_read(one, old, _in_order(one, old)), _read(other, new, _in_order(other, new)))
        for mine, theirs in zip_longest(*both, fillvalue=()):
            if [tuple(row) for row in mine] != [tuple(row) for row in theirs]:
                return new.name
            report(new.name, len(mine))
    return None


def _in_order(connection: Connection, table: Table) -> Select[Any]:
    """Select all rows in an order that is the same on both engines, which sort text differently."""
    key = table.primary_key.columns
    if connection.dialect.name == "postgresql":
        return select(table).order_by(
            *(each.collate("C") if isinstance(each.type, String) else each for each in key)
        )
    return select(table).order_by(*key)


def _read(connection: Connection, table: Table, query: Select[Any]) -> Iterator[Sequence[Any]]:
    """Read rows of a table in parts."""
    with explain_errors(connection.engine):
        result = connection.execute(query.execution_options(yield_per=ROWS_IN_MEMORY))
        with result:
            try:
                yield from result.partitions()
            # SQLite stores any text in any column.
            except (ValueError, TypeError, OverflowError) as error:
                raise RowDamaged(
                    f"{table.name} cannot be read: a time or a number in it is none",
                    "Which row that is: nexio db check",
                ) from error


# Numbers that were never used


def numbers_used(store: Connection) -> dict[str, int]:
    """The highest number that each table has given to a row, even if the row is gone."""
    numbers = {
        table.name: store.scalar(select(func.max(table.autoincrement_column))) or 0
        for table in _counting()
    }
    if store.dialect.name == "sqlite":
        given = {name: last for name, last in store.execute(_LAST_OF_SQLITE) if name in numbers}
    else:
        given = {name: store.scalar(_LAST, {"table": name}) or 0 for name in numbers}
    return {name: max(number, given.get(name, 0)) for name, number in numbers.items()}


def use_none_twice(store: Connection, numbers: Mapping[str, int]) -> None:
    """Make each table continue counting after these numbers, or after its own if that is higher."""
    for table in _counting():
        row = {"table": table.name, "highest": numbers[table.name]}
        if store.dialect.name == "postgresql":
            if numbers[table.name]:
                store.execute(_RAISE, row)
        elif table.dialect_options["sqlite"]["autoincrement"]:
            store.execute(_BEGIN_ON_SQLITE, row)
            store.execute(_RAISE_ON_SQLITE, row)


def _counting() -> Iterator[Table]:
    """The tables with an autoincrement column."""
    return (each for each in Row.metadata.sorted_tables if each.autoincrement_column is not None)


_LAST = text(
    "SELECT pg_sequence_last_value(CAST(pg_get_serial_sequence(:table, 'id') AS regclass))"
)
_RAISE = text(
    "SELECT setval(s, greatest(:highest, coalesce(pg_sequence_last_value(s), 1)))"
    " FROM (SELECT CAST(pg_get_serial_sequence(:table, 'id') AS regclass) AS s) AS found"
)
_LAST_OF_SQLITE = text("SELECT name, seq FROM sqlite_sequence")
_BEGIN_ON_SQLITE = text(
    "INSERT INTO sqlite_sequence (name, seq) SELECT :table, 0"
    " WHERE NOT EXISTS (SELECT 1 FROM sqlite_sequence WHERE name = :table)"
)
_RAISE_ON_SQLITE = text("UPDATE sqlite_sequence SET seq = max(seq, :highest) WHERE name = :table")
