"""All that a store holds, for tests of what must not change it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from nexio.store.tables import Row
from tests.support.stores import count_rows

if TYPE_CHECKING:
    from nexio.store.engine import Store


def contents(store: Store) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every table, in the order of its key."""
    with store.read() as work:
        counts = count_rows(work)  # most tables are empty: no statement for each of them
        return {
            table.name: [
                tuple(row)
                for row in work.session.execute(select(table).order_by(*table.primary_key.columns))
            ]
            if counts[table.name]
            else []
            for table in Row.metadata.sorted_tables
        }
