"""What a server says of its clock; ``tests/radius_auth/server/test_fleet.py`` has the rest."""

from __future__ import annotations

from typing import TYPE_CHECKING

from radius_auth.companion.presence import ClockWatch

if TYPE_CHECKING:
    import pytest


def told(caplog: pytest.LogCaptureFixture, *off: float | None) -> list[str]:
    """The lines about a clock that is so far off, at one look after the other."""
    watch = ClockWatch()
    for each in off:
        watch.look(each)
    return [line.partition(" the database's")[0] for line in caplog.messages]


def test_a_wrong_clock_is_told_of_once(caplog: pytest.LogCaptureFixture) -> None:
    """Again when it is off by a second more or less, and when it is right."""
    assert told(caplog, 0.9, 1.1, 1.2, 0.9, 1.1, 2.5, -3.0, 0.2, 0.1) == [
        "this machine's clock is 1.1 seconds ahead of",
        "this machine's clock is 2.5 seconds ahead of",
        "this machine's clock is 3.0 seconds behind",
        "this machine's clock agrees with",
    ]


def test_the_same_clock_is_never_wrong(caplog: pytest.LogCaptureFixture) -> None:
    """That of SQLite."""
    assert told(caplog, None, None) == []
