"""The table of PIN counts per day."""

from __future__ import annotations

from datetime import date

from sqlalchemy import CheckConstraint, ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from nexio.store.tables.locations import LocationRow
from nexio.store.tables.row import Row


class PinDayRow(Row):
    """The number of PINs of a length that can log in or check in on a local day.

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
