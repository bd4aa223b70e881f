"""When a visitor is expected, as people say it: R20."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nexio.errors import InvalidValue
from nexio.input.arrivals import parse_arrival
from nexio.input.zones import iso, show
from tests.support.arrivals import NOW, SAID, ZONES, read, refusal


@pytest.mark.parametrize(
    ("text", "arrival"),
    [
        ("now", "2026-11-20T12:34+00:00"),
        (" NOW ", "2026-11-20T12:34+00:00"),
        ("+2h", "2026-11-20T14:34+00:00"),
        ("+90m", "2026-11-20T14:04+00:00"),
        ("+ 1 h 30 min", "2026-11-20T14:04+00:00"),
        ("+1d", "2026-11-21T12:34+00:00"),
        ("today 14:00", "2026-11-20T14:00+00:00"),
        ("Today at 2pm", "2026-11-20T14:00+00:00"),
        ("today  9 AM", "2026-11-20T09:00+00:00"),
        ("tomorrow 9am", "2026-11-21T09:00+00:00"),
        ("9am tomorrow", "2026-11-21T09:00+00:00"),
        ("monday 10:30", "2026-11-23T10:30+00:00"),
        ("Mon 10:30", "2026-11-23T10:30+00:00"),
        ("on Tues, at 10:30", "2026-11-24T10:30+00:00"),
        ("2pm on thursday", "2026-11-26T14:00+00:00"),
        ("14:00", "2026-11-20T14:00+00:00"),
        ("at 14:00", "2026-11-20T14:00+00:00"),
        ("9am", "2026-11-20T09:00+00:00"),
    ],
)
def test_our_own_words(text: str, arrival: str) -> None:
    """R20: any case, blanks forgiven, a time alone is today."""
    assert read(text) == arrival


@pytest.mark.parametrize(
    ("text", "arrival"),
    [
        ("friday 12:35", "2026-11-20T12:35+00:00"),
        ("friday 12:34", "2026-11-20T12:34+00:00"),
        ("friday 12:33", "2026-11-27T12:33+00:00"),
        ("thursday 12:35", "2026-11-26T12:35+00:00"),
        ("friday 12:34 +00:30", "2026-11-27T12:04+00:00"),
    ],
)
def test_a_weekday_is_the_coming_one(text: str, arrival: str) -> None:
    """R20: today counts while the time, to the minute, has not passed."""
    assert read(text) == arrival


@pytest.mark.parametrize(
    ("text", "arrival"),
    [
        ("2026-11-23T14:00", "2026-11-23T14:00+00:00"),
        ("2026-11-23 14:00", "2026-11-23T14:00+00:00"),
        ("2026-11-23 2pm", "2026-11-23T14:00+00:00"),
        ("mon 2026-11-23 14:00", "2026-11-23T14:00+00:00"),
        ("2026-07-01T14:00", "2026-07-01T14:00+01:00"),
        ("2026-07-01T14:00Z", "2026-07-01T15:00+01:00"),
        ("2026-07-01t14:00:00z", "2026-07-01T15:00+01:00"),
        ("2026-07-01T14:00:00.000Z", "2026-07-01T15:00+01:00"),
        ("2026-07-01 14:00 +02:00", "2026-07-01T13:00+01:00"),
        ("2026-07-01T14:00+0200", "2026-07-01T13:00+01:00"),
        ("2026-07-01T14:00-05", "2026-07-01T20:00+01:00"),
        ("20260701T1400", "2026-07-01T14:00+01:00"),
        ("20260701T140000Z", "2026-07-01T15:00+01:00"),
        ("2000-01-01T00:00", "2000-01-01T00:00+00:00"),
        ("2100-12-31T23:59", "2100-12-31T23:59+00:00"),
    ],
)
def test_iso_8601(text: str, arrival: str) -> None:
    """R20: with T or blank, with or without an offset; local time where there is none."""
    assert read(text) == arrival


@pytest.mark.parametrize(
    ("text", "arrival"),
    [
        ("23 Nov 2026 14:00", "2026-11-23T14:00+00:00"),
        ("Nov 23, 2026, 2:00 PM", "2026-11-23T14:00+00:00"),
        ("Monday, 23 November 2026 at 14:00", "2026-11-23T14:00+00:00"),
        ("14:00 on 23 November 2026", "2026-11-23T14:00+00:00"),
        ("1 May 2027 09:00 +02:00", "2027-05-01T08:00+01:00"),
        ("1 May 2027 09:00 UTC", "2027-05-01T10:00+01:00"),
        ("20 Nov 9:00", "2026-11-20T09:00+00:00"),
        ("19 Nov 14:00", "2027-11-19T14:00+00:00"),
        ("fri 19 Nov 14:00", "2027-11-19T14:00+00:00"),
    ],
)
def test_a_date_with_the_month_by_name(text: str, arrival: str) -> None:
    """R20: before or behind the time; without a year from today on, whatever the time."""
    assert read(text) == arrival


@pytest.mark.parametrize(
    ("text", "arrival"),
    [
        ("25/12 9am", "2026-12-25T09:00+00:00"),
        ("25.12. 9.30", "2026-12-25T09:30+00:00"),
        ("12/25 9am", "2026-12-25T09:00+00:00"),
        ("25/12/26 9am", "2026-12-25T09:00+00:00"),
        ("11/11/2027 9am", "2027-11-11T09:00+00:00"),
        ("2026/11/23 14:00", "2026-11-23T14:00+00:00"),
    ],
)
def test_a_date_in_numbers_with_one_reading(text: str, arrival: str) -> None:
    """R20: it is taken; without a year it is the next one."""
    assert read(text) == arrival


@pytest.mark.parametrize("text", ["Wed 10.11.2027 14:00", "10-11-27 2pm", "2pm 10/11/2027"])
def test_a_date_in_numbers_is_refused_with_its_readings(text: str) -> None:
    """R20: both readings, as ISO dates."""
    error = refusal(text)
    expected = f'"{text}" has two readings: Wednesday 10 November 2027 or Monday 11 October 2027'
    assert str(error) == expected
    assert error.advice == "Write the date as 2027-11-10 or 2027-10-11, or with the month by name."


@pytest.mark.parametrize(
    ("text", "advice"),
    [
        ("12/11/2026 2pm", "Write the date as 2026-12-11, or with the month by name."),
        (
            "10/11/2026 2pm",
            'Write it like "tomorrow 14:00" or "27 Nov 2026 14:00" or "2026-11-27 14:00".',
        ),
    ],
)
def test_the_hint_for_a_date_in_numbers_lies_ahead(text: str, advice: str) -> None:
    """R20: what has passed is named, and not proposed: it would be refused when it is typed."""
    error = refusal(text)
    assert "has two readings" in str(error)
    assert error.advice == advice


@pytest.mark.parametrize(
    "text",
    ["2026-11-23", "23 Nov 2026", "November 23", "monday", "on monday", "today", "TOMORROW"],
)
def test_a_date_without_a_time_is_refused(text: str) -> None:
    """R20: midnight is nobody's arrival; the advice is what to type."""
    error = refusal(text)
    assert str(error) == f'"{text}" has no time'
    assert error.advice == f'Add the time: "{text} 14:00".'
    assert read(f"{text} 14:00")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "The arrival is empty"),
        (" \t ", "The arrival is empty"),
        ("Thu 20 Nov 2026", "20 November 2026 is a Friday, not a Thursday"),
        ("Thu 20 Nov 2026 14:00", "20 November 2026 is a Friday, not a Thursday"),
        ("Thu 2026-11-20 14:00", "20 November 2026 is a Friday, not a Thursday"),
        ("mon tomorrow 14:00", "21 November 2026 is a Saturday, not a Monday"),
        ("November 14:00", '"November 14:00" names no day'),
        ("Nov 2026 14:00", '"Nov 2026 14:00" names no day'),
        ("31 Sep 2026 14:00", '"31 Sep 2026 14:00" names a date that is in no calendar'),
        ("29 Feb 2027 14:00", '"29 Feb 2027 14:00" names a date that is in no calendar'),
        ("2026-02-30 14:00", '"2026-02-30 14:00" names a date that is in no calendar'),
        ("0 Nov 2026 14:00", '"0 Nov 2026 14:00" names a date that is in no calendar'),
        ("20 Nov 0026 14:00", '"20 Nov 0026 14:00" names a date that is in no calendar'),
        ("99/99/2026 14:00", '"99/99/2026 14:00" names a date that is in no calendar'),
        ("24:00", '"24:00" names a time that is on no clock'),
        ("14:00 CET", '"14:00 CET" cannot be read: "cet" is no day and no offset'),
        (
            "14:00 Europe/London",
            '"14:00 Europe/London" cannot be read: "europe/london" is no day and no offset',
        ),
        ("14:00 UTC+1", '"14:00 UTC+1" cannot be read: "utc+1" is no day and no offset'),
        ("2026-11-20T14:00\0", '"2026-11-20T14:00\\x00" cannot be read as an arrival'),
        ("+2", '"+2" cannot be read: The duration "2" has no unit'),
        ("+1.5h", '"+1.5h" cannot be read: The duration "1.5h" is a decimal number'),
        ("+99999999999d", '"+99999999999d" cannot be read: "99999999999d" is too long'),
        ("1999-12-31T23:59", "The year 1999 is too far away"),
        ("2101-01-01T00:00", "The year 2101 is too far away"),
        ("9999-12-31T23:59-14:00", "The year 9999 is too far away"),
        ("0001-01-01T00:00+14:00", "The year 1 is too far away"),
        ("31 Dec 9999 14:00", "The year 9999 is too far away"),
    ],
)
def test_refuses_with_a_reason(text: str, message: str) -> None:
    """R20: one line of what is wrong, one of what to do."""
    error = refusal(text)
    assert str(error) == message
    assert error.advice


@pytest.mark.parametrize(
    "text",
    [
        "10",
        "2026",
        "14",
        "monday 9",
        "nov 20 14",
        "20 nov 26 14:00",
        "20 nov 21 2026 14:00",
        "nov dec 20 14:00",
        "20 nov 2026 14:00 15:00",
        "20 smarch 2026 14:00",
        "yesterday 14:00",
        "2026-W47-5T14:00",
        "2026-324T14:00",
        "2026-11-20x14:00",
        "2026-11-20T1400",
        "202611201400",
        "1795176000",
        "2026-11-20T14:00+1",
        "2026-11-20T14:00Z+01:00",
        "today14:00",
        "t14:00",
        "-2h",
        "2h",
        "١٤:٠٠",
        "14:00; now",
        "x" * 10_000,
        "a_" * 5_000 + " 14:00",
    ],
)
def test_an_odd_string_is_no_arrival(text: str) -> None:
    """R20: dateutil would find a date in many of these; nothing slips through."""
    assert refusal(text).advice


def test_today_is_the_day_of_the_location() -> None:
    """R20: at 12:34 UTC it is already Saturday in Apia."""
    assert read("today 14:00", zone=ZoneInfo("Pacific/Apia")) == "2026-11-21T14:00+13:00"
    assert read("now", zone=ZoneInfo("Asia/Kathmandu")) == "2026-11-20T18:19+05:45"


@settings(max_examples=500)
@given(st.text() | SAID, st.sampled_from(ZONES))
def test_any_text_is_an_arrival_or_an_invalid_value(text: str, zone: ZoneInfo) -> None:
    """R20: an aware whole minute in UTC within the years, and never another exception."""
    try:
        arrival = parse_arrival(text, NOW, zone)
    except InvalidValue:
        return
    assert arrival.tzinfo is UTC
    assert (arrival.second, arrival.microsecond) == (0, 0)
    assert 1999 <= arrival.year <= 2101  # an offset may reach over the turn of the year


@given(
    st.datetimes(min_value=datetime(2000, 1, 2), max_value=datetime(2100, 12, 30)),  # noqa: DTZ001
    st.sampled_from(ZONES),
)
def test_what_is_shown_reads_back(moment: datetime, zone: ZoneInfo) -> None:
    """R1, R20: both forms in which an instant is shown name it without a question."""
    instant = moment.replace(second=0, microsecond=0, tzinfo=UTC)
    assert parse_arrival(show(instant, zone), NOW, zone) == instant
    assert parse_arrival(iso(instant, zone), NOW, zone) == instant
