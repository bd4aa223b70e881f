"""When a visitor is expected, as an operator says it (R20).

A text is taken apart into a time on the clock and the words for a day; each is read on its
own, and the zone of the location makes an instant of the two.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

from nexio.calendar_days import LONGEST_TEXT, find_day, is_weekday, refuse_far_year, words_for_day
from nexio.clock_times import ClockTime, find_clock_time, find_zone_name
from nexio.durations import parse_duration
from nexio.errors import InvalidValue
from nexio.names import quoted
from nexio.zones import instants_of, iso, local_date, show

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

_EXAMPLES = 'Write it like "tomorrow 14:00", "20 Nov 2026 14:00" or "2026-11-20 14:00".'


def parse_arrival(text: str, now: datetime, zone: ZoneInfo) -> datetime:
    """Read when a visitor is expected.

    Our own words first (``now``, ``today 14:00``, ``tomorrow 9am``, ``monday 10:30``,
    ``+2h``, a time alone), then ISO 8601 or a date with the month by name.  An offset may
    follow any time; without one the time is the zone's.

    Args:
        text: what was typed; case and blanks are forgiven.
        now: the aware present; ``now`` and ``+2h`` are rounded down to the minute.
        zone: the zone of the location.

    Returns:
        An aware instant in UTC, a whole minute.  It may be in the past.

    Raises:
        InvalidValue: unreadable, no time, another order of day and month possible, no
            such day or time, a time that does not exist or occurs twice at a clock
            change, or a year outside 2000 to 2100.

    Rule: R20.
    """
    said = " ".join(text.lower().split())
    if said == "now":
        return _whole_minute(now)
    if said.startswith("+"):
        return _whole_minute(now) + _length(text, said)
    if not said or len(said) > LONGEST_TEXT:
        raise _unreadable(text, said)
    today = local_date(now, zone)
    clock = find_clock_time(said, text)
    if clock is None:
        raise _without_time(text, said, today)
    day = find_day(clock.day or "today", text, today, _EXAMPLES)
    if day is None:
        raise _unreadable(text, said)
    # A weekday is the coming one: today counts while the time has not passed.
    if day == today and is_weekday(clock.day) and _passed(day, clock, now, zone):
        day += timedelta(days=7)
    return _instant(day, clock, zone)


def _whole_minute(now: datetime) -> datetime:
    return now.astimezone(UTC).replace(second=0, microsecond=0)


def _length(text: str, said: str) -> timedelta:
    try:
        return parse_duration(said.removeprefix("+"))
    except InvalidValue as error:
        raise InvalidValue(f"{quoted(text)} cannot be read: {error}", error.advice) from error


def _passed(day: date, clock: ClockTime, now: datetime, zone: ZoneInfo) -> bool:
    return max(_readings(day, clock, zone)) < _whole_minute(now)


def _readings(day: date, clock: ClockTime, zone: ZoneInfo) -> tuple[datetime, datetime]:
    local = datetime.combine(day, clock.time)
    if clock.offset is None:
        return instants_of(local, zone)
    instant = local.replace(tzinfo=clock.offset).astimezone(UTC)
    return instant, instant


def _instant(day: date, clock: ClockTime, zone: ZoneInfo) -> datetime:
    # Checked first: next to the ends of Python's calendar an offset overflows.
    refuse_far_year(day, "An arrival")
    first, second = _readings(day, clock, zone)
    if first == second:
        return first
    what = "occurs twice" if first < second else "does not exist"
    early, late = sorted((first, second))
    raise InvalidValue(
        f"{clock.time:%H:%M} on {words_for_day(day)} {what} in {zone.key}, where the clocks change:"
        f" {show(early, zone)} or {show(late, zone)}",
        f"Give the offset: {iso(early, zone)} or {iso(late, zone)}.",
    )


def _without_time(text: str, said: str, today: date) -> InvalidValue:
    words = said.removeprefix("at ").removeprefix("on ")
    # A day that cannot be read is the better thing to say.
    if find_day(words, text, today, _EXAMPLES) is None:
        return _unreadable(text, said)
    return InvalidValue(
        f"{quoted(text)} has no time", f"Add the time: {quoted(text.strip() + ' 14:00')}."
    )


def _unreadable(text: str, said: str) -> InvalidValue:
    if not said:
        return InvalidValue("The arrival is empty", _EXAMPLES)
    name = find_zone_name(said[:LONGEST_TEXT])
    if name is not None:
        return InvalidValue(
            f"{quoted(text)} cannot be read: {quoted(name)} is no day and no offset",
            'Give a time zone as its offset: "2026-11-20 14:00 +01:00".',
        )
    return InvalidValue(f"{quoted(text)} cannot be read as an arrival", _EXAMPLES)
