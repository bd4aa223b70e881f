"""``nexio session``: who is on the Wi-Fi, and asking an access point to end it."""

from __future__ import annotations

import re
from contextlib import closing
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from nexio.clock import utc_now
from nexio.network.accounting_records import Status, seal_name
from nexio.reception.visits import get_visit
from nexio.store.engine import Store
from nexio_cli.terminal import session_view
from radius_auth.disconnecting.ending import SessionEnder
from radius_auth.protocol.packet import read_packet
from tests.support.accounting import MAC, record
from tests.support.accounting import tell as tell_store
from tests.support.cli.running import Nexio
from tests.support.radius.fake_nas import NAK, FakeNas, error_cause, reply
from tests.support.radius.guests import SECRET

if TYPE_CHECKING:
    from nexio.network.sessions import WifiSession
    from nexio.reception.visits import Visit

KEYS = ["id", "visit", "name", "email", "user_name", "device", "nas", "location", "session_id"]
KEYS += ["started_at", "heard_at", "ended_at", "ended_by", "terminate_cause", "seconds"]
KEYS += ["octets_in", "octets_out", "disconnect"]


def tell(desk: Nexio, *records: Any) -> list[WifiSession]:
    """What a server does with what access points tell."""
    with closing(Store.open(desk.configuration)) as store:
        return tell_store(store, *records)


def on_wifi(desk: Nexio, visit_id: int, number: int = 1, **changes: Any) -> None:
    """A session of a visit that began ten minutes ago."""
    with closing(Store.open(desk.configuration)) as store, store.read() as work:
        visit = get_visit(work, str(visit_id), None)
    ago = utc_now() - timedelta(minutes=10)
    told: dict[str, Any] = {"at": ago, "key": f"{number:032x}", "session_id": str(number)} | changes
    tell(desk, record(Status.START, visit, **told))


def with_nas(desk: Nexio, nas: FakeNas) -> None:
    """Enter an access point that takes disconnects on loopback."""
    words = ["--disconnect-host", f"127.0.0.1:{nas.port}", "--secret", SECRET.decode()]
    desk.done("nas", "add", "ap-1", "192.0.2.10", *words)


def test_who_is_on(desk: Nexio, zoe: Visit) -> None:
    """Name, e-mail, device, access point, times, octets; a line for a person and for a pipe."""
    on_wifi(desk, zoe.id, octets_in=1_500_000, octets_out=2**32)
    (shape,) = desk.done("session", "list", "--json").json
    assert list(shape) == KEYS
    assert (shape["visit"], shape["email"]) == (zoe.id, "zoe@example.com")
    assert (shape["name"], shape["device"], shape["nas"]) == ("Zoë Nguyễn Văn", MAC, "ap-1")
    assert (shape["octets_in"], shape["octets_out"]) == (1_500_000, 2**32)
    assert (shape["location"], shape["ended_at"]) == ("Harbour House", None)
    assert shape["disconnect"] is None
    header, line = desk.done("session", "list").out.splitlines()
    assert header.split("\t")[:4] == ["session", "visitor", "e-mail", "device"]
    cells = line.split("\t")
    assert cells[:5] == ["S1", "Zoë Nguyễn Văn", "zoe@example.com", MAC, "ap-1"]
    assert cells[7:] == ["0s", "1.5 MB", "4.3 GB", "open"]


def test_sessions_are_read_in_parts(desk: Nexio) -> None:
    """In the order in which they began; a later number may have begun earlier."""
    visit, now = desk.register(), utc_now()
    for number, minutes in enumerate((30, 50, 40, 40), 1):
        on_wifi(desk, visit["id"], number, at=now - timedelta(minutes=minutes))
    wanted = [2, 3, 4, 1]
    for i, before in enumerate([None, *wanted]):
        after = [] if before is None else ["--after", str(before)]
        listed = desk.done("session", "list", "--json", *after).json
        assert [each["id"] for each in listed] == wanted[i:]
        if before is not None:
            (*part,) = desk.done("session", "list", "--json", "--limit", "1", *after).json
            assert [each["id"] for each in part] == wanted[i : i + 1]
    assert desk("session", "list", "--after", "9").exit_code == 3


def test_which_sessions(desk: Nexio, zoe: Visit) -> None:
    """All, the open ones, those of a visit, the newest so many; an end in words."""
    ada = desk.register(email="ada@example.com")
    on_wifi(desk, zoe.id, 1)
    on_wifi(desk, ada["id"], 2)
    stop = {"terminate_cause": 4, "at": utc_now(), "session_id": "2", "seconds": 600}
    tell(desk, record(Status.STOP, None, key=f"{2:032x}", **stop))

    def listed(*words: str) -> list[int]:
        return [shape["id"] for shape in desk.done("session", "list", *words, "--json").json]

    assert listed() == [1, 2]
    assert listed("--open") == [1]
    assert listed("ada@example.com") == [2]
    assert listed(str(zoe.id), "--open") == [1]
    assert listed("--last", "1") == [2]
    last = desk.done("session", "list", "ada@example.com").out.splitlines()[-1]
    assert last.split("\t")[7:] == ["10m", "0 B", "0 B", "idle timeout"]
    desk("session", "list", "nobody@example.com").refused(3)


def test_every_session_of_an_e_mail(sqlite_desk: Nexio, zoe: Visit) -> None:
    """Also of visits that were reissued, deleted or are over, and of nobody by that name."""
    desk = sqlite_desk
    on_wifi(desk, zoe.id, 1)
    desk.done("visitor", "reissue", "--yes", str(zoe.id))
    desk.done("visitor", "delete", "--yes", "--json", "zoe@example.com")
    tell(desk, record(key=f"{2:032x}", user_name="Zoe@Example.com"), record(key=f"{3:032x}"))
    tell(desk, record(key=f"{4:032x}", user_name="ada@example.com"))
    listed = desk.done("session", "list", "zoe@EXAMPLE.com", "--open", "--json").json
    assert [shape["id"] for shape in listed] == [2, 3, 1]
    with FakeNas(then=reply()) as nas:
        with_nas(desk, nas)
        ran = desk.done("session", "disconnect", "--yes", "zoe@example.com", "--json")
    assert [shape["id"] for shape in ran.json] == [2, 3, 1]


def test_one_location_s(desk: Nexio) -> None:
    """Its own, and those that led to none; one that nobody knows is shown in UTC."""
    desk.done("location", "add", "Annex", "--timezone", "Asia/Tokyo")
    tell(
        desk,
        record(key=f"{1:032x}", location_id=1),
        record(key=f"{2:032x}", location_id=2),
        record(key=f"{3:032x}", location_id=None, user_name=""),
    )
    places = [each["location"] for each in desk.done("session", "list", "--json").json]
    assert places == ["Harbour House", "Annex", None]
    shown = desk.done("session", "list", "--json", "--location", "annex").json
    assert [each["location"] for each in shown] == ["Annex", None]
    assert [each["started_at"][-6:] for each in shown] == ["+09:00", "+00:00"]


def test_nobody_is_on(sqlite_desk: Nexio) -> None:
    """An empty array for a script, and a word for a person."""
    assert sqlite_desk.done("session", "list", "--json").json == []
    assert "No sessions" in sqlite_desk.done("session", "list").err
    assert "Nobody is on the Wi-Fi" in sqlite_desk.done("session", "list", "--open").err


def test_must_19_an_ack_does_not_end_it(desk: Nexio, zoe: Visit) -> None:
    """Exit 0; it is recorded; the session is over when its Stop came."""
    on_wifi(desk, zoe.id)
    with FakeNas(reply()) as nas:
        with_nas(desk, nas)
        ran = desk.done("session", "disconnect", "--yes", "zoe@example.com")
    assert "S1" in ran.out
    assert "over when accounting says so" in ran.out
    (shape,) = desk.done("session", "list", "--open", "--json").json
    assert (shape["disconnect"]["outcome"], shape["disconnect"]["error_cause"]) == ("ack", None)
    assert "disconnect accepted" in desk.done("session", "list").out
    tell(desk, record(Status.STOP, key=f"{1:032x}", at=utc_now(), seconds=660))
    assert desk.done("session", "list", "--open", "--json").json == []
    assert "is over" in desk("session", "disconnect", "--yes", "S1").refused(4)


def test_must_19_the_name_is_sent_as_it_came(sqlite_desk: Nexio) -> None:
    """Octet for octet, though the list shows it masked: who logged in by the PIN alone."""
    desk = sqlite_desk
    with closing(Store.open(desk.configuration)) as store:
        sealed = seal_name(store.keyring, b"44863544@gu\xffest")
    on_wifi(desk, desk.register()["id"], user_name="******@guest", user_name_sealed=sealed)
    with FakeNas(reply()) as nas:
        with_nas(desk, nas)
        ran = desk.done("session", "disconnect", "--yes", "S1")
    ((request, _),) = nas.requests
    assert read_packet(request).values(1) == [b"44863544@gu\xffest"]
    assert "44863544" not in ran.out + ran.err + desk.done("session", "list", "--json").out


def test_must_19_a_nak_says_why(sqlite_desk: Nexio, zoe: Visit) -> None:
    """Exit 4, with Error-Cause in words and, for a script, as its number."""
    on_wifi(sqlite_desk, zoe.id)
    with FakeNas(reply(NAK, error_cause(501)), reply(NAK, error_cause(999)), reply(NAK)) as nas:
        with_nas(sqlite_desk, nas)
        first = sqlite_desk("session", "disconnect", "--yes", "s1")
        second = sqlite_desk("session", "disconnect", "--yes", "S1", "--json")
        third = sqlite_desk("session", "disconnect", "--yes", "S1")
    assert (first.exit_code, second.exit_code, third.exit_code) == (4, 4, 4)
    assert "administratively prohibited" in first.out
    assert second.json[0]["disconnect"]["error_cause"] == 999
    assert "no reason given" in third.out
    assert "disconnect refused" in sqlite_desk.done("session", "list").out


def test_must_19_no_answer(sqlite_desk: Nexio, zoe: Visit) -> None:
    """Exit 5 after three transmissions, recorded too; of several sessions that is the worst."""
    on_wifi(sqlite_desk, zoe.id, 1)
    on_wifi(sqlite_desk, zoe.id, 2)
    with FakeNas(reply()) as nas:
        with_nas(sqlite_desk, nas)
        ran = sqlite_desk(
            "session", "disconnect", "--yes", str(zoe.id), "--timeout", "0.3", "--json"
        )
    assert ran.exit_code == 5
    assert [shape["disconnect"]["outcome"] for shape in ran.json] == ["ack", "timeout"]
    assert len(nas.requests) == 2
    assert "disconnect not answered" in sqlite_desk.done("session", "list").out


NOTHING = [("S9", 3), ("S99999999999", 3), ("Sx", 3), ("9", 3), ("zoe@example.com", 3)]


def test_nothing_to_disconnect(sqlite_desk: Nexio, zoe: object) -> None:
    """No such session or visit, or none of it is open."""
    for which, exit_code in NOTHING:
        sqlite_desk("session", "disconnect", "--yes", which).refused(exit_code)


def test_a_nas_that_is_gone(sqlite_desk: Nexio, zoe: Visit) -> None:
    """Without a secret nobody can be asked."""
    on_wifi(sqlite_desk, zoe.id)
    assert "nexio nas list" in sqlite_desk("session", "disconnect", "--yes", "S1").refused(3)


def test_a_session_that_the_nas_does_not_know(desk: Nexio, zoe: Visit) -> None:
    """It is over: no refusal, and the row is closed."""
    on_wifi(desk, zoe.id)
    with FakeNas(reply(NAK, error_cause(503))) as nas:
        with_nas(desk, nas)
        ran = desk.done("session", "disconnect", "--yes", "S1")
    assert "no such session any more" in ran.out
    (shape,) = desk.done("session", "list", "--json").json
    assert (shape["ended_by"], shape["disconnect"]["reason"]) == ("gone", "by hand")
    assert "the access point has it no more" in desk.done("session", "list").out


def test_sessions_of_a_device_or_a_nas(sqlite_desk: Nexio, zoe: Visit) -> None:
    """All open ones; MAC addresses are read in each notation."""
    desk = sqlite_desk
    for number in (1, 2, 3):
        on_wifi(desk, zoe.id, number, device=MAC if number < 3 else "02:00:00:00:00:09")
    with FakeNas(then=reply()) as nas:
        with_nas(desk, nas)
        of_device = desk.done("session", "disconnect", "--yes", "--device", MAC.upper(), "--json")
        of_nas = desk.done("session", "disconnect", "--yes", "--nas", "AP-1", "--json")
    assert [shape["id"] for shape in of_device.json] == [1, 2]
    assert [shape["id"] for shape in of_nas.json] == [1, 2, 3]
    desk("session", "disconnect", "--yes", "--device", "zoe").refused(2)
    desk("session", "disconnect", "--yes", "--nas", "nobody").refused(3)
    desk("session", "disconnect", "--yes").refused(2)
    desk("session", "disconnect", "--yes", "S1", "--past-end").refused(2)
    desk("session", "disconnect", "--yes", "S1", "--watch").refused(2)


def test_whoever_may_not_be_on(sqlite_desk: Nexio) -> None:
    """`--past-end` ends what a server would end, and says so; nobody else's."""
    desk, zoe, ada = (
        sqlite_desk,
        sqlite_desk.register(),
        sqlite_desk.register(email="a@example.com"),
    )
    on_wifi(desk, zoe["id"], 1)
    on_wifi(desk, ada["id"], 2)
    with FakeNas(then=reply()) as nas:
        with_nas(desk, nas)
        before = desk.done("session", "disconnect", "--past-end", "--yes")
        desk.done("token", "revoke", "--yes", "--json", str(zoe["id"]))
        (shape,) = desk.done("session", "disconnect", "--past-end", "--yes", "--json").json
    assert "Nobody is on who may not be" in before.err
    assert (shape["id"], shape["disconnect"]["reason"]) == (1, "revoked")
    began = r"revoked at \d\d:\d\d, "
    assert re.search(f"open, {began}disconnect accepted", desk.done("session", "list").out)
    explained = desk.done("explain", str(zoe["id"])).out
    assert re.search(f"S1 on {MAC} at ap-1: open, {began}disconnect accepted[.]", explained)
    stop = {"terminate_cause": 6, "at": utc_now(), "session_id": "1", "seconds": 600}
    tell(desk, record(Status.STOP, None, key=f"{1:032x}", **stop))
    assert re.search(f"{began}disconnected", desk.done("session", "list").out)


def test_what_nobody_told_is_unknown(sqlite_desk: Nexio, zoe: Visit) -> None:
    """A NAS that counts no octets has not counted zero; what it did count is readable."""
    desk = sqlite_desk
    many: dict[str, Any] = {"octets_in": 999, "octets_out": 12_345, "seconds": 93_784}
    on_wifi(desk, zoe.id, 1, octets_in=None, octets_out=None)
    on_wifi(desk, zoe.id, 2, octets_in=None, octets_out=None)
    tell(desk, record(Status.UPDATE, key=f"{2:032x}", session_id="2", at=utc_now(), **many))
    shapes = desk.done("session", "list", "--json").json
    assert {shape["id"]: (shape["octets_in"], shape["octets_out"]) for shape in shapes} == {
        1: (None, None),
        2: (999, 12_345),
    }
    _, *lines = desk.done("session", "list").out.splitlines()
    cells = {line.split("\t")[0]: line.split("\t")[7:10] for line in lines}
    assert cells == {"S1": ["0s", "", ""], "S2": ["1d2h3m", "999 B", "12.3 kB"]}
    assert "nobody@example.com" in desk("session", "list", "nobody@example.com").refused(3)
    other = desk.register(email="ada@example.com")["id"]
    assert f"{other} has no sessions." in desk.done("session", "list", str(other)).err


def test_closed_by_hand(desk: Nexio, zoe: Visit) -> None:
    """Nothing is sent; the row ends when it was last heard of, and an Interim opens it again."""
    on_wifi(desk, zoe.id, 1)
    on_wifi(desk, zoe.id, 2)
    closed = desk.done("session", "close", "--yes", "S1")
    assert f"S1 on {MAC} at ap-1 is closed." in closed.out
    (shape,) = desk.done("session", "close", "--yes", "zoe@example.com", "--json").json
    assert (shape["id"], shape["ended_by"], shape["ended_at"]) == (2, "closed", shape["heard_at"])
    desk("session", "close", "--yes", "S1").refused(4)
    desk("session", "close", "--yes", "zoe@example.com").refused(3)
    assert "closed by hand" in desk.done("session", "list").out
    tell(desk, record(Status.UPDATE, key=f"{1:032x}", session_id="1", at=utc_now(), seconds=600))
    assert [shape["id"] for shape in desk.done("session", "list", "--open", "--json").json] == [1]


def test_no_answer_names_what_it_may_come_from(sqlite_desk: Nexio, zoe: Visit) -> None:
    """Where it was asked, what to look at, and the clock where that is known to be wrong."""
    desk = sqlite_desk
    on_wifi(desk, zoe.id, 1)
    on_wifi(desk, zoe.id, 2, clock_behind=-3 * 3600)
    with FakeNas() as nas:
        with_nas(desk, nas)
        desk.done("nas", "edit", "ap-1", "--disconnect-source", "127.0.0.2")
        words = ["session", "disconnect", "--yes", "--timeout", "0.01"]
        first, second = desk(*words, "S1").out, desk(*words, "S2").out
    asked = f"no answer from 127.0.0.1, port {nas.port}, asked from 127.0.0.2."
    assert asked in first
    assert all(word in first for word in ("CoA", "--disconnect-host", "secret", "firewall"))
    assert "clock" not in first
    assert "Its clock is 3 hours ahead of ours" in second
    explained = desk.done("explain", str(zoe.id)).out
    assert explained.count("disconnect not answered. No answer from 127.0.0.1") == 2


def test_a_revoked_visitor_at_an_access_point_that_takes_no_disconnects(
    sqlite_desk: Nexio, zoe: Visit
) -> None:
    """Nobody waits for an answer; it is said how long the guest stays on."""
    desk = sqlite_desk
    on_wifi(desk, zoe.id)
    desk.done("nas", "add", "ap-1", "192.0.2.10", "--disconnect", "none")
    said = desk.done("token", "revoke", "--yes", str(zoe.id)).err
    assert "1 device is still on the Wi-Fi until the end that was granted at the login" in said
    assert "A running nexio-radiusd" not in said


def test_many_are_told_as_numbers(sqlite_desk: Nexio, monkeypatch: pytest.MonkeyPatch) -> None:
    """`token off --revoke` ends everybody's Wi-Fi; a server asks meanwhile."""
    monkeypatch.setattr(session_view, "PATIENCE", 30.0)
    desk = sqlite_desk
    for number in range(1, 9):
        on_wifi(desk, desk.register(email=f"guest{number}@example.com")["id"], number)
    twice, refuse, gone = (
        [reply()] * 2,
        [reply(NAK, error_cause(501))] * 2,
        reply(NAK, error_cause(503)),
    )
    with FakeNas(*twice, *refuse, then=gone) as nas:
        with_nas(desk, nas)
        ender = SessionEnder(lambda: Store.open(desk.configuration))
        ender.start()
        said = desk.done("token", "off", "--revoke", "--yes").err
        ender.stop()
    assert "Tokens revoked: 8." in said
    assert "2 devices: disconnect accepted." in said
    assert "2 devices: disconnect refused: administratively prohibited." in said
    assert "4 devices: the access point has it no more." in said
    assert "still on" not in said


def test_who_stays_on_after_another_time(
    sqlite_desk: Nexio, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A visit that is moved to tomorrow; one that still includes now says nothing."""
    monkeypatch.setattr(session_view, "PATIENCE", 0.1)
    desk, visit = sqlite_desk, sqlite_desk.register()
    on_wifi(desk, visit["id"])
    number = str(visit["id"])
    desk.done("token", "extend", number, "--by", "1h")
    assert "on the Wi-Fi" not in desk.done("visitor", "reschedule", number, "--arrival", "now").err
    said = desk.done("visitor", "reschedule", number, "--arrival", "+3h").err
    assert "1 device is still on the Wi-Fi. A running nexio-radiusd" in said


def test_who_stays_on_after_a_check_out(
    sqlite_desk: Nexio, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only where it ends the Wi-Fi."""
    monkeypatch.setattr(session_view, "PATIENCE", 0.1)
    desk = sqlite_desk
    for ends in ("off", "on"):
        desk.done("settings", "set", f"end-wifi-at-checkout={ends}")
        visit = desk.register(email=f"{ends}@example.com")
        on_wifi(desk, visit["id"], visit["id"])
        desk.done("checkin", visit["pin"])
        said = desk.done("checkout", visit["pin"]).err
        assert ("1 device is still on the Wi-Fi. A running" in said) is (ends == "on")


@pytest.mark.parametrize(
    "words", [["token", "revoke"], ["visitor", "delete"], ["visitor", "reissue"]]
)
def test_who_is_still_on(
    sqlite_desk: Nexio, words: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a server nobody is thrown off; it is said how many are on, and how to end that."""
    monkeypatch.setattr(session_view, "PATIENCE", 0.1)
    visit = sqlite_desk.register()
    assert "still on" not in sqlite_desk.done(*words, "--yes", str(visit["id"])).err
    other = sqlite_desk.register(email="ada@example.com")
    on_wifi(sqlite_desk, other["id"], 1)
    on_wifi(sqlite_desk, other["id"], 2)
    said = sqlite_desk.done(*words, "--yes", str(other["id"])).err
    assert "2 devices are still on the Wi-Fi. A running nexio-radiusd asks" in said
    assert f"By hand: nexio session disconnect {other['id']}" in said
    with FakeNas(reply(), reply()) as nas:
        with_nas(sqlite_desk, nas)
        ran = sqlite_desk.done("session", "disconnect", "--yes", str(other["id"]), "--json")
    assert [shape["disconnect"]["outcome"] for shape in ran.json] == ["ack", "ack"]
