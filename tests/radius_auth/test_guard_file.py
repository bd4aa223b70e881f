"""The guard on disk: over a restart, and between the processes of a host."""

from __future__ import annotations

import logging
import sqlite3
import stat
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from nexio.errors import StoreUnreachable
from radius_auth.budgets import DAY
from radius_auth.guard_file import GuardFile
from radius_auth.guard_keeper import GuardKeeper
from radius_auth.guesses import Act, Cleared, LetIn, Pool, Reservation, Returned
from tests.clocks import Clock
from tests.radius_auth.guests import SECOND
from tests.radius_auth.test_guard import NOON, guess, let_through, mac

AT = NOON.timestamp()
RESERVED = Reservation(guess=guess(), at=AT, pool=Pool.TRUST, tokens=(101, 102))
ACTS: list[Act] = [
    RESERVED,
    Returned(reservation=RESERVED),
    LetIn(at=AT, device=mac(1), token=101, email=None),
    Cleared(at=AT, email="zoe@example.com", location=2),
]


@pytest.fixture
def path(tmp_path: Path, sqlite_file: None) -> Path:
    """Where it is, in a folder that is not there yet."""
    return tmp_path / "spool" / "guard.db"


def kept(path: Path) -> GuardKeeper:
    """A process of the host, that has read what there is."""
    keeper = GuardKeeper(path, Clock(NOON))
    keeper.exchange()
    return keeper


def rows(path: Path) -> list[Any]:
    """What stands in the file."""
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute("SELECT * FROM act").fetchall()


def test_acts_come_out_as_they_went_in(path: Path) -> None:
    """DESIGN 6: in their order, once, and to the others only."""
    one, other = GuardFile(path), GuardFile(path)
    assert one.exchange(ACTS) == []

    assert other.exchange() == ACTS
    assert other.exchange() == []
    assert one.exchange() == []
    assert GuardFile(path).exchange() == ACTS


def test_a_restart_forgets_nothing(path: Path) -> None:
    """DESIGN 6: neither failures nor which devices were in."""
    before = kept(path)
    before.guard.let_in(guess(device=mac(7)), 101, NOON)
    let_through(before.guard, guess(), NOON)
    before.stop()

    after = kept(path).guard

    assert [(each.budget, each.failures) for each in after.slowed(NOON)] == [
        ("e-mail and device", 5)
    ]
    for n in range(100, 999):
        after.reserve(guess(device=mac(n)), NOON)
    assert after.admits(guess(device=mac(7)), NOON)
    assert not after.admits(guess(device=mac(8)), NOON)


def test_processes_share_a_budget(path: Path) -> None:
    """DESIGN 6: what one has let through counts in the other, after an exchange."""
    one, other = kept(path), kept(path)
    assert let_through(one.guard, guess(), NOON, most=3) == 3
    one.exchange()
    other.exchange()

    assert let_through(other.guard, guess(), NOON) == 2
    other.exchange()
    one.exchange()
    assert one.guard.slowed(NOON) == other.guard.slowed(NOON)


@pytest.mark.parametrize("told", [False, True])
def test_what_was_given_back_is_so_everywhere(path: Path, told: bool) -> None:
    """DESIGN 6: whether the others had heard of the guess or not."""
    one, other = kept(path), kept(path)
    reserved = [one.guard.reserve(guess(), NOON + n * SECOND) for n in range(5)]
    if told:
        one.exchange()
        other.exchange()
        assert not other.guard.admits(guess(), NOON + 5 * SECOND)
    for each in reserved[:2]:
        assert each is not None
        one.guard.give_back(each)
    one.exchange()
    other.exchange()

    assert let_through(other.guard, guess(), NOON + 5 * SECOND) == 2


def test_a_clear_reaches_running_processes(path: Path) -> None:
    """DESIGN 6: nexio guard clear writes it as one of them; a later start knows it, too."""
    running = kept(path)
    let_through(running.guard, guess(), NOON)
    running.exchange()

    GuardFile(path).exchange([Cleared(at=AT, email=guess().email)])
    running.exchange()

    assert running.guard.slowed(NOON) == []
    assert kept(path).guard.slowed(NOON) == []


def test_it_works_on_its_own(path: Path) -> None:
    """DESIGN 6: the thread writes and reads without being asked."""
    one, other = GuardKeeper(path), GuardKeeper(path)
    one.start()
    other.start()
    heard = logging.getLogger("radius_auth.guard_keeper")
    assert not heard.handlers
    let_through(one.guard, guess(), NOON)
    one.stop()
    other.stop()

    assert len(other.guard.slowed(NOON)) == 1


def test_it_is_closed_to_others(path: Path) -> None:
    """Must 20: as the spool is."""
    kept(path)

    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_a_folder_that_a_group_shares(path: Path) -> None:
    """DESIGN 6: FreeRADIUS and nexio-radiusd may be two users of one group."""
    path.parent.mkdir()
    path.parent.chmod(0o2770)
    kept(path)

    assert stat.S_IMODE(path.stat().st_mode) == 0o660


def test_a_damaged_file_is_put_aside(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """DESIGN 6: it goes on in memory, says so once, and begins a new one."""
    path.parent.mkdir()
    path.write_text("something else " * 100)
    keeper = kept(path)
    let_through(keeper.guard, guess(), NOON)
    keeper.exchange()

    (aside,) = path.parent.glob("guard.damaged-*")
    assert aside.read_text() == "something else " * 100
    assert len(kept(path).guard.slowed(NOON)) == 1
    assert sum("put aside" in line for line in caplog.messages) == 1


def test_without_a_disk_it_goes_on(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """DESIGN 6: in memory, logged once; nothing is lost when the disk is back."""
    path.parent.write_text("a file where the folder should be")
    keeper = kept(path)
    for n in range(4):
        let_through(keeper.guard, guess(device=mac(n), visit=n), NOON)
        keeper.exchange()
    path.parent.unlink()
    keeper.exchange()

    assert len(kept(path).guard.slowed(NOON)) == 4
    assert [line.partition(":")[0] for line in caplog.messages] == [
        "guesses are counted in memory alone",
        "guesses are kept on disk again",
    ]


def test_a_row_of_another_version_is_passed_over(path: Path) -> None:
    """DESIGN 6: and so is one that is damaged."""
    file = GuardFile(path)
    file.exchange(ACTS)
    with closing(sqlite3.connect(path)) as connection, connection:
        for kind, body in [("guess", "no JSON"), ("guess", "{}"), ("news", "{}"), ("let in", "[]")]:
            connection.execute(
                "INSERT INTO act (writer, kind, at, body) VALUES ('x', ?, 0, ?)", (kind, body)
            )

    assert GuardFile(path).exchange() == ACTS


def test_what_is_old_is_removed(path: Path) -> None:
    """DESIGN 6: guesses after two days, devices when no token can be valid any more."""
    file = GuardFile(path)
    file.exchange(ACTS)

    file.forget_old(AT + 1.9 * DAY)
    assert len(rows(path)) == 4
    file.forget_old(AT + 2.1 * DAY)
    assert [row[2] for row in rows(path)] == ["let in"]
    file.forget_old(AT + 32 * DAY)
    assert rows(path) == []
    file.exchange(ACTS[:1])
    assert GuardFile(path).exchange() == ACTS[:1]


def test_another_file_in_its_place(path: Path) -> None:
    """DESIGN 6: a file that was removed is made anew, and is read on."""
    one, other = GuardFile(path), GuardFile(path)
    one.exchange(ACTS)
    other.exchange()
    path.unlink()

    one.exchange()
    other.exchange()
    one.exchange(ACTS[:1])
    assert other.exchange() == ACTS[:1]


def test_no_password_is_on_disk(path: Path) -> None:
    """Must 20: nor what was made of one."""
    keeper = kept(path)
    made = guess()
    keeper.guard.reserve(made, NOON)
    keeper.guard.remember_wrong(made, b"135790")
    keeper.exchange()

    assert "135790" not in repr(rows(path))
    assert set(rows(path)[0][4].split('"')[1::2]) & {"wrong", "password", "digest"} == set()


def test_a_closed_file_says_so(path: Path) -> None:
    """DESIGN 6: nexio guard list ends with a word about rights."""
    path.parent.write_text("")

    with pytest.raises(StoreUnreachable, match="the guard's file"):
        GuardFile(path).exchange()
