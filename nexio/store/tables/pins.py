"""The table of live PINs."""

from __future__ import annotations

from datetime import datetime

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
