"""Mark changes, so that a reader can ask for what is new and misses nothing.

Each transaction stamps the followed rows that it changes with its own random batch id, and records
those that it removes.  Its last statements lock and increment the one row of ``store_revision``,
and insert the batch under that number.  So numbers are in the order of commits, and the lock is
held only for an instant.
"""

from __future__ import annotations

import secrets

from sqlalchemy import event, text
from sqlalchemy.orm import Session, UOWTransaction

from nexio.store import tables
from nexio.store.tables import Followed

CHANNEL = "nexio_change"
"""The channel on which PostgreSQL notifies listeners, at the commit."""

_BATCH = "nexio batch"

# Plain text, since each change runs this: the ORM would take ten times as long.
_NEXT = text("UPDATE store_revision SET number = number + 1")
_NOTE = text("INSERT INTO change (number, batch) SELECT number, :batch FROM store_revision")
_ON_POSTGRESQL = text(
    "WITH next AS (UPDATE store_revision SET number = number + 1 RETURNING number),"
    " noted AS (INSERT INTO change (number, batch) SELECT number, :batch FROM next)"
    " SELECT pg_notify(:channel, CAST(number AS text)) FROM next"
)
"""Number, batch and notification in one statement: others wait for one network round trip, not
three."""


def batch_of(session: Session) -> int:
    """The batch id of this transaction (63 random bits), drawn at its first use.

    Only statements that bypass the session's rows have to write it themselves.
    """
    batch: int = session.info.setdefault(_BATCH, secrets.randbits(63))
    return batch


@event.listens_for(Session, "before_flush")
def _stamp(session: Session, context: UOWTransaction, instances: object) -> None:
    del context, instances
    # SQLAlchemy builds these sets again at each access: read each only once for many rows.
    dirty = [row for row in session.dirty if isinstance(row, Followed)]
    # Only its own columns count: a check-in does not change the visit.
    changed = [row for row in dirty if session.is_modified(row, include_collections=False)]
    for row in [*session.new, *changed]:
        if isinstance(row, Followed):
            row.batch = batch_of(session)
    for row in session.deleted:
        if isinstance(row, Followed):
            kind = type(row).__tablename__  # type: ignore[attr-defined]  # every row has one
            object_id = row.id  # type: ignore[attr-defined]
            session.add(tables.RemovedRow(kind=kind, object_id=object_id, batch=batch_of(session)))


def publish(session: Session) -> None:
    """Give this transaction's batch its number; has to be the last step before the commit."""
    session.flush()
    batch = session.info.pop(_BATCH, None)
    if batch is None:
        return
    connection = session.connection()
    if connection.dialect.name == "postgresql":
        connection.execute(_ON_POSTGRESQL, {"batch": batch, "channel": CHANNEL})
    else:
        connection.execute(_NEXT)
        connection.execute(_NOTE, {"batch": batch})
