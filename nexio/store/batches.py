"""How changes are marked, so that a reader can ask for what is new and misses nothing.

Each transaction stamps the followed rows that it changes with its own random batch id, and
notes those that it removes.  As its last statements it locks and increments the one row of
``store_revision`` and inserts the batch under that number.  So the order of numbers is the
order of commits, and the lock is held for an instant only.
"""

from __future__ import annotations

import secrets

from sqlalchemy import event, text
from sqlalchemy.orm import Session, UOWTransaction

from nexio.store import tables
from nexio.store.tables import Followed

CHANNEL = "nexio_change"
"""Where PostgreSQL calls those who listen, at the commit."""

_BATCH = "nexio batch"

# As plain text, since each change does this: the mapping would take ten times as long.
_NEXT = text("UPDATE store_revision SET number = number + 1")
_NOTE = text("INSERT INTO change (number, batch) SELECT number, :batch FROM store_revision")
_ON_POSTGRESQL = text(
    "WITH next AS (UPDATE store_revision SET number = number + 1 RETURNING number),"
    " noted AS (INSERT INTO change (number, batch) SELECT number, :batch FROM next)"
    " SELECT pg_notify(:channel, CAST(number AS text)) FROM next"
)
"""All of it and the call at once: others wait for one round over the network, and not for three."""


def batch_of(session: Session) -> int:
    """The batch id of this transaction (63 random bits), drawn at its first use.

    Only statements that bypass the session's rows need to write it themselves.
    """
    batch: int = session.info.setdefault(_BATCH, secrets.randbits(63))
    return batch


@event.listens_for(Session, "before_flush")
def _stamp(session: Session, context: UOWTransaction, instances: object) -> None:
    del context, instances
    # SQLAlchemy makes each of these sets anew whenever it is asked: once has to do for many rows.
    dirty = [row for row in session.dirty if isinstance(row, Followed)]
    # Its own columns: a visit is not another one because somebody has checked in.
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
    """Give this transaction's batch its number; the last thing before the commit."""
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
