"""``nexio nas``: who may ask, with which secret, and that a secret is seen once."""

from __future__ import annotations

from contextlib import closing

import pytest

from nexio.network.nas_signatures import add_signatures, read_signatures
from nexio.store.engine import Store
from tests.support.cli.running import Nexio

KEYS = ["id", "name", "address", "location", "ssid", "identifier"]
KEYS += ["require_message_authenticator", "limit_proxy_state"]
KEYS += ["disconnect_host", "disconnect_port", "disconnect_source", "takes_disconnects"]
KEYS += ["profile", "counts", "reply"]
SECRET = "a long enough secret of ours"


def test_a_secret_that_is_made_here(sqlite_desk: Nexio) -> None:
    """Shown once, in the answer to ``add``; long and random."""
    made = sqlite_desk.done("nas", "add", "lobby", "192.0.2.10", "--json").json
    other = sqlite_desk.done("nas", "add", "garden", "192.0.2.11", "--json").json
    assert list(made) == [*KEYS, "secret"]
    assert len(made["secret"]) >= 32
    assert made["secret"] != other["secret"]
    for words in (["show", "lobby"], ["list"], ["remove", "lobby", "--yes"]):
        for form in ([], ["--json"]) if words[0] != "remove" else ([],):
            assert made["secret"] not in sqlite_desk.done("nas", *words, *form).out


def test_a_secret_is_shown_again_only_if_it_is_asked_for(sqlite_desk: Nexio) -> None:
    """To enter it anew at the NAS."""
    made = sqlite_desk.done("nas", "add", "lobby", "192.0.2.10", "--json").json["secret"]
    assert "secret" not in sqlite_desk.done("nas", "show", "lobby").out
    assert made in sqlite_desk.done("nas", "show", "lobby", "--secret").out
    assert sqlite_desk.done("nas", "show", "lobby", "--secret", "--json").json["secret"] == made


@pytest.mark.parametrize("json", [[], ["--json"]])
def test_a_given_secret_is_never_shown(json: list[str], sqlite_desk: Nexio) -> None:
    """Neither from the command line nor from stdin does it come back."""
    typed = sqlite_desk.done("nas", "add", "lobby", "192.0.2.10", "--secret", SECRET, *json)
    read = sqlite_desk.done(
        "nas", "add", "bar", "192.0.2.11", "--secret", "-", *json, stdin=SECRET + "\n"
    )
    assert SECRET not in typed.out + typed.err + read.out + read.err
    assert (typed.err, read.err) == ("", "")
    if json:
        assert list(read.json) == KEYS


def test_what_a_nas_is(desk: Nexio) -> None:
    """The JSON of ``add``, ``show``, ``list`` and ``remove`` is one."""
    words = ["--ssid", "Guests", "--identifier", "ctl-1", "--secret", SECRET]
    shape = desk.done("nas", "add", "Lobby", "192.0.2.0/24", *words, "--json").json
    assert shape == {
        "id": 1,
        "name": "Lobby",
        "address": "192.0.2.0/24",
        "location": "Harbour House",
        "ssid": "Guests",
        "identifier": "ctl-1",
        "require_message_authenticator": True,
        "limit_proxy_state": True,
        "disconnect_host": None,
        "disconnect_port": None,
        "disconnect_source": None,
        "takes_disconnects": True,
        "profile": "generic",
        "counts": None,
        "reply": [],
    }
    nothing = {"since": None, "signed": 0, "unsigned": 0, "signed_at": None, "unsigned_at": None}
    known = shape | {"message_authenticator": {"state": "required", **nothing}}
    assert desk.done("nas", "show", "LOBBY", "--json").json == known
    assert desk.done("nas", "list", "--json").json == [known]
    assert desk.done("nas", "remove", "--yes", "lobby", "--json").json == shape
    assert desk.done("nas", "list", "--json").json == []


def test_a_weak_secret(sqlite_desk: Nexio) -> None:
    """12 octets or fewer: done, with a warning beside the result that does not repeat it."""
    ran = sqlite_desk.done(
        "nas", "add", "lobby", "192.0.2.10", "--secret", "testing12345", "--json"
    )
    assert "Warning: A secret of 12 octets" in ran.err
    assert "testing12345" not in ran.out + ran.err
    assert ran.json["name"] == "lobby"


def test_a_nas_that_ends_no_session(sqlite_desk: Nexio) -> None:
    """It is shown, warned of, and can be changed; another change leaves it."""
    ran = sqlite_desk.done("nas", "add", "lobby", "192.0.2.10", "--disconnect", "none", "--json")
    assert ran.json["takes_disconnects"] is False
    assert "Nobody can end a session there" in ran.err
    assert "disconnects" in sqlite_desk.done("nas", "edit", "lobby", "--ssid", "Guests").out
    assert sqlite_desk.done("nas", "show", "lobby", "--json").json["takes_disconnects"] is False
    changed = sqlite_desk.done("nas", "edit", "lobby", "--disconnect", "rfc5176", "--json")
    assert changed.json["takes_disconnects"] is True


def test_insecure_options(sqlite_desk: Nexio) -> None:
    """They say so in their name, in the warning and in what is shown later."""
    words = ["--insecure-no-message-authenticator", "--insecure-any-proxy-state"]
    assert "CVE-2024-3596" in sqlite_desk.done("nas", "add", "lobby", "192.0.2.10", *words).err
    shown = sqlite_desk.done("nas", "show", "lobby").out
    assert "not required (insecure)" in shown
    assert "not limited (insecure)" in shown
    shape = sqlite_desk.done("nas", "show", "lobby", "--json").json
    assert (shape["require_message_authenticator"], shape["limit_proxy_state"]) == (False, False)


UNREADABLE = [
    (["lobby", "192.0.2.10", "--secret", ""], "Leave --secret out"),
    (["lobby", "192.0.2.10", "--secret", "-"], "Leave --secret out"),
    (["lobby", "192.0.2.10", "--secret", "a\tb"], "printable"),
    (["lobby", "192.0.2.10", "--secret", "x" * 129], "128"),
    (["lobby", "192.0.2"], "192.0.2.0/24"),
    (["lobby", "lobby.example.com"], "192.0.2.0/24"),
    (["lobby", ""], "192.0.2.0/24"),
    (["lobby", "192.0.2.10/24"], "Do you mean 192.0.2.0/24?"),
    (["lobby", "2001:db8::1/64"], "Do you mean 2001:db8::/64?"),
    (["", "192.0.2.10"], "such as lobby-ap-1"),
    (["x" * 61, "192.0.2.10"], "60 characters"),
    (["a\x1b[31m", "192.0.2.10"], "invisible"),
    (["lobby", "192.0.2.10", "--ssid", "a\nb"], "one line"),
]


def test_what_cannot_be_read(sqlite_desk: Nexio) -> None:
    """Exit 2 with what would be right; no row is left."""
    rows = sqlite_desk.rows()
    for words, advice in UNREADABLE:
        assert advice in sqlite_desk("nas", "add", *words).refused(2)
        assert sqlite_desk.rows() == rows


@pytest.mark.parametrize(
    "words",
    [
        ["LOBBY", "192.0.2.99"],
        ["other", "192.0.2.10"],
        ["other", "192.0.2.10", "--ssid", "Guests", "--secret", "another secret of ours"],
    ],
)
def test_what_is_taken(words: list[str], desk: Nexio) -> None:
    """Exit 4: the name, the address, and another secret for the same address (R19)."""
    desk.done("nas", "add", "lobby", "192.0.2.10", "--secret", SECRET)
    rows = desk.rows()
    assert SECRET not in desk("nas", "add", *words).refused(4)
    assert desk.rows() == rows


def test_one_controller_for_several_locations(desk: Nexio) -> None:
    """R19: the same address again where the SSID tells them apart; its secret is taken over."""
    desk.done("location", "add", "Annex", "--timezone", "Europe/Berlin")
    for name, place in (("ctl-house", "Harbour House"), ("ctl-annex", "Annex")):
        words = ["--ssid", name, "--location", place]
        desk.done("nas", "add", name, "192.0.2.10", "--json", *words)
    listed = desk.done("nas", "list", "--json").json
    assert [nas["location"] for nas in listed] == ["Annex", "Harbour House"]
    annex = desk.done("nas", "list", "--json", "--location", "annex").json
    assert [nas["name"] for nas in annex] == ["ctl-annex"]
    desk("nas", "add", "more", "192.0.2.11").refused(2)


def test_the_list_for_a_pipe(sqlite_desk: Nexio) -> None:
    """Tabs between the columns; one address without its prefix length."""
    sqlite_desk.done("nas", "add", "lobby", "192.0.2.10/32", "--secret", SECRET)
    assert sqlite_desk.done("nas", "list").out.splitlines() == [
        "NAS\taddress\tlocation\tSSID\tidentifier\tMessage-Authenticator",
        "lobby\t192.0.2.10\tHarbour House\t\t\trequired",
    ]


@pytest.mark.parametrize("verb", ["show", "remove"])
def test_nobody_there(verb: str, sqlite_desk: Nexio) -> None:
    """Exit 3, and the advice is the list."""
    assert "nexio nas list" in sqlite_desk("nas", verb, "lobby").refused(3)


def test_remove(sqlite_desk: Nexio) -> None:
    """It is gone; name and address are free; a second time it is not found."""
    sqlite_desk.done("nas", "add", "lobby", "192.0.2.10")
    assert "no answer from now on" in sqlite_desk.done("nas", "remove", "--yes", "lobby").out
    sqlite_desk("nas", "remove", "--yes", "lobby").refused(3)
    sqlite_desk.done("nas", "add", "lobby", "192.0.2.10")


def test_edit(desk: Nexio) -> None:
    """What is given changes; '' takes a narrowing away; the secret is never shown."""
    words = ["--ssid", "Guests", "--identifier", "ctl-1", "--secret", SECRET]
    before = desk.done("nas", "add", "lobby", "192.0.2.10", *words, "--json").json
    words = ["--name", "Lobby 1", "--address", "192.0.2.0/24", "--ssid", "", "--secret", "-"]
    ran = desk.done("nas", "edit", "LOBBY", *words, "--json", stdin="another secret of ours\n")
    assert ran.json == before | {"name": "Lobby 1", "address": "192.0.2.0/24", "ssid": None}
    assert "secret of ours" not in ran.out + ran.err
    (listed,) = desk.done("nas", "list", "--json").json
    assert {key: listed[key] for key in ran.json} == ran.json


def test_must_19_where_it_takes_disconnects(sqlite_desk: Nexio) -> None:
    """For cloud controllers: set, shown, and taken away."""
    words = ["--disconnect-host", "[2001:db8::7]:1700"]
    shape = sqlite_desk.done("nas", "add", "lobby", "192.0.2.10", *words, "--json").json
    assert (shape["disconnect_host"], shape["disconnect_port"]) == ("2001:db8::7", 1700)
    assert "to [2001:db8::7]:1700" in sqlite_desk.done("nas", "show", "lobby").out
    assert (
        "to wifi.example.com:3799"
        in sqlite_desk.done("nas", "edit", "lobby", "--disconnect-host", "wifi.example.com").out
    )
    assert (
        "disconnects" not in sqlite_desk.done("nas", "edit", "lobby", "--disconnect-host", "").out
    )
    sqlite_desk("nas", "edit", "lobby", "--disconnect-host", "192.0.2").refused(2)


def test_edit_to_insecure(sqlite_desk: Nexio) -> None:
    """The same warning as at ``add``; and back."""
    sqlite_desk.done("nas", "add", "lobby", "192.0.2.10")
    ran = sqlite_desk.done("nas", "edit", "lobby", "--insecure-no-message-authenticator", "--json")
    assert not ran.json["require_message_authenticator"]
    assert "CVE-2024-3596" in ran.err
    ran = sqlite_desk.done("nas", "edit", "lobby", "--require-message-authenticator", "--json")
    assert ran.json["require_message_authenticator"]
    assert ran.err == ""


UNEDITABLE = [
    (["lobby"], 2),
    (["lobby", "--secret", ""], 2),
    (["lobby", "--name", ""], 2),
    (["lobby", "--address", "lobby"], 2),
    (["lobby", "--name", "Garden"], 4),
    (["lobby", "--address", "192.0.2.11"], 4),
    (["nowhere", "--name", "x"], 3),
]


def test_what_cannot_be_edited(sqlite_desk: Nexio) -> None:
    """Nothing to change, bad, taken or not there: nothing changes."""
    sqlite_desk.done("nas", "add", "lobby", "192.0.2.10")
    sqlite_desk.done("nas", "add", "garden", "192.0.2.11")
    before = sqlite_desk.done("nas", "list").out, sqlite_desk.rows()
    for words, exit_code in UNEDITABLE:
        sqlite_desk("nas", "edit", *words).refused(exit_code)
        assert (sqlite_desk.done("nas", "list").out, sqlite_desk.rows()) == before


def test_what_accepts_say_at_a_nas(desk: Nexio) -> None:
    """Set, changed, unset; each can be typed as it is shown."""
    words = ["--reply", "VLAN=020", "--reply", "filter-id=a", "--reply", "Filter-Id=b"]
    shape = desk.done("nas", "add", "lobby", "192.0.2.10", *words, "--json").json
    assert shape["reply"] == [
        {"source": None, "name": "Filter-Id", "value": "a"},
        {"source": None, "name": "Filter-Id", "value": "b"},
        {"source": None, "name": "vlan", "value": "20"},
    ]
    words = ["--reply", "Filter-Id=", "--reply", "walk-in:vlan=none"]
    assert "reply                  vlan=20" in desk.done("nas", "edit", "lobby", *words).out
    shown = [
        words for words in desk.done("nas", "show", "lobby").out.splitlines() if "reply" in words
    ]
    assert [words.split()[1] for words in shown] == ["vlan=20", "walk-in:vlan=none"]


UNSAYABLE = [
    ("Filtr-Id=x", 2, "Do you mean Filter-Id?"),
    ("vlan=5000", 2, "1 to 4094"),
    ("Session-Timeout=60", 4, "nexio token extend"),
    ("Class=x", 4, "Accounting"),
    ("User-Name=x", 2, "Leave it out"),
]


def test_what_no_accept_can_say(sqlite_desk: Nexio) -> None:
    """A clear error when it is set, and nothing changes."""
    sqlite_desk.done("nas", "add", "lobby", "192.0.2.10")
    before = sqlite_desk.done("nas", "show", "lobby", "--json").json
    for word, exit_code, hint in UNSAYABLE:
        for words in (("nas", "edit", "lobby"), ("location", "edit", "Harbour House")):
            assert hint in sqlite_desk(*words, "--reply", "vlan=7", "--reply", word).refused(
                exit_code
            )
        assert sqlite_desk.done("nas", "show", "lobby", "--json").json == before


def test_the_kind_of_a_nas(sqlite_desk: Nexio) -> None:
    """It changes the port of a host without one; bandwidth in numbers is warned of."""
    sqlite_desk.done("nas", "add", "lobby", "192.0.2.10", "--profile", "Cisco")
    words = ["--disconnect-host", "wifi.example.com", "--reply", "bandwidth-up=1M"]
    ran = sqlite_desk.done("nas", "edit", "lobby", *words)
    assert "to wifi.example.com:1700" in ran.out
    assert "role=" in ran.err
    sqlite_desk("nas", "edit", "lobby", "--profile", "ciscoo").refused(3)
    shape = sqlite_desk.done(
        "nas", "edit", "lobby", "--profile", "coova-chilli", "--counts", "nas", "--json"
    )
    assert (shape.json["profile"], shape.json["counts"]) == ("coova-chilli", "nas")
    assert sqlite_desk.done("nas", "edit", "lobby", "--counts", "", "--json").json["counts"] is None


def test_what_is_known_of_each_kind(sqlite_desk: Nexio) -> None:
    """One line for each; of one all facts with their sources."""
    listed = sqlite_desk.done("nas", "profiles").out.splitlines()
    assert [line.split("\t")[0] for line in listed[1:3]] == ["generic", "mikrotik"]
    assert "(tried with CoovaChilli 1.9)" in sqlite_desk.done("nas", "profiles", "coova-chilli").out
    sqlite_desk("nas", "profiles", "zyxel").refused(3)


def counted(desk: Nexio, nas_id: int, *, signed: int = 0, unsigned: int = 0) -> None:
    """What servers write down of a NAS."""
    with closing(Store.open(desk.configuration)) as store, store.write() as work:
        add_signatures(work, {(nas_id, True): signed, (nas_id, False): unsigned})


def test_must_12_who_can_be_required_to_sign(desk: Nexio) -> None:
    """It says what to type; once it was typed, requests without get no answer, and that is said."""
    old = ("--insecure-no-message-authenticator",)
    lobby = desk.done("nas", "add", "The lobby", "192.0.2.10", *old, "--json").json["id"]
    garden = desk.done("nas", "add", "garden", "192.0.2.11", *old, "--json").json["id"]

    def states() -> list[str]:
        told = desk.done("nas", "list", "--json").json
        return [each["message_authenticator"]["state"] for each in told]

    assert states() == ["unknown", "unknown"]
    counted(desk, lobby, signed=9)
    counted(desk, garden, signed=20, unsigned=1)
    assert states() == ["missing", "unknown"]
    counted(desk, lobby, signed=3)
    assert states() == ["missing", "ready"]
    said = desk.done("nas", "show", "The lobby").out
    assert "nexio nas edit 'The lobby' --require-message-authenticator" in said
    assert "12 of 12 requests" in said
    assert "the last one without 0 seconds ago" in desk.done("nas", "show", "garden").out

    desk.done("nas", "edit", "garden", "--require-message-authenticator")
    assert states() == ["unanswered", "ready"]
    assert "1 request got no answer" in desk.done("nas", "show", "garden").out
    desk.done("nas", "remove", "garden", "--yes")
    desk.done("housekeeping")
    with closing(Store.open(desk.configuration)) as store, store.read() as look:
        assert read_signatures(look).keys() == {lobby}
