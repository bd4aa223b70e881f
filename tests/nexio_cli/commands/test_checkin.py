"""``nexio checkin``: R14 to R17 at the desk's terminal, and for scripts and scanners."""

from __future__ import annotations

import json
import re
import subprocess
from contextlib import closing
from datetime import timedelta

import pytest

from nexio.checkin.check_ins import tap_visit
from nexio.clock import utc_now
from nexio.reception.visits import Visit
from nexio.store.engine import Store
from tests.support.cli.programs import LIMIT, program, run
from tests.support.cli.running import Nexio
from tests.support.clocks import Clock, noon_zone

DONE_KEYS = ["outcome", "wifi"]
"""What a check-in has beside a tap of a list."""

TAP_KEYS = ["direction", "kind", "id", "name", "at", "location", "method", "cut_off"]
TAP_KEYS += ["host", "company", "phone", "tap"]


def tapped_ago(desk: Nexio, visit: int, minutes: int = 5) -> None:
    """Check a visitor in or out by hand, as somebody did a while ago."""
    clock = Clock(utc_now() - timedelta(minutes=minutes))
    with closing(Store.open(desk.configuration, clock)) as store, store.write() as work:
        tap_visit(work, visit)


def test_the_json_of_a_tap(desk: Nexio) -> None:
    """The keys of docs/json.md in its order; the option may stand before the PIN or after."""
    visit = desk.register()
    for arguments in (["--json", visit["pin"]], [visit["pin"], "--json"]):
        tap = desk.done("checkin", *arguments).json
        assert list(tap) == TAP_KEYS + DONE_KEYS
        assert tap["outcome"] in {"checked_in", "already_in"}
        assert tap["wifi"].startswith("Wi-Fi until ")
        known = {
            "direction": "in",
            "kind": "visitor",
            "id": visit["id"],
            "name": "Zoë Nguyễn Văn",
            "location": "Harbour House",
            "method": "pin",
            "cut_off": False,
        }
        assert {key: tap[key] for key in known} == known
        assert tap["at"][-6:] == visit["expected_arrival"][-6:]


def test_a_person_reads_who_and_when(sqlite_desk: Nexio, zoe: Visit) -> None:
    """In, in once more within ten seconds, and out; one line each."""
    first = sqlite_desk.done("checkin", zoe.pin)
    assert first.out.startswith("Zoë Nguyễn Văn is checked in: ")
    assert " at Harbour House. Wi-Fi until " in first.out
    assert first.out.endswith(".\n")
    again = sqlite_desk.done("checkin", zoe.pin)
    assert again.out.startswith("Zoë Nguyễn Văn is checked in already, just now: ")
    sqlite_desk.done("checkin", "undo", "1")
    tapped_ago(sqlite_desk, zoe.id)
    left = sqlite_desk.done("checkin", zoe.pin)
    assert left.out.startswith("Zoë Nguyễn Văn is checked out: ")
    assert (first.err, again.err, left.err) == ("", "", "")
    assert sqlite_desk.done("visitor", "show", "1", "--json").json["state"] == "checked_out"


def test_a_third_use_is_refused_in_the_rules_words(sqlite_desk: Nexio, zoe: Visit) -> None:
    """R14; and what to do about it."""
    tapped_ago(sqlite_desk, zoe.id, 5)
    tapped_ago(sqlite_desk, zoe.id, 4)
    for arguments in ([zoe.pin], ["--visit", "1"]):
        said = sqlite_desk("checkin", *arguments).refused(4)
        assert "This visit has ended for today" in said
        assert "nexio checkin --visit 1 --override" in said
    assert (
        sqlite_desk.done("checkin", "--visit", "1", "--override", "--json").json["direction"]
        == "in"
    )


def test_r14_the_code_alone_does_not_check_out_at_once(sqlite_desk: Nexio, zoe: Visit) -> None:
    """It says since when they are in, and how they leave; both ways that it names do it."""
    tapped_ago(sqlite_desk, zoe.id, 2)
    said = sqlite_desk("checkin", zoe.pin).refused(4)
    assert "Error: Checked in 2 minutes ago: Zoë" in said
    assert "Hint:  To check out: nexio checkin --visit 1 --out" in said
    assert len(sqlite_desk.done("checkin", "list", "--open", "--json").json) == 1
    left = sqlite_desk.done("checkin", "--visit", "1", "--out", "--json").json
    assert (left["direction"], left["outcome"]) == ("out", "checked_out")


@pytest.mark.parametrize(
    "words",
    [
        ["checkin", "--out", "{}"],
        ["checkin", "{}", "--out"],
        ["checkin", "pin", "{}", "--out"],
        ["checkout", "{}"],
        ["checkout", "--visit", "1"],
        ["checkout", "--visit", "zoe@example.com"],
    ],
)
def test_r14_each_way_to_say_out(sqlite_desk: Nexio, zoe: Visit, words: list[str]) -> None:
    """At once after the check-in; once more it is the same, and nothing is written."""
    tapped_ago(sqlite_desk, zoe.id, 1)
    typed = [word.format(zoe.pin) for word in words]
    for outcome in ("checked_out", "already_out"):
        assert sqlite_desk.done(*typed, "--json").json["outcome"] == outcome
    assert "is checked out already, just now: " in sqlite_desk.done(*typed).out


def told_to_type(said: str) -> list[list[str]]:
    """Each command of a sentence, as words."""
    return [each.rstrip(".").split() for each in re.findall(r": nexio ([a-z0-9 -]+)", said)]


@pytest.mark.parametrize("words", [["checkin"], ["checkin", "--in"]])
def test_r14_in_already_says_how_to_leave(sqlite_desk: Nexio, zoe: Visit, words: list[str]) -> None:
    """Whoever meant to go is told what to type, and it is taken at once."""
    pin = zoe.pin
    sqlite_desk.done("checkin", pin)
    (leave,) = told_to_type(sqlite_desk.done(*words, pin).out)
    assert sqlite_desk.done(*leave, "--json").json["outcome"] == "checked_out"


@pytest.mark.parametrize("which", [0, 1])
def test_r14_out_already_says_how_to_come_back(sqlite_desk: Nexio, zoe: Visit, which: int) -> None:
    """A mistake is taken back; who comes back is let in."""
    pin = zoe.pin
    sqlite_desk.done("checkin", pin)
    sqlite_desk.done("checkout", pin)
    ways = told_to_type(sqlite_desk.done("checkout", pin).out)
    assert len(ways) == 2
    sqlite_desk.done(*ways[which])
    assert sqlite_desk.done("visitor", "show", "1", "--json").json["state"] == "checked_in"


def test_r14_a_member_who_is_in_or_out_already(sqlite_desk: Nexio) -> None:
    """Their PIN is the only way: the option is named that goes with it."""
    ana = ["--first-name", "Ana", "--last-name", "R", "--email", "ana@example.com"]
    pin = sqlite_desk.done("member", "add", *ana, "--json").json["pin"]
    sqlite_desk.done("checkin", pin)
    assert "To check out: the same PIN with --out" in sqlite_desk.done("checkin", pin).out
    sqlite_desk.done("checkin", pin, "--out")
    assert "To check in: the same PIN with --in" in sqlite_desk.done("checkin", pin).out
    sqlite_desk.done("checkin", pin, "--in")


@pytest.mark.parametrize("typed", ["1", "zoe@example.com"])
@pytest.mark.parametrize("words", [["checkin"], ["checkin", "--in"], ["checkout"]])
def test_a_visit_in_the_place_of_a_pin(
    sqlite_desk: Nexio, zoe: object, words: list[str], typed: str
) -> None:
    """R14: the hint is the command with --visit, and it does what was meant."""
    if words == ["checkout"]:
        sqlite_desk.done("checkin", "--visit", "1")
    hint = sqlite_desk(*words, typed).refused(2).partition("Hint:")[2]
    command = hint.partition(": nexio ")[2].split()
    assert command == [words[0], "--visit", typed, *words[1:]]
    outcome = sqlite_desk.done(*command, "--json").json["outcome"]
    assert outcome == ("checked_out" if words == ["checkout"] else "checked_in")


def test_r14_in_is_in(sqlite_desk: Nexio, zoe: Visit) -> None:
    """--in never checks out, however long ago the check-in is."""
    tapped_ago(sqlite_desk, zoe.id, 9)
    tap = sqlite_desk.done("checkin", zoe.pin, "--in", "--json").json
    assert (tap["direction"], tap["outcome"]) == ("in", "already_in")
    assert "is checked in already: " in sqlite_desk.done("checkin", "--visit", "1", "--in").out
    said = sqlite_desk("checkout", "--visit", "2").refused(3)
    assert "There is no visit 2" in said
    sqlite_desk.register(email="ada@example.com", first_name="Ada")
    assert "Ada Nguyễn Văn is not checked in" in sqlite_desk("checkout", "--visit", "2").refused(4)


def test_r14_a_reader_that_only_lets_out(sqlite_desk: Nexio) -> None:
    """At the exit; the same at the entrance, with --in."""
    zoe, ada = (
        sqlite_desk.register(),
        sqlite_desk.register(email="ada@example.com", first_name="Ada"),
    )
    tapped_ago(sqlite_desk, zoe["id"], 1)
    for words in (["checkin", "--reader", "--out"], ["checkout", "--reader"]):
        ran = sqlite_desk.done(*words, "--json", stdin=f"{zoe['pin']}\n{ada['pin']}\n")
        left, refused = map(json.loads, ran.out.splitlines())
        assert left["direction"] == "out"
        assert refused["refused"] == "Ada Nguyễn Văn is not checked in"
    ran = sqlite_desk.done("checkin", "--reader", "--in", stdin=f"{ada['pin']}\n{ada['pin']}\n")
    assert [line.split(":")[0] for line in ran.out.splitlines()] == [
        "Ada Nguyễn Văn is checked in",
        "Ada Nguyễn Văn is checked in already, just now",
    ]


def test_several_visits_are_one_transaction(desk: Nexio) -> None:
    """In the order that was typed, nobody twice; one who is refused keeps all from it."""
    for name in ("Ada", "Eve"):
        desk.register(first_name=name, email=f"{name}@example.com".lower())
    desk.register(arrival="tomorrow 9am")
    rows = desk.rows()
    said = desk("checkin", "--visit", "2", "--visit", "3", "--visit", "1").refused(4)
    assert "Nobody was checked in or out. Visit 3 is for" in said
    assert "There is no visit 9" in desk("checkin", "--visit", "2", "--visit", "9").refused(3)
    assert desk.rows() == rows
    both = ["--visit", "2", "--visit", "ada@example.com", "--visit", "1"]
    taps = desk.done("checkin", *both, "--json").json
    assert [(tap["id"], tap["direction"]) for tap in taps] == [(2, "in"), (1, "in")]
    shown = desk.done("checkout", *both).out.splitlines()
    assert [line.split(" ")[0] for line in shown] == ["Eve", "Ada"]


def test_by_code(desk: Nexio, zoe: object) -> None:
    """``--qr`` takes what the code says; ``-`` reads it."""
    text = desk.done("visitor", "qr", "1", "--text").out
    tap = desk.done("checkin", "--qr", text.strip(), "--json").json
    assert (tap["direction"], tap["method"]) == ("in", "qr")
    assert "already" in desk.done("checkin", "--qr", "-", stdin=text).out
    said = desk("checkin", "--qr", f"{text.strip()[:-1]}").refused(4)
    assert "was not made here, or a part of it is missing" in said
    assert "not a visitor's code" in desk("checkin", "--qr", "https://example.com").refused(4)


def test_by_hand(desk: Nexio, zoe: object) -> None:
    """``--visit`` by number or e-mail; before its day only with ``--override``."""
    desk.register(email="ada@example.com", first_name="Ada", arrival="tomorrow 9am")
    tap = desk.done("checkin", "--visit", "zoe@example.com", "--json").json
    assert (tap["id"], tap["method"]) == (1, "desk")
    assert "Visit 2 is for" in desk("checkin", "--visit", "ada@example.com").refused(4)
    tap = desk.done("checkin", "--visit", "ada@example.com", "--override", "--json").json
    assert (tap["id"], tap["direction"]) == (2, "in")
    assert "There is no visit 9" in desk("checkin", "--visit", "9").refused(3)


def test_a_member_by_pin(desk: Nexio) -> None:
    """As often as they like; the PIN may come from stdin."""
    named = ["--first-name", "Ana", "--last-name", "Reyes", "--email", "ana@example.com"]
    desk.done("member", "add", *named, "--pin", "123456")
    tap = desk.done("checkin", "-", "--json", stdin="123-456\n").json
    assert (tap["kind"], tap["id"], tap["name"]) == ("member", 1, "Ana Reyes")


REFUSED = [
    (["999999"], 4, "This PIN is nobody's at Harbour House"),
    (["12"], 2, "This is not a PIN"),
    (["lsit"], 2, "This is not a PIN"),
    ([], 2, "Who is it?"),
    (["--qr", "x", "--visit", "1"], 2, "Who is it?"),
    (["--qr", "x", "999999"], 2, "Who is it?"),
    (["--reader", "list"], 2, "Who is it?"),
    (["--override", "999999"], 2, "--override goes with --visit"),
    (["--override", "--qr", "x"], 2, "--override goes with --visit"),
    (["--override", "--visit", "1", "--out"], 2, "--override lets somebody in"),
    (["--in", "--out", "999999"], 2, "In or out?"),
    (["999999", "--in", "--out"], 2, "In or out?"),
    (["--in", "999999", "--out"], 2, "In or out?"),
    (["--out", "list"], 2, "--in and --out go with a PIN"),
    (["--location", "Harbour House", "999999", "--location", "Annex"], 2, "given 2 times"),
    (["--qr", "a", "--qr", "b"], 2, "--qr is given 2 times"),
    (["999999", "999998"], 2, "unexpected extra argument"),
    (["undo", "7"], 3, "There is no visit 7"),
    (["--location", "Nowhere", "999999"], 3, "Nowhere"),
    (["--location", "Nowhere", "list"], 3, "Nowhere"),
]


def test_what_is_refused(sqlite_desk: Nexio) -> None:
    """With the exit code of docs/README.md; a PIN is not repeated."""
    for arguments, exit_code, words in REFUSED:
        said = sqlite_desk("checkin", *arguments).refused(exit_code)
        assert words in said
        assert "999999" not in said or "extra" in words


def test_several_locations(sqlite_desk: Nexio) -> None:
    """A PIN needs to know where, before it or after it; a code says where by itself."""
    sqlite_desk.done("location", "add", "Annex", "--timezone", noon_zone())
    here = sqlite_desk.register("--location", "Harbour House")
    sqlite_desk.register("--location", "Annex", email="ada@example.com")
    said = sqlite_desk("checkin", here["pin"]).refused(2)
    assert "Annex" in said
    assert "Harbour House" in said
    for arguments in (
        ["--location", "Harbour House", here["pin"]],
        [here["pin"], "--location", "Harbour House"],
    ):
        assert sqlite_desk.done("checkin", *arguments).out.startswith("Zoë")
    code = sqlite_desk.done("visitor", "qr", "2", "--text").out.strip()
    assert sqlite_desk.done("checkin", "--qr", code, "--json").json["location"] == "Annex"
    said = sqlite_desk("checkin", "--qr", code, "--location", "Harbour House").refused(4)
    assert "This code is for a visit at Annex" in said


def test_who_is_in_the_building(desk: Nexio) -> None:
    """``list --open`` is for an evacuation: the names, and on stderr how many."""
    ran = desk.done("checkin", "list", "--open")
    assert ran.out == "name\tkind\thost\tdirection\tat\tmethod\tcompany\tphone\tlocation\n"
    assert ran.err.startswith("0 in the building at ")
    zoe, ada = desk.register(host="Ana"), desk.register(first_name="Ada", email="ada@example.com")
    tapped_ago(desk, ada["id"], 9)
    tapped_ago(desk, zoe["id"], 8)
    ran = desk.done("checkin", "list", "--open")
    rows = [line.split("\t") for line in ran.out.splitlines()[1:]]
    assert [row[:4] + row[5:6] for row in rows] == [
        ["Ada Nguyễn Văn", "visitor", "", "in", "desk"],
        ["Zoë Nguyễn Văn", "visitor", "Ana", "in", "desk"],
    ]
    assert ran.err.startswith("2 in the building at ")
    tapped_ago(desk, ada["id"], 5)
    taps = desk.done("checkin", "list", "--open", "--json").json
    assert [list(tap) for tap in taps] == [TAP_KEYS]
    assert taps[0]["id"] == zoe["id"]
    today = desk.done("checkin", "list", "--json").json
    assert [(tap["direction"], tap["id"]) for tap in today] == [
        ("in", ada["id"]),
        ("in", zoe["id"]),
        ("out", ada["id"]),
    ]


def test_undo(desk: Nexio, zoe: Visit) -> None:
    """The last tap of a visit, as JSON or a sentence; then there is nothing left."""
    tapped_ago(desk, zoe.id, 5)
    tapped_ago(desk, zoe.id, 4)
    taken = desk.done("checkin", "undo", "zoe@example.com", "--json").json
    assert list(taken) == TAP_KEYS
    assert taken["direction"] == "out"
    ran = desk.done("checkin", "undo", "1")
    assert ran.out == "Taken back: the check-in of Zoë Nguyễn Văn.\n"
    assert "has no check-in to take back" in desk("checkin", "undo", "1").refused(4)


def test_a_reader_answers_each_line(sqlite_desk: Nexio, zoe: Visit) -> None:
    """PINs and codes, good and bad, until the end of input; empty lines are none."""
    ada = sqlite_desk.register(email="ada@example.com", first_name="Ada")
    code = sqlite_desk.done("visitor", "qr", "2", "--text").out.strip()
    lines = [zoe.pin, "", "junk", code.lower(), "999999", code[:-3], zoe.pin]
    ran = sqlite_desk.done("checkin", "--reader", stdin="\n".join(lines))
    answers = ran.out.splitlines()
    assert [answer.split(":")[0] for answer in answers] == [
        "Zoë Nguyễn Văn is checked in",
        "Refused",
        "Ada Nguyễn Văn is checked in",
        "Refused",
        "Refused",
        "Zoë Nguyễn Văn is checked in already, just now",
    ]
    assert answers[1].startswith("Refused: this is not a PIN. A PIN has ")
    assert "nobody's" in answers[3]
    assert "a part of it is missing" in answers[4]
    assert ran.err == ""
    assert ada["pin"] not in ran.out


def test_a_reader_for_scripts(sqlite_desk: Nexio) -> None:
    """One JSON object a line: a tap with its keys, or what was refused and what to do."""
    visit = sqlite_desk.register()
    ran = sqlite_desk.done("checkin", "--reader", "--json", stdin=f"{visit['pin']}\njunk\n")
    tap, refused = map(json.loads, ran.out.splitlines())
    assert list(tap) == TAP_KEYS + DONE_KEYS
    assert list(refused) == ["refused", "code", "advice"]


def test_a_reader_in_a_pipe(sqlite_desk: Nexio, zoe: Visit) -> None:
    """As a process of its own, with octets in between that are no text at all."""
    done = subprocess.run(
        [program("nexio"), "checkin", "--reader"],
        input=b"\xff\xfe\n" + zoe.pin.encode(),
        capture_output=True,
        check=True,
        timeout=LIMIT,
    )
    assert [line.split(":")[0] for line in done.stdout.decode().splitlines()] == [
        "Refused",
        "Zoë Nguyễn Văn is checked in",
    ]


@pytest.mark.parametrize("end", ["\r", "\r\n", "\x03", "\n"])
def test_each_end_of_a_code_in_a_pipe(sqlite_desk: Nexio, zoe: Visit, end: str) -> None:
    """CR as the only end of a line, ETX, with STX and an AIM prefix; PINs and QR codes."""
    ada = sqlite_desk.register(email="ada@example.com", first_name="Ada")
    code = sqlite_desk.done("visitor", "qr", "2", "--text").out.strip()
    typed = end.join([zoe.pin, f"\x02]Q1{code}", "]C1999999", ""])
    done = run("nexio", "checkin", "--reader", stdin=typed)
    assert done.returncode == 0
    assert [line.split(":")[0] for line in done.stdout.splitlines()] == [
        "Zoë Nguyễn Văn is checked in",
        "Ada Nguyễn Văn is checked in",
        "Refused",
    ]
    first = run("nexio", "checkin", "-", "--json", stdin=f"{end}]C1{ada['pin']}{end}999999{end}")
    assert json.loads(first.stdout)["outcome"] == "already_in"
    first = run("nexio", "checkin", "--qr", "-", "--json", stdin=f"]Q0{code}{end}junk{end}")
    assert json.loads(first.stdout)["outcome"] == "already_in"


def test_a_code_as_an_argument(sqlite_desk: Nexio, zoe: object) -> None:
    """A scanner types into the shell as well: a QR code in place of the PIN is a QR code."""
    code = sqlite_desk.done("visitor", "qr", "1", "--text").out.strip()
    assert sqlite_desk.done("checkin", f"]Q1{code}", "--json").json["method"] == "qr"
    said = sqlite_desk("checkin", "&é\"'(-").refused(2)
    assert "AZERTY (French) keyboard layout" in said
    said = sqlite_desk("checkin", "--qr", code.replace(":", "Ö")).refused(2)
    assert "QWERTZ (German) keyboard layout" in said


def test_a_reader_slows_down_for_guesses(
    sqlite_desk: Nexio, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From the sixth wrong code on, and says so; a right one is taken all the same."""
    waited: list[float] = []
    monkeypatch.setattr("time.sleep", waited.append)
    visit = sqlite_desk.register()
    wrong = "000000" if visit["pin"] != "000000" else "000001"
    typed = [wrong] * 7 + [visit["pin"], "junk", wrong]
    ran = sqlite_desk.done("checkin", "--reader", stdin="\n".join(typed))
    assert waited == [1, 2, 4]
    assert ran.err.count("Too many wrong codes: the next one is read in") == 3
    assert ran.out.splitlines()[7].startswith("Zoë Nguyễn Văn is checked in: ")


def test_nobody_types_at_a_reader(sqlite_desk: Nexio) -> None:
    """The end of input at once is the end of the day."""
    ran = sqlite_desk.done("checkin", "--reader")
    assert (ran.out, ran.err) == ("", "")
