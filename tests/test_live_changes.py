"""A server under a steady stream of requests while the deployment is changed underneath it.

No request is lost: each datagram is sent once and gets its answer.  No answer is wrong: the right
PIN is always accepted, another one never.
"""

from __future__ import annotations

import signal
import socket
import threading
import time
from collections import Counter
from contextlib import closing
from dataclasses import replace
from itertools import cycle, pairwise
from typing import TYPE_CHECKING, Self

import pytest

from nexio.clock import utc_now
from nexio.network.event_log import list_events
from nexio.network.nas import NasChanges, NewNas, add_nas, edit_nas
from nexio.operations.backups import back_up, restore
from nexio.operations.rotation import rotate_key, rotate_nas_key
from nexio.store.engine import Store
from radius_auth.protocol.packet import Code
from tests.support.people import add_location, register, set_up
from tests.support.radius.access_requests import access_request, chap_attributes, verified
from tests.support.radius.desk import ask_until
from tests.support.radius.guests import SECRET
from tests.support.radius.radclient import radclient
from tests.support.radius.radiusd import PATIENCE, Radiusd
from tests.support.stores import run_sql

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from nexio.configuration import Configuration
    from nexio.locations.locations import Location
    from nexio.reception.visits import Visit

MOST = 50_000
"""Requests of one stream; the changes take a fraction of that."""

WRONG = "wrong"


PAUSE = 0.001
"""Seconds between an answer and the next request: hundreds in a second are enough to be at hand
at each step of a change, and more would keep the server from making it."""


class Stream:
    """Guests who log in one after the other, with the right PIN and a wrong one.

    Args:
        port: of the server.
        visits: whose PINs are right.
    """

    def __init__(self, port: int, *visits: Visit) -> None:
        self._there = ("127.0.0.1", port)
        self._visits = visits
        self._answered = threading.Condition()
        self._stopping = False
        self.answers: Counter[str] = Counter()
        self.faults: list[str] = []
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Self:
        self._thread.start()
        self.wait_for(50)
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping = True
        self._thread.join(2 * PATIENCE)
        assert not self._thread.is_alive()

    def wait_for(self, more: int) -> None:
        """Let so many more requests be answered."""
        with self._answered:
            enough = self.answers.total() + more
            self._answered.wait_for(
                lambda: self.answers.total() >= enough or bool(self.faults), PATIENCE
            )

    def assert_flawless(self) -> None:
        """Hold that each got its answer, and the right one; and that there were some of each."""
        assert self.faults == []
        assert set(self.answers) == {"PAP right", "PAP wrong", "CHAP right", "CHAP wrong"}
        assert self.answers.total() < MOST, "the stream ended before the change"

    def _run(self) -> None:
        kinds = cycle(
            (method, visit, pin)
            for visit in self._visits
            for pin in (visit.pin, WRONG)
            for method in ("PAP", "CHAP")
        )
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
            asking.settimeout(PATIENCE)
            for number, (method, visit, pin) in zip(range(MOST), kinds, strict=False):
                if self._stopping or self.faults:
                    return
                expected = "wrong" if pin == WRONG else "right"
                self._ask(asking, number % 256, visit, pin, f"{method} {expected}")
                time.sleep(PAUSE)

    def _ask(
        self, asking: socket.socket, identifier: int, visit: Visit, pin: str, kind: str
    ) -> None:
        chap = kind.startswith("CHAP")
        datagram = access_request(
            visit.email,
            None if chap else pin.encode(),
            identifier=identifier,
            attributes=chap_attributes(pin) if chap else {},
        )
        asking.sendto(datagram, self._there)
        try:
            code = verified(datagram, asking.recv(4096)).code
        except TimeoutError:
            self._tell(kind, f"{kind}: no answer")
            return
        right = Code.ACCESS_REJECT if pin == WRONG else Code.ACCESS_ACCEPT
        self._tell(kind, "" if code == right else f"{kind}: code {code} for visit {visit.id}")

    def _tell(self, kind: str, fault: str) -> None:
        with self._answered:
            self.answers[kind] += 1
            if fault:
                self.faults.append(fault)
            self._answered.notify_all()


class Desk:
    """A reception desk, which goes by the real time as the server does."""

    def __init__(self, configuration: Configuration) -> None:
        self.configuration = configuration
        self.store = Store.open(configuration, utc_now)
        self.location: Location = add_location(
            self.store, "Harbour House", "Europe/London", "visitor-tokens=on", "token-duration=1d"
        )
        with self.store.write() as work:
            new = NewNas(name="here", address="127.0.0.1", secret=SECRET.decode())
            add_nas(work, self.location, new)
        self.visits = [self.register(f"guest{number}@example.com") for number in range(3)]

    def register(self, email: str) -> Visit:
        """Somebody who may on now, for a day."""
        return register(self.store, self.location, email=email)

    def assert_followed(self, port: int, email: str) -> None:
        """Hold that the server learns of a visitor who is registered now."""
        assert_gets_on(port, self.register(email))

    def reasons(self) -> Counter[str]:
        """What the log shows, and how often."""
        with self.store.read() as work:
            return Counter(each.event.reason for each in list_events(work, None, limit=2 * MOST))


def assert_gets_on(port: int, visit: Visit) -> None:
    """Ask until the server has heard of the visit."""
    ask_until("Access-Accept", lambda: radclient(port, visit.email, visit.pin))


@pytest.fixture
def desk(configuration: Configuration) -> Iterator[Desk]:
    """A desk on SQLite, and again on PostgreSQL."""
    made = Desk(configuration)
    yield made
    made.store.close()


@pytest.fixture
def radiusd(desk: Desk) -> Iterator[Radiusd]:
    """Its server; rejects go out at once, so that nothing is looked up a second time."""
    with Radiusd(desk.configuration, "--reject-delay", "0") as server:
        yield server
        assert server.stop() == 0
        assert "Traceback" not in server.stderr
        assert "no answer to" not in server.stderr


on_sqlite = pytest.mark.parametrize("configuration", ["sqlite"], indirect=True)
"""For one change alone: `test_all_of_it_at_once` makes it on PostgreSQL, too."""


@on_sqlite
def test_the_key_is_rotated(desk: Desk, radiusd: Radiusd) -> None:
    """Under running servers, also that of NAS secrets; CHAP opens values of the new key then."""
    with Stream(radiusd.port, *desk.visits) as stream:
        for number in range(3):
            rotate_key(desk.store, desk.configuration.key_file)
            if number:
                files = desk.configuration.key_file, desk.configuration.nas_key_file
                rotate_nas_key(desk.store, *files)
            desk.assert_followed(radiusd.port, f"later{number}@example.com")
            stream.wait_for(50)
    stream.assert_flawless()


@on_sqlite
def test_a_nas_is_edited(desk: Desk, radiusd: Radiusd) -> None:
    """R19: its own entry and a more exact one beside it, again and again."""
    names = ["here", "there"] * 3
    with Stream(radiusd.port, *desk.visits) as stream:
        for number, (name, new_name) in enumerate(pairwise(names)):
            changes = NasChanges(name=new_name, limit_proxy_state=bool(number % 2))
            suite = NewNas(name=f"suite{number}", address="127.0.0.1", ssid=f"suite-{number}")
            with desk.store.write() as work:
                edit_nas(work, name, changes)
            with desk.store.write() as work:
                add_nas(work, desk.location, suite)
            stream.wait_for(20)
        desk.assert_followed(radiusd.port, "later@example.com")
        stream.wait_for(50)
    stream.assert_flawless()


@on_sqlite
def test_settings_are_saved(desk: Desk, radiusd: Radiusd) -> None:
    """R2, R19: they change nothing for those who have a token."""
    with Stream(radiusd.port, *desk.visits) as stream:
        for word in ("token-duration=8h", "roaming=on", "ssid=Guests", "roaming=off"):
            set_up(desk.store, desk.location, word)
            stream.wait_for(20)
        desk.assert_followed(radiusd.port, "later@example.com")
    stream.assert_flawless()


@on_sqlite
def test_the_store_is_backed_up_and_restored(desk: Desk, radiusd: Radiusd, tmp_path: Path) -> None:
    """Another epoch; who was registered after the backup is unknown again."""
    with Stream(radiusd.port, *desk.visits) as stream:
        back_up(desk.store.engine, tmp_path / "backup.db")
        lost = desk.register("lost@example.com")
        assert_gets_on(radiusd.port, lost)
        for number in range(2):
            restore(desk.store, tmp_path / "backup.db")
            desk.assert_followed(radiusd.port, f"later{number}@example.com")
            stream.wait_for(50)
        assert radclient(radiusd.port, lost.email, lost.pin).code == "Access-Reject"
    stream.assert_flawless()


@on_sqlite
def test_everything_is_loaded_anew(desk: Desk, radiusd: Radiusd) -> None:
    """SIGHUP, also several at once; it sees what no batch has told."""
    quiet = desk.register("quiet@example.com")
    with Stream(radiusd.port, *desk.visits) as stream:
        assert_gets_on(radiusd.port, quiet)
        run_sql(
            desk.store,
            "UPDATE access_token SET revoked_at = valid_from WHERE visit_id = :number",
            number=quiet.id,
        )
        for _ in range(10):
            radiusd.signal(signal.SIGHUP)
            stream.wait_for(10)
        ask_until("Access-Reject", lambda: radclient(radiusd.port, quiet.email, quiet.pin))
        stream.wait_for(50)
    stream.assert_flawless()


def test_all_of_it_at_once(desk: Desk, radiusd: Radiusd, tmp_path: Path) -> None:
    """And each decision is in the log once, whatever happened."""
    with Stream(radiusd.port, *desk.visits) as stream:
        back_up(desk.store.engine, tmp_path / "backup.db")
        rotate_key(desk.store, desk.configuration.key_file)
        with desk.store.write() as work:
            edit_nas(work, "here", NasChanges(name="there"))
        set_up(desk.store, desk.location, "token-duration=8h")
        radiusd.signal(signal.SIGHUP)
        back_up(desk.store.engine, tmp_path / "newer.db")
        lost = desk.register("lost@example.com")
        restore(desk.store, tmp_path / "newer.db")
        rotate_key(desk.store, desk.configuration.key_file)
        rotate_nas_key(desk.store, desk.configuration.key_file, desk.configuration.nas_key_file)
        desk.assert_followed(radiusd.port, "later@example.com")
        assert radclient(radiusd.port, lost.email, lost.pin).code == "Access-Reject"
        stream.wait_for(100)
    stream.assert_flawless()


def test_no_decision_is_lost_or_doubled(desk: Desk) -> None:
    """Exactly once, although the key changes between spool and store."""
    with Radiusd(desk.configuration, "--reject-delay", "0") as server:
        with Stream(server.port, *desk.visits) as stream:
            for _ in range(3):
                rotate_key(desk.store, desk.configuration.key_file)
                stream.wait_for(100)
        assert server.stop() == 0
    stream.assert_flawless()
    right = stream.answers["PAP right"] + stream.answers["CHAP right"]
    wrong = stream.answers["PAP wrong"] + stream.answers["CHAP wrong"]
    assert desk.reasons() == {"valid": right, "wrong PIN": wrong}


def test_another_file_in_the_place_of_the_store(
    sqlite_configuration: Configuration, tmp_path: Path
) -> None:
    """A restored copy is moved into place; it is followed, and said so."""
    desk = Desk(sqlite_configuration)
    copy = tmp_path / "copy.db"
    back_up(desk.store.engine, copy)
    other = replace(sqlite_configuration, database_url=f"sqlite:///{copy}")
    with closing(Store.open(other, utc_now)) as store:
        new = register(store, desk.location, email="new@example.com")
    with (
        Radiusd(sqlite_configuration, "--reject-delay", "0") as server,
        Stream(server.port, *desk.visits) as stream,
    ):
        assert radclient(server.port, new.email, new.pin).code == "Access-Reject"
        home = sqlite_configuration.home
        for path in sorted(home.glob("nexio.db*")):  # the store itself goes first
            path.rename(home / f"old-{path.name}")
        server.wait_for_line("not following the store")
        stream.wait_for(50)
        copy.rename(home / "nexio.db")
        server.wait_for_line("following the store again")
        assert_gets_on(server.port, new)
        stream.wait_for(50)
    stream.assert_flawless()
    desk.store.close()


@on_sqlite
def test_nothing_is_left_of_a_killed_server(desk: Desk) -> None:
    """Kill -9 of the parent in the middle of requests ends the worker, too."""
    with Radiusd(desk.configuration, "--reject-delay", "0") as server:
        with Stream(server.port, *desk.visits) as stream:
            pass
        server.signal(signal.SIGKILL)
        # Its standard error ends when the last process that could write to it has.
        assert server.wait() == -signal.SIGKILL
    stream.assert_flawless()
    with Radiusd(desk.configuration, "--auth-port", str(server.port)) as successor:
        assert_gets_on(server.port, desk.visits[0])
        assert successor.stop() == 0
