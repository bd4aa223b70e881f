"""Looking for damage in a store."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select, text

from nexio.accounting import USER_NAME_PURPOSE
from nexio.errors import KeyUnusable
from nexio.nas import SECRET_PURPOSE
from nexio.store import schema
from nexio.store.creation import SIGNING_KEY_PURPOSE
from nexio.store.tables import NasRow, StoreRevisionRow, VisitRow, WifiSessionRow
from nexio.visits import PIN_PURPOSE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection, Select

    from nexio.store.engine import Reading

SHOWN = 20
"""Lines about one kind of damage; the rest is counted."""


def find_damage(work: Reading) -> list[str]:
    """What is wrong with the store, a line each; empty where it is sound."""
    lines = [*file_damage(work.session.connection()), *_drift(work)]
    for query, purpose in _SEALED:
        unreadable = list(_unreadable(work, query, purpose))
        lines += unreadable[:SHOWN]
        if len(unreadable) > SHOWN:
            lines.append(f"and {len(unreadable) - SHOWN} more of {purpose}")
    return lines


_SEALED: tuple[tuple[Select[int, bytes | None], str], ...] = (
    (select(VisitRow.id, VisitRow.pin_sealed), PIN_PURPOSE),
    (select(NasRow.id, NasRow.secret_sealed), SECRET_PURPOSE),
    (select(StoreRevisionRow.id, StoreRevisionRow.signing_key_sealed), SIGNING_KEY_PURPOSE),
    (select(WifiSessionRow.id, WifiSessionRow.user_name_sealed), USER_NAME_PURPOSE),
)


def file_damage(connection: Connection) -> Iterator[str]:
    """What SQLite says of its own file; PostgreSQL has checksums and tools of its own for it."""
    if connection.dialect.name != "sqlite":
        return
    for (line,) in connection.execute(text("PRAGMA integrity_check")):
        if line != "ok":
            yield f"the file is damaged: {line}"
    for table, row, *_ in connection.execute(text("PRAGMA foreign_key_check")):
        yield f"row {row} of {table} belongs to a row that is not there"


def _drift(work: Reading) -> list[str]:
    found = schema.drift(work.session.connection())
    return [f"the tables differ from version {schema.HEAD}: {line}" for line in found]


def _unreadable(work: Reading, query: Select[int, bytes | None], purpose: str) -> Iterator[str]:
    for number, sealed in work.session.execute(query.execution_options(yield_per=10_000)):
        if sealed is None:
            continue
        try:
            work.keyring.unseal(sealed, purpose)
        except KeyUnusable as error:
            yield f"{purpose} of row {number}: {error}"
