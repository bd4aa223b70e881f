"""A store of version 0003 is brought up: nothing is lost but digits that may be PINs."""

from __future__ import annotations

from contextlib import closing
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from nexio.network.accounting_records import Status
from nexio.network.events import list_events
from nexio.store import schema
from nexio.store.engine import Store, connect
from tests.migrations.test_from_0001 import contents, store_of
from tests.migrations.test_from_0002 import rows_of_0002
from tests.support.accounting import record, sessions, tell
from tests.support.clocks import FRIDAY_MORNING, Clock

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from nexio.configuration import Configuration
    from nexio.keys.keyring import Keyring
    from tests.support.postgresql import PostgreSQL

NAMES = {
    "zoe@example.com": "zoe@example.com",
    "44863544@guest": "******@guest",
    "PIN459377": "PIN******",
    r"zoe 459\xa0377": "zoe ******",
    "\uff14\uff15\uff19\uff13\uff17\uff17 zoe": "****** zoe",
    "******": "******",
    "": "",
}
"""What stood in the columns, and what is left of it."""


def rows_of_0003(keyring: Keyring) -> dict[str, list[dict[str, Any]]]:
    """A session and a decision for each name; Zoe's e-mail has no digits."""
    at = FRIDAY_MORNING
    stay = {"occurrence": 1, "nas": "ap-1", "source_address": "192.0.2.10", "session_id": "459377"}
    counted = {"seconds": 600, "octets_in": 7, "octets_out": 9, "started_at": at}
    decision = {"at": at, "nas": "ap-1", "outcome": "accept", "reason": "valid", "latency_us": 9}
    both = list(enumerate(NAMES, 1))
    return {
        **rows_of_0002(keyring),
        "wifi_session": [
            {
                **stay,
                **counted,
                "heard_at": at + timedelta(minutes=10),
                "sender": f"{1:032x}",
                "key": f"{number:032x}",
                "user_name": name,
                "calling_station": "02-00-00-12-34-56",
            }
            for number, name in both
        ],
        "auth_event": [
            {**decision, "record_id": f"{number:032x}", "user_name": name} for number, name in both
        ],
    }


@pytest.fixture(params=["sqlite", "postgresql"])
def old(
    request: pytest.FixtureRequest, tmp_path: Path, postgresql: PostgreSQL
) -> Iterator[Configuration]:
    """A store of version 0003 with something in each of its tables."""
    database = postgresql if request.param == "postgresql" else None
    with store_of("0003", tmp_path / "old", database, rows_of_0003) as configuration:
        yield configuration


def upgraded(old: Configuration) -> tuple[dict[str, Any], dict[str, Any]]:
    """What is in the store before and after."""
    engine = connect(old.database_url)
    before = contents(engine)
    assert schema.upgrade(engine) == "0003"
    after = contents(engine)
    with engine.connect() as connection:
        assert schema.drift(connection) == []
    engine.dispose()
    return before, after


def test_nothing_else_is_changed(old: Configuration) -> None:
    """Each row of each table has the values that it had, what the NAS made among them."""
    before, after = upgraded(old)
    assert all(before.values())
    for name, rows in before.items():
        both = (sorted(each, key=lambda row: row.get("id", 0)) for each in (rows, after[name]))
        for row, kept in zip(*both, strict=True):
            same = row.keys() - {"user_name"}
            assert {column: kept[column] for column in same} == {
                column: row[column] for column in same
            }


def test_pins_in_user_names_are_masked(old: Configuration, clock: Clock) -> None:
    """In sessions and in the log; an escape of an older version stands for a blank."""
    upgraded(old)
    with closing(Store.open(old, clock)) as store:
        assert [each.user_name for each in sessions(store)] == list(NAMES.values())
        with store.read() as work:
            shown = [each.event.user_name for each in list_events(work, None, limit=99)]
    assert shown == list(NAMES.values())


def test_the_email_of_a_visit_keeps_its_digits(old: Configuration, clock: Clock) -> None:
    """It is no secret."""
    engine = connect(old.database_url)
    with engine.begin() as connection:
        connection.exec_driver_sql("UPDATE visit SET email_key = '44863544@guest' WHERE id = 1")
    engine.dispose()
    upgraded(old)
    with closing(Store.open(old, clock)) as store:
        assert "44863544@guest" in {each.user_name for each in sessions(store)}


def test_old_sessions_go_on(old: Configuration, clock: Clock) -> None:
    """What they count goes on from what was known."""
    upgraded(old)
    more = record(
        Status.UPDATE,
        key=f"{1:032x}",
        at=FRIDAY_MORNING + timedelta(minutes=20),
        seconds=1200,
        octets_in=8,
        octets_out=10,
        device=None,
    )
    with closing(Store.open(old, clock)) as store:
        first = tell(store, more)[0]
    assert (first.seconds, first.octets_in, first.octets_out) == (1200, 8, 10)
