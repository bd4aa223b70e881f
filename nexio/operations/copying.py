"""Copies a store into an empty one of either engine, and compares every row afterwards.

The old store is only read, as of one moment; servers and desks may go on using it.  If they write
meanwhile, that is noticed at the end, and the copy is discarded.  The new store has its own epoch,
so no follower of the old one takes it for that.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sqlalchemy import Connection, Engine, func, insert, inspect, select, text, update

from nexio.configuration_file import masked
from nexio.errors import InvalidValue, KeyUnusable, Refused, StoreUnreachable
from nexio.store import schema
from nexio.store.creation import require_encoding
from nexio.store.engine import (
    Store,
    connected,
    create_sqlite_file,
    explain_errors,
    for_reading,
    parse_url,
)
from nexio.store.rows import copy_rows, first_difference, numbers_used, our_tables, use_none_twice
from nexio.store.sqlite import identity
from nexio.store.tables import AuditRow, Row, StoreRevisionRow

Step = Callable[[str, int, int], None]
"""Called with the current work, the rows that are done, and the total number of rows."""

SHOWN: Final = 5
"""How many existing tables an error names."""


MAKE_ANOTHER: Final = "Make another one: createdb --encoding=UTF8 --template=template0 NAME"


@dataclass(frozen=True, slots=True, kw_only=True)
class Copied:
    """The size of a copy."""

    rows: int
    tables: int


def look(source: Store, url: str) -> Copied:
    """Return what :func:`copy_store` would copy, without making anything.

    Raises:
        As :func:`copy_store`, as far as that can be checked beforehand.
    """
    with explain_errors(source.engine), _reading(source.engine) as before:
        _require_keys(source, before)
        path = _path_of(url)
        if path is None or path.exists():
            with connected(url) as engine, engine.connect() as target:
                _require_empty(target, url)
                _require_another_database(before, target, url)
                require_encoding(target)
        return Copied(rows=_count(before), tables=len(Row.metadata.tables))


def copy_store(source: Store, url: str, step: Step = lambda _, __, ___: None) -> Copied:
    """Copy all that a store holds into an empty database, in one transaction there.

    Args:
        source: the old store, with our version.
        url: the URL of the new one.
        step: called with the progress.

    Raises:
        InvalidValue: the URL is not that of a store.
        Refused: the database is not empty, has the old store, or cannot store every name, or the
            old store was changed while it was copied.
        KeyUnusable: the key files do not have the keys of the store.
        RowDamaged: a row cannot be copied.
        StoreUnreachable: one of the two stores cannot be used.
    """
    with _reading(source.engine) as before, _new_store(url, before) as target:
        with explain_errors(source.engine):
            _require_keys(source, before)
            total, numbers = _count(before), numbers_used(before)
        tables = our_tables(before, target)
        rows = copy_rows(before, target, tables, _counted(step, "copying", total))
        use_none_twice(target, numbers)
        with _reading(source.engine) as after:
            report = _counted(step, "comparing", total)
            different = first_difference(after, target, tables, report)
            if different is not None:
                _refuse(different, is_ours=first_difference(before, target, tables) is not None)
        _make_another(source, target)
    return Copied(rows=rows, tables=len(tables.here))


@contextmanager
def _reading(engine: Engine) -> Iterator[Connection]:
    """A connection that reads the store as of one moment."""
    with explain_errors(engine):
        opened = for_reading(engine).connect()
    with opened:
        yield opened


@contextmanager
def _new_store(url: str, before: Connection) -> Iterator[Connection]:
    """Make the empty tables of a new store; remove everything if anything goes wrong."""
    path = _path_of(url)
    made = create_sqlite_file(url)
    file = None if path is None else identity(path)
    try:
        with connected(url) as engine, engine.begin() as target:
            schema.lock_alone(target)
            _require_empty(target, url)
            _require_another_database(before, target, url)
            require_encoding(target)
            schema.make_tables(target)
            yield target
            _require_same(path, file)
    except BaseException:
        if path is not None and made:
            with suppress(OSError):
                path.unlink()
        raise


def _require_same(path: Path | None, file: tuple[int, int] | None) -> None:
    if path is not None and identity(path) != file:  # whoever made it has given up
        raise StoreUnreachable(f"{path} was removed while it was filled", "Copy the store again.")


def _path_of(url: str) -> Path | None:
    parsed = parse_url(url)
    if parsed.get_backend_name() != "sqlite":
        return None
    path = Path(parsed.database or "")
    if not path.is_absolute():
        raise InvalidValue(
            f"{masked(url)} is of another file in each folder",
            "Write the whole path, after four slashes: sqlite:////var/lib/nexio/nexio.db",
        )
    return path


def _require_empty(target: Connection, url: str) -> None:
    found = inspect(target).get_table_names()
    if not found:
        return
    what = "is a store already" if "alembic_version" in found else "is not empty"
    more = [f"{len(found) - SHOWN} more"] if len(found) > SHOWN else []
    advice = "Name a file that is not there yet."
    if target.dialect.name == "postgresql":
        advice = MAKE_ANOTHER
    raise Refused(
        f"{masked(url)} {what}: it has the tables {', '.join([*sorted(found)[:SHOWN], *more])}",
        advice,
    )


def _require_another_database(before: Connection, target: Connection, url: str) -> None:
    """Check that the old store is elsewhere: all writers of a database wait for a copy into it."""
    if {before.dialect.name, target.dialect.name} != {"postgresql"}:
        return
    where = text("SELECT current_database(), pg_postmaster_start_time()")
    if before.execute(where).one() == target.execute(where).one():
        raise Refused(
            f"{masked(url)} is a schema of the database that has the old store: who writes there"
            " would wait until all is copied",
            MAKE_ANOTHER,
        )


def _require_keys(source: Store, connection: Connection) -> None:
    keys = connection.execute(select(StoreRevisionRow.key_id, StoreRevisionRow.nas_key_id)).one()
    if not source.can_use(*keys):
        raise KeyUnusable(
            "the key files do not hold every key of this store",
            "Whoever copies it must be able to read both key files, also nas-key if there is one.",
        )


def _count(connection: Connection) -> int:
    counts = [select(func.count()).select_from(table) for table in Row.metadata.sorted_tables]
    return sum(connection.scalar(count) or 0 for count in counts)


def _counted(step: Step, what: str, total: int) -> Callable[[str, int], None]:
    done = 0

    def report(table: str, rows: int) -> None:
        nonlocal done
        done += rows
        step(f"{what} {table}", done, total)

    return report


def _refuse(table: str, *, is_ours: bool) -> None:
    if is_ours:
        raise StoreUnreachable(
            f"the new store does not hold {table} as the old one does",
            "Nothing was changed there. Look at the old store with: nexio db check",
        )
    raise Refused(
        f"the old store was changed while it was copied (table {table})",
        "Nothing stays of the copy. See that nobody writes into the old store, and try again.",
    )


def _make_another(source: Store, target: Connection) -> None:
    """Give the new store its own epoch, and note in its audit where it comes from."""
    target.execute(update(StoreRevisionRow).values(epoch=secrets.token_hex(16)))
    details = {"from": source.engine.dialect.name, "to": target.dialect.name}
    row = {"at": source.clock(), "operator": source.operator, "details": details}
    target.execute(insert(AuditRow).values(**row, action="copy", subject="store", subject_id=1))
    if target.dialect.name == "postgresql":
        target.execute(text("ANALYZE"))
