"""``nexio explain``: the decision core in a sentence."""

from __future__ import annotations

import re
from contextlib import closing
from datetime import datetime, timedelta
from typing import Any

import pytest

from nexio.clock import utc_now
from nexio.reception.visits import Visit
from radius_auth.guard import Guard
from radius_auth.guard.journal import Journal
from tests.support.cli.running import Nexio
from tests.support.radius.guesses import attack, guess, mac, slowly

ZOE = "zoe@example.com"


def explained(desk: Nexio, *words: str) -> dict[str, Any]:
    """The one explanation that there is, as a script gets it."""
    (shape,) = desk.done("explain", *words, "--json").json
    assert list(shape) == ["visit", "outcome", "reason", "sentence", "nas", "reply"]
    found: dict[str, Any] = shape
    return found


def test_yes(desk: Nexio, zoe: object) -> None:
    """Who, and until when."""
    ran = desk.done("explain", "ZOE@example.com")
    sentence, timeout, class_ = ran.out.splitlines()
    assert re.fullmatch(r"Yes: Zoë Nguyễn Văn \(visit 1\) gets on the Wi-Fi, .+\.", sentence)
    assert timeout.split()[0] == "Session-Timeout"
    assert class_.split() == ["Class", "nexio/1/1/1"]
    shape = explained(desk, ZOE)
    assert [each["name"] for each in shape.pop("reply")] == ["Session-Timeout", "Class"]
    assert shape == {
        "visit": 1,
        "outcome": "accept",
        "reason": "valid",
        "sentence": sentence,
        "nas": None,
    }


def test_the_whole_accept(desk: Nexio, zoe: object) -> None:
    """R12: as the NAS would get it; a NAS that is named, or the only one of the location."""
    desk.done("location", "edit", "Harbour House", "--reply", "vlan=20", "--reply", "end-time=on")
    desk.done("nas", "add", "a", "192.0.2.1", "--profile", "mikrotik", "--reply", "role=slow")
    alone = explained(desk, ZOE)
    desk.done("nas", "add", "b", "192.0.2.2", "--reply", "vlan=none")
    either, at_b = explained(desk, ZOE), explained(desk, ZOE, "--nas", "b")
    assert [each["nas"] for each in (alone, either, at_b)] == ["a", None, "b"]
    names = [[each["name"] for each in shape["reply"][2:]] for shape in (alone, either, at_b)]
    vlan = ["Tunnel-Type", "Tunnel-Medium-Type", "Tunnel-Private-Group-Id"]
    end = ["WISPr-Session-Terminate-Time"]
    assert names == [["Acct-Interim-Interval", *vlan, "Filter-Id", *end], [*vlan, *end], end]
    assert explained(desk, ZOE, "--pin", "12")["reply"] == []


def nobody(desk: Nexio) -> None:
    """Nobody was registered."""


def wrong_pin(desk: Nexio) -> None:
    """The PIN that the test asks about is not the visitor's."""
    desk.register("--pin", "048215")


def tokens_off(desk: Nexio) -> None:
    """Registered while token generation was off, which is on again since."""
    desk.done("token", "off")
    desk.register("--pin", "999999")
    desk.done("token", "on")


def upcoming(desk: Nexio) -> None:
    """In two hours."""
    desk.register("--pin", "999999", "--arrival", "+2h")


def over(desk: Nexio) -> None:
    """Three hours ago, for one hour."""
    desk.register_ago(timedelta(hours=3), pin="999999")


def long_over(desk: Nexio) -> None:
    """A month ago: no server knows it any more, and the desk still asks."""
    desk.register_ago(timedelta(days=30), pin="999999")


def deleted(desk: Nexio) -> None:
    """The visit was cancelled."""
    desk.register("--pin", "999999")
    desk.done("visitor", "delete", "--yes", "1")


def revoked(desk: Nexio) -> None:
    """The token was revoked."""
    desk.register("--pin", "999999")
    desk.done("token", "revoke", "--yes", "1")


@pytest.mark.parametrize(
    ("happens", "reason", "remedy"),
    [
        (nobody, "unknown user", "register the visitor"),
        (wrong_pin, "wrong PIN", "nexio visitor show"),
        (tokens_off, "no token", "nexio visitor reissue"),
        (upcoming, "not yet", "wait"),
        (over, "ended", "register the visitor again"),
        (long_over, "ended", "register the visitor again"),
        (deleted, "deleted", "register the visitor again"),
        (revoked, "revoked", "nexio visitor reissue"),
    ],
)
def test_no(happens: Any, reason: str, remedy: str, sqlite_desk: Nexio) -> None:
    """Exit 0; one sentence that says why and what to do; it never holds the PIN."""
    happens(sqlite_desk)
    shape = explained(sqlite_desk, ZOE, "--pin", "999999")
    assert (shape["outcome"], shape["reason"]) == ("reject", reason)
    ran = sqlite_desk.done("explain", ZOE, "--pin", "-", stdin="999999\n")
    assert ran.out == shape["sentence"] + "\n"
    assert ran.err == ""
    assert re.fullmatch(r"No: [^\n]+; [^\n;]+\.\n", ran.out)
    assert remedy in ran.out.partition(";")[2]
    assert not re.search(r"999999|048215", ran.out)


def test_registered_while_tokens_were_off(sqlite_desk: Nexio) -> None:
    """R3: the sentence says that token generation was off, and to register again."""
    tokens_off(sqlite_desk)
    out = sqlite_desk.done("explain", ZOE).out
    assert "gets no Wi-Fi because the visitor was registered without Wi-Fi; token generation" in out
    assert "nexio visitor reissue" in out


def test_at_a_moment(sqlite_desk: Nexio) -> None:
    """R1: in from the first instant of the window on, out from its end on."""
    token = sqlite_desk.register("--arrival", "+2h")["token"]
    starts = datetime.fromisoformat(token["valid_from"])
    ends = datetime.fromisoformat(token["valid_until"])
    minute = timedelta(minutes=1)
    moments = [starts - minute, starts, ends - minute, ends]
    reasons = [
        explained(sqlite_desk, ZOE, "--at", f"{moment:%Y-%m-%d %H:%M%z}")["reason"]
        for moment in moments
    ]
    assert reasons == ["not yet", "valid", "valid", "ended"]
    assert explained(sqlite_desk, ZOE)["reason"] == "not yet"


def test_the_window_can_be_typed_back(sqlite_desk: Nexio) -> None:
    """The times in the sentence are such that --at reads them."""
    sqlite_desk.register("--arrival", "2099-11-20 09:00")
    found = re.search(r"\((Fri .+) to \S+ (\S+)\)", sqlite_desk.done("explain", ZOE).out)
    assert found is not None
    assert explained(sqlite_desk, ZOE, "--at", f"{found[1]} {found[2]}")["reason"] == "valid"


def test_several_visits(desk: Nexio, zoe: Visit) -> None:
    """R10: a sentence for each visit; with --pin the one that the PIN picks."""
    pins = [zoe.pin, desk.register("--arrival", "+2h")["pin"]]
    assert [shape["visit"] for shape in desk.done("explain", ZOE, "--json").json] == [1, 2]
    sentences = re.findall("^(?:Yes|No): ", desk.done("explain", ZOE).out, re.MULTILINE)
    assert sentences == ["Yes: ", "No: "]
    assert [explained(desk, ZOE, "--pin", pin)["reason"] for pin in pins] == ["valid", "not yet"]


def test_the_visits_of_one_location(sqlite_desk: Nexio) -> None:
    """Where somebody visits two, --location names the one that is meant."""
    sqlite_desk.done("location", "add", "Pier", "--timezone", "Europe/London")
    for place in ("Harbour House", "Pier"):
        sqlite_desk.register("--location", place)
    for place, visit in (("Harbour House", 1), ("Pier", 2)):
        found = sqlite_desk.done("explain", "zoe@example.com", "--location", place, "--json").json
        assert [each["visit"] for each in found] == [visit]
    sqlite_desk("explain", "zoe@example.com", "--location", "Nowhere").refused(3)


def test_a_visit_at_another_location_is_no_unknown_visitor(sqlite_desk: Nexio) -> None:
    """The desk looks at the wrong place, and the spelling is right."""
    sqlite_desk.done("location", "add", "Annex", "--timezone", "Europe/London")
    sqlite_desk.register("--location", "Harbour House")

    said = sqlite_desk.done("explain", ZOE, "--location", "Annex").out

    assert said.startswith(
        f'No: there is no visit of the e-mail "{ZOE}" at Annex, only at Harbour House;'
    )


def test_blanks_and_dashes(sqlite_desk: Nexio) -> None:
    """R8: what a guest is forgiven, explain forgives too."""
    sqlite_desk.register("--pin", "048215")
    assert explained(sqlite_desk, ZOE, "--pin", " 048-215 ")["outcome"] == "accept"


def test_both_spellings_of_a_domain(desk: Nexio) -> None:
    """R8: who was registered by one is known by the other."""
    desk.register(email="zoe@xn--bcher-kva.example.com")
    for typed in ("zoe@bücher.example.com", "ZOE@XN--BCHER-KVA.example.com"):
        assert explained(desk, typed)["outcome"] == "accept"
        assert desk.done("visitor", "show", typed, "--json").json["id"] == 1


def test_a_nas_of_another_location(desk: Nexio, zoe: object) -> None:
    """R19: rejected there unless it roams."""
    desk.done("location", "add", "Annex", "--timezone", "Europe/Berlin")
    desk.done("nas", "add", "annex-ap", "192.0.2.10", "--location", "Annex")
    desk.done("nas", "add", "house-ap", "192.0.2.11", "--location", "Harbour House")
    shape = explained(desk, ZOE, "--nas", "annex-ap")
    assert shape["reason"] == "wrong location"
    assert "roaming" in shape["sentence"]
    assert explained(desk, ZOE, "--nas", "house-ap")["outcome"] == "accept"
    desk.done("settings", "set", "roaming=on", "--location", "Annex")
    assert explained(desk, ZOE, "--nas", "annex-ap")["outcome"] == "accept"


def test_with_the_pin_alone(desk: Nexio) -> None:
    """R9: where the PIN alone logs in, the same question works."""
    desk.done("settings", "set", "wifi-login=pin", "planned-guests=1")
    pin = desk.register()["pin"]
    assert explained(desk, ZOE)["outcome"] == "accept"
    assert explained(desk, ZOE, "--pin", pin)["outcome"] == "accept"
    assert explained(desk, ZOE, "--pin", "99999")["reason"] == "wrong PIN"


def test_what_an_address_says_cannot_steer_the_terminal(sqlite_desk: Nexio) -> None:
    """An unknown e-mail is quoted."""
    assert "\x1b" not in sqlite_desk.done("explain", "\x1b[31m@example.com").out


UNREADABLE = [(["--at", "10/11/2026"], 2), (["--at", "soon"], 2), (["--nas", "nowhere"], 3)]


def test_a_question_that_cannot_be_read(sqlite_desk: Nexio, zoe: object) -> None:
    """Exit 0 is for answers; this has none."""
    for words, exit_code in UNREADABLE:
        sqlite_desk("explain", ZOE, *words).refused(exit_code)


def test_somebody_guesses_at_this_visit(sqlite_desk: Nexio, zoe: Visit) -> None:
    """Until when, and what to do; a device that was in gets in."""
    visit = zoe.id
    guard = Guard()
    guard.record_login(guess(mac(2), visit), visit, utc_now())
    attack(guard, utc_now(), visit)
    with closing(Journal(sqlite_desk.configuration.database_url)) as journal:
        journal.exchange(guard.news_after(0))

    shown = explained(sqlite_desk, ZOE, "--device", mac(1))

    assert (shown["outcome"], shown["reason"]) == ("reject", "too many guesses")
    assert "has to wait until" in shown["sentence"]
    assert ": somebody else is guessing at this visit; " in shown["sentence"]
    assert "nexio guard release" in shown["sentence"]
    assert explained(sqlite_desk, ZOE)["reason"] == "too many guesses"
    assert explained(sqlite_desk, ZOE, "--device", mac(2))["outcome"] == "accept"


@pytest.mark.parametrize(
    ("end", "reason"), [("visitor delete", "deleted"), ("token revoke", "revoked")]
)
def test_what_no_release_changes_comes_first(
    end: str, reason: str, sqlite_desk: Nexio, zoe: Visit
) -> None:
    """Somebody guesses at a visit that is over anyway."""
    visit = zoe.id
    sqlite_desk.done(*end.split(), "--yes", str(visit))
    guard = Guard()
    attack(guard, utc_now(), visit)
    with closing(Journal(sqlite_desk.configuration.database_url)) as journal:
        journal.exchange(guard.news_after(0))

    shown = explained(sqlite_desk, ZOE)
    assert shown["reason"] == reason
    assert "guard release" not in shown["sentence"]


def test_a_device_that_was_in_is_not_told_to_wait(sqlite_desk: Nexio, zoe: Visit) -> None:
    """The wait is that of new devices, as long as some guesses are kept."""
    visit = zoe.id
    guard = Guard()
    guard.record_login(guess(mac(2), visit), visit, utc_now() - timedelta(minutes=9))
    attack(guard, utc_now() - timedelta(minutes=8), visit)
    with closing(Journal(sqlite_desk.configuration.database_url)) as journal:
        journal.exchange(guard.news_after(0))
        known = " with a new device, but not with one that was on before: "
        assert known in explained(sqlite_desk, ZOE)["sentence"]
        assert known not in explained(sqlite_desk, ZOE, "--device", mac(1))["sentence"]
        told = guard.news_after(0)[-1].serial
        slowly(guard, guess(mac(2), visit), utc_now() - timedelta(minutes=7), most=2)
        journal.exchange(guard.news_after(told))
    assert known not in explained(sqlite_desk, ZOE)["sentence"]


def test_a_pause_of_seconds_is_not_explained(sqlite_desk: Nexio, zoe: Visit) -> None:
    """It is over before the desk has read the sentence."""
    visit = zoe.id
    guard = Guard()
    slowly(guard, guess(mac(1), visit), utc_now() - timedelta(seconds=40), most=5)
    with closing(Journal(sqlite_desk.configuration.database_url)) as journal:
        journal.exchange(guard.news_after(0))
    assert explained(sqlite_desk, ZOE, "--device", mac(1))["outcome"] == "accept"


def test_one_has_guessed_too_often_oneself(sqlite_desk: Nexio, zoe: Visit) -> None:
    """Nobody else is blamed for it."""
    visit = zoe.id
    guard = Guard()
    slowly(guard, guess(mac(1), visit), utc_now() - timedelta(minutes=2), most=6)
    with closing(Journal(sqlite_desk.configuration.database_url)) as journal:
        journal.exchange(guard.news_after(0))

    shown = explained(sqlite_desk, ZOE, "--device", mac(1))
    assert ": too many wrong PINs came from this device; " in shown["sentence"]


def test_another_location_is_named(sqlite_desk: Nexio) -> None:
    """R19: where the access point does not admit the visit."""
    sqlite_desk.done("location", "add", "Annex", "--timezone", "Europe/Berlin")
    sqlite_desk.done("nas", "add", "annex", "192.0.2.1", "--location", "Annex")
    sqlite_desk.register("--location", "Harbour House")

    shown = explained(sqlite_desk, ZOE, "--nas", "annex")
    assert shown["reason"] == "wrong location"
    assert "another location, Harbour House; " in shown["sentence"]
