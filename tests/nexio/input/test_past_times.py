"""Times that lie behind, for who looks something up: R20."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from nexio.errors import InvalidValue
from nexio.input.past_times import parse_since, parse_until

LONDON = ZoneInfo("Europe/London")
# A Friday.
NOW = datetime(2026, 11, 20, 12, 34, 56, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "since", "until"),
    [
        ("today", "2026-11-20T00:00", "2026-11-21T00:00"),
        ("yesterday", "2026-11-19T00:00", "2026-11-20T00:00"),
        ("Friday", "2026-11-20T00:00", "2026-11-21T00:00"),
        ("saturday", "2026-11-14T00:00", "2026-11-15T00:00"),
        ("1 nov", "2026-11-01T00:00", "2026-11-02T00:00"),
        ("2026-10-25", "2026-10-24T23:00", "2026-10-26T00:00"),
        ("09:00", "2026-11-20T09:00", "2026-11-20T09:00"),
        ("yesterday at 2pm", "2026-11-19T14:00", "2026-11-19T14:00"),
        ("monday 10:30", "2026-11-16T10:30", "2026-11-16T10:30"),
        ("1 nov 10:30", "2026-11-01T10:30", "2026-11-01T10:30"),
        ("30m", "2026-11-20T12:04:56", "2026-11-20T12:04:56"),
        ("2 Hours ago", "2026-11-20T10:34:56", "2026-11-20T10:34:56"),
        ("2026-11-20T09:00:00+01:00", "2026-11-20T08:00", "2026-11-20T08:00"),
    ],
)
def test_days_and_moments(text: str, since: str, until: str) -> None:
    """A day from its start, to its end; a weekday or a date is the last one."""
    found = [parse(text, NOW, LONDON) for parse in (parse_since, parse_until)]
    assert found == [datetime.fromisoformat(f"{each}Z") for each in (since, until)]


@pytest.mark.parametrize("text", ["", "whenever", "10/11/2026", "30 february", "9h", "9 h"])
def test_what_cannot_be_read(text: str) -> None:
    """With examples, as everywhere."""
    with pytest.raises(InvalidValue) as caught:
        parse_since(text, NOW, LONDON)
    assert caught.value.advice
