"""Parses and formats durations as people write them: 60m, 1h30m, 2 days."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Final

from nexio.errors import InvalidValue
from nexio.input.names import counted, quoted
from nexio.languages import any_of, mark

SHORTEST: Final = timedelta(minutes=1)
LONGEST: Final = timedelta(days=30)

_MINUTE = timedelta(minutes=1)
_HOUR = 60
_DAY = 24 * _HOUR
# Below this length, seconds still matter to somebody who waits.
_SECONDS_SHOWN_BELOW = 10 * 60
_EXAMPLES = mark('Write it like "60m", "1h30m" or "2d".')
# 18 digits: more than any duration has, and below the 4300 at which int() itself refuses.
_SHAPE = (
    r"(?a)(?:(?P<days>\d{1,18}) ?(?:d|days?))?"
    r" ?(?:(?P<hours>\d{1,18}) ?(?:h|hrs?|hours?))?"
    r" ?(?:(?P<minutes>\d{1,18}) ?(?:m|mins?|minutes?))?"
)
_DECIMAL = r"\d*[.,]\d"


def parse_duration(text: str) -> timedelta:
    """Read "60m", "90 minutes", "1h30m", "2 days", in any case.

    Returns:
        Whole minutes, from 1 minute to 30 days.

    Raises:
        InvalidValue: no unit, a decimal number, another unit, too short or too long.

    """
    phrase = " ".join(text.lower().split())
    shape = re.fullmatch(_SHAPE, phrase)
    if not phrase or shape is None:
        raise _unreadable(text, phrase)
    days, hours, minutes = (int(number or 0) for number in shape.group("days", "hours", "minutes"))
    # Compared as a number: a timedelta overflows long before 18 digits do.
    total = days * _DAY + hours * _HOUR + minutes
    if not SHORTEST // _MINUTE <= total <= LONGEST // _MINUTE:
        too_far = mark("%(text)s is too long", text=quoted(text))
        too_short = mark("%(text)s is too short", text=quoted(text))
        raise InvalidValue(
            too_far if total else too_short, mark("A duration is 1 minute to 30 days.")
        )
    return timedelta(minutes=total)


def format_duration(duration: timedelta) -> str:
    """Return the shortest text that `parse_duration` reads back: "1h", "1h30m", "1d1h5m".

    Raises:
        ValueError: not whole minutes, or less than one; a bug in the caller.
    """
    minutes, rest = divmod(duration, _MINUTE)
    if rest or minutes < 1:
        msg = f"not a duration in whole minutes: {duration!r}"
        raise ValueError(msg)
    parts = (minutes // _DAY, "d"), (minutes % _DAY // _HOUR, "h"), (minutes % _HOUR, "m")
    return "".join(f"{number}{unit}" for number, unit in parts if number)


def words_for(duration: timedelta) -> str:
    """Return a duration in words: "1 hour 30 minutes", "45 seconds".

    Rounded down, to seconds below ten minutes and to minutes above; less than a second
    and anything negative is "0 seconds".
    """
    seconds = max(duration // timedelta(seconds=1), 0)
    minutes = seconds // 60
    parts = [
        (minutes // _DAY, "day"),
        (minutes % _DAY // _HOUR, "hour"),
        (minutes % _HOUR, "minute"),
    ]
    if seconds < _SECONDS_SHOWN_BELOW:
        parts.append((seconds % 60, "second"))
    return " ".join(counted(number, unit) for number, unit in parts if number) or "0 seconds"


def _unreadable(text: str, phrase: str) -> InvalidValue:
    if not phrase:
        return InvalidValue(mark("The duration is empty"), _EXAMPLES)
    if phrase.isascii() and phrase.isdigit():
        # "60" alone may be minutes, hours or days; the operator says which.
        allowed = [
            mark(words, written=quoted(phrase + unit))
            for unit, words, minutes in (
                ("m", mark("%(written)s for minutes"), 1),
                ("h", mark("%(written)s for hours"), _HOUR),
                ("d", mark("%(written)s for days"), _DAY),
            )
            if 1 <= int(phrase[:9]) * minutes <= LONGEST // _MINUTE
        ]
        return InvalidValue(
            mark("The duration %(text)s has no unit", text=quoted(text)),
            mark("Write %(choice)s.", choice=any_of(allowed)) if allowed else _EXAMPLES,
        )
    if re.match(_DECIMAL, phrase):
        return InvalidValue(
            mark("The duration %(text)s is a decimal number", text=quoted(text)),
            mark('Write whole numbers: "1h30m" instead of "1.5h".'),
        )
    return InvalidValue(mark("%(text)s is not a duration", text=quoted(text)), _EXAMPLES)
