"""A store of version 0024 is brought up: sessions and visits of a location have other indexes."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

from sqlalchemy import inspect

from nexio.locations.locations import list_locations
from nexio.network.sessions import SessionFilter, list_sessions
from nexio.store.engine import Store
from tests.support.old_rows import rows_of_0003
from tests.support.old_stores import upgrade

if TYPE_CHECKING:
    from nexio.configuration import Configuration

OLD = "0024", rows_of_0003


def test_sessions_are_found_by_their_start(old: Configuration) -> None:
    """Nothing else changes."""
    done = upgrade(old)
    assert done.version == "0024"
    done.check_rows()
    with closing(Store.open(old)) as store, store.read() as look:
        found_in = inspect(store.engine)
        names = {each["name"] for each in found_in.get_indexes("wifi_session")}
        assert "ix_wifi_session_location_id_started_at" in names
        assert "ix_wifi_session_location_id_heard_at" not in names
        names = {each["name"] for each in found_in.get_indexes("visit")}
        assert "ix_visit_location_id_closes_at" in names
        found = [
            each.id
            for place in list_locations(look)
            for each in list_sessions(look, SessionFilter(location=place))
        ]
    assert sorted(found) == sorted(row["id"] for row in done.after["wifi_session"])
