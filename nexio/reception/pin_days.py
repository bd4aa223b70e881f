"""The days on which a PIN may be guessed, and the number of PINs on each day (R6).

A visit's PIN counts on each local day on which it logs in, checks in, or gets its own answer: the
days from the arrival to two hours after the window's end (R11, R15).  The counts have a table of
their own, so that drawing a PIN need not read all others.  A transaction that changes a count locks
the location, so that two desks count each other's PINs.

A PIN that was drawn for today still counts when its visit is deleted, revoked or moved away:
somebody may have guessed at it.  A member's PIN logs nobody in, and counts on no day.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo

from sqlalchemy import Date, bindparam, select, text

from nexio.input.zones import local_date
from nexio.keys.keyring import Keyring
from nexio.locations.locations import Location, location_of, lock_location
from nexio.reception.guessing_limits import chance_of
from nexio.store import tables
from nexio.store.engine import Reading, Writing

WORDS_AFTER_THE_END = timedelta(hours=2)
"""R11: how long after the end of a window the right PIN still gets the answer that it has ended."""

_INSTANT = timedelta(microseconds=1)

_PINS = select(tables.PinDayRow.day, tables.PinDayRow.length, tables.PinDayRow.pins).where(
    tables.PinDayRow.location_id == bindparam("location"),
    tables.PinDayRow.day.in_(bindparam("days", expanding=True)),
)

# Not below zero: after a change of a location's time zone its days differ.
_COUNT = text(
    "INSERT INTO pin_day (location_id, day, length, pins) VALUES (:location, :day, :length, :new)"
    " ON CONFLICT (location_id, day, length) DO UPDATE"
    " SET pins = CASE WHEN pin_day.pins + :by > 0 THEN pin_day.pins + :by ELSE 0 END"
).bindparams(bindparam("day", type_=Date))


class Times(Protocol):
    """The period in which a visit is open."""

    @property
    def opens_at(self) -> datetime:
        """From then on the PIN can check in."""

    @property
    def closes_at(self) -> datetime:
        """From then on the PIN is free."""


class Window(Protocol):
    """The window in which a token is valid."""

    @property
    def valid_from(self) -> datetime | None:
        """None before a check-in opens it (R16)."""

    @property
    def valid_until(self) -> datetime | None:
        """None before a check-in opens it, too."""

    @property
    def duration(self) -> timedelta:
        """Counted from the arrival or the check-in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FullestDay:
    """The day on which guessing at a location is most likely to succeed."""

    day: date
    chance: float
    pins: int


def days_of(visit: tables.VisitRow) -> list[date]:
    """The local days on which the visit's PIN counts."""
    return days_between(visit, visit.token, location_of(visit.location).zone)


def days_between(visit: Times, token: Window | None, zone: ZoneInfo) -> list[date]:
    """:func:`days_of` for a visit and a token that may not be in the store yet.

    If the first check-in opens the window (R16), the days up to its latest possible end.
    """
    opens_at = visit.opens_at
    if token is not None and token.valid_from is not None:
        opens_at = min(opens_at, token.valid_from)
    first = local_date(opens_at, zone)
    last = local_date(_end(visit, token) - _INSTANT, zone)
    return [first + timedelta(days=number) for number in range((last - first).days + 1)]


def pins_of_days(work: Reading, location: Location, days: Collection[date]) -> list[Counter[int]]:
    """The number of PINs by digits on each of some days."""
    counts = {day: Counter[int]() for day in days}
    named = {"location": location.id, "days": list(days)}
    for day, length, pins in work.session.connection().execute(_PINS, named):
        counts[day][length] = pins
    return list(counts.values())


def count_pin(
    work: Writing, location: Location, days: Collection[date], digits: int, by: int = 1
) -> None:
    """Add a PIN to the counts of some days, or remove it with ``by=-1``; the location is locked."""
    count_pins(work, location, dict.fromkeys(((day, digits) for day in days), by))


def count_pins(work: Writing, location: Location, counts: Mapping[tuple[date, int], int]) -> None:
    """Add PINs to the counts, by days and digits; the location is locked."""
    if counts:
        work.session.connection().execute(
            _COUNT,
            [
                {"location": location.id, "day": day, "length": length, "by": by, "new": max(0, by)}
                for (day, length), by in sorted(counts.items())
            ],
        )


@contextmanager
def recounting(work: Writing, visit: tables.VisitRow) -> Iterator[None]:
    """Update the counts for a change of a visit's days, made within the block.

    The PIN stays even if it is short for its new days: that is what the fifth of the bound is for
    that drawing does not use.
    """
    before = set(days_of(visit))
    yield
    after = set(days_of(visit))
    if before == after:
        return
    location = lock_location(work, location_of(visit.location))
    today = local_date(work.now, location.zone)
    new = sorted(day for day in after - before if day >= today)  # nobody draws for past days
    count_pin(work, location, new, pin_digits(visit))
    left = sorted(day for day in before - after if day > today)
    count_pin(work, location, left, pin_digits(visit), by=-1)


def stop_counting(work: Writing, visit: tables.VisitRow) -> None:
    """Remove a deleted visit's PIN from the counts, from the day when no server knows it."""
    location = lock_location(work, location_of(visit.location))
    unknown = days_after_deletion(work, visit, location.zone)
    count_pin(work, location, unknown, pin_digits(visit), by=-1)


def days_after_deletion(work: Reading, visit: tables.VisitRow, zone: ZoneInfo) -> list[date]:
    """The days of a visit on which no server would know it if it were deleted now."""
    from nexio.network.following import Horizon  # noqa: PLC0415 (rarely needed)

    known = local_date(work.now + Horizon().past, zone)
    return [day for day in days_between(visit, visit.token, zone) if day > known]


def fullest_day(
    work: Reading, location: Location, days: Iterable[date] | None = None
) -> FullestDay | None:
    """The day, of given ones or from today on, with the greatest chance; None if no PIN counts."""
    today = local_date(work.now, location.zone)
    found = select(tables.PinDayRow).where(
        tables.PinDayRow.location_id == location.id,
        tables.PinDayRow.day >= today,
        tables.PinDayRow.pins > 0,
    )
    counts: dict[date, Counter[int]] = {}
    for row in work.session.scalars(found):
        counts.setdefault(row.day, Counter())[row.length] = row.pins
    if days is not None:
        counts = {day: counts[day] for day in days if day in counts}
    if not counts:
        return None
    day = max(counts, key=lambda day: (chance_of(counts[day]), -day.toordinal()))
    return FullestDay(day=day, chance=chance_of(counts[day]), pins=counts[day].total())


def pin_digits(visit: tables.VisitRow) -> int:
    """The number of digits of a visit's PIN, without decrypting it."""
    return len(visit.pin_sealed) - Keyring.sealed_length(0)


def _end(visit: Times, token: Window | None) -> datetime:
    if token is None:
        return visit.closes_at
    if token.valid_until is None:
        return visit.closes_at + token.duration + WORDS_AFTER_THE_END
    return max(visit.closes_at, token.valid_until + WORDS_AFTER_THE_END)
