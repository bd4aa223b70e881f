"""The cut-off at the end of the day, which checks out everybody who is still in.

It is computed from the time; the check-outs are written to the store later.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import select

from nexio.checkin.taps import Method
from nexio.input.zones import day_end, instants_of, local_date
from nexio.locations.locations import Location
from nexio.store.engine import Writing
from nexio.store.tables import CheckInRow


def next_cut_off(location: Location, now: datetime) -> datetime:
    """The first cut-off after an instant, on the clock of the location."""
    zone, clock = location.zone, location.settings.cut_off
    day = local_date(now, zone)
    if clock.hour == clock.minute == 0:
        return day_end(day, zone)
    for date in (day, local_date(day_end(day, zone), zone)):
        cut_off, _ = instants_of(datetime.combine(date, clock), zone)
        if cut_off > now:
            return cut_off
    return day_end(day, zone) + timedelta(days=1)


def write_cut_offs(work: Writing, most: int | None = None) -> int:
    """Write the check-outs that cut-offs have made into the store; nothing depends on it.

    Args:
        work: the transaction.
        most: the limit for this transaction; None is all.

    Returns:
        The number of check-outs.
    """
    late = select(CheckInRow).where(CheckInRow.out_at.is_(None), CheckInRow.cut_off_at <= work.now)
    overdue = work.session.scalars(late.limit(most)).all()
    for stay in overdue:
        close_overdue(stay)
    return len(overdue)


def close_overdue(stay: CheckInRow) -> None:
    """Write the cut-off of a stay that is over but still open in the store."""
    stay.out_at, stay.out_method = stay.cut_off_at, Method.CUT_OFF.value
