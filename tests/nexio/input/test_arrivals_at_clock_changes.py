"""Arrivals in the hour in which the clocks change: R20."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from nexio.input.arrivals import parse_arrival
from nexio.input.zones import show
from tests.support.arrivals import NOW, read, refusal


def test_the_second_of_two_equal_times_has_not_passed() -> None:
    """R20: at 01:45 before the clocks go back, "sunday 01:30" is ambiguous, not next week."""
    first = datetime.fromisoformat("2026-10-25T01:45+01:00")
    assert "occurs twice" in str(refusal("sunday 01:30", now=first))
    assert read("sunday 01:30", now=first + timedelta(hours=1)) == "2026-11-01T01:30+00:00"


@pytest.mark.parametrize(
    ("zone", "text", "what", "before", "after"),
    [
        (
            *("Europe/London", "2027-03-28 01:30", "does not exist"),
            *("2027-03-28T00:30:00+00:00", "2027-03-28T02:30:00+01:00"),
        ),
        (
            *("Europe/London", "25 Oct 2026 01:30", "occurs twice"),
            *("2026-10-25T01:30:00+01:00", "2026-10-25T01:30:00+00:00"),
        ),
        (
            *("America/New_York", "2027-03-14 2:30am", "does not exist"),
            *("2027-03-14T01:30:00-05:00", "2027-03-14T03:30:00-04:00"),
        ),
        (
            *("America/New_York", "Nov 1 2026 1:00am", "occurs twice"),
            *("2026-11-01T01:00:00-04:00", "2026-11-01T01:00:00-05:00"),
        ),
        (
            *("Australia/Lord_Howe", "2026-10-04 02:15", "does not exist"),
            *("2026-10-04T01:45:00+10:30", "2026-10-04T02:45:00+11:00"),
        ),
        (
            *("Australia/Lord_Howe", "2026-04-05 01:45", "occurs twice"),
            *("2026-04-05T01:45:00+11:00", "2026-04-05T01:45:00+10:30"),
        ),
        (
            *("America/Sao_Paulo", "2018-11-04 00:00", "does not exist"),
            *("2018-11-03T23:00:00-03:00", "2018-11-04T01:00:00-02:00"),
        ),
        (
            *("Pacific/Apia", "30 Dec 2011 14:00", "does not exist"),
            *("2011-12-29T14:00:00-10:00", "2011-12-31T14:00:00+14:00"),
        ),
    ],
)
def test_a_clock_change_is_refused_with_both_readings(
    zone: str, text: str, what: str, before: str, after: str
) -> None:
    """R20: with their offsets; what is proposed is read without a question."""
    there = ZoneInfo(zone)
    error = refusal(text, zone=there)
    shown = [show(datetime.fromisoformat(reading), there) for reading in (before, after)]
    assert f"{what} in {zone}, where the clocks change: {shown[0]} or {shown[1]}" in str(error)
    assert error.advice == f"Give the offset: {before} or {after}."
    for reading in (before, after):
        assert parse_arrival(reading, NOW, there) == datetime.fromisoformat(reading)


@pytest.mark.parametrize(
    ("zone", "text", "arrival"),
    [
        ("Europe/London", "2026-10-25 00:59", "2026-10-25T00:59+01:00"),
        ("Europe/London", "2026-10-25 02:00", "2026-10-25T02:00+00:00"),
        ("Europe/London", "2027-03-28 00:59", "2027-03-28T00:59+00:00"),
        ("Europe/London", "2027-03-28 02:00", "2027-03-28T02:00+01:00"),
        ("Europe/London", "25 Oct 2026 01:30 +00:00", "2026-10-25T01:30+00:00"),
        ("Europe/London", "28 Mar 2027 01:30 +00:00", "2027-03-28T02:30+01:00"),
    ],
)
def test_the_edges_of_a_clock_change_are_ordinary(zone: str, text: str, arrival: str) -> None:
    """R20: only the hour itself is in question, and not with an offset."""
    assert read(text, zone=ZoneInfo(zone)) == arrival
