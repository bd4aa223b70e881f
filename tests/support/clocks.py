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
