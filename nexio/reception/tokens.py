"""Access tokens: the right to use the Wi-Fi for a while (R1 to R4, R7, R9)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import ColumnElement, func, or_, select, update

from nexio.errors import Refused
from nexio.input.zones import local_day, show
from nexio.keys.keyring import Keyring
from nexio.locations.locations import Location, location_of
from nexio.store import audit, tables
from nexio.store.batches import batch_of
from nexio.store.engine import Reading, Writing
from nexio.store.groups import in_groups
from nexio.store.locking import get_locked
from nexio.store.tables import AccessTokenRow, CheckInRow, LocationRow, VisitRow


class TokenState(StrEnum):
    """The state of a token at a moment."""

    UPCOMING = "upcoming"
    VALID = "valid"
    EXPIRED = "expired"
    REVOKED = "revoked"


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """The window ``[valid_from, valid_until)``; both are None before a check-in opens it (R16)."""

    id: int
    valid_from: datetime | None
    valid_until: datetime | None
    state: TokenState
    max_devices: int | None
    """How many devices it admits; None is no limit (R18)."""


def token_of(row: AccessTokenRow, now: datetime) -> Token:
    """Make a token from a row, with its state at a moment, detached from the store."""
    return Token(**row.fields_of(Token), state=_state(row, now))


@dataclass(frozen=True, slots=True, kw_only=True)
class NewToken:
    """The token of a visit that is being registered."""

    duration: timedelta
    valid_from: datetime | None
    valid_until: datetime | None
    max_devices: int | None


def new_token(
    location: Location, arrival: datetime, duration: timedelta | None, max_devices: int | None
) -> NewToken:
    """The token of a new visit, by the location's current settings unless values are given.

    Args:
        location: as it is now.
        arrival: when the visitor is expected.
        duration: as given (R2), or None.
        max_devices: as given (R18), or None; 0 is no limit.
    """
    settings = location.settings
    duration = duration or settings.token_duration
    most = settings.max_devices if max_devices is None else max_devices or None
    if settings.token_starts == "check-in":  # the first check-in opens it (R16)
        return NewToken(duration=duration, valid_from=None, valid_until=None, max_devices=most)
    return NewToken(
        duration=duration,
        valid_from=arrival - timedelta(minutes=settings.early_minutes),
        valid_until=arrival + duration,
        max_devices=most,
    )


def issue_token(work: Writing, visit: VisitRow, location: Location, new: NewToken) -> None:
    """Give a new visit its token.

    Raises:
        Refused: more guests at one time than planned, if the PIN alone logs in (R9).
    """
    token = AccessTokenRow(
        duration=new.duration,
        valid_from=new.valid_from,
        valid_until=new.valid_until,
        max_devices=new.max_devices,
        issued_at=work.now,
    )
    refuse_unplanned(work, location, token)
    visit.token = token


def revoke_token(work: Writing, visit_id: int) -> None:
    """End a visit's token now; its PIN can check in until the end of the arrival's day (R7).

    Raises:
        Refused: the visit has no token, or it is revoked already.
    """
    visit = get_locked(work.session, VisitRow, visit_id)
    if visit.token is None:
        raise Refused(f"visit {visit_id} has no access token", "There is nothing to revoke.")
    if visit.token.valid_until is not None and visit.token.valid_until <= work.now:
        raise Refused(f"the token of visit {visit_id} is over", "There is nothing to revoke.")
    final = _forbid_undo(work, CheckInRow.visit_id == visit_id)
    if not end_token(work, visit) and not final:
        raise Refused(
            f"the token of visit {visit_id} was revoked before", "There is nothing to do."
        )


def revoke_all(work: Writing, location: Location) -> int:
    """End every token of a location whose window is not over (R4).

    Returns:
        How many were ended.
    """
    _forbid_undo(work, CheckInRow.location_id == location.id)
    running = (
        select(AccessTokenRow.id, AccessTokenRow.visit_id, VisitRow.expected_arrival)
        .join(AccessTokenRow.visit)
        .where(
            VisitRow.location_id == location.id,
            AccessTokenRow.revoked_at.is_(None),
            or_(AccessTokenRow.valid_until.is_(None), AccessTokenRow.valid_until > work.now),
        )
        .order_by(AccessTokenRow.id)
    )
    found = work.session.execute(running).all()
    revoke_tokens(work, [token for token, _, _ in found])
    day_ends = {visit: local_day(at, location.zone)[1] for _, visit, at in found}
    pins = [
        {"id": pin, "free_at": day_ends[visit]}
        for group in in_groups(list(day_ends))
        for pin, visit in work.session.execute(
            select(tables.PinRow.id, tables.PinRow.visit_id).where(
                tables.PinRow.visit_id.in_(group)
            )
        )
        if visit is not None
    ]
    if pins:
        work.session.execute(update(tables.PinRow), pins)
    audit.record_many(work, "visit", [("revoke", visit, {}) for visit in day_ends])
    return len(found)


def revoke_tokens(work: Writing, numbers: Sequence[int]) -> None:
    """Revoke many tokens; the caller handles everything else."""
    for group in in_groups(numbers):
        work.session.execute(
            update(AccessTokenRow)
            .where(AccessTokenRow.id.in_(group))
            .values(revoked_at=work.now, batch=batch_of(work.session))
            .execution_options(synchronize_session=False)
        )


def live_pin_lengths(work: Reading, location: Location) -> Counter[int]:
    """The number of tokens of a location that are not over or revoked, by digits of the PIN."""
    found = work.session.execute(
        select(func.length(VisitRow.pin_sealed), func.count())
        .join(VisitRow.token)
        .where(
            VisitRow.location_id == location.id,
            VisitRow.deleted_at.is_(None),
            AccessTokenRow.revoked_at.is_(None),
            or_(AccessTokenRow.valid_until.is_(None), AccessTokenRow.valid_until > work.now),
        )
        .group_by(func.length(VisitRow.pin_sealed))
    )
    return Counter({length - Keyring.sealed_length(0): count for length, count in found})


def _forbid_undo(work: Writing, which: ColumnElement[bool]) -> bool:
    """Prevent an undo of a check-out (R17) from restoring the token; return whether one could."""
    ended = work.session.scalars(select(CheckInRow).where(which, CheckInRow.ended_wifi)).all()
    for stay in ended:
        stay.ended_wifi = False
    return bool(ended)


def end_token(work: Writing, visit: VisitRow, *, frees_pin: bool = True) -> bool:
    """Revoke the token of a visit.

    Args:
        work: the transaction.
        visit: the owner of the token.
        frees_pin: also free the PIN at the end of the arrival's day; a check-out does not (R7).

    Returns:
        False if there was no token to revoke.
    """
    from nexio.reception.pins import live_pin  # noqa: PLC0415 (who reads needs none of it)

    if visit.token is None or visit.token.revoked_at is not None:
        return False
    _end_token(work, visit.token, live_pin(work, visit) if frees_pin else None)
    return True


def _end_token(work: Writing, token: AccessTokenRow, pin: tables.PinRow | None) -> None:
    """Revoke a token, and free a PIN at the end of the arrival's day."""
    token.revoked_at = work.now
    if pin is not None:
        _, pin.free_at = _day_of(token.visit, token.visit.expected_arrival)
    audit.record(work, "revoke", "visit", token.visit_id)


def start_token(work: Writing, visit: VisitRow) -> bool:
    """Open the window of a token that waits for the first check-in (R16).

    If the desk checks somebody in before or after the visit's day (R15), the visit is extended to
    today: its PIN counts today, no other visit has it, and the servers know of it.

    Returns:
        Whether there was such a token.

    Raises:
        Refused: more guests at one time than planned, if the PIN alone logs in (R9); or the PIN was
            freed with the visit's day and cannot be taken again (R7).
    """
    from nexio.reception.pin_days import recounting  # noqa: PLC0415 (who reads needs none of it)
    from nexio.reception.pins import retake_pin  # noqa: PLC0415

    token = visit.token
    if token is None or token.revoked_at is not None or token.valid_from is not None:
        return False
    if visit.closes_at <= work.now:
        retake_pin(work, visit)
    with recounting(work, visit):
        token.valid_from = work.now.replace(microsecond=0)
        token.valid_until = token.valid_from + token.duration
        visit.opens_at = min(visit.opens_at, _day_of(visit, work.now)[0])
        refuse_unplanned(work, location_of(visit.location), token)
        _keep_until(work, visit, max(visit.closes_at, token.valid_until))
    return True


def close_window(work: Writing, visit: VisitRow) -> None:
    """Close the window again: the check-in that opened it was a mistake."""
    from nexio.reception.pin_days import recounting  # noqa: PLC0415 (who reads needs none of it)

    if visit.token is None:
        return
    with recounting(work, visit):
        visit.token.valid_from = visit.token.valid_until = None
        visit.opens_at, until = _day_of(visit, visit.expected_arrival)
        _keep_until(work, visit, until)


def restore_token(visit: VisitRow) -> None:
    """Restore the token that a check-out ended by mistake (R17)."""
    if visit.token is not None:
        visit.token.revoked_at = None


def _keep_until(work: Writing, visit: VisitRow, until: datetime) -> None:
    """Keep the visit open and its PIN live until then (R7, R15)."""
    from nexio.reception.pins import live_pin  # noqa: PLC0415 (who reads needs none of it)

    visit.closes_at = until
    pin = live_pin(work, visit)
    if pin is not None:
        pin.free_at = until


def _day_of(visit: VisitRow, instant: datetime) -> tuple[datetime, datetime]:
    return local_day(instant, location_of(visit.location).zone)


def refuse_unplanned(work: Reading, location: Location, token: AccessTokenRow) -> None:
    """R9: refuse more tokens at one time than planned, if the PIN alone logs in.

    Raises:
        Refused: without this one there are already that many.
    """
    if location.settings.wifi_login != "pin":
        return
    if token.valid_from is None or token.revoked_at is not None:  # it admits nobody
        return
    # Serialize: two tokens issued at once would not count each other.
    work.session.execute(
        select(LocationRow.id).where(LocationRow.id == location.id).with_for_update(key_share=True)
    )
    planned = location.settings.planned_guests or 0
    if _most_at_one_time(work, location, token) >= planned:
        raise Refused(
            f"{location.name} is planned for {planned} guests on the Wi-Fi at one time,"
            " and so many have a token then",
            "Choose another time, or plan for more: nexio settings set planned-guests=…",
        )


def refuse_more_than_planned(
    work: Reading, location: Location, more: Iterable[tuple[datetime, datetime]] = ()
) -> None:
    """:func:`refuse_unplanned` for all tokens of a location, and some new ones.

    Raises:
        Refused: at one moment there are more than planned.
    """
    if location.settings.wifi_login != "pin":
        return
    _refuse_beyond_plan(location, [*_windows(work, location, work.now), *more], ())


def refuse_unplanned_windows(
    work: Reading, location: Location, windows: Sequence[tuple[datetime, datetime]]
) -> None:
    """R9 for new tokens: no more at one time than planned while one of them is valid.

    The location is locked: two transactions at once would not count each other's tokens.

    Raises:
        Refused: with them there are more.
    """
    if location.settings.wifi_login != "pin" or not windows:
        return
    begin, end = min(start for start, _ in windows), max(end for _, end in windows)
    others = [window for window in _windows(work, location, begin) if window[0] < end]
    _refuse_beyond_plan(location, others, windows, only_while_new=True)


def _windows(work: Reading, location: Location, after: datetime) -> list[tuple[datetime, datetime]]:
    """The windows of the tokens of a location that end after an instant."""
    found = work.session.execute(
        select(AccessTokenRow.valid_from, AccessTokenRow.valid_until)
        .join(AccessTokenRow.visit)
        .where(
            VisitRow.location_id == location.id,
            AccessTokenRow.revoked_at.is_(None),
            AccessTokenRow.valid_until > after,
        )
    )
    return [(start, end) for start, end in found if start is not None and end is not None]


def _refuse_beyond_plan(
    location: Location,
    old: Iterable[tuple[datetime, datetime]],
    new: Iterable[tuple[datetime, datetime]],
    *,
    only_while_new: bool = False,
) -> None:
    # At the same instant an end sorts before a start: windows are half-open (R1).
    steps = sorted(
        step
        for windows, is_new in ((old, 0), (new, 1))
        for start, end in windows
        for step in ((start, 1, is_new), (end, -1, -is_new))
    )
    together = of_new = 0
    planned = location.settings.planned_guests or 0
    for at, step, new_step in steps:
        together += step
        of_new += new_step
        if together > planned and (of_new or not only_while_new):
            raise Refused(
                f"{location.name} is planned for {planned} guests on the Wi-Fi at one time, and"
                f" {show(at, location.zone)} there would be more",
                "Choose other times, or plan for more: nexio settings set planned-guests=…",
            )


def _most_at_one_time(work: Reading, location: Location, token: AccessTokenRow) -> int:
    """The largest number of other tokens that are valid at one moment of a token's window."""
    start, end = token.valid_from, token.valid_until
    with work.session.no_autoflush:  # the token itself may be changed and not written yet
        windows = work.session.execute(
            select(AccessTokenRow.valid_from, AccessTokenRow.valid_until)
            .join(AccessTokenRow.visit)
            .where(
                VisitRow.location_id == location.id,
                AccessTokenRow.id.is_distinct_from(token.id),
                AccessTokenRow.revoked_at.is_(None),
                AccessTokenRow.valid_from < end,
                AccessTokenRow.valid_until > start,
            )
        )
    # At the same instant an end sorts before a start: windows are half-open (R1).
    steps = sorted(
        step
        for valid_from, valid_until in windows
        if valid_from is not None and valid_until is not None and start is not None
        for step in ((max(valid_from, start), 1), (valid_until, -1))
    )
    most = together = 0
    for _, step in steps:
        together += step
        most = max(most, together)
    return most


def _state(row: AccessTokenRow, now: datetime) -> TokenState:
    if row.revoked_at is not None:
        return TokenState.REVOKED
    if row.valid_from is None or row.valid_until is None or now < row.valid_from:
        return TokenState.UPCOMING
    return TokenState.VALID if now < row.valid_until else TokenState.EXPIRED
