"""Check-ins and check-outs, as the desk reads them (R14)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from sqlalchemy import Select, exists, func, or_, select
from sqlalchemy.orm import aliased, lazyload, selectinload

from nexio.errors import NotFound
from nexio.input.names import full_name
from nexio.input.zones import local_day
from nexio.locations.locations import Location, location_of
from nexio.store import tables
from nexio.store.engine import Reading
from nexio.store.tables import CheckInRow, VisitRow

NEVER_OUT: Final = timedelta(hours=24)
"""How long people are listed whom only the cut-off checked out."""

_LONGEST_STAY: Final = timedelta(days=3)
"""Longer than any stay: the cut-off is at the end of the next day at the latest."""


class Method(StrEnum):
    """How somebody was recognised."""

    PIN = "pin"
    QR = "qr"
    DESK = "desk"
    CUT_OFF = tables.CUT_OFF
    """The end of the day checked the person out."""


class Direction(StrEnum):
    """Which way somebody went."""

    IN = "in"
    OUT = "out"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tap:
    """Somebody went in or out."""

    direction: Direction
    stay: int
    """The number of the row with the check-in and the check-out."""

    kind: str
    """``visitor`` or ``member``."""

    id: int
    """The number of the visit or the member."""

    name: str
    host: str | None
    company: str | None
    phone: str | None
    at: datetime
    location: Location
    method: Method
    repeated: bool = False
    """Whether this only repeated the last tap, and nothing was written."""

    @property
    def number(self) -> int:
        """A number that no other check-in or check-out has."""
        return 2 * self.stay + (self.direction is Direction.OUT)

    @property
    def cut_off(self) -> bool:
        """Whether the cut-off checked them out, not a person."""
        return self.method is Method.CUT_OFF


def taps_of(stay: CheckInRow, now: datetime) -> list[Tap]:
    """The check-in of a stay, and the check-out if the person is out by now."""
    if is_in(stay, now):
        return [tap_of(stay, Direction.IN)]
    return [tap_of(stay, Direction.IN), tap_of(stay, Direction.OUT)]


def is_in(stay: CheckInRow, now: datetime) -> bool:
    """Whether a person is in the building: neither a person nor the cut-off checked them out."""
    return stay.out_at is None and now < stay.cut_off_at


def is_cut_off(stay: CheckInRow, now: datetime) -> bool:
    """Whether the cut-off checked a person out, even if that is not in the store yet."""
    return stay.out_method == Method.CUT_OFF or (stay.out_at is None and stay.cut_off_at <= now)


def last_tap(work: Reading, member_id: int) -> Tap | None:
    """The last check-in or check-out of a member."""
    stays = select(CheckInRow).where(CheckInRow.member_id == member_id)
    stay = work.session.scalar(stays.order_by(CheckInRow.id.desc()).limit(1))
    return None if stay is None else taps_of(stay, work.now)[-1]


def list_taps(work: Reading, location: Location, *, open_only: bool) -> list[Tap]:
    """Who went in and out today, or with ``open_only`` who is in the building now."""
    if not open_only:
        return list_taps_between(work, location, *local_day(work.now, location.zone))
    inside = CheckInRow.out_at.is_(None), CheckInRow.cut_off_at > work.now
    rows = work.session.scalars(_stays(location, since=work.now).where(*inside))
    return [tap_of(row, Direction.IN) for row in rows]


def list_taps_between(
    work: Reading, location: Location, begin: datetime, end: datetime
) -> list[Tap]:
    """Who went in and out from one instant until just before another, in the order of time."""
    ended = func.coalesce(CheckInRow.out_at, CheckInRow.cut_off_at)
    within = CheckInRow.in_at < end, or_(CheckInRow.in_at >= begin, ended >= begin)
    rows = work.session.scalars(_stays(location, since=begin).where(*within))
    taps = [tap for row in rows for tap in taps_of(row, work.now) if begin <= tap.at < end]
    return sorted(taps, key=lambda tap: tap.at)


def list_never_out(work: Reading, location: Location) -> list[Tap]:
    """The check-ins of people whom the cut-off checked out within :data:`NEVER_OUT`.

    Nobody saw them leave, and they may still be in the building.  People who have come in again
    since are left out.
    """
    since = work.now - NEVER_OUT
    later = aliased(CheckInRow)
    same = or_(later.visit_id == CheckInRow.visit_id, later.member_id == CheckInRow.member_id)
    overdue = (
        CheckInRow.cut_off_at > since,
        CheckInRow.cut_off_at <= work.now,
        or_(CheckInRow.out_at.is_(None), CheckInRow.out_method == Method.CUT_OFF.value),
        ~exists().where(same, later.id > CheckInRow.id),
    )
    rows = work.session.scalars(_stays(location, since=since).where(*overdue))
    return [tap_of(row, Direction.IN) for row in rows]


def _stays(location: Location, since: datetime) -> Select[CheckInRow]:
    """The stays of a location that may have lasted until ``since`` or longer, in order."""
    return (
        select(CheckInRow)
        .where(CheckInRow.location_id == location.id, CheckInRow.in_at > since - _LONGEST_STAY)
        .options(
            selectinload(CheckInRow.visit).options(
                lazyload(VisitRow.token), lazyload(VisitRow.check_ins)
            ),
            selectinload(CheckInRow.member),
        )
        .order_by(CheckInRow.in_at, CheckInRow.id)
    )


def tap_of(stay: CheckInRow, direction: Direction, *, repeated: bool = False) -> Tap:
    """The check-in or check-out of a stay; the caller makes sure that the stay has it."""
    person = stay.visit if stay.visit is not None else stay.member
    if person is None:
        raise NotFound(f"check-in {stay.id} belongs to nobody")
    out = direction is Direction.OUT
    return Tap(
        direction=direction,
        stay=stay.id,
        kind="member" if stay.visit is None else "visitor",
        id=person.id,
        name=full_name(person.first_name, person.last_name),
        host=None if stay.visit is None else stay.visit.host,
        company=None if stay.visit is None else stay.visit.company,
        phone=None if stay.visit is None else stay.visit.phone,
        at=(stay.out_at or stay.cut_off_at) if out else stay.in_at,
        location=location_of(stay.location),
        method=Method((stay.out_method or Method.CUT_OFF) if out else stay.in_method),
        repeated=repeated,
    )
