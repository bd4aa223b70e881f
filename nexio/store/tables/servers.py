"""The tables of RADIUS servers: their decisions, and their messages to each other."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from nexio.store.tables.row import Row, index_where


class AuthEventRow(Row):
    """One decision of a RADIUS server.

    ``visit_id`` and ``location_id`` have no foreign key: a decision that waited in a spool is
    stored even if its visit or location is gone by then.
    """

    __tablename__ = "auth_event"
    __table_args__ = (
        CheckConstraint("outcome IN ('accept', 'reject')", name="outcome"),
        # A random unique number for each row would cost more than all other columns, and an index
        # by visit as much as all the rest (``python -m benchmarks.recording``).
        index_where("record_id IS NOT NULL", "ux_auth_event_record_id", "record_id", unique=True),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    record_id: Mapped[str | None] = mapped_column(String(32))
    """Identifies a decision of an older version everywhere."""

    at: Mapped[datetime] = mapped_column(index=True)
    user_name: Mapped[str]
    device: Mapped[str | None]
    nas: Mapped[str]
    location_id: Mapped[int | None]
    visit_id: Mapped[int | None]
    outcome: Mapped[str]
    reason: Mapped[str]
    latency_us: Mapped[int]
    server_id: Mapped[int | None]
    """The server that decided it; None for a decision of an older version."""


class EventBatchRow(Row):
    """A batch of decisions in ``auth_event``, as long as its server may send it again."""

    __tablename__ = "event_batch"

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    at: Mapped[datetime]


class GuardActRow(Row):
    """A server's message to the others about guesses (see ``nexio/network/guard_acts.py``)."""

    __tablename__ = "guard_act"
    __table_args__ = {"sqlite_autoincrement": True}  # noqa: RUF012 (SQLAlchemy reads this name)

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(16))
    at: Mapped[datetime] = mapped_column(index=True)
    writer: Mapped[str] = mapped_column(String(32))
    serial: Mapped[int] = mapped_column(BigInteger)
    host: Mapped[str]
    location_id: Mapped[int | None]
    visit_id: Mapped[int | None]
    device: Mapped[str]
    nas: Mapped[str]
    cost: Mapped[float]
    chance: Mapped[float]


class ServerRow(Row):
    """A server that follows the store, with its last report.

    ``seen_at`` is by the clock of the database; the other values are of that moment.  A server that
    restarts at the same place is the same server.
    """

    __tablename__ = "server"
    __table_args__ = (
        UniqueConstraint("kind", "host", "place", name="uq_server_place"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(16))
    host: Mapped[str]
    place: Mapped[str]
    """Its place on the host: a port, or the folder of its data."""

    version: Mapped[str]
    writer: Mapped[str] = mapped_column(String(32))
    """Its name in the acts of the guard, new at each start."""

    started_at: Mapped[datetime]
    seen_at: Mapped[datetime]
    stopped_at: Mapped[datetime | None]
    table_age: Mapped[float]
    """Seconds, as are the next two."""

    spool_age: Mapped[float]
    clock_off: Mapped[float | None]
    """How far its clock is ahead of the database's; None if that is the same clock."""

    requests: Mapped[float]
    """Per second."""

    spooled: Mapped[int]
