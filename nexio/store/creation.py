"""Create a store: its key, its tables, and the one row about the store itself."""

from __future__ import annotations

import base64
import secrets

from sqlalchemy import Connection, Engine, select, text
from sqlalchemy.orm import Session

from nexio.configuration import Configuration
from nexio.errors import KeyUnusable, Refused
from nexio.keys.key_file import create_key_file
from nexio.keys.keyring import Keyring
from nexio.keys.ownership import load_trusted_keys, refuse_open_folders
from nexio.keys.purposes import SIGNING_KEY
from nexio.store import audit, schema
from nexio.store.engine import connected, create_sqlite_file
from nexio.store.tables import StoreRevisionRow


def create_store(configuration: Configuration) -> bool:
    """Create the key file, the store and its tables, unless they exist.

    Returns:
        Whether a store was created; False if it existed.

    Raises:
        Refused: the database cannot hold every name.
        KeyUnusable: the store exists and its key file does not.  No new key is made then: it
            would hide that the old one is missing.
        StoreUnreachable: the store cannot be created or opened, or everybody may write there.
    """
    refuse_open_folders(configuration)
    create_sqlite_file(configuration.database_url)
    with connected(configuration.database_url) as engine:
        with engine.connect() as connection:
            if schema.current_version(connection) is None:  # an old store is left alone
                require_encoding(connection)
        schema.upgrade(engine, last=audit.upgrade_noted(configuration.operator))
        return _complete(engine, configuration)


def unsuitable_encoding(connection: Connection) -> str | None:
    """The encoding of a database if it is not UTF-8, which can hold all names; else None."""
    if connection.dialect.name != "postgresql":
        return None
    encoding = connection.execute(text("SHOW server_encoding")).scalar_one()
    return None if encoding == "UTF8" else str(encoding)


def require_encoding(connection: Connection) -> None:
    """Require that the database can hold every name.

    Raises:
        Refused: it cannot.
    """
    if encoding := unsuitable_encoding(connection):
        name = connection.engine.url.database
        raise Refused(
            f"the database {name} has the encoding {encoding}, which cannot hold every name",
            f"Make another one: createdb --encoding=UTF8 --template=template0 {name}_utf8",
        )


def _complete(engine: Engine, configuration: Configuration) -> bool:
    with Session(engine) as session:
        if session.scalar(select(StoreRevisionRow.number)) is not None:
            _require_key(configuration)
            return False
        create_key_file(configuration.key_file)
        session.add(_first_revision(load_trusted_keys(configuration)))
        session.commit()
    return True


def _require_key(configuration: Configuration) -> None:
    if not configuration.key_file.exists():
        raise KeyUnusable(
            f"there is a store already, but not its key file {configuration.key_file}",
            "Bring the key file back; for a new store choose another NEXIO_HOME.",
        )
    load_trusted_keys(configuration)


def _first_revision(keyring: Keyring) -> StoreRevisionRow:
    signing_key = base64.b64encode(secrets.token_bytes(32)).decode()
    return StoreRevisionRow(
        id=1,
        number=0,
        oldest=0,
        epoch=secrets.token_hex(16),
        key_id=keyring.active,
        signing_key_sealed=keyring.seal(signing_key, SIGNING_KEY),
    )
