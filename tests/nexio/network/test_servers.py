"""What servers say of themselves, in the store."""

from __future__ import annotations

import socket
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select

from nexio.network.server_identity import RADIUSD, Identity, host_name
from nexio.network.servers import Report, list_servers, report
from nexio.store.tables import ChangeRow, StoreRevisionRow

if TYPE_CHECKING:
    from nexio.store.engine import Store

HERE = Identity(RADIUSD, "harbour-1", "1812")
SAID = Report(
    version="1",
    writer="a",
    started_at=datetime(2026, 7, 1, tzinfo=UTC),
    table_age=0.0,
    requests=1.0,
)


def test_nobody_follows_it(store: Store) -> None:
    """It is no change: it gets no number, so whoever follows has nothing to read."""

    def changes() -> tuple[int, int]:
        with store.read() as look:
            number = look.session.scalars(select(StoreRevisionRow.number)).one()
            return number, len(look.session.scalars(select(ChangeRow.number)).all())

    before = changes()
    for requests in (1.0, 2.0):
        with store.write() as work:
            report(work, HERE, replace(SAID, requests=requests))
    assert changes() == before
    with store.read() as look:
        (server,) = list_servers(look)
    assert server.report == replace(SAID, requests=2.0)


def test_an_address_and_a_port() -> None:
    """Two of a host are told apart."""
    assert Identity(RADIUSD, "h", "1812").name == "h:1812"
    assert Identity(RADIUSD, "h", "192.0.2.1:1812").name == "h 192.0.2.1:1812"


def test_what_is_known_grows_old(store: Store) -> None:
    """A server that is silent follows no more, as far as anybody knows."""
    with store.write() as work:
        report(work, HERE, SAID)
    with store.read() as look:
        (server,) = list_servers(look)
    assert replace(server, silent_for=timedelta(seconds=5)).table_age == timedelta(seconds=5)


@pytest.mark.parametrize(
    ("said", "name"),
    [
        ("harbour-1", "harbour-1"),
        ("hafen-tür", "hafen-tür"),
        ("hafen-t\udcfcr", r"hafen-t\xfcr"),  # Latin-1, as Python gives it
        ("harbour\x1b[2J", r"harbour\x1b[2J"),
    ],
)
def test_the_name_of_a_host_is_any_octets(
    said: str, name: str, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The store can hold it: else no decision of that server would ever get there."""
    monkeypatch.setattr(socket, "gethostname", lambda: said)
    with store.write() as work:
        report(work, Identity(RADIUSD, host_name(), "1812"), SAID)
    with store.read() as look:
        (server,) = list_servers(look)
    assert server.identity.name == f"{name}:1812"
