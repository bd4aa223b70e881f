"""What a refused arrival or end tells to type is taken when it is typed: R20."""

from __future__ import annotations

import re
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nexio.errors import InvalidValue
from nexio.input.arrivals import parse_expected, parse_until
from tests.support.arrivals import LONDON, NOW, ZONES

# NOW is Friday, 20 November 2026, 12:34.
LATE = NOW.replace(hour=20)


def hint_of(error: InvalidValue) -> str:
    """What stands in quotes, once."""
    found: list[str] = re.findall(r'"([^"]+)"', error.advice)
    assert len(found) == 1, error.advice
    return found[0]


def arrival_hint(text: str, now: datetime = NOW, zone: ZoneInfo = LONDON) -> str:
    """What is told to type instead of an arrival."""
    with pytest.raises(InvalidValue) as caught:
        parse_expected(text, now, zone)
    return hint_of(caught.value)


def end_hint(text: str, start: datetime, now: datetime = NOW, zone: ZoneInfo = LONDON) -> str:
    """What is told to type instead of an end."""
    with pytest.raises(InvalidValue) as caught:
        parse_until(text, start, now, zone)
    return hint_of(caught.value)


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("tomorrow 22:00-02:00", "Sat 21 Nov 2026 22:00 +00:00 to Sun 22 Nov 2026 02:00 +00:00"),
        ("22:00-22:00", "Fri 20 Nov 2026 22:00 +00:00 to Sat 21 Nov 2026 22:00 +00:00"),
        (
            "mon 9:00 to 22 nov 2026 8:30",
            "Mon 23 Nov 2026 09:00 +00:00 to Tue 24 Nov 2026 08:30 +00:00",
        ),
    ],
)
def test_a_range_backwards(text: str, hint: str) -> None:
    """The end that was typed, on the day on which it is after the start."""
    assert arrival_hint(text) == hint
    expected = parse_expected(hint, NOW, LONDON)
    assert expected.until is not None


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("19:00", "Sat 21 Nov 2026 19:00 +00:00"),
        ("20:34", "Sat 21 Nov 2026 20:34 +00:00"),
        ("20 nov 2026 9:00", "Sat 21 Nov 2026 09:00 +00:00"),
    ],
)
def test_an_end_before_the_start(text: str, hint: str) -> None:
    """It is an end alone, as the option takes one."""
    assert end_hint(text, LATE) == hint
    assert parse_until(hint, LATE, LATE, LONDON) > LATE


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("monday", "monday 14:00"),
        ("today", "today 14:00"),
        ("nov 23", "nov 23 14:00"),
        ("nov 19", "19 November 2027 14:00"),
        ("19 feb", "19 February 2027 14:00"),
    ],
)
def test_a_day_without_a_time(text: str, hint: str) -> None:
    """With its year where another refusal would ask for it."""
    assert arrival_hint(text) == hint
    assert not parse_expected(hint, NOW, LONDON).is_far


def test_today_in_the_evening() -> None:
    """14:00 is over then."""
    assert arrival_hint("today", LATE) == "today 23:59"
    assert end_hint("today", LATE, LATE) == "today 23:59"


def test_a_day_that_is_over() -> None:
    """No time of it can be typed."""
    with pytest.raises(InvalidValue) as caught:
        parse_expected("3 Feb 2026", NOW, LONDON)
    assert "tomorrow 14:00" in caught.value.advice


def test_a_range_or_an_offset() -> None:
    """The day that was said stays."""
    with pytest.raises(InvalidValue) as caught:
        parse_expected("tomorrow 9:00 -12:00", NOW, LONDON)
    assert 'Write "tomorrow 9:00 to 12:00"' in caught.value.advice


@pytest.mark.parametrize("text", ["now", "+2h", "9:00-10:00"])
def test_what_names_no_end(text: str) -> None:
    """Every example of an end is one."""
    with pytest.raises(InvalidValue) as caught:
        parse_until(text, LATE, LATE, LONDON)
    examples = re.findall(r'"([^"]+)"', caught.value.advice)
    morning = NOW.replace(hour=9, day=19)
    assert len([parse_until(each, morning, morning, LONDON) for each in examples]) == 3


@settings(max_examples=300)
@given(
    st.integers(0, 30_000_000),
    st.times(),
    st.times(),
    st.sampled_from(ZONES),
)
def test_whenever_and_wherever(minutes: int, first: time, last: time, zone: ZoneInfo) -> None:
    """A backward range has a hint that is read, also where the clocks change."""
    present = NOW + timedelta(minutes=minutes)
    try:
        parse_expected(f"tomorrow {first:%H:%M} to {last:%H:%M}", present, zone)
    except InvalidValue as error:
        if "is not after" not in str(error):
            return
        expected = parse_expected(hint_of(error), present, zone)
        assert expected.until is not None
        assert expected.until - expected.arrival <= timedelta(hours=50)
