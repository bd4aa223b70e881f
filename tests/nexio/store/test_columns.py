"""Column types that mean the same on SQLite and on PostgreSQL."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import Connection, literal, select
from sqlalchemy.exc import StatementError

from nexio.store.columns import Duration, Instant
from nexio.store.engine import Store

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


@pytest.fixture
def connection(store: Store) -> Iterator[Connection]:
    """A connection to the store."""
    with store.engine.connect() as connection:
        yield connection


INSTANTS = [
    NOON,
    NOON.replace(microsecond=123_456),
    NOON.astimezone(timezone(timedelta(hours=5, minutes=45))),
    NOON.astimezone(ZoneInfo("America/New_York")),
    datetime(2027, 10, 31, 1, 30, tzinfo=ZoneInfo("Europe/London"), fold=1),
    datetime(2000, 1, 1, tzinfo=UTC),
    datetime(2100, 12, 31, 23, 59, 59, tzinfo=UTC),
]


def test_an_instant_comes_back_in_utc(connection: Connection) -> None:
    """To the microsecond, whatever its zone was."""
    for instant in INSTANTS:
        found = connection.scalar(select(literal(instant, Instant())))
        assert found == instant.astimezone(UTC)
        assert found is not None
        assert found.tzinfo is UTC


def test_instants_are_compared_as_instants(connection: Connection) -> None:
    """Not as the texts that SQLite keeps."""
    earlier = NOON.replace(microsecond=1) - timedelta(microseconds=1)
    later = (NOON + timedelta(microseconds=1)).astimezone(ZoneInfo("America/New_York"))
    less = literal(earlier, Instant()) < literal(later, Instant())
    assert connection.execute(select(1).where(less)).scalar() == 1


def test_an_instant_needs_a_zone(connection: Connection) -> None:
    """Nobody knows which one it would mean."""
    with pytest.raises(StatementError, match="an instant needs a time zone"):
        connection.scalar(select(literal(datetime(2026, 11, 20), Instant())))  # noqa: DTZ001


def test_a_duration_comes_back(connection: Connection) -> None:
    """As whole seconds."""
    for duration in (timedelta(minutes=1), timedelta(days=30), timedelta(0)):
        assert connection.scalar(select(literal(duration, Duration()))) == duration


def test_nothing_comes_back_as_nothing(connection: Connection) -> None:
    """A window that no check-in has opened yet."""
    assert connection.scalar(select(literal(None, Instant()))) is None
    assert connection.scalar(select(literal(None, Duration()))) is None
