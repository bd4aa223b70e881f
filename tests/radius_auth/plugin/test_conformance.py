"""One table of logins, the same answers from `nexio-radiusd` and from FreeRADIUS with the plugin.

The late look-up of a reject is the one difference: FreeRADIUS decides once.
"""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from itertools import count, repeat
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from nexio.clock import utc_now
from nexio.input.reply_settings import parse_replies
from nexio.locations.locations import edit_location
from radius_auth.protocol.packet import Attribute, Code
from radius_auth.protocol.pyrad_codec import Peer, ask, encode_reply_attribute
from tests.support.radius.desk import Desk, seconds_left, sessions_when
from tests.support.radius.eapol import METHODS, Phone
from tests.support.radius.freeradius import FreeRADIUS, with_plugin
from tests.support.radius.guests import SECRET
from tests.support.radius.logins import CASES, CHAP, MS_CHAP, PAP, Case, Guest, add_other_locations
from tests.support.radius.odd_requests import (
    ODD_REQUESTS,
    OWN,
    add_shared_controller,
    ask_oddly,
    device_of,
)
from tests.support.radius.radclient import Reply, account, radclient
from tests.support.radius.radiusd import Radiusd

if TYPE_CHECKING:
    from collections.abc import Iterator
    from concurrent.futures import Future
    from datetime import datetime
    from pathlib import Path

    from nexio.network.events import AuthEvent
    from nexio.reception.visits import Visit
    from radius_auth.protocol.packet import Packet

AT_ONCE = 6
"""Logins on their way: most wait for the delay of a reject."""

Server = Radiusd | FreeRADIUS

SERVED = {
    "nexio-radiusd": (PAP, CHAP),
    "FreeRADIUS": (PAP, CHAP, MS_CHAP, *METHODS),
}


@pytest.fixture(scope="module")
def desk(desk: Desk) -> Desk:
    """A desk with three locations."""
    add_other_locations(desk)
    add_shared_controller(desk)
    return desk


class Login(NamedTuple):
    """A case at a server by a method."""

    server: str
    method: str
    case: Case

    def __str__(self) -> str:
        return f"{self.server} {self.method} {self.case.name}"

    @property
    def device(self) -> str:
        """Its own, as the guard counts wrong passwords by it."""
        return f"0c:00:00:00:01:{LOGINS.index(self):02x}"


LOGINS = [
    Login(name, method, case)
    for name, methods in SERVED.items()
    for method in methods
    for case in CASES
    if method in case.methods
]


@pytest.fixture(scope="module")
def guests(desk: Desk) -> dict[str, Guest]:
    """Whoever logs in, by the name of the case; registered before the servers start.

    Of those with a wrong PIN one for each login: the guard counts it at the visit, and the next
    guess there may have to wait for a moment.
    """
    wrong = [login for login in LOGINS if login.case.reason == "wrong PIN"]
    return {case.name: case.prepare(desk) for case in CASES} | {
        str(login): login.case.prepare(desk) for login in wrong
    }


def guest_of(guests: dict[str, Guest], login: Login) -> Guest:
    """Who logs in."""
    return guests.get(str(login), guests[login.case.name])


@pytest.fixture(scope="module")
def odd_guests(desk: Desk) -> list[Visit]:
    """Whoever stands behind each of the odd requests."""
    return [desk.register() for _ in ODD_REQUESTS]


@pytest.fixture(scope="module")
def servers(
    freeradius_python: None,
    desk: Desk,
    guests: dict[str, Guest],
    odd_guests: list[Visit],
    walk_ins: list[Visit],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[dict[str, Server]]:
    """Both, on the same store."""
    folder = tmp_path_factory.mktemp("freeradius")
    with (
        Radiusd(desk.configuration, "--reject-delay", "0.1") as radiusd,
        with_plugin(desk.configuration, folder) as freeradius,
    ):
        freeradius.warm_up()
        yield {"nexio-radiusd": radiusd, "FreeRADIUS": freeradius}
        assert freeradius.stop() == 0
        assert "Traceback" not in freeradius.log + radiusd.stderr


VLAN_30 = {"Tunnel-Type": "VLAN", "Tunnel-Medium-Type": "IEEE-802", "Tunnel-Private-Group-Id": "30"}

MORE = (
    *("vlan=30", "bandwidth-down=10M", "idle-timeout=15m", "end-time=on"),
    *("Termination-Action=Default", "Framed-IPv6-Prefix=2001:db8::/64", "Framed-Pool=guests"),
    *("User-Priority-Table=0x0001020304050607", "Mikrotik-Address-List=0x31", "Egress-VLANID=7"),
    *("Cisco-AVPair=a=1", "Cisco-AVPair=b=%{User-Name}", 'Filter-Id=C:\\"é\\n"'),
)
"""What accepts say to walk-ins; with what a parser of text could take for something else."""

VALUES = (
    *((28, b"\0\0\3\x84"), (29, b"\0\0\0\0"), (56, b"\0\0\0\7"), (59, bytes(range(8)))),
    *((64, b"\0\0\0\x0d"), (65, b"\0\0\0\6"), (81, b"30"), (88, b"guests")),
    *((97, b"\0\x40" + bytes.fromhex("20010db8") + bytes(12)), (11, 'C:\\"é\\n"'.encode())),
    *((26, b"\0\0\0\x09\1\x05a=1"), (26, b"\0\0\0\x09\1\x10b=%{User-Name}")),
    *((26, b"\0\0\x3a\x8c\x13\x060x31"), (26, b"\0\0\x37\x2a\x08\x06\0\x98\x96\x80")),
)
"""The same as it is sent, but for the end of the window."""


@pytest.fixture(scope="module")
def walk_ins(desk: Desk) -> list[Visit]:
    """Visitors whose accept says more, registered before the servers start."""
    words = [f"walk-in:{word}" for word in MORE]
    with desk.store.write() as work:
        edit_location(work, desk.location, reply=parse_replies(words, encode_reply_attribute))
    with desk.settings("walk-in-tokens=on", "walk-in-tokens=off"):
        return [desk.register(source="walk-in") for _ in range(2)]


@pytest.fixture(scope="module")
def walk_in(walk_ins: list[Visit]) -> Visit:
    """The one at which nobody guesses."""
    return walk_ins[0]


@pytest.mark.parametrize("name", SERVED)
def test_the_same_further_attributes(servers: dict[str, Server], walk_in: Visit, name: str) -> None:
    """Octet for octet, as pyrad reads them; WISPr-Session-Terminate-Time is that of the visitor."""
    peer = Peer(
        address="127.0.0.1", port=servers[name].port, secret=SECRET, timeout=3.0, transmissions=5
    )
    assert walk_in.token is not None
    assert walk_in.token.valid_until is not None
    end = walk_in.token.valid_until.astimezone(walk_in.location.zone).isoformat(timespec="seconds")
    terminates = b"\0\0\x37\x2a\x09\x1b" + end.encode()

    reply = ask(peer, walk_in.email, walk_in.pin, {})

    ours = {int(kind) for kind in (Attribute.SESSION_TIMEOUT, Attribute.CLASS)}
    more = [each for each in reply.attributes if each[0] not in {80, *ours}]
    assert Counter(more) == Counter([*VALUES, (26, terminates)])
    assert ours <= reply.by_type.keys()


@pytest.mark.parametrize(
    ("name", "method"),
    [(name, method) for name, methods in SERVED.items() for method in methods],
)
def test_further_attributes_by_every_method(
    servers: dict[str, Server], walk_in: Visit, tmp_path: Path, name: str, method: str
) -> None:
    """Radclient and eapol_test see them; in a tunnel they come with the outer accept."""
    server = servers[name]
    if method in METHODS and isinstance(server, FreeRADIUS):
        phone = Phone(method=method, folder=tmp_path, device=next(_devices))
        reply = phone.log_in(server, walk_in.email, walk_in.pin)
        expected = {"Tunnel-Private-Group-Id": "3330"}
    else:
        reply = radclient(server.port, walk_in.email, walk_in.pin, method=method)
        expected = {**VLAN_30, "WISPr-Bandwidth-Max-Down": "10000000", "Idle-Timeout": "900"}
    assert reply.code == "Access-Accept"
    assert expected.items() <= _untagged(reply).items()


@pytest.mark.parametrize("name", SERVED)
def test_no_further_attributes_to_others(
    servers: dict[str, Server], walk_ins: list[Visit], guests: dict[str, Guest], name: str
) -> None:
    """What is for walk-ins is for nobody else, and never in a reject."""
    guessed_at = walk_ins[-1]
    guest = guests["inside the window"]
    accept = radclient(servers[name].port, guest.user_name, guest.password)
    assert accept.attributes.keys() == {"Message-Authenticator", "Session-Timeout", "Class"}
    reject = radclient(servers[name].port, guessed_at.email, f"{guessed_at.pin}0")
    assert reject.code == "Access-Reject"
    assert reject.attributes.keys() == {"Message-Authenticator"}


def _untagged(reply: Reply) -> dict[str, str]:
    """Radclient shows the tag of RFC 2868 behind the name."""
    return {name.partition(":")[0]: value for name, value in reply.attributes.items()}


_devices = map("02:00:00:00:{:02x}:{:02x}".format, count(), repeat(0))


class Answer(NamedTuple):
    """What came of a login, and when it was."""

    reply: Reply
    began: datetime
    ended: datetime


@pytest.fixture(scope="module")
def answers(
    servers: dict[str, Server],
    guests: dict[str, Guest],
    tmp_path_factory: pytest.TempPathFactory,
) -> dict[str, Future[Answer]]:
    """All logins, each once."""
    phones = tmp_path_factory.mktemp("phones")

    def ask(login: Login) -> Answer:
        began = utc_now()
        folder = phones / login.device
        folder.mkdir()
        reply = log_in(servers[login.server], login, guest_of(guests, login), folder)
        return Answer(reply, began, utc_now())

    with ThreadPoolExecutor(AT_ONCE) as asking:
        return {str(login): asking.submit(ask, login) for login in LOGINS}


def log_in(server: Server, login: Login, guest: Guest, folder: Path) -> Reply:
    """Log in with one method."""
    if login.method in METHODS and isinstance(server, FreeRADIUS):
        phone = Phone(method=login.method, folder=folder, device=login.device)
        return phone.log_in(server, guest.user_name, guest.password)
    said: dict[str, Any] = {
        "method": login.method,
        "Calling_Station_Id": f'"{login.device}"',
        **login.case.attributes,
    }
    return radclient(server.port, guest.user_name, guest.password, **said)


@pytest.mark.parametrize("login", LOGINS, ids=str)
def test_the_same_answer(
    answers: dict[str, Future[Answer]], guests: dict[str, Guest], login: Login
) -> None:
    """R1 to R22 on every way in: code, Session-Timeout, Class and words; signed (Must 9)."""
    reply, began, ended = answers[str(login)].result()
    guest, case = guest_of(guests, login), login.case

    assert "Message-Authenticator" in reply.attributes
    if case.reason == "valid":
        assert reply.code == "Access-Accept"
        assert guest.visit is not None
        least, most = seconds_left(guest.visit, ended), seconds_left(guest.visit, began)
        assert least <= reply.session_timeout <= most
        assert "Class" in reply.attributes
    else:
        assert reply.code == "Access-Reject"
        assert not {"Session-Timeout", "Class"} & set(reply.attributes)
        # RFC 3579 section 2.6.5: beside EAP-Message there are no words.
        has_words = login.method not in METHODS
        assert (reply.words or "").startswith(case.words if has_words else "")
        assert bool(reply.words) == bool(case.words and has_words)


def test_the_same_reasons_in_the_log(desk: Desk, answers: dict[str, Future[Answer]]) -> None:
    """R11: one line for each login, with one reason, whatever server it came to."""
    reasons = {
        login.device: login.case.reason
        for login in LOGINS
        if "Calling_Station_Id" not in login.case.attributes
    }

    found = desk.wait_for_events(lambda events: reasons.keys() <= {each.device for each in events})

    logged = [(each.device, each.reason) for each in found if each.device in reasons]
    assert Counter(logged) == Counter(reasons.items())


@pytest.mark.parametrize("name", SERVED)
def test_odd_requests_are_judged_and_logged_alike(
    desk: Desk, servers: dict[str, Server], odd_guests: list[Visit], name: str
) -> None:
    """Must 5, Must 7, R8 and R22: what is not as it should be, each attribute by itself."""
    began, answered = utc_now(), []
    dropped = [odd.discarded_by_freeradius and name == "FreeRADIUS" for odd in ODD_REQUESTS]

    def ask(number: int) -> Packet | None:
        tries = 1 if dropped[number] else 5
        return ask_oddly(number, odd_guests[number], servers[name].port, tries)

    with ThreadPoolExecutor(AT_ONCE) as asking:
        replies = list(asking.map(ask, range(len(ODD_REQUESTS))))

    for number, (odd, reply) in enumerate(zip(ODD_REQUESTS, replies, strict=True)):
        assert (reply is None) is dropped[number], odd.name
        if reply is not None:
            accepted = reply.code == Code.ACCESS_ACCEPT
            assert accepted is (odd.reason == "valid"), odd.name
            device = device_of(number) if odd.device == OWN else odd.device
            user_name = odd.user_name or odd_guests[number].email
            answered.append((odd.reason, user_name, device, odd.nas))

    desk.wait_for_events(lambda events: len(_since(began, events)) >= len(answered))

    logged = [
        (event.reason, event.user_name, event.device, event.nas)
        for event in _since(began, desk.events())
    ]
    assert Counter(logged) == Counter(answered)


def test_accounting_goes_to_the_server_beside(
    desk: Desk, servers: dict[str, Server], guests: dict[str, Guest]
) -> None:
    """R12: with the Class of FreeRADIUS's accept, nexio-radiusd knows whose session it is."""
    guest, beside = guests["inside the window"], servers["nexio-radiusd"]
    assert isinstance(beside, Radiusd)
    assert guest.visit is not None
    reply = radclient(servers["FreeRADIUS"].port, guest.user_name, guest.password)

    class_ = f"Class = {reply.attributes['Class']}"
    assert "Accounting-Response" in account(beside.accounting_port, "Start", class_, tries=3)

    (session,) = sessions_when(desk, lambda sessions: len(sessions) > 0)
    assert (session.visit_id, session.email) == (guest.visit.id, guest.visit.email)


def _since(began: datetime, events: list[AuthEvent]) -> list[AuthEvent]:
    """Those of this test; what came before is written to the log later, too."""
    return [event for event in events if event.at >= began]
