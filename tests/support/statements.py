"""SQL compiled once for each process of the tests.

SQLAlchemy keeps what it has compiled with an engine, and with a table for the engine's dialect.
Each test opens a store of its own, so it would compile every statement again, which is half of the
time of the tests of the store.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Engine, event
from sqlalchemy.util import LRUCache

from nexio.store.tables import Row

Key = tuple[Any, ...]
"""The dialect of an engine, the statement, and how it is executed."""

_CAPACITY = 2_000


class _Statements(LRUCache[Key, Any]):
    """Shared by all engines whose dialect is of the same kind."""

    def get(self, key: Key, default: Any = None) -> Any:
        """As of a dictionary."""
        return super().get(_shared(key), default)

    def __setitem__(self, key: Key, value: Any) -> None:
        super().__setitem__(_shared(key), value)


def share_compiled_statements() -> None:
    """Let every store that is opened from now on use what another one has compiled."""
    statements = _Statements(_CAPACITY)

    @event.listens_for(Engine, "engine_connect")
    def share(connection: Connection) -> None:
        connection.execution_options(compiled_cache=statements)

    for mapper in Row.registry.mappers:
        mapper._compiled_cache = statements  # noqa: SLF001 (there is no other way)


def _shared(key: Key) -> Key:
    dialect, *rest = key
    return (type(dialect), *rest)
