"""Sharing: the processes of a host, the servers of a store, and a restart."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from nexio.network.guard_acts import Kind
from nexio.network.guard_table import GUESSES_KEPT
from nexio.operations.housekeeping import tidy
from radius_auth.guard.host_journal import HostJournal, guard_path
from radius_auth.guard.journal import Journal
from radius_auth.guard.sharing import Sharing, shared_guard
from tests.support.clocks import Clock
from tests.support.people import register
from tests.support.radius.guesses import (
    DAY,
    MINUTE,
    NOON,
    attack,
    guess,
    is_open,
    mac,
    slowly,
    waits,
)
from tests.support.radius.guests import HOUR, SECOND

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from nexio.configuration import Configuration
    from nexio.locations.locations import Location
    from nexio.store.engine import Store

PHONE = mac(1)
NOWHERE = "sqlite:////nowhere/nexio.db"


@pytest.fixture
def clock() -> Clock:
    """Noon, on every host."""
    return Clock(NOON)


@pytest.fixture
def start(
    configuration: Configuration, tmp_path: Path, clock: Clock
) -> Iterator[Callable[..., Sharing]]:
    """Starts a server on a host, which has read what there is."""
    made: list[Sharing] = []

    def start(host: str = "one", *, store: bool = True) -> Sharing:
        url = configuration.database_url if store else NOWHERE
        sharing = Sharing(HostJournal(guard_path(tmp_path / host)), Journal(url), clock)
        sharing.guard.host = host
        sharing.exchange()
        made.append(sharing)
        return sharing

    yield start
    for sharing in made:
        sharing.close()


def meet(*servers: Sharing) -> None:
    """Let all of them tell and hear."""
    for _ in range(2):
        for each in servers:
            each.exchange()


@pytest.mark.parametrize("hosts", [("one", "one"), ("one", "two")])
def test_servers_share_a_bucket(start: Callable[..., Sharing], hosts: tuple[str, str]) -> None:
    """The processes of a host, and the hosts of a store; each act counts once."""
    one, other = map(start, hosts)
    meet(one, other)
    slowly(one.guard, guess(PHONE), NOON, most=3)
    meet(one, other)

    assert other.guard.visits()[1].bucket.level(NOON.timestamp()) == 5
    assert sum(attack(other.guard, NOON + n * MINUTE, first=n, count=1) for n in range(9)) == 3


def test_the_processes_of_a_host_share_while_the_store_is_away(
    start: Callable[..., Sharing], caplog: pytest.LogCaptureFixture
) -> None:
    """Logged once; and the store hears of it when it is back."""
    one, other = start(store=False), start(store=False)
    attack(one.guard, NOON)
    meet(one, other)

    assert other.guard.visits()[1].bucket.level(NOON.timestamp()) < 8
    assert sum("not shared through the store" in line for line in caplog.messages) == 2


def test_servers_share_while_the_file_is_away(
    start: Callable[..., Sharing], tmp_path: Path
) -> None:
    """And a file that can be used again gets what it has missed."""
    (tmp_path / "one").write_text("a file where the folder should be")
    one, other = start(), start("two")
    slowly(one.guard, guess(PHONE), NOON, most=1)
    meet(one, other)
    assert 1 in other.guard.visits()

    (tmp_path / "one").unlink()
    meet(one, other)
    assert Kind.GUESS in {
        each.kind for each in HostJournal(guard_path(tmp_path / "one")).exchange()
    }


@pytest.mark.parametrize("store", [True, False])
def test_a_restart_forgets_nothing(start: Callable[..., Sharing], store: bool) -> None:
    """Neither guesses nor which devices were in; nor does it count them twice."""
    before = start(store=store)
    before.guard.record_login(guess(PHONE), 1, NOON)
    slowly(before.guard, guess(mac(2), 2), NOON, most=3)
    attack(before.guard, NOON)
    before.stop()

    after = start(store=store).guard
    assert is_open(after, guess(PHONE), NOON)
    assert not is_open(after, guess(mac(2)), NOON)
    assert attack(after, NOON, 2) == 3


def test_a_store_that_comes_late_is_counted_as_of_when_it_was(
    start: Callable[..., Sharing], configuration: Configuration, clock: Clock
) -> None:
    """What happened days ago makes nobody wait now."""
    old = start("two")
    for day in range(3):
        attack(old.guard, NOON + day * DAY)
        clock.now = NOON + day * DAY
        old.exchange()
    old.stop()
    late = start("one", store=False)
    attack(late.guard, clock.now, 2, count=2)
    late._store._journal = Journal(configuration.database_url)  # noqa: SLF001 - it is back
    clock.advance(hours=24)
    late.exchange()

    level = late.guard.visits()[1].bucket.level(clock.now.timestamp())
    assert level == pytest.approx(old.guard.visits()[1].bucket.level(clock.now.timestamp()))
    assert late.guard.visits()[2].bucket.level(clock.now.timestamp()) == 8


@pytest.mark.parametrize("told", [False, True])
def test_what_was_right_is_taken_back_everywhere(start: Callable[..., Sharing], told: bool) -> None:
    """Whether the others had heard of the guess or not."""
    one, other = start(), start("two")
    meet(one, other)
    number = one.guard.reserve(guess(PHONE), 1, NOON)
    assert number is not None
    if told:
        meet(one, other)
        assert other.guard.visits()[1].bucket.level(NOON.timestamp()) == 7
    one.guard.give_back(number, None, NOON)
    meet(one, other)

    held = other.guard.visits()
    assert not held or held[1].bucket.level(NOON.timestamp()) == 8


def test_a_host_whose_clock_is_wrong_gives_nobody_guesses(start: Callable[..., Sharing]) -> None:
    """What others tell happened when it was heard."""
    one, other = start(), start("two")
    attack(one.guard, NOON)
    meet(one, other)
    for ago in (-30 * DAY, 30 * DAY):
        slowly(other.guard, guess(PHONE, 2), NOON + ago, most=1)
    meet(one, other)

    assert waits(one.guard, guess(PHONE), NOON) >= 6 * HOUR
    assert waits(one.guard, guess(PHONE, 2), NOON + MINUTE) <= 2 * SECOND


def test_6_a_clock_that_was_a_month_ahead(start: Callable[..., Sharing], clock: Clock) -> None:
    """Once it is right again, so are the waits, here and after a restart."""
    server = start()
    clock.now = NOON + 30 * DAY
    server.exchange()
    slowly(server.guard, guess(PHONE), clock.now, most=6)
    server.exchange()
    clock.now = NOON + MINUTE
    server.exchange()
    clock.now = NOON + HOUR
    server.exchange()

    for guard in (server.guard, start("one").guard, start("two").guard):
        assert guard.visits()[1].bucket.level(clock.now.timestamp()) == pytest.approx(
            2.17, abs=0.02
        )
        assert waits(guard, guess(mac(2)), clock.now) < 5.1 * HOUR
        assert waits(guard, guess(PHONE), clock.now) == 23 * HOUR + MINUTE


def test_it_works_on_its_own(sqlite_configuration: Configuration) -> None:
    """Threads tell and hear without being asked, and end."""
    with shared_guard(sqlite_configuration) as other, shared_guard(sqlite_configuration) as one:
        slowly(one, guess(PHONE), NOON, most=3)
    assert 1 in other.visits()


def test_devices_of_visits_that_are_over_are_forgotten(
    start: Callable[..., Sharing],
    configuration: Configuration,
    store: Store,
    location: Location,
    clock: Clock,
    tmp_path: Path,
) -> None:
    """On the disk of a host and by housekeeping, so that a start reads few of them."""
    over = register(store, location).id
    lasting = register(store, location, email="ada@example.com", arrival="tomorrow 9am").id
    server = start()
    for visit in (over, lasting):
        server.guard.record_login(guess(PHONE, visit), visit, NOON)
    meet(server)
    clock.now = NOON + GUESSES_KEPT + DAY
    server.guard.record_login(guess(mac(2), over), over, clock.now)  # what is new stays in any case
    for _ in range(2):
        meet(server)
        clock.advance(hours=2)
    tidy(store)

    for journal in (
        HostJournal(guard_path(tmp_path / "one")),
        Journal(configuration.database_url),
    ):
        devices = [each for each in journal.read_again() if each.kind == Kind.IN]
        journal.close()
        assert [(each.visit_id, each.device) for each in devices] == [
            (lasting, PHONE),
            (over, mac(2)),
        ]


def test_without_the_store_no_device_is_forgotten(
    start: Callable[..., Sharing], clock: Clock, tmp_path: Path
) -> None:
    """Nobody knows which visits are over then."""
    server = start(store=False)
    server.guard.record_login(guess(PHONE), 1, NOON)
    for days in (1, 9):
        clock.now = NOON + days * DAY
        meet(server)

    acts = HostJournal(guard_path(tmp_path / "one")).read_again()
    assert Kind.IN in {each.kind for each in acts}


def test_no_password_is_on_disk(start: Callable[..., Sharing], tmp_path: Path) -> None:
    """Must 20: nor what was made of one."""
    server = start()
    made = guess()
    server.guard.count(made, server.guard.look(made, NOON), NOON, b"135790")
    server.exchange()

    assert b"135790" not in b"".join(
        each.read_bytes() for each in (tmp_path / "one" / "spool").iterdir()
    )
