"""The day as reception sees it: who is expected, who is in, and who has left."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from nexio.checkin.taps import Direction, list_never_out, list_taps
from nexio.reception.visits import Visit, VisitFilter, VisitState, list_visits

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from nexio.checkin.taps import Tap
    from nexio.locations.locations import Location
    from nexio.store.engine import Reading


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """A visitor or a member, as far as reception needs it: without PIN and address."""

    kind: str
    """``visitor`` or ``member``."""

    id: int
    """The number of the visit or the member."""

    name: str
    at: datetime
    """When they are expected, or came, or left."""

    stay: int | None = None
    """The number of their stay in the building; None if they are only expected."""

    host: str | None = None
    company: str | None = None
    phone: str | None = None
    notes: str | None = None
    cut_off: bool = False
    """Whether the cut-off checked them out, not a person."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """Everybody of today at a location, each once."""

    expected: tuple[Person, ...]
    inside: tuple[Person, ...]
    """Everybody in the building, by name: the list for an evacuation."""

    left: tuple[Person, ...]
    """The last one first; includes those whom the cut-off checked out today."""

    never_out: tuple[Person, ...]
    """People checked out only by the cut-off, by name, and when they came: they may still be in
    the building."""


def day_of(work: Reading, location: Location) -> Day:
    """Today at a location."""
    visits = list_visits(work, location, VisitFilter(comes_today=True))
    known = {visit.id: visit for visit in visits}
    inside = [_of_tap(tap, known) for tap in list_taps(work, location, open_only=True)]
    last = {(tap.kind, tap.id): tap for tap in list_taps(work, location, open_only=False)}
    here = {(person.kind, person.id) for person in inside}
    left = [
        _of_tap(tap, known)
        for who, tap in last.items()
        if tap.direction is Direction.OUT and who not in here
    ]
    return Day(
        expected=tuple(_of_visit(each) for each in visits if each.state is VisitState.EXPECTED),
        inside=_by_name(inside),
        left=tuple(sorted(left, key=lambda person: person.at, reverse=True)),
        never_out=_by_name(_of_tap(tap, known) for tap in list_never_out(work, location)),
    )


def _by_name(people: Iterable[Person]) -> tuple[Person, ...]:
    return tuple(sorted(people, key=lambda person: person.name.casefold()))


def _of_visit(visit: Visit) -> Person:
    return Person(
        kind="visitor",
        id=visit.id,
        name=visit.name,
        at=visit.expected_arrival,
        host=visit.host,
        company=visit.company,
        phone=visit.phone,
        notes=visit.notes,
    )


def _of_tap(tap: Tap, visits: dict[int, Visit]) -> Person:
    visit = visits.get(tap.id) if tap.kind == "visitor" else None
    return Person(
        kind=tap.kind,
        id=tap.id,
        name=tap.name,
        at=tap.at,
        stay=tap.stay,
        host=tap.host,
        company=tap.company,
        phone=tap.phone,
        notes=None if visit is None else visit.notes,
        cut_off=tap.cut_off,
    )
