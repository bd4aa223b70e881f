"""Tablets at doors, browsers at reception."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from nexio.store.tables.locations import LocationRow
from nexio.store.tables.row import Row


class TabletRow(Row):
    """A tablet at the door of a location (see ``nexio/checkin/tablets.py``).

    After the desk pairs it and until the tablet answers, it has the ``code`` on its screen; from
    then on the digest of its credential.
    """

    __tablename__ = "tablet"
    __table_args__ = (
        CheckConstraint("(code IS NULL) <> (credential_digest IS NULL)", name="waits_or_paired"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    location_id: Mapped[int] = mapped_column(ForeignKey(LocationRow.id), index=True)
    name: Mapped[str]
    name_key: Mapped[str] = mapped_column(unique=True)
    code: Mapped[str | None] = mapped_column(unique=True)
    credential_digest: Mapped[bytes | None] = mapped_column(unique=True)
    paired_at: Mapped[datetime]
    seen_at: Mapped[datetime | None]
    seen_from: Mapped[str | None]

    location: Mapped[LocationRow] = relationship(lazy="joined", innerjoin=True)


class DeskRow(Row):
    """A browser of reception (see ``nexio/checkin/desks.py``).

    It has the digest of its link until somebody opens that, from then on that of its credential.
    """

    __tablename__ = "desk"
    __table_args__ = (
        CheckConstraint(
            "(link_digest IS NULL) <> (credential_digest IS NULL)", name="link_or_open"
        ),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    location_id: Mapped[int] = mapped_column(ForeignKey(LocationRow.id), index=True)
    name: Mapped[str]
    name_key: Mapped[str] = mapped_column(unique=True)
    link_digest: Mapped[bytes | None] = mapped_column(unique=True)
    credential_digest: Mapped[bytes | None] = mapped_column(unique=True)
    linked_at: Mapped[datetime]
    seen_at: Mapped[datetime]
    seen_from: Mapped[str | None]

    location: Mapped[LocationRow] = relationship(lazy="joined", innerjoin=True)


class OfflineTapRow(Row):
    """A tap that a tablet has delivered (see ``nexio/checkin/offline_taps.py``).

    ``tap_id`` is the tablet's id for it. If ``why`` is set, it was not applied: reception looks at
    it and resolves it. It outlives its tablet and its visit.
    """

    __tablename__ = "offline_tap"
    __table_args__ = ({"sqlite_autoincrement": True},)

    id: Mapped[int] = mapped_column(primary_key=True)
    tap_id: Mapped[str] = mapped_column(String(32), unique=True)
    tablet: Mapped[str]
    location_id: Mapped[int] = mapped_column(ForeignKey(LocationRow.id), index=True)
    visit_id: Mapped[int | None]
    at: Mapped[datetime | None]
    delivered_at: Mapped[datetime]
    why: Mapped[str | None]
    settled_at: Mapped[datetime | None]

    location: Mapped[LocationRow] = relationship(lazy="joined", innerjoin=True)
