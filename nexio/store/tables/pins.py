"""The PINs that are live, and how many there are on a day."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from nexio.store.tables.locations import LocationRow
from nexio.store.tables.row import Row
from nexio.store.tables.visits import MemberRow, VisitRow


class PinRow(Row):
    """A PIN that is live at a location (R7); ``digest`` is its blind index."""

    __tablename__ = "pin"
    __table_args__ = (
        UniqueConstraint("location_id", "digest"),
        CheckConstraint("(visit_id IS NULL) <> (member_id IS NULL)", name="one_owner"),
        CheckConstraint(
            "(member_id IS NOT NULL) = (free_at IS NULL)", name="members_keep_their_pin"
        ),
        CheckConstraint("length BETWEEN 5 AND 10", name="length"),
        Index(None, "location_id", "free_at"),
        Index(None, "location_id", "length"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    location_id: Mapped[int] = mapped_column(ForeignKey(LocationRow.id))
    digest: Mapped[bytes]
    length: Mapped[int]
    visit_id: Mapped[int | None] = mapped_column(ForeignKey(VisitRow.id), unique=True)
    member_id: Mapped[int | None] = mapped_column(ForeignKey(MemberRow.id), unique=True)
    free_at: Mapped[datetime | None]


class PinDayRow(Row):
    """How many PINs of a length a guest could log in or check in with on a local day.

    The length of new PINs follows from it (see ``nexio/reception/pin_days.py``).
    """

    __tablename__ = "pin_day"
    __table_args__ = (
        CheckConstraint("length BETWEEN 5 AND 10", name="length"),
        CheckConstraint("pins >= 0", name="pins"),
    )

    location_id: Mapped[int] = mapped_column(ForeignKey(LocationRow.id), primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    length: Mapped[int] = mapped_column(primary_key=True)
    pins: Mapped[int]
