"""``nexio guard``: who is slowed, and letting them try again."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from nexio.store.engine import utc_now
from radius_auth.guard import Guard
from radius_auth.guard_file import GuardFile
from radius_auth.guard_keeper import guard_path
from tests.radius_auth.test_guard import guess, let_through

if TYPE_CHECKING:
    from tests.nexio_cli.running import Nexio

KEYS = ["budget", "email", "device", "nas", "location", "failures", "until"]
DEVICE = "02:00:00:00:00:01"


def slow(desk: Nexio) -> GuardFile:
    """Let somebody type five wrong PINs at a server of this machine; its file."""
    guard = Guard()
    let_through(guard, guess(), utc_now())
    file = GuardFile(guard_path(desk.configuration.home))
    file.exchange(guard.take_news())
    return file


def test_nobody_is_slowed(sqlite_desk: Nexio) -> None:
    """An empty list before any server has run; nothing is made for it."""
    assert sqlite_desk.done("guard", "list", "--json").json == []
    assert "Nobody is slowed." in sqlite_desk.done("guard", "list").err
    sqlite_desk.done("guard", "clear", "--yes", "--all")
    assert not guard_path(sqlite_desk.configuration.home).exists()


def test_who_is_slowed_is_shown(sqlite_desk: Nexio) -> None:
    """E-mail, device, location, how often, and until when in the location's time."""
    slow(sqlite_desk)

    (shown,) = sqlite_desk.done("guard", "list", "--json").json

    assert list(shown) == KEYS
    assert (shown["budget"], shown["email"]) == ("e-mail and device", "zoe@example.com")
    assert (shown["device"], shown["nas"], shown["failures"]) == (DEVICE, None, 5)
    assert shown["location"] == "Harbour House"
    assert 0 < (datetime.fromisoformat(shown["until"]) - utc_now()).total_seconds() <= 30
    assert "zoe@example.com\t02:00:00:00:00:01" in sqlite_desk.done("guard", "list").out


def test_another_location_shows_others(sqlite_desk: Nexio) -> None:
    """--location: those whose latest guess was there."""
    sqlite_desk.done("location", "add", "Annex", "--timezone", "Europe/Berlin")
    slow(sqlite_desk)

    def slowed(name: str) -> int:
        return len(sqlite_desk.done("guard", "list", "--json", "--location", name).json)

    assert (slowed("Harbour House"), slowed("Annex")) == (1, 0)
    sqlite_desk("guard", "list", "--location", "Nowhere").refused(3)


def test_clearing(sqlite_desk: Nexio) -> None:
    """What is named may try again, in whatever case or notation; the server hears of it."""
    for words in (
        ["--email", "Zoe@Example.com"],
        ["--device", "02-00-00-00-00-01"],
        ["--all", "--yes"],
    ):
        server = slow(sqlite_desk)
        assert sqlite_desk.done("guard", "clear", "--yes", *words).out == "They can try again.\n"
        assert sqlite_desk.done("guard", "list", "--json").json == []
        assert len(server.exchange()) == 1

    slow(sqlite_desk)
    sqlite_desk.done(
        "guard", "clear", "--yes", "--location", "harbour house", "--email", "jo@example.com"
    )
    assert len(sqlite_desk.done("guard", "list", "--json").json) == 1


def test_clearing_asks_for_somebody(sqlite_desk: Nexio) -> None:
    """Nobody named, no MAC address, no such location."""
    assert "--all" in sqlite_desk("guard", "clear", "--yes").refused(2)
    assert "MAC" in sqlite_desk("guard", "clear", "--yes", "--device", "phone").refused(2)
    sqlite_desk("guard", "clear", "--yes", "--location", "Nowhere").refused(3)


def test_a_file_that_is_closed(sqlite_desk: Nexio) -> None:
    """Exit 5, with what to look at."""
    guard_path(sqlite_desk.configuration.home).mkdir(parents=True)

    assert "rights" in sqlite_desk("guard", "list").refused(5)
    assert "rights" in sqlite_desk("guard", "clear", "--yes", "--all").refused(5)
