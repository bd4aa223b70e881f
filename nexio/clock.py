"""The clock, passed to all code that needs the time of day."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], datetime]


def utc_now() -> datetime:
    """The current time; only tests use another clock."""
    return datetime.now(UTC)
