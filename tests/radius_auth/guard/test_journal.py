"""The journal: acts on disk and in the store, in their order, for everybody who shares them."""

from __future__ import annotations

import sqlite3
import stat
import threading
from contextlib import closing
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy.schema import CreateTable

from nexio.errors import StoreUnreachable
from nexio.network.guard_acts import Kind, Packed, parts_of, times_put_right, values_of
from nexio.network.guard_table import DEVICES_KEPT, GUESSES_KEPT
from nexio.store.plain_values import as_octets
from nexio.store.tables import GuardActRow
from radius_auth.guard.host_journal import HostJournal, guard_path
from radius_auth.guard.journal import Journal
from tests.support.radius.guard_acts import ACTS, AT, act
from tests.support.radius.guesses import NOON, mac
from tests.support.stores import run_sql

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from nexio.configuration import Configuration
    from nexio.store.engine import Store


@pytest.fixture(params=["file", "sqlite", "postgresql"])
def opened(
    request: pytest.FixtureRequest, tmp_path: Path, sqlite_file: None
) -> Iterator[Callable[[], Journal | HostJournal]]:
    """Opens one and the same journal again and again, in each of the places."""
    journals: list[Journal | HostJournal] = []

    def open_() -> Journal | HostJournal:
        if request.param == "file":
            journals.append(HostJournal(guard_path(tmp_path)))
        else:
            made: Configuration = request.getfixturevalue(f"{request.param}_configuration")
            journals.append(Journal(made.database_url))
        return journals[-1]

    yield open_
    for journal in journals:
        journal.close()


def test_acts_come_out_as_they_went_in(opened: Callable[[], Journal | HostJournal]) -> None:
    """In their order and once, to whoever reads them but did not write them."""
    one, other = opened(), opened()
    assert one.exchange(ACTS) == []

    assert other.exchange() == ACTS
    assert other.exchange() == []
    assert one.exchange([act(6)]) == []
    assert other.exchange() == [act(6)]
    assert other.read_again() == [*ACTS, act(6)]


def test_nobody_misses_what_is_written_at_the_same_moment(
    opened: Callable[[], Journal | HostJournal],
) -> None:
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
    HostJournal(path).exchange(ACTS)

    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_a_folder_that_a_group_shares(path: Path) -> None:
    """FreeRADIUS and nexio-radiusd may be two users of one group."""
    path.parent.mkdir()
    path.parent.chmod(0o2770)
    HostJournal(path).exchange(ACTS)

    assert stat.S_IMODE(path.stat().st_mode) == 0o660


def test_a_damaged_file_is_put_aside(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """It says so once, and a new one takes its place."""
    path.parent.mkdir()
    path.write_text("something else " * 1000)
    journal = HostJournal(path)
    with pytest.raises(StoreUnreachable, match="the guard's file"):
        journal.exchange(ACTS)
    journal.exchange(ACTS)

    (aside,) = path.parent.glob("guard.damaged-*")
    assert aside.read_text() == "something else " * 1000
    assert HostJournal(path).exchange() == ACTS
    assert sum("put aside" in line for line in caplog.messages) == 1


def test_another_file_in_its_place(path: Path) -> None:
    """A file that was removed is made anew, and is read on."""
    one, other = HostJournal(path), HostJournal(path)
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
        HostJournal(path).exchange()
    assert "rights" in caught.value.advice


def test_what_is_old_is_removed(path: Path) -> None:
    """Guesses when every bucket is full again, devices when no token is valid."""
    journal = HostJournal(path)
    journal.exchange(ACTS)

    journal.forget_old(NOON + GUESSES_KEPT - timedelta(seconds=1))
    assert HostJournal(path).exchange() == ACTS
    journal.forget_old(NOON + GUESSES_KEPT + timedelta(seconds=1))
    assert [each.kind for each in HostJournal(path).exchange()] == [Kind.IN]
    journal.forget_old(NOON + DEVICES_KEPT + timedelta(seconds=1))
    assert HostJournal(path).exchange() == []
    journal.exchange([act(9)])
    assert HostJournal(path).exchange() == [act(9)]


def test_devices_at_visits_that_are_over_are_removed(path: Path) -> None:
    """Of what was told together the others stay."""
    was_in = [act(n, kind=Kind.IN, cost=0.0, chance=1e-6, visit_id=n) for n in (1, 2)]
    journal = HostJournal(path)
    journal.exchange([act(3), *was_in])

    journal.forget_old(NOON + GUESSES_KEPT + timedelta(seconds=1), frozenset([2]))
    assert HostJournal(path).exchange() == was_in[1:]


def test_a_file_of_an_older_version_is_read(path: Path) -> None:
    """It had a row for each act, in the table of the store."""
    path.parent.mkdir()
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(str(CreateTable(GuardActRow.metadata.tables["guard_act"])))
        rows = [
            (each.kind, f"{NOON:%Y-%m-%d %H:%M:%S}.000000", *each[2:])
            for each in [*ACTS, act(9)._replace(kind=Kind.IN)]
        ]
        connection.executemany(
            "INSERT INTO guard_act (kind, at, writer, serial, host, location_id, visit_id, device,"
            " nas, cost, chance) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            rows,
        )
        connection.execute("UPDATE guard_act SET kind = 'later' WHERE serial = 9")
    journal = HostJournal(path)

    assert journal.exchange([act(6)]) == ACTS
    assert HostJournal(path).exchange() == [*ACTS, act(6)]


def test_a_row_of_an_older_version_is_read(path: Path) -> None:
    """It had the values of each act, and not the octets that a worker made of several."""
    journal = HostJournal(path)
    journal.exchange()
    with closing(sqlite3.connect(path)) as connection, connection:
        later = act(9)._replace(kind="later")
        values = as_octets([values_of(each) for each in (*ACTS, later)])
        connection.execute("INSERT INTO acts (since, body) VALUES (?, ?)", (AT, values))

    assert journal.exchange([act(6)]) == ACTS
    assert HostJournal(path).exchange() == [*ACTS, act(6)]


def test_what_workers_told_is_written_as_it_came(path: Path) -> None:
    """In few rows, which hold no more acts than others."""
    acts = [act(number) for number in range(1, 2_001)]
    HostJournal(path).exchange(Packed(list(parts_of(acts, 30))))

    assert HostJournal(path).exchange() == acts
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT count(*) FROM acts").fetchone() == (3,)


def test_a_part_that_is_damaged_is_passed_over(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """And said; the others are read."""
    journal = HostJournal(path)
    journal.exchange(ACTS)
    journal.exchange([act(6)])
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE acts SET body = substr(body, 2) WHERE id = 1")

    assert HostJournal(path).exchange() == [act(6)]
    assert "damaged" in caplog.text


def test_only_what_is_theirs_is_erased(path: Path) -> None:
    """Of a person's visits all of it, of a device what it did at none."""
    others = [act(4, visit_id=8, device=mac(3)), act(5, visit_id=None, device=mac(2))]
    HostJournal(path).exchange([act(1), act(2, visit_id=None), act(3, visit_id=7), *others])

    assert HostJournal(path).erase([7], [mac(1)]) == []
    assert HostJournal(path).exchange() == others
    held = b"".join(each.read_bytes() for each in path.parent.glob("guard.db*"))
    assert mac(2).encode() in held
    assert mac(1).encode() not in held


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
