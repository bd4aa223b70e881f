"""Backs up all rows of a store into an SQLite file with the same tables, and restores them.

It works the same with SQLite and PostgreSQL.  Sealed values stay sealed, so a backup is useless
without the key file: keep the two apart.
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

from sqlalchemy import Connection, Engine, delete, select, update
from sqlalchemy.exc import DBAPIError, IntegrityError, NoResultFound

from nexio.errors import (
    KeyUnusable,
    NotFound,
    Refused,
    RowDamaged,
    SchemaMismatch,
    StoreUnreachable,
)
from nexio.operations.checking import file_damage
from nexio.store import audit, schema
from nexio.store.engine import Store, connected, explain_errors, for_reading
from nexio.store.rows import copy_rows, numbers_used, our_tables, tables_of, use_none_twice
from nexio.store.tables import Row, StoreRevisionRow
from nexio.unfinished import temporary_folder


def back_up(engine: Engine, path: Path) -> int:
    """Write all rows into a new SQLite file, as of one moment, while the store is in use.

    The store may have an earlier version; then the backup has it, too.

    Returns:
        The number of rows.

    Raises:
        Refused: the file exists already.
        SchemaMismatch: the store is empty, newer than this software, or has no version.
        StoreUnreachable: the store cannot be read, or the file cannot be written.
    """
    with explain_errors(engine), for_reading(engine).connect() as source:
        return back_up_from(source, path)


def back_up_to(engine: Engine, stream: BinaryIO) -> int:
    """:func:`back_up` into a stream, such as a pipe to another machine; nothing if it fails.

    Raises:
        OSError: the stream cannot be written.
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
    """The path for the backup of a moment in a folder of backups."""
    return folder / f"nexio-{now:%Y%m%dT%H%M%SZ}.db"


def remove_older(folder: Path, keep: int) -> list[Path]:
    """Remove all but the ``keep`` newest backups named by :func:`dated`; other files stay.

    Returns:
        The removed files, the oldest first.

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
            with connected(_url_of(part)) as target, target.begin() as connection:
                schema.make_tables(connection, version)
                # Inspecting the tables of an earlier version takes half of a small backup's time.
                tables = our_tables if version == schema.HEAD else tables_of
                rows = copy_rows(source, connection, tables(source, connection))
            part.rename(path)
    return rows


def backup_first(path: Path, report: Callable[[int], None]) -> Callable[[Connection], None]:
    """Return a function that backs up a store before its upgrade, in the same transaction.

    It raises as :func:`back_up`; then nothing is changed (see :func:`nexio.store.schema.upgrade`).

    Args:
        path: the file of the backup; its folder is made.
        report: called with the number of rows in it.
    """

    def first(connection: Connection) -> None:
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise StoreUnreachable(
                f"no backup can be made in {path.parent}: {error.strerror}",
                "Make one elsewhere (nexio db backup FILE), then: nexio db upgrade --no-backup",
            ) from error
        report(back_up_from(connection, path))

    return first


def restore(store: Store, path: Path) -> int:
    """Replace all rows of the store with those of a backup, in one transaction.

    Servers that follow the store load it again.  A backup of an older version is upgraded in a
    copy; the file itself is not changed.

    Returns:
        The number of rows.

    Raises:
        NotFound: there is no such file.
        SchemaMismatch: it is no backup, or one of a newer version.
        KeyUnusable: the key file does not have the key of the backup.
        StoreUnreachable: the store cannot be written, the file cannot be read, or it is damaged.
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
    """Check the backup and upgrade it to our version, before anything is replaced."""
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
        # Checked while nobody can remove a key from the file.
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
            rows = copy_rows(source, target, our_tables(source, target))
        except (IntegrityError, RowDamaged) as error:
            raise _damaged(path, "its rows do not fit into the store") from error
        use_none_twice(target, numbers_used(source))
        work.session.expire_all()
        restored = work.session.scalars(select(StoreRevisionRow.number)).one()
        # A new epoch tells every reader that its copy is outdated.
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
