"""Access points of many kinds that are to end sessions, over real UDP (RFC 5176)."""

from __future__ import annotations

import subprocess
import time
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING, Final, NamedTuple

import pytest

from nexio.network.nas import NasChanges, edit_nas
from nexio.network.sessions import SessionFilter, list_sessions
from radius_auth.protocol.packet import Attribute
from tests.support.people import revoke
from tests.support.radius.access_point import (
    AccessPoint,
    Device,
    deaf,
    obedient,
    of_another_secret,
    of_two_minds,
    rebooting,
    refusing,
    says_yes,
    slow_to_hear,
    stuttering,
)
from tests.support.radius.accounting_requests import UPDATE
from tests.support.radius.freeradius import with_plugin
from tests.support.radius.guests import SECRET
from tests.support.radius.radclient import radclient
from tests.support.radius.radiusd import Radiusd, wait_until
from tests.support.stores import run_sql

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from nexio.network.sessions import WifiSession
    from nexio.reception.visits import Visit
    from tests.support.radius.access_point import Kind
    from tests.support.radius.desk import Desk
    from tests.support.radius.radclient import Reply


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """What a kind of access point does, and what is known of its session in the end."""

    kind: Kind
    ended_by: str | None
    outcome: str
    cause: int | None = None
    heard: int = 1
    """Transmissions."""


CAUSES: Final = (401, 402, 403, 404, 405, 406, 407, 501, 502, 504, 505, 506, 507, 508)

KINDS: Final = {
    "obedient": Row(kind=obedient, ended_by="stop", outcome="ack"),
    "deaf": Row(kind=deaf, ended_by=None, outcome="timeout", heard=3),
    "says yes": Row(kind=says_yes, ended_by=None, outcome="ack"),
    "another secret": Row(kind=of_another_secret, ended_by=None, outcome="timeout", heard=3),
    "slow": Row(kind=slow_to_hear, ended_by="stop", outcome="ack", heard=3),
    "of two minds": Row(kind=of_two_minds, ended_by="stop", outcome="ack", heard=4),
    "rebooting": Row(kind=rebooting, ended_by="accounting-on", outcome="timeout", heard=3),
    "stuttering": Row(kind=stuttering, ended_by="stop", outcome="ack"),
    "knows nothing": Row(kind=refusing(503), ended_by="gone", outcome="nak", cause=503),
    "refusing": Row(kind=refusing(None), ended_by=None, outcome="nak"),
    **{
        f"refusing {cause}": Row(kind=refusing(cause), ended_by=None, outcome="nak", cause=cause)
        for cause in CAUSES
    },
}


_hosts = count(1)

AT_FREERADIUS: Final = ("obedient", "deaf", "says yes", "of two minds", "rebooting", "stuttering")
"""It learns one address a second."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """What happened at one access point."""

    point: AccessPoint
    session: WifiSession
    """Of the guest who was revoked."""

    heard: int
    """Transmissions until then."""


def test_access_points_of_every_kind(programs: None, desk: Desk, subtests: pytest.Subtests) -> None:
    """Two guests at an access point of each kind; one of them is revoked."""
    with Radiusd(desk.configuration) as server:
        hold(desk, Ports(server.port, server.accounting_port), KINDS, subtests)


def test_access_points_that_ask_freeradius(
    freeradius_python: None, desk: Desk, tmp_path: Path, subtests: pytest.Subtests
) -> None:
    """Logins, accounting and disconnects, all of it at FreeRADIUS with the plugin."""
    with with_plugin(desk.configuration, tmp_path) as server:
        ports = Ports(server.port, server.accounting_port)
        hold(desk, ports, {name: KINDS[name] for name in AT_FREERADIUS}, subtests)
        assert server.stop() == 0


class Ports(NamedTuple):
    """Of a server."""

    auth: int
    accounting: int


def hold(desk: Desk, ports: Ports, kinds: Mapping[str, Row], subtests: pytest.Subtests) -> None:
    """Let two guests on at each, revoke one, and compare what came of it."""
    zoe, ada = desk.register(), desk.register()
    with ExitStack() as stack:
        points = {
            name: stack.enter_context(placed(desk, row.kind, ports.accounting))
            for name, row in kinds.items()
        }
        for number, visit in enumerate((zoe, ada)):
            accept = accepted(ports.auth, visit)
            for point in points.values():
                point.begin(device_of(visit, accept, point, number))
        wait_until(lambda: len(sessions_of(desk, zoe)) == len(sessions_of(desk, ada)) == len(kinds))
        assert not any(point.heard for point in points.values())
        revoke(desk.store, zoe)
        for name, story in told(desk, points, zoe).items():
            with subtests.test(name):
                check(story, kinds[name])
        assert {each.disconnect for each in sessions_of(desk, ada)} == {None}
        assert {each.ended_at for each in sessions_of(desk, ada)} == {None}


def accepted(port: int, visit: Visit) -> Reply:
    """The Access-Accept, from when the server has heard of the visit."""
    replies = []

    def is_known() -> bool:
        replies.append(radclient(port, visit.email, visit.pin))
        return replies[-1].code == "Access-Accept"

    wait_until(is_known)
    return replies[-1]


def check(story: Story, row: Row) -> None:
    """Asked about that session only, as often as it takes, and for our reason."""
    asked = story.session.disconnect
    assert asked is not None
    assert asked.reason == "revoked"
    assert story.heard == row.heard
    assert {each.values(Attribute.NAS_IDENTIFIER)[0] for each in story.point.heard} == {b"inside-0"}
    if row.kind is stuttering:  # what comes late or twice changes nothing
        assert (story.session.seconds, story.session.terminate_cause) == (100, 6)


def placed(desk: Desk, kind: Kind, accounting_port: int) -> AccessPoint:
    """An access point with an address and an entry of its own."""
    point = AccessPoint(kind, f"127.0.10.{next(_hosts)}", accounting_port)
    desk.add_nas(point.host)
    with desk.store.write() as work:
        edit_nas(work, point.host, NasChanges(disconnect=f":{point.port}"))
    return point


def device_of(visit: Visit, accept: Reply, point: AccessPoint, number: int) -> Device:
    """One that has just logged in.

    Behind the address of each NAS there are two access points, with the same Acct-Session-Id.
    """
    place = int(point.host.rpartition(".")[2])
    return Device(
        session=b"%d" % place,
        user_name=visit.email.encode(),
        login=bytes.fromhex(accept.attributes["Class"][2:]),
        station=f"02-00-00-00-{place:02X}-0{number}".encode(),
        identifier=f"inside-{number}".encode(),
    )


def sessions_of(desk: Desk, visit: Visit) -> list[WifiSession]:
    """As the store has them."""
    with desk.store.read() as work:
        return list_sessions(work, SessionFilter(visit_id=visit.id))


def told(desk: Desk, points: dict[str, AccessPoint], visit: Visit) -> dict[str, Story]:
    """Wait until each session has come to what is expected of it."""
    found: dict[str, Story] = {}

    def all_told() -> bool:
        for session in sessions_of(desk, visit):
            name = next(name for name, point in points.items() if point.host == session.nas)
            if name not in found and is_as(session, KINDS[name]):
                point = points[name]
                found[name] = Story(point=point, session=session, heard=len(point.heard))
            elif session.disconnect is not None and name == "says yes":
                points[name].tell(UPDATE, points[name].devices[0])
            elif session.disconnect is not None and name == "of two minds":
                do_not_wait(desk, session)
        return len(found) == len(points)

    wait_until(all_told)
    return found


def is_as(session: WifiSession, row: Row) -> bool:
    """Whether all of it is known."""
    asked = session.disconnect
    return (
        asked is not None
        and (session.ended_by, asked.outcome, asked.error_cause)
        == (row.ended_by, row.outcome, row.cause)
        and (row.kind is not says_yes or session.heard_at > asked.at)
    )


def do_not_wait(desk: Desk, session: WifiSession) -> None:
    """Let the pause before the next request be over."""
    statement = "UPDATE wifi_session SET disconnect_due_at = NULL WHERE id = :id"
    run_sql(desk.store, f"{statement} AND disconnect_outcome = 'nak'", id=session.id)


# A second opinion


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        (obedient, "Received Disconnect-NAK"),
        (refusing(501), "Error-Cause = Administratively-Prohibited"),
        (says_yes, "Received Disconnect-ACK"),
        (deaf, "No reply from server"),
    ],
)
def test_radclient_understands_our_access_points(programs: None, kind: Kind, words: str) -> None:
    """Debian's radclient signs and verifies by itself."""
    with AccessPoint(kind, "127.0.0.1", 1) as point:
        asked = [
            f"Event-Timestamp = {int(time.time())}",
            'User-Name = "zoe"',
            'Acct-Session-Id = "1"',
        ]
        said = subprocess.run(
            ["radclient", "-x", "-r", "1", "-t", "1", f"127.0.0.1:{point.port}", "disconnect",
             SECRET],
            input="\n".join(["Message-Authenticator = 0x00", *asked]),
            capture_output=True, text=True, check=False,
        )  # fmt: skip
    assert words in said.stdout + said.stderr
    assert len(point.heard) == 1
