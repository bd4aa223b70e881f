"""Settings that a PostgreSQL hands down, each of which would break a store that trusts in it."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

import psycopg

from nexio.operations.checking import find_damage
from nexio.reception.visits import VisitFilter, list_visits
from nexio.store.engine import Store
from tests.support.people import add_location, look_up, register

if TYPE_CHECKING:
    from nexio.configuration import Configuration
    from tests.support.clocks import Clock
    from tests.support.postgresql import PostgreSQL

INHERITED = {
    "DateStyle": "German, DMY",
    "IntervalStyle": "iso_8601",
    "TimeZone": "<+13>-13",
    "client_encoding": "LATIN1",
    "standard_conforming_strings": "off",
    "bytea_output": "escape",
    "transform_null_equals": "on",
    "default_transaction_isolation": "serializable",
    "default_transaction_deferrable": "on",
    "default_transaction_read_only": "on",
    "statement_timeout": "5s",
    "lock_timeout": "1ms",
    "idle_in_transaction_session_timeout": "5s",
    "idle_session_timeout": "5s",
}
"""What somebody may have set, each of which the code would stumble over or work otherwise by."""


def use(configuration: Configuration, clock: Clock) -> None:
    """Make a store's usual things and read them back: every type of a column is among them."""
    with closing(Store.open(configuration, clock)) as store:
        house = add_location(store, "Harbour House", "Europe/London", "visitor-tokens=on")
        visit = register(store, house, first_name="Zoë", last_name="Nguyễn Văn", host="a\\'b")
        shown = look_up(store, visit)
        assert shown == visit
        assert (shown.name, shown.host) == ("Zoë Nguyễn Văn", "a\\'b")
        with store.read() as work:
            assert find_damage(work) == []
            assert list_visits(work, house, VisitFilter(search="nguyễn")) == [visit]


def run(postgresql: PostgreSQL, name: str, statement: str) -> None:
    """Do something as the superuser."""
    url, may_write = postgresql.url(name), "-c default_transaction_read_only=off"
    with psycopg.connect(url.replace("+psycopg", ""), autocommit=True, options=may_write) as there:
        there.execute(statement.encode())
