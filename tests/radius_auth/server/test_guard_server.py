"""The guard in the real program: over a restart, between two servers, and lifted by the desk."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from radius_auth.guard.desk import release
from tests.support.radius.desk import Desk, ask_until, desk_with
from tests.support.radius.radclient import Reply, radclient
from tests.support.radius.radiusd import Radiusd

if TYPE_CHECKING:
    from pathlib import Path

    from nexio.configuration import Configuration
    from nexio.reception.visits import Visit

PHONE = '"02-00-00-00-00-01"'


def guess_at(server: Radiusd, visit: Visit) -> None:
    """Six wrong PINs, each on a device of its own."""
    for number in range(6):
        device = f'"06-ff-00-00-00-{number:02x}"'
        wrong = radclient(server.port, visit.email, f"11111{number}", Calling_Station_Id=device)
        assert wrong.code == "Access-Reject"


def let_try(desk: Desk, visit: Visit) -> None:
    """What ``nexio guard release`` does."""
    with desk.store.write() as work:
        release(work, visit.id, "02:00:00:00:00:01")


def test_it_survives_a_restart_and_can_be_lifted(sqlite_configuration: Configuration) -> None:
    """The wait goes on after a restart; a release reaches the running server."""
    with desk_with(sqlite_configuration) as desk:
        visit = desk.register()
        with Radiusd(sqlite_configuration) as server:
            guess_at(server, visit)
            assert server.stop() == 0
        with Radiusd(sqlite_configuration) as server:

            def ask() -> Reply:
                return radclient(server.port, visit.email, visit.pin, Calling_Station_Id=PHONE)

            assert ask().code == "Access-Reject"
            let_try(desk, visit)
            assert ask_until("Access-Accept", ask).code == "Access-Accept"
            assert server.stop() == 0
        assert sorted(set(desk.reasons())) == ["too many guesses", "valid", "wrong PIN"]
        assert desk.reasons().count("wrong PIN") == 6


def test_servers_of_one_store_share_it(configuration: Configuration, tmp_path: Path) -> None:
    """What one has let through, the other knows within a second."""
    elsewhere = replace(configuration, home=tmp_path / "other")
    with desk_with(configuration) as desk:
        visit = desk.register()
        with Radiusd(configuration) as one:
            guess_at(one, visit)
            with Radiusd(elsewhere) as other:
                device = '"06-ff-00-00-00-aa"'
                reply = radclient(other.port, visit.email, visit.pin, Calling_Station_Id=device)
                assert reply.code == "Access-Reject"
                let_try(desk, visit)
                for server in (one, other):

                    def ask(port: int = server.port) -> Reply:
                        return radclient(port, visit.email, visit.pin, Calling_Station_Id=PHONE)

                    ask_until("Access-Accept", ask)
                assert other.stop() == 0
            assert one.stop() == 0
