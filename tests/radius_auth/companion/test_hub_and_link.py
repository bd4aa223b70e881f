"""Both ends together: what the companion knows, a worker knows; what a worker did is recorded."""

from __future__ import annotations

import socket
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from nexio.errors import StoreUnreachable
from nexio.input.reply_settings import ReplySetting
from nexio.locations.locations import change_settings, edit_location
from nexio.locations.settings import parse_changes
from nexio.network.events import EventBatch, decided
from nexio.network.guard_acts import Act, Kind
from nexio.operations.rotation import rotate_key
from nexio.reception.visits import delete_visit
from nexio.store.engine import Store
from radius_auth.companion import link as link_module
from radius_auth.companion.hub import Hub
from radius_auth.companion.link import Link
from radius_auth.companion.slots import Slots
from radius_auth.decision.device_limits import Answer
from radius_auth.guard import Guard
from radius_auth.guard.host_journal import HostJournal, guard_path
from radius_auth.guard.journal import Journal
from radius_auth.guard.sharing import Sharing
from radius_auth.guard.siblings import Siblings, shared_memory
from radius_auth.protocol.statistics import NOTHING, Counts
from tests.support.people import register
from tests.support.radius.decisions import event
from tests.support.radius.guesses import NOON, attack, guess, mac
from tests.support.radius.radiusd import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from nexio.configuration import Configuration
    from nexio.locations.locations import Location
    from radius_auth.replica.follower import Follower
    from tests.support.clocks import Clock


class Records:
    """Takes batches, and says that they are on a disk when it is told to."""

    lost, without_spool, siblings = 3, True, NOTHING

    def __init__(self) -> None:
        self.batches: list[EventBatch] = []

    def take(self, *batches: EventBatch) -> None:
        """Take what a worker has decided."""
        self.batches += batches


class Companion:
    """A hub with a door."""

    def __init__(self, home: Path, clock: Clock, door: socket.socket) -> None:
        journal = HostJournal(guard_path(home))
        self.records = Records()
        self.sharing = Sharing(journal, Journal("sqlite:////nowhere/nexio.db"), clock)
        self.open_store: Callable[[], Store] = no_store
        self.slots = Slots(self._open_store)
        self.slots.start()
        self.hub = Hub(door, self.records.take, self.records, self.sharing, self.slots)
        self.hub.start()
        self.sharing.exchange_with_host()

    def _open_store(self) -> Store:
        return self.open_store()

    def stop(self) -> None:
        """End its threads."""
        self.hub.stop(0.0)
        self.slots.stop()


def no_store() -> Store:
    """It is away."""
    raise StoreUnreachable("no store", "There is none.")


@pytest.fixture
def door(sqlite_file: None) -> Iterator[socket.socket]:
    """Which the parent of both holds open."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as opened:
        opened.bind("")
        opened.listen(8)
        yield opened


@pytest.fixture
def companion(tmp_path: Path, clock: Clock, door: socket.socket) -> Iterator[Companion]:
    """One that runs."""
    made = Companion(tmp_path, clock, door)
    yield made
    made.stop()


@pytest.fixture
def connect(door: socket.socket, clock: Clock) -> Iterator[Callable[[], Link]]:
    """Makes a worker's end."""
    made: list[Link] = []

    def make() -> Link:
        made.append(Link(door.getsockname(), f"worker{len(made)}", Guard(), clock))
        return made[-1]

    yield make
    for each in made:
        each.close()


def until(links: list[Link], reached: Callable[[], Any]) -> None:
    """Let workers take in what comes, until something is reached."""

    def look() -> Any:
        for each in links:
            each.wait(0.01)
        return reached()

    wait_until(look)


def test_a_worker_knows_what_the_follower_knows(
    companion: Companion,
    connect: Callable[[], Link],
    follower: Follower,
    sqlite_store: Store,
    sqlite_location: Location,
    sqlite_configuration: Configuration,
    clock: Clock,
) -> None:
    """At first all of it, then each change; new keys make another table of it."""
    first = register(sqlite_store, sqlite_location)
    follower.follow()
    early = connect()
    early.wait(0.2)
    assert not early.is_loaded
    companion.hub.follow(follower)
    late = connect()
    links = [early, late]
    until(links, lambda: early.is_loaded and late.is_loaded)

    second = register(sqlite_store, sqlite_location, email="other@example.com")
    with sqlite_store.write() as work:
        delete_visit(work, first.id)
        change_settings(work, sqlite_location, parse_changes(["roaming=on"]))
    follower.follow()
    for each in links:
        until(links, lambda each=each: each.table.find_visit(second.id))  # type: ignore[misc]
        until(links, lambda each=each: each.table.find_visit(first.id).deleted_at)  # type: ignore[misc]
        assert each.table.locations[1].settings.roaming
        assert each.table.nas.find("127.0.0.1") is not None
        assert each.table.visits_of("other@example.com") == follower.table.visits_of(
            "other@example.com"
        )

    vlan = [ReplySetting("walk-in", "vlan", "30")]
    third = register(sqlite_store, sqlite_location, email="third@example.com", source="walk-in")
    with sqlite_store.write() as work:
        edit_location(work, sqlite_location, reply={"walk-in:vlan": vlan})
    follower.follow()
    for each in links:
        until(links, lambda each=each: each.table.find_visit(third.id) and each.table.replies)  # type: ignore[misc]
        assert each.table.replies == follower.table.replies
        assert each.table.find_visit(third.id) == follower.table.find_visit(third.id)

    before = early.table
    rotate_key(sqlite_store, sqlite_configuration.key_file)
    follower.reload()
    follower._reload()  # noqa: SLF001 (what the thread would do)
    until(links, lambda: early.table is not before and early.table.keyring.active)
    (found,) = early.table.visits_with(1, second.pin)
    assert found.id == second.id
    until(links, lambda: not before.all_visits())  # the old one is given back

    clock.advance(hours=3)
    assert early.age.total_seconds() == 3 * 3600


def test_decisions_are_kept_until_they_are_on_a_disk(
    companion: Companion,
    connect: Callable[[], Link],
    tmp_path: Path,
    clock: Clock,
    door: socket.socket,
) -> None:
    """The next companion gets what the one before did not say it has."""
    link = connect()
    batches = [[decided(event(number))] for number in (1, 2, 3)]
    link.hand_over(batches[0])
    until([link], lambda: companion.records.batches)
    companion.hub.stored(companion.records.batches)
    until([link], lambda: not link._batches)  # noqa: SLF001 (what it keeps)
    link.hand_over(batches[1])
    until([link], lambda: len(companion.records.batches) == 2)
    companion.stop()
    link.wait(0.1)
    link.hand_over(batches[2])

    successor = Companion(tmp_path, clock, door)
    until([link], lambda: len(successor.records.batches) == 2)
    assert [list(each.events) for each in successor.records.batches] == batches[1:]
    assert [each.number for each in successor.records.batches] == [2, 3]
    companion.hub, companion.slots = successor.hub, successor.slots  # which end with the test


def test_what_waits_for_a_companion_is_bounded(
    connect: Callable[[], Link], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The oldest are lost, counted and logged; nothing waits."""
    monkeypatch.setattr(link_module, "MOST_DECISIONS", 4)
    link = connect()
    for number in range(1, 4):
        link.hand_over([decided(event(number))] * 2)

    assert link.lost == 2
    assert "2 decisions are lost since the start" in caplog.messages


def test_a_companion_that_hangs_keeps_nobody_waiting(
    connect: Callable[[], Link], tmp_path: Path, clock: Clock, door: socket.socket
) -> None:
    """What it does not take stays where it is, once; afterwards it gets all of it."""
    link = connect()
    many = [decided(event(number)) for number in range(1_000)]
    for _ in range(50):
        link.hand_over(many)
    assert link._channel is not None  # noqa: SLF001 (what waits in it)
    assert len(link._channel._waiting) <= 1  # noqa: SLF001

    companion = Companion(tmp_path, clock, door)
    until([link], lambda: len(companion.records.batches) == 50)
    assert [each.number for each in companion.records.batches] == list(range(1, 51))
    companion.stop()


def test_workers_hear_of_guesses_and_of_what_the_others_did(
    companion: Companion, connect: Callable[[], Link], follower: Follower, clock: Clock
) -> None:
    """Each guess once; and a worker that is new knows what was done before."""
    companion.hub.follow(follower)
    one, other = connect(), connect()
    one.counts = lambda: Counts(accepts={"valid": 2}, unrecorded=7)
    until([one, other], lambda: one.is_loaded and other.is_loaded)
    attack(one._guard, clock(), count=3)  # noqa: SLF001 (as its worker does)
    one.send_acts()
    until([one, other], lambda: 1 in other._guard.visits())  # noqa: SLF001
    late = connect()
    until([one, other, late], lambda: late.is_loaded)
    companion.sharing.exchange_with_host()
    until([one, other, late], lambda: other.siblings.accepts)

    levels = {
        each._guard.visits()[1].bucket.level(clock().timestamp())  # noqa: SLF001
        for each in (one, other, late)
    }
    assert len(levels) == 1
    assert not late._guard.look(guess(mac(9)), clock()).is_pause  # noqa: SLF001 (they are one server)
    assert other.siblings == Counts(accepts={"valid": 2})
    assert (other.lost, other.without_spool) == (3, True)
    kinds = [act.kind for act in HostJournal(guard_path_of(companion)).exchange()]
    assert Kind.GUESS in kinds


def test_what_a_worker_tells_last_is_heard(
    companion: Companion, connect: Callable[[], Link], follower: Follower, clock: Clock
) -> None:
    """It is gone before the companion has passed on what it told."""
    companion.hub.follow(follower)
    one, other = connect(), connect()
    until([one, other], lambda: one.is_loaded and other.is_loaded)
    attack(one._guard, clock(), count=3)  # noqa: SLF001 (as its worker does)
    one.send_acts()
    assert one._channel is not None  # noqa: SLF001
    one._channel.close()  # noqa: SLF001

    until([other], lambda: 1 in other._guard.visits())  # noqa: SLF001
    companion.sharing.exchange_with_host()
    acts = HostJournal(guard_path_of(companion)).exchange()
    assert [act.kind for act in acts].count(Kind.GUESS) == 3


def test_a_guess_while_others_are_told_is_told_the_next_time(
    companion: Companion,
    connect: Callable[[], Link],
    follower: Follower,
    clock: Clock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """FreeRADIUS's threads guess while the plugin's own thread tells."""
    companion.hub.follow(follower)
    one, other = connect(), connect()
    until([one, other], lambda: one.is_loaded and other.is_loaded)
    guard = one._guard  # noqa: SLF001 (as its worker does)
    attack(guard, clock(), count=1)
    with monkeypatch.context() as change:

        class Interrupted:
            def __getattr__(self, name: str) -> object:
                return getattr(guard, name)

            def news_after(self, serial: int) -> list[Act]:
                news = guard.news_after(serial)
                attack(guard, clock(), first=2000, count=1)
                return news

        change.setattr(one, "_guard", Interrupted())
        one.send_acts()
    one.send_acts()

    def levels() -> set[float]:
        return {
            each._guard.visits()[1].bucket.level(clock().timestamp())  # noqa: SLF001
            for each in (one, other)
        }

    until([one, other], lambda: 1 in other._guard.visits() and len(levels()) == 1)  # noqa: SLF001


def test_r18_a_slot_is_asked_for(
    companion: Companion,
    connect: Callable[[], Link],
    sqlite_store: Store,
    sqlite_location: Location,
    sqlite_configuration: Configuration,
    door: socket.socket,
    tmp_path: Path,
    clock: Clock,
) -> None:
    """Each worker hears of its own; a companion that is replaced is asked again."""
    visit = register(sqlite_store, sqlite_location, max_devices="1")
    companion.open_store = lambda: Store.open(sqlite_configuration)
    links = [connect(), connect()]
    heard: list[tuple[int, int, str, Answer]] = []
    for number, each in enumerate(links):
        each.slot_answered = lambda *answer, number=number: heard.append((number, *answer))
    links[0].ask_slot(visit.id, mac(1))
    until(links, lambda: heard)
    links[1].ask_slot(visit.id, mac(2))
    until(links, lambda: len(heard) == 2)
    assert heard == [(0, visit.id, mac(1), Answer.TAKEN), (1, visit.id, mac(2), Answer.FULL)]

    companion.stop()
    links[0].ask_slot(visit.id, mac(3))
    links[1].ask_slot(visit.id, mac(4))
    links[1].forget_slot(visit.id, mac(4))
    for each in links:
        each.wait(0.01)
    successor = Companion(tmp_path, clock, door)
    until(links, lambda: len(heard) == 3)
    companion.hub, companion.slots = successor.hub, successor.slots  # which end with the test
    assert heard[2:] == [(0, visit.id, mac(3), Answer.AWAY)]


def guard_path_of(companion: Companion) -> Path:
    """Where the host's file is."""
    path: Path = companion.sharing._file._journal._file.path  # type: ignore[union-attr]  # noqa: SLF001
    return path


def test_counts_are_summed() -> None:
    """Means by the number of decisions, the slowest of all."""
    one = Counts(accepts={"valid": 1}, rejects={"wrong PIN": 2}, repeats=1, mean_us=100)
    other = Counts(accepts={"valid": 1}, lost=4, mean_us=500, slowest_us=900, without_spool=1)
    assert one.plus(other) == Counts(
        accepts={"valid": 2},
        rejects={"wrong PIN": 2},
        repeats=1,
        lost=4,
        without_spool=1,
        mean_us=200,
        slowest_us=900,
    )
    assert one.plus(NOTHING) == replace(one, discards={})


def test_a_beat_withdraws_no_guess_that_is_looked_at(
    companion: Companion, follower: Follower, door: socket.socket, clock: Clock
) -> None:
    """It may come while the guess waits for a sibling at another visit of the same e-mail."""
    memory = shared_memory(2)
    one, other = (Guard(Siblings(memory, 2, index, patience=0.0)) for index in range(2))
    companion.hub.follow(follower)
    link = Link(door.getsockname(), "worker", one, clock)
    one.look(guess(mac(1)), NOON)

    until([link], lambda: link.lost == companion.records.lost)  # as the beat says
    link.close()

    assert other.look(guess(mac(2)), NOON).is_pause
