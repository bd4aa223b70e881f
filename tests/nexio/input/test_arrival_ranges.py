"""From one time to another, as people say it: R20."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nexio.errors import InvalidValue
from nexio.input.arrivals import parse_arrival, parse_end, parse_expected, parse_until
from nexio.input.durations import LONGEST
from nexio.input.zones import show
from tests.support.arrivals import LONDON, NOW, SAID, ZONES

# NOW is Friday, 20 November 2026, 12:34.


def read(text: str, now: datetime = NOW, zone: ZoneInfo = LONDON) -> str:
    """Both ends in local time: "21 09:30 to 21 10:30"."""
    expected = parse_expected(text, now, zone)
    assert expected.until is not None
    ends = (expected.arrival, expected.until)
    return " to ".join(f"{each.astimezone(zone):%d %H:%M}" for each in ends)


def refusal(text: str) -> InvalidValue:
    """The error about a text."""
    with pytest.raises(InvalidValue) as caught:
        parse_expected(text, NOW, LONDON)
    assert caught.value.advice
    return caught.value


@pytest.mark.parametrize(
    ("text", "ends"),
    [
        ("tomorrow 9:30-10:30", "21 09:30 to 21 10:30"),
        ("tomorrow 9:30 - 10:30", "21 09:30 to 21 10:30"),
        ("tomorrow 9:30 – 10:30", "21 09:30 to 21 10:30"),
        ("tomorrow 9:30—10:30", "21 09:30 to 21 10:30"),
        ("tomorrow 9:30- 10:30", "21 09:30 to 21 10:30"),
        ("tomorrow 9:30 to 10:30", "21 09:30 to 21 10:30"),
        ("Tomorrow from 9:30 until 10:30", "21 09:30 to 21 10:30"),
        ("from 9:30 till 10:30 tomorrow", "21 09:30 to 21 10:30"),
        ("9:30-10:30 on 21 nov", "21 09:30 to 21 10:30"),
        ("9:00-12:00", "20 09:00 to 20 12:00"),
        ("9am-11", "20 09:00 to 20 11:00"),
        ("9-11am", "20 09:00 to 20 11:00"),
        ("9am-5", "20 09:00 to 20 17:00"),
        ("9am-5:30", "20 09:00 to 20 17:30"),
        ("9am - 5pm", "20 09:00 to 20 17:00"),
        ("11-1pm", "20 11:00 to 20 13:00"),
        ("1-3pm", "20 13:00 to 20 15:00"),
        ("10-11pm", "20 22:00 to 20 23:00"),
        ("2:30-4pm", "20 14:30 to 20 16:00"),
        ("9.30am-10.30am", "20 09:30 to 20 10:30"),
        ("mon 9-10:30", "23 09:00 to 23 10:30"),
        ("friday 12:00-13:00", "27 12:00 to 27 13:00"),
        ("mon 9:00 - wed 17:00", "23 09:00 to 25 17:00"),
        ("mon 9:00 to mon 17:00", "23 09:00 to 23 17:00"),
        ("14:00 to tomorrow 10:00", "20 14:00 to 21 10:00"),
        ("22 nov 14:00 - 24 nov 12:00", "22 14:00 to 24 12:00"),
        ("2026-11-21 14:00-16:00", "21 14:00 to 21 16:00"),
        ("2026-11-21T14:00-16:00", "21 14:00 to 21 16:00"),
        ("2026-11-21T14:00/2026-11-21T16:00", "21 14:00 to 21 16:00"),
        ("2026-11-21T14:00Z/16:00", "21 14:00 to 21 16:00"),
        ("2026-11-21 14:00 to 16:00 +01:00", "21 13:00 to 21 15:00"),
        ("tomorrow 14:00 -05:00 to 16:00", "21 19:00 to 21 21:00"),
        ("20 Dec 2026 9:00-12:00", "20 09:00 to 20 12:00"),
        ("mon 9:00 - 24 nov 12:00", "23 09:00 to 24 12:00"),
        ("2026-11-21 9:00-12:00", "21 09:00 to 21 12:00"),
        ("9am-11 tomorrow", "21 09:00 to 21 11:00"),
        ("9:30am-4, monday", "23 09:30 to 23 16:00"),
    ],
)
def test_a_range_means_from_and_to(text: str, ends: str) -> None:
    """R20: with any dash or word between, the day before or behind, "am" said once or twice."""
    assert read(text) == ends


@pytest.mark.parametrize(
    ("text", "arrival"),
    [
        ("2026-11-21T14:00-05:00", "21 19:00"),
        ("2026-11-21 14:00-05:00", "21 19:00"),
        ("2026-11-21T04:00-05:00", "21 09:00"),
        ("2026-11-21 04:00:00-05:00", "21 09:00"),
        ("2026-11-21 14:00+01:00", "21 13:00"),
        ("2026-11-21T14:00+0100", "21 13:00"),
        ("sat 2026-11-21 14:00-05", "21 19:00"),
        ("tomorrow 14:00 -05:00", "21 19:00"),
        ("tomorrow 14:00 +01:00", "21 13:00"),
        ("Sat 21 Nov 2026 04:00 -05:00", "21 09:00"),
        ("2026-11-21 04:00 -05:00", "21 09:00"),
    ],
)
def test_an_offset_is_an_offset(text: str, arrival: str) -> None:
    """R20: after a blank, or directly after ISO 8601."""
    expected = parse_expected(text, NOW, LONDON)
    assert (f"{expected.arrival:%d %H:%M}", expected.until) == (arrival, None)


@pytest.mark.parametrize(
    "text",
    [
        *("tomorrow 9:00 -12:00", "4:00 -05:00", "mon 04:00 -05"),
        *("2026-11-21 09:00-12:00", "sat 2026-11-21 09:00-10"),
    ],
)
def test_what_may_be_both_is_refused(text: str) -> None:
    """R20: nobody guesses; the advice has both ways to write it."""
    error = refusal(text)
    assert "may be a time to another, or one time with an offset" in str(error)
    assert " to " in error.advice


@pytest.mark.parametrize(
    "text", ["14:00+01:00", "tomorrow 14:00+02", "20 Nov 2026 14:00+01:00", "2pmz"]
)
def test_an_offset_without_a_blank_is_refused(text: str) -> None:
    """R20: it belongs to a full ISO date."""
    assert "has an offset right after the time" in str(refusal(text))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("tomorrow 10:30-9:30", "is not after the start"),
        ("tomorrow 9:30-9:30", "is not after the start"),
        ("22:00-02:00", "is not after the start"),
        ("9:30-5", "is not after the start"),
        ("9:00-25:00", "on no clock"),
        ("9:00-24:00", "on no clock"),
        ("13pm-14pm", "on no clock"),
        ("tomorrow 9:00 - 21 dec 9:01", "more than 30 days"),
        ("9:00-10:00-11:00", "cannot be read"),
        ("tomorrow 9:00-", "cannot be read"),
        ("tomorrow 9-11", "cannot be read"),
        ("9:00-10:00 smarch 3", "cannot be read"),
        ("20 nov-14:00", "cannot be read"),
        ("10/11 9:00-10:00", "has two readings"),
        ("2026-03-29 00:30 to 01:30", "does not exist"),
    ],
)
def test_a_range_that_is_none(text: str, words: str) -> None:
    """R20: an end before the start, too long, unreadable: exit 2 and what to do."""
    assert words in str(refusal(text))


def test_a_range_over_a_clock_change() -> None:
    """R20: two instants, whatever the clocks do in between."""
    expected = parse_expected("2026-10-25 00:30 to 02:30", NOW, LONDON)
    assert expected.until is not None
    assert expected.until - expected.arrival == timedelta(hours=3)


def test_the_longest_range() -> None:
    """30 days, to the minute."""
    expected = parse_expected("tomorrow 9:00 - 21 dec 9:00", NOW, LONDON)
    assert expected.until == expected.arrival + LONGEST


def test_one_moment_is_no_range() -> None:
    """Where one moment is asked for, two are an error."""
    with pytest.raises(InvalidValue, match="names two times"):
        parse_arrival("tomorrow 9:30-10:30", NOW, LONDON)


START = datetime(2026, 11, 21, 9, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "until"),
    [
        ("19:00", "21 19:00"),
        ("7pm", "21 19:00"),
        ("today 19:00", None),
        ("tomorrow 19:00", "21 19:00"),
        ("sunday 18:00", "22 18:00"),
        ("sat 18:00", "21 18:00"),
        ("fri 18:00", "27 18:00"),
        ("24 nov 18:00", "24 18:00"),
        ("2026-11-21T10:30+01:00", "21 09:30"),
        ("09:00", None),
        ("08:00", None),
        ("21 dec 09:00", "21 09:00"),
        ("21 dec 09:01", None),
        ("now", None),
        ("+2h", None),
        ("18:00-19:00", None),
        ("sunday", None),
        ("", None),
        ("x" * 1000, None),
    ],
)
def test_an_end(text: str, until: str | None) -> None:
    """R20: a time alone is on the day of the start; a weekday is the first one from there on."""
    if until is None:
        with pytest.raises(InvalidValue) as caught:
            parse_until(text, START, NOW, LONDON)
        assert caught.value.advice
    else:
        assert f"{parse_until(text, START, NOW, LONDON):%d %H:%M}" == until


def test_an_end_of_what_has_begun() -> None:
    """R20: a time alone is on the day that is named, although the start was before."""
    until = parse_end("19:00", NOW, NOW, LONDON)
    assert show(until, LONDON) == "Fri 20 Nov 2026 19:00 +00:00"


@pytest.mark.parametrize(
    ("text", "is_far"),
    [
        ("nov 19 9:00", True),
        ("nov 23 9:00", False),
        ("18 Feb 9:00", False),
        ("19 Feb 9:00", True),
        ("19 Feb 9:00-10:00", True),
        ("19 Feb 9:00 +0100", True),
        ("19 Feb 2027 9:00", False),
        ("2027-11-19T09:00", False),
        ("20271119T0900", False),
        ("+30d", False),
    ],
)
def test_a_date_that_may_be_a_slip(text: str, is_far: bool) -> None:
    """R20: without its year and over 90 days away."""
    assert parse_expected(text, NOW, LONDON).is_far is is_far


SEPARATORS = st.sampled_from(["-", " - ", "–", " to ", "/", " until ", " -", "- "])


@settings(max_examples=500)
@given(SAID, SEPARATORS, SAID, st.sampled_from(ZONES))
def test_any_range_is_one_or_an_invalid_value(
    first: str, separator: str, last: str, zone: ZoneInfo
) -> None:
    """R20: an end after the start, and never another exception."""
    try:
        expected = parse_expected(first + separator + last, NOW, zone)
    except InvalidValue:
        return
    if expected.until is not None:
        assert timedelta(0) < expected.until - expected.arrival <= LONGEST
