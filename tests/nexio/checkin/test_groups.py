"""A group that comes or goes together."""

from __future__ import annotations

from functools import partial

import pytest

from nexio.checkin.groups import tap_visits
from nexio.checkin.taps import Direction, Tap
from nexio.errors import Refused
from nexio.locations.locations import Location
from nexio.reception.visits import Visit
from nexio.store.engine import Store
from tests.support.people import register, set_up
from tests.support.reception import at_once, by_hand, seen
from tests.support.stores import row_counts

ROUNDS = 5


def tap(
    store: Store, visits: list[Visit], way: Direction | None = None, *, override: bool = False
) -> list[Tap]:
    """Look several visitors up and check them in or out."""
    with store.write() as work:
        return tap_visits(work, [visit.id for visit in visits], way=way, override=override)


def test_all_or_nobody(store: Store, location: Location) -> None:
    """In the order that is given, nobody twice; one who is refused is named."""
    zoe, ada = register(store, location), register(store, location, first_name="Ada")
    late = register(store, location, arrival="tomorrow 9am")
    before = row_counts(store)
    with pytest.raises(Refused, match=f"^nobody was checked in or out. Visit {late.id} "):
        tap(store, [ada, late, zoe])
    assert row_counts(store) == before
    taps = tap(store, [ada, zoe, ada])
    assert [(each.id, each.direction, each.repeated) for each in taps] == [
        (ada.id, Direction.IN, False),
        (zoe.id, Direction.IN, False),
    ]
    by_hand(store, zoe, way=Direction.OUT)
    left = tap(store, [zoe, ada], Direction.OUT)
    assert [each.repeated for each in left] == [True, False]
    assert len(tap(store, [late, zoe], override=True)) == 2


@pytest.mark.parametrize("words", [(), ("wifi-login=pin", "planned-guests=100", "pin-length=8")])
def test_two_desks_with_the_same_people(
    store: Store, location: Location, words: tuple[str, ...]
) -> None:
    """Crosswise, where each check-in opens a window: neither waits for the other for ever."""
    set_up(store, location, "token-starts=check-in", *words)
    for _ in range(ROUNDS):
        group = [register(store, location) for _ in range(4)]
        desks = [partial(tap, store, order) for order in (group, group[::-1], group[1:3])]
        got = at_once(*desks)
        assert all(isinstance(each, list) for each in got), got
    assert len(seen(store, location, open_only=True)) == 4 * ROUNDS
