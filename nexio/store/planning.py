"""How PostgreSQL plans what a desk asks."""

from __future__ import annotations

from sqlalchemy import func, select
from sqlalchemy.orm import Session


def prefer_indexes(session: Session) -> None:
    """Let PostgreSQL take an index until the transaction ends, however many rows it expects.

    PostgreSQL treats columns as independent.  Where one location has a million visits to come and
    another one only past visits, it expects many to come at the second one too, and reads all
    visits of both.  SQLite takes the index anyway.
    """
    connection = session.connection()
    if connection.dialect.name == "postgresql":
        names = ("enable_seqscan", "jit")
        until_the_end = True  # of the transaction
        connection.execute(select(*(func.set_config(name, "off", until_the_end) for name in names)))
