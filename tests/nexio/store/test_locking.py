"""Locking a row: what is seen then is what is true then."""

from __future__ import annotations

import threading

from sqlalchemy import text

from nexio.checkin.check_ins import tap_visit
from nexio.locations.locations import Location
from nexio.reception.tokens import revoke_token
from nexio.store.engine import Store
from nexio.store.locking import find_locked, get_locked
from nexio.store.tables import VisitRow
from tests.support.cli.programs import until
from tests.support.people import register


def is_waited(store: Store) -> bool:
    """Whether a connection waits for another one; SQLite does not tell, and has one writer."""
    if store.engine.dialect.name == "sqlite":
        return True
    with store.engine.connect() as look:
        waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
        return bool(look.execute(text(waiting)).scalar())


def test_after_a_wait_everything_is_as_it_is_then(store: Store, location: Location) -> None:
    """The row, what is joined to it, and what hangs on it; also if it was looked at before."""
    visit = register(store, location)
    seen: list[tuple[bool, int]] = []

    def look() -> None:
        with store.write() as work:
            work.session.get_one(VisitRow, visit.id)
            row = get_locked(work.session, VisitRow, visit.id)
            assert row.token is not None
            seen.append((row.token.revoked_at is not None, len(row.check_ins)))

    with store.write() as work:
        tap_visit(work, visit.id)
        revoke_token(work, visit.id)
        work.session.flush()
        other = threading.Thread(target=look)
        other.start()
        until(lambda: is_waited(store))
    other.join()
    assert seen == [(True, 1)]


def test_what_is_not_there_is_not_locked(store: Store, location: Location) -> None:
    """Nothing waits for it."""
    with store.write() as work:
        assert find_locked(work.session, VisitRow, 7) is None


def test_what_is_not_written_yet_is_kept(store: Store, location: Location) -> None:
    """A change of this transaction is written before the row is read anew."""
    visit = register(store, location)
    with store.write() as work:
        work.session.get_one(VisitRow, visit.id).notes = "ramp"
        assert get_locked(work.session, VisitRow, visit.id).notes == "ramp"
