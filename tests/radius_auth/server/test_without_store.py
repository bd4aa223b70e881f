"""A server that starts while the store is away answers by the table of its disk.

``tests/radius_auth/replica/test_kept.py`` has the file, ``test_hung_database.py`` a database that
hangs, ``test_faults.py`` a store that goes away from a server that is running.
"""

from __future__ import annotations

import json
import os
import signal
from contextlib import closing
from copy import copy
from dataclasses import asdict, replace
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import update

from nexio.keys.key_file import create_key_file, load_keys
from nexio.reception.tokens import revoke_token
from nexio.store import schema
from nexio.store.creation import create_store
from nexio.store.engine import Store
from nexio.store.tables import StoreRevisionRow
from radius_auth.client.client import send_status_server
from radius_auth.protocol.status import parse_status
from radius_auth.replica.saved_table import SavedTableFile, read_saved_table
from tests.support.cli.forking import run
from tests.support.cli.programs import program
from tests.support.outages import gone
from tests.support.radius.desk import Desk, ask_until, desk_with, sessions_when
from tests.support.radius.freeradius import with_plugin
from tests.support.radius.guests import SECRET
from tests.support.radius.radclient import account, radclient
from tests.support.radius.radiusd import PATIENCE, Radiusd, environment_of, wait_until
from tests.support.stores import configuration_of, run_sql

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path
    from subprocess import CompletedProcess

    from nexio.configuration import Configuration
    from nexio.network.events import AuthEvent
    from nexio.reception.visits import Visit
    from tests.support.postgresql import PostgreSQL

FROM_DISK = "guests are answered by the table of the disk"


@pytest.fixture
def desk(configuration: Configuration) -> Iterator[Desk]:
    """A desk on SQLite, and again on PostgreSQL."""
    with desk_with(configuration) as made:
        yield made


@pytest.fixture
def sqlite_desk(sqlite_configuration: Configuration) -> Iterator[Desk]:
    """A desk on SQLite."""
    with desk_with(sqlite_configuration) as made:
        yield made


def away(desk: Desk, request: pytest.FixtureRequest) -> AbstractContextManager[None]:
    """PostgreSQL is stopped; or the file of SQLite is gone."""
    if desk.configuration.database_url.startswith("postgresql"):
        stopped: AbstractContextManager[None] = request.getfixturevalue("postgresql").away()
        return stopped
    return gone(desk)


def accepts(port: int, visit: Visit) -> bool:
    """Whether both methods let a guest in."""
    replies = [
        radclient(port, visit.email, visit.pin, method=method)
        for method in ("User-Password", "CHAP-Password")
    ]
    return all(reply.code == "Access-Accept" for reply in replies)


def keeps(desk: Desk, visit: Visit) -> bool:
    """Whether a visit is in the file of the server."""
    path = spool_of(desk) / "radiusd.table"
    kept = read_saved_table(path, load_keys(desk.configuration.key_file))
    return kept is not None and kept.table.find_visit(visit.id) is not None


def test_radiusd_starts_serves_and_follows(desk: Desk, request: pytest.FixtureRequest) -> None:
    """It says so in log, status and doctor; what it did meanwhile reaches the store."""
    visit = desk.register()
    with Radiusd(desk.configuration) as server:
        ask_until("Access-Accept", lambda: radclient(server.port, visit.email, visit.pin))
        late = desk.register()
        ask_until("Access-Accept", lambda: radclient(server.port, late.email, late.pin))
        assert server.stop() == 0
    known = len(desk.wait_for_events(lambda events: len(events) >= 2))

    with away(desk, request):
        server = Radiusd(desk.configuration)
        server.wait_for_line("answering on")
        server.wait_for_line(FROM_DISK)
        assert accepts(server.port, visit)
        assert accepts(server.port, late)
        assert radclient(server.port, late.email, "000000").code == "Access-Reject"
        assert_told(desk, server)
        told = account(server.accounting_port, "Start")
        assert "Received Accounting-Response" in told
    with server:
        server.wait_for_line("following the store again")
        new = desk.register()
        ask_until("Access-Accept", lambda: radclient(server.port, new.email, new.pin))
        wait_until(lambda: status_of(server)["from_disk"] == 0)
        events = desk.wait_for_events(lambda events: len(events) > known + 5)
        assert len(events) > known + 5
        (session,) = sessions_when(desk, bool)
        assert session.session_id == "81"
        assert server.stop() == 0
    assert "Traceback" not in server.stderr


def assert_told(desk: Desk, server: Radiusd) -> None:
    """Hold that status and doctor say that it started without the store."""
    assert status_of(server)["from_disk"] == 1
    ran = nexio(desk.configuration, "doctor", "--port", str(server.port), "--json")
    findings = {each["subject"]: each for each in json.loads(ran.stdout)}
    assert ran.returncode == 4
    assert not findings["store"]["well"]
    assert "has 2 visits, followed" in findings["kept table"]["message"]
    assert "it started without the store" in findings["RADIUS server"]["message"]


def nexio(configuration: Configuration, *words: str) -> CompletedProcess[str]:
    """Run a command."""
    return run(program("nexio"), *words, env=environment_of(configuration), seconds=PATIENCE)


def status_of(server: Radiusd) -> dict[str, int]:
    """What it says of itself."""
    words = send_status_server("127.0.0.1", server.port, SECRET, timeout=PATIENCE)
    status = parse_status(words)
    assert status is not None
    assert status.counts is not None
    return asdict(status.counts)


def test_what_a_killed_server_knew(sqlite_desk: Desk) -> None:
    """A change is on the disk a moment after guests are answered by it."""
    desk = sqlite_desk
    with Radiusd(desk.configuration) as server:
        visit = desk.register()
        ask_until("Access-Accept", lambda: radclient(server.port, visit.email, visit.pin))
        wait_until(lambda: keeps(desk, visit))
        server.kill()
    with gone(desk), Radiusd(desk.configuration) as server:
        assert accepts(server.port, visit)


def test_the_companion_is_replaced_meanwhile(sqlite_desk: Desk) -> None:
    """Accounting and a new worker go on, too: they need the companion."""
    desk = sqlite_desk
    visit = desk.register()
    with Radiusd(desk.configuration) as server:
        ask_until("Access-Accept", lambda: radclient(server.port, visit.email, visit.pin))
        wait_until(lambda: keeps(desk, visit))
        with gone(desk):
            os.kill(server.companion(), signal.SIGKILL)
            server.wait_for_line(FROM_DISK)
            for each in server.workers():
                os.kill(each, signal.SIGKILL)
            server.wait_for_line("answering on", 3)
            assert accepts(server.port, visit)
            told = account(server.accounting_port, "Start", tries=3)
            assert "Received Accounting-Response" in told
        server.wait_for_line("following the store again")


def test_revoked_while_it_was_down(sqlite_desk: Desk) -> None:
    """Nobody told it: the guest gets in until the store is back, and then no more."""
    desk = sqlite_desk
    visit = desk.register()
    with Radiusd(desk.configuration) as server:
        ask_until("Access-Accept", lambda: radclient(server.port, visit.email, visit.pin))
        assert server.stop() == 0
    with desk.store.write() as work:
        revoke_token(work, visit.id)
    with gone(desk):
        server = Radiusd(desk.configuration)
        server.wait_for_line("answering on")
        assert accepts(server.port, visit)
    with server:
        ask_until("Access-Reject", lambda: radclient(server.port, visit.email, visit.pin))


@pytest.mark.parametrize(
    ("what", "says"),
    [
        ("no file", "there is no store at"),
        ("too old", "ago: guests are not answered by it"),
        ("damaged", "is damaged and is put aside as"),
        ("another key", "is of another key and is put aside as"),
    ],
)
def test_it_does_not_start(sqlite_desk: Desk, what: str, says: str) -> None:
    """Exit 5, as without a file; and why."""
    desk = sqlite_desk
    with Radiusd(desk.configuration) as server:
        wait_until(lambda: list(spool_of(desk).glob("*.table")))
        assert server.stop() == 0
    (path,) = spool_of(desk).glob("*.table")
    options = []
    if what == "no file":
        path.unlink()
    elif what == "too old":
        options = ["--max-staleness", "1 minute"]
        make_older(desk, path)
    elif what == "damaged":
        path.write_bytes(path.read_bytes()[:-20] + b"x" * 20)
    else:
        desk.configuration.key_file.unlink()
        create_key_file(desk.configuration.key_file)
    with gone(desk):
        server = Radiusd(desk.configuration, *options)
        assert server.wait() == 5
    assert says in server.stderr
    assert len(server.stderr.splitlines()) <= 3
    assert path.exists() == (what == "too old")


def make_older(desk: Desk, path: Path) -> None:
    """Let the store be followed two minutes ago."""
    kept = read_saved_table(path, load_keys(desk.configuration.key_file))
    assert kept is not None
    older = replace(kept, followed_at=kept.followed_at - timedelta(minutes=2))
    SavedTableFile.write(path, older, kept.table.all_visits()).close()


def spool_of(desk: Desk) -> Path:
    """The folder of such files."""
    return desk.configuration.home / "spool"


def test_that_of_a_store_before_is_put_aside(sqlite_desk: Desk) -> None:
    """A backup was restored, or the key changed, while no server followed."""
    desk = sqlite_desk
    with Radiusd(desk.configuration) as server:
        assert server.stop() == 0
    with desk.store.write() as work:
        work.session.execute(update(StoreRevisionRow).values(epoch="of a backup"))
    visit = desk.register()
    with Radiusd(desk.configuration) as server:
        server.wait_for_line("is of another epoch of the store and is put aside as")
        wait_until(lambda: keeps(desk, visit))
        assert server.stop() == 0


def test_guests_get_on_while_the_store_moves(sqlite_desk: Desk, postgresql: PostgreSQL) -> None:
    """The server has the new address first, where nothing is yet; what it did reaches that once."""
    desk, url = sqlite_desk, postgresql.create_database("moved")
    moved = replace(desk.configuration, database_url=url)
    visit = desk.register()
    with Radiusd(desk.configuration) as server:
        ask_until("Access-Accept", lambda: radclient(server.port, visit.email, visit.pin))
        wait_until(lambda: keeps(desk, visit))
        assert server.stop() == 0
    accepted = accepts_of(desk.wait_for_events(bool), visit)

    server = Radiusd(moved)
    server.wait_for_line(FROM_DISK)
    server.wait_for_line("answering on")
    assert accepts(server.port, visit)
    assert "Received Accounting-Response" in account(server.accounting_port, "Start")
    copied = nexio(moved, "db", "copy", "--from", desk.configuration.database_url)
    assert copied.returncode == 0, copied
    with server:
        server.wait_for_line("following the store again")
        there = copy(desk)
        there.configuration, there.store = moved, Store.open(moved)
        with closing(there.store):
            new = there.register()
            ask_until("Access-Accept", lambda: radclient(server.port, new.email, new.pin))
            events = there.wait_for_events(lambda events: accepts_of(events, visit) >= accepted + 2)
            assert accepts_of(events, visit) == accepted + 2
            (session,) = sessions_when(there, bool)
        assert session.session_id == "81"
        assert server.stop() == 0
    assert accepts_of(desk.events(), visit) == accepted  # nothing came to the old one any more
    assert "Traceback" not in server.stderr
    postgresql.drop_database("moved")


def test_the_store_is_upgraded_meanwhile(postgresql: PostgreSQL, tmp_path: Path) -> None:
    """By a step that expands: the server goes on following, and its decisions wait in the spool."""
    configuration = configuration_of(tmp_path / "nexio")
    configuration = replace(configuration, database_url=postgresql.create_database("expanded"))
    create_store(configuration)
    with desk_with(configuration) as desk, Radiusd(configuration) as server:
        for _ in range(10):  # so many that the statements are prepared
            before = desk.register()
            ask_until("Access-Accept", partial(radclient, server.port, before.email, before.pin))
        run_sql(desk.store, "ALTER TABLE visit ADD COLUMN more TEXT DEFAULT 'x'")
        run_sql(desk.store, "CREATE TABLE more (id INTEGER)")
        run_sql(desk.store, "UPDATE alembic_version SET version_num = '9999'")
        visit = desk.register()
        ask_until("Access-Accept", lambda: radclient(server.port, visit.email, visit.pin))
        assert accepts(server.port, before)
        server.wait_for_line("wait in the spool")
        assert accepts_of(desk.events(), visit) == 0
        # As if a server of the new version were there now.
        run_sql(desk.store, "UPDATE alembic_version SET version_num = :head", head=schema.HEAD)
        events = desk.wait_for_events(lambda events: accepts_of(events, visit) == 1)
        assert accepts_of(events, visit) == 1
        assert "not following" not in server.stderr
        assert server.stop() == 0
    postgresql.drop_database("expanded")


def accepts_of(events: list[AuthEvent], visit: Visit) -> int:
    """How often it was let in."""
    return sum(each.visit_id == visit.id and each.outcome == "accept" for each in events)


def test_freeradius_starts_serves_and_follows(
    freeradius_python: None, sqlite_desk: Desk, tmp_path: Path
) -> None:
    """The plugin has a companion with a file of its own, and FreeRADIUS waits for it."""
    desk = sqlite_desk
    visit = desk.register()
    with with_plugin(desk.configuration, tmp_path / "freeradius") as server:
        server.warm_up()
        assert accepts(server.port, visit)
        assert server.stop() == 0
        with gone(desk):
            server.start()
            server.wait_for_line(FROM_DISK)
            assert accepts(server.port, visit)
            told = account(server.accounting_port, "Start")
            assert "Received Accounting-Response" in told
        server.wait_for_line("following the store again")
        new = desk.register()
        ask_until("Access-Accept", lambda: radclient(server.port, new.email, new.pin))
        (session,) = sessions_when(desk, bool)
        assert session.session_id == "81"
        assert server.stop() == 0
