"""A store of version 0002 is brought up: nothing is lost, and sessions and disconnects are new."""

from __future__ import annotations

from contextlib import closing
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from nexio.network.accounting_records import Status
from nexio.network.nas import NasChanges, edit_nas
from nexio.reception.visits import VisitState, get_visit
from nexio.store import schema
from nexio.store.engine import Store, connect
from tests.migrations.test_from_0001 import contents, rows_of_0001, store_of
from tests.support.accounting import record, tell
from tests.support.clocks import FRIDAY_MORNING, Clock

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from nexio.configuration import Configuration
    from nexio.keys.keyring import Keyring
    from tests.support.postgresql import PostgreSQL


def rows_of_0002(keyring: Keyring) -> dict[str, list[dict[str, Any]]]:
    """Zoe is in the building, and a mail went to her."""
    now = FRIDAY_MORNING
    stay = {
        "location_id": 1,
        "visit_id": 1,
        "in_at": now,
        "in_method": "pin",
        "cut_off_at": now + timedelta(hours=12),
        "started_wifi": False,
        "ended_wifi": False,
    }
    mail = {
        "template": "visitor-registered",
        "visit_id": 1,
        "message_id": "0" * 32,
        "created_at": now,
        "state": "queued",
        "attempts": 0,
        "next_try_at": now,
    }
    return {**rows_of_0001(keyring), "check_in": [stay], "outbox": [mail]}


@pytest.fixture(params=["sqlite", "postgresql"])
def old(
    request: pytest.FixtureRequest, tmp_path: Path, postgresql: PostgreSQL
) -> Iterator[Configuration]:
    """A store of version 0002 with something in each of its tables."""
    database = postgresql if request.param == "postgresql" else None
    with store_of("0002", tmp_path / "old", database, rows_of_0002) as configuration:
        yield configuration


def test_nothing_is_lost(old: Configuration) -> None:
    """Each row of each table has the values that it had; what is new is empty."""
    engine = connect(old.database_url)
    before = contents(engine)
    assert all(before.values())
    assert schema.upgrade(engine) == "0002"
    after = contents(engine)
    for name, rows in before.items():
        for row, kept in zip(rows, after[name], strict=True):
            assert {column: kept[column] for column in row} == row
            new = kept.keys() - row.keys() - {"qr_edition"}  # the first one
            assert all(kept[column] is None for column in new)
    assert after.keys() - before.keys() == {"guard_act", "wifi_session", "pin_day"}
    with engine.connect() as connection:
        assert schema.drift(connection) == []
    engine.dispose()


def test_what_was_there_is_of_use(old: Configuration, clock: Clock) -> None:
    """Sessions of old visits are kept, and an old NAS can be told where disconnects go."""
    engine = connect(old.database_url)
    schema.upgrade(engine)
    engine.dispose()
    with closing(Store.open(old, clock)) as store:
        with store.write() as work:
            zoe = get_visit(work, "1", None)
            nas = edit_nas(work, "Lobby", NasChanges(disconnect="198.51.100.7"))
        (session,) = tell(store, record(Status.START, zoe))
    assert (nas.disconnect_host, nas.disconnect_port) == ("198.51.100.7", 3799)
    assert (zoe.state, session.email) == (VisitState.CHECKED_IN, "Zoe@example.com")
