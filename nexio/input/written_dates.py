"""Parses written dates: with the month by name, or only in numbers (R20).

python-dateutil has the names of months.  Its parser is not used: it finds a date in anything
("10", "CET", "0026").
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dateutil.parser import parserinfo

# 29 February comes at least once in nine years (2096 to 2104).
_LEAP_SEARCH = 9

_FIRST_YEAR = 1000  # 0026 is a typing mistake

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


@dataclass(frozen=True, slots=True, kw_only=True)
class WrittenDate:
    """A day and a month, with or without a year; the date may not exist."""

    day: int | None
    """None if there is only a month."""

    month: int
    year: int | None = None

    def first_from(self, today: date) -> date | None:
        """Return the date; without a year, the next one, today included."""
        days = self._around(today)
        return next((day for day in days if self.year is not None or day >= today), None)

    def nearest_to(self, today: date) -> date | None:
        """Return the date; without a year, the nearest one, before or after today."""
        return min(self._around(today), key=lambda day: abs(day - today), default=None)

    def _around(self, today: date) -> list[date]:
        years = range(today.year - _LEAP_SEARCH, today.year + _LEAP_SEARCH)
        days = (self._in(year) for year in ([self.year] if self.year is not None else years))
        return [day for day in days if day is not None]

    def _in(self, year: int) -> date | None:
        try:
            return date(year, self.month, self.day or 0) if year >= _FIRST_YEAR else None
        except ValueError:
            return None


def find_named_date(words: str) -> WrittenDate | None:
    """Read "20 Nov 2026", "November 20th", "2026 nov 20", …, in lower case."""
    for shape in _SHAPES:
        found = shape.fullmatch(words)
        month = None if found is None else _month_names().month(found["month"])
        if found is not None and month is not None:
            year = None if found["year"] is None else int(found["year"])
            return WrittenDate(
                day=int(found["day"]) if found["day"] else None, month=month, year=year
            )
    return None


def find_numeric_dates(words: str, today: date, *, nearest: bool = False) -> list[date] | None:
    """Return the days that 10/11/2026 can mean: day first or month first.

    Args:
        words: in lower case with single blanks.
        today: the date at the location.
        nearest: without a year, a date may be before today.

    Returns:
        The reading with the day first comes first, without repetition; empty if the date does not
        exist; None if the words are no date in numbers.
    """
    found = _NUMBERS.fullmatch(words)
    if found is None:
        return None
    one, two, last = (int(number or 0) for number in found.groups())
    if len(found[1]) > 2:  # noqa: PLR2004 - digits: the year comes first
        dates = [WrittenDate(year=one, month=two, day=last)]
    else:
        short = found[3] is not None and len(found[3]) <= 2  # noqa: PLR2004 - digits
        year = None if found[3] is None else 2000 + last if short else last
        dates = [
            WrittenDate(day=one, month=two, year=year),
            WrittenDate(day=two, month=one, year=year),
        ]
        if short and 2000 + one >= today.year:  # 26-12-01 may have the year first
            dates.append(WrittenDate(year=2000 + one, month=two, day=last))
    days = (each.nearest_to(today) if nearest else each.first_from(today) for each in dates)
    return list(dict.fromkeys(filter(None, days)))


@cache
def _month_names() -> parserinfo:
    from dateutil.parser import parserinfo  # noqa: PLC0415 (slow to load)

    return parserinfo()
