"""Checks a group in or out: all of them or nobody."""

from __future__ import annotations

from collections.abc import Iterable

from nexio.checkin.check_ins import tap_visit
from nexio.checkin.taps import Direction, Tap
from nexio.errors import NexioError
from nexio.locations.locations import location_of, lock_location
from nexio.reception.visits import get_row
from nexio.store.engine import Writing


def tap_visits(
    work: Writing,
    visit_ids: Iterable[int],
    *,
    way: Direction | None = None,
    override: bool = False,
) -> list[Tap]:
    """Check several visitors in or out by hand, each once, in the given order.

    Raises:
        NexioError: the first refusal, with the visit's number; nobody was checked in or out.
    """
    numbers = list(dict.fromkeys(visit_ids))
    if len(numbers) == 1:
        return [tap_visit(work, numbers[0], way=way, override=override)]
    _lock(work, numbers)
    return [_tap(work, number, way, override=override) for number in numbers]


def _lock(work: Writing, numbers: Iterable[int]) -> None:
    """Lock visits before locations, each in numeric order, so that two desks never deadlock."""
    rows = [get_row(work, number) for number in sorted(numbers)]
    places = {row.location_id: location_of(row.location) for row in rows}
    for number in sorted(places):
        lock_location(work, places[number])


def _tap(work: Writing, number: int, way: Direction | None, *, override: bool) -> Tap:
    try:
        return tap_visit(work, number, way=way, override=override)
    except NexioError as error:
        message = str(error)
        about = message.removeprefix(f"visit {number} ")  # many messages begin with it
        colon = ":" if about == message else ""
        words = f"nobody was checked in or out. Visit {number}{colon} {about}"
        raise type(error)(words, error.advice) from None
