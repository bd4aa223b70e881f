"""Durations."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nexio.errors import InvalidValue
from nexio.input.durations import LONGEST, format_duration, parse_duration, words_for

HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)


@pytest.mark.parametrize(
    ("text", "duration"),
    [
        ("60m", HOUR),
        ("60min", HOUR),
        ("60 MINS", HOUR),
        ("90 minutes", 1.5 * HOUR),
        ("1 minute", MINUTE),
        ("1m", MINUTE),
        ("1h", HOUR),
        ("1hr", HOUR),
        ("2 Hours", 2 * HOUR),
        ("1h30m", 1.5 * HOUR),
        ("1h 30m", 1.5 * HOUR),
        ("1 h 30 min", 1.5 * HOUR),
        (" 1  hour  30   minutes ", 1.5 * HOUR),
        ("2d", timedelta(days=2)),
        ("2 days", timedelta(days=2)),
        ("1d1h5m", timedelta(days=1, hours=1, minutes=5)),
        ("30d", timedelta(days=30)),
        ("43200m", timedelta(days=30)),
        ("0060m", HOUR),
    ],
)
def test_reads_what_people_write(text: str, duration: timedelta) -> None:
    """Units long and short, any case, blanks anywhere between."""
    assert parse_duration(text) == duration


@pytest.mark.parametrize(
    ("text", "message", "advice"),
    [
        ("60", 'The duration "60" has no unit', 'Write "60m" for minutes or "60h" for hours.'),
        (
            "15",
            'The duration "15" has no unit',
            'Write "15m" for minutes or "15h" for hours or "15d" for days.',
        ),
        ("0", 'The duration "0" has no unit', 'Write it like "60m", "1h30m" or "2d".'),
        ("1.5h", 'The duration "1.5h" is a decimal number', 'Write whole numbers: "1h30m"'),
        ("1,5h", 'The duration "1,5h" is a decimal number', 'Write whole numbers: "1h30m"'),
        (".5h", 'The duration ".5h" is a decimal number', 'Write whole numbers: "1h30m"'),
        ("", "The duration is empty", 'Write it like "60m"'),
        ("  ", "The duration is empty", 'Write it like "60m"'),
        ("0m", '"0m" is too short', "A duration is 1 minute to 30 days."),
        ("0d0h0m", '"0d0h0m" is too short', "A duration is 1 minute to 30 days."),
        ("30d1m", '"30d1m" is too long', "A duration is 1 minute to 30 days."),
        ("99999999999d", '"99999999999d" is too long', "A duration is 1 minute to 30 days."),
        ("-5m", '"-5m" is not a duration', 'Write it like "60m"'),
        ("90s", '"90s" is not a duration', 'Write it like "60m"'),
        ("1h30", '"1h30" is not a duration', 'Write it like "60m"'),
        ("30m1h", '"30m1h" is not a duration', 'Write it like "60m"'),
        ("h", '"h" is not a duration', 'Write it like "60m"'),
        ("٦٠m", '"٦٠m" is not a duration', 'Write it like "60m"'),
        ("soon\n", '"soon\\n" is not a duration', 'Write it like "60m"'),
    ],
)
def test_refuses_the_rest_with_advice(text: str, message: str, advice: str) -> None:
    """Nothing is guessed: the message names the value, the advice says how to write it."""
    with pytest.raises(InvalidValue) as caught:
        parse_duration(text)
    assert str(caught.value) == message
    assert caught.value.advice.startswith(advice)


@given(st.text() | st.from_regex(r"[0-9]{1,5000}[ .dhms]{0,3}", fullmatch=True))
def test_any_text_is_a_duration_or_an_invalid_value(text: str) -> None:
    """No text raises anything else, and none gives a length outside the limits."""
    try:
        duration = parse_duration(text)
    except InvalidValue:
        return
    assert MINUTE <= duration <= LONGEST


@given(st.integers(min_value=1, max_value=LONGEST // MINUTE))
def test_what_is_formatted_reads_back(minutes: int) -> None:
    """`parse_duration` undoes `format_duration` for every duration there is."""
    assert parse_duration(format_duration(minutes * MINUTE)) == minutes * MINUTE


@pytest.mark.parametrize(
    ("duration", "text"),
    [
        (HOUR, "1h"),
        (45 * MINUTE, "45m"),
        (1.5 * HOUR, "1h30m"),
        (timedelta(days=2), "2d"),
        (timedelta(days=1, minutes=5), "1d5m"),
        (timedelta(days=1, hours=1, minutes=5), "1d1h5m"),
    ],
)
def test_formats_the_shortest(duration: timedelta, text: str) -> None:
    """Parts that are zero are left out."""
    assert format_duration(duration) == text


@pytest.mark.parametrize("duration", [timedelta(0), -HOUR, timedelta(seconds=90)])
def test_formats_no_other_length(duration: timedelta) -> None:
    """What could not be read back is a fault of the program, not of the operator."""
    with pytest.raises(ValueError, match="whole minutes"):
        format_duration(duration)


@pytest.mark.parametrize(
    ("duration", "words"),
    [
        (timedelta(0), "0 seconds"),
        (-HOUR, "0 seconds"),
        (timedelta(milliseconds=999), "0 seconds"),
        (timedelta(seconds=1), "1 second"),
        (timedelta(seconds=45), "45 seconds"),
        (MINUTE, "1 minute"),
        (timedelta(seconds=90), "1 minute 30 seconds"),
        (timedelta(minutes=9, seconds=59), "9 minutes 59 seconds"),
        (timedelta(minutes=10, seconds=1), "10 minutes"),
        (timedelta(minutes=59, seconds=59), "59 minutes"),
        (HOUR, "1 hour"),
        (1.5 * HOUR, "1 hour 30 minutes"),
        (timedelta(days=1, hours=2, minutes=3), "1 day 2 hours 3 minutes"),
        (timedelta(days=30), "30 days"),
    ],
)
def test_words_for_people(duration: timedelta, words: str) -> None:
    """Singular and plural; seconds only below ten minutes, rounded down."""
    assert words_for(duration) == words
