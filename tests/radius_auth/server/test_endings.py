"""Running servers end the sessions of whoever may not be on any more (RFC 5176)."""

from __future__ import annotations

import signal
import subprocess
from collections import Counter, defaultdict
from datetime import timedelta
from itertools import pairwise
from typing import TYPE_CHECKING

from nexio.clock import utc_now
from nexio.network.accounting_records import Status
from nexio.network.endings import FIRST_PAUSE
from nexio.network.nas import NasChanges, edit_nas
from radius_auth.protocol.packet import read_packet
from tests.support.accounting import MAC, record, tell
from tests.support.cli.forking import run, start
from tests.support.cli.programs import program
from tests.support.people import revoke
from tests.support.radius.desk import Desk, desk_with, sessions_when
from tests.support.radius.fake_nas import FakeNas, reply
from tests.support.radius.radclient import account, radclient
from tests.support.radius.radiusd import PATIENCE, Radiusd, environment_of, wait_until
from tests.support.stores import run_sql

if TYPE_CHECKING:
    from datetime import datetime

    from nexio.configuration import Configuration
    from nexio.reception.visits import Visit

MANY = 1_000


def lead_to(desk: Desk, nas: FakeNas) -> None:
    """Let the access point of loopback take its disconnects there."""
    with desk.store.write() as work:
        edit_nas(work, "127.0.0.1", NasChanges(disconnect=f"127.0.0.1:{nas.port}"))


def many_on(desk: Desk, seconds: float) -> datetime:
    """A visitor with very many devices, whose window ends in so many seconds; that end."""
    visit = desk.register()
    fields = {"source_address": "127.0.0.1", "nas": "127.0.0.1", "at": utc_now()}
    tell(
        desk.store,
        *(
            record(Status.START, visit, key=f"{number:032x}", session_id=str(number), **fields)
            for number in range(MANY)
        ),
    )
    until = utc_now() + timedelta(seconds=seconds)
    run_sql(desk.store, "UPDATE access_token SET valid_until = :until", until=until)
    return until


def test_a_revoked_guest_is_disconnected(configuration: Configuration) -> None:
    """Login, accounting and disconnect over real sockets; the Stop ends it, with our reason."""
    with desk_with(configuration) as desk, FakeNas(then=reply()) as nas:
        lead_to(desk, nas)
        with Radiusd(configuration) as server:
            visit = desk.register()
            accept = radclient(server.port, visit.email, visit.pin)
            its = f"Class = {accept.attributes['Class']}"
            account(server.accounting_port, "Start", its)
            sessions_when(desk, lambda found: bool(found) and found[0].visit_id == visit.id)
            assert nas.requests == []
            revoke(desk.store, visit)
            wait_until(lambda: nas.requests)
            (asked,) = sessions_when(desk, lambda found: found[0].disconnect is not None)
            assert asked.disconnect is not None
            assert (asked.disconnect.outcome, asked.disconnect.reason) == ("ack", "revoked")
            account(server.accounting_port, "Stop", its, "Acct-Session-Time = 1")
            sessions_when(desk, lambda found: found[0].ended_by == "stop")


def test_a_program_of_its_own_ends_sessions_too(sqlite_configuration: Configuration) -> None:
    """`--past-end --watch`, as a service beside any server; Ctrl-C ends it."""
    words = [program("nexio"), "session", "disconnect", "--past-end", "--watch", "--yes"]
    env = environment_of(sqlite_configuration)
    with desk_with(sqlite_configuration) as desk, FakeNas(then=reply()) as nas:
        lead_to(desk, nas)
        with start(*words, env=env, stdout=subprocess.PIPE) as alone:
            for number in (1, 2):
                visit = desk.register()
                one_on(desk, visit, number)
                revoke(desk.store, visit)
                wait_until(lambda many=number: len(nas.requests) == many)  # type: ignore[misc]
            sessions_when(desk, lambda found: all(each.disconnect for each in found))
            alone.send_signal(signal.SIGINT)
            said, _ = alone.communicate(timeout=PATIENCE)
    assert alone.returncode == 130
    assert said.count("the access point ends it.") == 2


def one_on(desk: Desk, visit: Visit, number: int = 1) -> None:
    """A device of a visitor at the access point of loopback."""
    about = {"source_address": "127.0.0.1", "nas": "127.0.0.1", "at": utc_now()}
    about |= {"key": f"{number:032x}", "session_id": str(number)}
    tell(desk.store, record(Status.START, visit, **about))


def test_the_desk_hears_what_became_of_it(sqlite_configuration: Configuration) -> None:
    """The command that revokes waits for the server, and says what the access point answered."""
    with desk_with(sqlite_configuration) as desk, FakeNas(then=reply()) as nas:
        lead_to(desk, nas)
        visit = desk.register()
        one_on(desk, visit)
        with Radiusd(sqlite_configuration):
            words = [program("nexio"), "token", "revoke", "--yes", visit.email]
            env = environment_of(sqlite_configuration)
            ran = run(*words, env=env, seconds=PATIENCE)
    assert f"S1 on {MAC} at 127.0.0.1: the access point ends it." in ran.stderr


def test_a_thousand_windows_end_in_the_same_second(sqlite_configuration: Configuration) -> None:
    """At a NAS that ignores Session-Timeout: all are asked, and nobody again within the pause.

    `python -m benchmarks.sessions` says how soon.
    """
    with desk_with(sqlite_configuration) as desk, FakeNas(then=reply()) as nas:
        lead_to(desk, nas)
        until = many_on(desk, 2).timestamp()
        with Radiusd(sqlite_configuration):
            wait_until(lambda: len(nas.requests) >= MANY and len(asked_at(nas)) == MANY)
    again = [later - at for times in asked_at(nas).values() for at, later in pairwise(times)]
    assert all(seconds >= FIRST_PAUSE.total_seconds() for seconds in again)
    assert until <= nas.times[0]


def test_one_of_two_servers_is_killed(postgresql_configuration: Configuration) -> None:
    """In the act: the other one asks for what it had claimed.  Nobody is left, few asked twice."""
    with desk_with(postgresql_configuration) as desk, FakeNas(then=reply()) as nas:
        lead_to(desk, nas)
        with Radiusd(postgresql_configuration) as one, Radiusd(postgresql_configuration):
            many_on(desk, 0.5)
            wait_until(lambda: len(nas.requests) > MANY // 4)
            one.kill()
            wait_until(lambda: len(nas.requests) >= MANY and len(asked_at(nas)) == MANY)
    often = Counter(map(len, asked_at(nas).values()))
    assert often.keys() <= {1, 2}
    assert often[2] <= MANY // 4


def asked_at(nas: FakeNas) -> dict[bytes, list[int]]:
    """The Event-Timestamps of the requests, by Acct-Session-Id."""
    found = defaultdict(list)
    for octets, _ in nas.requests:
        request = read_packet(octets)
        found[request.values(44)[0]].append(int.from_bytes(request.values(55)[0]))
    return found
