"""Sessions that have to be disconnected because the guest may not be on any more.

A server claims a session before it asks the NAS, so that only one server does.  The claim and the
pause between two requests share a column: ``disconnect_due_at``.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from operator import itemgetter
from typing import TYPE_CHECKING, Final

from sqlalchemy import and_, or_, select, tuple_, update

from nexio.errors import KeyUnusable, Refused
from nexio.network.nas_profiles import GENERIC, profile_of
from nexio.network.news import read_visits
from nexio.network.sessions import WifiSession, name_as_sent, sessions_of
from nexio.store import audit
from nexio.store.groups import in_groups
from nexio.store.locking import find_locked
from nexio.store.tables import AccessTokenRow, DeviceRow, NasRow, VisitRow, WifiSessionRow

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from sqlalchemy import ColumnElement, Select
    from sqlalchemy.orm import InstrumentedAttribute

    from nexio.network.following import FollowedVisit
    from nexio.network.nas_profiles import NasProfile
    from nexio.store.engine import Reading, Writing

CLAIM: Final = timedelta(seconds=10)
"""How long a server's claim keeps others off a session; longer than a request takes."""

FIRST_PAUSE: Final = timedelta(seconds=10)
LONGEST_PAUSE: Final = timedelta(minutes=10)
"""Pause between two requests for a session that goes on; each is twice the one before."""

MOST_OF_A_NAS: Final = 64
"""Limit of open requests to one NAS: one that does not answer leaves room for the others."""

_MOST_CANDIDATES: Final = 2_000

BY_HAND: Final = "by hand"
DEVICE_FREED: Final = "device freed"
ACK: Final = "ack"
NAK: Final = "nak"
GONE: Final = "gone"
CLOSED: Final = "closed"

NOT_FOUND: Final = 503
"""Error-Cause "Session Context Not Found": the NAS has no such session (any more)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """A session that this server has to end now."""

    session: WifiSession
    user_name: bytes | None = field(repr=False)
    """As it was sent."""

    reason: str


def any_due(work: Reading) -> bool:
    """Whether there is anything to claim; costs no write."""
    return work.session.scalar(_due(work.now).limit(1)) is not None


def claim_endings(
    work: Writing,
    reason_of: Callable[[FollowedVisit, datetime], str | None],
    asked: Mapping[str, int],
    most: int,
) -> list[Ending]:
    """Claim sessions whose guest may not be on; no other server gets them for :data:`CLAIM`.

    Args:
        work: the transaction.
        reason_of: why a visit's guest may not log in now, None if they may.
        asked: number of open requests, by source address of the session.
        most: how many sessions to claim.
    """
    chosen = _choose(work, asked, most)
    locked = _due(work.now).where(WifiSessionRow.id.in_(chosen))
    found = work.session.scalars(locked.with_for_update(skip_locked=True, of=WifiSessionRow))
    sessions = sessions_of(work, found.all())
    visits = read_visits(work, [each.visit_id for each in sessions if each.visit_id is not None])
    freed = _freed(work, sessions)
    endings = []
    for session in sessions:
        reason = reason_of(visits[session.visit_id or 0], work.now)
        if reason is None and (session.visit_id, session.device) in freed:
            reason = DEVICE_FREED
        if reason is not None:
            endings.append(
                Ending(session=session, user_name=_name_of(work, session), reason=reason)
            )
    claimed = [each.session.id for each in endings]
    work.session.execute(
        update(WifiSessionRow)
        .where(WifiSessionRow.id.in_(claimed))
        .values(disconnect_due_at=work.now + CLAIM)
    )
    return endings


def record_disconnect(
    work: Writing,
    number: int,
    outcome: str,
    error_cause: int | None = None,
    reason: str = BY_HAND,
) -> None:
    """Record a NAS's reply to a Disconnect-Request; the session goes on until its Stop (Must 19).

    If the NAS has no such session, it has ended it, and the Stop was lost.

    Args:
        work: the transaction.
        number: of the session.
        outcome: ``ack``, ``nak`` or ``timeout``.
        error_cause: Error-Cause of the answer.
        reason: why the NAS was asked.
    """
    row = find_locked(work.session, WifiSessionRow, number)
    if row is None:  # removed meanwhile
        return
    bare = _profile_at(work, row).bare_nak_is_gone
    if row.ended_at is None and is_gone(outcome, error_cause, bare_nak_is_gone=bare):
        row.ended_at, row.ended_by = _last_seen(row), GONE
    is_news = (outcome, error_cause) != (row.disconnect_outcome, row.error_cause)
    row.disconnect_at, row.disconnect_outcome, row.error_cause = work.now, outcome, error_cause
    row.disconnect_reason = reason
    row.disconnect_due_at = work.now + pause_after(row.disconnect_attempts)
    row.disconnect_attempts += 1
    if is_news:
        details = {"outcome": outcome, "error_cause": error_cause, "reason": reason}
        audit.record(work, "disconnect", "session", number, details)


def close_session(work: Writing, number: int) -> None:
    """Close a session without a Stop; a later report of its NAS opens it again.

    Raises:
        Refused: it has ended already.
    """
    row = find_locked(work.session, WifiSessionRow, number)
    if row is None or row.ended_at is not None:
        raise Refused(f"the session S{number} is over", "There is nothing to close.")
    row.ended_at, row.ended_by = _last_seen(row), CLOSED
    audit.record(work, "close", "session", number, {})


def _last_seen(row: WifiSessionRow) -> datetime:
    """The end of a session without a Stop: the last report, or the ACK of its NAS."""
    acknowledged = row.disconnect_at if row.disconnect_outcome == ACK else None
    return max(row.heard_at, acknowledged or row.heard_at)


def list_past_end(work: Reading, location_id: int) -> list[WifiSession]:
    """Open sessions of a location's visits whose guest may not be on, oldest first."""
    query = _open_ones(work.now).where(VisitRow.location_id == location_id)
    found = work.session.scalars(query.order_by(WifiSessionRow.id)).all()
    return [each for group in in_groups(found) for each in sessions_of(work, group)]


def is_gone(outcome: str, error_cause: int | None, *, bare_nak_is_gone: bool = False) -> bool:
    """Whether a NAS answered that it has no such session (any more).

    Args:
        outcome: of the request.
        error_cause: Error-Cause of the answer.
        bare_nak_is_gone: from the profile of the NAS.
    """
    if outcome != NAK:
        return False
    return error_cause == NOT_FOUND or (error_cause is None and bare_nak_is_gone)


def pause_after(attempts: int) -> timedelta:
    """How long to wait for the Accounting Stop after one more than ``attempts`` requests."""
    return min(LONGEST_PAUSE, FIRST_PAUSE * float(2 ** min(attempts, 10)))


def _profile_at(work: Reading, row: WifiSessionRow) -> NasProfile:
    nas = work.session.get(NasRow, row.nas_id) if row.nas_id is not None else None
    return profile_of(GENERIC if nas is None else nas.profile)


def _name_of(work: Reading, session: WifiSession) -> bytes | None:
    try:
        return name_as_sent(work, session)
    except (KeyUnusable, AttributeError, TypeError):  # damaged: other attributes may be enough
        return None


def _choose(work: Reading, asked: Mapping[str, int], most: int) -> list[int]:
    """Choose sessions to claim: the longest waiting first, few of each NAS, NAS by NAS in turn."""
    waiting = _due(work.now).add_columns(WifiSessionRow.source_address)
    order = (WifiSessionRow.disconnect_due_at.is_not(None), WifiSessionRow.disconnect_due_at)
    count = Counter(asked)
    chosen: list[int] = []
    while len(chosen) < most:
        full = [address for address, many in count.items() if many >= MOST_OF_A_NAS]
        others = waiting.where(
            WifiSessionRow.source_address.not_in(full), WifiSessionRow.id.not_in(chosen)
        )
        before = len(chosen)
        ranked = []
        for number, address in work.session.execute(
            others.order_by(*order).limit(_MOST_CANDIDATES)
        ):
            if count[address] < MOST_OF_A_NAS:
                ranked.append((count[address], number))
                count[address] += 1
        ranked.sort(key=itemgetter(0))  # the NAS with most open requests comes last
        chosen += [number for _, number in ranked[: most - len(chosen)]]
        if len(chosen) == before:
            break
    return chosen


def _freed(work: Reading, sessions: Sequence[WifiSession]) -> set[tuple[int, str]]:
    """The devices of these sessions that were freed."""
    key = tuple_(DeviceRow.visit_id, DeviceRow.mac)
    visit_devices = [(each.visit_id, each.device) for each in sessions if each.device is not None]
    freed = select(DeviceRow).where(DeviceRow.freed_at.is_not(None), key.in_(visit_devices))
    return {(row.visit_id, row.mac) for row in work.session.scalars(freed)}


def _due(now: datetime) -> Select[int]:
    """The sessions of :func:`_open_ones` whose NAS can be asked and that nobody has claimed."""
    without_disconnects = select(NasRow.id).where(NasRow.takes_disconnects.is_(False))
    return _open_ones(now).where(
        or_(WifiSessionRow.nas_id.is_(None), WifiSessionRow.nas_id.not_in(without_disconnects)),
        or_(
            _or_none(WifiSessionRow.disconnect_due_at, now),
            WifiSessionRow.disconnect_due_at.between(  # the clock was set back
                now + 2 * LONGEST_PAUSE, datetime.max.replace(tzinfo=UTC)
            ),
        ),
    )


def _open_ones(now: datetime) -> Select[int]:
    """Open sessions whose token is not valid now, or whose device was freed."""
    token, visit = AccessTokenRow, VisitRow
    # Under a limit a freed device may be on only with a slot. Without a limit it may log in again
    # at once, and is remembered again a moment later: sessions that it began since then go on.
    freed = and_(
        DeviceRow.freed_at.is_not(None),
        or_(token.max_devices.is_not(None), WifiSessionRow.started_at <= DeviceRow.freed_at),
    )
    return (
        select(WifiSessionRow.id)
        .join(token, token.id == WifiSessionRow.token_id)
        .join(visit, visit.id == WifiSessionRow.visit_id)
        .outerjoin(
            DeviceRow,
            and_(
                DeviceRow.visit_id == WifiSessionRow.visit_id,
                DeviceRow.mac == WifiSessionRow.device,
                freed,
            ),
        )
        .where(
            WifiSessionRow.ended_at.is_(None),
            or_(
                token.revoked_at.is_not(None),
                visit.deleted_at.is_not(None),
                _or_none(token.valid_until, now),
                token.valid_from > now,
                DeviceRow.mac.is_not(None),
            ),
        )
    )


def _or_none(column: InstrumentedAttribute[datetime | None], now: datetime) -> ColumnElement[bool]:
    return or_(column.is_(None), column <= now)
