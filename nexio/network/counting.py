"""Count time and octets of a session, also if the NAS restarts its counters (R12).

A NAS counts from the beginning of a session.  Some start from zero again under the same
Acct-Session-Id, after a restart or when a device moves to another radio: then both parts count.
"""

from __future__ import annotations

from datetime import timedelta
from enum import Enum, auto
from typing import Final

from nexio.network.accounting_records import AccountingRecord
from nexio.network.stored_session import StoredSession

COUNTERS: Final = ("seconds", "octets_in", "octets_out")
LAST: Final = {name: f"last_{name}" for name in COUNTERS}
"""The columns with the last values that the NAS reported."""

LATE: Final = timedelta(seconds=30)
"""A retransmitted record may arrive this late without a matching Acct-Delay-Time."""


LARGEST_COUNT: Final = 2**63 - 1
"""The largest number that the store can hold: 9 exabytes."""


class Progress(Enum):
    """How the counters of a record compare with the stored ones of its session."""

    BEHIND = auto()
    """Lower: the record is late."""

    SAME = auto()
    ON = auto()
    """Higher, or restarted from zero: the session goes on."""


def count(row: StoredSession, record: AccountingRecord) -> Progress:
    """Merge the counters of a record into its session."""
    reported = {name: value for name in COUNTERS if (value := getattr(record, name)) is not None}
    last = {name: getattr(row, LAST[name]) for name in reported}
    if all(reported[name] >= last[name] for name in reported):
        if reported != last and _is_of_an_earlier_part(row, record):
            return Progress.BEHIND
        _add(row, record, {name: reported[name] - last[name] for name in reported})
        return Progress.SAME if reported == last else Progress.ON
    if record.status == "start" or not _begins_again(row, record):
        return Progress.BEHIND
    if reported.get("seconds", 0) > row.last_seconds:  # time goes on: only octets restarted
        reported["seconds"] -= row.last_seconds
    _add(row, record, reported)
    return Progress.ON


def _add(row: StoredSession, record: AccountingRecord, more: dict[str, int]) -> None:
    for name, value in more.items():
        setattr(row, name, min((getattr(row, name) or 0) + value, LARGEST_COUNT))
        setattr(row, LAST[name], getattr(record, name))
    row.counted_at = max(row.counted_at or record.at, record.at)


def _is_of_an_earlier_part(row: StoredSession, record: AccountingRecord) -> bool:
    """Whether higher counters belong to a part before a restart; without one, higher is newer."""
    has_parts = any((getattr(row, name) or 0) != getattr(row, LAST[name]) for name in COUNTERS)
    return has_parts and row.counted_at is not None and record.at < row.counted_at


def _begins_again(row: StoredSession, record: AccountingRecord) -> bool:
    """Whether lower counters are a restart, and not a late record."""
    if row.counted_at is None or record.at <= row.counted_at:
        return False
    if record.sender != row.sender:  # two NAS report it, and count differently
        return False
    if record.seconds is None or record.seconds == row.last_seconds:
        return row.ended_by != "stop"
    if record.seconds > row.last_seconds:
        return True
    began = record.at - timedelta(seconds=record.seconds)
    if row.ended_by == "stop" and row.ended_at is not None:
        return began >= row.ended_at
    return began - (row.counted_at - timedelta(seconds=row.last_seconds)) > LATE
