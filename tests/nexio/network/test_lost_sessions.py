"""Sessions whose NAS has gone silent, and sessions that two NAS report (R12)."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import timedelta
from itertools import permutations
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import text

from nexio.input.reply_settings import parse_replies
from nexio.locations.locations import edit_location
from nexio.network.accounting_records import Status
from nexio.network.endings import claim_endings
from nexio.network.lost_sessions import any_lost, close_lost
from nexio.network.nas import NewNas, add_nas
from nexio.network.session_updates import record_accounting
from nexio.operations.housekeeping import tidy
from radius_auth.protocol.pyrad_codec import encode_reply_attribute
from tests.support.accounting import record, sessions, tell
from tests.support.clocks import FRIDAY_MORNING, Clock
from tests.support.people import register, set_up
from tests.support.radius.radiusd import wait_until
from tests.support.reception import at_once
from tests.support.stores import run_sql

if TYPE_CHECKING:
    from datetime import datetime

    from nexio.locations.locations import Location
    from nexio.store.engine import Store

MINUTE = timedelta(minutes=1)
HOUR = 60 * MINUTE
START = record()


def update(after: timedelta, **changes: Any) -> Any:
    """A report so long after the Start."""
    counted = {"seconds": round(after.total_seconds()), "octets_in": after // MINUTE}
    return record(Status.UPDATE, at=FRIDAY_MORNING + after, **{**counted, **changes})


def close(store: Store, after: timedelta, since: datetime | None = None) -> int:
    """Look for lost sessions so long after the Start; how many they were."""
    assert isinstance(store.clock, Clock)
    store.clock.now = FRIDAY_MORNING + after
    with store.read() as look:
        found = any_lost(look, since)
    with store.write() as work:
        closed = close_lost(work, since)
    assert found == (closed > 0)
    return closed


@pytest.mark.parametrize(
    ("told", "silent"),
    [
        ([START, update(20 * MINUTE)], 3 * 20 * MINUTE),
        ([START, update(20 * MINUTE), update(35 * MINUTE)], 3 * 20 * MINUTE),
        ([START, update(20 * MINUTE), update(20 * MINUTE), START], 3 * 20 * MINUTE),
        ([START, update(2 * MINUTE), update(3 * MINUTE)], 3 * 10 * MINUTE),
        ([START], 24 * HOUR),
        ([update(HOUR)], 24 * HOUR),
        ([START, update(20 * HOUR)], 24 * HOUR),
    ],
    ids=["learnt", "the longest", "repeated", "often", "a Start only", "an update only", "rarely"],
)
def test_three_intervals_of_silence(
    sqlite_store: Store, sqlite_location: Location, told: list[Any], silent: timedelta
) -> None:
    """It ends when it was last heard; what a NAS seldom says, or says once, takes a day."""
    del sqlite_location
    (heard,) = tell(sqlite_store, *told)
    last = heard.heard_at - FRIDAY_MORNING
    assert close(sqlite_store, last + silent + 2 * MINUTE - timedelta(seconds=1)) == 0
    assert close(sqlite_store, last + silent + 2 * MINUTE) == 1
    (lost,) = sessions(sqlite_store)
    assert (lost.ended_at, lost.ended_by) == (heard.heard_at, "lost")
    assert close(sqlite_store, last + 7 * 24 * HOUR) == 0


@pytest.mark.parametrize(
    ("profile", "here", "at_nas", "minutes"),
    [
        ("generic", (), (), None),
        ("mikrotik", (), (), 3 * 10),
        ("mikrotik", ("interim-interval=5m",), (), 3 * 5),
        ("generic", ("interim-interval=5m",), ("interim-interval=20m",), 3 * 20),
        ("generic", ("interim-interval=5m", "walk-in:interim-interval=15m"), (), 3 * 15),
        ("mikrotik", ("interim-interval=5m",), ("interim-interval=none",), None),
        ("generic", (), ("Acct-Interim-Interval=120",), 3 * 2),
    ],
)
def test_three_times_what_our_accepts_ask_for(
    sqlite_store: Store,
    sqlite_location: Location,
    profile: str,
    here: tuple[str, ...],
    at_nas: tuple[str, ...],
    minutes: int | None,
) -> None:
    """Of a NAS that has obeyed before; the others get a day until they have reported again."""
    with sqlite_store.write() as work:
        if here:
            edit_location(work, sqlite_location, reply=parse_replies(here, encode_reply_attribute))
        reply = parse_replies(at_nas, encode_reply_attribute)
        new = NewNas(name="ap-1", address="192.0.2.10", profile=profile, reply=reply)
        add_nas(work, sqlite_location, new)
    silent = 24 * HOUR if minutes is None else minutes * MINUTE
    tell(sqlite_store, START)
    assert close(sqlite_store, 24 * HOUR) == 0
    assert close(sqlite_store, 24 * HOUR + 2 * MINUTE) == 1
    obedient: dict[str, Any] = {"key": f"{82:032x}", "session_id": "82"}
    later = record(at=FRIDAY_MORNING + 24 * HOUR, key=f"{83:032x}", session_id="83")
    tell(sqlite_store, record(**obedient), update(MINUTE, **obedient), later)
    close(sqlite_store, 24 * HOUR)
    assert close(sqlite_store, 24 * HOUR + silent + 2 * MINUTE - timedelta(seconds=1)) == 0
    assert close(sqlite_store, 24 * HOUR + silent + 2 * MINUTE) == 1


def test_silence_while_nobody_listened_is_none(store: Store, location: Location) -> None:
    """A server that was away for a night waits for the reports of the morning."""
    del location
    tell(store, START, update(10 * MINUTE))
    night = FRIDAY_MORNING + 12 * HOUR
    assert close(store, 12 * HOUR, night) == 0
    assert close(store, 12 * HOUR + 31 * MINUTE, night) == 0
    assert close(store, 12 * HOUR + 32 * MINUTE, night) == 1


def test_a_nas_that_comes_back(store: Store, location: Location) -> None:
    """Its next report opens the session again, with all that was counted; a Stop ends it."""
    visit = register(store, location)
    (before,) = tell(store, record(Status.START, visit), update(10 * MINUTE))
    assert close(store, 5 * HOUR) == 1
    (again,) = tell(store, update(6 * HOUR))
    assert (again.ended_at, again.ended_by, again.visit_id) == (None, None, visit.id)
    assert (again.id, again.started_at, again.octets_in) == (before.id, before.started_at, 360)
    assert close(store, 6 * HOUR + 31 * MINUTE) == 0
    assert close(store, 8 * HOUR) == 1
    stop = record(Status.STOP, at=FRIDAY_MORNING + 7 * HOUR, seconds=7 * 3600, terminate_cause=4)
    (over,) = tell(store, stop)
    assert (over.ended_at, over.ended_by, over.terminate_cause) == (stop.at, "stop", 4)


def test_what_was_heard_late_does_not_open_it(store: Store, location: Location) -> None:
    """A report of before the last one, or the Start once more."""
    del location
    tell(store, START, update(10 * MINUTE), update(20 * MINUTE))
    assert close(store, 5 * HOUR) == 1
    (lost,) = tell(store, update(10 * MINUTE), START)
    assert (lost.ended_by, lost.ended_at) == ("lost", FRIDAY_MORNING + 20 * MINUTE)


def test_a_silence_that_closed_it_is_no_interval(store: Store, location: Location) -> None:
    """Else a session would take longer to be lost each time."""
    del location
    tell(store, START, update(10 * MINUTE))
    assert close(store, 5 * HOUR) == 1
    tell(store, update(5 * HOUR))
    assert close(store, 5 * HOUR + 32 * MINUTE) == 1


def test_a_lost_session_of_a_revoked_visitor_is_ended_once_it_is_back(
    store: Store, location: Location
) -> None:
    """R4: nobody is asked for it while it is lost."""
    visit = register(store, location)
    tell(store, record(Status.START, visit), update(10 * MINUTE))
    run_sql(store, "UPDATE access_token SET revoked_at = valid_from")
    assert close(store, 5 * HOUR) == 1

    def due() -> int:
        with store.write() as work:
            return len(claim_endings(work, lambda *_: "revoked", {}, 10))

    assert due() == 0
    tell(store, update(6 * HOUR))
    assert due() == 1


def test_two_servers_look_at_once(store: Store, location: Location, clock: Clock) -> None:
    """Each session is closed by one of them."""
    del location
    tell(store, *(record(key=f"{each:032x}", session_id=str(each)) for each in range(300)))
    clock.advance(hours=25)

    def look() -> int:
        with store.write() as work:
            return close_lost(work)

    counts = at_once(look, look)
    assert sum(each for each in counts if isinstance(each, int)) == 300
    assert {each.ended_by for each in sessions(store)} == {"lost"}


def test_housekeeping_closes_them_too(store: Store, location: Location, clock: Clock) -> None:
    """And retention forgets them, by when they were heard of last."""
    set_up(store, location, "retention-days=30")
    tell(store, START, update(10 * MINUTE))
    clock.advance(days=2)
    assert (tidy(store).lost, tidy(store).lost) == (1, 0)
    clock.advance(days=29)
    assert (tidy(store).sessions, sessions(store)) == (1, [])


# Two NAS, or one by two ways

OTHER: dict[str, Any] = {
    "sender": f"{2:032x}",
    "key": f"{82:032x}",
    "source_address": "192.0.2.11",
    "nas_identifier": "controller",
    "nas_address": "192.0.2.11",
}
SOON = timedelta(seconds=3)


def test_the_same_session_of_two_nas_is_one_row(store: Store, location: Location) -> None:
    """An access point and its controller, say: counted once, whoever reports more."""
    visit = register(store, location)
    told = [
        record(Status.START, visit),
        record(Status.START, visit, at=FRIDAY_MORNING + SOON, **OTHER),
        update(10 * MINUTE, octets_in=1000),
        update(10 * MINUTE + SOON, seconds=600, octets_in=990, **OTHER),
        update(20 * MINUTE, octets_in=2000),
        update(20 * MINUTE + SOON, octets_in=1990, **OTHER),
    ]
    (both,) = tell(store, *told)
    assert (both.visit_id, both.octets_in, both.seconds) == (visit.id, 2000, 1200)
    assert (both.source_address, both.nas_identifier) == ("192.0.2.11", "controller")
    run_sql(store, "DELETE FROM wifi_session")
    for each in told:
        (singly,) = tell(store, each)
    assert (singly.octets_in, singly.seconds, singly.heard_at) == (2000, 1200, both.heard_at)
    stop = record(Status.STOP, at=FRIDAY_MORNING + 30 * MINUTE, seconds=1800, **OTHER)
    (over,) = tell(store, stop)
    assert (over.ended_by, over.ended_at) == ("stop", stop.at)


def test_one_nas_that_two_servers_see_by_two_addresses(store: Store, location: Location) -> None:
    """Start to one, update and Stop to the other, in any order: one row."""
    del location
    other = replace(START, **OTHER)
    told = [
        START,
        replace(update(10 * MINUTE), **OTHER),
        record(Status.STOP, at=FRIDAY_MORNING + 20 * MINUTE, seconds=1200, octets_in=20, **OTHER),
        replace(other, at=other.at + SOON),
    ]
    for order in permutations(told):
        run_sql(store, "DELETE FROM wifi_session")
        (session,) = tell(store, *order)
        assert (session.seconds, session.octets_in, session.ended_by) == (1200, 20, "stop")


@pytest.mark.parametrize("about", [OTHER, {}])
def test_two_servers_hear_of_it_in_the_same_moment(
    store: Store, location: Location, about: dict[str, Any]
) -> None:
    """The second one looks when the first one is done, by two NAS or by the same one: one row."""
    del location
    other = threading.Thread(target=tell, args=(store, replace(START, **about)))
    with store.write() as work:
        record_accounting(work, [START])
        other.start()
        if store.engine.dialect.name == "postgresql":
            wait_until(lambda: not other.is_alive() or _somebody_waits(store))
    other.join()
    assert len(sessions(store)) == 1


def _somebody_waits(store: Store) -> bool:
    with store.engine.connect() as connection:
        query = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
        return bool(connection.scalar(text(query)))


@pytest.mark.parametrize(
    "changes",
    [
        {"device": "02:00:00:00:00:01"},
        {"device": None},
        {"session_id": "82"},
        {"at": FRIDAY_MORNING + 10 * MINUTE},
        {"claimed_location": 1, "claimed_visit": 9, "claimed_token": 9},
        {"location_id": None},
    ],
)
def test_another_session_at_another_nas(
    store: Store, location: Location, changes: dict[str, Any]
) -> None:
    """Another device, number, beginning, visitor or place: it is its own, and ends nothing."""
    visit = register(store, location)
    first, second = tell(
        store, record(Status.START, visit), replace(record(Status.START, visit), **OTHER | changes)
    )
    assert (first.ended_at, second.ended_at) == (None, None)


def test_clocks_of_two_servers_that_differ(store: Store, location: Location) -> None:
    """The one behind ours by four minutes reports the end before the beginning: one sound row."""
    del location
    late = 4 * MINUTE
    (session,) = tell(
        store,
        START,
        update(10 * MINUTE),
        replace(update(20 * MINUTE), at=FRIDAY_MORNING + 20 * MINUTE - late),
        record(Status.STOP, at=FRIDAY_MORNING + 21 * MINUTE - late, seconds=1260, octets_in=21),
    )
    assert (session.seconds, session.octets_in, session.ended_by) == (1260, 21, "stop")
    assert session.started_at <= FRIDAY_MORNING


def test_another_nas_gets_no_disconnect_of_it(store: Store, location: Location) -> None:
    """Somebody with another NAS and its secret tells of the session: it would say yes for it."""
    del location
    other = replace(update(10 * MINUTE), **OTHER | {"nas_id": 2})
    (session,) = tell(store, START, other)
    assert (session.heard_at, session.source_address) == (other.at, "192.0.2.10")
    stop = replace(other, status="stop", at=other.at + MINUTE, seconds=660)
    (over,) = tell(store, stop)
    assert over.ended_by == "stop"
    (again,) = tell(store, update(20 * MINUTE))
    assert again.ended_at is None
