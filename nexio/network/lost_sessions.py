"""Sessions whose NAS has gone silent: its Stop was lost, or the NAS itself.

A NAS reports a session again and again.  After three times its interval without a word the session
is closed as lost, at the time when it was last heard; a later report opens it again
(``session_updates.py``).
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from sqlalchemy import select, update

from nexio.network.session_updates import LONGEST_INTERVAL
from nexio.store.groups import in_groups
from nexio.store.tables import WifiSessionRow

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from nexio.store.engine import Reading, Writing

LOST: Final = "lost"
"""What ended such a session."""

INTERVALS: Final = 3
"""How many intervals a NAS may be silent."""

SHORTEST_INTERVAL: Final = 600
"""Seconds: a NAS should report no more often (RFC 2869 section 5.16), and one report more between
two others says nothing."""

UNKNOWN_INTERVAL: Final = LONGEST_INTERVAL
"""Seconds: for a NAS that has not reported a session again yet."""

CLOCKS: Final = timedelta(minutes=2)
"""How far the clocks of two servers may differ, and how long a record is on its way."""


def close_lost(work: Writing, listening_since: datetime | None = None) -> int:
    """Close the sessions that have been silent for too long.

    Args:
        work: the transaction.
        listening_since: silence from before then says nothing: nobody took reports; None is always.

    Returns:
        How many they were.
    """
    count = 0
    silent = (WifiSessionRow.ended_at.is_(None), WifiSessionRow.heard_at <= _shortest(work))
    for group in in_groups(list(_lost(work, listening_since))):
        # Not those that a record is being merged into.
        free = select(WifiSessionRow.id).where(WifiSessionRow.id.in_(group), *silent)
        held = work.session.scalars(free.with_for_update(skip_locked=True, of=WifiSessionRow)).all()
        closed = update(WifiSessionRow).where(WifiSessionRow.id.in_(held))
        values = {"ended_at": WifiSessionRow.heard_at, "ended_by": LOST}
        work.session.connection().execute(closed.values(values))
        count += len(held)
    return count


def any_lost(work: Reading, listening_since: datetime | None = None) -> bool:
    """Whether there is anything to close; costs no write."""
    return next(_lost(work, listening_since), None) is not None


def _lost(work: Reading, listening_since: datetime | None) -> Iterator[int]:
    query = select(WifiSessionRow.id, WifiSessionRow.heard_at, WifiSessionRow.interval).where(
        WifiSessionRow.ended_at.is_(None), WifiSessionRow.heard_at <= _shortest(work)
    )
    for number, heard_at, interval in work.session.execute(query):
        silent_since = max(heard_at, listening_since or heard_at)
        if silent_since + _allowed(interval) <= work.now:
            yield number


def _shortest(work: Reading) -> datetime:
    """A session that was heard of since then is not lost."""
    return work.now - _allowed(SHORTEST_INTERVAL)


def _allowed(interval: int | None) -> timedelta:
    """How long a NAS that reports so often may be silent."""
    seconds = UNKNOWN_INTERVAL if interval is None else max(interval, SHORTEST_INTERVAL)
    return timedelta(seconds=INTERVALS * seconds) + CLOCKS
