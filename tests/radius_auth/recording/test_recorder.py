"""Recording decisions: from memory to the spool, from the spool to the store."""

import logging
import shutil
import threading
from collections.abc import Callable, Sequence
from itertools import count
from pathlib import Path

import pytest

from nexio.configuration import Configuration
from nexio.errors import SchemaMismatch, StoreUnreachable
from nexio.network.event_log import list_events, record_events
from nexio.network.events import AuthEvent
from nexio.store.engine import Store, Writing
from nexio.store.schema import HEAD
from radius_auth.recording import recorder
from radius_auth.recording import spool as spool_module
from radius_auth.recording.recorder import Recorder
from radius_auth.recording.spool import Spool
from tests.support.full_disks import fill, full_disk
from tests.support.radius.decisions import event, events
from tests.support.radius.radiusd import PATIENCE, wait_until
from tests.support.stores import run_sql


@pytest.fixture
def path(tmp_path: Path, sqlite_file: None) -> Path:
    """Where the spool is."""
    return tmp_path / "spool" / "radiusd.db"


def opening(configuration: Configuration) -> Callable[[], Store]:
    """How a recorder opens the store."""
    return lambda: Store.open(configuration)


def stored(store: Store) -> list[AuthEvent]:
    """What the log shows, oldest first."""
    with store.read() as work:
        return [logged.event for logged in list_events(work, None, limit=10_000)]


def recording(taker: Recorder[AuthEvent], taken: Sequence[AuthEvent]) -> None:
    """Hand over some events."""
    for each in taken:
        taker.record(each)


def test_decisions_reach_the_store_in_order(
    configuration: Configuration, store: Store, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In groups, on both engines, and none stays behind."""
    monkeypatch.setattr(recorder, "GROUP", 3)
    taker = Recorder(Spool(path, AuthEvent), opening(configuration), record_events)
    recording(taker, events(8))

    taker.flush()

    assert stored(store) == events(8)
    assert Spool(path, AuthEvent).oldest(1) == []
    taker.stop()


def test_the_thread_writes_what_is_left_at_the_end(
    sqlite_configuration: Configuration, sqlite_store: Store, path: Path
) -> None:
    """SIGTERM drains."""
    taker = Recorder(Spool(path, AuthEvent), opening(sqlite_configuration), record_events)
    taker.start()
    recording(taker, events(3))

    taker.stop()

    assert stored(sqlite_store) == events(3)


class Forgetful(Spool[AuthEvent]):
    """A spool whose server dies before it could note that the store has the events."""

    def remove(self, events: Sequence[AuthEvent]) -> None:
        """Die."""
        raise StoreUnreachable("killed")


def test_a_crash_before_the_note_stores_nothing_twice(
    configuration: Configuration, store: Store, path: Path
) -> None:
    """Exactly once by record id."""
    taker = Recorder(Forgetful(path, AuthEvent), opening(configuration), record_events)
    recording(taker, events(2))
    with pytest.raises(StoreUnreachable):
        taker.flush()
    assert stored(store) == events(2)

    successor = Recorder(Spool(path, AuthEvent), opening(configuration), record_events)
    successor.record(event(3))
    successor.flush()

    assert stored(store) == events(3)
    taker.stop()
    successor.stop()


def test_a_file_that_is_exchanged_at_the_commit_of_decisions(
    sqlite_configuration: Configuration, sqlite_store: Store, path: Path
) -> None:
    """The old file has them, and is not the store any more: the new one gets them, once."""
    file = sqlite_configuration.home / "nexio.db"
    new = Path(shutil.copy(file, file.with_name("new.db")))

    def keep(work: Writing, records: Sequence[AuthEvent]) -> None:
        record_events(work, records)
        if new.exists():
            new.rename(file)

    taker = Recorder(Spool(path, AuthEvent), opening(sqlite_configuration), keep)
    recording(taker, events(3))
    with pytest.raises(StoreUnreachable, match="another file was put in the place of"):
        taker.flush()
    for _ in range(2):
        taker.flush()
    assert stored(sqlite_store) == events(3)
    assert Spool(path, AuthEvent).oldest(1) == []
    taker.stop()


class Outage:
    """Opens the store when it is back."""

    def __init__(self, configuration: Configuration) -> None:
        self._configuration = configuration
        self.over = False

    def __call__(self) -> Store:
        """Open it, or not."""
        if not self.over:
            raise StoreUnreachable("nobody there")
        return Store.open(self._configuration)


def test_while_the_store_is_away_the_spool_keeps_them(
    sqlite_configuration: Configuration, sqlite_store: Store, path: Path
) -> None:
    """Delivered later, in order, across a restart of the server."""
    outage = Outage(sqlite_configuration)
    taker = Recorder(Spool(path, AuthEvent), outage, record_events)
    recording(taker, events(4)[:2])
    taker.stop()
    assert Spool(path, AuthEvent).oldest(99) == events(2)

    successor = Recorder(Spool(path, AuthEvent), outage, record_events)
    recording(successor, events(4)[2:])
    with pytest.raises(StoreUnreachable):
        successor.flush()
    outage.over = True
    successor.flush()

    assert stored(sqlite_store) == events(4)
    assert Spool(path, AuthEvent).oldest(99) == []
    successor.stop()


def test_the_store_stays_open_until_there_is_trouble(
    configuration: Configuration, store: Store, path: Path
) -> None:
    """One that was brought up meanwhile is left alone; what waited comes later."""
    opened: list[Store] = []

    def open_store() -> Store:
        opened.append(Store.open(configuration))
        return opened[-1]

    taker = Recorder(Spool(path, AuthEvent), open_store, record_events)
    for each in events(3)[:2]:
        taker.record(each)
        taker.flush()
    assert len(opened) == 1

    run_sql(store, "UPDATE alembic_version SET version_num = '9999'")
    taker.record(events(3)[2])
    for _ in range(2):
        with pytest.raises(SchemaMismatch):
            taker.flush()
    assert stored(store) == events(2)

    run_sql(store, "UPDATE alembic_version SET version_num = :version", version=HEAD)
    taker.flush()
    assert stored(store) == events(3)
    taker.stop()


def test_a_store_that_lets_nobody_in_keeps_nothing_in_memory(
    sqlite_configuration: Configuration, sqlite_store: Store, path: Path
) -> None:
    """A crash loses a moment, also while a write to the store hangs."""
    asked, locked = threading.Event(), threading.Event()

    def opens_late() -> Store:
        asked.set()
        assert locked.wait(PATIENCE)
        return Store.open(sqlite_configuration)

    spool = Spool(path, AuthEvent)
    taker = Recorder(spool, opens_late, record_events)
    taker.start()
    recording(taker, events(4)[:2])
    assert asked.wait(PATIENCE)
    recording(taker, events(4)[2:])
    wait_until(lambda: spool.oldest(99) == events(4))
    locked.set()
    taker.stop()

    assert stored(sqlite_store) == events(4)


def test_without_a_spool_they_go_straight_to_the_store(
    configuration: Configuration, store: Store, path: Path
) -> None:
    """Gone while it runs; then the spool is used again."""
    taker = Recorder(Spool(path, AuthEvent), opening(configuration), record_events)
    path.unlink()
    recording(taker, events(4)[:2])
    taker.flush()
    states = [taker.without_spool]
    assert stored(store) == events(2)

    Spool(path, AuthEvent)
    recording(taker, events(4)[2:])
    taker.flush()

    assert [*states, taker.without_spool] == [True, False]
    assert stored(store) == events(4)
    assert taker.lost == 0
    taker.stop()


def test_a_spool_that_was_never_there(
    sqlite_configuration: Configuration, sqlite_store: Store, path: Path
) -> None:
    """The server starts, and by itself all of it reaches the store."""
    path.parent.write_text("a file where the folder should be")
    taker = Recorder(Spool(path, AuthEvent), opening(sqlite_configuration), record_events)
    assert taker.without_spool
    taker.start()
    recording(taker, events(3))
    wait_until(lambda: stored(sqlite_store) == events(3))
    path.parent.unlink()
    wait_until(lambda: not taker.without_spool)
    recording(taker, events(4)[3:])
    taker.stop()
    assert stored(sqlite_store) == events(4)
    assert taker.lost == 0


def test_a_spool_on_a_full_disk(
    sqlite_configuration: Configuration, sqlite_store: Store, path: Path
) -> None:
    """What it holds already gets into the store, and what is new, too."""
    spool = Spool(path, AuthEvent)
    with full_disk():
        taken = fill(spool)
        new = [event(len(taken) + number) for number in (1, 2)]
        taker = Recorder(spool, opening(sqlite_configuration), record_events)
        recording(taker, new)
        taker.stop()
    assert sorted(each.record_id for each in stored(sqlite_store)) == [
        each.record_id for each in [*taken, *new]
    ]


def test_what_is_lost_at_the_end_is_told(
    sqlite_configuration: Configuration,
    sqlite_store: Store,
    path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Neither spool nor store; how many, and not a word without loss."""
    taker = Recorder(Spool(path, AuthEvent), Outage(sqlite_configuration), record_events)
    path.unlink()
    recording(taker, events(3))
    taker.stop()
    assert taker.lost == 3
    assert caplog.messages[-1] == "3 records are lost since the start"
    assert stored(sqlite_store) == []


@pytest.mark.parametrize("with_spool", [True, False])
def test_one_record_that_cannot_be_stored_costs_one_record(
    configuration: Configuration,
    store: Store,
    path: Path,
    caplog: pytest.LogCaptureFixture,
    with_spool: bool,
) -> None:
    """It holds up no other one, and its loss is told, not its content."""
    taker = Recorder(Spool(path, AuthEvent), opening(configuration), record_events)
    if not with_spool:
        path.unlink()
    bad = event(3, outcome="44863544")  # a constraint of the store refuses it
    recording(taker, [*events(2), bad, *events(9)[3:]])
    taker.flush()
    assert stored(store) == [*events(2), *events(9)[3:]]
    assert taker.lost == 1
    assert "1 records cannot be stored and are lost: IntegrityError" in caplog.messages
    assert "44863544" not in caplog.text
    taker.stop()


def test_a_fault_that_hits_all_loses_nothing(
    sqlite_configuration: Configuration, path: Path
) -> None:
    """It is tried again."""

    def keep(work: Writing, records: Sequence[AuthEvent]) -> None:
        raise ZeroDivisionError

    taker = Recorder(Spool(path, AuthEvent), opening(sqlite_configuration), keep)
    recording(taker, events(4))
    with pytest.raises(ZeroDivisionError):
        taker.flush()
    assert Spool(path, AuthEvent).oldest(9) == events(4)
    assert taker.lost == 0
    taker.stop()


def test_a_server_that_ends_leaves_the_rest_in_the_spool(
    sqlite_configuration: Configuration,
    sqlite_store: Store,
    path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A backlog does not hold up the end, and nothing of it is lost."""
    monkeypatch.setattr(recorder, "LAST_SECONDS", 0.0)
    taker = Recorder(Spool(path, AuthEvent), opening(sqlite_configuration), record_events)
    recording(taker, events(4))
    taker.stop()
    assert stored(sqlite_store) == []
    assert Spool(path, AuthEvent).oldest(9) == events(4)
    assert taker.lost == 0


def test_keeping_at_once(configuration: Configuration, store: Store, path: Path) -> None:
    """Must 16: in the spool, else in the store, and it returns only then; else it says so."""
    outage = Outage(configuration)
    taker = Recorder(Spool(path, AuthEvent), outage, record_events)
    taker.store_now(events(1))
    assert Spool(path, AuthEvent).oldest(9) == events(1)
    path.unlink()
    with pytest.raises(StoreUnreachable, match="nobody there"):
        taker.store_now([event(2)])
    outage.over = True
    taker.store_now([event(2)])
    assert stored(store) == [event(2)]
    assert taker.has_room("ap-1")
    taker.stop()


def test_a_flood_of_one_nas_does_not_hold_up_another(
    sqlite_configuration: Configuration,
    sqlite_store: Store,
    path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Its decision is in the store with the first group."""
    monkeypatch.setattr(recorder, "GROUP", 50)
    groups: list[int] = []
    flood = [event(number, nas="flood") for number in range(1, 501)]

    def keep(work: Writing, records: Sequence[AuthEvent]) -> None:
        record_events(work, records)
        groups.append(sum(each.nas == "lobby" for each in records))

    taker = Recorder(Spool(path, AuthEvent), opening(sqlite_configuration), keep)
    recording(taker, [*flood, event(501, nas="lobby")])
    taker.flush()
    assert groups[0] == 1
    assert len(stored(sqlite_store)) == 501
    taker.stop()


def test_decisions_beyond_the_limit_are_counted(
    sqlite_configuration: Configuration, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One NAS cannot fill the disk while the store is away."""
    monkeypatch.setattr(spool_module, "MOST_OF_ONE", 3)
    taker = Recorder(Spool(path, AuthEvent), Outage(sqlite_configuration), record_events)
    for number in range(1, 7):
        taker.record(event(number, nas="flood"))
        with pytest.raises(StoreUnreachable):
            taker.flush()
    taker.record(event(9, nas="lobby"))
    with pytest.raises(StoreUnreachable):
        taker.flush()
    assert taker.lost == 3
    assert len(Spool(path, AuthEvent).oldest(99)) == 4
    taker.stop()


def test_a_stop_without_a_spool_raises_nothing(
    sqlite_configuration: Configuration, path: Path
) -> None:
    """A server ends in peace, whatever its disk does."""
    taker = Recorder(Spool(path, AuthEvent), opening(sqlite_configuration), record_events)
    path.unlink()
    taker.start()
    taker.record(event())

    taker.stop()

    assert not path.exists()  # what is gone is not made anew behind the engineer's back


def test_an_outage_is_logged_once(
    path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Must 20: not with every try."""
    caplog.set_level(logging.WARNING, "radius_auth.recording.recorder")
    monkeypatch.setattr(recorder, "EVERY_SECONDS", 0.001)
    tried_often, tries = threading.Event(), count(1)

    def fails() -> Store:
        if next(tries) == 20:
            tried_often.set()
        raise StoreUnreachable("nobody there")

    taker = Recorder(Spool(path, AuthEvent), fails, record_events)
    taker.record(event())
    taker.start()
    assert tried_often.wait(10)
    taker.stop()

    assert caplog.messages == ["records wait in the spool: nobody there"]


def test_what_cannot_be_kept_on_disk_is_bounded(
    sqlite_configuration: Configuration, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The newest are kept, the memory is not filled."""
    monkeypatch.setattr(recorder, "MOST_IN_MEMORY", 3)
    taker = Recorder(Spool(path, AuthEvent), Outage(sqlite_configuration), record_events)
    path.unlink()
    recording(taker, events(5))
    with pytest.raises(StoreUnreachable, match="nobody there"):
        taker.flush()
    taker.record(event(6))
    assert taker.lost == 3

    Spool(path, AuthEvent)
    with pytest.raises(StoreUnreachable, match="nobody there"):
        taker.flush()

    assert Spool(path, AuthEvent).oldest(99) == [event(4), event(5), event(6)]
    taker.stop()
