"""The time of day, which whoever needs it is given."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], datetime]


def utc_now() -> datetime:
    """The time of day; the clock of everything that is not a test."""
    return datetime.now(UTC)
