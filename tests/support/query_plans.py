"""How the database finds the rows of what a program asks: by an index, or by reading them all."""

from __future__ import annotations

import re
import sqlite3
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import Engine
from sqlalchemy.event import listens_for, remove

from nexio.store.tables import Row

if TYPE_CHECKING:
    from collections.abc import Iterator

LARGE: Final = {
    "access_token", "audit", "auth_event", "change", "check_in", "device", "outbox", "pin",
    "removed", "visit", "wifi_session",
}  # fmt: skip
"""Tables that grow with the visitors and the years."""

Statements = dict[str, Any]
"""What was asked, with the values of the first time."""

PARTIAL: Final = {
    index.name
    for table in Row.metadata.tables.values()
    for index in table.indexes
    if index.dialect_options["sqlite"]["where"] is not None
}
"""Indexes of a few rows, such as the open ones: all of them may be read."""

_AS_IF_LARGE: Final = {
    "seq_page_cost": "50",
    "random_page_cost": "1",
    "enable_hashjoin": "off",
    "enable_mergejoin": "off",
}
"""PostgreSQL reads a table of a few pages whole, whatever index there is."""

_SCAN: Final = re.compile(r"SCAN (\w+)(?: USING (?:COVERING )?INDEX (\w+))?$")


@contextmanager
def statements() -> Iterator[Statements]:
    """All that is asked of any store from now on, in this process."""
    found: Statements = {}

    @listens_for(Engine, "before_cursor_execute")
    def note(_: object, __: object, statement: str, values: Any, *___: object) -> None:
        if statement.startswith(("SELECT", "UPDATE", "DELETE", "WITH", "INSERT")):
            each = values[0] if isinstance(values, list) else values
            found.setdefault(statement, each)

    try:
        yield found
    finally:
        remove(Engine, "before_cursor_execute", note)


def reads_of_all(engine: Engine, asked: Statements) -> list[str]:
    """Those that read a large table from one end to the other: its name, and the plan.

    A walk along an index that ends at a LIMIT is none: it goes on until the page is full.
    """
    is_sqlite = engine.dialect.name == "sqlite"
    with engine.connect() as connection:
        driver: Any = connection.connection.driver_connection
        if not is_sqlite:
            for name, value in _AS_IF_LARGE.items():
                driver.execute(f"SET LOCAL {name} = {value}")
        found = []
        for statement, values in asked.items():
            how = "EXPLAIN QUERY PLAN " if is_sqlite else "EXPLAIN (FORMAT JSON) "
            plan = driver.execute(how + statement, values).fetchall()
            read = _read_by_sqlite(plan, statement) if is_sqlite else _read(plan[0][0][0]["Plan"])
            tables = sorted(LARGE.intersection(read))
            if tables:
                words = plan_of(driver, statement, values)
                found.append(f"{', '.join(tables)}: {statement}\n{words}")
    return found


def plan_of(driver: Any, statement: str, values: Any) -> str:
    """How the database would find the rows, in its own words."""
    how = "EXPLAIN QUERY PLAN " if isinstance(driver, sqlite3.Connection) else "EXPLAIN "
    return "\n".join(str(row[-1]) for row in driver.execute(how + statement, values))


def _read_by_sqlite(plan: list[Any], statement: str) -> Iterator[str]:
    """The tables that a plan reads whole."""
    tables: dict[str, str] = {
        alias: table for table, alias in re.findall(r"(\w+) AS (\w+_\d+)", statement)
    }
    steps = [row[3] for row in plan]
    is_walk = "LIMIT" in statement and not any("ORDER BY" in step for step in steps)
    for found in filter(None, map(_SCAN.match, steps)):
        if not is_walk and found[2] not in PARTIAL:
            yield tables.get(found[1], found[1])


def _read(node: dict[str, Any], *, limited: bool = False) -> Iterator[str]:
    """The tables that a part of a plan of PostgreSQL's reads whole."""
    kind = node["Node Type"]
    limited = (limited or kind == "Limit") and kind not in {"Sort", "Hash", "Aggregate"}
    is_whole = kind == "Seq Scan" or (kind.startswith("Index") and "Index Cond" not in node)
    if is_whole and not limited and node.get("Index Name") not in PARTIAL:
        yield node["Relation Name"]
    for each in node.get("Plans", ()):
        yield from _read(each, limited=limited)
