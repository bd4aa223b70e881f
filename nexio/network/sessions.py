"""Read the Wi-Fi sessions, each with its visitor and its last disconnect."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, TypeAlias

from sqlalchemy import Select, func, select, true

from nexio.errors import NotFound
from nexio.input.addresses import email_key
from nexio.locations.locations import Location
from nexio.network.accounting_records import Status, unseal_name
from nexio.store.engine import Reading
from nexio.store.groups import in_groups
from nexio.store.tables import LARGEST_NUMBER, AccessTokenRow, VisitRow, WifiSessionRow

_Found: TypeAlias = tuple[
    WifiSessionRow, str | None, str | None, datetime | None, datetime | None, datetime | None
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Disconnect:
    """The last time that a NAS was asked to end a session (RFC 5176)."""

    at: datetime
    outcome: str
    """``ack``, ``nak`` or ``timeout``.  The session ends when its Accounting Stop arrives."""

    error_cause: int | None
    """Error-Cause, RFC 5176 section 3.5."""

    reason: str | None
    """Why the NAS was asked: ``by hand``, or what prevents the guest from logging in again."""

    since: datetime
    """Since when the reason holds, such as the time of the revocation; else the time of asking."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WifiSession:
    """A device on the Wi-Fi, as its NAS reported it."""

    id: int
    visit_id: int | None
    """None if the NAS did not return the Class of our Access-Accept."""

    name: str | None
    email: str | None
    location_id: int | None
    """Location of the NAS, which may differ from the visit's (``roaming``)."""

    nas_id: int | None
    nas: str
    source_address: str
    nas_identifier: str | None
    nas_address: str | None
    session_id: str
    """Acct-Session-Id."""

    session_id_hex: str | None
    """As sent, if ``session_id`` does not show all of it."""

    user_name: str
    """Masked; see :func:`name_as_sent`."""

    user_name_sealed: bytes | None = field(repr=False)
    calling_station: str | None
    """As sent; ``device`` is the same in one notation."""

    device: str | None
    clock_behind: int | None
    """Seconds by which the clock of its NAS is behind ours, if known."""

    started_at: datetime
    heard_at: datetime
    ended_at: datetime | None
    ended_by: str | None
    """``stop``, ``accounting-on``, ``accounting-off``, ``reuse``; ``gone`` if the NAS answered that
    it has no such session, ``lost`` if it has not reported for long, ``closed`` by hand."""

    terminate_cause: int | None
    """Acct-Terminate-Cause, RFC 2866 section 5.10."""

    seconds: int
    octets_in: int | None
    """From the device; None if the NAS has not reported any."""

    octets_out: int | None
    disconnect: Disconnect | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionFilter:
    """The sessions to find."""

    location: Location | None = None
    """None is all; a location includes sessions whose NAS has no known location."""

    visit_id: int | None = None
    email: str | None = None
    """Of any visit, also an ended or deleted one; or the User-Name of a session without a visit."""

    device: str | None = None
    nas_id: int | None = None
    open_only: bool = False
    limit: int | None = None
    """The newest ones, or with ``after`` the next ones."""

    after: int | None = None
    """The number of a session: find those that began after it."""


def list_sessions(work: Reading, which: SessionFilter) -> list[WifiSession]:
    """Sessions, in the order in which they began."""
    order = (WifiSessionRow.started_at, WifiSessionRow.id)
    query = _SESSIONS
    if which.after is not None:
        last = get_session(work, which.after)
        began = WifiSessionRow.started_at
        later = (began > last.started_at) | (
            (began == last.started_at) & (WifiSessionRow.id > last.id)
        )
        query = query.where(later).order_by(*order)
    else:
        query = query.order_by(*(each.desc() for each in order))
    if which.visit_id is not None:
        query = query.where(WifiSessionRow.visit_id == which.visit_id)
    if which.email is not None:
        key = email_key(which.email)
        theirs = WifiSessionRow.visit_id.in_(select(VisitRow.id).where(VisitRow.email_key == key))
        unclaimed = WifiSessionRow.visit_id.is_(None)
        query = query.where(theirs | (unclaimed & (func.lower(WifiSessionRow.user_name) == key)))
    if which.device is not None:
        query = query.where(WifiSessionRow.device == which.device)
    if which.nas_id is not None:
        query = query.where(WifiSessionRow.nas_id == which.nas_id)
    if which.open_only:
        query = query.where(WifiSessionRow.ended_at.is_(None))
    # Two queries, each by an index: one condition for both would read all of the location.
    place = WifiSessionRow.location_id
    here = [true()] if which.location is None else [place == which.location.id, place.is_(None)]
    rows = [
        row for each in here for row in work.session.execute(query.where(each).limit(which.limit))
    ]
    found = sorted((_session_of(*row) for row in rows), key=lambda each: (each.started_at, each.id))
    if which.limit is None:
        return found
    return found[: which.limit] if which.after is not None else found[-which.limit :]


def open_sessions_of(work: Reading, visits: Sequence[int]) -> list[WifiSession]:
    """The open sessions of some visits."""
    return [
        _session_of(*row)
        for group in in_groups(visits)
        for row in work.session.execute(
            _SESSIONS.where(WifiSessionRow.visit_id.in_(group), WifiSessionRow.ended_at.is_(None))
        )
    ]


def get_session(work: Reading, number: int) -> WifiSession:
    """The session of that number.

    Raises:
        NotFound: no such session.
    """
    query = _SESSIONS.where(WifiSessionRow.id == number)
    found = work.session.execute(query).first() if 0 < number <= LARGEST_NUMBER else None
    if found is None:
        raise NotFound(f"there is no session S{number}", "See them with: nexio session list")
    return _session_of(*found)


def sessions_of(work: Reading, numbers: Sequence[int]) -> list[WifiSession]:
    """The sessions of those numbers, at most :data:`~nexio.store.groups.LARGEST_GROUP`."""
    rows = work.session.execute(_SESSIONS.where(WifiSessionRow.id.in_(numbers)))
    return [_session_of(*row) for row in rows]


def name_as_sent(work: Reading, session: WifiSession) -> bytes | None:
    """User-Name, octet for octet; None if no record with one was stored.

    Raises:
        KeyUnusable: it is damaged.
    """
    if session.user_name_sealed is None:
        return None
    return unseal_name(work.keyring, session.user_name_sealed)


def count_open(work: Reading, visit_id: int) -> int:
    """How many sessions of a visit are open, as far as NAS have reported."""
    still_open = (WifiSessionRow.visit_id == visit_id) & WifiSessionRow.ended_at.is_(None)
    return work.count(still_open)


_SESSIONS: Final[Select[*_Found]] = (
    select(
        WifiSessionRow,
        func.trim(VisitRow.first_name + " " + VisitRow.last_name),  # as names.full_name
        VisitRow.email,
        VisitRow.deleted_at,
        AccessTokenRow.revoked_at,
        AccessTokenRow.valid_until,
    )
    .outerjoin(VisitRow, VisitRow.id == WifiSessionRow.visit_id)
    .outerjoin(AccessTokenRow, AccessTokenRow.id == WifiSessionRow.token_id)
)
"""All sessions, with their visitors."""


def _session_of(  # noqa: PLR0913, PLR0917 - the columns of a row
    row: WifiSessionRow,
    name: str | None,
    email: str | None,
    deleted_at: datetime | None,
    revoked_at: datetime | None,
    valid_until: datetime | None,
) -> WifiSession:
    ended_at = row.ended_at
    if row.ended_by == Status.ON:  # its NAS had been off since an unknown time
        ended_at = row.heard_at
    seconds = row.seconds or ((ended_at or row.heard_at) - row.started_at) // timedelta(seconds=1)
    since = {"deleted": deleted_at, "revoked": revoked_at, "ended": valid_until}
    return WifiSession(
        **row.fields_of(WifiSession) | {"ended_at": ended_at, "seconds": seconds},
        name=name,
        email=email,
        disconnect=_disconnect_of(row, since),
    )


def _disconnect_of(row: WifiSessionRow, since: Mapping[str, datetime | None]) -> Disconnect | None:
    if row.disconnect_at is None or row.disconnect_outcome is None:
        return None
    return Disconnect(
        since=since.get(row.disconnect_reason or "") or row.disconnect_at,
        at=row.disconnect_at,
        outcome=row.disconnect_outcome,
        error_cause=row.error_cause,
        reason=row.disconnect_reason,
    )
