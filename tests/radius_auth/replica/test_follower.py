"""Keeping the table current, on SQLite and on PostgreSQL."""

from __future__ import annotations

import logging
import threading
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest
from psycopg import sql
from sqlalchemy import make_url
from sqlalchemy.pool import QueuePool

from nexio.errors import KeyUnusable, StoreUnreachable
from nexio.network.following import Horizon
from nexio.network.nas import NewNas, add_nas, remove_nas
from nexio.reception.tokens import revoke_token
from nexio.reception.visits import Visit, delete_visit
from nexio.store.engine import Store
from nexio.store.tables import VisitRow
from radius_auth.replica.follower import Follower
from tests.support.people import register, set_up
from tests.support.stores import run_sql

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nexio.configuration import Configuration
    from nexio.locations.locations import Location
    from nexio.network.following import FollowedVisit
    from tests.support.clocks import Clock

SECONDS = 10.0
"""Longer than anything here takes; what is waited for comes at once."""


class Stores:
    """Opens the store for a follower, and remembers what it has opened."""

    def __init__(self, configuration: Configuration, clock: Clock) -> None:
        self.configuration = configuration
        self._clock = clock
        self.opened: list[Store] = []
        self.is_away = False
        """Whether this follower does not reach it."""

    def __call__(self) -> Store:
        """Open it once more.

        Raises:
            StoreUnreachable: it is away.
        """
        if self.is_away:
            raise StoreUnreachable("no line to the store")
        self.opened.append(Store.open(self.configuration, self._clock))
        return self.opened[-1]


@pytest.fixture
def stores(configuration: Configuration, clock: Clock) -> Stores:
    """How the follower opens the store."""
    return Stores(configuration, clock)


@pytest.fixture
def follower(stores: Stores, location: Location, clock: Clock) -> Iterator[Follower]:
    """A follower that has seen Harbour House, and is not started yet."""
    made = Follower(stores, Horizon(), clock)
    yield made
    made.stop()


def held(follower: Follower, visit: Visit) -> FollowedVisit | None:
    """The visit as the table has it."""
    found = follower.table.visits_of(visit.email)
    return next((each for each in found if each.id == visit.id), None)


def revision(store: Store) -> int:
    """The number of the latest change."""
    with store.read() as work:
        return int(work.session.connection().exec_driver_sql(NUMBER).scalar_one())


NUMBER = "SELECT number FROM store_revision"


# What is seen


def test_what_was_there_before_is_there(stores: Stores, store: Store, location: Location) -> None:
    """All within the horizon is read at the start."""
    visit = register(store, location)

    follower = Follower(stores, Horizon(), store.clock)

    assert held(follower, visit) is not None
    assert follower.progress.position.number == revision(store)
    follower.stop()


def test_a_store_that_cannot_be_read_is_closed_again(
    sqlite_configuration: Configuration, sqlite_store: Store, clock: Clock
) -> None:
    """The plugin tries again each second: no connection stays behind."""
    run_sql(sqlite_store, "DROP TABLE nas")
    stores = Stores(sqlite_configuration, clock)
    with pytest.raises(StoreUnreachable, match="no such table"):
        Follower(stores, Horizon(), clock)
    pool = stores.opened[0].engine.pool
    assert isinstance(pool, QueuePool)
    assert (pool.checkedin(), pool.checkedout()) == (0, 0)


def test_a_registration_is_seen(follower: Follower, store: Store, location: Location) -> None:
    """R1: by e-mail and by PIN, with its window."""
    visit = register(store, location, email="Zoe@Example.com")
    assert len(follower.table) == 0

    follower.follow()

    (seen,) = follower.table.visits_of("zoe@example.com")
    assert follower.table.visits_with(location.id, visit.pin) == (seen,)
    assert visit.token is not None
    assert (seen.valid_from, seen.valid_until) == (visit.token.valid_from, visit.token.valid_until)


def test_a_deletion_is_seen(follower: Follower, store: Store, location: Location) -> None:
    """R13: the token is revoked with it."""
    visit = register(store, location)
    follower.follow()
    with store.write() as work:
        delete_visit(work, visit.id)

    follower.follow()

    seen = held(follower, visit)
    assert seen is not None
    assert seen.deleted_at is not None
    assert seen.revoked_at is not None


def test_a_revocation_is_seen(follower: Follower, store: Store, location: Location) -> None:
    """R4: the visit itself has not changed."""
    visit = register(store, location)
    follower.follow()
    with store.write() as work:
        revoke_token(work, visit.id)

    follower.follow()

    seen = held(follower, visit)
    assert seen is not None
    assert seen.revoked_at is not None
    assert seen.deleted_at is None


def test_a_change_of_settings_is_seen(follower: Follower, store: Store, location: Location) -> None:
    """R19: at the location, and at the NAS there."""
    with store.write() as work:
        add_nas(work, location, NewNas(name="ap", address="192.0.2.0/24"))
    follower.follow()
    set_up(store, location, "roaming=on")

    follower.follow()

    assert follower.table.locations[location.id].settings.roaming
    client = follower.table.nas.find("192.0.2.7")
    assert client is not None
    assert client.entries[0].location.settings.roaming


def test_a_nas_comes_and_goes(follower: Follower, store: Store, location: Location) -> None:
    """R19: followed live, with its secret."""
    with store.write() as work:
        added = add_nas(work, location, NewNas(name="ap", address="192.0.2.0/24"))
    follower.follow()
    client = follower.table.nas.find("192.0.2.7")
    assert client is not None
    assert client.secret == added.secret

    with store.write() as work:
        remove_nas(work, "ap")
    follower.follow()
    assert follower.table.nas.find("192.0.2.7") is None


def test_a_removed_visit_is_seen(follower: Follower, store: Store, location: Location) -> None:
    """R13: a row that is gone for good, as after its retention."""
    visit = register(store, location)
    follower.follow()
    with store.write() as work:
        row = work.session.get_one(VisitRow, visit.id)
        assert row.token is not None
        work.session.delete(row.token)
        work.session.flush()
        run = work.session.connection().exec_driver_sql
        run("DELETE FROM pin")
        run("DELETE FROM outbox")
        work.session.delete(row)

    follower.follow()

    assert held(follower, visit) is None
    assert len(follower.table) == 0


def test_many_changes_are_seen_at_once(
    follower: Follower, store: Store, location: Location
) -> None:
    """A reader that asks for what is newer misses nothing."""
    visits = [register(store, location, email=f"guest{n}@example.com") for n in range(20)]

    follower.follow()
    follower.follow()

    assert all(held(follower, visit) for visit in visits)
    assert follower.progress.position.number == revision(store)


# The horizon


def test_a_visit_comes_over_the_horizon(
    follower: Follower, store: Store, location: Location, clock: Clock
) -> None:
    """Known from 7 days before its day on, without any change."""
    visit = register(store, location, arrival="28 Nov 2026 14:00")
    follower.follow()
    assert held(follower, visit) is None

    clock.advance(hours=15, minutes=29)  # 23:59 on the 20th
    follower.follow()
    assert held(follower, visit) is None

    clock.advance(minutes=2)
    follower.follow()
    assert held(follower, visit) is not None


def test_a_visit_that_is_over_is_forgotten(
    follower: Follower, store: Store, location: Location, clock: Clock
) -> None:
    """24 hours after the end of its day."""
    visit = register(store, location)
    follower.follow()

    clock.advance(hours=15, minutes=29, days=1)  # 23:59 on the 21st
    follower.follow()
    assert held(follower, visit) is not None

    clock.advance(minutes=2)
    follower.follow()
    assert held(follower, visit) is None
    assert len(follower.table) == 0


def test_a_long_sleep_leaves_no_gap(
    follower: Follower, store: Store, location: Location, clock: Clock
) -> None:
    """What came over the horizon meanwhile is read."""
    visits = [
        register(store, location, email=f"guest{day}@example.com", arrival=f"{day} Nov 2026 14:00")
        for day in range(21, 30)
    ]

    clock.advance(days=6)
    follower.follow()

    # The 21st to the 24th are over for a day and more.
    assert [held(follower, visit) is not None for visit in visits] == [False] * 4 + [True] * 5


# Another epoch


def test_another_epoch_means_all_anew(
    follower: Follower, store: Store, location: Location, stores: Stores
) -> None:
    """After a restore nothing that was known counts."""
    visit = register(store, location)
    follower.follow()
    table = follower.table
    # As in a restored store: changes without a trace, and fewer of them.
    run_sql(store, "UPDATE access_token SET revoked_at = issued_at")
    run_sql(store, "UPDATE store_revision SET number = 1")
    run_sql(store, "DELETE FROM change")
    follower.follow()
    assert follower.table is table

    run_sql(store, "UPDATE store_revision SET epoch = 'restored'")
    follower.follow()

    seen = held(follower, visit)
    assert seen is not None
    assert seen.revoked_at is not None
    assert follower.table is not table
    assert follower.progress.position.epoch == "restored"
    assert len(stores.opened) == 2  # the keys were read again, too


def test_a_reader_that_is_too_far_behind_reads_all(
    follower: Follower, store: Store, location: Location
) -> None:
    """Older than the oldest batch that is kept."""
    visit = register(store, location)
    run_sql(store, "DELETE FROM change")
    run_sql(store, "UPDATE store_revision SET oldest = number")

    follower.follow()

    assert held(follower, visit) is not None


def test_without_the_key_the_table_stays(
    follower: Follower, store: Store, location: Location, configuration: Configuration
) -> None:
    """Whatever cannot be read, what is known stays known."""
    visit = register(store, location)
    follower.follow()
    run_sql(store, "UPDATE store_revision SET epoch = 'restored'")
    hidden = configuration.key_file.rename(configuration.home / "hidden")

    with pytest.raises(KeyUnusable):
        follower.follow()
    assert held(follower, visit) is not None

    hidden.rename(configuration.key_file)
    follower.follow()
    assert follower.progress.position.epoch == "restored"


# In the background


def test_the_thread_follows(follower: Follower, store: Store, location: Location) -> None:
    """A registered visitor is known soon, a revoked one too."""
    follower.start()
    visit = register(store, location)
    assert follower.wait_for(revision(store), SECONDS)
    assert held(follower, visit) is not None

    with store.write() as work:
        revoke_token(work, visit.id)
    assert follower.wait_for(revision(store), SECONDS)
    seen = held(follower, visit)
    assert seen is not None
    assert seen.revoked_at is not None


def test_what_does_not_come_is_not_waited_for_for_ever(follower: Follower, store: Store) -> None:
    """Whoever waits says how long."""
    follower.start()

    assert not follower.wait_for(revision(store) + 1, 0.0)


def test_the_thread_moves_the_horizon(
    follower: Follower, store: Store, location: Location, clock: Clock
) -> None:
    """Every minute, also where nothing changes."""
    visit = register(store, location, arrival="28 Nov 2026 14:00")
    follower.start()
    assert follower.wait_for(revision(store), SECONDS)
    assert held(follower, visit) is None

    clock.advance(days=1)
    set_up(store, location, "roaming=on")
    assert follower.wait_for(revision(store), SECONDS)
    assert held(follower, visit) is not None


def test_postgresql_calls(
    follower: Follower,
    store: Store,
    location: Location,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """LISTEN wakes the reader, long before it would look by itself."""
    if store.engine.dialect.name != "postgresql":
        return
    monkeypatch.setattr("nexio.store.listening.WAIT_SECONDS", 10 * SECONDS)
    follower.start()
    for number in range(3):
        register(store, location, email=f"guest{number}@example.com")
        assert follower.wait_for(revision(store), SECONDS)

    stopping = threading.Thread(target=follower.stop)
    stopping.start()
    while stopping.is_alive():  # it hears the stop at the next call
        set_up(store, location, "roaming=on")
        set_up(store, location, "roaming=off")
        stopping.join(0.05)


# Out of reach


class Heard(logging.Handler):
    """Waits for a word in the log."""

    def __init__(self, word: str) -> None:
        super().__init__()
        self._word = word
        self._heard = threading.Event()

    def emit(self, record: logging.LogRecord) -> None:
        """Take a line of the log."""
        if self._word in record.getMessage():
            self._heard.set()

    def wait(self) -> bool:
        """Whether the word came."""
        return self._heard.wait(SECONDS)


@contextmanager
def listening(word: str) -> Iterator[Heard]:
    """Listen to what the follower logs."""
    handler = Heard(word)
    log = logging.getLogger("radius_auth.replica.follower")
    log.addHandler(handler)
    yield handler
    log.removeHandler(handler)


@contextmanager
def out_of_reach(stores: Stores) -> Iterator[None]:
    """Take the store away: open connections end, new ones fail."""
    url = make_url(stores.configuration.database_url)
    if url.get_backend_name() == "sqlite":
        path = Path(url.database or "")
        away = path.rename(path.with_suffix(".away"))
        stores.opened[-1].engine.dispose()
        yield
        away.rename(path)
        return
    name = url.database or ""
    with psycopg.connect(
        host=str(url.query["host"]), user=url.username, dbname="postgres", autocommit=True
    ) as connection:
        allow = sql.SQL("ALTER DATABASE {} WITH ALLOW_CONNECTIONS {}")
        connection.execute(allow.format(sql.Identifier(name), sql.SQL("false")))
        connection.execute(TERMINATE, [name])
        yield
        connection.execute(allow.format(sql.Identifier(name), sql.SQL("true")))


TERMINATE = b"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s"


def test_a_store_out_of_reach_leaves_the_table(
    follower: Follower, store: Store, location: Location, stores: Stores, clock: Clock
) -> None:
    """What is known stays known, and its age is told."""
    visit = register(store, location)
    follower.follow()
    known = follower.progress

    with out_of_reach(stores):
        clock.advance(seconds=90)
        with pytest.raises(StoreUnreachable):
            follower.follow()
        assert held(follower, visit) is not None
        assert follower.progress == known
        assert follower.age == timedelta(seconds=90)

    other = register(store, location, email="jo@example.com")
    follower.follow()
    assert held(follower, other) is not None
    assert follower.age == timedelta(0)


def test_the_thread_survives_a_store_out_of_reach(
    follower: Follower, store: Store, location: Location, stores: Stores, clock: Clock
) -> None:
    """It follows again as soon as the store is back."""
    visit = register(store, location)
    follower.start()
    assert follower.wait_for(revision(store), SECONDS)

    with listening("not following") as heard, out_of_reach(stores):
        clock.advance(minutes=1)  # SQLite's open connection would go on; the horizon needs another
        assert heard.wait()
        with listening("not following") as again:
            assert again.wait()  # it tried once more and failed
        assert held(follower, visit) is not None

    other = register(store, location, email="jo@example.com")
    assert follower.wait_for(revision(store), SECONDS)
    assert held(follower, other) is not None


def test_the_thread_survives_the_end_of_its_connections(
    follower: Follower, store: Store, location: Location, stores: Stores
) -> None:
    """A restart of PostgreSQL is nothing to it."""
    if store.engine.dialect.name != "postgresql":
        return
    follower.start()
    url = make_url(stores.configuration.database_url)
    with psycopg.connect(
        host=str(url.query["host"]), user=url.username, dbname="postgres", autocommit=True
    ) as connection:
        connection.execute(TERMINATE, [url.database])

    visit = register(store, location)
    assert follower.wait_for(revision(store), SECONDS)
    assert held(follower, visit) is not None


# After an hour


@contextmanager
def an_hour_away(follower: Follower, stores: Stores, clock: Clock) -> Iterator[None]:
    """The follower alone reaches nothing, while the store goes on."""
    follower.start()
    with listening("not following") as heard, out_of_reach(stores):
        stores.is_away = True
        clock.advance(minutes=1)
        assert heard.wait()
    yield
    clock.advance(hours=1)
    stores.is_away = False


def test_what_an_hour_brought_is_caught_up_with(
    follower: Follower, store: Store, location: Location, stores: Stores, clock: Clock
) -> None:
    """The table stays, and takes in what has changed."""
    kept, revoked, deleted = (
        register(store, location, email=f"{name}@example.com") for name in ("zoe", "jo", "al")
    )
    follower.follow()
    table = follower.table

    with an_hour_away(follower, stores, clock):
        new = register(store, location, email="new@example.com")
        with store.write() as work:
            revoke_token(work, revoked.id)
            delete_visit(work, deleted.id)
        set_up(store, location, "roaming=on")

    assert follower.wait_for(revision(store), SECONDS)
    assert follower.table is table
    assert held(follower, kept) is not None
    assert held(follower, new) is not None
    seen, gone = held(follower, revoked), held(follower, deleted)
    assert seen is not None
    assert seen.revoked_at is not None
    assert gone is None or gone.deleted_at is not None
    assert table.locations[location.id].settings.roaming


def test_where_the_history_was_removed_all_is_read(
    follower: Follower, store: Store, location: Location, stores: Stores, clock: Clock
) -> None:
    """Housekeeping keeps some of the changes only."""
    register(store, location)
    follower.follow()
    table = follower.table

    with an_hour_away(follower, stores, clock):
        new = register(store, location, email="new@example.com")
        run_sql(store, "DELETE FROM change")
        run_sql(store, "UPDATE store_revision SET oldest = number")

    assert follower.wait_for(revision(store), SECONDS)
    assert follower.table is not table
    assert held(follower, new) is not None


def test_where_another_history_is_all_is_read(
    follower: Follower, store: Store, location: Location, stores: Stores, clock: Clock
) -> None:
    """A standby became the primary without the last change, and made another in its place."""
    visit = register(store, location)
    follower.follow()

    with an_hour_away(follower, stores, clock):
        run_sql(store, "UPDATE access_token SET revoked_at = issued_at")
        run_sql(
            store, "UPDATE change SET batch = 1 WHERE number = (SELECT max(number) FROM change)"
        )
        register(store, location, email="new@example.com")

    assert follower.wait_for(revision(store), SECONDS)
    seen = held(follower, visit)
    assert seen is not None
    assert seen.revoked_at is not None
