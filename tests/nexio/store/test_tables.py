"""The tables, each of which is loaded when somebody asks for it."""

from __future__ import annotations

from nexio.store import tables
from nexio.store.tables import Row


def test_each_table_is_found_by_its_name() -> None:
    """Whoever needs one need not know in which module it is."""
    known = [mapper.class_ for mapper in Row.registry.mappers]
    assert len(known) == len(Row.metadata.tables)
    assert [getattr(tables, table.__name__) for table in known] == known
