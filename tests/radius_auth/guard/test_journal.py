"""The journal: acts on disk and in the store, in their order, for everybody who shares them."""

from __future__ import annotations

import stat
import threading
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from nexio.errors import StoreUnreachable
from nexio.network.guard_acts import Kind, times_put_right
from nexio.network.guard_table import DEVICES_KEPT, GUESSES_KEPT
from radius_auth.guard.journal import Journal, guard_path
from tests.support.radius.guard_acts import ACTS, AT, act
from tests.support.radius.guesses import NOON
from tests.support.stores import run_sql

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from nexio.configuration import Configuration
    from nexio.store.engine import Store


@pytest.fixture(params=["file", "sqlite", "postgresql"])
def opened(
    request: pytest.FixtureRequest, tmp_path: Path, sqlite_file: None
) -> Iterator[Callable[[], Journal]]:
    """Opens one and the same journal again and again, in each of the places."""
    journals: list[Journal] = []

    def open_() -> Journal:
        if request.param == "file":
            journals.append(Journal.in_file(guard_path(tmp_path)))
        else:
            made: Configuration = request.getfixturevalue(f"{request.param}_configuration")
            journals.append(Journal(made.database_url))
        return journals[-1]

    yield open_
    for journal in journals:
        journal.close()


def test_acts_come_out_as_they_went_in(opened: Callable[[], Journal]) -> None:
    """In their order and once, to whoever reads them but did not write them."""
    one, other = opened(), opened()
    assert one.exchange(ACTS) == []

    assert other.exchange() == ACTS
    assert other.exchange() == []
    assert one.exchange([act(6)]) == []
    assert other.exchange() == [act(6)]
    assert other.read_again() == [*ACTS, act(6)]


def test_nobody_misses_what_is_written_at_the_same_moment(opened: Callable[[], Journal]) -> None:
    """Four servers write, one reads all the while."""
    start, journals = threading.Barrier(4), [opened() for _ in range(5)]
    for journal in journals:
        journal.exchange()

    def write(number: int) -> None:
        start.wait()
        for serial in range(1, 21):
            journals[number].exchange([act(serial, writer=f"w{number}")])

    writers = [threading.Thread(target=write, args=[number]) for number in range(4)]
    for writer in writers:
        writer.start()
    read = []
    while any(writer.is_alive() for writer in writers):
        read += journals[-1].exchange()
    read += journals[-1].exchange()

    assert len(read) == 80
    for number in range(4):
        serials = [each.serial for each in read if each.writer == f"w{number}"]
        assert serials == list(range(1, 21))


def test_what_is_old_is_removed(opened: Callable[[], Journal]) -> None:
    """Guesses when every bucket is full again, devices when no token is valid."""
    journal = opened()
    journal.exchange(ACTS)

    journal.forget_old(NOON + GUESSES_KEPT - timedelta(seconds=1))
    assert opened().exchange() == ACTS
    journal.forget_old(NOON + GUESSES_KEPT + timedelta(seconds=1))
    assert [each.kind for each in opened().exchange()] == [Kind.IN]
    journal.forget_old(NOON + DEVICES_KEPT + timedelta(seconds=1))
    assert opened().exchange() == []
    journal.exchange([act(9)])
    assert opened().exchange() == [act(9)]


def test_an_act_of_a_newer_version_is_passed_over(
    sqlite_store: Store, sqlite_configuration: Configuration
) -> None:
    """While the servers of a store are updated one after the other."""
    journal = Journal(sqlite_configuration.database_url)
    journal.exchange(ACTS[:1])
    run_sql(sqlite_store, "UPDATE guard_act SET kind = 'later'")
    journal.exchange(ACTS[1:2])

    assert Journal(sqlite_configuration.database_url).exchange() == ACTS[1:2]


# The file


@pytest.fixture
def path(tmp_path: Path, sqlite_file: None) -> Path:
    """Where it is, in a folder that is not there yet."""
    return guard_path(tmp_path)


def test_it_is_closed_to_others(path: Path) -> None:
    """Must 20: as the spool is."""
    Journal.in_file(path).exchange(ACTS)

    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_a_folder_that_a_group_shares(path: Path) -> None:
    """FreeRADIUS and nexio-radiusd may be two users of one group."""
    path.parent.mkdir()
    path.parent.chmod(0o2770)
    Journal.in_file(path).exchange(ACTS)

    assert stat.S_IMODE(path.stat().st_mode) == 0o660


def test_a_damaged_file_is_put_aside(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """It says so once, and a new one takes its place."""
    path.parent.mkdir()
    path.write_text("something else " * 1000)
    journal = Journal.in_file(path)
    with pytest.raises(StoreUnreachable, match="the guard's file"):
        journal.exchange(ACTS)
    journal.exchange(ACTS)

    (aside,) = path.parent.glob("guard.damaged-*")
    assert aside.read_text() == "something else " * 1000
    assert Journal.in_file(path).exchange() == ACTS
    assert sum("put aside" in line for line in caplog.messages) == 1


def test_another_file_in_its_place(path: Path) -> None:
    """A file that was removed is made anew, and is read on."""
    one, other = Journal.in_file(path), Journal.in_file(path)
    one.exchange(ACTS)
    other.exchange()
    for each in path.parent.glob("guard.db*"):
        each.unlink()

    one.exchange()
    other.exchange()
    one.exchange(ACTS[:1])
    assert other.exchange() == ACTS[:1]


def test_a_closed_folder_says_so(path: Path) -> None:
    """With a word about rights."""
    path.parent.write_text("")

    with pytest.raises(StoreUnreachable, match="the guard's file") as caught:
        Journal.in_file(path).exchange()
    assert "rights" in caught.value.advice


# Times that cannot be


def test_a_clock_that_was_ahead_leaves_no_times_in_the_future() -> None:
    """Nothing happened after what the same host wrote later, or after now."""
    month, minute = 30 * 86_400.0, 60.0
    acts = [
        act(1, at=AT),
        act(2, at=AT + month),
        act(3, at=AT + month + minute),
        act(4, at=AT + 2 * minute),
        act(5, at=AT + month, host="there"),
        act(6, at=AT + 3 * minute),
    ]
    right = times_put_right(acts, AT + 9 * minute)
    assert [(each.serial, (each.at - AT) / minute) for each in right] == [
        (1, 0), (2, 2), (3, 2), (4, 2), (5, 9), (6, 3),
    ]  # fmt: skip
