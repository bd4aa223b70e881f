"""``make run``: what it prints to type works when it is typed."""

from __future__ import annotations

import fcntl
import json
import os
import re
import socket
import subprocess
import sys
import tempfile
import urllib.request
from contextlib import ExitStack, closing, contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from nexio.clock import utc_now
from nexio.configuration import Configuration
from nexio.locations.locations import (
    add_first_location,
    change_settings,
    get_location,
    list_locations,
)
from nexio.locations.settings import parse_changes
from nexio.reception.registration import register
from nexio.reception.registration_texts import read_registration
from nexio.reception.visits import Visit
from nexio.store.creation import create_store
from nexio.store.engine import Store
from nexio_cli.commands.demo import FIRST_PORT, VISITOR, free_port, prepare
from tests.support.cli.forking import run
from tests.support.cli.programs import serving
from tests.support.clocks import Clock
from tests.support.stores import configuration_of

if TYPE_CHECKING:
    from collections.abc import Iterator

LOCK = Path(tempfile.gettempdir()) / f"nexio-demo-{os.geteuid()}.lock"
DEMO = (sys.executable, "-m", "nexio_cli.commands.demo")


@pytest.fixture
def folder(tmp_path: Path, sqlite_file: None) -> Path:
    """Where somebody types ``make run``; a blank in its name, for the shell to stumble over."""
    folder = tmp_path / "my demo"
    folder.mkdir()
    return folder


@pytest.fixture
def home(folder: Path) -> Path:
    """Where the demo keeps its data."""
    return folder / ".demo"


@contextmanager
def demo(folder: Path, *ports: str) -> Iterator[list[str]]:
    """The demo, once it answers; only then may the next one of this machine look for ports.

    All look from 1812 and 8080 on, and two that start together would find the same ones free.
    """
    with ExitStack() as running:
        with LOCK.open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            lines = running.enter_context(serving(*DEMO, *ports, cwd=folder))
        yield lines


def typed(line: str) -> subprocess.CompletedProcess[str]:
    """Type a line into another shell, which knows of no other store."""
    ours = {"NEXIO_HOME", "NEXIO_DATABASE_URL", "NEXIO_KEY_FILE"}
    return subprocess.run(
        ["bash", "-c", line],
        env={name: value for name, value in os.environ.items() if name not in ours},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def line_with(lines: list[str], word: str) -> str:
    """The printed line to type that has the word."""
    (found,) = [line for line in lines if word in line and line.startswith("  ")]
    return found.strip()


def tapped_in(address: str, pin: str) -> dict[str, str]:
    """Open the tablet's page, and type the PIN there, as a browser does."""
    origin = address.removesuffix("/kiosk")
    browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor())
    assert b"Visitor" in browser.open(address).read()
    request = urllib.request.Request(  # noqa: S310 (our own server)
        f"{address}/tap", f"code={pin.rsplit(maxsplit=1)[-1]}".encode(), {"Origin": origin}
    )
    answer: dict[str, str] = json.load(browser.open(request))
    return answer


def test_what_it_prints_works(
    folder: Path, sqlite_environment: dict[str, str], sqlite_configuration: Configuration
) -> None:
    """The printed lines get Access-Accept; 1812 in use: the next free pair; or as it is told.

    A store that the environment leads to is in use by somebody: no demo visitor goes there.
    """
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        with suppress(OSError):  # somebody else has it, which is as good
            other.bind(("127.0.0.1", FIRST_PORT))
        with demo(folder) as lines:
            port = int(line_with(lines, "radius test").rpartition(" ")[2])
            assert port > FIRST_PORT
            assert port % 2 == 0
            own = typed(line_with(lines, "radius test"))
            assert own.returncode == 0, own
            assert "Access-Accept" in own.stdout
            freeradius = typed(line_with(lines, "radclient"))
            assert freeradius.returncode == 0, freeradius
            answer = tapped_in(line_with(lines, "/kiosk").split()[1], line_with(lines, "PIN "))
            assert answer["title"] == "Welcome, Ada."
            link = typed(line_with(lines, "desk link")).stdout
            assert link.startswith(line_with(lines, "/kiosk").split()[1].partition("kiosk")[0])
            assert re.search(
                r"Received Access-Accept.*Session-Timeout = 3\d+", freeradius.stdout, re.DOTALL
            )
        logged = typed(line_with(lines, " log"))
        assert logged.stdout.count("accept") == 2
        named = port + 1000
        with demo(folder, "--port", str(named), "--web-port", str(named + 1)) as again:
            assert line_with(again, "radius test").endswith(f" --port {named}")
            assert f":{named + 1}/kiosk" in line_with(again, "/kiosk")
            pin, secret = (line_with(lines, word).split()[-1] for word in ("PIN ", "NAS secret"))
            assert [pin, secret] == [
                line_with(again, word).split()[-1] for word in ("PIN ", "NAS secret")
            ]
            assert "Access-Accept" in typed(line_with(again, "radius test")).stdout
            third = ("--port", str(named + 2), "--web-port", str(named + 1))
            taken = run(*DEMO, *third, cwd=folder, seconds=60)
            assert taken.returncode == 5
            assert f"port {named + 1}" in taken.stderr
            assert "make run WEB_PORT=" in taken.stderr
    assert (folder / ".demo" / "nexio.db").exists()
    with closing(Store.open(sqlite_configuration)) as store, store.read() as work:
        assert list_locations(work) == []


def registered_ago(home: Path, ago: timedelta) -> Visit:
    """The demo's visitor as an earlier start left it."""
    configuration = configuration_of(home)
    create_store(configuration)
    clock = Clock(utc_now() - ago)
    with closing(Store.open(configuration, clock)) as store, store.write() as work:
        add_first_location(work, None, "UTC")
        change_settings(work, get_location(work, None), parse_changes(["visitor-tokens=on"]))
        place = get_location(work, None)
        return register(work, place, read_registration(VISITOR, work.now, place))


def test_a_visitor_whose_window_is_over(home: Path) -> None:
    """Registered anew, with a window that is open now; started twice, it is the same one."""
    before = registered_ago(home, timedelta(minutes=61))
    renewed = prepare(configuration_of(home))
    assert renewed.visit.id > before.id
    assert renewed.visit.token is not None
    assert renewed.visit.token.state.value == "valid"
    assert prepare(configuration_of(home)) == renewed


def test_a_visitor_whose_window_is_open(home: Path) -> None:
    """Nothing is registered, and the secret of the NAS stays."""
    before = registered_ago(home, timedelta(minutes=30))
    demo = prepare(configuration_of(home))
    assert demo.visit.id == before.id
    assert prepare(configuration_of(home)).secret == demo.secret


def test_neither_pin_nor_secret_in_a_traceback(home: Path) -> None:
    """What there is to try has a masked repr."""
    demo = prepare(configuration_of(home))
    assert demo.visit.pin not in repr(demo)
    assert demo.secret not in repr(demo)


def test_a_free_pair_of_ports() -> None:
    """Where the second port of a pair is taken, the next pair is."""
    first = free_port()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("127.0.0.1", first + 1))
        assert free_port() > first
