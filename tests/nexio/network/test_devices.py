"""Devices of a visit: slots of its limit (R18), and devices that are remembered (R22)."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nexio.errors import InvalidValue, NotFound, Refused
from nexio.network.accounting_records import Status
from nexio.network.devices import (
    Device,
    free_device,
    known_slots,
    list_devices,
    note_devices,
    take_slots,
)
from nexio.network.endings import DEVICE_FREED, claim_endings
from nexio.network.event_log import record_batches
from nexio.network.events import UNCOUNTED, EventBatch
from nexio.network.following import Horizon
from nexio.network.news import read_all, read_news, read_visits
from nexio.operations.housekeeping import tidy
from nexio.store.engine import Store
from tests.support.accounting import record, tell
from tests.support.people import register, set_up
from tests.support.reception import at_once, reissue

if TYPE_CHECKING:
    from nexio.configuration import Configuration
    from nexio.locations.locations import Location
    from nexio.network.following import Position
    from nexio.reception.visits import Visit
    from tests.support.clocks import Clock

PHONE, LAPTOP, TABLET = "02:00:00:00:00:01", "02:00:00:00:00:02", "f0:de:f1:00:00:03"


def take(store: Store, visit: Visit, *macs: str) -> list[bool]:
    """Which of the devices get a slot."""
    with store.write() as work:
        return list(take_slots(work, [(visit.id, mac) for mac in macs]).values())


def free(store: Store, visit: Visit, mac: str) -> None:
    """Free the slot of a device."""
    with store.write() as work:
        free_device(work, visit.id, mac)


def devices(store: Store, visit: Visit) -> list[Device]:
    """The devices of a visit."""
    with store.read() as work:
        return list_devices(work, visit.id)


def held(store: Store, visit: Visit) -> tuple[int | None, tuple[str, ...]]:
    """What a server that follows the store knows: the limit, and the devices that count."""
    with store.read() as work:
        found = read_visits(work, [visit.id])[visit.id]
    return found.max_devices, found.devices


def let_in(
    store: Store, visit: Visit, mac: str, reason: str = UNCOUNTED, *, seconds_ago: int = 0
) -> None:
    """Record that a server has let a device in."""
    at = store.clock().timestamp() - seconds_ago
    place = visit.location.id
    event = (at, "zoe@example.com", mac, "ap-1", place, visit.id, "accept", reason, 1)
    with store.write() as work:
        record_batches(work, [EventBatch(record_id=f"{mac}-{at}", source="ap-1", events=(event,))])


@pytest.mark.parametrize(
    ("setting", "words", "most"),
    [
        ("none", {}, None),
        ("2", {}, 2),
        ("2", {"max_devices": "3"}, 3),
        ("2", {"max_devices": "none"}, None),
        ("2", {"max_devices": "0"}, None),
        ("none", {"max_devices": "1"}, 1),
    ],
)
def test_r18_a_token_keeps_a_copy(
    setting: str,
    words: dict[str, str],
    most: int | None,
    sqlite_store: Store,
    sqlite_location: Location,
) -> None:
    """Of the setting at its registration, or of what was named; a reissue names it again."""
    set_up(sqlite_store, sqlite_location, f"max-devices={setting}")
    visit = register(sqlite_store, sqlite_location, **words)
    set_up(sqlite_store, sqlite_location, "max-devices=9")
    assert held(sqlite_store, visit) == (most, ())
    again = reissue(sqlite_store, visit)
    assert held(sqlite_store, again)[0] == (most if words else 9)


@pytest.mark.parametrize("text", ["1001", "-1", "two", "", "1.5", "٢"])
def test_a_number_of_devices_that_cannot_be_read(
    text: str, sqlite_store: Store, sqlite_location: Location
) -> None:
    """It is said what can be."""
    with pytest.raises(InvalidValue, match="no number of devices") as error:
        register(sqlite_store, sqlite_location, max_devices=text)
    assert "1 to 1000" in error.value.advice


def test_a_limit_of_nothing(sqlite_store: Store, sqlite_location: Location) -> None:
    """Where nobody gets a token, none can be limited."""
    set_up(sqlite_store, sqlite_location, "visitor-tokens=off")
    with pytest.raises(Refused, match="no device of theirs can be counted"):
        register(sqlite_store, sqlite_location, max_devices="2")


def test_r18_so_many_and_no_more(store: Store, location: Location) -> None:
    """The same one again is not a second one; those of another visit do not count."""
    visit = register(store, location, max_devices="2")
    other = register(store, location, max_devices="1")
    assert take(store, visit, PHONE, LAPTOP, TABLET, PHONE) == [True, True, False]
    assert take(store, visit, PHONE, TABLET) == [True, False]
    assert take(store, other, TABLET) == [True]
    assert held(store, visit) == (2, (PHONE, LAPTOP))


def test_known_without_writing(store: Store, location: Location) -> None:
    """Who has a slot, and that there is none; nothing is known of a slot that is free."""
    visit = register(store, location, max_devices="2")
    take(store, visit, PHONE)
    with store.read() as work:
        assert known_slots(work, [(visit.id, PHONE), (visit.id, LAPTOP), (99, PHONE)]) == {
            (visit.id, PHONE): True,
            (99, PHONE): False,
        }
    take(store, visit, LAPTOP)
    with store.read() as work:
        assert known_slots(work, [(visit.id, TABLET)]) == {(visit.id, TABLET): False}


def test_r18_of_many_servers_at_once(
    configuration: Configuration, location: Location, store: Store, clock: Clock
) -> None:
    """Exactly as many as the limit allows; nobody waits for ever."""
    visit = register(store, location, max_devices="3")
    servers = [Store.open(configuration, clock) for _ in range(8)]
    macs = [[f"02:00:00:00:{server:02x}:{i:02x}" for i in range(4)] for server in range(8)]
    got = at_once(
        *(
            lambda server=server, mine=mine: take(server, visit, *mine)
            for server, mine in zip(servers, macs, strict=True)
        )
    )
    for server in servers:
        server.close()
    assert sum(each.count(True) for each in got if isinstance(each, list)) == 3
    assert len(held(store, visit)[1]) == 3


def test_a_slot_is_followed(store: Store, location: Location) -> None:
    """Taken and freed, each is news of the visit; a device that got none is not."""
    visit = register(store, location, max_devices="1")
    position = seen(store)
    assert news(store, position) == ([], position)
    take(store, visit, PHONE)
    found, position = news(store, position)
    assert found == [(visit.id, (PHONE,))]
    take(store, visit, LAPTOP)
    assert news(store, position) == ([], position)
    free(store, visit, PHONE)
    assert news(store, position)[0] == [(visit.id, ())]


def seen(store: Store) -> Position:
    """How far the store is."""
    with store.read() as work:
        return read_all(work, Horizon()).position


def news(store: Store, position: Position) -> tuple[list[tuple[int, tuple[str, ...]]], Position]:
    """The visits that have changed since then, with their devices."""
    with store.read() as work:
        found = read_news(work, position)
    assert found is not None
    return [(each.id, each.devices) for each in found.visits], found.position


def test_a_freed_slot(store: Store, location: Location, clock: Clock) -> None:
    """Another device has it at once; the one that had it is known, and may come again."""
    visit = register(store, location, max_devices="1")
    take(store, visit, PHONE)
    clock.advance(minutes=5)
    free(store, visit, PHONE)
    with pytest.raises(NotFound, match=f"no device {PHONE} that counts"):
        free(store, visit, PHONE)
    with pytest.raises(NotFound):
        free(store, visit, LAPTOP)
    assert take(store, visit, LAPTOP, PHONE) == [True, False]
    free(store, visit, LAPTOP)
    assert take(store, visit, PHONE) == [True]
    assert [(each.mac, each.holds_slot) for each in devices(store, visit)] == [
        (PHONE, True),
        (LAPTOP, False),
    ]


def test_what_is_known_of_a_device(store: Store, location: Location, clock: Clock) -> None:
    """First and last use from the log and from accounting, and whether it made its address up."""
    visit = register(store, location)
    start = clock.now
    let_in(store, visit, TABLET, "valid")
    clock.advance(minutes=10)
    let_in(store, visit, TABLET, "valid")
    tell(store, record(Status.START, visit, device=PHONE, at=clock.now))
    clock.advance(minutes=1)
    tell(store, record(Status.UPDATE, visit, device=PHONE, at=clock.now))
    tablet, phone = devices(store, visit)
    assert (tablet.mac, tablet.is_randomised, tablet.holds_slot) == (TABLET, False, False)
    assert (tablet.first_at, tablet.last_at) == (start, start + timedelta(minutes=10))
    assert (phone.mac, phone.is_randomised, phone.freed_at) == (PHONE, True, None)
    assert phone.last_at == clock.now


def test_let_in_while_the_store_was_away(store: Store, location: Location, clock: Clock) -> None:
    """It is counted afterwards, also beyond the limit: nobody else gets on then."""
    visit = register(store, location, max_devices="1")
    let_in(store, visit, PHONE)
    let_in(store, visit, LAPTOP)
    let_in(store, visit, "not a MAC")
    assert held(store, visit) == (1, (PHONE, LAPTOP))
    assert take(store, visit, TABLET) == [False]
    clock.advance(minutes=5)
    free(store, visit, PHONE)
    let_in(store, visit, PHONE, seconds_ago=60)  # what the spool tells late
    assert take(store, visit, TABLET) == [False]
    assert held(store, visit) == (1, (LAPTOP,))


def test_let_in_by_a_slot_is_not_noted(store: Store, location: Location) -> None:
    """An ordinary decision costs nothing more, and a visit that is gone stops nothing."""
    visit = register(store, location)
    let_in(store, visit, PHONE, "valid")
    with store.write() as work:
        note_devices(work, [(0.0, "", PHONE, "ap-1", 1, 99, "accept", UNCOUNTED, 1)])
    assert held(store, visit) == (None, ())


def test_r22_a_freed_device_is_not_remembered_by_a_late_server(
    store: Store, location: Location, clock: Clock
) -> None:
    """One that has not heard of it lets it in by its address, or with its slot."""
    set_up(store, location, "remember-devices=on")
    free_one, limited = register(store, location), register(store, location, max_devices="1")
    let_in(store, free_one, PHONE, "valid")
    take(store, limited, PHONE)
    clock.advance(minutes=1)
    free(store, free_one, PHONE)
    free(store, limited, PHONE)
    clock.advance(seconds=1)
    let_in(store, free_one, PHONE, "remembered device")
    let_in(store, limited, PHONE, "valid")
    assert held(store, free_one) == (None, ())
    assert held(store, limited) == (1, ())


def test_r22_devices_are_remembered(store: Store, location: Location, clock: Clock) -> None:
    """Where the location says so, from then on; one that was freed, when it comes again."""
    visit = register(store, location)
    let_in(store, visit, PHONE, "valid")
    set_up(store, location, "remember-devices=on")
    let_in(store, visit, LAPTOP, "valid")
    assert held(store, visit) == (None, (LAPTOP,))
    clock.advance(minutes=1)
    free(store, visit, LAPTOP)
    assert held(store, visit) == (None, ())
    clock.advance(minutes=1)
    let_in(store, visit, LAPTOP, "valid")
    assert held(store, visit) == (None, (LAPTOP,))


@pytest.mark.parametrize("limit", ["1", "none"])
def test_the_session_of_a_freed_device_ends(
    limit: str, store: Store, location: Location, clock: Clock
) -> None:
    """Not that of another one; without a limit, not what it began after that either."""
    set_up(store, location, "remember-devices=on")
    visit = register(store, location, max_devices=limit)
    for number, mac in enumerate((PHONE, TABLET)):
        let_in(store, visit, mac)
        about = {"key": f"{number:032x}"}
        tell(store, record(Status.START, visit, device=mac, at=clock.now, **about))
    clock.advance(minutes=1)
    assert due(store) == []
    free(store, visit, PHONE)
    tell(
        store,
        record(Status.START, visit, device=PHONE, at=clock.now + timedelta(seconds=1), **_THIRD),
    )
    clock.advance(minutes=1)
    ended = due(store)
    assert set(ended) == {(PHONE, DEVICE_FREED)}
    assert len(ended) == (2 if limit == "1" else 1)
    clock.advance(minutes=1)
    let_in(store, visit, PHONE)  # it has a slot again
    assert due(store) == []


_THIRD = {"key": f"{9:032x}", "session_id": "9"}


def due(store: Store) -> list[tuple[str | None, str]]:
    """The device of each session that a server would end now, and why."""
    with store.write() as work:
        endings = claim_endings(work, lambda *_: None, {}, 10)
    return [(each.session.device, each.reason) for each in endings]


def test_forgotten_with_its_visit(store: Store, location: Location, clock: Clock) -> None:
    """Retention takes its devices along."""
    set_up(store, location, "retention-days=1")
    visit = register(store, location, max_devices="1")
    take(store, visit, PHONE)
    clock.advance(days=9)
    tidy(store)
    assert devices(store, visit) == []


STEPS = st.lists(
    st.tuples(st.sampled_from(["take", "free", "let in", "let in before"]), st.integers(0, 4)),
    max_size=12,
)


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(most=st.integers(1, 3), steps=STEPS)
def test_r18_whatever_happens_in_whatever_order(
    sqlite_store: Store,
    sqlite_location: Location,
    clock: Clock,
    most: int,
    steps: list[tuple[str, int]],
) -> None:
    """As a set of devices: one is taken where there is room, and leaves when it is freed."""
    visit = register(sqlite_store, sqlite_location, max_devices=str(most))
    expected: set[str] = set()
    freed: set[str] = set()
    for step, number in steps:
        clock.advance(minutes=1)
        mac = f"02:00:00:00:00:{number:02x}"
        if step == "take":
            has_room = mac in expected or len(expected) < most
            assert take(sqlite_store, visit, mac) == [has_room]
            expected |= {mac} if has_room else set()
        elif step == "free" and mac in expected:
            free(sqlite_store, visit, mac)
            expected.remove(mac)
            freed.add(mac)
        elif step == "let in":
            let_in(sqlite_store, visit, mac)
            expected.add(mac)
        elif step == "let in before" and mac not in freed:
            let_in(sqlite_store, visit, mac, seconds_ago=3600)
            expected.add(mac)
        assert set(held(sqlite_store, visit)[1]) == expected
