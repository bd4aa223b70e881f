"""Days as people say them, for lists: R20."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nexio.errors import InvalidValue
from nexio.input.calendar_days import is_weekday, parse_day

LONDON = ZoneInfo("Europe/London")
# A Friday.
NOW = datetime(2026, 11, 20, 12, 34, 56, tzinfo=UTC)


def refusal(text: str) -> InvalidValue:
    """Return the error about a text."""
    with pytest.raises(InvalidValue) as caught:
        parse_day(text, NOW, LONDON)
    return caught.value


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("today", "2026-11-20"),
        (" TODAY ", "2026-11-20"),
        ("tomorrow", "2026-11-21"),
        ("yesterday", "2026-11-19"),
        ("friday", "2026-11-20"),
        ("monday", "2026-11-23"),
        ("on Tues", "2026-11-24"),
        ("thu", "2026-11-26"),
        ("2026-11-20", "2026-11-20"),
        ("2000-01-01", "2000-01-01"),
        ("2100-12-31", "2100-12-31"),
        ("23 Nov 2026", "2026-11-23"),
        ("Monday,  23 November 2026", "2026-11-23"),
        ("fri 2026-11-20", "2026-11-20"),
        ("Nov 1, 2026", "2026-11-01"),
        ("20 Nov", "2026-11-20"),
        ("19 Nov", "2026-11-19"),
        ("1 Jan", "2027-01-01"),
        ("21 May", "2027-05-21"),
        ("22 May", "2026-05-22"),
        ("29 Feb", "2028-02-29"),
        ("20/11/2026", "2026-11-20"),
        ("19.11", "2026-11-19"),
        ("2026/11/20", "2026-11-20"),
        ("next monday", "2026-11-23"),
        ("day after tomorrow", "2026-11-22"),
    ],
)
def test_a_day(text: str, day: str) -> None:
    """R20: our own words, ISO 8601, or the month by name; no year is the nearest one."""
    assert parse_day(text, NOW, LONDON) == date.fromisoformat(day)


@pytest.mark.parametrize(
    ("text", "day"),
    [("yesterday", "2026-11-20"), ("today", "2026-11-21"), ("friday", "2026-11-27")],
)
def test_today_is_the_day_of_the_location(text: str, day: str) -> None:
    """R20: at 12:34 UTC it is already Saturday in Apia."""
    assert parse_day(text, NOW, ZoneInfo("Pacific/Apia")) == date.fromisoformat(day)


@pytest.mark.parametrize(
    ("text", "readings", "proposals"),
    [
        (
            "10/11/2026",
            "Tuesday 10 November 2026 or Sunday 11 October 2026",
            "2026-11-10 or 2026-10-11",
        ),
        (
            "Tue 10.11.26",
            "Tuesday 10 November 2026 or Sunday 11 October 2026",
            "2026-11-10 or 2026-10-11",
        ),
        (
            "1/12",
            "Tuesday 1 December 2026 or Tuesday 12 January 2027",
            "2026-12-01 or 2027-01-12",
        ),
        (
            "next sunday",
            "Sunday 22 November 2026 or Sunday 29 November 2026",
            "2026-11-22 or 2026-11-29",
        ),
    ],
)
def test_two_readings_are_refused_with_both(text: str, readings: str, proposals: str) -> None:
    """R20: both readings, and each as an ISO date."""
    error = refusal(text)
    assert str(error) == f'"{text}" has two readings: {readings}'
    assert error.advice == f"Write the date as {proposals}, or with the month by name."


@pytest.mark.parametrize(
    "text",
    ["14:00", "9am", "24:00", "today 14:00", "2026-11-20T14:00", "20 Nov 2026 2 p.m.", "14:00 CET"],
)
def test_a_time_of_day_is_refused(text: str) -> None:
    """A list is of a whole day; a time that would not count is not taken silently."""
    error = refusal(text)
    assert str(error) == f'"{text}" has a time of day'
    assert error.advice.startswith("Leave it out.")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "The day is empty"),
        (" \t ", "The day is empty"),
        ("Thu 20 Nov 2026", "20 November 2026 is a Friday, not a Thursday"),
        ("mon tomorrow", "21 November 2026 is a Saturday, not a Monday"),
        ("November", '"November" names no day'),
        ("29 Feb 2027", '"29 Feb 2027" names a date that is in no calendar'),
        ("2026-02-30", '"2026-02-30" names a date that is in no calendar'),
        ("99/99/2026", '"99/99/2026" names a date that is in no calendar'),
        ("1999-12-31", "The year 1999 is too far away"),
        ("2101-01-01", "The year 2101 is too far away"),
        ("now", '"now" cannot be read as a day'),
        ("+2d", '"+2d" cannot be read as a day'),
        ("next now", '"next now" cannot be read as a day'),
        ("20", '"20" cannot be read as a day'),
        ("20261120", '"20261120" cannot be read as a day'),
        ("2026-W47-5", '"2026-W47-5" cannot be read as a day'),
        ("today\0", '"today\\x00" cannot be read as a day'),
        ("x" * 10_000, f'"{"x" * 59}…" cannot be read as a day'),
    ],
)
def test_refuses_with_a_reason(text: str, message: str) -> None:
    """One line of what is wrong, one of what to do, without a time of day in it."""
    error = refusal(text)
    assert str(error) == message
    assert error.advice
    assert "14:00" not in error.advice


def test_a_weekday_alone() -> None:
    """R20: in full or from three letters on."""
    assert is_weekday("monday")
    assert is_weekday("mon.")
    assert not is_weekday("mo")
    assert not is_weekday("mon 23 nov")
    assert not is_weekday("month")


VOCABULARY = """
    today tomorrow yesterday monday fri , on of 14:00 9am + 20 31 29 0 th Nov February may 2026
    2027 1999 0026 0000 9999 99 10/11/2026 10.11. 2026-11-20 2026-02-30 T Z ٣ é - / .
"""
WORDS = st.sampled_from([*VOCABULARY.split(), "\0", "\n", "\ud800"])
SAID = st.lists(WORDS, max_size=5).flatmap(
    lambda words: st.sampled_from([" ".join(words), "".join(words)])
)
INSTANTS = st.datetimes(
    min_value=datetime(2000, 1, 1),  # noqa: DTZ001 - Hypothesis adds the zone
    max_value=datetime(2100, 12, 31, 23, 59),  # noqa: DTZ001 - as above
    timezones=st.just(UTC),
)


@settings(max_examples=500)
@given(
    st.text() | SAID,
    INSTANTS,
    st.sampled_from([LONDON, ZoneInfo("Pacific/Apia"), ZoneInfo("America/New_York")]),
)
def test_any_text_is_a_day_or_an_invalid_value(text: str, now: datetime, zone: ZoneInfo) -> None:
    """R20: a date within the years, and never another exception."""
    try:
        day = parse_day(text, now, zone)
    except InvalidValue:
        return
    assert 2000 <= day.year <= 2100
    assert parse_day(day.isoformat(), now, zone) == day


@given(st.dates(date(2000, 1, 1), date(2100, 12, 31)))
def test_an_iso_date_reads_back(day: date) -> None:
    """R20: `--json` prints days that `--date` reads."""
    assert parse_day(day.isoformat(), NOW, LONDON) == day
