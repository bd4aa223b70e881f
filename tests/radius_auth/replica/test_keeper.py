"""Keeping the last table on disk while the store is followed."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from nexio.network.following import Horizon
from nexio.operations.rotation import rotate_key
from nexio.reception.tokens import revoke_token
from nexio.reception.visits import delete_visit
from nexio.store.engine import Store
from radius_auth.replica import keeper as module
from radius_auth.replica.follower import Follower
from radius_auth.replica.keeper import Keeper
from radius_auth.replica.saved_table import read_saved_table
from tests.support.people import register
from tests.support.radius.radiusd import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from nexio.configuration import Configuration
    from nexio.locations.locations import Location
    from nexio.reception.visits import Visit
    from radius_auth.replica.saved_table import SavedTable
    from tests.support.clocks import Clock


class Server:
    """What follows a store, and keeps it."""

    def __init__(self, configuration: Configuration, clock: Clock) -> None:
        self._configuration = configuration
        self._clock = clock
        self.path: Path = configuration.home / "spool" / "radiusd.table"
        self.follower = Follower(self._open, Horizon(), clock)
        self.keeper = Keeper(self.path, self.follower)

    def kept(self) -> SavedTable:
        """What is on the disk."""
        with closing(self._open()) as store:
            found = read_saved_table(self.path, store.keyring)
        assert found is not None
        return found

    def knows(self, visit: Visit) -> bool:
        """Whether the file has what the follower has of a visit."""
        return self.kept().table.find_visit(visit.id) == self.follower.table.find_visit(visit.id)

    def close(self) -> None:
        """End it."""
        self.follower.stop()

    def _open(self) -> Store:
        return Store.open(self._configuration, self._clock)


@pytest.fixture
def server(
    sqlite_configuration: Configuration,
    sqlite_location: Location,
    clock: Clock,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Server]:
    """A server of Harbour House, which looks for changes without a pause."""
    monkeypatch.setattr(module, "CHANGES_EVERY", 0.01)
    monkeypatch.setattr(module, "FOLLOWED_EVERY", 0.05)
    with closing(Server(sqlite_configuration, clock)) as made:
        yield made


def test_changes_are_added(
    server: Server, sqlite_store: Store, sqlite_location: Location, clock: Clock
) -> None:
    """A registration, a revocation and a deletion; the table before is not written again."""
    early = register(sqlite_store, sqlite_location)
    server.follower.follow()
    server.keeper.start()
    wait_until(server.path.exists)
    (inode, size) = (server.path.stat().st_ino, server.path.stat().st_size)
    late = register(sqlite_store, sqlite_location, email="late@example.com")
    with sqlite_store.write() as work:
        revoke_token(work, early.id)
    server.follower.follow()
    wait_until(lambda: server.knows(early) and server.knows(late))
    with sqlite_store.write() as work:
        delete_visit(work, late.id)
    clock.advance(hours=25)
    server.follower.follow()
    server.keeper.stop()
    assert (server.path.stat().st_ino, server.path.stat().st_size > size) == (inode, True)
    kept = server.kept()
    assert kept.followed_at == clock.now
    assert kept.position == server.follower.progress.position
    assert {each.id for each in kept.table.all_visits()} == {
        each.id for each in server.follower.table.all_visits()
    }


def test_it_says_how_long_the_store_is_followed(server: Server, clock: Clock) -> None:
    """Also where nothing changes; a store that is away is not followed."""
    server.keeper.write_changes()
    clock.advance(hours=1)
    server.follower.follow()
    server.keeper.write_changes()
    assert server.kept().followed_at == clock.now
    octets = server.path.read_bytes()
    clock.advance(hours=1)
    server.keeper.write_changes()
    assert server.path.read_bytes() == octets
    assert server.kept().age(clock.now).total_seconds() == 3600
    server.keeper.close()


@pytest.mark.parametrize("why", ["removed", "exchanged", "grown", "old", "key"])
def test_it_is_written_anew(
    server: Server,
    sqlite_store: Store,
    sqlite_location: Location,
    why: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Where what is added would go nowhere, or never be forgotten, or the key has changed."""
    visit = register(sqlite_store, sqlite_location)
    server.follower.follow()
    keeper = server.keeper
    keeper.start()
    wait_until(server.path.exists)
    inode = server.path.stat().st_ino
    if why == "removed":
        server.path.unlink()
    elif why == "exchanged":
        server.path.with_suffix(".other").write_bytes(b"of another server")
        server.path.with_suffix(".other").replace(server.path)
    elif why == "grown":
        monkeypatch.setattr("radius_auth.replica.saved_table.LARGE", 0)
        for _ in range(30):
            register(sqlite_store, sqlite_location)
            server.follower.follow()
    elif why == "old":
        monkeypatch.setattr(module, "WHOLE_EVERY", 0)
    else:
        rotate_key(sqlite_store, server.path.parent.parent / "key")
    last = register(sqlite_store, sqlite_location, email="last@example.com")
    server.follower.follow()
    wait_until(
        lambda: (
            server.path.exists()
            and server.path.stat().st_ino != inode
            and server.path.read_bytes() != b"of another server"
            and server.knows(visit)
            and server.knows(last)
        )
    )
    keeper.stop()
    assert [each.name for each in server.path.parent.iterdir()] == ["radiusd.table"]


def test_a_disk_that_is_full(
    server: Server,
    sqlite_store: Store,
    sqlite_location: Location,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A line at its beginning and one at its end; nothing is missing afterwards."""
    keeper = server.keeper
    keeper.start()
    wait_until(server.path.exists)
    spool = server.path.parent
    spool.rename(spool.with_name("spool-away"))
    spool.write_bytes(b"no folder")
    visit = register(sqlite_store, sqlite_location)
    server.follower.follow()
    wait_until(lambda: "the table is not kept on disk" in caplog.text)
    spool.unlink()  # the keeper makes the folder anew
    wait_until(lambda: "the table is kept on disk again" in caplog.text)
    assert server.knows(visit)
    keeper.stop()
    assert len(caplog.messages) == 2
