"""Times as a visitor reads them: R1."""

from datetime import datetime

import pytest

from nexio.input.zones import get_zone
from nexio.languages import ENGLISH
from nexio.mail.wording import moment, window


@pytest.mark.parametrize(
    ("instant", "zone", "words"),
    [
        (
            "2026-11-20T09:00Z",
            "Europe/London",
            "Friday, 20 November 2026, 09:00 (Europe/London, UTC+00:00)",
        ),
        (
            "2026-07-01T22:30Z",
            "Asia/Kolkata",
            "Thursday, 2 July 2026, 04:00 (Asia/Kolkata, UTC+05:30)",
        ),
        (
            "2026-01-01T00:00Z",
            "America/New_York",
            "Wednesday, 31 December 2025, 19:00 (America/New_York, UTC-05:00)",
        ),
    ],
)
def test_a_moment(instant: str, zone: str, words: str) -> None:
    """The day, the clock on the wall, the zone and its offset at that moment."""
    assert moment(datetime.fromisoformat(instant), get_zone(zone), ENGLISH) == words


@pytest.mark.parametrize(
    ("start", "end", "words"),
    [
        (
            "2026-11-20T09:00Z",
            "2026-11-20T10:00Z",
            "Friday, 20 November 2026, 09:00 to 10:00 (Europe/London, UTC+00:00)",
        ),
        (
            "2026-11-20T23:30Z",
            "2026-11-21T00:30Z",
            (
                "Friday, 20 November 2026, 23:30 (Europe/London, UTC+00:00)"
                " to Saturday, 21 November 2026, 00:30 (Europe/London, UTC+00:00)"
            ),
        ),
        (  # the clocks go back at 02:00: an hour from half past one is half past one
            "2026-10-25T00:30Z",
            "2026-10-25T01:30Z",
            (
                "Sunday, 25 October 2026, 01:30 (Europe/London, UTC+01:00)"
                " to Sunday, 25 October 2026, 01:30 (Europe/London, UTC+00:00)"
            ),
        ),
    ],
)
def test_a_window(start: str, end: str, words: str) -> None:
    """Said in full where the day or the offset is another one at the end."""
    zone = get_zone("Europe/London")
    assert (
        window(datetime.fromisoformat(start), datetime.fromisoformat(end), zone, ENGLISH) == words
    )
