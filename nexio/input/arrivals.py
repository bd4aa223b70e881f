"""Parses when a visitor is expected, as an operator types it (R20).

A text is split into a time of day and the words for a day; each is parsed by itself, and the zone
of the location turns both into an instant.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from nexio.errors import InvalidValue
from nexio.input.calendar_days import (
    LONGEST_TEXT,
    find_day,
    is_weekday,
    quoted_examples,
    refuse_far_year,
    words_for_day,
    written_like,
)
from nexio.input.clock_ranges import split_range
from nexio.input.clock_times import ClockTime, find_clock_time, find_zone_name
from nexio.input.durations import LONGEST, parse_duration
from nexio.input.names import quoted
from nexio.input.spoken_times import as_a_length, as_on_a_clock, two_readings
from nexio.input.zones import instants_of, iso, local_date, show
from nexio.languages import Marked, any_of, mark

FAR = timedelta(days=90)
"""Beyond this, a date without a year may be a mistake: "nov 23" on 24 November."""

_RELATIVE = re.compile(r"today|.*tomorrow|in \d.*", re.ASCII)
_YEAR = re.compile(r"\d{4}|\d[-/.]\d+[-/.]\d|^in ", re.ASCII)
_ARRIVAL = mark("arrival")
_TWICE = mark("%(time)s on %(day)s occurs twice in %(zone)s, where the clocks change: %(readings)s")
_NEVER = mark(
    "%(time)s on %(day)s does not exist in %(zone)s, where the clocks change: %(readings)s"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """When a visitor is expected."""

    arrival: datetime
    """An aware instant in UTC, a whole minute.  It may be in the past."""

    until: datetime | None
    """The end of a range, after the arrival; None if only the arrival was given."""

    is_far: bool
    """Whether no year was given and the arrival is so far away that another year is likely."""


@lru_cache(maxsize=1024)  # the rows of a file have few different texts
def parse_expected(text: str, now: datetime, zone: ZoneInfo) -> Expected:
    """Read when a visitor is expected, and until when if that is given.

    Own words are tried first (``now``, ``today 14:00``, ``tomorrow at 9``, ``next monday 10:30``,
    ``in 2 hours``, ``noon``, a time alone), then ISO 8601 or a date with the month by name or
    in numbers.  An offset may follow any time; without one the time is the zone's.
    ``9:30-10:30`` is a range.

    Args:
        text: what was typed; upper or lower case and extra blanks make no difference.
        now: the aware present; ``now`` and ``+2h`` are rounded down to the minute.
        zone: the zone of the location.

    Raises:
        InvalidValue: unreadable, no time, ambiguous, no such day or time, a time that does
            not exist or occurs twice at a clock change, a year outside 2000 to 2100, or an end
            that is not after the arrival or later than :data:`LONGEST` after it.

    Rule: R20.
    """
    phrase = _phrase(text)
    if phrase == "now":
        return Expected(arrival=_whole_minute(now), until=None, is_far=False)
    if phrase.startswith("+"):
        arrival = _whole_minute(now) + _length(text, phrase)
        return Expected(arrival=arrival, until=None, is_far=False)
    today = local_date(now, zone)
    if not phrase or len(phrase) > LONGEST_TEXT:
        raise _unreadable(text, phrase, today)
    plain = as_on_a_clock(phrase, text)
    times = split_range(plain, text)
    first, last = times or (plain, None)
    start = find_clock_time(first, text)
    end = None if last is None else find_clock_time(last, text)
    if start is None or (last is not None and end is None):
        raise _without_time(text, plain, today, lambda typed: _lies_ahead(typed, now, zone))
    if end is not None:
        start, end = _shared(start, end)
    day = _day(start.day or "today", text, phrase, today)
    # A weekday is the next one: today counts until the time has passed.
    if day == today and is_weekday(start.day) and _passed(day, start, now, zone):
        day += timedelta(days=7)
    arrival = _instant(day, start, zone)
    if "midnight" in phrase and times is None:
        arrival = _midnight(arrival, text, now, zone)
    is_far = arrival - now > FAR and _YEAR.search(start.day) is None
    until = None if end is None else _end(end, text, day, today, zone)
    if until is not None:
        later = show(same_time_after(arrival, until, zone), zone)
        check_end(arrival, until, zone, f"{show(arrival, zone)} to {later}")
    return Expected(arrival=arrival, until=until, is_far=is_far)


def parse_arrival(text: str, now: datetime, zone: ZoneInfo) -> datetime:
    """Read one moment as :func:`parse_expected` does.

    Raises:
        InvalidValue: as for that function, or it is a range.
    """
    expected = parse_expected(text, now, zone)
    if expected.until is not None:
        raise InvalidValue(f"{quoted(text)} names two times", "Give one.")
    return expected.arrival


def parse_until(text: str, start: datetime, now: datetime, zone: ZoneInfo) -> datetime:
    """Read the end of something whose start is known.

    A time alone is on the day of the start; a weekday or a date without a year is the first
    one from that day on.

    Args:
        text: what was typed.
        start: the end has to be after it.
        now: "today" and "tomorrow" are relative to it.
        zone: the zone of the location.

    Raises:
        InvalidValue: as :func:`parse_expected`, which documents what an end may be.

    Rule: R20.
    """
    until = parse_end(text, start, now, zone)
    check_end(start, until, zone, show(same_time_after(start, until, zone), zone))
    return until


def parse_end(text: str, first: datetime, now: datetime, zone: ZoneInfo) -> datetime:
    """Read an end without comparing it to a start: on the day of ``first`` or a later one.

    Raises:
        InvalidValue: it cannot be read.
    """
    phrase, today, after = _phrase(text), local_date(now, zone), max(first, now)
    if not phrase or len(phrase) > LONGEST_TEXT:
        raise _unreadable(text, phrase, today, "end")
    if phrase != "now" and not phrase.startswith("+"):
        phrase = as_on_a_clock(phrase, text)
    if phrase == "now" or phrase.startswith("+") or split_range(phrase, text):
        date = quoted_examples(today, " 18:00")[0]
        raise InvalidValue(
            f"{quoted(text)} names no end", written_like('"19:00"', '"friday 18:00"', date)
        )
    clock = find_clock_time(phrase, text)
    if clock is None:
        raise _without_time(
            text, phrase, today, lambda typed: parse_end(typed, first, now, zone) > after
        )
    end = _end(clock, text, local_date(first, zone), today, zone)
    return _midnight(end, text, first, zone) if "midnight" in text.lower() else end


def check_end(start: datetime, until: datetime, zone: ZoneInfo, instead: str) -> None:
    """Check an end against its start.

    Args:
        start: when it begins.
        until: when it ends.
        zone: the zone of the location.
        instead: what to type if the day of the end is missing.

    Raises:
        InvalidValue: it is not later, or more than :data:`LONGEST` later.
    """
    if until <= start:
        raise InvalidValue(
            mark(
                "the end %(end)s is not after the start %(start)s",
                end=show(until, zone),
                start=show(start, zone),
            ),
            mark('Say the day of the end, too: "%(instead)s".', instead=str(instead)),
        )
    if until - start > LONGEST:
        raise InvalidValue(
            mark(
                "the end %(end)s is more than %(number)d days after the start",
                end=show(until, zone),
                number=LONGEST.days,
            ),
            mark("A duration is 1 minute to 30 days."),
        )


def same_time_after(start: datetime, until: datetime, zone: ZoneInfo) -> datetime:
    """The first moment after the start with the same time of day as the end.

    If a clock change makes that time missing or ambiguous, it is the first reading after the
    start.
    """
    day, clock = local_date(start, zone), until.astimezone(zone).time()
    readings = (
        reading
        for days in range(3)
        for reading in sorted(instants_of(datetime.combine(day + timedelta(days), clock), zone))
    )
    return next(reading for reading in readings if reading > start)


def _lies_ahead(text: str, now: datetime, zone: ZoneInfo) -> bool:
    expected = parse_expected(text, now, zone)
    return expected.arrival > now and not expected.is_far


def _shared(start: ClockTime, end: ClockTime) -> tuple[ClockTime, ClockTime]:
    """Apply what was given once to both times: a day after both times, and an offset."""
    offset = end.offset if start.offset is None else start.offset
    day = end.day if end.day_follows and not start.day else start.day
    end_day = "" if end.day_follows and not start.day else end.day
    return (
        replace(start, offset=offset, day=day),
        replace(end, offset=end.offset or offset, day=end_day),
    )


def _phrase(text: str) -> str:
    phrase = " ".join(text.lower().split())
    return as_a_length(phrase) if len(phrase) <= LONGEST_TEXT else phrase


def _midnight(begin: datetime, text: str, after: datetime, zone: ZoneInfo) -> datetime:
    """Return the midnight that is meant: the beginning of the day or its end.

    Raises:
        InvalidValue: both are still to come.
    """
    end = same_time_after(begin, begin, zone)
    if begin <= after:
        return end
    raise two_readings(text, [show(begin, zone), show(end, zone)])


def _examples(today: date) -> Marked:
    return written_like('"tomorrow 14:00"', *quoted_examples(today, " 14:00"))


def _day(words: str, text: str, phrase: str, today: date) -> date:
    day = find_day(words, text, today, _examples(today))
    if day is None:
        raise _unreadable(text, phrase, today)
    return day


def _end(clock: ClockTime, text: str, first: date, today: date, zone: ZoneInfo) -> datetime:
    """An end on a day from ``first`` on; "today" and "tomorrow" are relative to now."""
    if clock.day:
        first = _day(clock.day, text, text, today if _RELATIVE.fullmatch(clock.day) else first)
    return _instant(first, clock, zone)


def _whole_minute(now: datetime) -> datetime:
    return now.astimezone(UTC).replace(second=0, microsecond=0)


def _length(text: str, phrase: str) -> timedelta:
    try:
        return parse_duration(phrase.removeprefix("+"))
    except InvalidValue as error:
        message = mark("%(text)s cannot be read: %(why)s", text=quoted(text), why=error.message)
        raise InvalidValue(message, error.advice) from error


def _passed(day: date, clock: ClockTime, now: datetime, zone: ZoneInfo) -> bool:
    return max(_readings(day, clock, zone)) < _whole_minute(now)


def _readings(day: date, clock: ClockTime, zone: ZoneInfo) -> tuple[datetime, datetime]:
    local = datetime.combine(day, clock.time)
    if clock.offset is None:
        return instants_of(local, zone)
    instant = local.replace(tzinfo=clock.offset).astimezone(UTC)
    return instant, instant


def _instant(day: date, clock: ClockTime, zone: ZoneInfo) -> datetime:
    # Checked first: an offset overflows near the ends of Python's calendar.
    refuse_far_year(day, mark("An arrival"))
    first, second = _readings(day, clock, zone)
    if first == second:
        return first
    early, late = sorted((first, second))
    what, at = _TWICE if first < second else _NEVER, f"{clock.time:%H:%M}"
    raise InvalidValue(
        mark(
            what,
            time=at,
            day=words_for_day(day),
            zone=zone.key,
            readings=any_of([show(early, zone), show(late, zone)]),
        ),
        mark("Give the offset: %(texts)s.", texts=any_of([iso(early, zone), iso(late, zone)])),
    )


def _without_time(
    text: str, phrase: str, today: date, is_good: Callable[[str], bool]
) -> InvalidValue:
    """The error for a day without a time; it proposes the text with a time that is accepted."""
    words = phrase.removeprefix("at ").removeprefix("on ")
    # If the day cannot be read, that is the more helpful message.
    day = find_day(words, text, today, _examples(today))
    if day is None:
        return _unreadable(text, phrase, today)
    advice = _examples(today)
    if _is_taken(f"{text.strip()} 14:00", is_good):
        advice = mark("Add the time: %(text)s.", text=quoted(f"{text.strip()} 14:00"))
    elif _is_taken(f"{text.strip()} 23:59", is_good):
        advice = mark("Add the time: %(text)s.", text=quoted(f"{text.strip()} 23:59"))
    elif _is_taken(f"{words_for_day(day)} 14:00", is_good):
        typed = f'"{words_for_day(day)} 14:00"'
        advice = mark("Add the time and the year: %(text)s.", text=typed)
    return InvalidValue(mark("%(text)s has no time", text=quoted(text)), advice)


def _is_taken(typed: str, is_good: Callable[[str], bool]) -> bool:
    """Whether a hint would be accepted if somebody typed it."""
    try:
        return is_good(typed)
    except InvalidValue:
        return False


def _unreadable(text: str, phrase: str, today: date, what: str = _ARRIVAL) -> InvalidValue:
    if not phrase:
        return InvalidValue(mark("The %(field)s is empty", field=what), _examples(today))
    name = find_zone_name(phrase[:LONGEST_TEXT])
    if name is not None:
        return InvalidValue(
            mark(
                "%(text)s cannot be read: %(name)s is no day and no offset",
                text=quoted(text),
                name=quoted(name),
            ),
            mark('Give a time zone as its offset: "tomorrow 14:00 +01:00".'),
        )
    return InvalidValue(
        mark("%(text)s cannot be read as an arrival", text=quoted(text)), _examples(today)
    )
