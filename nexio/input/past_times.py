"""Parses times in the past, for looking something up (R20)."""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from nexio.errors import InvalidValue
from nexio.input.arrivals import parse_arrival
from nexio.input.calendar_days import is_weekday, parse_day
from nexio.input.durations import parse_duration
from nexio.input.zones import day_end, day_start, local_date

_HOURS: Final = re.compile(r"\d+ ?h")
"""Ambiguous: some people mean an hour of the day, others a number of hours."""


def parse_since(text: str, now: datetime, zone: ZoneInfo) -> datetime:
    """The start of a day, or a moment, as somebody who looks back means it.

    A weekday is the last one, "14:00" is today's, "30m" is half an hour ago.

    Raises:
        InvalidValue: it cannot be read as either.
    """
    return _parse(text, now, zone, end=False)


def parse_until(text: str, now: datetime, zone: ZoneInfo) -> datetime:
    """The end of a day, or a moment, as :func:`parse_since`.

    Raises:
        InvalidValue: it cannot be read as either.
    """
    return _parse(text, now, zone, end=True)


def parse_past_day(text: str, now: datetime, zone: ZoneInfo) -> date:
    """A day; a weekday is the last one.

    Raises:
        InvalidValue: it cannot be read.
    """
    day = parse_day(text, now, zone)
    is_ahead = is_weekday(text.strip().lower()) and day > local_date(now, zone)
    return day - timedelta(weeks=1) if is_ahead else day


def _parse(text: str, now: datetime, zone: ZoneInfo, *, end: bool) -> datetime:
    ago = text.lower().removesuffix(" ago")
    duration = _find_duration(ago)
    if duration is not None:
        if ago == text.lower() and _HOURS.fullmatch(ago):
            hours = ago.removesuffix("h").strip()
            raise InvalidValue(
                f"{text!r} has two readings", f'Write "{hours}:00" or "{hours} hours ago".'
            )
        return now - duration
    day = _find_day(text, now, zone)
    if day is not None:
        return day_end(day, zone) if end else day_start(day, zone)
    words = text.split()
    # Parse the day as a past one: as an arrival, "20 Nov" would be the next one.
    for cut in range(1, len(words)):
        day = _find_day(" ".join(words[:cut]), now, zone)
        if day is not None:
            moment = _find_moment(f"{day} {' '.join(words[cut:])}", now, zone)
            if moment is not None:
                return moment
    return _find_moment(f"today {text}", now, zone) or parse_arrival(text, now, zone)


def _find_day(text: str, now: datetime, zone: ZoneInfo) -> date | None:
    try:
        return parse_past_day(text, now, zone)
    except InvalidValue:
        return None


def _find_duration(text: str) -> timedelta | None:
    try:
        return parse_duration(text)
    except InvalidValue:
        return None


def _find_moment(text: str, now: datetime, zone: ZoneInfo) -> datetime | None:
    try:
        return parse_arrival(text, now, zone)
    except InvalidValue:
        return None
