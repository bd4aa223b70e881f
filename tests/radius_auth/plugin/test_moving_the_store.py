"""FreeRADIUS while its store moves, by the steps of docs/network-engineers.md."""

from __future__ import annotations

import subprocess
import time
from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING

from nexio.keys.key_file import load_keys
from nexio.network.event_log import list_events
from nexio.store.engine import Store
from radius_auth.replica.saved_table import read_saved_table
from tests.support.cli.forking import start
from tests.support.people import register
from tests.support.radius.desk import Desk, ask_until, desk_with
from tests.support.radius.freeradius import NEXIO, install, with_plugin
from tests.support.radius.radclient import account, radclient
from tests.support.radius.radiusd import environment_of, wait_until

if TYPE_CHECKING:
    from pathlib import Path

    from nexio.configuration import Configuration
    from nexio.reception.visits import Visit
    from tests.support.postgresql import PostgreSQL
    from tests.support.radius.freeradius import FreeRADIUS


def test_guests_get_on_while_the_store_moves(
    freeradius_python: None,
    sqlite_configuration: Configuration,
    postgresql: PostgreSQL,
    tmp_path: Path,
) -> None:
    """From SQLite to PostgreSQL: each login is accepted, and in the log of one store, once."""
    old = sqlite_configuration
    new = replace(old, database_url=postgresql.create_database("moved_plugin"))
    with desk_with(old) as desk, with_plugin(old, tmp_path) as server:
        server.warm_up()
        visit = desk.register()
        ask_until("Access-Accept", lambda: radclient(server.port, visit.email, visit.pin))
        wait_until(lambda: is_kept(desk, visit))
        log_in(server, visit)

        install(server.raddb, new)
        assert server.stop() == 0
        assert len(accepts(old)) == 2
        server.start()
        logins = sum(log_in(server, visit) for _ in range(5))
        assert "Accounting-Response" in account(server.accounting_port, "Start", tries=3)
        words = [str(NEXIO), "db", "copy", "--from", old.database_url]
        with start(*words, env=environment_of(new), stdout=subprocess.DEVNULL) as copying:
            while copying.poll() is None:
                logins += log_in(server, visit)
                time.sleep(0.02)
        assert copying.returncode == 0
        logins += log_in(server, visit)

        server.wait_for_line("following the store again")
        with closing(Store.open(new)) as store:
            guest = register(store, desk.location, email="later@example.com")
        ask_until("Access-Accept", lambda: radclient(server.port, guest.email, guest.pin))
        wait_until(lambda: len(accepts(new)) > 2 + logins)
        assert server.stop() == 0
        assert len(accepts(new)) == 2 + logins + 1
        assert len(accepts(old)) == 2
        assert "Traceback" not in server.log


def log_in(server: FreeRADIUS, visit: Visit) -> int:
    """A guest gets on the Wi-Fi; how many have."""
    assert radclient(server.port, visit.email, visit.pin).code == "Access-Accept"
    return 1


def is_kept(desk: Desk, visit: Visit) -> bool:
    """Whether a visit is in what the plugin keeps for a start without the store."""
    path = desk.configuration.home / "spool" / "freeradius.table"
    kept = read_saved_table(path, load_keys(desk.configuration.key_file))
    return kept is not None and kept.table.find_visit(visit.id) is not None


def accepts(configuration: Configuration) -> list[str]:
    """Whom the log of a store says to have got on."""
    with closing(Store.open(configuration)) as store, store.read() as look:
        found = list_events(look, None, limit=10_000)
    return [each.event.user_name for each in found if each.event.outcome == "accept"]
