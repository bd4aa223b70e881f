"""Influence how PostgreSQL plans the queries of a desk."""

from __future__ import annotations

from sqlalchemy import func, select
from sqlalchemy.orm import Session


def prefer_indexes(session: Session) -> None:
    """Make PostgreSQL use an index until the transaction ends, however many rows it expects.

    PostgreSQL treats columns as independent.  If one location has a million visits to come and
    another only past visits, it expects many at the second one too, and reads all visits of both.
    SQLite uses the index anyway.
    """
    connection = session.connection()
    if connection.dialect.name == "postgresql":
        names = ("enable_seqscan", "jit")
        until_the_end = True  # of the transaction
        connection.execute(select(*(func.set_config(name, "off", until_the_end) for name in names)))
