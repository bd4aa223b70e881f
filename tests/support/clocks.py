"""A clock that only a test moves."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

FRIDAY_MORNING = datetime(2026, 11, 20, 8, 30, tzinfo=UTC)


@dataclass
class Clock:
    """Calling it returns ``now``, which a test sets or advances."""

    now: datetime = FRIDAY_MORNING

    def __call__(self) -> datetime:
        """Return the time."""
        return self.now

    def advance(self, **lengths: float) -> None:
        """Let time pass: ``clock.advance(minutes=59, seconds=59)``."""
        self.now += timedelta(**lengths)


def noon_zone() -> str:
    """A time zone where it is now between 11:30 and 12:30.

    There a test does not run across midnight.
    """
    now = datetime.now(UTC)
    hours = round(12 - (now.hour + now.minute / 60))
    return f"Etc/GMT{-hours:+d}" if hours else "Etc/GMT"  # its signs are reversed
