"""The guard in the real program: over a restart, and lifted while it runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nexio.store.engine import utc_now
from radius_auth.guard_file import GuardFile
from radius_auth.guard_keeper import guard_path
from radius_auth.guesses import Cleared
from tests.radius_auth.desk import ask_until, desk_with
from tests.radius_auth.radclient import Reply, radclient
from tests.radius_auth.radiusd import Radiusd

if TYPE_CHECKING:
    from nexio.configuration import Configuration


def test_it_survives_a_restart_and_can_be_lifted(sqlite_configuration: Configuration) -> None:
    """Section 6 of the design: the wait goes on after a restart; a clear reaches the server."""
    with desk_with(sqlite_configuration) as desk:
        visit = desk.register()
        with Radiusd(sqlite_configuration) as server:
            for number in range(10):
                wrong = radclient(server.port, visit.email, f"11111{number}")
                assert wrong.code == "Access-Reject"
            assert server.stop() == 0
        with Radiusd(sqlite_configuration) as server:

            def ask() -> Reply:
                return radclient(server.port, visit.email, visit.pin)

            assert ask().code == "Access-Reject"
            cleared = Cleared(at=utc_now().timestamp(), email=visit.email)
            GuardFile(guard_path(sqlite_configuration.home)).exchange([cleared])

            assert ask_until("Access-Accept", ask).code == "Access-Accept"
            assert server.stop() == 0
        assert sorted(set(desk.reasons())) == ["too many guesses", "valid", "wrong PIN"]
        assert desk.reasons().count("wrong PIN") == 10
