"""Tells whether the right PIN of a visit would be confirmed now, by an accept or in words (R11).

A guess can hit only such visits.  The right PIN of any other visit gets an ordinary reject.
"""

from __future__ import annotations

from datetime import timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from nexio.input.zones import day_end, day_start, local_date

if TYPE_CHECKING:
    from datetime import datetime
    from zoneinfo import ZoneInfo

    from nexio.locations.locations import Location
    from nexio.network.following import FollowedVisit

AFTERWARDS: Final = timedelta(hours=2)
"""How long after the window a right PIN is still confirmed."""

_INSTANT: Final = timedelta.resolution


def is_confirmed(visit: FollowedVisit, location: Location, now: datetime) -> bool:
    """Whether the right PIN would get an accept, or a reject in words, if the NAS admits the visit.

    Args:
        visit: whose PIN it is.
        location: of the visit.
        now: as of when.
    """
    start, end = visit.valid_from, visit.valid_until
    if start is None or end is None:  # no window: the day of the arrival
        return visit.opens_at <= now < visit.closes_at
    if start <= now and (now < end or now < end + AFTERWARDS):
        return True
    first, last = _days(start, end, location.zone)
    return first <= now < last


@lru_cache(maxsize=4096)
def _days(start: datetime, end: datetime, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """The first instant of a window's first local day, and the end of its last day."""
    return day_start(local_date(start, zone), zone), day_end(local_date(end - _INSTANT, zone), zone)
