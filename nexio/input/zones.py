"""Time zones: where a local day begins, and how an instant is shown.

Instants are aware and in UTC; a zone is needed only to read and to show them (R1).  The output
is English in any locale of the process, so strftime's names are not used.
"""

from __future__ import annotations

import zoneinfo
from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from importlib import resources
from typing import Final
from zoneinfo import ZoneInfo

from nexio.errors import InvalidValue
from nexio.input.names import quoted
from nexio.languages import Marked

WEEKDAYS: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
MONTHS: Final = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)

# Names that mean a different zone on every machine, or none at all.
_NOT_PLACES = frozenset({"localtime", "Factory"})
_SECOND = timedelta(seconds=1)


def get_zone(name: str) -> ZoneInfo:
    """Return the time zone of that IANA name, in any case: "Europe/London".

    Raises:
        InvalidValue: there is no such zone; the advice names close ones.
    """
    wanted = name.strip()
    # Looking up the package's own list takes a hundredth of the time of walking the system's
    # folders, which is needed only for a name that the list lacks.
    known = _packaged_zones().get(wanted.lower()) or _all_zones().get(wanted.lower())
    if known is None:
        raise InvalidValue(f"There is no time zone {quoted(name)}", _advice(wanted))
    return ZoneInfo(known)


def instants_of(local: datetime, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """Return the two instants, in UTC, that a local time without zone can mean.

    They are equal on any ordinary day.  If the time occurs twice, the earlier one comes first; if
    it does not exist, the first is later: PEP 495, read with the offset from before the clock
    change and then with the one from after it.
    """
    first, second = (local.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1))
    return first, second


def day_start(day: date, zone: ZoneInfo) -> datetime:
    """Return the instant, in UTC, at which a local day begins: its first existing one.

    Midnight that occurs twice: the first.  A day without midnight: the end of the gap.
    A date that the zone skipped altogether (Pacific/Apia, 2011-12-30): the first instant
    of the next date that exists, so that the skipped day is empty.  R15.

    Raises:
        OverflowError: the first or last date that Python knows.
    """
    first, second = instants_of(datetime.combine(day, time.min), zone)
    return first if first <= second else _first_instant_from(day, second, first, zone)


def day_end(day: date, zone: ZoneInfo) -> datetime:
    """Return the instant, in UTC, at which the next local day begins.  R15."""
    return day_start(day + timedelta(days=1), zone)


def local_day(instant: datetime, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """Return the beginning and the end of the local day that an instant is on.  R15."""
    day = local_date(instant, zone)
    return day_start(day, zone), day_end(day, zone)


def local_date(instant: datetime, zone: ZoneInfo) -> date:
    """Return the local date at that instant."""
    return instant.astimezone(zone).date()


def show(instant: datetime, zone: ZoneInfo) -> Marked:
    """Return "Fri 20 Nov 2026 09:00 +00:00", which `parse_arrival` reads back.  R1."""
    local = instant.astimezone(zone)
    day = f"{WEEKDAYS[local.weekday()][:3]} {local.day} {MONTHS[local.month - 1][:3]} {local.year}"
    shown = f"{day} {local:%H:%M} {local.isoformat(timespec='minutes')[16:22]}"
    return Marked(shown, lambda language: language.moment(instant, zone))


def show_window(start: datetime, end: datetime, zone: ZoneInfo) -> str:
    """Return "Fri 20 Nov 2026 09:00 to 10:00 +00:00", with both days if they differ.

    It has both offsets, too, if the clocks change in between.  R1.
    """
    first, last = show(start, zone), show(end, zone)
    day, clock, offset = first.rsplit(" ", 2)
    last_day, last_clock, last_offset = last.rsplit(" ", 2)
    if offset != last_offset:
        return f"{first} to {last}"
    return (
        f"{day} {clock} to {last_clock if day == last_day else f'{last_day} {last_clock}'} {offset}"
    )


def iso(instant: datetime, zone: ZoneInfo) -> str:
    """Return ISO 8601 in the zone, with offset, in whole seconds (rounded down).  R1."""
    return instant.astimezone(zone).isoformat(timespec="seconds")


def clock_time(instant: datetime, zone: ZoneInfo, now: datetime) -> str:
    """Return "09:00", or "09:00 on Monday 23 November" when that is not today.

    For messages to guests (R11), who know where they are: no offset.
    """
    local = instant.astimezone(zone)
    if local.date() == local_date(now, zone):
        return f"{local:%H:%M}"
    day = f"{WEEKDAYS[local.weekday()]} {local.day} {MONTHS[local.month - 1]}"
    return f"{local:%H:%M} on {day}"


def _first_instant_from(day: date, before: datetime, after: datetime, zone: ZoneInfo) -> datetime:
    """Return the clock change between two instants: the first at which it is `day` or later."""
    while after - before > _SECOND:
        middle = before + (after - before) // _SECOND // 2 * _SECOND
        if local_date(middle, zone) < day:
            before = middle
        else:
            after = middle
    return after


@cache
def _packaged_zones() -> Mapping[str, str]:
    return _by_lower_case(resources.files("tzdata").joinpath("zones").read_text("utf-8").split())


@cache
def _all_zones() -> Mapping[str, str]:
    return _by_lower_case(sorted(zoneinfo.available_timezones()))


def _by_lower_case(names: list[str]) -> Mapping[str, str]:
    return {name.lower(): name for name in names if name not in _NOT_PLACES}


def _advice(wanted: str) -> str:
    import difflib  # noqa: PLC0415 (slow to load and rarely needed)

    zones = _all_zones()
    # People know their city, not the continent it is filed under.
    by_city = {lower.rpartition("/")[2]: lower for lower in sorted(zones, reverse=True)}
    phrase = wanted[:40].lower().replace(" ", "_")
    city = difflib.get_close_matches(phrase.rpartition("/")[2], by_city, n=2, cutoff=0.75)
    lower = [by_city[name] for name in city] + difflib.get_close_matches(phrase, zones, n=2)
    close = [zones[name] for name in dict.fromkeys(lower)]
    if close:
        return f"Did you mean {' or '.join(close[:3])}?"
    return "Give an IANA name like Europe/London."
