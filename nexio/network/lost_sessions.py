"""Close lost sessions: those whose NAS stopped reporting, because the Stop or the NAS was lost.

A NAS reports a session periodically: as often as our Access-Accept asks (Acct-Interim-Interval), or
as it has done so far.  After three such intervals without a report the session is closed as lost,
at the time of its last report; a later report opens it again (``session_updates.py``).
"""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta
from itertools import islice
from typing import TYPE_CHECKING, Final

from sqlalchemy import select, update

from nexio.errors import NexioError
from nexio.input import reply_settings
from nexio.input.durations import parse_duration
from nexio.input.reply_settings import ReplySetting
from nexio.network.nas_profiles import profile_of
from nexio.network.session_updates import LONGEST_INTERVAL
from nexio.store.groups import LARGEST_GROUP
from nexio.store.tables import LocationRow, NasRow, WifiSessionRow

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime

    from nexio.store.engine import Reading, Store, Writing

LOST: Final = "lost"
"""``ended_by`` of a lost session."""

INTERVALS: Final = 3
"""How many intervals a NAS may be silent."""

SHORTEST_INTERVAL: Final = 600
"""Seconds: a NAS should report no more often (RFC 2869 section 5.16), and one extra report between
two others proves nothing."""

UNKNOWN_INTERVAL: Final = LONGEST_INTERVAL
"""Seconds: for a NAS that has not sent a second report of a session yet."""

LEAST_INTERVAL: Final = 60
"""Seconds: the smallest interval that can be requested (RFC 2869 section 5.16)."""

OBEYS_FOR: Final = timedelta(days=7)
"""A NAS that sent interim updates in this time obeys Acct-Interim-Interval; the silence of any
other NAS proves nothing."""

CLOCKS: Final = timedelta(minutes=2)
"""Allowance for different clocks of two servers, and for the delay of a record."""


def close_lost(work: Writing, listening_since: datetime | None = None) -> int:
    """Close the sessions that have been silent for too long, as many as fit a transaction.

    Args:
        work: the transaction.
        listening_since: earlier silence does not count, as nobody took reports; None: all counts.

    Returns:
        How many were closed.
    """
    group = list(islice(_lost(work, listening_since), LARGEST_GROUP))
    silent = (WifiSessionRow.ended_at.is_(None), WifiSessionRow.heard_at <= _shortest(work))
    # Skip those that a record is being merged into.
    free = select(WifiSessionRow.id).where(WifiSessionRow.id.in_(group), *silent)
    held = work.session.scalars(free.with_for_update(skip_locked=True, of=WifiSessionRow)).all()
    closed = update(WifiSessionRow).where(WifiSessionRow.id.in_(held))
    values = {"ended_at": WifiSessionRow.heard_at, "ended_by": LOST}
    work.session.connection().execute(closed.values(values))
    return len(held)


def close_all_lost(store: Store, listening_since: datetime | None = None) -> int:
    """Close all lost sessions, see :func:`close_lost`; reads before it writes."""
    count = 0
    while True:
        with store.read() as reading:
            if not any_lost(reading, listening_since):
                return count
        with store.write() as work:
            closed = close_lost(work, listening_since)
        count += closed
        if closed < LARGEST_GROUP:
            return count


def any_lost(work: Reading, listening_since: datetime | None = None) -> bool:
    """Whether there is anything to close; costs no write."""
    return next(_lost(work, listening_since), None) is not None


def _lost(work: Reading, listening_since: datetime | None) -> Iterator[int]:
    row = WifiSessionRow
    query = select(row.id, row.heard_at, row.interval, row.nas_id).where(
        row.ended_at.is_(None), row.heard_at <= _shortest(work)
    )
    silent = work.session.execute(query).all()
    asked = _asked(work) if silent else {}
    for number, heard_at, interval, nas_id in silent:
        silent_since = max(heard_at, listening_since or heard_at)
        if silent_since + _allowed(interval, asked.get(nas_id or 0)) <= work.now:
            yield number


def _shortest(work: Reading) -> datetime:
    """The time since when no session with a report can be lost."""
    return work.now - _allowed(None, LEAST_INTERVAL)


def _allowed(interval: int | None, asked: int | None) -> timedelta:
    """How long a NAS may be silent, by its observed and its requested interval."""
    if asked is not None:
        seconds = max(interval or 0, asked, LEAST_INTERVAL)
    else:
        seconds = UNKNOWN_INTERVAL if interval is None else max(interval, SHORTEST_INTERVAL)
    return timedelta(seconds=INTERVALS * seconds) + CLOCKS


def _asked(work: Reading) -> dict[int, int]:
    """The interval in seconds that each reporting NAS is asked for."""
    reporting = select(WifiSessionRow.nas_id).where(
        WifiSessionRow.started_at >= work.now - OBEYS_FOR, WifiSessionRow.interval.is_not(None)
    )
    query = select(NasRow.id, NasRow.profile, NasRow.reply, LocationRow.reply)
    query = query.join(NasRow.location).where(NasRow.id.in_(reporting))
    asked = {}
    for number, profile, at_nas, here in work.session.execute(query):
        with suppress(ValueError, NexioError):  # damaged: then it is unknown
            sends = [ReplySetting("", *sent) for sent in profile_of(profile).sends.items()]
            places = (sends, reply_settings.read(here), reply_settings.read(at_nas))
            intervals = [list(_intervals(place)) for place in places]
            longest = max(next(filter(None, reversed(intervals)), [0]))
            if longest:
                asked[number] = longest
    return asked


def _intervals(place: Iterable[ReplySetting]) -> Iterator[int]:
    """The intervals that one place sets, for all visitors or for one source; 0 is not to ask."""
    for setting in place:
        if setting.name == "Acct-Interim-Interval":
            yield int(setting.value)
        elif setting.name == "interim-interval" and setting.value == reply_settings.NONE:
            yield 0
        elif setting.name == "interim-interval":
            yield parse_duration(setting.value) // timedelta(seconds=1)
