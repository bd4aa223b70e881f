"""The version of the tables: which one a store has, and bringing it to ours."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.resources import as_file, files
from typing import TYPE_CHECKING

from sqlalchemy import Connection, Engine, inspect, text

from nexio.errors import SchemaMismatch

if TYPE_CHECKING:
    from alembic.config import Config  # slow to load and rarely needed

HEAD = "0025"
"""The newest migration.  Written here as well so that a command need not load Alembic."""


def current_version(connection: Connection) -> str | None:
    """The store's version, or None where there are no tables yet."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()


def require_version(connection: Connection, what: str = "the store") -> str:
    """The store's version, which is ours or an older one.

    Args:
        connection: to the store.
        what: it is called in an error.

    Raises:
        SchemaMismatch: no tables, or a newer version.
    """
    version = current_version(connection)
    if version is None:
        raise SchemaMismatch(f"{what} is empty", "Make it with: nexio init")
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
    to: str = "head",
    first: Callable[[Connection], None] | None = None,
    last: Callable[[Connection, str], None] | None = None,
) -> str | None:
    """Bring the tables to :data:`HEAD`, in one transaction.

    Args:
        engine: of the store.
        what: it is called in an error.
        to: an older version to make empty tables of.
        first: what to do in the same transaction before anything is changed.
        last: what to do when it is done, with the version before; not where there were no tables.

    Returns:
        The version before; None where there were no tables.

    Raises:
        SchemaMismatch: the store is newer than this software, or of no version that there was.
    """
    with engine.begin() as connection:
        version = current_version(connection)
        if version is None or require_version(connection, what) < HEAD:
            from alembic import command  # noqa: PLC0415 (Alembic is slow to load and rarely needed)

            with _alembic(connection) as config:
                _refuse_unknown(config, version, what)
                if first is not None:
                    first(connection)
                command.upgrade(config, to)
            if last is not None and version is not None:
                last(connection, version)
    return version


def require_known(connection: Connection, what: str = "the store") -> str:
    """The store's version, which is ours or an older one that there was.

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
    """What differs between the store's tables and the ones in ``tables.py``, in words."""
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
