"""Accounting records made into sessions on the Wi-Fi (RFC 2866; Must 17).

The records of a session may come in any order, late or repeated: whatever the order, the same
session comes out.  (One exception: where counters begin again, a late record of the part before
adds nothing.)  Times are those of our own clock.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Final, TypeGuard

from sqlalchemy import select

from nexio.network.accounting_records import AccountingRecord, Status
from nexio.network.counting import COUNTERS, LAST, Progress, count
from nexio.store.engine import Writing
from nexio.store.groups import in_groups
from nexio.store.tables import (
    LARGEST_NUMBER,
    AccessTokenRow,
    LocationRow,
    VisitRow,
    WifiSessionRow,
)

REUSED_AFTER: Final = timedelta(minutes=10)
"""An Acct-Session-Id that begins again so long after it was last heard is another session."""

REUSE: Final = "reuse"
"""What ended a session whose Stop was lost: its NAS gave the Acct-Session-Id to another one."""


def record_accounting(work: Writing, records: Sequence[AccountingRecord]) -> None:
    """Begin, update and end sessions; the same records once more change nothing."""
    sessions = _known_sessions(work, records)
    grants = _Grants(work, records)
    for received in records:
        record = _with_current_key(work, received)
        if record.status in {Status.ON, Status.OFF}:
            _end_all(work, record)
            continue
        known = sessions[record.key]
        row = _find(known, record)
        if row is None:
            row = _begin(work, record, known)
            known.append(row)
        if row.location_id is None and record.location_id in grants.roaming:
            row.nas_id, row.nas, row.location_id = record.nas_id, record.nas, record.location_id
        if _is_newer_claim(row, record) and grants.allow(record):
            row.visit_id, row.token_id = record.claimed_visit, record.claimed_token
        _merge(row, record)
    work.session.flush()


def _is_newer_claim(row: WifiSessionRow, record: AccountingRecord) -> bool:
    """Whether a record says anew whose session it is.

    Another visitor may log in on the same port while Acct-Session-Id stays.
    """
    return row.token_id is None or (
        row.token_id != record.claimed_token and record.at >= row.heard_at
    )


def _with_current_key(work: Writing, record: AccountingRecord) -> AccountingRecord:
    """A record that waited while the key was changed has a name that nobody can read.

    The next one of its session brings the name again.
    """
    sealed = record.user_name_sealed
    if sealed is None or work.keyring.is_current(sealed):
        return record
    return replace(record, user_name_sealed=None)


def _known_sessions(
    work: Writing, records: Iterable[AccountingRecord]
) -> defaultdict[str, list[WifiSessionRow]]:
    """The sessions that records are about, oldest first, held until the end (two servers)."""
    keys = sorted({record.key for record in records})
    found = defaultdict(list)
    for group in in_groups(keys):
        query = select(WifiSessionRow).where(WifiSessionRow.key.in_(group))
        query = query.order_by(WifiSessionRow.key, WifiSessionRow.occurrence)
        for row in work.session.scalars(query.with_for_update(of=WifiSessionRow)):
            found[row.key].append(row)
    return found


class _Grants:
    """What this store knows of the tokens that records claim."""

    def __init__(self, work: Writing, records: Iterable[AccountingRecord]) -> None:
        self.roaming: dict[int | None, bool] = {}
        """Each location, and whether it admits every location's guests."""

        for row in work.session.execute(select(LocationRow.id, LocationRow.roaming)):
            self.roaming[row.id] = row.roaming
        claimed = {record.claimed_token for record in records}
        numbers = sorted(number for number in claimed if _is_number(number))
        self._tokens: dict[int, tuple[int, int]] = {}
        for group in in_groups(numbers):
            tokens = work.session.execute(
                select(AccessTokenRow.id, VisitRow.id, VisitRow.location_id)
                .join(AccessTokenRow.visit)
                .where(AccessTokenRow.id.in_(group))
            )
            self._tokens.update((token, (visit, place)) for token, visit, place in tokens)

    def allow(self, record: AccountingRecord) -> bool:
        """Whether the whole Class is right and its token may be used at that NAS (R19)."""
        claim = (record.claimed_visit, record.claimed_location)
        if self._tokens.get(record.claimed_token or 0) != claim:
            return False
        here = record.location_id
        return here == record.claimed_location or self.roaming.get(here, False)


def _is_number(claimed: int | None) -> TypeGuard[int]:
    return claimed is not None and 0 < claimed <= LARGEST_NUMBER


def _find(known: Sequence[WifiSessionRow], record: AccountingRecord) -> WifiSessionRow | None:
    """The session that a record is about; None where it is the first one of it."""
    for row in known:
        another_device = row.device and record.device and row.device != record.device
        if not another_device and _within(row, record):
            return row
    return None


def _within(row: WifiSessionRow, record: AccountingRecord) -> bool:
    began = record.began_at
    if began is None:  # it goes on with whatever is open
        began = record.at if row.ended_by in {Status.STOP, REUSE} else row.started_at
    return began <= row.heard_at + REUSED_AFTER


def _begin(
    work: Writing, record: AccountingRecord, known: Sequence[WifiSessionRow]
) -> WifiSessionRow:
    for old in known:
        if old.ended_at is None:
            old.ended_at, old.ended_by = old.heard_at, REUSE
    row = WifiSessionRow(
        sender=record.sender,
        key=record.key,
        occurrence=1 + max((old.occurrence for old in known), default=0),
        nas=record.nas,
        source_address=record.source_address,
        nas_identifier=record.nas_identifier,
        nas_address=record.nas_address,
        session_id=record.session_id,
        user_name="",
        started_at=record.began_at or record.at,
        heard_at=record.at,
        **dict.fromkeys((*COUNTERS, *LAST.values()), 0),
    )
    work.session.add(row)
    return row


def _merge(row: WifiSessionRow, record: AccountingRecord) -> None:
    """Update a session by a record."""
    if not row.user_name:
        row.user_name = record.user_name
    row.user_name_sealed = row.user_name_sealed or record.user_name_sealed
    row.calling_station = row.calling_station or record.calling_station
    row.device = row.device or record.device
    row.started_at = min(row.started_at, record.began_at or record.at)
    progress = count(row, record)
    row.heard_at = max(row.heard_at, record.at)
    if record.status == Status.STOP:
        _stop(row, record, progress)
    elif _goes_on(row, record, progress):
        row.ended_at = row.ended_by = row.terminate_cause = None


def _goes_on(row: WifiSessionRow, record: AccountingRecord, progress: Progress) -> bool:
    """Whether the session goes on after an end that came too early, or was for another part.

    An update that only repeats the Stop is a late one.
    """
    if row.ended_at is None or record.at <= row.ended_at:
        return False
    return row.ended_by != Status.STOP or progress is Progress.ON


def _stop(row: WifiSessionRow, record: AccountingRecord, progress: Progress) -> None:
    """The Stop ends a session: before any other end, and of the same one repeated the first."""
    if row.ended_by == Status.STOP and row.ended_at is not None:
        if progress is Progress.BEHIND:
            return
        if progress is Progress.SAME and row.ended_at <= record.at:
            return
    elif progress is Progress.BEHIND and record.at < row.heard_at:  # it went on after this one
        return
    row.ended_at, row.ended_by = record.at, Status.STOP.value
    row.terminate_cause = record.terminate_cause


def _end_all(work: Writing, record: AccountingRecord) -> None:
    """Accounting-On and -Off end what exactly that sender had open before (Must 17)."""
    open_before = select(WifiSessionRow).where(
        WifiSessionRow.sender == record.sender,
        WifiSessionRow.ended_at.is_(None),
        WifiSessionRow.heard_at <= record.at,
    )
    ordered = open_before.order_by(WifiSessionRow.key, WifiSessionRow.occurrence)
    for row in work.session.scalars(ordered.with_for_update(of=WifiSessionRow)):
        row.ended_at, row.ended_by = record.at, str(record.status)
