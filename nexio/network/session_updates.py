"""Merge accounting records into Wi-Fi sessions (RFC 2866; Must 17).

The records of a session may come in any order, late or repeated: the resulting session is the same.
(One exception: after counters restart, a late record of the part before adds nothing.)  Times are
those of our own clock.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from itertools import chain
from typing import Final, TypeAlias, TypeGuard

from sqlalchemy import ColumnElement, bindparam, func, select, update

from nexio.network.accounting_records import AccountingBatch, AccountingRecord, Status
from nexio.network.counting import LAST, Progress, count
from nexio.network.stored_session import (
    ABOUT_DISCONNECTS,
    COLUMNS,
    KEY,
    StoredSession,
    write_sessions,
)
from nexio.store.engine import Writing
from nexio.store.groups import in_groups
from nexio.store.tables import (
    LARGEST_NUMBER,
    AccessTokenRow,
    LocationRow,
    VisitRow,
    WifiSessionRow,
)

SAME_BEGINNING: Final = timedelta(seconds=30)
"""Two access points report the same session if it began at the same time, by our clocks."""

REUSED_AFTER: Final = timedelta(minutes=10)
"""An Acct-Session-Id that begins again so long after its last report is another session."""

LONGEST_INTERVAL: Final = 8 * 3600
"""Seconds; a longer silence does not show how often a NAS reports."""

ACCOUNTING_LOCK: Final = 0x61636374
"""Number of the advisory lock of PostgreSQL: "acct" in octets."""

_Sessions: TypeAlias = defaultdict[str, list[StoredSession]]
_Name: TypeAlias = tuple[str, str]
"""Device and Acct-Session-Id."""

_EMPTY: Final = tuple(
    "" if name == "user_name" else 0 if name in {"seconds", *LAST.values()} else None
    for name in COLUMNS
)
_NEVER_ASKED: Final = (
    update(WifiSessionRow)
    .where(*(getattr(WifiSessionRow, name) == bindparam(f"of_{name}") for name in KEY))
    .values(dict.fromkeys(ABOUT_DISCONNECTS) | {"disconnect_attempts": 0})
)
"""Clear the disconnects of a session's previous visitor when another one is on."""

REUSE: Final = "reuse"
"""``ended_by`` of a session whose Stop was lost: its NAS reused the Acct-Session-Id."""


def record_accounting(work: Writing, records: Sequence[AccountingRecord]) -> None:
    """Begin, update and end sessions; repeated records change nothing."""
    wait_for_accounting(work)
    sessions = _known_sessions(work, records)
    elsewhere = _Elsewhere(work, records, sessions)
    grants = _Grants(work, records)
    changed: dict[int, StoredSession] = {}
    of_another: list[StoredSession] = []
    for received in records:
        record = _with_current_key(work, received)
        if record.status in {Status.ON, Status.OFF}:
            _write(work, changed)
            _end_all(work, record, sessions)
            continue
        known = sessions[record.key]
        row = _find(known, record) or elsewhere.find(record)
        if row is None:
            row = _begin(record, known, changed)
            known.append(row)
            elsewhere.add(row, record)
        if row.location_id is None and record.location_id in grants.roaming:
            row.nas_id, row.nas, row.location_id = record.nas_id, record.nas, record.location_id
        if _is_newer_claim(row, record) and grants.allow(record):
            if row.token_id is not None:
                of_another.append(row)
            row.visit_id, row.token_id = record.claimed_visit, record.claimed_token
        _merge(row, record)
        changed[id(row)] = row
    _write(work, changed)
    for row in of_another:
        work.session.connection().execute(
            _NEVER_ASKED, {f"of_{name}": getattr(row, name) for name in KEY}
        )


def wait_for_accounting(work: Writing) -> None:
    """Make servers find and begin sessions one after the other.

    Else two servers that get reports of one session at the same moment, from two NAS, would both
    find none, and begin it twice.  Call it before any row is locked, to avoid deadlocks.  On SQLite
    a write waits anyway.
    """
    connection = work.session.connection()
    if connection.dialect.name == "postgresql":
        connection.execute(select(func.pg_advisory_xact_lock(ACCOUNTING_LOCK)))


def record_accounting_batches(work: Writing, batches: Sequence[AccountingBatch]) -> None:
    """:func:`record_accounting` for batches."""
    record_accounting(work, list(chain.from_iterable(batch.records for batch in batches)))


def _write(work: Writing, changed: dict[int, StoredSession]) -> None:
    """Write the sessions changed so far, each once."""
    write_sessions(work.session.connection(), changed.values())
    changed.clear()


def _is_newer_claim(row: StoredSession, record: AccountingRecord) -> bool:
    """Whether a record assigns its session to a new visitor.

    Another visitor may log in on the same port while the Acct-Session-Id stays the same.
    """
    return row.token_id is None or (
        row.token_id != record.claimed_token and record.at >= row.heard_at
    )


def _with_current_key(work: Writing, record: AccountingRecord) -> AccountingRecord:
    """Drop the sealed name of a record that waited while the key was changed: it is unreadable.

    The next record of the session has the name again.
    """
    sealed = record.user_name_sealed
    if sealed is None or work.keyring.is_current(sealed):
        return record
    return replace(record, user_name_sealed=None)


def _known_sessions(work: Writing, records: Iterable[AccountingRecord]) -> _Sessions:
    """The sessions of these records, oldest first, locked against other servers."""
    found = defaultdict(list)
    for group in in_groups(sorted({record.key for record in records})):
        for row in _held(work, WifiSessionRow.key.in_(group)):
            found[row.key].append(row)
    return found


def _held(work: Writing, which: ColumnElement[bool]) -> Iterator[StoredSession]:
    for values in work.session.execute(_HELD.where(which)):
        yield StoredSession(values, is_new=False)


_HELD: Final = (
    select(*(getattr(WifiSessionRow, name) for name in COLUMNS))
    .order_by(WifiSessionRow.key, WifiSessionRow.occurrence)
    .with_for_update(of=WifiSessionRow)
)
"""All sessions, locked.  Built once, as each batch of records runs it twice."""


class _Elsewhere:
    """Sessions that another sender has reported: two NAS, or one NAS by two routes."""

    def __init__(
        self, work: Writing, records: Iterable[AccountingRecord], known: _Sessions
    ) -> None:
        self._known = known
        self._rows: dict[_Name, list[StoredSession]] = defaultdict(list)
        there = {(row.key, row.occurrence): row for row in chain.from_iterable(known.values())}
        new = {_name_of(each) for each in records if each.key not in known} - {None}
        for group in in_groups(_numbers_of(work, new)):
            for row in _held(work, WifiSessionRow.id.in_(group)):
                session = there.get((row.key, row.occurrence), row)  # one object for each row
                self._rows[session.device, session.session_id].append(session)

    def find(self, record: AccountingRecord) -> StoredSession | None:
        """The same session by another sender: same device, Acct-Session-Id, location and start."""
        name, began = _name_of(record), record.began_at
        if name is None or began is None or record.status in {Status.ON, Status.OFF}:
            return None
        for row in self._rows.get(name, ()):
            if (
                row.sender != record.sender
                and row.location_id == record.location_id
                and (not row.token_id or record.claimed_token in {None, row.token_id})
                and abs(row.started_at - began) <= SAME_BEGINNING
            ):
                self._known[record.key].append(row)
                return row
        return None

    def add(self, row: StoredSession, record: AccountingRecord) -> None:
        """Add a session that begins with this record."""
        name = _name_of(record)
        if name is not None:
            self._rows[name].append(row)


def _numbers_of(work: Writing, names: Collection[_Name | None]) -> list[int]:
    """The numbers of the sessions with those names; rarely any."""
    row = WifiSessionRow
    numbers = []
    for group in in_groups(sorted({name[0] for name in names if name is not None})):
        query = select(row.id, row.device, row.session_id).where(row.device.in_(group))
        numbers += [number for number, *name in work.session.execute(query) if tuple(name) in names]
    return numbers


def _name_of(record: AccountingRecord) -> _Name | None:
    return None if record.device is None else (record.device, record.session_id)


class _Grants:
    """The tokens that records claim, as the store knows them."""

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
        """Whether all of the Class is right and its token may be used at that NAS (R19)."""
        claim = (record.claimed_visit, record.claimed_location)
        if self._tokens.get(record.claimed_token or 0) != claim:
            return False
        here = record.location_id
        return here == record.claimed_location or self.roaming.get(here, False)


def _is_number(claimed: int | None) -> TypeGuard[int]:
    return claimed is not None and 0 < claimed <= LARGEST_NUMBER


def _find(known: Sequence[StoredSession], record: AccountingRecord) -> StoredSession | None:
    """The session of a record; None if this is its first record."""
    for row in known:
        another_device = row.device and record.device and row.device != record.device
        if not another_device and _within(row, record):
            return row
    return None


def _within(row: StoredSession, record: AccountingRecord) -> bool:
    began = record.began_at
    if began is None:  # it belongs to whatever session is open
        began = record.at if row.ended_by in {Status.STOP, REUSE} else row.started_at
    return began <= row.heard_at + REUSED_AFTER


def _begin(
    record: AccountingRecord, known: Sequence[StoredSession], changed: dict[int, StoredSession]
) -> StoredSession:
    for old in known:
        if old.ended_at is None and old.key == record.key:
            old.ended_at, old.ended_by = old.heard_at, REUSE
            changed[id(old)] = old
    row = StoredSession(_EMPTY, is_new=True)
    row.sender, row.key, row.session_id = record.sender, record.key, record.session_id
    row.session_id_hex = record.session_id_hex
    row.occurrence = 1 + max((old.occurrence for old in known), default=0)
    row.nas, row.source_address = record.nas, record.source_address
    row.nas_identifier, row.nas_address = record.nas_identifier, record.nas_address
    row.started_at, row.heard_at = record.began_at or record.at, record.at
    return row


def _merge(row: StoredSession, record: AccountingRecord) -> None:
    """Update a session from a record."""
    if not row.user_name:
        row.user_name = record.user_name
    row.user_name_sealed = row.user_name_sealed or record.user_name_sealed
    row.calling_station = row.calling_station or record.calling_station
    row.device = row.device or record.device
    if record.clock_behind is not None:
        row.clock_behind = record.clock_behind
    row.started_at = min(row.started_at, record.began_at or record.at)
    _learn_interval(row, record)
    if record.at > row.heard_at and row.nas_id == record.nas_id:
        # A disconnect goes to the address that reported last (Must 19), with the same secret.
        row.source_address = record.source_address
        row.nas_identifier, row.nas_address = record.nas_identifier, record.nas_address
    progress = count(row, record)
    row.heard_at = max(row.heard_at, record.at)
    if record.status == Status.STOP:
        _stop(row, record, progress)
    elif _goes_on(row, record, progress):
        row.ended_at = row.ended_by = row.terminate_cause = None


def _learn_interval(row: StoredSession, record: AccountingRecord) -> None:
    """Learn the longest time between two reports of an open session (see ``lost_sessions.py``)."""
    if row.ended_at is None and record.status == Status.UPDATE:
        silence = (record.at - row.heard_at) // timedelta(seconds=1)
        if silence > 0:
            row.interval = min(max(row.interval or 0, silence), LONGEST_INTERVAL)


def _goes_on(row: StoredSession, record: AccountingRecord, progress: Progress) -> bool:
    """Whether the session goes on after an end that was premature, or was of an earlier part.

    An update that only repeats the counters of the Stop is late.
    """
    if row.ended_at is None or record.at <= row.ended_at:
        return False
    return row.ended_by != Status.STOP or progress is Progress.ON


def _stop(row: StoredSession, record: AccountingRecord, progress: Progress) -> None:
    """End a session by its Stop, which overrides any other end; of equal Stops the first counts."""
    if row.ended_by == Status.STOP and row.ended_at is not None:
        if progress is Progress.BEHIND:
            return
        if progress is Progress.SAME and row.ended_at <= record.at:
            return
    elif progress is Progress.BEHIND and record.at < row.heard_at:  # it went on after this one
        return
    row.ended_at, row.ended_by = record.at, Status.STOP.value
    row.terminate_cause = record.terminate_cause


def _end_all(
    work: Writing, record: AccountingRecord, sessions: Mapping[str, Sequence[StoredSession]]
) -> None:
    """End all sessions that exactly this sender had open before an Accounting-On/-Off (Must 17)."""
    open_before = select(WifiSessionRow.id).where(
        WifiSessionRow.sender == record.sender,
        WifiSessionRow.ended_at.is_(None),
        WifiSessionRow.heard_at <= record.at,
    )
    ordered = open_before.order_by(WifiSessionRow.key, WifiSessionRow.occurrence)
    found = work.session.scalars(ordered.with_for_update(of=WifiSessionRow)).all()
    for group in in_groups(found):
        of_some = update(WifiSessionRow).where(WifiSessionRow.id.in_(group))
        values = {"ended_at": record.at, "ended_by": str(record.status)}
        work.session.connection().execute(of_some.values(values))
    for row in chain.from_iterable(sessions.values()):  # the loaded ones, too
        if row.sender == record.sender and row.ended_at is None and row.heard_at <= record.at:
            row.ended_at, row.ended_by = record.at, str(record.status)
