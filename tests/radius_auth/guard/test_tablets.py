"""Guessing at the tablets of a location: what is looked at, who waits, and what the desk does."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from nexio.errors import Refused
from nexio.operations.housekeeping import tidy
from nexio.reception.guessing_limits import BOUND
from radius_auth.guard.desk import guard_in
from radius_auth.guard.guard import Guard
from radius_auth.guard.tablets import (
    Place,
    count_wrong,
    release_tablet,
    tablet_waits,
    wait_for,
)

if TYPE_CHECKING:
    from nexio.locations.locations import Location
    from nexio.store.engine import Store
    from tests.support.clocks import Clock

SIXTY_SIX = 66e-6
"""The chance of a wrong PIN of 6 digits where 66 are in use."""


def guess(
    store: Store, location: Location, chance: float, *, tablet: int = 1, with_email: bool = False
) -> bool:
    """Type a wrong PIN: whether it is looked at."""
    place = Place(tablet_id=tablet, location_id=location.id)
    with store.write() as work:
        if wait_for(work, place, chance, with_email=with_email):
            return False
        count_wrong(work, place, chance)
        return True


def release(store: Store, location: Location, tablet: int = 1) -> int:
    """Let a tablet look at some more."""
    with store.write() as work:
        return release_tablet(work, Place(tablet_id=tablet, location_id=location.id))


@pytest.mark.parametrize(
    ("chance", "with_email"),
    [(1e-5, False), (SIXTY_SIX, False), (3e-4, False), (9e-4, False), (1e-5, True)],
)
def test_100_000_attempts_in_a_day(
    sqlite_store: Store, sqlite_location: Location, clock: Clock, chance: float, with_email: bool
) -> None:
    """What is looked at stays below 1 in 1,000, with all that the desk may release as well."""
    spent, every = 0.0, timedelta(days=1) / 100_000
    place = Place(tablet_id=1, location_id=sqlite_location.id)
    tried = 0
    while tried < 100_000:
        with sqlite_store.write() as work:
            wait = wait_for(work, place, chance, with_email=with_email)
            if not wait:
                count_wrong(work, place, chance)
                spent += chance
        passed = max(1, int(wait / every) + 1)  # those in between are not looked at either
        tried += passed
        clock.now += every * passed
        if wait:
            try:
                release(sqlite_store, sqlite_location)
            except Refused:
                continue
    assert 0 <= spent < BOUND
    assert spent > 0 or chance > 0.45 * BOUND


def test_the_email_helps_where_the_pin_alone_does_not(
    store: Store, location: Location, clock: Clock
) -> None:
    """Somebody uses up what there is: honest people type their e-mail as well, and mistype it."""
    assert [guess(store, location, SIXTY_SIX) for _ in range(9)].count(True) == 6
    assert not guess(store, location, SIXTY_SIX, tablet=2)
    assert all(guess(store, location, 1e-6, with_email=True) for _ in range(20))
    clock.advance(hours=8)
    assert guess(store, location, SIXTY_SIX)


def test_what_can_be_nobodys_costs_nothing(store: Store, location: Location) -> None:
    """A PIN of a length that nobody has."""
    assert all(guess(store, location, 0.0) for _ in range(100))
    with store.read() as work:
        assert tablet_waits(work, work.now) == []


def test_another_location_has_its_own(store: Store, location: Location) -> None:
    """Its tablets are not concerned."""
    while guess(store, location, SIXTY_SIX):
        pass
    with store.write() as work:
        elsewhere = Place(tablet_id=9, location_id=location.id + 1)
        assert not wait_for(work, elsewhere, SIXTY_SIX, with_email=False)


def test_the_desk_sees_and_releases(store: Store, location: Location, clock: Clock) -> None:
    """Two tries fit, for that tablet and for an hour; then the bound leaves no room."""
    with pytest.raises(Refused, match="the PIN alone is enough"):
        release(store, location)
    while guess(store, location, SIXTY_SIX):
        clock.advance(seconds=1)
    with store.read() as work:
        (wait,) = tablet_waits(work, work.now)
    assert wait.location_id == location.id
    assert [(each.tablet_id, each.guesses, each.is_released) for each in wait.tried] == [
        (1, 6, False)
    ]
    assert timedelta(0) < wait.until - clock.now < timedelta(days=1)

    assert release(store, location) == 2
    with store.read() as work:
        assert tablet_waits(work, work.now)[0].tried[0].is_released
    assert not guess(store, location, SIXTY_SIX, tablet=2)
    assert [guess(store, location, SIXTY_SIX) for _ in range(3)] == [True, True, False]
    with pytest.raises(Refused, match="likelier than 1 in 1,000 today"):
        release(store, location)


def test_a_release_ends(store: Store, location: Location, clock: Clock) -> None:
    """Nobody came: an hour later it is gone."""
    while guess(store, location, SIXTY_SIX):
        pass
    release(store, location)
    clock.advance(minutes=61)
    assert not guess(store, location, SIXTY_SIX)


def test_the_servers_do_not_see_it(store: Store, location: Location, clock: Clock) -> None:
    """Logins at the Wi-Fi have a guard of their own; housekeeping removes what is old."""
    assert guess(store, location, SIXTY_SIX)
    with store.read() as work:
        guard = guard_in(work, work.now)
    assert isinstance(guard, Guard)
    assert not guard.visits()
    assert not guard.locations()
    clock.advance(days=5)
    tidy(store)
    with store.read() as work:
        assert tablet_waits(work, work.now) == []
