"""What NAS tell of sessions, made into sessions (Must 17)."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy.exc import IntegrityError

from nexio.errors import NexioError
from nexio.network.accounting_records import Status, seal_name
from nexio.network.endings import record_disconnect
from nexio.network.nas import NewNas, add_nas
from nexio.network.sessions import get_session, name_as_sent
from nexio.operations.checking import find_damage
from nexio.operations.rotation import rotate_key
from tests.support.accounting import record, sessions, tell
from tests.support.clocks import FRIDAY_MORNING
from tests.support.people import add_location, register, set_up
from tests.support.reception import at_once
from tests.support.stores import run_sql

if TYPE_CHECKING:
    from nexio.configuration import Configuration
    from nexio.locations.locations import Location
    from nexio.network.sessions import WifiSession
    from nexio.reception.visits import Visit
    from nexio.store.engine import Store

MINUTE = timedelta(minutes=1)
HOUR = 60 * MINUTE

START = record()
UPDATE = record(
    Status.UPDATE, at=FRIDAY_MORNING + 10 * MINUTE, seconds=600, octets_in=100, octets_out=900
)
STOP = record(
    Status.STOP,
    at=FRIDAY_MORNING + HOUR,
    seconds=3600,
    octets_in=2**32 + 1,
    octets_out=2**40,
    terminate_cause=1,
)


def essence(session: WifiSession) -> dict[str, object]:
    """All of a session that does not depend on when the store heard of it."""
    return {name: getattr(session, name) for name in session.__slots__ if name != "id"}


def test_must_17_a_session_from_start_to_stop(store: Store, location: Location) -> None:
    """It is open from the Start, goes on with each update, and is over with the Stop."""
    visit = register(store, location)
    (begun,) = tell(store, replace(START, claimed_location=location.id, claimed_visit=visit.id))
    assert (begun.started_at, begun.ended_at, begun.visit_id) == (FRIDAY_MORNING, None, None)
    assert begun.session_id == "81"
    (going,) = tell(store, UPDATE)
    assert (going.seconds, going.octets_in, going.octets_out) == (600, 100, 900)
    assert going.heard_at == FRIDAY_MORNING + 10 * MINUTE
    assert sessions(store, open_only=True) == [going]
    (over,) = tell(store, STOP)
    assert (over.ended_at, over.ended_by) == (FRIDAY_MORNING + HOUR, "stop")
    assert (over.octets_in, over.octets_out, over.terminate_cause) == (2**32 + 1, 2**40, 1)
    assert sessions(store, open_only=True) == []


def test_must_17_in_any_order_the_same_session(
    sqlite_store: Store, sqlite_location: Location
) -> None:
    """Late, before its Start, and repeated as often as you like: counted once."""
    del sqlite_location
    (once,) = tell(sqlite_store, START, UPDATE, STOP)
    chance = random.Random(17)
    for _ in range(100):
        run_sql(sqlite_store, "DELETE FROM wifi_session")
        told = [START, UPDATE, STOP, *chance.choices([START, UPDATE, STOP], k=3)]
        chance.shuffle(told)
        cut = chance.randrange(len(told))
        tell(sqlite_store, *told[:cut])
        (session,) = tell(sqlite_store, *told[cut:])
        assert essence(session) == essence(once), told


def test_must_17_a_repeated_start_without_its_delay(store: Store, location: Location) -> None:
    """The first one says when it began, and the first Stop when it was over."""
    del location
    late = timedelta(seconds=40)
    (session,) = tell(store, START, replace(START, at=START.at + late), STOP)
    (again,) = tell(store, replace(STOP, at=STOP.at + late))
    assert (session.started_at, session.ended_at) == (START.at, STOP.at)
    assert (again.started_at, again.ended_at) == (START.at, STOP.at)


def test_without_a_session_time(store: Store, location: Location) -> None:
    """A NAS that sends none: as long as it was heard of."""
    del location
    (session,) = tell(store, START, replace(UPDATE, seconds=None))
    assert session.seconds == 600
    (session,) = tell(store, replace(STOP, seconds=None))
    assert session.seconds == 3600
    assert essence(session)["started_at"] == START.at


def test_a_stop_alone(store: Store, location: Location) -> None:
    """The Start was lost: the session time tells when it began."""
    del location
    (session,) = tell(store, STOP)
    assert (session.started_at, session.ended_at) == (FRIDAY_MORNING, FRIDAY_MORNING + HOUR)


def test_must_17_accounting_on_ends_what_that_sender_had_open(
    store: Store, location: Location
) -> None:
    """Behind one CIDR entry there may be many access points: only the sender's own."""
    del location
    other = replace(START, sender=f"{2:032x}", key=f"{82:032x}", device="02:00:00:00:00:02")
    after = replace(START, key=f"{83:032x}", at=FRIDAY_MORNING + 20 * MINUTE)
    on = record(Status.ON, at=FRIDAY_MORNING + 15 * MINUTE)
    tell(store, START, UPDATE, other)
    by_key = {session.started_at: session for session in tell(store, after, on, on)}
    assert len(by_key) == 2
    ended = [session for session in sessions(store) if session.ended_at is not None]
    assert [(session.ended_at, session.ended_by) for session in ended] == [
        (UPDATE.at, "accounting-on")  # when it was last heard of
    ]
    (off,) = tell(store, record(Status.OFF, at=FRIDAY_MORNING + HOUR))[2:]
    assert (off.started_at, off.ended_by) == (after.at, "accounting-off")
    assert [session.started_at for session in sessions(store, open_only=True)] == [other.at]


def test_a_session_that_outlives_accounting_on(store: Store, location: Location) -> None:
    """What goes on was not over; a Stop that comes late says more than Accounting-On."""
    del location
    on = record(Status.ON, at=FRIDAY_MORNING + 5 * MINUTE)
    (ended,) = tell(store, START, on)
    assert ended.ended_by == "accounting-on"
    (going,) = tell(store, UPDATE)
    assert (going.ended_at, going.ended_by) == (None, None)
    (over,) = tell(store, record(Status.ON, at=STOP.at + HOUR), STOP)
    assert (over.ended_at, over.ended_by, over.terminate_cause) == (STOP.at, "stop", 1)


def test_an_acct_session_id_is_used_again(store: Store, location: Location) -> None:
    """A NAS that forgets over a reboot: much later, or with another device, it is another one."""
    del location
    later = replace(START, at=STOP.at + HOUR)
    first, second = tell(store, START, STOP, later)
    assert (first.ended_by, second.ended_by) == ("stop", None)
    _, second = tell(store, START, STOP, replace(STOP, at=later.at + HOUR))
    assert second.ended_at == later.at + HOUR
    ada = replace(later, device="02:00:00:00:00:01", at=later.at + MINUTE)
    *_, third = tell(store, ada)
    assert (third.device, len(sessions(store))) == ("02:00:00:00:00:01", 3)


def test_what_was_open_when_its_id_was_used_again_is_over(store: Store, location: Location) -> None:
    """Its Stop was lost; it counts as long as it was heard of."""
    del location
    first, second = tell(store, START, UPDATE, replace(START, at=STOP.at))
    assert (first.ended_at, first.ended_by) == (UPDATE.at, "reuse")
    assert second.ended_at is None


def test_the_class_finds_the_token(store: Store, location: Location) -> None:
    """With the first record that brings it; one without it is stored too."""
    visit = register(store, location)
    assert visit.token is not None
    (unknown,) = tell(store, START)
    assert (unknown.visit_id, unknown.email) == (None, None)
    (known,) = tell(store, record(Status.UPDATE, visit, at=UPDATE.at, seconds=600))
    assert (known.visit_id, known.name, known.email) == (visit.id, visit.name, visit.email)
    assert sessions(store, visit_id=visit.id) == [known]
    (same,) = tell(store, STOP)
    assert same.visit_id == visit.id


@pytest.mark.parametrize(
    "forged",
    [
        {"claimed_token": 99},
        {"claimed_visit": 99},
        {"claimed_location": 99},
        {"claimed_token": 0},
        {"claimed_token": 9_999_999_999},
        {"location_id": None},
        {"location_id": 99},
    ],
)
def test_must_17_a_class_from_the_network_is_not_trusted(
    store: Store, location: Location, forged: dict[str, int | None]
) -> None:
    """All of it must be right; else the session is kept without a token."""
    visit = register(store, location)
    (session,) = tell(store, record(Status.START, visit, **forged))
    assert (session.visit_id, session.email) == (None, None)


def test_r19_a_token_of_another_location(store: Store, location: Location) -> None:
    """It is one of a guest there only where that location lets every location's guests on."""
    visit = register(store, location)
    annex = add_location(store, "Annex")
    elsewhere = record(Status.START, visit, location_id=annex.id)
    (session,) = tell(store, elsewhere)
    assert session.visit_id is None
    set_up(store, annex, "roaming=on")
    (session,) = tell(store, elsewhere)
    assert (session.visit_id, session.location_id) == (visit.id, annex.id)


@pytest.mark.parametrize("late", [False, True])
def test_another_visitor_on_the_same_port(store: Store, location: Location, late: bool) -> None:
    """The newest right Class says whose session it is, in whatever order they arrive."""
    zoe, ada = register(store, location), register(store, location, email="ada@example.com")
    first, second = record(Status.START, zoe), after_start(10, ada)
    for each in (second, first) if late else (first, second):
        tell(store, each)
    (session,) = tell(store, after_start(20, ada, claimed_token=999))
    assert (session.visit_id, session.email) == (ada.id, "ada@example.com")


def test_what_became_of_the_visitor_before_says_nothing_of_another(
    store: Store, location: Location
) -> None:
    """The same Acct-Session-Id, but another Class: nobody has been asked to end that."""
    zoe, ada = register(store, location), register(store, location, email="ada@example.com")
    tell(store, record(Status.START, zoe))
    with store.write() as work:
        record_disconnect(work, 1, "nak", 501, "revoked")
    tell(store, after_start(10, zoe))
    assert sessions(store)[0].disconnect is not None
    (session,) = tell(store, after_start(20, ada))
    assert (session.email, session.disconnect) == ("ada@example.com", None)


def after_start(minutes: int, visit: Visit, **changes: Any) -> Any:
    """An update with the Class of a visit."""
    return record(Status.UPDATE, visit, at=FRIDAY_MORNING + minutes * MINUTE, **changes)


def test_a_nas_that_is_gone(store: Store, location: Location) -> None:
    """Its sessions stay, and end."""
    with store.write() as work:
        nas = add_nas(work, location, NewNas(name="ap-1", address="192.0.2.10"))
    tell(store, replace(START, nas_id=nas.id))
    run_sql(store, "DELETE FROM nas")
    (session,) = tell(store, STOP)
    assert (session.nas, session.ended_by) == ("ap-1", "stop")


# A session that goes on after its Stop


def after_stop(minutes: int, **changes: Any) -> Any:
    """An update so many minutes after the Stop, with its counters or as changes say."""
    counted = {"seconds": STOP.seconds, "octets_in": STOP.octets_in, "octets_out": STOP.octets_out}
    at = STOP.at + minutes * MINUTE
    return record(Status.UPDATE, at=at, **{**counted, **changes})


@pytest.mark.parametrize(
    "more",
    [
        {"seconds": 4200},
        {"octets_in": 2**32 + 2},
        {"octets_out": 2**41, "seconds": None},
        {"seconds": 4200, "octets_in": 1, "octets_out": 1},  # a new part of it
        {"seconds": 300, "octets_in": 1, "octets_out": 1},
    ],
)
def test_a_session_that_goes_on_after_its_stop(
    store: Store, location: Location, more: dict[str, int | None]
) -> None:
    """It is open again, with no trace of its end; its next Stop ends it."""
    del location
    (going,) = tell(store, START, STOP, after_stop(10, **more))
    assert (going.ended_at, going.ended_by, going.terminate_cause) == (None, None, None)
    assert sessions(store, open_only=True) == [going]
    at = STOP.at + 20 * MINUTE
    (over,) = tell(store, replace(STOP, at=at, seconds=4800, octets_out=2**42, terminate_cause=4))
    assert (over.ended_at, over.ended_by, over.terminate_cause) == (at, "stop", 4)


@pytest.mark.parametrize(
    "repeated",
    [
        after_stop(10),
        after_stop(10, seconds=None, octets_in=None, octets_out=None),
        after_stop(10, seconds=3000, octets_in=7, octets_out=9),  # late, and says nothing of that
        after_stop(-10, seconds=3000, octets_in=7, octets_out=9),
        after_stop(10, seconds=None, octets_in=7, octets_out=9),
        replace(STOP, at=STOP.at + MINUTE, seconds=3000, octets_in=7, octets_out=9),
        replace(START, at=STOP.at + MINUTE),
    ],
)
def test_what_repeats_the_stop_does_not_open_it(
    store: Store, location: Location, repeated: Any
) -> None:
    """Nor does what is late, or tells of nothing."""
    del location
    (over,) = tell(store, START, STOP)
    (same,) = tell(store, repeated)
    assert replace(same, heard_at=over.heard_at) == over


def test_two_stops_of_which_the_second_tells_more(store: Store, location: Location) -> None:
    """The session went on between them: in either order it ended with the second."""
    del location
    later = replace(STOP, at=STOP.at + 9 * MINUTE, seconds=4140, terminate_cause=4)
    (one,) = tell(store, START, STOP, later)
    run_sql(store, "DELETE FROM wifi_session")
    (other,) = tell(store, START, later, STOP)
    assert essence(one) == essence(other)
    assert (one.ended_at, one.terminate_cause) == (later.at, 4)


def test_a_stop_that_comes_late_ends_nothing_that_went_on(store: Store, location: Location) -> None:
    """The update after it has told more."""
    del location
    (going,) = tell(store, START, after_stop(10, seconds=4200), STOP)
    assert going.ended_at is None


# Counters that begin again


def part(at: int, seconds: int | None, octets_in: int, octets_out: int) -> Any:
    """An update so many minutes after the Start."""
    update = record(Status.UPDATE, at=FRIDAY_MORNING + at * MINUTE, seconds=seconds)
    return replace(update, octets_in=octets_in, octets_out=octets_out)


@pytest.mark.parametrize(
    ("told", "total"),
    [
        ([part(10, 600, 100, 900), part(20, 300, 10, 50)], (900, 110, 950)),
        ([part(10, 600, 100, 900), part(20, 1200, 10, 50)], (1200, 110, 950)),
        ([part(10, None, 100, 900), part(20, None, 10, 50)], (1200, 110, 950)),
        ([part(10, 0, 100, 900), part(20, 0, 10, 50)], (1200, 110, 950)),
        ([part(10, 600, 10, 900), part(20, 300, 20, 50)], (900, 30, 950)),
        ([part(10, 600, 100, 900), part(20, 300, 10, 50), part(30, 900, 40, 60)], (1500, 140, 960)),
        ([part(5, 300, 9, 9), part(9, 60, 1, 1), part(12, 30, 2, 2)], (390, 12, 12)),
        ([part(10, 600, 0, 0), part(20, 1200, 0, 0)], (1200, 0, 0)),
        (
            [
                part(10, 600, 100, 900),
                replace(part(15, 900, 0, 0), octets_in=None, octets_out=None),
                part(20, 1200, 200, 950),
            ],
            (1200, 200, 950),
        ),
    ],
)
def test_counters_that_begin_again_are_added_up(
    sqlite_store: Store, sqlite_location: Location, told: list[Any], total: tuple[int, int, int]
) -> None:
    """All of it, or the octets alone; told once or twice, at once or one by one."""
    del sqlite_location
    (session,) = tell(sqlite_store, START, *told)
    assert (session.seconds, session.octets_in, session.octets_out) == total
    (again,) = tell(sqlite_store, START, *told)
    assert again == session
    run_sql(sqlite_store, "DELETE FROM wifi_session")
    for each in (START, *told):
        (singly,) = tell(sqlite_store, each)
    assert essence(singly) == essence(session)


@pytest.mark.parametrize(
    "late",
    [
        part(9, 540, 90, 800),
        replace(part(10, 595, 99, 890), at=FRIDAY_MORNING + 10 * MINUTE + timedelta(seconds=20)),
        part(10, 300, 50, 450),
    ],
)
def test_a_late_record_is_no_new_beginning(store: Store, location: Location, late: Any) -> None:
    """By its time, or by the session time that it tells; with Acct-Delay-Time or without."""
    del location
    (session,) = tell(store, START, part(10, 600, 100, 900))
    (same,) = tell(store, late)
    assert (same.seconds, same.octets_in, same.octets_out) == (600, 100, 900)
    assert same.ended_at == session.ended_at


def test_a_stop_ends_a_session_whose_counters_begin_again(store: Store, location: Location) -> None:
    """Also where it tells less than was known."""
    del location
    stop = replace(STOP, at=FRIDAY_MORNING + timedelta(seconds=25), seconds=5, octets_in=1)
    begun = replace(part(0, 20, 100, 900), at=FRIDAY_MORNING + timedelta(seconds=20))
    (over,) = tell(store, START, begun, stop)
    assert over.ended_by == "stop"


# The name as it was sent


def test_the_name_as_it_was_sent_is_sealed(store: Store, location: Location) -> None:
    """Octet for octet; the first record that brings it counts, and nobody reads it in a repr."""
    del location
    sealed = seal_name(store.keyring, b"44863544@gu\xffest\0")
    (without,) = tell(store, replace(START, user_name=""))
    (session,) = tell(store, replace(UPDATE, user_name="******@guest", user_name_sealed=sealed))
    with store.read() as work:
        assert name_as_sent(work, without) is None
        assert name_as_sent(work, session) == b"44863544@gu\xffest\0"
    assert session.user_name == "******@guest"
    assert "sealed" not in repr(session) + repr(UPDATE)
    other = seal_name(store.keyring, b"another")
    (same,) = tell(store, replace(STOP, user_name="another", user_name_sealed=other))
    assert (same.user_name, same.user_name_sealed) == ("******@guest", sealed)


def test_a_name_sealed_with_a_key_that_is_gone(
    store: Store, configuration: Configuration, location: Location
) -> None:
    """A record that waited while the key was changed: the next one brings a name again."""
    del location
    old = seal_name(store.keyring, b"44863544@guest")
    rotate_key(store, configuration.key_file)
    (session,) = tell(store, replace(START, user_name_sealed=old))
    assert session.user_name_sealed is None
    (session,) = tell(store, replace(UPDATE, user_name_sealed=seal_name(store.keyring, b"4486")))
    with store.read() as work:
        assert name_as_sent(work, session) == b"4486"


def test_names_are_sealed_anew_with_a_new_key(
    store: Store, configuration: Configuration, location: Location
) -> None:
    """Also where others have none; and damage to one is found."""
    del location
    sealed = seal_name(store.keyring, b"44863544@guest")
    (session, _) = tell(
        store, replace(START, user_name_sealed=sealed), replace(START, key=f"{9:032x}")
    )
    rotate_key(store, configuration.key_file)
    with store.read() as work:
        session = get_session(work, session.id)
        assert name_as_sent(work, session) == b"44863544@guest"
        assert find_damage(work) == []
    assert session.user_name_sealed != sealed
    run_sql(store, "UPDATE wifi_session SET user_name_sealed = :bad WHERE id = 1", bad=b"bad" * 20)
    with store.read() as work:
        (line,) = find_damage(work)
    assert line.startswith("wifi_session.user_name of row 1")


@pytest.mark.parametrize(
    ("change", "name"),
    [
        ("ended_at = started_at", "end_is_whole"),
        ("heard_at = '2000-01-01 00:00:00.000000'", "heard_after_start"),
        ("ended_by = 'stop', ended_at = '2000-01-01 00:00:00.000000'", "end_after_start"),
        ("ended_by = 'sleep', ended_at = heard_at", "ended_by"),
        ("terminate_cause = 1", "cause_of_a_stop"),
        ("octets_in = -1", "counts_from_zero"),
        ("token_id = 1", "token_of_a_visit"),
        ("disconnect_outcome = 'ack'", "disconnect_is_whole"),
        ("disconnect_outcome = 'yes', disconnect_at = heard_at", "disconnect_outcome"),
    ],
)
def test_what_must_hold_is_held_by_the_store(
    store: Store, location: Location, change: str, name: str
) -> None:
    """Named constraints, whoever writes."""
    register(store, location)
    tell(store, START)
    with pytest.raises(IntegrityError, match=f"ck_wifi_session_{name}"):
        run_sql(store, f"UPDATE wifi_session SET {change}")  # noqa: S608 - from the table above


def test_two_servers_hear_of_the_same_session_at_once(store: Store, location: Location) -> None:
    """One of them may have to try again, as it does with all that waits in its spool."""
    del location
    others = [replace(START, key=f"{key:032x}") for key in range(100, 120)]
    forth, back = [START, *others, UPDATE], [STOP, *reversed(others), UPDATE]
    outcomes = at_once(lambda: tell(store, *forth), lambda: tell(store, *back))
    for told, outcome in zip((forth, back), outcomes, strict=True):
        if isinstance(outcome, Exception):
            assert isinstance(outcome, NexioError), outcome
            tell(store, *told)
    session, *rest = sessions(store)
    assert (session.ended_by, session.seconds, len(rest)) == ("stop", 3600, len(others))
