"""A store of version 0002 is brought up: nothing is lost, and sessions and disconnects are new."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from nexio.network.accounting import Status
from nexio.network.nas import NasChanges, edit_nas
from nexio.reception.visits import VisitState, get_visit
from nexio.store import schema
from nexio.store.engine import Store, connect
from tests.support.accounting import record, tell
from tests.support.clocks import Clock
from tests.support.old_rows import rows_of_0002
from tests.support.old_stores import contents, store_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from nexio.configuration import Configuration
    from tests.support.postgresql import PostgreSQL


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
