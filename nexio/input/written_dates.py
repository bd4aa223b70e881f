"""Dates as they are written: with the month by name, or in numbers alone (R20).

Only a date with its month by name goes through python-dateutil, and only in one of the
shapes below: dateutil is made to find a date in anything ("10", "CET", "0026").
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime

from dateutil import parser as dateutil_parser

# 29 February comes at least once in nine years (2096 to 2104).
_LEAP_SEARCH = 9

_NUMBERS = re.compile(r"(\d{1,4}) ?[-/.] ?(\d{1,2})(?: ?[-/.] ?(\d{1,4}))?\.?", re.ASCII)
_GAP = " ?[-/.]? ?"
_MONTH = r"(?P<month>[a-z]+)\.?"
_DAY = r"(?P<day>\d{1,2})(?:st|nd|rd|th)?"
_YEAR = r"(?:(?:, ?|[-/ ])(?P<year>\d{4}))?"
_SHAPES = tuple(
    re.compile(shape, re.ASCII)
    for shape in (
        rf"{_DAY}(?: of)?{_GAP}{_MONTH}{_YEAR}",
        rf"{_MONTH}{_GAP}{_DAY}{_YEAR}",
        rf"(?P<year>\d{{4}}){_GAP}{_MONTH}{_GAP}{_DAY}",
        rf"{_MONTH}{_YEAR}(?P<day>)",
    )
)
_MONTH_NAMES = dateutil_parser.parserinfo()


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedDate:
    """A date with the month by name, which may be in no calendar."""

    day: str
    """Empty where there is only a month."""

    month: str
    year: str | None

    def first_from(self, today: date) -> date | None:
        """Return the date; without a year the next such one, today included."""
        days = self._around(today)
        return next((day for day in days if self.year is not None or day >= today), None)

    def nearest_to(self, today: date) -> date | None:
        """Return the date; without a year the nearest such one, before or after today."""
        return min(self._around(today), key=lambda day: abs(day - today), default=None)

    def _around(self, today: date) -> list[date]:
        years = range(today.year - _LEAP_SEARCH, today.year + _LEAP_SEARCH)
        days = map(self._in, [self.year] if self.year is not None else map(str, years))
        return [day for day in days if day is not None]

    def _in(self, year: str) -> date | None:
        phrase = f"{self.day} {self.month} {year}"
        try:
            read = dateutil_parser.parse(phrase, default=datetime(2000, 1, 1))  # noqa: DTZ001 - a date
        except (ValueError, OverflowError):
            return None
        # dateutil takes the year 0026 for 2026.
        return read.date() if (read.day, read.year) == (int(self.day), int(year)) else None


def find_named_date(words: str) -> NamedDate | None:
    """Read "20 Nov 2026", "November 20th", "2026 nov 20", …, in lower case."""
    for shape in _SHAPES:
        found = shape.fullmatch(words)
        if found is not None and _MONTH_NAMES.month(found["month"]) is not None:
            return NamedDate(**found.groupdict())
    return None


def find_numeric_dates(words: str, today: date) -> list[date] | None:
    """Return the days that 10/11/2026 can mean on the two sides of an ocean.

    Returns:
        Day first, without repetition; empty where the date is in no calendar; None where
        the words are no date in numbers.  Without a year each is the next one from today on.
    """
    found = _NUMBERS.fullmatch(words)
    if found is None:
        return None
    one, two, year = found.groups()
    if len(one) > 2:  # noqa: PLR2004 - digits: the year comes first
        days = [_date_or_none(one, two, year or "0")]
    elif year is not None:
        full = year if len(year) > 2 else f"20{year:0>2}"  # noqa: PLR2004 - digits
        days = [_date_or_none(full, two, one), _date_or_none(full, one, two)]
    else:
        days = [_first_from(today, two, one), _first_from(today, one, two)]
    return list(dict.fromkeys(filter(None, days)))


def _coming_years(today: date) -> range:
    return range(today.year, today.year + _LEAP_SEARCH)


def _first_from(today: date, month: str, day: str) -> date | None:
    days = (_date_or_none(str(year), month, day) for year in _coming_years(today))
    return next((day for day in days if day is not None and day >= today), None)


def _date_or_none(year: str, month: str, day: str) -> date | None:
    try:
        return date(int(year), int(month), int(day))
    except ValueError:
        return None
