"""A failure anywhere in a reissue leaves the original, and everything else, as it was: R5."""

from __future__ import annotations

from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import event, text

from nexio.configuration import Configuration
from nexio.errors import KeyUnusable, StoreUnreachable
from nexio.locations.locations import Location
from nexio.operations.rotation import rotate_key
from nexio.reception import reissue as reissuing
from nexio.reception.visits import Visit
from nexio.store.engine import Store
from radius_auth.decision.decide import Accepted
from tests.support.clocks import Clock
from tests.support.contents import contents
from tests.support.people import add_location, register, set_up
from tests.support.reception import add_member, reissue, use_pin, wifi

if TYPE_CHECKING:
    from collections.abc import Iterator


class Injected(Exception):
    """The fault that a test makes."""


@pytest.fixture
def visit(store: Store, location: Location) -> Visit:
    """Zoë, who is in the building, with all that a reissue takes along."""
    add_member(store, location)
    set_up(store, location, "token-starts=check-in")
    found = register(store, location, host="Ana Reyes", notes="x" * 1000)
    use_pin(store, location, found.pin)
    return found


@contextmanager
def failing_at(store: Store, step: int) -> Iterator[list[int]]:
    """Have the n-th statement fail; yields how many there were."""
    count = [0]

    def fail(*_: Any) -> None:
        count[0] += 1
        if count[0] == step:
            raise Injected

    event.listen(store.engine, "before_cursor_execute", fail)
    try:
        yield count
    finally:
        event.remove(store.engine, "before_cursor_execute", fail)


def test_a_failure_at_each_statement_leaves_everything(store: Store, visit: Visit) -> None:
    """From the first one, which takes the lock, to the last, which publishes the change."""
    before = contents(store)
    step = 0
    while True:
        step += 1
        with failing_at(store, step) as count:
            try:
                new = reissue(store, visit)
            except Injected:
                pass
            else:
                break
        assert contents(store) == before, step
        assert isinstance(wifi(store, visit), Accepted)
    assert count[0] == step - 1 > 20  # it ran through once none was left to fail
    assert isinstance(wifi(store, new), Accepted)


def test_ctrl_c_before_the_commit_leaves_everything(store: Store, visit: Visit) -> None:
    """All was written, and nothing was kept."""
    before = contents(store)

    def reissue_and_stop() -> None:
        with store.write() as work:
            reissuing.reissue(work, visit.id)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        reissue_and_stop()
    assert contents(store) == before


def test_a_key_that_is_gone_leaves_everything(
    store: Store, visit: Visit, configuration: Configuration, clock: Clock
) -> None:
    """Somebody changed it, and this process may not read the file any more."""
    with closing(Store.open(configuration, clock)) as other:
        rotate_key(other, configuration.key_file)
        before = contents(other)
        kept = configuration.key_file.read_bytes()
        configuration.key_file.unlink()
        with pytest.raises(KeyUnusable):
            reissue(store, visit)
        assert contents(other) == before
    configuration.key_file.write_bytes(kept)
    configuration.key_file.chmod(0o600)
    assert isinstance(wifi(store, reissue(store, visit)), Accepted)


def test_a_full_disk_leaves_everything(
    sqlite_store: Store, sqlite_location: Location, clock: Clock
) -> None:
    """SQLite may not grow: at some reissue there is no room, and that one did not happen."""
    visit = register(sqlite_store, sqlite_location, notes="x" * 1000)
    with sqlite_store.read() as work:
        pages = work.session.scalar(text("PRAGMA page_count"))
    sqlite_store.engine.dispose()

    def limit(connection: Any, _entry: object) -> None:
        connection.execute(f"PRAGMA max_page_count = {pages}")

    event.listen(sqlite_store.engine, "connect", limit)
    for _ in range(50):  # until there is no room any more
        before = contents(sqlite_store)
        try:
            visit = reissue(sqlite_store, visit)
        except StoreUnreachable as error:
            full = error
            break
    assert "full" in str(full)
    assert "disk's space" in full.advice
    assert contents(sqlite_store) == before
    assert isinstance(wifi(sqlite_store, visit), Accepted)
    event.remove(sqlite_store.engine, "connect", limit)
    sqlite_store.engine.dispose()
    assert isinstance(wifi(sqlite_store, reissue(sqlite_store, visit)), Accepted)


def test_a_server_that_goes_away_leaves_everything(
    postgresql_configuration: Configuration, clock: Clock
) -> None:
    """PostgreSQL ends the connection after the last statement, before the commit."""
    with closing(Store.open(postgresql_configuration, clock)) as store:
        location = add_location(store, "Harbour House", "Europe/London", "visitor-tokens=on")
        visit = register(store, location)
        before = contents(store)

        def reissue_and_lose_the_line() -> None:
            with store.write() as work:
                reissuing.reissue(work, visit.id)
                number = work.session.scalar(text("SELECT pg_backend_pid()"))
                with store.engine.connect() as other:
                    other.execute(text("SELECT pg_terminate_backend(:pid)"), {"pid": number})

        with pytest.raises(StoreUnreachable):
            reissue_and_lose_the_line()
        assert contents(store) == before
        assert isinstance(wifi(store, visit), Accepted)
