"""``nexio radius status``, asked of the real server."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from nexio import __version__
from tests.support.cli.programs import free_port
from tests.support.radius.radiusd import Radiusd
from tests.support.radius.status_server import saying

if TYPE_CHECKING:
    from tests.support.cli.running import Nexio

STATUS = ["radius", "status"]
SECRET = ["--secret", "a secret of the hotel"]
"""The one of ``tests.support.radius.guests``, with which ``saying`` answers."""


def test_what_a_server_has_done(sqlite_desk: Nexio) -> None:
    """Accepts and rejects by reason, in words and as JSON; asking is counted nowhere."""
    sqlite_desk.done("token", "on")
    sqlite_desk.done("nas", "add", "this-machine", "127.0.0.1")
    pin = sqlite_desk.register(email="zoe@example.com")["pin"]
    # One worker: another one hears of what it did a moment later.
    with Radiusd(sqlite_desk.configuration, "--workers", "1") as server:
        at = ["--port", str(server.port)]
        sqlite_desk.done("radius", "test", "zoe@example.com", pin, *at)
        assert sqlite_desk("radius", "test", "zoe@example.com", "wrong", *at).exit_code == 4

        told = sqlite_desk.done(*STATUS, *at, "--json").json
        assert (told["version"], told["visits"]) == (__version__, 1)
        assert (told["accepts"], told["rejects"]) == ({"valid": 1}, {"wrong PIN": 1})
        assert (told["discards"], told["repeats"], told["lost"]) == ({}, 0, 0)
        assert 0 < told["mean_us"] <= told["slowest_us"]

        said = sqlite_desk.done(*STATUS, *at).out
        assert said.startswith(f"nexio-radiusd {__version__} has answered for ")
        assert "rejects          1: 1 wrong PIN\n" in said
        assert "no answer        0\n" in said


def test_a_server_that_started_without_the_store(sqlite_desk: Nexio) -> None:
    """It answers by the table of its disk, and says how old that is."""
    words = "nexio 1.0 up 9 s, store followed 75 s ago, 4 visits\nfrom_disk=1"
    with saying(words) as port:
        said = sqlite_desk.done(*STATUS, *SECRET, "--port", str(port)).out
    with saying(words) as port:
        told = sqlite_desk.done(*STATUS, *SECRET, "--port", str(port), "--json").json
    assert "followed 1 minute 15 seconds ago; it was away at the start, and this is" in said
    assert told["from_disk"] == 1


def test_a_server_that_tells_no_counts(sqlite_desk: Nexio) -> None:
    """From another machine it says how it is, and no more: those keys are null."""
    words = "nexio 1.0 up 90 s, store followed 75 s ago, 4 visits"
    with saying(words) as port:
        ran = sqlite_desk.done(*STATUS, *SECRET, "--port", str(port))
    assert ran.out == (
        "nexio-radiusd 1.0 has answered for 1 minute 30 seconds.\n"
        "  store         followed 1 minute 15 seconds ago\n"
        "  visits known  4\n"
    )
    assert "on its own machine only" in ran.err
    with saying(words) as port:
        told = sqlite_desk.done(*STATUS, *SECRET, "--port", str(port), "--json").json
    assert (told["followed_seconds"], told["accepts"], told["lost"]) == (75, None, None)


def test_another_server(sqlite_desk: Nexio) -> None:
    """Exit 5, with what it says, which cannot harm the terminal."""
    with saying("FreeRADIUS\x1b[2J") as port:
        said = sqlite_desk(*STATUS, *SECRET, "--port", str(port)).refused(5)
    assert r"Another RADIUS server answers at 127.0.0.1 port" in said
    assert r"FreeRADIUS\x1b[2J" in said


def test_while_the_store_is_away(sqlite_desk: Nexio) -> None:
    """The secret of a NAS is in it: the error says how to do without."""
    sqlite_desk.done("nas", "add", "lobby", "192.0.2.1")
    path = sqlite_desk.configuration.home / "nexio.db"
    path.rename(path.with_name("away.db"))
    for words in ([], ["--nas", "lobby"]):
        said = sqlite_desk(*STATUS, *words).refused(5)
        assert "There is no store at" in said
        assert "give the secret of a NAS with --secret" in said
    with saying("nexio 1.0 up 90 s, store followed 75 s ago, 4 visits") as port:
        said = sqlite_desk.done(*STATUS, *SECRET, "--port", str(port)).out
    assert "followed 1 minute 15 seconds ago" in said


@pytest.mark.parametrize(("words", "code"), [(SECRET, 5), ([], 2), (["--nas", "lobby"], 3)])
def test_what_cannot_be_asked(sqlite_desk: Nexio, words: list[str], code: int) -> None:
    """Nobody there, no secret to ask with, no such NAS."""
    sqlite_desk(*STATUS, *words, "--port", str(free_port())).refused(code)
