"""Parses days as people write them: "today", "monday", "20 Nov 2026", "2026-11-20" (R20)."""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from nexio.errors import InvalidValue
from nexio.input.clock_times import holds_clock_time
from nexio.input.names import quoted
from nexio.input.written_dates import find_named_date, find_numeric_dates
from nexio.input.zones import MONTHS, WEEKDAYS, local_date
from nexio.languages import Marked, any_of, mark

FIRST_YEAR: Final = 2000
LAST_YEAR: Final = 2100

LONGEST_TEXT: Final = 100
"""Characters; longer text, such as a pasted page, is not matched against the patterns."""

_ONE_DAY = timedelta(days=1)
_WEEK = 7 * _ONE_DAY
_WEEKDAY = re.compile(r"(?P<name>[a-z]{3,9})\.?(?:,? |$)(?P<rest>.*)")
_ISO_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_AHEAD = re.compile(r"in (?P<number>\d{1,3}) (?P<unit>day|week)s?", re.ASCII)
_WORDS = {"today": 0, "tomorrow": 1, "day after tomorrow": 2, "the day after tomorrow": 2}


def parse_day(text: str, now: datetime, zone: ZoneInfo) -> date:
    """Read a day of the calendar.

    ``today``, ``tomorrow``, ``yesterday``, a weekday (the coming one, today included), an
    ISO 8601 date or a date with the month by name; without a year, the nearest such date,
    before or after today, as lists also look back.  A weekday may precede a date.

    Args:
        text: what was typed; upper or lower case and extra blanks make no difference.
        now: the aware present.
        zone: the zone of the location, which determines today's date.

    Raises:
        InvalidValue: unreadable, a time of day, ambiguous order of day and month,
            no such day, or a year outside 2000 to 2100.

    Rule: R20.
    """
    phrase = " ".join(text.lower().split())
    today = local_date(now, zone)
    examples = written_like('"today"', '"monday"', *quoted_examples(today))
    if not phrase:
        raise InvalidValue("The day is empty", examples)
    day = None
    if phrase == "yesterday":
        day = today - _ONE_DAY
    elif len(phrase) <= LONGEST_TEXT:
        day = find_day(phrase.removeprefix("on "), text, today, examples, nearest=True)
    if day is None and holds_clock_time(phrase):
        raise InvalidValue(f"{quoted(text)} has a time of day", f"Leave it out. {examples}")
    if day is None:
        raise InvalidValue(f"{quoted(text)} cannot be read as a day", examples)
    refuse_far_year(day, "A day")
    return day


def find_day(
    words: str, text: str, today: date, advice: str, *, nearest: bool = False
) -> date | None:
    """Return the day that is meant, in any year; None if the words name none.

    A weekday alone is the next one, today included.

    Args:
        words: in lower case with single blanks.
        text: as it was typed, for the message.
        today: the date at the location.
        advice: examples of what can be typed.
        nearest: without a year, a date may be before today.

    Raises:
        InvalidValue: an ambiguous date in numbers, one in no calendar, or not on that weekday.
    """
    which, _, behind = words.partition(" ")
    if which in {"this", "next", "coming"} and is_weekday(behind):
        coming = find_day(behind, text, today, advice)
        return _next(coming, text, today) if coming and which == "next" else coming
    weekday, rest = _take_weekday(words)
    if weekday is None:
        return _find_date(words, text, today, advice, nearest=nearest)
    if not rest:
        return today + (weekday - today.weekday()) % 7 * _ONE_DAY
    day = _find_date(rest, text, today, advice, nearest=nearest)
    if day is not None and weekday != day.weekday():
        raise InvalidValue(
            mark(
                "%(date)s is a %(weekday)s, not a %(other)s",
                date=words_for_day(day),
                weekday=_words_for_weekday(day.weekday()),
                other=_words_for_weekday(weekday),
            ),
            mark("Correct the date, or leave the weekday out."),
        )
    return day


def is_weekday(words: str) -> bool:
    """Tell whether the words, in lower case, are a weekday alone: "mon", "monday"."""
    weekday, rest = _take_weekday(words)
    return weekday is not None and not rest


def refuse_far_year(day: date, what: str) -> None:
    """Refuse a year outside 2000 to 2100; ``what`` names the value in the advice."""
    if not FIRST_YEAR <= day.year <= LAST_YEAR:
        raise InvalidValue(
            mark("The year %(year)d is too far away", year=day.year),
            mark(
                "%(what)s is in the years %(first)d to %(last)d.",
                what=what,
                first=FIRST_YEAR,
                last=LAST_YEAR,
            ),
        )


def words_for_day(day: date) -> Marked:
    """Return "20 November 2026"."""
    english = f"{day.day} {MONTHS[day.month - 1]} {day.year}"
    return Marked(english, lambda language: language.date(day))


def _words_for_weekday(number: int) -> Marked:
    return Marked(WEEKDAYS[number], lambda language: language.weekday(number))


def quoted_examples(today: date, time: str = "") -> list[str]:
    """Two ways to write a day that is still to come, in quotes."""
    day = today + _WEEK
    return [f'"{day.day} {MONTHS[day.month - 1][:3]} {day.year}{time}"', f'"{day}{time}"']


def written_like(*examples: str) -> Marked:
    """Advice that shows how something is written."""
    return mark("Write it like %(examples)s.", examples=any_of(examples))


def _take_weekday(words: str) -> tuple[int | None, str]:
    """Return the weekday in front, if any, and what follows it."""
    found = _WEEKDAY.fullmatch(words)
    if found is not None:
        for number, name in enumerate(WEEKDAYS):
            if name.lower().startswith(found["name"]):
                return number, found["rest"]
    return None, words


def _find_date(words: str, text: str, today: date, advice: str, *, nearest: bool) -> date | None:
    if words in _WORDS:
        return today + _WORDS[words] * _ONE_DAY
    ahead = _AHEAD.fullmatch(words)
    if ahead is not None:
        return today + int(ahead["number"]) * (_WEEK if ahead["unit"] == "week" else _ONE_DAY)
    if _ISO_DAY.fullmatch(words):
        return _iso_date(words, text, advice)
    readings = find_numeric_dates(words, today, nearest=nearest)
    if readings is not None:
        good = readings if nearest else [day for day in readings if day >= today]
        return _only(readings, good, text, advice)
    named = find_named_date(words)
    if named is None:
        return None
    if named.day is None:
        raise InvalidValue(mark("%(text)s names no day", text=quoted(text)), advice)
    day = named.nearest_to(today) if nearest else named.first_from(today)
    if day is None:
        raise _no_such_date(text, advice)
    return day


def _iso_date(words: str, text: str, advice: str) -> date:
    try:
        return date.fromisoformat(words)
    except ValueError as error:
        raise _no_such_date(text, advice) from error


def _next(coming: date, text: str, today: date) -> date:
    """Resolve "next tuesday"; it is clear only if the coming one is also in the next week."""
    if coming == today:
        coming += _WEEK
    monday = today - today.weekday() * _ONE_DAY + _WEEK
    in_next_week = monday + coming.weekday() * _ONE_DAY
    both = list(dict.fromkeys([coming, in_next_week]))
    return _only(both, both, text, "")


def _only(readings: list[date], good: list[date], text: str, advice: str) -> date:
    """Return the only reading; if there are several, the error proposes the good ones.

    Raises:
        InvalidValue: there is no reading, or more than one; all are named.
    """
    if not readings:
        raise _no_such_date(text, advice)
    if len(readings) == 1:
        return readings[0]
    raise InvalidValue(
        mark(
            "%(text)s has two readings: %(readings)s",
            text=quoted(text),
            readings=any_of([_with_weekday(day) for day in readings]),
        ),
        mark(
            "Write the date as %(proposals)s, or with the month by name.",
            proposals=any_of([day.isoformat() for day in good]),
        )
        if good
        else advice,
    )


def _with_weekday(day: date) -> Marked:
    english = f"{WEEKDAYS[day.weekday()]} {words_for_day(day)}"
    return Marked(english, lambda language: language.full_date(day))


def _no_such_date(text: str, advice: str) -> InvalidValue:
    return InvalidValue(
        mark("%(text)s names a date that is in no calendar", text=quoted(text)), advice
    )
