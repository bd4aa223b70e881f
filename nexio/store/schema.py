"""The version of the tables: read that of a store, and upgrade it to ours."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.resources import as_file, files
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DBAPIError

from nexio.errors import SchemaMismatch, StoreUnreachable
from nexio.store.locking import is_about_a_lock, lock_writers

if TYPE_CHECKING:
    from alembic.config import Config  # slow to load and rarely needed

HEAD = "0025"
"""The newest migration.  Written here as well so that a command need not load Alembic."""

_IS_MADE = {
    "sqlite": text("SELECT 1 FROM sqlite_master WHERE name = 'alembic_version'"),
    "postgresql": text("SELECT 1 WHERE to_regclass('alembic_version') IS NOT NULL"),
}
"""Plain SQL, as each command runs it: SQLAlchemy's inspector would take half of the time of opening
a store."""

_VERSION = text("SELECT version_num FROM alembic_version")

LOCK_SECONDS = 5
"""How long an upgrade waits for a lock on PostgreSQL.  Later requests queue behind it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Migration:
    """A completed step from one version to the next."""

    version: str
    """The version after it."""

    about: str
    """Its changes, in a sentence."""

    seconds: float


def current_version(connection: Connection) -> str | None:
    """The store's version, or None where there are no tables yet."""
    is_made = connection.scalar(_IS_MADE[connection.dialect.name])
    return connection.execute(_VERSION).scalar() if is_made else None


def require_version(connection: Connection, what: str = "the store") -> str:
    """The store's version, which is ours or an older one.

    Args:
        connection: to the store.
        what: name of the store in an error.

    Raises:
        SchemaMismatch: no tables, or a newer version.
    """
    version = current_version(connection)
    if version is None:
        raise SchemaMismatch(
            f"{what} is empty",
            "Make it with 'nexio init' or, if a store moves here, 'nexio db copy --from URL'.",
        )
    if version > HEAD:
        raise SchemaMismatch(
            f"{what} has version {version}, which is newer than this software ({HEAD})",
            "Install the newer version of nexio that wrote it.",
        )
    return version


def require_head(connection: Connection) -> None:
    """Refuse a store of another version.

    Raises:
        SchemaMismatch: no tables, an older version, or a newer one.
    """
    version = require_version(connection)
    if version < HEAD:
        raise SchemaMismatch(
            f"the store has version {version}, this software needs {HEAD}",
            "Bring it up with 'nexio db upgrade', which makes a backup first.",
        )


def upgrade(
    engine: Engine,
    what: str = "the store",
    *,
    first: Callable[[Connection], None] | None = None,
    last: Callable[[Connection, str], None] | None = None,
    on_step: Callable[[Migration], None] = lambda _: None,
) -> str | None:
    """Upgrade the tables to :data:`HEAD`, in one transaction.

    Nobody else writes meanwhile, and of two concurrent upgrades one waits for the other.

    Args:
        engine: of the store.
        what: name of the store in an error.
        first: called in the same transaction before any change.
        last: called after the changes, with the version before.  Neither is called if there were
            no tables.
        on_step: called after each step; no step is final before the commit.

    Returns:
        The version before; None if there were no tables.

    Raises:
        SchemaMismatch: the store is newer than this software, or of no version that there was.
        StoreUnreachable: somebody else has used the store for too long.
    """
    with _explain_locks(), engine.begin() as connection:
        version = _version_of(connection, what)
        if version == HEAD:
            return version
        _wait_for_locks(connection)
        version = _version_of(connection, what)  # somebody else may have upgraded it meanwhile
        if version == HEAD:
            return version
        if version is None:
            _make_at_once(connection)
            return version
        with _alembic(connection) as config:
            _refuse_unknown(config, version, what)
            if first is not None:
                first(connection)
            _run(config, "head", on_step)
        if last is not None:
            last(connection, version)
    return version


def make_tables(connection: Connection, version: str = HEAD) -> None:
    """Create the empty tables of a version, within a transaction.

    Raises:
        StoreUnreachable: somebody else uses the database.
    """
    with _explain_locks():
        _wait_for_locks(connection)
        if version == HEAD and current_version(connection) is None:
            _make_at_once(connection)
            return
        with _alembic(connection) as config:
            _run(config, version)


def _make_at_once(connection: Connection) -> None:
    """Create the tables that result from all migrations, in a tenth of their time."""
    from nexio.store.tables import Row, add_conditions_for_postgresql  # noqa: PLC0415

    if connection.dialect.name == "postgresql":
        add_conditions_for_postgresql()
    Row.metadata.create_all(connection, checkfirst=False)
    connection.execute(text(_VERSION_TABLE))
    connection.execute(text("INSERT INTO alembic_version VALUES (:version)"), {"version": HEAD})


_VERSION_TABLE = """
CREATE TABLE IF NOT EXISTS alembic_version (
    version_num VARCHAR(32) NOT NULL, CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
)"""
"""As Alembic makes it."""


def lock_alone(connection: Connection) -> None:
    """Lock out all other writers until the end of the transaction.

    Raises:
        StoreUnreachable: somebody else uses the database.
    """
    with _explain_locks():
        _wait_for_locks(connection)


def _version_of(connection: Connection, what: str) -> str | None:
    """The store's version, or None where there are no tables yet."""
    return None if current_version(connection) is None else require_version(connection, what)


def _wait_for_locks(connection: Connection) -> None:
    """Lock out all other writers, and limit every wait for a lock in this transaction.

    On PostgreSQL nobody can pass a transaction that waits for a lock, not even readers.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(text(f"SET LOCAL lock_timeout = '{LOCK_SECONDS}s'"))
    lock_writers(connection, alone=True)


@contextmanager
def _explain_locks() -> Iterator[None]:
    try:
        yield
    except DBAPIError as error:
        if not is_about_a_lock(error.orig):
            raise
        raise StoreUnreachable(
            "the store is in use by somebody who does not let go of it: a backup, an import,"
            " or another upgrade",
            "Nothing was changed. Try again when that is done.",
        ) from error


def _run(
    config: Config, version: str, on_step: Callable[[Migration], None] = lambda _: None
) -> None:
    """Run the migrations up to that version."""
    from alembic import command  # noqa: PLC0415 (Alembic is slow to load and rarely needed)

    began = time.monotonic()

    def applied(step: Any, **_: object) -> None:
        nonlocal began
        now = time.monotonic()
        about = step.up_revision.doc
        on_step(Migration(version=step.up_revision_id, about=about, seconds=now - began))
        began = now

    config.attributes["applied"] = applied
    command.upgrade(config, version)


def require_known(connection: Connection, what: str = "the store") -> str:
    """The store's version, which is ours or a known older one.

    Raises:
        SchemaMismatch: it is not.
    """
    version = require_version(connection, what)
    if version != HEAD:
        with _alembic(connection) as config:
            _refuse_unknown(config, version, what)
    return version


def _refuse_unknown(config: Config, version: str | None, what: str) -> None:
    from alembic.script import ScriptDirectory  # noqa: PLC0415

    known = {each.revision for each in ScriptDirectory.from_config(config).walk_revisions()}
    if version is not None and version not in known:
        raise SchemaMismatch(
            f"{what} has version {version!r}, which this software does not know",
            "It is damaged, or not one of nexio: restore a backup.",
        )


def drift(connection: Connection) -> list[str]:
    """The differences between the store's tables and those in ``nexio.store.tables``, as text."""
    from alembic.autogenerate import compare_metadata  # noqa: PLC0415
    from alembic.migration import MigrationContext  # noqa: PLC0415

    from nexio.store.tables import Row, add_conditions_for_postgresql  # noqa: PLC0415

    add_conditions_for_postgresql()
    context = MigrationContext.configure(connection, opts={"compare_type": True})
    return [str(difference) for difference in compare_metadata(context, Row.metadata)]


@contextmanager
def _alembic(connection: Connection) -> Iterator[Config]:
    """Alembic's configuration for a store."""
    from alembic.config import Config  # noqa: PLC0415

    with as_file(files("nexio_migrations")) as folder:
        config = Config()
        config.set_main_option("script_location", str(folder).replace("%", "%%"))
        config.attributes["connection"] = connection
        yield config
