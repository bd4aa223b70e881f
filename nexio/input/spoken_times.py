"""Rewrites times of day as people say them to the form that a clock shows (R20).

"noon", "at 9", "18h30", "1800" and "tonight at 8" become "12:00", "9:00", "18:30", "18:00" and
"today 20:00".  ``clock_times.py`` and ``calendar_days.py`` parse the result.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import partial
from typing import Final

from nexio.errors import InvalidValue
from nexio.input.names import quoted
from nexio.languages import any_of, mark

_HALF_DAY = 12
_FIRST_OF_THE_DAY = 7
"""From this hour on, "at 9" is in the morning: visitors come by day."""

_PARTS: Final = {
    "morning": range(12),
    "afternoon": range(12, 19),
    "evening": range(17, 24),
    "night": range(17, 24),
}
"""The hours of each part of a day."""

_NUMBERS: Final = {
    "a": 1,
    "an": 1,
    "one": 1,
    "two": 2,
    "three": 3,
    "four": 4,
    "five": 5,
    "six": 6,
    "seven": 7,
    "eight": 8,
    "nine": 9,
    "ten": 10,
    "eleven": 11,
    "twelve": 12,
}

_MARK = r"(?![:.h]\d| ?[ap]\.?m\b|\d| ?h\b)"
_COUNT = re.compile(rf"\b(?:{'|'.join(_NUMBERS)})(?= (?:hour|minute|min|day|week))")
_PART = re.compile(r"\b(?:(?:in the|this) )?(?P<part>morning|afternoon|evening)\b|\btonight\b")
_HOUR = re.compile(
    rf"\bat (?P<at>\d{{1,2}})(?: o'?clock\b|{_MARK})"
    r"|(?<![\d:.+-])(?P<clock>\d{1,2}) o'?clock\b"
    rf"|\b(?P<day>today|tomorrow|tonight|morning|afternoon|evening),? (?P<after>\d{{1,2}}){_MARK}"
    r"$",
    re.ASCII,
)
_FRENCH = re.compile(r"(?<![\d:.+a-z])(?P<hour>\d{1,2}) ?h ?(?P<minute>\d\d)?(?![\da-z])", re.ASCII)
_CLOCK = re.compile(
    r"(?<![\d:.+-])(?P<hour>\d{1,2})(?:[:.](?P<minute>\d\d)(?![\d:]))?"
    r"(?: ?(?P<half>[ap])\.?m\b\.?)?",
    re.ASCII,
)
_SHOWN = re.compile(r"\d[:.]\d\d|\d ?[ap]\.?m\b", re.ASCII)
_DIGITS = r"(?:[01]\d|2[0-3])[0-5]\d"
_COMPACT = re.compile(rf"(?<![\w:./+-]){_DIGITS}(?![\d:/-]|\.\d)", re.ASCII)
_COMPACT_RANGE = re.compile(
    rf"(?<![\w:./+-])({_DIGITS})(?:-| - |[–—])({_DIGITS})(?![\d:/-])", re.ASCII
)
_LENGTH = re.compile(
    r"in ((?:\d+ ?(?:d|days?),? ?(?:and )?)?"
    r"(?:\d+ ?(?:h|hrs?|hours?|m|mins?|minutes?)(?: and)? ?)+)",
    re.ASCII,
)
_WHOLE_DAY = re.compile(r"(?:on )?(?:.*\d{4}-\d\d-\d\d|today|.*tomorrow|(?:next |this )?[a-z]+day)")
_PERHAPS_A_YEAR = "20"


def as_on_a_clock(phrase: str, text: str) -> str:
    """Rewrite the times in a text as a clock shows them.

    Args:
        phrase: in lower case with single blanks, and not long.
        text: as it was typed, for the message.

    Raises:
        InvalidValue: a time has two readings, or is not in the named part of the day.
    """
    phrase = re.sub(r"\b(?:(?:at )?12 )?noon\b", "12:00", phrase)
    phrase = re.sub(r"\bmidnight\b", "0:00", phrase)
    part = _PART.search(phrase)
    hours = None if part is None else _PARTS[part["part"] or "night"]
    phrase = _HOUR.sub(partial(_hour, text=text, alone=hours is None), phrase)
    phrase = _FRENCH.sub(partial(_french, text=text), phrase)
    phrase = _compact(phrase, text)
    return phrase if hours is None else _in_part(phrase, hours, text)


def two_readings(text: str, readings: Sequence[str]) -> InvalidValue:
    """The error for text that can be read in two ways; each reading can be typed."""
    return InvalidValue(
        mark(
            "%(text)s has two readings: %(readings)s",
            text=quoted(text),
            readings=any_of(readings),
        ),
        mark(
            "Write one of them: %(readings)s.",
            readings=any_of([f'"{reading}"' for reading in readings]),
        ),
    )


def as_a_length(phrase: str) -> str:
    """Rewrite "in two hours" and "in half an hour" as "+2 hours" and "+30 minutes"."""
    if not phrase.startswith("in "):
        return phrase
    phrase = re.sub(r"\bhalf an hour\b", "30 minutes", phrase)
    phrase = _COUNT.sub(lambda found: str(_NUMBERS[found[0]]), phrase)
    length = _LENGTH.fullmatch(phrase)
    return phrase if length is None else "+" + " ".join(length[1].replace("and ", "").split())


def _hour(found: re.Match[str], text: str, *, alone: bool) -> str:
    digits = found["at"] or found["clock"] or found["after"]
    day = f"{found['day']} " if found["day"] else ""
    is_early = len(digits) == 1 and 1 <= int(digits) < _FIRST_OF_THE_DAY
    if alone and is_early:
        raise _two(found, text, f"{day}{digits}:00", f"{day}{int(digits) + _HALF_DAY}:00")
    return f"{day}{digits}:00"


def _french(found: re.Match[str], text: str) -> str:
    hour, minute = found["hour"], found["minute"]
    if minute is None and found[0] == found.string:
        raise _two(found, text, f"{hour}:00", f"+{hour}h")
    return f"{hour}:{minute or '00'}"


def _compact(phrase: str, text: str) -> str:
    """Rewrite "1800" as "18:00" if it is the time."""
    if _SHOWN.search(phrase):
        return phrase
    return _COMPACT.sub(partial(_digits, text=text), _COMPACT_RANGE.sub(r"\1 to \2", phrase))


def _digits(found: re.Match[str], text: str) -> str:
    digits = found[0]
    clock = f"{digits[:2]}:{digits[2:]}"
    rest = (found.string[: found.start()] + found.string[found.end() :]).strip(" ,")
    if not digits.startswith(_PERHAPS_A_YEAR) or _WHOLE_DAY.fullmatch(rest):
        return clock
    if rest:
        return digits
    year = mark("the year %(year)s", year=digits)
    raise InvalidValue(
        mark(
            "%(text)s has two readings: %(readings)s",
            text=quoted(text),
            readings=any_of([clock, year]),
        ),
        mark(
            "Write a time with a colon (%(time)s) and a date with the month by name.",
            time=quoted(clock),
        ),
    )


def _in_part(phrase: str, hours: range, text: str) -> str:
    """Remove the part of the day from a text, and check each time against it."""
    day = "today " if re.search(r"\bthis (?:morning|afternoon|evening)\b", phrase) else ""
    rest = _PART.sub(lambda found: "" if found["part"] else "today", phrase, count=1)
    return " ".join(_CLOCK.sub(partial(_hour_of, hours=hours, text=text), day + rest).split())


def _hour_of(found: re.Match[str], hours: range, text: str) -> str:
    hour, minute, half = int(found["hour"]), found["minute"], found["half"]
    if minute is None and half is None:  # a day of the month
        return found[0]
    readings = [hour, hour + _HALF_DAY]
    if half is not None and 1 <= hour <= _HALF_DAY:
        readings = [hour % _HALF_DAY + _HALF_DAY * (half == "p")]
    good = [each for each in readings if each in hours]
    if not good:
        raise InvalidValue(
            mark("%(text)s names a time that is not in that part of the day", text=quoted(text)),
            mark("Leave the part of the day out, and write the time by 24 hours."),
        )
    return f"{good[0]}:{minute or '00'}"


def _two(found: re.Match[str], text: str, *readings: str) -> InvalidValue:
    before, after = found.string[: found.start()], found.string[found.end() :]
    return two_readings(text, [f"{before}{reading}{after}" for reading in readings])
