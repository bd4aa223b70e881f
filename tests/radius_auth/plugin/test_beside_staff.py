"""FreeRADIUS's own site stays, because staff log in there."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.radius.desk import Desk, ask_until
from tests.support.radius.eapol import METHODS, Phone
from tests.support.radius.freeradius import FreeRADIUS, copy_raddb, install, show_certificate
from tests.support.radius.radiusd import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="module")
def freeradius(
    freeradius_python: None, desk: Desk, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[FreeRADIUS]:
    """Both sites, each on a port of its own."""
    server = FreeRADIUS(copy_raddb(tmp_path_factory.mktemp("freeradius") / "raddb"), free_port())
    install(server.raddb, desk.configuration, "--keep-default")
    show_certificate(server)
    server.change("sites-available/nexio", "port = 1812", f"port = {server.port}")
    accounting = rf"port = {free_port()}\1"
    server.change("sites-available/default", r"port = 0(\s+type = acct)", accounting)
    server.change("sites-available/default", "port = 0", f"port = {free_port()}")
    server.change("sites-available/inner-tunnel", "port = 18120", f"port = {free_port()}")
    with server:
        server.warm_up()
        yield server


@pytest.mark.parametrize("method", METHODS)
def test_guests_get_in_by_every_method(
    desk: Desk, freeradius: FreeRADIUS, tmp_path: Path, method: str
) -> None:
    """R10: FreeRADIUS looks for MS-CHAP by another name where its own site is there."""
    visit, phone = desk.register(), Phone(method=method, folder=tmp_path)

    ask_until("Access-Accept", lambda: phone.log_in(freeradius, visit.email, visit.pin))
