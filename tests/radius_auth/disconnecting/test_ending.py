"""Sessions that end by themselves: whose, when, once, and what the NAS may say (RFC 5176)."""

from __future__ import annotations

import time
from contextlib import closing
from datetime import timedelta
from threading import Event, Thread
from typing import TYPE_CHECKING, Any

import pytest

from nexio.network import endings
from nexio.network.accounting_records import AccountingRecord, Status
from nexio.network.devices import free_device, take_slots
from nexio.network.endings import (
    CLAIM,
    FIRST_PAUSE,
    LONGEST_PAUSE,
    MOST_OF_A_NAS,
    claim_endings,
    pause_after,
)
from nexio.network.nas import NasChanges, NewNas, add_nas, edit_nas
from nexio.reception.changing import extend_token, reschedule
from nexio.store.engine import Store
from radius_auth.disconnecting import ending
from radius_auth.disconnecting.ending import Ended, SessionEnder
from radius_auth.protocol.packet import read_packet
from tests.support.accounting import record, sessions, tell
from tests.support.people import delete, register, revoke
from tests.support.radius.fake_nas import NAK, FakeNas, error_cause, reply
from tests.support.radius.guests import SECRET
from tests.support.radius.radiusd import PATIENCE, wait_until
from tests.support.stores import run_sql

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nexio.configuration import Configuration
    from nexio.locations.locations import Location
    from nexio.network.sessions import WifiSession
    from nexio.reception.visits import Visit
    from tests.support.clocks import Clock


@pytest.fixture
def nas(store: Store, location: Location) -> Iterator[FakeNas]:
    """An access point that does what it is asked to, and whose Stop is on its way."""
    with FakeNas(then=reply()) as running:
        enter(store, location, running)
        yield running


def enter(
    store: Store, location: Location, nas: FakeNas, *, name: str = "ap-1", source: int = 10
) -> int:
    """Let an access point ask for guests; its number."""
    new = NewNas(
        name=name,
        address=f"192.0.2.{source}",
        secret=SECRET.decode(),
        disconnect=f"127.0.0.1:{nas.port}",
    )
    with store.write() as work:
        return add_nas(work, location, new).id


def on_wifi(store: Store, visit: Visit, number: int = 1, **changes: Any) -> None:
    """A device of a visit, on since now."""
    tell(store, started(store, visit, number, **changes))


def started(store: Store, visit: Visit, number: int, **changes: Any) -> AccountingRecord:
    """What its access point says when a device gets on."""
    about = {"key": f"{number:032x}", "session_id": str(number), "at": store.clock()}
    made: AccountingRecord = record(Status.START, visit, **(about | changes))
    return made


def end_all(store: Store) -> list[Ended]:
    """What a server does within a second."""
    ended: list[Ended] = []
    SessionEnder(lambda: store, ended.append).run_once(store)
    return ended


def asked_for(nas: FakeNas) -> list[str]:
    """The Acct-Session-Id of each request."""
    return [read_packet(octets).values(44)[0].decode() for octets, _ in nas.requests]


def the_only(found: list[WifiSession]) -> WifiSession:
    """The one session."""
    (session,) = found
    return session


def test_who_may_be_on_stays(store: Store, location: Location, nas: FakeNas, clock: Clock) -> None:
    """Until the last second of the window; then the NAS is asked, with our reason."""
    on_wifi(store, register(store, location))
    assert end_all(store) == []
    clock.advance(minutes=59, seconds=58)
    assert end_all(store) == []
    clock.advance(seconds=2)
    (ended,) = end_all(store)
    assert (ended.ending.session.id, ended.ending.reason, ended.reply.outcome) == (
        1,
        "ended",
        "ack",
    )
    assert asked_for(nas) == ["1"]
    asked = the_only(sessions(store)).disconnect
    assert asked is not None
    assert (asked.at, asked.outcome, asked.reason) == (clock.now, "ack", "ended")


def test_a_nak_without_a_cause(store: Store, location: Location, clock: Clock) -> None:
    """Of CoovaChilli: it knows no such session (any more). Of others: a refusal."""
    with FakeNas(then=reply(NAK)) as nas:
        for number, profile in ((1, "coova-chilli"), (2, "generic")):
            enter(store, location, nas, name=profile, source=number)
            with store.write() as work:
                edit_nas(work, profile, NasChanges(profile=profile))
            visit = register(store, location, email=f"{profile}@example.com")
            about = {"nas_id": number, "source_address": f"192.0.2.{number}"}
            on_wifi(store, visit, number, **about)
        clock.advance(hours=1)
        end_all(store)
    assert [each.ended_by for each in sessions(store)] == ["gone", None]


@pytest.mark.parametrize("why", ["revoked", "deleted", "not yet"])
def test_who_may_not_be_on_any_more(
    store: Store, location: Location, nas: FakeNas, clock: Clock, why: str
) -> None:
    """Revoked, deleted, or moved to another time: that guest's devices go, nobody else's."""
    zoe, ada = register(store, location), register(store, location, email="ada@example.com")
    for number, visit in enumerate((zoe, zoe, ada), start=1):
        on_wifi(store, visit, number)
    if why == "revoked":
        revoke(store, zoe)
    elif why == "deleted":
        delete(store, zoe)
    else:
        with store.write() as work:
            reschedule(work, zoe.id, clock.now + timedelta(hours=3))
    assert {each.ending.reason for each in end_all(store)} == {why}
    assert sorted(asked_for(nas)) == ["1", "2"]


def test_r18_a_device_that_was_freed(store: Store, location: Location, nas: FakeNas) -> None:
    """It goes, whatever its visit may; the visitor's other device stays on."""
    visit = register(store, location, max_devices="2")
    macs = "02:00:00:00:00:01", "02:00:00:00:00:02"
    for number, mac in enumerate(macs, start=1):
        with store.write() as work:
            take_slots(work, [(visit.id, mac)])
        on_wifi(store, visit, number, device=mac, calling_station=mac)
    assert end_all(store) == []
    with store.write() as work:
        free_device(work, visit.id, macs[0])
    assert [each.ending.reason for each in end_all(store)] == ["device freed"]
    assert asked_for(nas) == ["1"]
    assert [each.disconnect is None for each in sessions(store)] == [False, True]


def test_after_an_extension_nothing_is_sent(
    store: Store, location: Location, nas: FakeNas, clock: Clock
) -> None:
    """At the old Session-Timeout the guest logs in again for the rest."""
    visit = register(store, location)
    on_wifi(store, visit)
    with store.write() as work:
        extend_token(work, visit.id, timedelta(minutes=30))
    clock.advance(minutes=70)
    assert end_all(store) == []
    assert nas.requests == []


def test_an_ended_session_is_left_alone(
    store: Store, location: Location, nas: FakeNas, clock: Clock
) -> None:
    """Its Stop came; and one whose NAS did not return our Class leads to nobody's token."""
    visit = register(store, location)
    on_wifi(store, visit)
    tell(store, record(Status.STOP, visit, key=f"{1:032x}", session_id="1", seconds=60))
    tell(store, record(key=f"{2:032x}", session_id="2"))
    revoke(store, visit)
    clock.advance(days=1)
    assert end_all(store) == []
    assert nas.requests == []


def test_it_is_asked_again_in_growing_pauses_until_the_stop(
    store: Store, location: Location, nas: FakeNas, clock: Clock
) -> None:
    """An ACK does not end a session: there are NAS that say so and do nothing."""
    visit = register(store, location)
    on_wifi(store, visit)
    revoke(store, visit)
    for attempts in range(3):
        assert len(end_all(store)) == 1
        assert end_all(store) == []
        clock.advance(seconds=pause_after(attempts).total_seconds() - 1)
        assert end_all(store) == []
        clock.advance(seconds=1)
    tell(store, record(Status.STOP, visit, key=f"{1:032x}", session_id="1", at=clock.now))
    assert end_all(store) == []
    assert len(nas.requests) == 3
    assert pause_after(0) == FIRST_PAUSE
    assert pause_after(1_000) == LONGEST_PAUSE


def test_a_nas_that_has_no_such_session(store: Store, location: Location, clock: Clock) -> None:
    """Error-Cause 503 closes it where it was last heard; an Interim opens it again."""
    with FakeNas(then=reply(NAK, error_cause(503))) as nas:
        enter(store, location, nas)
        visit = register(store, location)
        on_wifi(store, visit)
        began = clock.now
        revoke(store, visit)
        clock.advance(minutes=5)
        end_all(store)
        closed = the_only(sessions(store))
        assert (closed.ended_by, closed.ended_at) == ("gone", began)
        assert end_all(store) == []
        alive = {"key": f"{1:032x}", "session_id": "1", "seconds": 400}
        clock.advance(minutes=5)
        tell(store, record(Status.UPDATE, visit, at=clock.now, **alive))
        assert the_only(sessions(store)).ended_at is None
        assert len(end_all(store)) == 1


def test_the_ack_was_lost(store: Store, location: Location, clock: Clock) -> None:
    """A NAS that acknowledged ended it then, whatever it says when it is asked again."""
    with FakeNas(reply(), then=reply(NAK, error_cause(503))) as nas:
        enter(store, location, nas)
        visit = register(store, location)
        on_wifi(store, visit)
        revoke(store, visit)
        clock.advance(minutes=1)
        end_all(store)
        acknowledged = clock.now
        clock.advance(minutes=1)
        end_all(store)
    closed = the_only(sessions(store))
    assert (closed.ended_by, closed.ended_at) == ("gone", acknowledged)


@pytest.mark.parametrize("cause", [401, 502, 504, 508])
def test_a_nas_that_refuses(sqlite_store: Store, sqlite_location: Location, cause: int) -> None:
    """The session stays open, its cause is kept, and it is asked again later."""
    with FakeNas(then=reply(NAK, error_cause(cause))) as nas:
        enter(sqlite_store, sqlite_location, nas)
        visit = register(sqlite_store, sqlite_location)
        on_wifi(sqlite_store, visit)
        revoke(sqlite_store, visit)
        end_all(sqlite_store)
    session = the_only(sessions(sqlite_store))
    assert session.ended_at is None
    assert session.disconnect is not None
    assert (session.disconnect.outcome, session.disconnect.error_cause) == ("nak", cause)


def test_a_claimed_session_is_left_to_who_claimed_it(
    store: Store, location: Location, nas: FakeNas, clock: Clock
) -> None:
    """Until the claim is over: then its server has died."""
    visit = register(store, location)
    on_wifi(store, visit)
    revoke(store, visit)
    with store.write() as work:
        assert len(claim_endings(work, lambda *_: "revoked", {}, 10)) == 1
    assert end_all(store) == []
    clock.advance(seconds=CLAIM.total_seconds())
    assert len(end_all(store)) == 1
    assert len(nas.requests) == 1


def test_two_servers_ask_once(
    store: Store, location: Location, nas: FakeNas, configuration: Configuration, clock: Clock
) -> None:
    """Each session is one server's, however many there are and however often they look."""
    many = 3 * MOST_OF_A_NAS + 8  # each server has room for some of them at first
    visit = register(store, location)
    tell(store, *(started(store, visit, number) for number in range(1, many + 1)))
    revoke(store, visit)
    ended: list[Ended] = []

    def serve() -> None:
        with closing(Store.open(configuration, clock)) as own:
            SessionEnder(lambda: own, ended.append).run_once(own)

    servers = [Thread(target=serve) for _ in range(3)]
    for each in servers:
        each.start()
    for each in servers:
        each.join()
    assert sorted(each.ending.session.id for each in ended) == list(range(1, many + 1))
    assert len(nas.requests) == many


def test_a_deaf_nas_delays_nobody_else(
    sqlite_store: Store, sqlite_location: Location, clock: Clock
) -> None:
    """Two hundred of its sessions ended before one at another NAS did."""
    store, location = sqlite_store, sqlite_location
    visit = register(store, location)
    with FakeNas() as deaf, FakeNas(then=reply()) as good:
        enter(store, location, deaf)
        enter(store, location, good, name="ap-2", source=20)
        tell(store, *(started(store, visit, number) for number in range(1, 201)))
        on_wifi(store, visit, 201, nas_id=2, nas="ap-2", source_address="192.0.2.20")
        revoke(store, visit)
        ender = SessionEnder(lambda: Store(store.engine, lambda: store.keyring, clock))
        ender.start()
        wait_until(lambda: good.requests)
        asked_before = set(asked_for(deaf))
        ender.stop()
    assert asked_for(good) == ["201"]
    assert len(asked_before) <= MOST_OF_A_NAS


def test_the_end_does_not_wait_for_the_next_look(
    sqlite_store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server that is told to end ends at once, however seldom it asks the store."""
    monkeypatch.setattr(ending, "EVERY_SECONDS", PATIENCE)
    looked = Event()
    monkeypatch.setattr(ending, "any_due", lambda _: looked.set())
    ender = SessionEnder(lambda: Store(sqlite_store.engine, lambda: sqlite_store.keyring))
    ender.start()
    assert looked.wait(PATIENCE)
    began = time.monotonic()
    ender.stop()
    assert time.monotonic() - began < PATIENCE / 2


def test_many_of_a_silent_nas_leave_room_for_others(
    store: Store, location: Location, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many there are, and whoever waits longer."""
    monkeypatch.setattr(endings, "_MOST_CANDIDATES", 70)
    visit = register(store, location)
    tell(store, *(started(store, visit, number) for number in range(1, 151)))
    on_wifi(store, visit, 151, source_address="192.0.2.20")
    revoke(store, visit)
    with store.write() as work:
        claimed = claim_endings(work, lambda *_: "revoked", {}, 256)
    assert [each.session.id for each in claimed].count(151) == 1
    assert len(claimed) == MOST_OF_A_NAS + 1


def test_many_silent_nas_leave_room_for_others(store: Store, location: Location) -> None:
    """One of each in turn, and those first that have fewest requests on their way."""
    visit = register(store, location)
    sources = [f"192.0.2.{number % 3}" for number in range(1, 61)]
    tell(
        store,
        *(started(store, visit, n, source_address=each) for n, each in enumerate(sources, start=1)),
    )
    on_wifi(store, visit, 61, source_address="192.0.2.20")
    revoke(store, visit)
    with store.write() as work:
        claimed = claim_endings(work, lambda *_: "revoked", {"192.0.2.0": 20}, 5)
    found = [each.session.source_address for each in claimed]
    assert sorted(found) == ["192.0.2.1"] * 2 + ["192.0.2.2"] * 2 + ["192.0.2.20"]


def test_the_clock_was_set_back(
    store: Store, location: Location, nas: FakeNas, clock: Clock
) -> None:
    """What was claimed when it was a day ahead is not left until tomorrow."""
    visit = register(store, location)
    on_wifi(store, visit)
    revoke(store, visit)
    clock.advance(days=1)
    with store.write() as work:
        claim_endings(work, lambda *_: "revoked", {}, 10)
    clock.advance(days=-1)
    assert len(end_all(store)) == 1


@pytest.mark.parametrize(
    "damage",
    [
        "nas_address = 'abc'",
        "nas_address = ':::'",
        "source_address = 'abc', nas_id = NULL",
        "user_name_sealed = 'garbage'",
        "user_name_sealed = x'00'",
    ],
)
def test_a_damaged_row_stops_nobody_else(
    sqlite_store: Store, sqlite_location: Location, damage: str
) -> None:
    """The other session is ended, and no fault of ours is left."""
    store, visit = sqlite_store, register(sqlite_store, sqlite_location)
    with FakeNas(then=reply()) as nas:
        enter(store, sqlite_location, nas)
        on_wifi(store, visit, 1)
        on_wifi(store, visit, 2)
        revoke(store, visit)
        run_sql(store, f"UPDATE wifi_session SET {damage} WHERE id = 1")  # noqa: S608 (ours)
        ended = {each.ending.session.id: each.reply.outcome for each in end_all(store)}
    assert ended[2] == "ack"
    assert set(ended) == {1, 2}


def test_a_removed_nas(store: Store, location: Location) -> None:
    """There is no secret to ask with: noted as no answer, and tried again later."""
    visit = register(store, location)
    on_wifi(store, visit)
    revoke(store, visit)
    assert [each.reply.outcome for each in end_all(store)] == ["timeout"]
    assert end_all(store) == []
