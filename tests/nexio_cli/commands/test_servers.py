"""``nexio servers``: every server that follows the store, and what the doctor says of them."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import update

from nexio import __version__
from nexio.clock import utc_now
from nexio.network.guard_acts import Act, Kind
from nexio.network.guard_table import append
from nexio.network.server_identity import FREERADIUS, RADIUSD, Identity
from nexio.network.servers import Report, report
from nexio.operations.fleet import look_at_fleet
from nexio.operations.housekeeping import tidy
from nexio.store.engine import Store
from nexio.store.tables import ServerRow

if TYPE_CHECKING:
    from nexio.operations.health import Finding
    from tests.support.cli.running import Nexio

KEYS = ["id", "name", "kind", "host", "place", "version", "state", "started_at", "seen_at"]
KEYS += ["table_age_seconds", "requests_per_second", "spool_records", "spool_oldest_seconds"]
KEYS += ["clock_ahead_seconds", "shares_guesses"]
FIRST = Identity(RADIUSD, "harbour-1", "1812")
SECOND = Identity(FREERADIUS, "harbour-2", "/var/lib/nexio")
WELL = Report(
    version=__version__,
    writer="a",
    started_at=utc_now() - timedelta(hours=3),
    table_age=0.25,
    requests=12.34,
    clock_off=0.003,
)


def tell(desk: Nexio, identity: Identity, said: Report = WELL, *, ends: bool = False) -> None:
    """A server says something of itself, and counts guesses with the others."""
    with closing(Store.open(desk.configuration)) as store, store.write() as work:
        report(work, identity, said, ends=ends)
        kind = Kind.GONE if ends else Kind.HERE
        act = Act(kind, work.now.timestamp(), said.writer, 1, identity.host, 0)
        append(work.session.connection(), [act])


def silence(desk: Nexio, identity: Identity, ago: timedelta) -> None:
    """A server has said nothing since then."""
    with closing(Store.open(desk.configuration)) as store, store.write() as work:
        here = (ServerRow.host == identity.host) & (ServerRow.kind == identity.kind)
        work.session.execute(update(ServerRow).where(here).values(seen_at=work.now - ago))


def wrong(desk: Nexio) -> list[Finding]:
    """What the doctor finds."""
    with closing(Store.open(desk.configuration)) as store, store.read() as look:
        return [each for each in look_at_fleet(look) if not each.well]


def servers(desk: Nexio) -> list[dict[str, Any]]:
    """What scripts read."""
    told: list[dict[str, Any]] = desk.done("servers", "--json").json
    return told


def test_what_a_server_is(desk: Nexio) -> None:
    """A person reads a table, a script the same in numbers; said again, it is the same server."""
    assert "No server has told this store" in desk.done("servers").err
    tell(desk, FIRST)
    tell(desk, SECOND, replace(WELL, writer="b", spooled=7, spool_age=61.0))
    tell(desk, FIRST, replace(WELL, requests=0.5))
    first, second = servers(desk)
    assert list(first) == KEYS
    assert (first["name"], second["name"]) == ("harbour-1:1812", "harbour-2 FreeRADIUS")
    assert (first["state"], first["version"]) == ("running", __version__)
    assert (first["requests_per_second"], first["clock_ahead_seconds"]) == (0.5, 0.003)
    assert (second["spool_records"], second["spool_oldest_seconds"]) == (7, 61.0)
    assert first["shares_guesses"] is second["shares_guesses"] is True
    (rest,) = desk.done("servers", "--after", str(first["id"]), "--json").json
    assert rest["id"] == second["id"]
    line = desk.done("servers").out.splitlines()[-1]
    assert "7, 1 minute 1 second old" in line
    assert wrong(desk) == []
    assert "2 servers count guesses together" in desk.done("guard", "list").err


def test_one_that_is_silent_is_missed_and_then_forgotten(desk: Nexio) -> None:
    """For a week the doctor complains; after 90 days of silence nobody knows it any more."""
    tell(desk, FIRST)
    silence(desk, FIRST, timedelta(seconds=50))
    (told,) = servers(desk)
    assert told["state"] == "silent"
    assert told["table_age_seconds"] == pytest.approx(50, abs=30)
    (finding,) = wrong(desk)
    assert "nexio-radiusd harbour-1:1812 has said nothing for 5" in finding.message
    silence(desk, FIRST, timedelta(days=8))
    assert wrong(desk) == []
    tidied(desk)
    assert len(servers(desk)) == 1
    silence(desk, FIRST, timedelta(days=91))
    tidied(desk)
    assert servers(desk) == []


def tidied(desk: Nexio) -> None:
    """The periodic jobs have run."""
    with closing(Store.open(desk.configuration)) as store:
        tidy(store)


def test_one_that_was_stopped_is_not_missed(desk: Nexio) -> None:
    """It is no trouble, however long ago; started again, it is at work again."""
    tell(desk, FIRST, ends=True)
    silence(desk, FIRST, timedelta(days=1))
    (told,) = servers(desk)
    assert (told["state"], told["shares_guesses"]) == ("stopped", False)
    assert wrong(desk) == []
    tell(desk, FIRST)
    assert [each["state"] for each in servers(desk)] == ["running"]


@pytest.mark.parametrize(
    ("off", "words"), [(1.2, "1.2 seconds ahead of"), (-90.0, "90.0 seconds behind")]
)
def test_a_clock_that_is_wrong(sqlite_desk: Nexio, off: float, words: str) -> None:
    """More than a second is; the list warns, and the doctor says what to do."""
    tell(sqlite_desk, FIRST, replace(WELL, clock_off=off))
    tell(sqlite_desk, SECOND, replace(WELL, writer="b", clock_off=-0.9))
    said = sqlite_desk.done("servers").err
    assert said.startswith(f"Warning: the clock of harbour-1:1812 is {words} the database's")
    assert said.count("Warning") == 1
    (finding,) = wrong(sqlite_desk)
    assert (finding.subject, words in finding.message) == ("clock", True)
    assert "timedatectl" in finding.advice


def test_one_that_does_not_follow_or_share(sqlite_desk: Nexio) -> None:
    """It reaches the store, and yet its table is old, or the guard has not heard of it."""
    tell(sqlite_desk, FIRST, replace(WELL, table_age=90.0))
    with closing(Store.open(sqlite_desk.configuration)) as store, store.write() as work:
        report(work, SECOND, replace(WELL, writer="unheard of"))
    old, alone = wrong(sqlite_desk)
    assert "has not followed the store for 1 minute 30 seconds" in old.message
    assert "harbour-2 FreeRADIUS does not count guesses together" in alone.message


def test_r6_more_servers_than_the_bound_has_room_for(desk: Nexio) -> None:
    """Four may count together; of the fifth on the doctor says so."""
    for number in range(4):
        tell(desk, Identity(RADIUSD, f"h{number}", "1812"), replace(WELL, writer=f"w{number}"))
    assert wrong(desk) == []
    tell(desk, FIRST, replace(WELL, writer="fifth"))
    (finding,) = wrong(desk)
    assert finding.message == "5 servers count guesses together, and the bound holds for 4"
