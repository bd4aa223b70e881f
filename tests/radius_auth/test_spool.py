"""A server's own file for what it decided."""

import sqlite3
import stat
from contextlib import closing
from pathlib import Path

import pytest

from nexio.errors import StoreUnreachable
from nexio.events import AuthEvent
from radius_auth.spool import Spool
from tests.radius_auth.decisions import event, events


@pytest.fixture
def path(tmp_path: Path, sqlite_file: None) -> Path:
    """Where the spool is, in a folder that is not there yet."""
    return tmp_path / "spool" / "radiusd.db"


def test_what_was_appended_first_comes_out_first(path: Path) -> None:
    """Section 4 of the design: in the order of the decisions."""
    spool = Spool(path, AuthEvent)
    spool.append(events(5)[:2])
    spool.append(events(5)[2:])

    assert spool.oldest(3) == events(3)
    assert spool.oldest(99) == events(5)


def test_an_event_comes_out_as_it_went_in(path: Path) -> None:
    """Section 4 of the design: none of it is lost on the way."""
    rejected = event(
        user_name="Zoë \\x1b", device="02:00:00:ab:cd:ef", location_id=None, visit_id=None
    )
    spool = Spool(path, AuthEvent)

    spool.append([rejected])

    assert spool.oldest(1) == [rejected]


def test_what_was_removed_is_gone(path: Path) -> None:
    """Section 4 of the design: and only that."""
    spool = Spool(path, AuthEvent)
    spool.append(events(4))

    spool.remove([event(1), event(3), event(99)])

    assert spool.oldest(99) == [event(2), event(4)]


def test_the_same_event_is_kept_once(path: Path) -> None:
    """Section 4 of the design: exactly once by record id, so in the spool too."""
    spool = Spool(path, AuthEvent)
    spool.append(events(2))
    spool.append([event(2), event(3)])

    assert spool.oldest(99) == events(3)


def test_it_survives_being_opened_again(path: Path) -> None:
    """Section 4 of the design: a crash loses nothing that is in the spool."""
    Spool(path, AuthEvent).append(events(2))

    again = Spool(path, AuthEvent)
    again.append([event(3)])

    assert again.oldest(99) == events(3)


def test_order_survives_removal(path: Path) -> None:
    """Section 4 of the design: what comes after an emptied spool comes after."""
    spool = Spool(path, AuthEvent)
    spool.append(events(3))
    spool.remove([event(3)])
    spool.append([event(0)])

    assert spool.oldest(99) == [event(1), event(2), event(0)]


def test_it_is_closed_to_others(path: Path) -> None:
    """Must 20: decisions say who was where; only the server reads them."""
    Spool(path, AuthEvent)

    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_a_name_with_signs_is_a_name(sqlite_file: None, tmp_path: Path) -> None:
    """Section 4 of the design: NEXIO_HOME may be called anything."""
    Spool(tmp_path / "what? 100% #1" / "radiusd.db", AuthEvent).append([event()])

    assert (tmp_path / "what? 100% #1" / "radiusd.db").is_file()


def test_a_spool_that_cannot_be_made_says_why(tmp_path: Path) -> None:
    """Section 4 of the design: a server does not start where it could keep nothing."""
    (tmp_path / "spool").write_text("a file where the folder should be")

    with pytest.raises(StoreUnreachable, match=r"the spool .*radiusd\.db cannot be used"):
        Spool(tmp_path / "spool" / "radiusd.db", AuthEvent)


def test_a_file_that_is_no_spool_is_put_aside(path: Path) -> None:
    """Section 4 of the design: guests come first, and nothing is overwritten by mistake."""
    path.parent.mkdir()
    path.write_text("something else " * 100)

    spool = Spool(path, AuthEvent)
    spool.append(events(1))
    assert spool.oldest(10) == events(1)
    (aside,) = path.parent.glob("*.damaged-*")
    assert aside.read_text() == "something else " * 100


def test_a_row_that_cannot_be_read_holds_up_nobody(path: Path) -> None:
    """Section 4 of the design: the decisions after it reach the store."""
    spool = Spool(path, AuthEvent)
    spool.append(events(2))
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE event SET body = 'no JSON' WHERE number = 1")

    assert spool.oldest(10) == events(2)[1:]


def test_a_spool_that_was_taken_away_says_so(path: Path) -> None:
    """Section 4 of the design: its user hears of it, and can try again."""
    spool = Spool(path, AuthEvent)
    path.unlink()

    for use in (spool.append, spool.remove):
        with pytest.raises(StoreUnreachable):
            use([event()])
    with pytest.raises(StoreUnreachable):
        spool.oldest(1)

    Spool(path, AuthEvent)
    spool.append([event()])
    assert spool.oldest(1) == [event()]
