"""Noticing that the store has changed."""

from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from nexio.configuration import Configuration
from nexio.errors import StoreUnreachable
from nexio.locations.locations import Location
from nexio.store.engine import Store, connect
from nexio.store.watching import watch
from tests.support.people import register
from tests.support.stores import configuration_of


def test_a_change_is_noticed(store: Store, location: Location) -> None:
    """And the next one too."""
    with closing(watch(store.engine)) as watching:
        for _ in range(2):
            register(store, location)
            assert watching.wait()


def test_without_a_change_sqlite_notices_none(
    sqlite_store: Store, sqlite_location: Location
) -> None:
    """So that the store is not read again and again."""
    with closing(watch(sqlite_store.engine)) as watching:
        assert not watching.wait()
        register(sqlite_store, sqlite_location)
        assert watching.wait()
        assert not watching.wait()


@pytest.mark.parametrize("exchanged", [False, True])
def test_no_file_stays_open(exchanged: bool, sqlite_configuration: Configuration) -> None:
    """Also where the store is closed first, as when it is opened anew, or cannot be watched."""
    file = sqlite_configuration.home / "nexio.db"
    before = descriptors()
    store = Store.open(sqlite_configuration)
    watching = watch(store.engine)
    if exchanged:
        file.rename(file.with_name("old.db"))
        with pytest.raises(StoreUnreachable):
            watching.wait()
    store.close()
    watching.close()
    assert descriptors() == before


def descriptors() -> int:
    """How many files this process has open (Linux)."""
    return len(list(Path("/proc/self/fd").iterdir()))


def test_a_store_that_cannot_be_watched_is_out_of_reach(tmp_path: Path) -> None:
    """PostgreSQL is down when the watch begins."""
    url = "postgresql://nexio:hunter2@127.0.0.1:1/nexio"
    engine = connect(replace(configuration_of(tmp_path), database_url=url).database_url)
    with pytest.raises(StoreUnreachable, match="the store cannot be used"):
        watch(engine)
