"""Times on the clock, as people say them: R20."""

from datetime import UTC, time, timedelta, timezone

import pytest

from nexio.errors import InvalidValue
from nexio.input.clock_times import find_clock_time, find_zone_name, holds_clock_time


@pytest.mark.parametrize(
    ("said", "clock"),
    [
        ("14:00", time(14)),
        ("at 14:00", time(14)),
        ("9:05", time(9, 5)),
        ("00:00", time(0)),
        ("9am", time(9)),
        ("9 am", time(9)),
        ("9:30pm", time(21, 30)),
        ("9.30pm", time(21, 30)),
        ("9.30", time(9, 30)),
        ("18.30", time(18, 30)),
        ("9:30 p.m.", time(21, 30)),
        ("12am", time(0)),
        ("12pm", time(12)),
        ("14:00:00", time(14)),
        ("14:00:00.000", time(14)),
    ],
)
def test_a_time_alone(said: str, clock: time) -> None:
    """R20: in 24 hours or in twice 12, with zero seconds or none."""
    found = find_clock_time(said, said)
    assert found is not None
    assert (found.time, found.offset, found.day) == (clock, None, "")


@pytest.mark.parametrize(
    ("said", "day"),
    [
        ("tomorrow 14:00", "tomorrow"),
        ("tomorrow at 2pm", "tomorrow"),
        ("on monday, at 14:00", "monday"),
        ("14:00 on monday", "monday"),
        ("2pm, 20 nov", "20 nov"),
        ("2026-11-20t14:00", "2026-11-20"),
        ("20261120t140000", "2026-11-20"),
        ("20261120t1400", "2026-11-20"),
    ],
)
def test_the_words_for_the_day_are_left(said: str, day: str) -> None:
    """R20: in front of the time or behind it, unread."""
    found = find_clock_time(said, said)
    assert found is not None
    assert (found.time, found.day) == (time(14), day)


@pytest.mark.parametrize(
    ("said", "hours"),
    [
        *(
            ("14:00 z", 0),
            ("14:00 utc", 0),
            ("2pm gmt", 0),
            ("14:00 +01:00", 1),
            ("14:00 +0100", 1),
        ),
        *(("14:00 -05", -5), ("14:00 +05:45", 5.75), ("14:00 +14:00", 14), ("14:00 -14:00", -14)),
    ],
)
def test_an_offset_may_follow(said: str, hours: float) -> None:
    """R20: in ISO 8601, or as UTC."""
    found = find_clock_time(said, said)
    assert found is not None
    assert found.offset == timezone(timedelta(hours=hours))
    assert found.offset is UTC or hours


@pytest.mark.parametrize("said", ["", "14", "monday 9", "noon", "t14:00", "١٤:٠٠"])
def test_where_there_is_no_time_there_is_none(said: str) -> None:
    """R20: a bare number is no time, and neither are the digits of other scripts."""
    assert find_clock_time(said, said) is None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("24:00", '"24:00" names a time that is on no clock'),
        ("14:60", '"14:60" names a time that is on no clock'),
        ("13pm", '"13pm" names a time that is on no clock'),
        ("0am", '"0am" names a time that is on no clock'),
        ("9.10", '"9.10" has two readings: 9:10 or 9 October'),
        ("20.11", '"20.11" has two readings: 20:11 or 20 November'),
        ("14:00:30", '"14:00:30" has seconds'),
        ("2026-11-20T14:00:00.001Z", '"2026-11-20T14:00:00.001Z" has seconds'),
        ("20261120T140030Z", '"20261120T140030Z" has seconds'),
        ("14:00 +15:00", '"14:00 +15:00" has an offset that no place has'),
        ("14:00 +01:60", '"14:00 +01:60" has an offset that no place has'),
    ],
)
def test_refuses_with_a_reason(text: str, message: str) -> None:
    """R20: the text is quoted as it was typed."""
    with pytest.raises(InvalidValue) as caught:
        find_clock_time(text.lower(), text)
    assert str(caught.value) == message
    assert caught.value.advice


@pytest.mark.parametrize("said", ["14:00", "tomorrow 9am", "2026-11-20t14:00", "x 9 p.m. y"])
def test_a_time_is_noticed_anywhere(said: str) -> None:
    """R20: whether or not it can be read."""
    assert holds_clock_time(said)


@pytest.mark.parametrize("said", ["", "monday", "2026-11-20", "20.11.2026", "3 amsterdam"])
def test_a_day_is_not_noticed_as_a_time(said: str) -> None:
    """R20: a date has other marks between its numbers."""
    assert not holds_clock_time(said)


def test_a_name_after_the_time_is_found() -> None:
    """R20: so that the message can say that a zone is given as its offset."""
    assert find_zone_name("20 nov 14:00 cet") == "cet"
    assert find_zone_name("14:00 (europe/london)") == "europe/london"
    assert find_zone_name("20 nov 14:00") is None


@pytest.mark.parametrize("said", ["14:00+01:00", "14:00z", "tomorrow 14:00-05", "2pm+01"])
def test_an_offset_needs_a_blank_without_an_iso_date(said: str) -> None:
    """R20: "9:00-12:00" is no time with an offset."""
    with pytest.raises(InvalidValue, match="has an offset right after the time"):
        find_clock_time(said, said)
