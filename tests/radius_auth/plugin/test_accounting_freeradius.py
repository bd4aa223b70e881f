"""Accounting at a real FreeRADIUS whose disk or spool is in trouble (Must 16)."""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from tests.support.radius.desk import Desk, ask_until, desk_with, sessions_when
from tests.support.radius.freeradius import FreeRADIUS, with_plugin
from tests.support.radius.radclient import account, radclient

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from nexio.configuration import Configuration

SPOOL = "spool/freeradius-accounting.db"


@pytest.fixture(scope="module")
def freeradius(
    freeradius_python: None, desk: Desk, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[FreeRADIUS]:
    """A server of that desk."""
    with with_plugin(desk.configuration, tmp_path_factory.mktemp("freeradius")) as server:
        server.warm_up()
        yield server
        assert server.stop() == 0
        assert "Traceback" not in server.log


def test_a_disk_that_hangs_holds_up_no_guest(desk: Desk, freeradius: FreeRADIUS) -> None:
    """Another process locks the spool: accounting has no answer then, and guests get on."""
    visit = desk.register()
    ask_until("Access-Accept", lambda: radclient(freeradius.port, visit.email, visit.pin))
    with closing(sqlite3.connect(desk.configuration.home / SPOOL)) as other:
        other.execute("BEGIN EXCLUSIVE")
        assert "No reply" in account(freeradius.accounting_port, "Start", timeout=1)
        began = time.monotonic()
        for _ in range(5):
            assert radclient(freeradius.port, visit.email, visit.pin).code == "Access-Accept"
        assert time.monotonic() - began < 4  # SQLite would wait for 5 seconds
        freeradius.wait_for_line("its accounting record could not be stored")
    assert "Accounting-Response" in account(freeradius.accounting_port, "Start", tries=9)
    (session,) = sessions_when(desk, bool)
    assert session.session_id == "81"


def test_a_request_that_is_wrong_says_why_in_the_log(desk: Desk, freeradius: FreeRADIUS) -> None:
    """The companion's word in FreeRADIUS's log, once; and what is right is answered."""
    port, another = freeradius.accounting_port, "Acct-Session-Id = 82"
    assert "No reply" in account(port, "Start", another, timeout=1)
    freeradius.wait_for_line("nexio: no answer to 127.0.0.1: accounting attribute that contradicts")
    assert "Accounting-Response" in account(port, "Stop")


def test_without_a_spool_it_is_answered_when_it_is_in_the_store(
    freeradius_python: None, sqlite_configuration: Configuration, tmp_path: Path
) -> None:
    """The folder cannot be made: the record is in the store when the answer comes."""
    (sqlite_configuration.home / "spool").write_text("a file in place of the folder")
    with (
        desk_with(sqlite_configuration) as desk,
        with_plugin(sqlite_configuration, tmp_path) as server,
    ):
        server.warm_up()
        assert "Accounting-Response" in account(server.accounting_port, "Start", tries=9)
        assert [each.session_id for each in sessions_when(desk, lambda _: True)] == ["81"]
        assert server.stop() == 0
