"""The day of a location on one screen: everybody once, and what went wrong."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from nexio.checkin.days import Day, day_of
from nexio.input.zones import local_day
from nexio.network.refusals import Refusal, list_refusals
from nexio.outbox.outbox import Mail, list_undelivered

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

    from nexio.locations.locations import Location
    from nexio.store.engine import Reading


@dataclass(frozen=True, slots=True, kw_only=True)
class Today:
    """What reception has to know at one moment."""

    location: Location
    at: datetime
    day: Day
    undelivered: tuple[Mail, ...]
    """Mail that failed at least once and has not gone out."""

    refusals: tuple[Refusal, ...]
    """Guests whom the Wi-Fi refused today and has not admitted since."""


def today_at(work: Reading, location: Location, no_guests: Collection[str] = ()) -> Today:
    """The day of a location as it is now.

    Args:
        work: the look at the store.
        location: which.
        no_guests: reasons of requests that are not about a guest.
    """
    morning, _ = local_day(work.now, location.zone)
    return Today(
        location=location,
        at=work.now,
        day=day_of(work, location),
        undelivered=tuple(list_undelivered(work, location)),
        refusals=tuple(list_refusals(work, location, morning, no_guests)),
    )
