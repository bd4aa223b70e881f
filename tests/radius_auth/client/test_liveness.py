"""Is a server answering on this machine: asked for real, on real ports."""

from __future__ import annotations

import re
import time
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from nexio.clock import utc_now
from nexio.keys.ownership import load_trusted_keys
from nexio.network.following import Position
from nexio.network.nas import NewNas, add_nas, list_nas
from nexio.store.creation import create_store
from nexio.store.engine import Store
from radius_auth.client import liveness
from radius_auth.client.liveness import OLD_SECONDS, find_server, find_tables
from radius_auth.protocol.statistics import Counts
from radius_auth.protocol.status import Status
from radius_auth.replica.saved_table import SavedTable, SavedTableFile
from radius_auth.replica.table import Table
from tests.support.people import add_location, register
from tests.support.radius.guests import SECRET
from tests.support.radius.radiusd import Radiusd, free_port
from tests.support.radius.status_server import bound, saying
from tests.support.stores import configuration_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from nexio.configuration import Configuration
    from nexio.operations.health import Finding


@pytest.fixture
def house(sqlite_configuration: Configuration) -> Iterator[Store]:
    """Harbour House with a visit; a server may ask from loopback."""
    with closing(Store.open(sqlite_configuration, utc_now)) as store:
        furnish(store, "127.0.0.0/8", SECRET.decode())
        yield store


def furnish(store: Store, address: str, secret: str) -> None:
    """A location with a visit and a NAS."""
    location = add_location(store, "Harbour House", "Europe/London", "visitor-tokens=on")
    register(store, location)
    with store.write() as work:
        add_nas(work, location, NewNas(name="here", address=address, secret=secret))


def found(store: Store, port: int) -> Finding:
    """What is found on a port."""
    with store.read() as work:
        finding = find_server(list_nas(work), port)
    assert finding.subject == "RADIUS server"
    assert bool(finding.advice) != finding.well
    return finding


def test_our_server(house: Store, sqlite_configuration: Configuration) -> None:
    """It answers, follows the store, and knows the visit; the NAS is found by its network."""
    with Radiusd(sqlite_configuration) as server:
        finding = found(house, server.port)
    assert finding.well, finding
    said = f"answers on port {server.port} and followed the store \\d+ seconds? ago"
    assert re.fullmatch(rf"{said} \(1 visit known\)", finding.message)


def test_a_table_of_the_key_before(
    sqlite_configuration: Configuration, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server at work writes it anew a moment after a rotation; what stays so is told."""
    path = sqlite_configuration.home / "spool" / "radiusd.table"
    path.parent.mkdir()
    path.write_bytes(b"of the key before")
    keys = load_trusted_keys(sqlite_configuration)
    whole = SavedTable(
        table=Table(keys), position=Position(epoch="e", number=1), followed_at=utc_now()
    )

    def rewrite(_: float) -> None:
        SavedTableFile.write(path, whole, ()).close()

    with monkeypatch.context() as patched:
        patched.setattr(time, "sleep", rewrite)
        ((finding, kept),) = find_tables(sqlite_configuration)
    assert finding.well
    assert kept is not None

    path.write_bytes(b"of the key before")
    monkeypatch.setattr(liveness, "REWRITTEN_WITHIN", 0.1)
    ((finding, kept),) = find_tables(sqlite_configuration)
    assert not finding.well
    assert kept is None


def test_nobody_listens(house: Store) -> None:
    """How to start it."""
    port = free_port()
    finding = found(house, port)
    assert finding.message == f"nothing listens on port {port}"
    assert "nexio-radiusd" in finding.advice


def test_another_program_listens(house: Store) -> None:
    """It says nothing, and nobody can take its port."""
    with bound() as opened:
        port = opened.getsockname()[1]
        finding = found(house, port)
    assert finding.message == f"what listens on port {port} does not answer"


def test_the_server_of_another_store(house: Store, tmp_path: Path) -> None:
    """Another secret: it discards the question (Must 1, Must 11), and the advice names that."""
    other = configuration_of(tmp_path / "other")
    create_store(other)
    with closing(Store.open(other, utc_now)) as store:
        furnish(store, "127.0.0.1", "another secret of another house")
    with Radiusd(other) as server:
        finding = found(house, server.port)
    assert not finding.well
    assert "nexio-radiusd of another store" in finding.advice


def test_another_radius_server(house: Store) -> None:
    """With the same secret, and words of its own."""
    with saying("FreeRADIUS up 2 days, 18:40") as port:
        finding = found(house, port)
    assert finding.message == f"another server answers on port {port}"


@pytest.mark.parametrize("seconds", [OLD_SECONDS, OLD_SECONDS + 1])
def test_a_server_that_lost_the_store(seconds: int, house: Store) -> None:
    """Since when; a minute is nothing to worry about."""
    status = Status(up_seconds=9999, followed_seconds=seconds, visits=1)
    with saying(str(status)) as port:
        finding = found(house, port)
    assert finding.well == (seconds == OLD_SECONDS)
    assert finding.well or "for 61 seconds" in finding.message


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("unrecorded=3", "3 decisions are missing in the log"),
        ("without_spool=1", "cannot use its spool"),
        ("from_disk=1", "it started without the store"),
        ("unrecorded=0", None),
    ],
)
def test_a_server_that_is_not_well(line: str, words: str | None, house: Store) -> None:
    """Decisions that are lost or have no spool, and an old table, are no secret."""
    status = Status(up_seconds=9999, followed_seconds=0, visits=1, counts=Counts())
    said = [each for each in status.lines() if not each.startswith(line.partition("=")[0])]
    with saying("\n".join([*said, line])) as port:
        finding = found(house, port)
    assert finding.well == (words is None)
    assert words is None or words in finding.message


def test_without_a_secret_to_ask_with(sqlite_store: Store) -> None:
    """No NAS stands for this machine: how to add one."""
    furnish(sqlite_store, "192.0.2.1", SECRET.decode())
    finding = found(sqlite_store, free_port())
    assert not finding.well
    assert "nexio nas add" in finding.advice
