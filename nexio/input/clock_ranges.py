"""Parses ranges of times as people write them: "9:30-10:30", "9am to 5pm", "9-11am" (R20).

A hyphen may also begin an offset.  Text that can mean both is refused, not guessed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from nexio.errors import InvalidValue
from nexio.input.names import quoted
from nexio.languages import mark

_HALF_DAY = 12
_WIDEST_OFFSET = 14

_MARKED = r"(?=\d{1,2}(?:[:.]\d\d| ?[ap]\.?m))"
_OFFSET = r"(?: (?:z|utc|gmt|[+-]\d\d(?::?\d\d)?)|(?<=\d)z)?"
_WORDS = r"(?:.*?(?:[ ,]|(?<=\d)t))??"


def _time_pattern(which: str) -> str:
    return (
        rf"(?P<{which}_hour>\d{{1,2}})"
        rf"(?:[:.](?P<{which}_minute>\d\d)(?P<{which}_seconds>:\d\d(?:[.,]\d+)?)?)?"
        rf"(?: ?(?P<{which}_half>[ap])\.?m\b\.?)?"
    )


def _range_pattern(mark: str) -> re.Pattern[str]:
    return re.compile(
        rf"(?P<before>{_WORDS}){_time_pattern('start')}(?P<offset>{_OFFSET})"
        rf"(?P<between> (?:to|until|till) | ?[-–—/] ?)"
        rf"(?P<day>{_WORDS}){mark}{_time_pattern('end')}(?P<after>(?:,? .+|z)?)",
        re.ASCII,
    )


_RANGE = _range_pattern(_MARKED)
_RANGE_TO_NUMBER = _range_pattern("")
_ISO_DAY = re.compile(r"(?:^| )\d{4}-\d\d-\d\d(?P<mark>[t ])$", re.ASCII)


@dataclass(frozen=True, slots=True)
class _Time:
    hour: int
    minute: str | None
    half: str | None

    @property
    def is_plain(self) -> bool:
        """Whether it is only a number, with nothing that marks it as a time."""
        return self.minute is None and self.half is None

    @property
    def minutes(self) -> int:
        """Minutes since the start of the day."""
        hour = self.hour % _HALF_DAY if self.half is not None else self.hour
        return 60 * (hour + _HALF_DAY * (self.half == "p")) + int(self.minute or 0)

    @property
    def text(self) -> str:
        """A text that can be parsed by itself."""
        return f"{self.hour}:{self.minute or '00'}{self.half + 'm' if self.half else ''}"

    def in_half(self, half: str) -> _Time:
        """The same time before or after noon."""
        return _Time(self.hour, self.minute, half)


def split_range(phrase: str, text: str) -> tuple[str, str] | None:
    """Split a range into two times, each with the words around it; None if it is no range.

    Args:
        phrase: in lower case with single blanks, and not long.
        text: as it was typed, for the message.

    Raises:
        InvalidValue: it can also be read as one time with an offset.
    """
    phrase = re.sub(r"\bfrom ", "", phrase, count=1)
    found = _RANGE.fullmatch(phrase) or _RANGE_TO_NUMBER.fullmatch(phrase)
    if found is None:
        return None
    start, end = _time(found, "start"), _time(found, "end")
    # Without anything that marks a time, "10-11" and "10/11" may be dates.
    if start.is_plain and (end.is_plain or found["day"] or "/" in found["between"]):
        return None
    if _is_offset(found, start, end, text):
        return None
    start, end = _in_halves(start, end)
    return (
        f"{found['before']}{start.text}{found['offset']}",
        f"{found['day']}{end.text}{found['after']}",
    )


def _time(found: re.Match[str], which: str) -> _Time:
    hour, minute, half = (found[f"{which}_{part}"] for part in ("hour", "minute", "half"))
    return _Time(int(hour), minute, half)


def _is_offset(found: re.Match[str], start: _Time, end: _Time, text: str) -> bool:
    """Whether "-12:00" is an offset: after a blank alone, or directly after ISO 8601."""
    iso = _ISO_DAY.search(found["before"])
    is_iso = iso is not None and len(found["start_hour"]) == 2  # noqa: PLR2004 - digits
    glued = found["between"] == "-" and is_iso
    shaped = re.fullmatch(r"\d\d(?::\d\d)?", found[0][found.end("between") :])
    if not (glued or found["between"] == " -") or not shaped or end.hour > _WIDEST_OFFSET:
        return False
    exact = iso is not None and iso["mark"] == "t" if glued else _has_year(found["before"])
    if exact or found["start_seconds"] or end.minutes <= start.minutes:
        return True
    instead = quoted(f"{found['before']}{start.text} to {end.text}")
    raise InvalidValue(
        mark("%(text)s may be a time to another, or one time with an offset", text=quoted(text)),
        mark(
            "Write %(instead)s for two times, and an offset as in YYYY-MM-DDT09:00-05:00.",
            instead=instead,
        ),
    )


def _has_year(words: str) -> bool:
    return re.search(r"\d{4}", words) is not None


def _in_halves(start: _Time, end: _Time) -> tuple[_Time, _Time]:
    """Apply a single "am" or "pm" to both times, as far as their order allows."""
    if start.half is None and end.half is not None and 1 <= start.hour <= _HALF_DAY:
        sooner = [each for each in map(start.in_half, "ap") if each.minutes < end.minutes]
        return (sooner or [start])[-1], end
    if start.half is not None and end.half is None and 1 <= end.hour <= _HALF_DAY:
        later = [each for each in map(end.in_half, "ap") if each.minutes > start.minutes]
        return start, (later or [end])[0]
    return start, end
