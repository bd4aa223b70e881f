"""Why a check-in or check-out is refused, and what the desk can do (R14, R15)."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import select

from nexio.checkin.taps import Direction, Method, Tap, is_cut_off, is_in, tap_of
from nexio.errors import Refused, Rule, UnknownCode
from nexio.input.names import counted
from nexio.input.zones import local_date, local_day, show
from nexio.languages import mark
from nexio.locations.locations import Location, location_of
from nexio.reception.visits import deleted
from nexio.store.engine import Reading
from nexio.store.tables import CheckInRow, VisitRow

MISTAKEN_UNTIL = timedelta(minutes=5)
"""R14: within this time after a check-in, the code alone does not check out."""


def refuse_early(work: Reading, stay: CheckInRow, advice: str) -> None:
    """R14: somebody who types the code again so soon may not be leaving.

    A check-out by mistake would drop them from the list of people in the building.
    """
    since = work.now - stay.in_at
    if since < MISTAKEN_UNTIL:
        name = tap_of(stay, Direction.IN).name
        raise Refused(f"checked in {_ago(since)}: {name}", advice, rule=Rule.LEAVING, at=stay.in_at)


def refuse_closed(work: Reading, row: VisitRow) -> None:
    """R15: a visit is open from the arrival's day to the later of its end and the window's."""
    zone = location_of(row.location).zone
    by_hand = f"let in with: nexio checkin --visit {row.id} --override"
    # Not `opens_at`: an override moves it back, but opens no other day.
    if work.now < local_day(row.expected_arrival, zone)[0]:
        raise Refused(
            mark(
                "visit %(number)d is for %(time)s",
                number=row.id,
                time=show(row.expected_arrival, zone),
            ),
            f"Check in on that day, or {by_hand}",
            rule=Rule.NOT_YET,
            at=row.expected_arrival,
        )
    if work.now >= row.closes_at:
        raise Refused(
            mark(
                "visit %(number)d was over at %(time)s",
                number=row.id,
                time=show(row.closes_at, zone),
            ),
            f"Register the visitor again, or {by_hand}",
            rule=Rule.OVER,
            at=row.closes_at,
        )


def refuse_third_tap(work: Reading, row: VisitRow) -> None:
    """R14: in and out once a local day."""
    zone = location_of(row.location).zone
    today = local_date(work.now, zone)
    if not any(local_date(stay.in_at, zone) == today for stay in row.check_ins):
        return
    cut_off = is_cut_off(row.check_ins[-1], work.now)
    raise Refused(
        mark("this visit has ended for today"),
        _back_in(row.id, cut_off=cut_off),
        rule=Rule.ENDED,
    )


def other_way(tap: Tap) -> str:
    """What to type if the person did not mean to repeat the same tap."""
    out = tap.direction is Direction.OUT
    other = "in" if out else "out"
    if tap.kind == "member" and tap.method is Method.DESK:
        command = "nexio checkin --member" if out else "nexio checkout --member"
        return f"To check {other}: {command} {tap.id}"
    if tap.kind == "member":
        return f"To check {other}: the same PIN with --{other}"
    if out:
        return _back_in(tap.id, cut_off=tap.cut_off)
    return f"To check out: nexio checkout --visit {tap.id}"


def unknown_pin(work: Reading, location: Location, digest: bytes) -> Refused:
    """Why a PIN does not work, as far as the store knows."""
    row = work.session.scalar(
        select(VisitRow)
        .where(VisitRow.location_id == location.id, VisitRow.pin_digest == digest)
        .order_by(VisitRow.id.desc())
        .limit(1)
    )
    if row is None:
        return UnknownCode(
            f"this PIN is nobody's at {location.name}", "Look for the visitor: nexio visitor list"
        )
    by_hand = f"with: nexio checkin --visit {row.id}"
    inside = any(is_in(stay, work.now) for stay in row.check_ins[-1:])
    if row.deleted_at is not None:
        return deleted_but_inside(row) if inside else deleted(work, row.id)
    if work.now < row.closes_at:
        return Refused(
            f"the PIN of visit {row.id} ended with its day, as its Wi-Fi was revoked",
            f"Check the visitor in or out {by_hand}",
        )
    return Refused(
        f"visit {row.id} was over at {show(row.closes_at, location.zone)}",
        f"Check the visitor out {by_hand}" if inside else "Register the visitor again.",
    )


def deleted_but_inside(row: VisitRow) -> Refused:
    """The refusal of the code of a deleted visit whose visitor is in the building."""
    return Refused(
        f"visit {row.id} was deleted",
        f"Check the visitor out with: nexio checkin --visit {row.id} --out",
        rule=Rule.DELETED,
    )


def _back_in(visit_id: int, *, cut_off: bool) -> str:
    """How to check in a visitor again who is out."""
    again = f"Somebody who comes back is let in with: nexio checkin --visit {visit_id} --override"
    if cut_off:  # that one cannot be taken back
        return again
    undo = f"nexio checkin undo {visit_id}"
    return f"Was the check-out a mistake? Take it back: {undo}. {again}"


def _ago(since: timedelta) -> str:
    minutes, seconds = divmod(int(since.total_seconds()), 60)
    return f"{counted(minutes, 'minute') if minutes else counted(seconds, 'second')} ago"
