"""A clock that goes when a test says so."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

FRIDAY_MORNING = datetime(2026, 11, 20, 8, 30, tzinfo=UTC)


@dataclass
class Clock:
    """Called, it tells ``now``; a test sets it or moves it on."""

    now: datetime = FRIDAY_MORNING

    def __call__(self) -> datetime:
        """Tell the time."""
        return self.now

    def advance(self, **lengths: float) -> None:
        """Let time pass: ``clock.advance(minutes=59, seconds=59)``."""
        self.now += timedelta(**lengths)


def noon_zone() -> str:
    """A time zone in which it is between 11:30 and 12:30 now.

    A test that would otherwise run into midnight, or today into yesterday, does not there.
    """
    now = datetime.now(UTC)
    hours = round(12 - (now.hour + now.minute / 60))
    return f"Etc/GMT{-hours:+d}" if hours else "Etc/GMT"  # its signs are the other way round
