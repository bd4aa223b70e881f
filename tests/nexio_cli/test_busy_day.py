"""A busy day at two receptions, minute by minute, as those who work there see it.

40 visitors, 25 of them from a spreadsheet, and two members come to Harbour House in London and its
Annex in Berlin: Friday, 20 November 2026, from seven in the morning until the next day.  The
commands run in this process on a clock that the test sets.
"""

from __future__ import annotations

import csv
import re
from contextlib import closing
from dataclasses import dataclass, field, replace
from typing import Final

import pytest

from nexio.network.event_log import record_events
from nexio.network.events import AuthEvent
from nexio.store.engine import Store
from tests.support.cli.running import Keyboard, Nexio
from tests.support.clocks import Clock
from tests.support.reception import at

HOUSE, ANNEX = "Harbour House", "Annex"

BOARD: Final = (
    *("Zoë Nguyễn Văn", "Seán O'Brien", "Anne-Marie Dupont", "Jürgen Müller-Lüdenscheidt"),
    *("Łukasz Żółw", "María José García Márquez", "Søren Ålborg", "Þóra Björk", "Ioan Țepeș"),
    *("İbrahim Işık", "Οδυσσέας Ελύτης", "Наталья Иванова", "山田 太郎", "김 민준", "محمد علي"),
    *("שרה כהן", "प्रिया शर्मा", "สมชาย ใจดี", "Nguyễn Thị Bích Ngọc", "Kwame Nkrumah", "D'Arcy Li"),
    *("Martin Luther King, Jr.", "Ada Byron (IT)", "Chloé Ó Súilleabháin", "João São Vicente"),
)
"""Who comes as a group, from a spreadsheet."""

SINGLE: Final = (
    *("Grace Murray", "Alan Turing", "Hedy Lamarr", "Linus Berg", "Margaret Hamilton", "Ken Ito"),
    *("Barbara Liskov", "Edsger Visser", "Katherine Johnson", "Tim Lee", "Radia Perlman"),
)
"""Who is registered at Harbour House, one after the other."""

ABROAD: Final = ("Konrad Zuse", "Emmy Noether", "Max Planck")
"""Who is registered at the Annex."""

WALK_IN: Final = "Sukarno"

WRONG_DATES: Final = {
    "tomorow 9am": "cannot be read as an arrival",
    "": "is empty",
    "tomorrow": "no time",
    "10/11/2026 9:00": "two readings",
    "tomorrow at 3": "two readings",
    "next sunday 10:00": "two readings",
    "tomorrow midnight": "two readings",
    "6:30": "is over",
    "yesterday 9:00": "cannot be read as an arrival",
    "19 Nov 2026 9:00": "is over",
    "31 Nov 2026 9:00": "in no calendar",
    "30 Feb 9am": "in no calendar",
    "monday 20 Nov 2026 9am": "is a Friday, not a Monday",
    "tomorrow 25:00": "on no clock",
    "tomorrow 10:00-9:00": "is not after the start",
    "tomorrow 9:00 -12:00": "-12:00",
    "28 Mar 2027 1:30": "does not exist",
    "31 Oct 2027 1:30": "twice",
    "20 Aug 9:00": "no year was given",
    "20 Nov 2199 9:00": "too far away",
}
"""What is typed in a hurry at seven, and what is said of it."""


def email_of(name: str) -> str:
    """An address for each, whatever the letters of the name."""
    known = [*BOARD, *SINGLE, *ABROAD, WALK_IN]
    return f"visitor{known.index(name)}@example.com"


def both_names(name: str) -> tuple[str, str]:
    """First and last name; who has one has no last one."""
    first, _, last = name.partition(" ")
    return first, last


@dataclass
class Reception:
    """The receptions, and who is really where."""

    nexio: Nexio
    clock: Clock
    inside: dict[str, set[str]] = field(default_factory=lambda: {HOUSE: set(), ANNEX: set()})

    def at(self, clock: str, day: int = 20) -> None:
        """It is now that time in London."""
        self.clock.now = at(f"2026-11-{day} {clock}")

    def say(self, *words: str, stdin: str | Keyboard = "") -> str:
        """What a command that succeeds says, on stdout and stderr."""
        ran = self.nexio.done(*words, stdin=stdin)
        return ran.out + ran.err

    def refused(self, *words: str, stdin: str | Keyboard = "") -> str:
        """What a command that a rule refuses says."""
        ran = self.nexio(*words, stdin=stdin)
        assert ran.exit_code in {2, 4}, ran
        return ran.err

    def comes(self, name: str, said: str, location: str = HOUSE) -> None:
        """Somebody is in, and so it was said."""
        assert f"{name} is checked in: " in said
        self.inside[location].add(name)

    def leaves(self, name: str, said: str, location: str = HOUSE) -> None:
        """Somebody has left, and so it was said."""
        assert f"{name} is checked out: " in said
        self.inside[location].remove(name)

    def alarm(self) -> dict[str, set[str]]:
        """Who stands on the list for an evacuation, by what is said of them; with a phone each."""
        rows = list(
            csv.DictReader(self.nexio.done("checkin", "list", "--open", "--csv").out.splitlines())
        )
        assert all(row["phone"] for row in rows if row["kind"] == "visitor")
        assert len(rows) == len({row["name"] for row in rows})
        return {
            said: {row["name"] for row in rows if row["direction"] == said}
            for said in ("in", "never out")
        }

    def today(self, location: str = HOUSE) -> dict[str, list[str]]:
        """The names on each list of the day's screen."""
        lines = self.nexio.done("today", "--location", location).out.splitlines()[1:]
        shown: dict[str, list[str]] = {}
        for line in lines:
            what, _, name, *_ = line.split("\t")
            shown.setdefault(what, []).append(name)
        return shown


@pytest.fixture
def reception(sqlite_nexio: Nexio) -> Reception:
    """Both locations, with a member each, at seven in the morning."""
    clock = Clock(at("2026-11-20 07:00"))
    nexio = replace(sqlite_nexio, clock=clock)
    nexio.done("init", "--location", HOUSE, "--timezone", "Europe/London")
    nexio.done("location", "add", ANNEX, "--timezone", "Europe/Berlin")
    for place in (HOUSE, ANNEX):
        nexio.done("token", "on", "--duration", "10h", "--location", place)
    for first, place in (("Grace", HOUSE), ("Ana", ANNEX)):
        said = ["--first-name", first, "--last-name", "Host", "--email", f"{first}@example.com"]
        nexio.done("member", "add", *said, "--location", place)
    return Reception(nexio, clock)


def registration(name: str, *words: str, location: str = HOUSE) -> list[str]:
    """The words that register somebody."""
    first, last = both_names(name)
    said = ["--first-name", first, "--last-name", last, "--email", email_of(name)]
    said += ["--phone", f"+44 20 7946 {len(name):04}", "--location", location]
    return ["visitor", "register", *said, *words]


@pytest.mark.parametrize(("typed", "said"), WRONG_DATES.items())
def test_each_wrong_date_is_refused(reception: Reception, typed: str, said: str) -> None:
    """R20: nobody is registered; and what the hint proposes can be typed as it stands."""
    reception.say("token", "on", "--duration", "20m", "--location", HOUSE)
    before = reception.nexio.rows()
    words = registration("Alan Turing", "--arrival", typed)
    ran = reception.nexio(*words)
    assert ran.exit_code in {2, 4}
    assert said in ran.err
    assert reception.nexio.rows() == before
    proposals = re.findall(r'"([^"]+)"', ran.err.partition("Hint:")[2])
    for number, proposal in enumerate(proposals):
        email = f"other{number}@example.com"
        again = registration("Alan Turing", "--arrival", proposal, "--far")
        again[again.index("--email") + 1] = email
        reception.nexio.done(*again)


def sheet(*, wrong: bool) -> str:
    """The board, as a spreadsheet of an assistant; one row of it with a date of last year."""
    lines = ["First name;Surname;E-mail;Arrival;Company;Phone"]
    for number, name in enumerate(BOARD):
        first, last = both_names(name)
        when = "20 Nov 2025 9:00" if wrong and number == 7 else "20 Nov 2026 9:00"
        cells = (first, last, email_of(name), when, "Board & Co", f"'+49 30 {number:04}")
        lines.append(";".join(f'"{cell}"' for cell in cells))
    return "\n".join(lines)


def test_the_day(reception: Reception) -> None:
    """From the first registration to the morning after."""
    register_all(reception)
    morning(reception)
    fire_alarm(reception)
    afternoon(reception)
    midnight(reception)
    next_morning(reception)


def register_all(reception: Reception) -> None:
    """At seven: a sheet with a mistake, the same without, and the others by hand."""
    file = reception.nexio.configuration.home / "board.csv"
    file.write_text(sheet(wrong=True), encoding="utf-16")
    words = ["visitor", "import", str(file), "--group", "Board", "--location", HOUSE]
    said = reception.refused(*words)
    assert "line 9: the expected arrival Thu 20 Nov 2025 09:00 +00:00 is over" in said
    assert "1 row is wrong, so nobody was registered" in said
    assert reception.today() == {}
    file.write_text(sheet(wrong=False), encoding="utf-16")
    assert "Registered 25 visitors at Harbour House." in reception.say(*words)
    for number, name in enumerate(SINGLE):
        when = f"{9 + number // 6}:{number % 6}0"
        said = reception.say(*registration(name, "--arrival", when, "--host", "Grace Host"))
        assert f"Registered {name} at Harbour House." in said
    for name in ABROAD:
        reception.say(*registration(name, "--arrival", "10:30", location=ANNEX))
    assert len(reception.today()["expected"]) == len(BOARD) + len(SINGLE)
    assert reception.today(ANNEX)["expected"] == list(ABROAD)


def morning(reception: Reception) -> None:
    """Members by name, the board as one, and each of the others in another way."""
    tell, nexio = reception.say, reception.nexio
    reception.at("08:30")
    house, abroad = ("--location", HOUSE), ("--location", ANNEX)
    for member, name, place in (
        ("grace", "Grace Host", HOUSE),
        ("Ana@example.com", "Ana Host", ANNEX),
    ):
        said = tell("checkin", "--member", member, "--location", place, stdin=Keyboard("y\n"))
        reception.comes(name, said, place)
    reception.at("09:05")
    assert reception.today()["expected"][:2] == [BOARD[0], BOARD[1]]
    said = tell("checkin", "--group", "Board", *house)
    for name in BOARD:
        reception.comes(name, said)
    pins = {
        each["email"]: each["pin"] for each in nexio.done("visitor", "list", "--json", *house).json
    }
    by_pin, by_qr, by_name, by_email, late, *others = SINGLE
    reception.comes(by_pin, tell("checkin", pins[email_of(by_pin)], *house))
    code = nexio.done("visitor", "qr", email_of(by_qr), "--text", *house).out.strip()
    reception.comes(by_qr, tell("checkin", "--qr", code))
    reception.comes(by_name, tell("checkin", "--visit", "hedy", *house, stdin=Keyboard("y\n")))
    reception.comes(by_email, tell("checkin", "--visit", email_of(by_email), *house))
    said = reception.refused("checkin", "--visit", "li", *house)
    assert '"li" fits several visits' in said
    assert all(name in said for name in ("Linus Berg", "Barbara Liskov", "D'Arcy Li"))
    typed = ["visitor", "register", *house, "--walk-in", "--check-in-now", "--phone", "0171 1"]
    said = tell(*typed, "--no-email", stdin=Keyboard(f"\n{WALK_IN}\n"))
    assert f"Registered {WALK_IN} at Harbour House." in said
    assert "No Wi-Fi: walk-ins get none here." in said
    reception.inside[HOUSE].add(WALK_IN)
    for name in ABROAD[:2]:
        reception.comes(name, tell("checkin", "--visit", email_of(name), *abroad), ANNEX)
    reception.at("10:45")
    for name in others[:-1]:
        reception.comes(name, tell("checkin", "--visit", email_of(name), *house))
    assert reception.today()["expected"] == [late, others[-1]]
    moved = ["visitor", "reschedule", others[-1], "--arrival", "tomorrow 9am", *house]
    assert f"of {others[-1]}." in tell(*moved, stdin=Keyboard("y\n"))
    assert reception.today()["expected"] == [late]


def fire_alarm(reception: Reception) -> None:
    """At eleven: everybody of both houses is on the list, deleted and reissued ones too."""
    reception.at("11:00")
    gone, anew = SINGLE[0], SINGLE[1]
    reception.say("visitor", "delete", email_of(gone), "--yes", "--location", HOUSE)
    reception.say("visitor", "reissue", email_of(anew), "--yes", "--location", HOUSE)
    everybody = reception.inside[HOUSE] | reception.inside[ANNEX]
    assert reception.alarm() == {"in": everybody, "never out": set()}
    said = reception.nexio.done("checkin", "list", "--open").err
    assert said.startswith(f"{len(everybody)} in the building at Fri 20 Nov 2026 ")
    assert f": Annex 3, Harbour House {len(everybody) - 3}" in said
    alone = reception.nexio.done("checkin", "list", "--open", "--location", HOUSE).err
    assert "Not on this list: Annex 3." in alone


def afternoon(reception: Reception) -> None:
    """Who leaves, who comes back, whose mail failed, and who cannot get onto the Wi-Fi."""
    tell, house = reception.say, ("--location", HOUSE)
    reception.at("12:30")
    name = SINGLE[2]
    by_email = ["--visit", email_of(name), *house]
    reception.leaves(name, tell("checkout", *by_email))
    reception.at("13:30")
    said = reception.refused("checkin", *by_email)
    assert "This visit has ended for today" in said
    assert "Somebody who comes back is let in with: nexio checkin --visit" in said
    reception.comes(name, tell("checkin", *by_email, "--override"))
    reception.nexio.sql(
        "UPDATE outbox SET state = 'failed', answer = '550 no such user' WHERE visit_id = 1"
    )
    refuse(reception, "sue@example.com", "unknown user", None)
    refuse(reception, email_of(BOARD[2]), "wrong PIN", 3)
    shown = reception.today()
    assert shown["mail not sent"] == [BOARD[0]]
    assert shown["refused"] == [BOARD[2], "sue@example.com"]
    assert BOARD[2] in tell("checkin", "undo", "Anne-M", *house, stdin=Keyboard("y\n"))
    reception.inside[HOUSE].remove(BOARD[2])
    reception.at("17:00")
    for leaver in BOARD[3:]:
        reception.leaves(leaver, tell("checkout", "--visit", email_of(leaver), *house))
    shown = reception.today()
    assert sorted(shown["in"]) == sorted(reception.inside[HOUSE])
    assert sorted(shown["out"]) == sorted(BOARD[3:])


def refuse(reception: Reception, user_name: str, reason: str, visit: int | None) -> None:
    """A RADIUS server says no."""
    reception.clock.advance(minutes=1)
    with (
        closing(Store.open(reception.nexio.configuration, reception.clock)) as store,
        store.write() as work,
    ):
        event = AuthEvent(
            at=work.now,
            user_name=user_name,
            device=None,
            nas="lobby",
            location_id=1,
            visit_id=visit,
            outcome="reject",
            reason=reason,
            latency_us=1,
        )
        record_events(work, [event])


def midnight(reception: Reception) -> None:
    """Late leavers; the day ends an hour earlier in Berlin, and nobody who is there is lost."""
    reception.at("22:30")
    late, berlin = set(reception.inside[HOUSE]), set(reception.inside[ANNEX])
    assert reception.alarm() == {"in": late | berlin, "never out": set()}
    reception.at("23:30")
    assert reception.alarm() == {"in": late, "never out": berlin}
    assert sorted(reception.today(ANNEX)["never checked out"]) == sorted(berlin)
    last = SINGLE[3]
    reception.leaves(
        last, reception.say("checkout", "--visit", email_of(last), "--location", HOUSE)
    )
    late.remove(last)
    reception.at("00:10", 21)
    said = reception.nexio.done("checkin", "list", "--open").err
    assert said.startswith("0 in the building at Sat 21 Nov 2026 ")
    assert f"Never checked out: {len(late | berlin)}." in said
    assert reception.alarm() == {"in": set(), "never out": late | berlin}
    reception.say("housekeeping")
    assert reception.alarm() == {"in": set(), "never out": late | berlin}


def next_morning(reception: Reception) -> None:
    """Who was forgotten is on the screen until they come again, for a day at most."""
    reception.at("08:45", 21)
    late, berlin = reception.inside[HOUSE], reception.inside[ANNEX]
    shown = reception.today()
    assert sorted(shown["never checked out"]) == sorted(late)
    assert shown["expected"] == [SINGLE[-1]]
    assert set(shown) == {"never checked out", "expected"}
    assert "Grace Host is checked in: " in reception.say("checkin", "--member", "1")
    never_came = reception.say("visitor", "show", "30")
    assert SINGLE[4] in never_came
    assert "expired" in never_came
    assert reception.alarm() == {
        "in": {"Grace Host"},
        "never out": (late | berlin) - {"Grace Host"},
    }
    reception.at("23:30", 21)
    assert reception.alarm()["never out"] == late - {"Grace Host"}
    reception.at("00:00", 22)
    assert reception.alarm() == {"in": set(), "never out": {"Grace Host"}}
    house = ("--location", HOUSE)
    taps = reception.nexio.done("checkin", "list", "--date", "20 Nov", "--json", *house).json
    came = {tap["name"] for tap in taps if tap["direction"] == "in"}
    assert came == {*BOARD, *SINGLE[:4], *SINGLE[5:-1], WALK_IN, "Grace Host"} - {BOARD[2]}
