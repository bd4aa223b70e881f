"""FreeRADIUS's own site stays, because staff log in there."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.support.radius.desk import Desk, ask_until, sessions_when
from tests.support.radius.eapol import METHODS, Phone
from tests.support.radius.freeradius import FreeRADIUS, copy_raddb, install, show_certificate
from tests.support.radius.guests import SECRET
from tests.support.radius.radclient import account, radclient
from tests.support.radius.radiusd import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator

GUIDE = Path(__file__).parents[3] / "docs" / "freeradius.md"
STAFF_ACCOUNTING = free_port()


def for_preacct() -> str:
    """What the guide puts at the very beginning of preacct."""
    _, _, after = GUIDE.read_text().partition("At the very beginning of `preacct`")
    return after.split("```")[1].removeprefix("text\n")


@pytest.fixture(scope="module")
def freeradius(
    freeradius_python: None, desk: Desk, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[FreeRADIUS]:
    """Both sites, each on a port of its own."""
    server = FreeRADIUS(copy_raddb(tmp_path_factory.mktemp("freeradius") / "raddb"), free_port())
    install(server.raddb, desk.configuration, "--keep-default")
    show_certificate(server)
    server.listen_on_its_ports()
    accounting = rf"port = {STAFF_ACCOUNTING}\1"
    server.change("sites-available/default", r"port = 0(\s+type = acct)", accounting)
    server.change("sites-available/default", "^preacct {", f"preacct {{\n{for_preacct()}")
    server.change("sites-available/default", r"^\s*detail$", "ok")
    server.change("clients.conf", "secret = testing123", f'secret = "{SECRET.decode()}"')
    server.change("sites-available/default", "port = 0", f"port = {free_port()}")
    server.change("sites-available/inner-tunnel", "port = 18120$", f"port = {free_port()}")
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


def test_accounting_of_an_access_point_that_staff_use_too(
    desk: Desk, freeradius: FreeRADIUS
) -> None:
    """R12: by the lines of the guide, the Class of a guest leads to us; staff go their own way."""
    visit = desk.register()
    reply = ask_until("Access-Accept", lambda: radclient(freeradius.port, visit.email, visit.pin))
    theirs = 'User-Name = "staff"', "Class = 0x73746166", 'Acct-Session-Id = "82"'
    its = f"Class = {reply.attributes['Class']}", "Acct-Session-Time = 7", 'User-Name = "z\\351"'

    assert "Accounting-Response" in account(STAFF_ACCOUNTING, "Start", *theirs)
    assert "Accounting-Response" in account(STAFF_ACCOUNTING, "Interim-Update", *its)

    (session,) = sessions_when(desk, bool)
    assert (session.visit_id, session.session_id, session.seconds) == (visit.id, "81", 7)
    assert (session.user_name, session.nas_address) == ("z\\xe9", None)
