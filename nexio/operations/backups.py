"""Backups: all rows of a store in a SQLite file of the same tables, and back again.

The same rows go from and to SQLite and PostgreSQL.  What is sealed stays sealed: a backup is
worth nothing without the key file: keep the two apart.
"""

from __future__ import annotations

import errno
import os
import re
import secrets
import shlex
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import BinaryIO
from urllib.parse import quote

from sqlalchemy import (
    Connection,
    Engine,
    MetaData,
    Table,
    delete,
    func,
    insert,
    select,
    text,
    update,
)
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, NoResultFound
from sqlalchemy.types import NullType

from nexio.errors import KeyUnusable, NotFound, Refused, SchemaMismatch, StoreUnreachable
from nexio.operations.checking import file_damage
from nexio.store import audit, schema
from nexio.store.engine import Store, connected, explain_errors, for_reading, lock_writers
from nexio.store.tables import Row, StoreRevisionRow
from nexio.unfinished import temporary_folder

Tables = list[Table]

ROWS_IN_MEMORY = 5_000
"""Rows held in memory at a time."""


def back_up(engine: Engine, path: Path) -> int:
    """Write all rows into a new SQLite file, as of one moment, while the store is in use.

    The store may have an earlier version; so has the backup then.

    Returns:
        How many rows.

    Raises:
        Refused: the file is there already.
        SchemaMismatch: the store is empty, newer than this software, or of no version.
        StoreUnreachable: the store cannot be read, or the file not written.
    """
    with explain_errors(engine), for_reading(engine).connect() as source:
        return back_up_from(source, path)


def back_up_to(engine: Engine, stream: BinaryIO) -> int:
    """:func:`back_up` into a stream, such as a pipe to another machine; whole or nothing of it.

    Raises:
        OSError: the stream takes nothing.
    """
    temporary = Path(tempfile.gettempdir())
    with _explain_file_errors(temporary), temporary_folder(temporary) as folder:
        path = folder / "whole.db"
        rows = back_up(engine, path)
        with path.open("rb") as file:
            shutil.copyfileobj(file, stream)
        stream.flush()
    return rows


def dated(folder: Path, now: datetime) -> Path:
    """Where the backup of a moment goes in a folder of backups."""
    return folder / f"nexio-{now:%Y%m%dT%H%M%SZ}.db"


def remove_older(folder: Path, keep: int) -> list[Path]:
    """Remove all backups of :func:`dated` but the newest so many; other files stay.

    Returns:
        What was removed, the oldest first.

    Raises:
        StoreUnreachable: one cannot be removed.
    """
    backups = sorted(path for path in folder.iterdir() if _DATED.fullmatch(path.name))
    for path in backups[:-keep]:
        with _explain_file_errors(path):
            path.unlink()
    return backups[:-keep]


_DATED = re.compile(r"nexio-\d{8}T\d{6}Z\.db")


def back_up_from(source: Connection, path: Path) -> int:
    """:func:`back_up` within a transaction."""
    version = schema.require_known(source)
    with _explain_file_errors(path):
        if path.exists():
            raise Refused(
                f"the file {path} is there already",
                "Choose another name: no backup is overwritten.",
            )
        with temporary_folder(path.parent) as folder:
            part = folder / "backup.db"
            os.close(os.open(part, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
            with connected(_url_of(part)) as target:
                schema.upgrade(target, to=version)
                with target.begin() as connection:
                    rows = _copy(source, connection, *_tables_of(source, connection))
            part.rename(path)
    return rows


def upgrade_with_backup(
    engine: Engine, path: Path, tell: Callable[[int], None], operator: str = "unknown"
) -> str:
    """Bring the store to our version, after a backup of all that it holds until then.

    Args:
        engine: of the store.
        path: where the backup goes; its folder is made.
        tell: hears how many rows are in it, before anything is changed.
        operator: whom the audit names.

    Returns:
        The version before.

    Raises:
        As :func:`back_up` and :func:`nexio.store.schema.upgrade`; nothing is changed then.
    """

    def first(connection: Connection) -> None:
        lock_writers(connection, alone=True)
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise StoreUnreachable(
                f"no backup can be made in {path.parent}: {error.strerror}",
                "Make one elsewhere (nexio db backup FILE), then: nexio db upgrade --no-backup",
            ) from error
        tell(back_up_from(connection, path))

    with engine.connect() as connection:
        before = schema.require_known(connection)
    schema.upgrade(engine, first=first, last=audit.upgrade_noted(operator))
    return before


def restore(store: Store, path: Path) -> int:
    """Put the rows of a backup in place of all that the store holds, in one transaction.

    Servers that follow the store load it again.  A backup of an older version is upgraded on
    the way; the file itself stays as it is.

    Returns:
        How many rows.

    Raises:
        NotFound: there is no such file.
        SchemaMismatch: it is no backup, or one of a newer version.
        KeyUnusable: the key file does not hold the key of the backup.
        StoreUnreachable: the store cannot be written, or the file not read, or it is damaged.
    """
    if not path.is_file():
        raise NotFound(f"there is no backup {path}", "Name a file that 'nexio db backup' made.")
    with _explain_file_errors(path), temporary_folder(Path(tempfile.gettempdir())) as folder:
        copy = folder / "backup.db"
        shutil.copyfile(path, copy)
        with connected(_url_of(copy)) as source:
            _make_usable(source, path)
            with source.connect() as connection:
                return _replace_all(store, connection, path)


def _make_usable(source: Engine, path: Path) -> None:
    """See that it is a sound backup, and bring it to our version, before anything is replaced."""
    what = f"the backup {path}"
    try:
        with source.connect() as connection:
            if schema.current_version(connection) is None:
                raise _no_backup(path)
            schema.require_version(connection, what)
    except DBAPIError as error:
        raise _no_backup(path) from error
    try:
        with source.connect() as connection:
            damage = [*file_damage(connection)]
        schema.upgrade(source, what)
        with source.connect() as connection:
            connection.execute(select(StoreRevisionRow.key_id)).scalar_one()
    except (DBAPIError, NoResultFound) as error:
        raise _damaged(path) from error
    if damage:
        raise _damaged(path, damage[0])


def _replace_all(store: Store, source: Connection, path: Path) -> int:
    with store.write(alone=True) as work:
        # Looked at while nobody can take a key out of the file.
        keys = select(StoreRevisionRow.key_id, StoreRevisionRow.nas_key_id)
        if not store.can_use(*source.execute(keys).one()):
            raise KeyUnusable(
                "the key file does not hold the key of this backup",
                "Add the line of that key from your copy of the key file of that time; the same"
                " for the file nas-key, if there was one.",
            )
        number = work.session.scalars(select(StoreRevisionRow.number)).one()
        target = work.session.connection()
        try:
            for table in reversed(Row.metadata.sorted_tables):
                target.execute(delete(table))
            rows = _copy(source, target, *_our_tables(target))
        except (
            IntegrityError,
            DataError,
            ValueError,
        ) as error:  # ValueError: text where a time should be
            raise _damaged(path, "its rows do not fit into the store") from error
        _never_use_numbers_twice(target)
        work.session.expire_all()
        restored = work.session.scalars(select(StoreRevisionRow.number)).one()
        # Another epoch tells every reader that what it holds is of another time.
        target.execute(
            update(StoreRevisionRow).values(
                epoch=secrets.token_hex(16), number=max(number, restored) + 1
            )
        )
        audit.record(work, "restore", "store", 1, {"backup": path.name})
    return rows


def _no_backup(path: Path) -> SchemaMismatch:
    return SchemaMismatch(
        f"{path} is not a backup of nexio", "Name a file that 'nexio db backup' made."
    )


def _damaged(path: Path, how: str = "it cannot be read to its end") -> StoreUnreachable:
    return StoreUnreachable(
        f"the backup {path} is damaged: {how}", "Nothing was changed. Use another backup."
    )


def _tables_of(source: Connection, target: Connection) -> tuple[Tables, Tables]:
    """The tables of an earlier version, too, as they are on both sides."""
    here, there = MetaData(), MetaData()
    here.reflect(target)
    here.remove(here.tables["alembic_version"])
    there.reflect(source, only=list(here.tables))
    tables = here.sorted_tables
    return _raw_on_sqlite(source, [there.tables[each.name] for each in tables], tables)


def _our_tables(target: Connection) -> tuple[Tables, Tables]:
    ours = MetaData()
    for table in Row.metadata.sorted_tables:
        table.to_metadata(ours)
    return _raw_on_sqlite(target, ours.sorted_tables, ours.sorted_tables)


def _raw_on_sqlite(end: Connection, *sides: Tables) -> tuple[Tables, Tables]:
    """From SQLite to SQLite values go over as they are: also one that nobody can read."""
    if end.dialect.name == "sqlite":
        for column in (column for side in sides for table in side for column in table.columns):
            column.type = NullType()
    return sides  # type: ignore[return-value]  # two of them


def _copy(source: Connection, target: Connection, there: Tables, here: Tables) -> int:
    """Copy every table, parents before children and in the order of their numbers."""
    count = 0
    for old, new in zip(there, here, strict=True):
        query = select(old).order_by(*old.primary_key.columns)
        rows = source.execute(query.execution_options(yield_per=ROWS_IN_MEMORY))
        for group in rows.mappings().partitions(ROWS_IN_MEMORY):
            target.execute(insert(new), [dict(row) for row in group])
            count += len(group)
    return count


def _never_use_numbers_twice(target: Connection) -> None:
    """Go on counting from where the store was, or the backup (SQLite does so by itself)."""
    if target.dialect.name != "postgresql":
        return
    for table in Row.metadata.sorted_tables:
        if table.autoincrement_column is not None:
            highest = target.scalar(select(func.max(table.autoincrement_column))) or 1
            target.execute(_RAISE_SEQUENCE, {"table": table.name, "highest": highest})


_RAISE_SEQUENCE = text(
    "SELECT setval(s, greatest(:highest, coalesce(pg_sequence_last_value(s), 1)))"
    " FROM (SELECT CAST(pg_get_serial_sequence(:table, 'id') AS regclass) AS s) AS found"
)


def _url_of(path: Path) -> str:
    return f"sqlite:///{quote(str(path))}"


@contextmanager
def _explain_file_errors(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        advice = "Look at the rights on its folder and at the space on its disk."
        if error.errno == errno.ENOENT and not path.parent.exists():
            folder = path.parent
            advice = f"There is no folder {folder}. Make it: mkdir -p {shlex.quote(str(folder))}"
        raise StoreUnreachable(
            f"the backup {path} cannot be read or written: {error.strerror}", advice
        ) from error
