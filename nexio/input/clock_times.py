"""Parses times of day as people write them: "9am", "14:00", "14:00 +01:00" (R20)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, time, timedelta, timezone

from nexio.errors import InvalidValue
from nexio.input.names import quoted
from nexio.input.zones import MONTHS
from nexio.languages import any_of, mark

# The widest offset in use is +14:00, in Kiribati.
_WIDEST_OFFSET = timedelta(hours=14)
_HALF_DAY = 12

_CLOCK = (
    r"(?P<hour>\d{1,2})(?=[:.]\d\d| ?[ap]\.?m)"
    r"(?:(?P<dot>[:.])(?P<minute>\d{2})(?P<seconds>:\d{2}(?:[.,]\d+)?)?)?"
    r"(?: ?(?P<half>[ap])\.?m\.?)?"
)
_OFFSET = r"(?:(?P<gap> ?)(?P<offset>z|utc|gmt|[+-]\d{2}(?::?\d{2})?))?"
_DAY_THEN_CLOCK = re.compile(
    rf"(?:(?P<day>.+?)(?:,? (?:at )?|(?<=\d)t))?{_CLOCK}{_OFFSET}", re.ASCII
)
_CLOCK_THEN_DAY = re.compile(rf"{_CLOCK}{_OFFSET},? (?:on )?(?P<day>.+)", re.ASCII)
_CLOCK_THEN_NAME = re.compile(
    rf".*?{_CLOCK} ?\(?(?P<name>[a-z]+(?:[/_+-][a-z0-9:]+)*)\)?", re.ASCII
)
_CLOCK_ANYWHERE = re.compile(r"\d:\d\d|\d ?[ap]\.?m\b", re.ASCII)
# ISO 8601 basic format, as calendars export it: 20261120T140000Z.
_ISO_DAY = re.compile(r"(?:.* )?\d{4}-\d{2}-\d{2}", re.ASCII)
_BASIC = re.compile(r"(\d{4})(\d{2})(\d{2})t(\d{2})(\d{2})(\d{2})?(?!\d)", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockTime:
    """A time of day, and the words around it."""

    time: time
    offset: timezone | None
    """None if none was given: the time is in the location's zone."""

    day: str
    """The words for the day, not parsed yet; empty if only a time was given."""

    day_follows: bool = False
    """Whether they come after the time."""


def find_clock_time(phrase: str, text: str) -> ClockTime | None:
    """Extract the time from a text; None if there is no clear one.

    Args:
        phrase: in lower case with single blanks, and not long, as the patterns are slow.
        text: as it was typed, for the message.

    Raises:
        InvalidValue: no such time or offset, seconds, "9.10", which may be a date, or an
            offset without a blank before it and without a full ISO date before that.
    """
    phrase = _BASIC.sub(lambda iso: "{}-{}-{} {}:{}:{}".format(*iso.groups("00")), phrase)
    phrase = phrase.removeprefix("at ")
    found = _DAY_THEN_CLOCK.fullmatch(phrase) or _CLOCK_THEN_DAY.fullmatch(phrase)
    if found is None:
        return None
    day = (found["day"] or "").removeprefix("on ")
    if found["offset"] and not found["gap"] and not _ISO_DAY.fullmatch(day):
        raise InvalidValue(
            mark("%(text)s has an offset right after the time", text=quoted(text)),
            mark(
                'Write a blank before it: "14:00 +01:00". Without one it belongs to ISO 8601 only.'
            ),
        )
    return ClockTime(
        time=_time(found, text, day),
        offset=_offset(found["offset"], text),
        day=day,
        day_follows=found.re is _CLOCK_THEN_DAY,
    )


def holds_clock_time(phrase: str) -> bool:
    """Whether anything in a text looks like a time of day."""
    return _CLOCK_ANYWHERE.search(phrase) is not None


def find_zone_name(phrase: str) -> str | None:
    """Return the name after a time that may be meant as its zone: "14:00 CET"."""
    found = _CLOCK_THEN_NAME.fullmatch(phrase)
    return found["name"] if found and found["name"] not in {"am", "pm"} else None


def _time(found: re.Match[str], text: str, day: str) -> time:
    hour, minute, half = int(found["hour"]), int(found["minute"] or 0), found["half"]
    clock = f"{hour}:{minute:02}"
    # In a date with a dot the day comes first, so 9.30 is no date.
    if found["dot"] == "." and half is None and not day and hour and 1 <= minute <= len(MONTHS):
        date = f"{hour} {MONTHS[minute - 1]}"
        raise InvalidValue(
            mark(
                "%(text)s has two readings: %(readings)s",
                text=quoted(text),
                readings=any_of([clock, date]),
            ),
            mark(
                "Write a time with a colon (%(time)s) and a date with the month by name.",
                time=quoted(clock),
            ),
        )
    if (found["seconds"] or "").strip(":.,0"):
        raise InvalidValue(
            mark("%(text)s has seconds", text=quoted(text)),
            mark("Arrivals are whole minutes: %(time)s.", time=clock),
        )
    if half is not None and 1 <= hour <= _HALF_DAY:
        hour = hour % _HALF_DAY + (_HALF_DAY if half == "p" else 0)
    elif half is not None:
        hour = -1  # "13pm" and "0am" are mistakes whose meaning is not clear
    try:
        return time(hour, minute)
    except ValueError as error:
        raise InvalidValue(
            mark("%(text)s names a time that is on no clock", text=quoted(text)),
            mark("Times go from 00:00 to 23:59, or from 12am to 11:59pm; midnight begins a day."),
        ) from error


def _offset(phrase: str | None, text: str) -> timezone | None:
    if phrase is None:
        return None
    if phrase in {"z", "utc", "gmt"}:
        return UTC
    hours, minutes = int(phrase[1:3]), int(phrase[3:].lstrip(":") or 0)
    offset = timedelta(hours=hours, minutes=minutes)
    if minutes > 59 or offset > _WIDEST_OFFSET:  # noqa: PLR2004 - of an hour
        raise InvalidValue(
            mark("%(text)s has an offset that no place has", text=quoted(text)),
            mark("Offsets go from -12:00 to +14:00."),
        )
    return timezone(-offset if phrase[0] == "-" else offset)
