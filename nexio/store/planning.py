"""How PostgreSQL plans what a desk asks."""

from __future__ import annotations

from sqlalchemy import func, select
from sqlalchemy.orm import Session


def prefer_indexes(session: Session) -> None:
    """Let PostgreSQL take an index until the transaction ends, however many rows it expects.

    It takes columns to be independent.  Where one location has a million visits to come and
    another one only those of years ago, it expects many to come there as well, and would read all
    visits of both.  SQLite takes the index anyway.
    """
    connection = session.connection()
    if connection.dialect.name == "postgresql":
        off = (func.set_config(name, "off", True) for name in ("enable_seqscan", "jit"))  # noqa: FBT003 - of the transaction
        connection.execute(select(*off))
