"""Times as people say them: R20."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from nexio.errors import InvalidValue
from nexio.input.arrivals import parse_arrival, parse_expected, parse_until
from nexio.input.calendar_days import parse_day
from nexio.input.zones import show
from nexio_cli.commands.visitor_changes import ARRIVAL_HELP
from tests.support.arrivals import LONDON, NOW, ZONES, read, refusal

# NOW is Friday, 20 November 2026, 12:34.


@pytest.mark.parametrize(
    ("text", "arrival"),
    [
        ("tomorrow at 9", "2026-11-21T09:00+00:00"),
        ("Tomorrow 9", "2026-11-21T09:00+00:00"),
        ("at 9 tomorrow", "2026-11-21T09:00+00:00"),
        ("at 9 on Monday", "2026-11-23T09:00+00:00"),
        ("20 Dec at 14", "2026-12-20T14:00+00:00"),
        ("tomorrow at 03", "2026-11-21T03:00+00:00"),
        ("9 o'clock tomorrow", "2026-11-21T09:00+00:00"),
        ("in 2 hours", "2026-11-20T14:34+00:00"),
        ("in two hours", "2026-11-20T14:34+00:00"),
        ("in an hour", "2026-11-20T13:34+00:00"),
        ("in half an hour", "2026-11-20T13:04+00:00"),
        ("in 1 hour and 30 minutes", "2026-11-20T14:04+00:00"),
        ("in 2 days at 9", "2026-11-22T09:00+00:00"),
        ("in a week at 10:30", "2026-11-27T10:30+00:00"),
        ("noon", "2026-11-20T12:00+00:00"),
        ("tomorrow at noon", "2026-11-21T12:00+00:00"),
        ("12 noon on 25/12", "2026-12-25T12:00+00:00"),
        ("midnight", "2026-11-21T00:00+00:00"),
        ("next tuesday 2pm", "2026-11-24T14:00+00:00"),
        ("2pm next tuesday", "2026-11-24T14:00+00:00"),
        ("next friday 2pm", "2026-11-27T14:00+00:00"),
        ("this friday 2pm", "2026-11-20T14:00+00:00"),
        ("25/12 9am", "2026-12-25T09:00+00:00"),
        ("18.30", "2026-11-20T18:30+00:00"),
        ("tomorrow 9.10", "2026-11-21T09:10+00:00"),
        ("18h30", "2026-11-20T18:30+00:00"),
        ("18 h 30", "2026-11-20T18:30+00:00"),
        ("tomorrow 9h", "2026-11-21T09:00+00:00"),
        ("1800", "2026-11-20T18:00+00:00"),
        ("tomorrow 0930", "2026-11-21T09:30+00:00"),
        ("tomorrow 2030", "2026-11-21T20:30+00:00"),
        ("2026-11-27 0930", "2026-11-27T09:30+00:00"),
        ("tonight at 8", "2026-11-20T20:00+00:00"),
        ("8pm tonight", "2026-11-20T20:00+00:00"),
        ("tonight 20:00", "2026-11-20T20:00+00:00"),
        ("this evening at 8", "2026-11-20T20:00+00:00"),
        ("tomorrow morning at 9", "2026-11-21T09:00+00:00"),
        ("tomorrow afternoon at 3", "2026-11-21T15:00+00:00"),
        ("at 3 in the afternoon", "2026-11-20T15:00+00:00"),
        ("day after tomorrow 9am", "2026-11-22T09:00+00:00"),
        ("the day after tomorrow at 9", "2026-11-22T09:00+00:00"),
    ],
)
def test_what_people_say(text: str, arrival: str) -> None:
    """R20: each has one reading."""
    assert read(text) == arrival


@pytest.mark.parametrize(
    ("text", "until"),
    [
        ("9h30-10h30", "10:30"),
        ("9.30-10.30", "10:30"),
        ("noon to 2pm", "14:00"),
        ("1800 to 1900", "19:00"),
        ("tomorrow 0900-1030", "10:30"),
        ("tomorrow 14h to 16h", "16:00"),
    ],
)
def test_from_one_to_another(text: str, until: str) -> None:
    """R20: in a range they are read as alone."""
    expected = parse_expected(text, NOW, LONDON)
    assert expected.until is not None
    assert f"{expected.until:%H:%M}" == until


@pytest.mark.parametrize(
    ("text", "until"), [("noon", "12:00"), ("midnight", "00:00"), ("18h30", "18:30")]
)
def test_an_end(text: str, until: str) -> None:
    """R20: the first one after the start."""
    start = NOW.replace(hour=9)
    assert f"{parse_until(text, start, NOW, LONDON):%H:%M}" == until


@pytest.mark.parametrize(
    ("text", "readings"),
    [
        ("tomorrow at 3", "tomorrow 3:00 or tomorrow 15:00"),
        ("at 5", "5:00 or 17:00"),
        ("9h", "9:00 or +9h"),
        ("20.11", "20:11 or 20 November"),
        ("2030", "20:30 or the year 2030"),
        ("next sunday 2pm", "Sunday 22 November 2026 or Sunday 29 November 2026"),
        ("1/12 9am", "Tuesday 1 December 2026 or Tuesday 12 January 2027"),
        ("26-11-27 9am", "Friday 26 November 2027 or Friday 27 November 2026"),
        ("tomorrow midnight", "Sat 21 Nov 2026 00:00 +00:00 or Sun 22 Nov 2026 00:00 +00:00"),
    ],
)
def test_two_readings(text: str, readings: str) -> None:
    """R20: it is refused with both, and what the advice quotes can be typed."""
    error = refusal(text)
    assert str(error).endswith(readings)
    for proposal in re.findall(r'"([^"]+)"', error.advice):
        assert read(proposal)


@pytest.mark.parametrize(
    "text", ["tonight at 1", "tomorrow morning at 14", "tomorrow evening 9am", "monday 9", "9", "h"]
)
def test_what_nobody_means(text: str) -> None:
    """R20: nobody guesses."""
    assert refusal(text).advice


MOMENTS = st.datetimes(
    min_value=datetime(2026, 1, 1),  # noqa: DTZ001 - Hypothesis adds the zone
    max_value=datetime(2029, 12, 1),  # noqa: DTZ001 - as above
    timezones=st.just(UTC),
)
VOCABULARY = """
    in at this next on to tonight today tomorrow after day the monday sunday tue noon midnight
    morning afternoon evening 2 9 3 12 13 25/12 1/12 26-11-27 20.11 18.30 9.30 18h30 9h 1800 2030
    9am 2pm hours hour minutes days week an half two o'clock 25 Dec 2026 - , 14:00
"""
SAID = st.lists(st.sampled_from(VOCABULARY.split()), min_size=1, max_size=5).map(" ".join)


@settings(max_examples=500)
@example("tomorrow midnight", NOW, LONDON)
@given(SAID, MOMENTS, st.sampled_from(ZONES))
def test_what_is_printed_can_be_typed_again(text: str, now: datetime, zone: ZoneInfo) -> None:
    """R20: an arrival as it is shown, and all that a refusal tells to type."""
    try:
        expected = parse_expected(text, now, zone)
    except InvalidValue as error:
        for proposal in re.findall(r'"([^"]+)"', error.advice):
            said_again(proposal, now, zone)
        return
    shown = show(expected.arrival, zone)
    assert parse_arrival(shown, now, zone) == expected.arrival
    if expected.until is not None:
        again = parse_expected(f"{shown} to {show(expected.until, zone)}", now, zone)
        assert (again.arrival, again.until) == (expected.arrival, expected.until)


def said_again(proposal: str, now: datetime, zone: ZoneInfo) -> None:
    """Hold that a proposal is read; at a clock change there is a second question at most."""
    try:
        parse_expected(proposal, now, zone)
    except InvalidValue as error:
        if not re.search("where the clocks change|is not after the start|days after", str(error)):
            raise


@given(MOMENTS, st.sampled_from(ZONES), st.sampled_from(["", "x", "monday", "9", "14:00 cet"]))
def test_examples_lie_in_the_future(now: datetime, zone: ZoneInfo, text: str) -> None:
    """R20: those of the help and those of an error."""
    examples = ARRIVAL_HELP.partition(" and so on")[0].split(", ")
    try:
        parse_expected(text, now, zone)
    except InvalidValue as error:
        examples += re.findall(r'"([^"]+)"', error.advice)
    for each in examples:
        try:
            assert parse_expected(each, now, zone).arrival > now - timedelta(minutes=1), each
        except InvalidValue as error:
            assume("where the clocks change" not in str(error))
            raise
    try:
        parse_day("", now, zone)
    except InvalidValue as error:
        today = now.astimezone(zone).date()
        days = [parse_day(each, now, zone) for each in re.findall(r'"([^"]+)"', error.advice)]
        assert min(days) >= today
        assert max(days) <= today + timedelta(days=7)
