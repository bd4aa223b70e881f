"""What people type as an arrival, and when and where they type it."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import strategies as st

from nexio.errors import InvalidValue
from nexio.input.arrivals import parse_arrival

LONDON = ZoneInfo("Europe/London")
ZONES = [
    LONDON,
    *map(ZoneInfo, ("America/New_York", "Australia/Lord_Howe", "Pacific/Apia", "Asia/Kathmandu")),
]
# A Friday.
NOW = datetime(2026, 11, 20, 12, 34, 56, tzinfo=UTC)
VOCABULARY = """
    now today tomorrow monday fri , at on of 14:00 9am 9:30pm 24:00 9.30 +2h + 20 31 29 0 th Nov
    February may 2026 2027 1999 0026 9999 99 10/11/2026 10.11. 2026-11-20 2026-11-20T14:00 T
    20261120T1400 :00 :30 .5 Z +01:00 -14:00 +99 UTC CET am pm ٣ é - / .
"""
WORDS = st.sampled_from([*VOCABULARY.split(), "\0", "\n", "\ud800"])
SAID = st.lists(WORDS, max_size=6).flatmap(
    lambda words: st.sampled_from([" ".join(words), "".join(words)])
)


def read(text: str, now: datetime = NOW, zone: ZoneInfo = LONDON) -> str:
    """Return an arrival as a local time with its offset."""
    arrival = parse_arrival(text, now, zone)
    assert arrival.tzinfo is UTC
    return arrival.astimezone(zone).isoformat(timespec="minutes")


def refusal(text: str, now: datetime = NOW, zone: ZoneInfo = LONDON) -> InvalidValue:
    """Return the error about a text."""
    with pytest.raises(InvalidValue) as caught:
        parse_arrival(text, now, zone)
    return caught.value
