"""What the day's screen asks of the store: an index leads to everything."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import event

from nexio.checkin.taps import list_taps_between
from nexio.checkin.today import today_at
from nexio.reception.finding import find_visits_by_name
from nexio.reception.visits import is_login
from tests.support.people import register
from tests.support.reception import by_hand

if TYPE_CHECKING:
    from collections.abc import Callable

    from nexio.locations.locations import Location
    from nexio.store.engine import Reading, Store

LOOKS: dict[str, Callable[[Reading, Location], object]] = {
    "today": today_at,
    "days": lambda work, location: list_taps_between(work, location, work.now, work.now),
    "name": lambda work, location: find_visits_by_name(work, location, "zo"),
    "login": lambda work, _: is_login(work, "zo"),
}


@pytest.mark.parametrize("look", LOOKS.values(), ids=LOOKS)
def test_nothing_is_scanned(
    look: Callable[[Reading, Location], object], sqlite_store: Store, sqlite_location: Location
) -> None:
    """However long the visits, stays, mails and logins of years have become."""
    by_hand(sqlite_store, register(sqlite_store, sqlite_location))
    asked: list[tuple[str, Any]] = []
    event.listen(
        sqlite_store.engine, "before_cursor_execute", lambda *about: asked.append(about[2:4])
    )
    with sqlite_store.read() as work:
        look(work, sqlite_location)
    with sqlite_store.engine.connect() as connection:
        for words, values in [each for each in asked if each[0].startswith("SELECT")]:
            plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {words}", values).all()
            steps = [row.detail for row in plan if row.detail.startswith("SCAN")]
            large = ("visit", "check_in", "outbox", "auth_event", "audit")
            assert [step for step in steps if step.split()[1].startswith(large)] == [], words
