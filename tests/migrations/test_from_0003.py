"""A store of version 0003 is brought up: nothing is lost but digits that may be PINs."""

from __future__ import annotations

from contextlib import closing
from datetime import timedelta
from typing import TYPE_CHECKING

from nexio.network.accounting_records import Status
from nexio.network.event_log import list_events
from nexio.store.engine import Store
from tests.support.accounting import record, sessions, tell
from tests.support.clocks import FRIDAY_MORNING, Clock
from tests.support.old_rows import NAMES_OF_0003, rows_of_0003
from tests.support.old_stores import upgrade
from tests.support.stores import engine_of

if TYPE_CHECKING:
    from nexio.configuration import Configuration
    from tests.support.old_stores import Upgrade

OLD = "0003", rows_of_0003


def test_nothing_else_is_changed(upgraded: Upgrade) -> None:
    """Each row of each table has the values that it had, what the NAS made among them."""
    assert upgraded.version == "0003"
    assert all(upgraded.before.values())
    upgraded.check_rows(wifi_session="user_name", auth_event="user_name")


def test_pins_in_user_names_are_masked(upgraded: Upgrade, clock: Clock) -> None:
    """In sessions and in the log; an escape of an older version stands for a blank."""
    with closing(Store.open(upgraded.configuration, clock)) as store:
        assert [each.user_name for each in sessions(store)] == list(NAMES_OF_0003.values())
        with store.read() as work:
            shown = [each.event.user_name for each in list_events(work, None, limit=99)]
    assert shown == list(NAMES_OF_0003.values())


def test_the_email_of_a_visit_keeps_its_digits(old: Configuration, clock: Clock) -> None:
    """It is no secret."""
    with engine_of(old.database_url) as engine, engine.begin() as connection:
        connection.exec_driver_sql("UPDATE visit SET email_key = '44863544@guest' WHERE id = 1")
    upgrade(old)
    with closing(Store.open(old, clock)) as store:
        assert "44863544@guest" in {each.user_name for each in sessions(store)}


def test_old_sessions_go_on(upgraded: Upgrade, clock: Clock) -> None:
    """What they count goes on from what was known."""
    more = record(
        Status.UPDATE,
        key=f"{1:032x}",
        at=FRIDAY_MORNING + timedelta(minutes=20),
        seconds=1200,
        octets_in=8,
        octets_out=10,
        device=None,
    )
    with closing(Store.open(upgraded.configuration, clock)) as store:
        first = tell(store, more)[0]
    assert (first.seconds, first.octets_in, first.octets_out) == (1200, 8, 10)
