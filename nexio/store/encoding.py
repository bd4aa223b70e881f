"""Whether a database can hold every name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import text

from nexio.errors import Refused

if TYPE_CHECKING:
    from sqlalchemy import Connection


def require_encoding(connection: Connection) -> None:
    """See that the database can hold every name.

    Raises:
        Refused: it cannot.
    """
    if encoding := poor_encoding(connection):
        name = connection.engine.url.database
        raise Refused(
            f"the database {name} has the encoding {encoding}, which cannot hold every name",
            f"Make another one: createdb --encoding=UTF8 --template=template0 {name}_utf8",
        )


def poor_encoding(connection: Connection) -> str | None:
    """The encoding of a database, where it is another one than UTF-8, in which all names fit."""
    if connection.dialect.name != "postgresql":
        return None
    encoding = connection.execute(text("SHOW server_encoding")).scalar_one()
    return None if encoding == "UTF8" else str(encoding)
