"""Accounting at the real program with a real store, told by Debian's radclient and by sockets."""

from __future__ import annotations

import os
import signal
import socket
import sqlite3
import time
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text

from nexio.clock import utc_now
from nexio.network.nas import list_nas
from nexio.network.sessions import name_as_sent
from radius_auth.client.liveness import find_server
from radius_auth.disconnecting.disconnect import attributes_of
from radius_auth.protocol.packet import Acct, Attribute, Code
from tests.support.radius.access_requests import access_request, verified
from tests.support.radius.accounting_requests import (
    ON,
    START,
    STOP,
    accounting_request,
    answered,
    number,
)
from tests.support.radius.desk import Desk, desk_with, sessions_when
from tests.support.radius.radclient import account, radclient
from tests.support.radius.radiusd import PATIENCE, Radiusd

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from nexio.configuration import Configuration
    from nexio.network.sessions import WifiSession


@pytest.fixture(scope="module")
def radiusd(desk: Desk) -> Iterator[Radiusd]:
    """A server for most of the tests."""
    with Radiusd(desk.configuration) as server:
        yield server


@contextmanager
def asking(port: int) -> Iterator[socket.socket]:
    """A NAS's socket."""
    with socket.socket(type=socket.SOCK_DGRAM) as opened:
        opened.settimeout(PATIENCE)
        opened.connect(("127.0.0.1", port))
        yield opened


def test_must_16_a_session_by_radclient(desk: Desk, radiusd: Radiusd) -> None:
    """The Class of the accept finds the visitor again; Proxy-State comes back."""
    visit = desk.register()
    accept = radclient(radiusd.port, visit.email, visit.pin)
    its = f"Class = {accept.attributes['Class']}"
    told = account(radiusd.accounting_port, "Start", its, "Proxy-State = 0x616263")
    assert "Received Accounting-Response" in told
    assert "Proxy-State = 0x616263" in told
    gigabytes = ["Acct-Input-Gigawords = 1", "Acct-Input-Octets = 7", "Acct-Session-Time = 60"]
    assert "Received Accounting-Response" in account(radiusd.accounting_port, "Stop", *gigabytes)
    (session,) = sessions_when(desk, lambda found: any(each.ended_at for each in found))
    assert (session.visit_id, session.email) == (visit.id, visit.email)
    assert (session.octets_in, session.seconds, session.nas) == (2**32 + 7, 60, "127.0.0.1")


def test_must_16_a_wrong_secret_gets_no_answer(radiusd: Radiusd) -> None:
    """And nothing else does that does not verify; the next right one is answered."""
    with asking(radiusd.accounting_port) as nas:
        nas.send(accounting_request(secret=b"another secret"))
        nas.send(access_request())
        good = accounting_request(signed=True, identifier=9)
        nas.send(good)
        answered(good, nas.recv(4096))
    radiusd.wait_for_line("Request Authenticator wrong")


def test_must_03_accounting_on_the_wrong_port(radiusd: Radiusd) -> None:
    """Each port has its own codes."""
    with asking(radiusd.port) as nas:
        nas.send(accounting_request())
        request = access_request()
        nas.send(request)
        assert verified(request, nas.recv(4096)).code == Code.ACCESS_REJECT


def test_must_16_without_a_spool_it_is_answered_when_it_is_in_the_store(
    sqlite_configuration: Configuration,
) -> None:
    """Gone while the server runs: the record is in the store when the answer comes."""
    with desk_with(sqlite_configuration) as desk, Radiusd(desk.configuration) as server:
        visit = desk.register()
        path = spool_of(desk)
        path.rename(path.with_suffix(".away"))
        with asking(server.accounting_port) as nas:
            request = accounting_request()
            nas.send(request)
            answered(request, nas.recv(4096))
            assert len(sessions_when(desk, lambda _: True)) == 1
            server.wait_for_line("records go straight to the store: the spool")
            assert radclient(server.port, visit.email, visit.pin).code == "Access-Accept"
            path.with_suffix(".away").rename(path)
            again = accounting_request(STOP, identifier=8)
            nas.send(again)
            answered(again, nas.recv(4096))
            server.wait_for_line("records reach the spool again")


def test_must_16_a_server_that_never_had_a_spool(sqlite_configuration: Configuration) -> None:
    """Guests get on, accounting is stored, and `nexio doctor` sees that something is wrong."""
    with desk_with(sqlite_configuration) as desk:
        visit = desk.register()
        (desk.configuration.home / "spool").write_text("a file in place of the folder")
        with Radiusd(desk.configuration) as server:
            assert radclient(server.port, visit.email, visit.pin).code == "Access-Accept"
            with asking(server.accounting_port) as nas:
                request = accounting_request()
                nas.send(request)
                answered(request, nas.recv(4096))
            assert len(sessions_when(desk, lambda _: True)) == 1
            desk.wait_for_events(bool)
            with desk.store.read() as work:
                finding = find_server(list_nas(work), server.port)
            assert "cannot use its spool" in finding.message
            assert not finding.well
            assert server.stop() == 0
        assert "are lost" not in server.stderr


def test_a_replay_is_known_after_a_restart(sqlite_configuration: Configuration) -> None:
    """An Accounting-On that was recorded ends no session: it is answered, and does nothing."""
    recorded = accounting_request(ON, identifier=1)
    with desk_with(sqlite_configuration) as desk:
        for told in (recorded, accounting_request(START, identifier=2)):
            with Radiusd(desk.configuration) as server, asking(server.accounting_port) as nas:
                nas.send(told)
                answered(told, nas.recv(4096))
                assert server.stop() == 0
        (live,) = sessions_when(desk, bool)
        with Radiusd(desk.configuration) as server, asking(server.accounting_port) as nas:
            nas.send(recorded)
            answered(recorded, nas.recv(4096))
            assert server.stop() == 0
        assert sessions_when(desk, bool) == [live]
        assert live.ended_at is None


def test_must_16_neither_spool_nor_store(sqlite_configuration: Configuration) -> None:
    """Accounting is silent; guests get on; what is lost at the end is told."""
    with desk_with(sqlite_configuration) as desk, Radiusd(desk.configuration) as server:
        visit = desk.register()
        assert radclient(server.port, visit.email, visit.pin).code == "Access-Accept"
        desk.wait_for_events(bool)
        spool, home = desk.configuration.home / "spool", desk.configuration.home
        for path in sorted(spool.glob("*.db")):
            path.rename(path.with_suffix(".away"))
        (home / "nexio.db").rename(home / "away.db")
        with asking(server.accounting_port) as nas:
            nas.send(accounting_request())
            server.wait_for_line("its accounting record could not be stored")
            assert radclient(server.port, visit.email, visit.pin).code == "Access-Accept"
        assert server.stop() == 0
        server.wait_for_line("1 records are lost since the start")
        (home / "away.db").rename(home / "nexio.db")


def test_must_19_who_logged_in_by_the_pin_alone_can_be_disconnected(
    sqlite_configuration: Configuration,
) -> None:
    """CoovaChilli wants User-Name octet for octet; no table, no list and no file shows it."""
    name = b"44863544@guest"
    with desk_with(sqlite_configuration) as desk:
        with Radiusd(desk.configuration) as server, asking(server.accounting_port) as nas:
            request = accounting_request(attributes={Attribute.USER_NAME: [name]})
            nas.send(request)
            answered(request, nas.recv(4096))
            (session,) = sessions_when(desk, bool)
            assert server.stop() == 0
        assert session.user_name == "******@guest"
        with desk.store.read() as work:
            sent = attributes_of(session, name_as_sent(work, session), utc_now())
        assert sent["User-Name"] == name
        desk.store.close()
        kept = [path for path in desk.configuration.home.rglob("*") if path.is_file()]
        assert not [path for path in kept if b"44863544" in path.read_bytes()]
        assert "44863544" not in server.stderr


def test_must_16_a_slow_disk_holds_up_no_guest(sqlite_configuration: Configuration) -> None:
    """While the spool is locked by another process, accounting waits and logins do not."""
    with desk_with(sqlite_configuration) as desk, Radiusd(desk.configuration) as server:
        visit = desk.register()
        assert radclient(server.port, visit.email, visit.pin).code == "Access-Accept"
        with asking(server.accounting_port) as nas, locked(spool_of(desk)):
            request = accounting_request()
            nas.send(request)
            began = time.monotonic()
            for _ in range(5):
                assert radclient(server.port, visit.email, visit.pin).code == "Access-Accept"
            assert time.monotonic() - began < 3  # SQLite would wait for 5 seconds
        # Stored when the other one let go, and only then answered.
        with asking(server.accounting_port) as nas:
            nas.send(request)
            answered(request, nas.recv(4096))


def spool_of(desk: Desk) -> Path:
    """Where the server stores accounting first."""
    return desk.configuration.home / "spool" / "accounting.db"


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Nobody else writes to a SQLite file."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("BEGIN EXCLUSIVE")
        yield


@pytest.mark.parametrize("victim", ["companion", "both"])
def test_must_16_a_crash_loses_nothing_that_was_answered(
    configuration: Configuration, victim: str
) -> None:
    """Killed between the answer and the store: it is in the store afterwards, once."""
    with desk_with(configuration) as desk:
        with Radiusd(desk.configuration) as server, closed(desk):
            with asking(server.accounting_port) as nas:
                for identifier in range(50):
                    request = accounting_request(session=b"%d" % identifier, identifier=identifier)
                    nas.send(request)
                    answered(request, nas.recv(4096))
            companion = server.companion()
            if victim == "both":  # the companion alone would end in peace
                server.signal(signal.SIGKILL)
            os.kill(companion, signal.SIGKILL)
            if victim == "companion":
                server.wait_for_line("is replaced")
        with Radiusd(desk.configuration) as successor:
            found = sessions_when(desk, lambda found: len(found) >= 50)
            assert successor.stop() == 0
        assert sorted(int(session.session_id) for session in found) == list(range(50))


@contextmanager
def closed(desk: Desk) -> Iterator[None]:
    """Let nobody write sessions to the store, on whichever engine."""
    with desk.store.engine.connect() as connection:
        if desk.store.engine.dialect.name == "postgresql":
            connection.execute(text("LOCK TABLE wifi_session IN EXCLUSIVE MODE"))
        else:
            connection.execute(text("UPDATE store_revision SET number = number"))
        yield


def test_must_16_two_thousand_records(desk: Desk, radiusd: Radiusd) -> None:
    """Starts and Stops of a thousand devices, each answered; all of them reach the store."""
    devices = range(1000)
    began = time.monotonic()
    with asking(radiusd.accounting_port) as nas:
        for status in (START, STOP):
            for first in range(0, len(devices), 100):
                told = [
                    accounting_request(
                        status,
                        {
                            Acct.SESSION_TIME: number(60),
                            Attribute.NAS_IDENTIFIER: [b"hall"],
                        },
                        session=b"many-%d" % device,
                        identifier=device % 256,
                    )
                    for device in devices[first : first + 100]
                ]
                for each in told:
                    nas.send(each)
                replies = {reply[1]: reply for reply in (nas.recv(4096) for _ in told)}
                for each in told:
                    answered(each, replies[each[1]])
    seconds = time.monotonic() - began
    print(f"2000 records answered in {seconds:.2f} s")  # noqa: T201 - a measurement

    def done(found: list[WifiSession]) -> bool:
        return (
            sum(
                session.nas_identifier == "hall" and session.ended_at is not None
                for session in found
            )
            == 1000
        )

    found = [each for each in sessions_when(desk, done) if each.nas_identifier == "hall"]
    assert {each.seconds for each in found} == {60}
    assert len(found) == 1000
