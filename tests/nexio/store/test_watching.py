"""Noticing that the store has changed."""

from dataclasses import replace
from pathlib import Path

import pytest

from nexio.errors import StoreUnreachable
from nexio.locations import Location
from nexio.store.engine import Store, connect
from nexio.store.watching import watch
from tests.people import register
from tests.stores import configuration_of


def test_a_change_is_noticed(store: Store, location: Location) -> None:
    """And the next one too."""
    watching = watch(store.engine)
    for _ in range(2):
        register(store, location)
        assert watching.wait()
    watching.close()


def test_without_a_change_sqlite_notices_none(
    sqlite_store: Store, sqlite_location: Location
) -> None:
    """So that the store is not read again and again."""
    watching = watch(sqlite_store.engine)
    assert not watching.wait()
    register(sqlite_store, sqlite_location)
    assert watching.wait()
    assert not watching.wait()
    watching.close()


def test_a_store_that_cannot_be_watched_is_out_of_reach(tmp_path: Path) -> None:
    """PostgreSQL is down when the watch begins."""
    url = "postgresql://nexio:hunter2@127.0.0.1:1/nexio"
    engine = connect(replace(configuration_of(tmp_path), database_url=url).database_url)
    with pytest.raises(StoreUnreachable, match="the store cannot be used"):
        watch(engine)
