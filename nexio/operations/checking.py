"""Finds damage in a store."""

from __future__ import annotations

import hmac
from collections.abc import Iterable, Iterator
from typing import Any

from sqlalchemy import (
    Connection,
    Float,
    Integer,
    Select,
    Table,
    false,
    func,
    inspect,
    or_,
    select,
    text,
)

from nexio.errors import KeyUnusable, RowDamaged
from nexio.locations.locations import location_of
from nexio.network.nas import nas_of
from nexio.store import schema
from nexio.store.creation import unsuitable_encoding
from nexio.store.engine import Reading
from nexio.store.sealed import DIGESTS, SEALED, Digest, Sealed
from nexio.store.tables import LocationRow, NasRow, Row

SHOWN = 20
"""Lines about one kind of damage; further ones are only counted."""


def find_damage(work: Reading) -> list[str]:
    """What is wrong with the store, one line each; empty if it is sound."""
    connection = work.session.connection()
    lines = [*file_damage(connection), *_drift(connection), *_encoding(connection)]
    for sealed in SEALED:
        lines += _shortened(_unreadable(work, sealed), sealed.purpose)
    for digest in DIGESTS:
        lines += _shortened(_wrong(work, digest), f"{digest.table.__tablename__}.{digest.column}")
    lines += _shortened(_unknown_zones(work), "location")
    lines += _shortened(_broken_nas(work), "nas")
    for table in Row.metadata.sorted_tables:
        lines += _shortened(_unreadable_rows(connection, table), table.name)
    return lines


def file_damage(connection: Connection) -> Iterator[str]:
    """Damage that SQLite finds in its file; PostgreSQL has its own checksums and tools for that."""
    if connection.dialect.name != "sqlite":
        return
    for (line,) in connection.execute(text("PRAGMA integrity_check")):
        if line != "ok":
            yield f"the file is damaged: {line}"
    for table, row, *_ in connection.execute(text("PRAGMA foreign_key_check")):
        yield f"row {row} of {table} belongs to a row that is not there"


def _shortened(lines: Iterable[str], kind: str) -> list[str]:
    found = list(lines)
    rest = [f"and {len(found) - SHOWN} more of {kind}"] if len(found) > SHOWN else []
    return found[:SHOWN] + rest


def _drift(connection: Connection) -> list[str]:
    found = schema.drift(connection)
    return [f"the tables differ from version {schema.HEAD}: {line}" for line in found]


def _encoding(connection: Connection) -> Iterator[str]:
    if encoding := unsuitable_encoding(connection):
        yield f"the database has the encoding {encoding}: not every name can be kept, use UTF8"


def _unreadable(work: Reading, sealed: Sealed) -> Iterator[str]:
    key = inspect(sealed.table).primary_key[0]
    query = select(key, sealed.values).where(sealed.values.is_not(None)).order_by(key)
    for number, value in work.session.execute(query.execution_options(yield_per=10_000)):
        if work.keyring.is_closed(value):  # a NAS secret, for which we have no key
            continue
        try:
            work.keyring.unseal(value, sealed.purpose)
        except KeyUnusable as error:
            yield f"{sealed.purpose} of row {number}: {error}"


def _wrong(work: Reading, digest: Digest) -> Iterator[str]:
    """Digests that do not match their PIN: nobody gets in with the right PIN."""
    for number, location_id, sealed, found in work.session.execute(
        digest.query.execution_options(yield_per=10_000)
    ):
        try:
            pin = work.keyring.unseal(sealed, digest.pin.purpose)
        except KeyUnusable:
            continue  # named above
        if not hmac.compare_digest(work.keyring.digest(location_id, pin), found):
            yield f"{digest.table.__tablename__}.{digest.column} of row {number}: not of its PIN"


def _unreadable_rows(connection: Connection, table: Table) -> Iterator[str]:
    """Rows with text in a column of times or numbers: SQLite stores it, but nothing can read it."""
    if connection.dialect.name != "sqlite":
        return
    key, *_ = table.primary_key.columns
    numbers = [each for each in table.columns if isinstance(each.type, Integer | Float)]
    texts = or_(false(), *(func.typeof(each).in_(("text", "blob")) for each in numbers))
    bad = set(connection.scalars(select(key).where(texts)))
    if not _is_readable(connection, select(table)):
        for number in connection.scalars(select(key)).all():
            if not _is_readable(connection, select(table).where(key == number)):
                bad.add(number)
    for number in sorted(bad):
        yield f"{table.name} {number} cannot be read: a time or a number in it is none"


def _is_readable(connection: Connection, query: Select[Any]) -> bool:
    try:
        for _ in connection.execute(query.execution_options(yield_per=10_000)):
            pass
    except (ValueError, TypeError):
        return False
    return True


def _unknown_zones(work: Reading) -> Iterator[str]:
    for row in work.session.scalars(select(LocationRow).order_by(LocationRow.id)):
        if not location_of(row).knows_its_zone:
            yield f"location {row.id} has an unknown time zone: {row.time_zone!r}"


def _broken_nas(work: Reading) -> Iterator[str]:
    """NAS that cannot be served for another reason than the secret, which is checked above."""
    for row in work.session.scalars(select(NasRow).order_by(NasRow.id)):
        try:
            nas_of(work, row)
        except RowDamaged as error:
            yield f"nas {row.id} cannot be used: {error}"
        except KeyUnusable:
            continue
