"""``nexio visitor register``: what is taken, what is refused, and what comes back."""

from __future__ import annotations

import html
import re
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from icalendar import Calendar

from nexio.clock import Clock
from nexio.configuration import Configuration
from nexio.store.engine import Store
from tests.support.cli.running import ZOE, Nexio, registration
from tests.support.cli.visits import TOKEN_KEYS, VISIT_KEYS
from tests.support.mail_server import MailServer

PUNCTUATED = [
    *("‘Abd al-Malik", "می\u200cخواهم", "ක්\u200dෂ", "King, Jr.", "Smith (IT)", "Łukasz (IT), Jr."),
    *("山田（営業）", "マリー・アンヌ", "D´Angelo", "בן־גוריון"),
]


@pytest.fixture
def london(sqlite_nexio: Nexio) -> Nexio:
    """A store with a location in London, where the clocks change."""
    sqlite_nexio.done("location", "add", "Harbour House", "--timezone", "Europe/London")
    sqlite_nexio.done("token", "on")
    return sqlite_nexio


def test_the_json_of_a_visit(desk: Nexio) -> None:
    """Exactly the keys of docs/json.md in its order, with the PIN and the window of the token."""
    visit = desk.register(host="Ada Lovelace")
    assert list(visit) == VISIT_KEYS
    assert list(visit["token"]) == TOKEN_KEYS
    assert len(visit["pin"]) == 6
    assert visit["pin"].isdigit()
    known = {
        "id": 1,
        "first_name": "Zoë",
        "last_name": "Nguyễn Văn",
        "email": "zoe@example.com",
        "host": "Ada Lovelace",
        "location": "Harbour House",
        "source": "admin",
        "state": "expected",
        "mail": "queued",
        "replaces": None,
        "login": "zoe@example.com",
        "group": None,
        "language": None,
    }
    assert {key: visit[key] for key in known} == known
    assert visit["token"]["valid_from"] == visit["expected_arrival"]
    assert visit["token"]["state"] == "valid"


def test_all_that_is_known_of_a_visit(desk: Nexio, monkeypatch: pytest.MonkeyPatch) -> None:
    """Company, phone and notes; who registered it and when; each check-in, and its end."""
    monkeypatch.setenv("NEXIO_OPERATOR", "maria")
    before = datetime.now(UTC).replace(microsecond=0)
    visit = desk.register(company="ACME", phone="+44 20 7946 0000", notes="brings a dog")
    assert (visit["company"], visit["phone"]) == ("ACME", "+44 20 7946 0000")
    assert (visit["notes"], visit["by"], visit["check_ins"]) == ("brings a dog", "maria", [])
    assert before <= datetime.fromisoformat(visit["created"]) <= datetime.now(UTC)

    came = desk.done("checkin", "--visit", "1", "--json").json
    stay = {"in": came["at"], "out": None, "cut_off": False}
    assert desk.done("visitor", "show", "1", "--json").json["check_ins"] == [stay]
    left = desk.done("checkout", "--visit", "1", "--json").json
    monkeypatch.setenv("NEXIO_OPERATOR", "ben")
    (listed,) = desk.done("visitor", "list", "--json").json
    assert listed["check_ins"] == [stay | {"out": left["at"]}]
    assert listed["by"] == "maria"


def test_now_is_the_whole_minute(sqlite_desk: Nexio) -> None:
    """R1: the arrival is this minute, rounded down, with the offset of the location."""
    before = datetime.now(UTC).replace(second=0, microsecond=0)
    arrival = datetime.fromisoformat(sqlite_desk.register()["expected_arrival"])
    assert before <= arrival <= datetime.now(UTC)
    assert (arrival.second, arrival.microsecond) == (0, 0)


def test_a_person_reads_it(sqlite_desk: Nexio) -> None:
    """The answer first, then the PIN and until when; stdout has it all."""
    ran = sqlite_desk.done(
        *registration(notes="brings a dog", company="ACME", phone="+44 20 7946 0000")
    )
    lines = ran.out.splitlines()
    assert lines[0] == "Registered Zoë Nguyễn Văn at Harbour House."
    named = {line.split()[0]: line for line in lines[1:]}
    assert list(named) == [
        *("visit", "PIN", "e-mail", "arrival", "Wi-Fi", "company", "phone", "notes", "state"),
    ]
    assert re.search(r" \d\d:\d\d to .*\d\d:\d\d [-+]\d\d:00 \(valid\)$", named["Wi-Fi"])
    assert "brings a dog" in named["notes"]
    assert ran.err == "The mail waits: no mail server is configured (NEXIO_SMTP_URL).\n"


def test_the_store_is_opened_once(
    sqlite_desk: Nexio, mail_server: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also for the mail that goes out at once."""
    monkeypatch.setenv("NEXIO_SMTP_URL", mail_server.url)
    monkeypatch.setenv("NEXIO_MAIL_FROM", "desk@example.com")
    opened = []
    open_store = Store.open

    def open_and_count(configuration: Configuration, clock: Clock) -> Store:
        opened.append(configuration)
        return open_store(configuration, clock)

    monkeypatch.setattr(Store, "open", open_and_count)
    sqlite_desk.register()
    assert len(opened) == len(mail_server.received) == 1


NAMES = [
    "O'Brien",
    "O’Brien",
    "Nguyễn Văn",
    "Zoë",
    "Anne-Marie",
    "J. R.",
    "山田",
    "محمد",
    "Þór",
    "x" * 100,
]


def test_names_that_people_have(sqlite_desk: Nexio) -> None:
    """Letters of any script, blanks, apostrophes, hyphens, dots, up to 100 characters."""
    for name in NAMES:
        visit = sqlite_desk.register(first_name=name, last_name=name)
        assert (visit["first_name"], visit["last_name"]) == (name, name)


@pytest.mark.parametrize("name", PUNCTUATED)
def test_a_name_survives_everywhere(
    name: str, sqlite_desk: Nexio, mail_server: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In tables, mail (header, text, HTML and calendar), the list of who is in, and as a host."""
    monkeypatch.setenv("NEXIO_SMTP_URL", mail_server.url)
    monkeypatch.setenv("NEXIO_MAIL_FROM", "desk@example.com")
    sqlite_desk.register("--check-in-now", first_name="", last_name=name, host=name)
    for words in (["visitor", "list"], ["visitor", "show", "1"], ["checkin", "list"]):
        assert name in sqlite_desk.done(*words).out
    assert sqlite_desk.done("checkin", "list", "--json").json[0]["name"] == name
    assert sqlite_desk.done("visitor", "list", "--search", name, "--json").json[0]["id"] == 1
    (received,) = mail_server.received
    (to,) = received.message["To"].addresses
    assert (to.display_name, to.addr_spec) == (name, ZOE["--email"])
    parts = {part.get_content_type(): part for part in received.message.walk()}
    assert f"Hello {name}," in parts["text/plain"].get_content().splitlines()
    assert name in html.unescape(parts["text/html"].get_content())
    entry = Calendar.from_ical(parts["text/calendar"].get_content())
    assert f"Your host: {name}\n" in str(entry.walk("VEVENT")[0]["description"])


def test_somebody_with_one_name(sqlite_desk: Nexio) -> None:
    """The other one is empty, also after a correction; without any there is no visitor."""
    visit = sqlite_desk.register(first_name="", last_name="Sukarno")
    assert (visit["first_name"], visit["last_name"]) == ("", "Sukarno")
    assert (
        "Registered Suharto at"
        in sqlite_desk.done(*registration("--again", first_name="Suharto", last_name="")).out
    )
    edited = sqlite_desk.done(
        *("visitor", "edit", "1", "--first-name", "Bung", "--last-name", "", "--json")
    ).json
    assert (edited["first_name"], edited["last_name"]) == ("Bung", "")
    refused = sqlite_desk("visitor", "edit", "1", "--first-name", "").refused(2)
    assert "The first name and the last name are empty" in refused


def test_a_name_is_tidied(sqlite_desk: Nexio) -> None:
    """Blanks around it go, and a decomposed letter is composed."""
    visit = sqlite_desk.register(first_name="  Zoe\u0308 ", last_name="Nguyễn  Văn")
    assert (visit["first_name"], visit["last_name"]) == ("Zoë", "Nguyễn Văn")


NO_NAMES = [
    ("R2D2", "no digits"),
    ("Zoë٣", "no digits"),
    ("Zoë\tN", "control character"),
    ("Zoë\nN", "line break"),
    ("Zoë\x00", "control character"),
    ("Zoë\x1b[31m", "control character"),
    ("Zoë\u202e", "control character"),
    ("x" * 101, "101 characters"),
    ("-", "no letter"),
    ("<b>Zoë</b>", "contains"),
    ("Zoë 🙂", "contains"),
]


def test_what_is_no_name(sqlite_desk: Nexio) -> None:
    """Exit 2, the field is named, and the text cannot steer the terminal."""
    for name, words in NO_NAMES:
        for field in ("first_name", "last_name"):
            said = sqlite_desk(*registration(**{field: name})).refused(2)
            assert words in said
            assert field.replace("_", " ") in said
            assert not any(character in said for character in "\x00\x1b\u202e\t")


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("zoe@example.com", "zoe@example.com"),
        (" Zoe.N+wifi@EXAMPLE.com ", "Zoe.N+wifi@example.com"),
        ("o'brien@example.co.uk", "o'brien@example.co.uk"),
        ("zoë@example.com", "zoë@example.com"),
        ("zoe@bücher.example.com", "zoe@bücher.example.com"),
    ],
)
def test_addresses_that_people_have(typed: str, kept: str, sqlite_desk: Nexio) -> None:
    """The part before the @ as it is typed, the domain in lower case."""
    assert sqlite_desk.register(email=typed)["email"] == kept


NO_ADDRESSES = [
    *("", "zoe", "zoe@", "@example.com", "zoe@localhost", "zoe@example..com", "x" * 300),
    *("Zoë <zoe@example.com>", "a b@example.com", "zoe@example.com, ada@example.com"),
]


def test_what_is_no_address(sqlite_desk: Nexio) -> None:
    """Exit 2 and an example of what is one."""
    for typed in NO_ADDRESSES:
        said = sqlite_desk(*registration(email=typed)).refused(2)
        assert "name@example.com" in said
        assert len(said) < 400


ARRIVALS = [
    ("2099-11-20T14:00", "2099-11-20T14:00:00+00:00"),
    ("2099-11-20 14:00", "2099-11-20T14:00:00+00:00"),
    ("20 Nov 2099 14:00", "2099-11-20T14:00:00+00:00"),
    ("20 Nov 2099 2pm", "2099-11-20T14:00:00+00:00"),
    ("1 July 2099 9:30", "2099-07-01T09:30:00+01:00"),
    ("2099-07-01T09:30+00:00", "2099-07-01T10:30:00+01:00"),
    ("2099-07-01T09:30Z", "2099-07-01T10:30:00+01:00"),
    ("2099-10-25 01:30 +00:00", "2099-10-25T01:30:00+00:00"),
]


def test_arrivals_that_can_be_read(london: Nexio) -> None:
    """R20: shown in the location's zone with the offset that is right on that day."""
    for typed, kept in ARRIVALS:
        assert london.register("--arrival", typed)["expected_arrival"] == kept


@pytest.mark.parametrize(
    ("typed", "minutes"), [("now", 0), ("NOW", 0), ("+2h", 120), ("+1d 30m", 24 * 60 + 30)]
)
def test_arrivals_from_now_on(typed: str, minutes: int, london: Nexio) -> None:
    """Whole minutes from this one."""
    arrival = datetime.fromisoformat(london.register("--arrival", typed)["expected_arrival"])
    ahead = arrival - datetime.now(UTC)
    assert timedelta(minutes=minutes - 2) < ahead <= timedelta(minutes=minutes)


def test_tomorrow_is_the_location_s(london: Nexio) -> None:
    """The calendar on the wall there says which day it is."""
    zone = ZoneInfo("Europe/London")
    before = datetime.now(zone).date()
    arrival = london.register("--arrival", "tomorrow 9am")["expected_arrival"]
    days = {before, datetime.now(zone).date()}  # two where midnight has struck meanwhile
    assert datetime.fromisoformat(arrival).date() - timedelta(days=1) in days
    assert "T09:00:00+0" in arrival


NO_ARRIVALS = [
    ("10/11/2099", "Tuesday 10 November 2099 or Sunday 11 October 2099"),
    ("10/11/2099 14:00", "Tuesday 10 November 2099 or Sunday 11 October 2099"),
    ("2099-11-20", "has no time"),
    ("20 Nov 2099", "has no time"),
    ("tomorrow", "has no time"),
    ("2020-11-20 14:00", "is over"),
    ("yesterday 9am", "yesterday 9am"),
    ("soon", "soon"),
    ("2099-02-30 14:00", "no calendar"),
    ("2099-11-20 25:00", "25:00"),
    ("2999-11-20 14:00", "2999"),
    ("+2", "+2"),
    ("2099-03-29 01:30", "does not exist"),
    ("2099-10-25 01:30", "occurs twice"),
    ("2099-11-20 14:00 CET", "offset"),
    ("\x1b[31m", "cannot be read"),
]


def test_arrivals_that_are_refused(london: Nexio) -> None:
    """R20: exit 2; a date in numbers and a clock change name both readings."""
    for typed, words in NO_ARRIVALS:
        said = london(*registration("--arrival", typed)).refused(2)
        assert words in said
        assert "\x1b" not in said


def test_an_arrival_just_past(sqlite_desk: Nexio) -> None:
    """R20: an arrival in the past is taken while its window is open."""
    now = datetime.now(UTC)
    past, over = ((now - timedelta(minutes=ago)).strftime("%Y-%m-%d %H:%MZ") for ago in (58, 61))
    assert sqlite_desk.register("--arrival", past)["token"]["state"] == "valid"
    assert "is over" in sqlite_desk(*registration("--arrival", over)).refused(2)


@pytest.mark.parametrize(
    ("field", "longest"), [("host", 100), ("company", 100), ("phone", 100), ("notes", 1000)]
)
def test_free_text(field: str, longest: int, sqlite_desk: Nexio) -> None:
    """Anything printable up to its length; no control characters; empty is as if left out."""
    sqlite_desk.register(**{field: "é" * longest})
    assert field in sqlite_desk(*registration(**{field: "x" * (longest + 1)})).refused(2)
    assert field in sqlite_desk(*registration(**{field: "a\x1b[31m"})).refused(2)
    assert field in sqlite_desk(*registration(**{field: "a\nb"})).refused(2)
    sqlite_desk.register(**{field: ""})


@pytest.mark.parametrize(("typed", "pin"), [("048215", "048215"), ("048-215", "048215")])
def test_a_pin_that_was_sent_already(typed: str, pin: str, sqlite_desk: Nexio) -> None:
    """It is kept as text with its leading zeros."""
    assert sqlite_desk.register("--pin", typed)["pin"] == pin


def test_a_pin_from_stdin(sqlite_desk: Nexio) -> None:
    """``-`` keeps it out of the shell's history."""
    ran = sqlite_desk.done(*registration("--pin", "-", "--json"), stdin="048215\r\nand more\n")
    assert ran.json["pin"] == "048215"


def test_what_is_no_pin(sqlite_desk: Nexio) -> None:
    """Exit 2, and the message does not repeat what may be a PIN."""
    for typed in ["1234", "12345678901", "12a456", "①②③④⑤⑥", "1234 5a"]:
        said = sqlite_desk(*registration("--pin", typed)).refused(2)
        assert "5 to 10 digits" in said
        assert typed not in said


def test_a_pin_in_use(desk: Nexio) -> None:
    """R7: exit 4 while somebody else holds it, and nothing is half written; free once deleted."""
    desk.register("--pin", "048215")
    rows = desk.rows()
    said = desk(*registration("--pin", "048-215", email="ada@example.com")).refused(4)
    assert "048215" not in said
    assert desk.rows() == rows
    desk.done("visitor", "delete", "--yes", "1")
    desk.register("--pin", "048215", email="ada@example.com")


def test_a_pin_is_free_at_another_location(desk: Nexio) -> None:
    """R7: unique within a location."""
    desk.done("location", "add", "Annex", "--timezone", "Europe/Berlin")
    for place in ("Annex", "Harbour House"):
        desk.register("--pin", "048215", "--location", place)


def test_no_pin_left(sqlite_desk: Nexio) -> None:
    """R7: with more than half of all PINs in use, exit 4 names the numbers and longer ones."""
    sqlite_desk.done("settings", "set", "pin-length=5", "--insecure-short-pin")
    sqlite_desk.sql(
        "WITH RECURSIVE number(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM number WHERE n < 50001)"
        " INSERT INTO visit (id, location_id, first_name, last_name, email, email_key, source,"
        " expected_arrival, opens_at, closes_at, token_starts, pin_sealed, pin_digest,"
        " registered_at, batch)"
        " SELECT n, 1, 'A', 'B', 'a@b.c', 'a@b.c', 'admin', '2098-01-01', '2098-01-01',"
        " '2099-01-01', 'expected-arrival', 'x', 'x', '2020-01-01', 1 FROM number"
    )
    sqlite_desk.sql(
        "INSERT INTO pin (location_id, digest, length, visit_id, free_at)"
        " SELECT 1, CAST(id AS TEXT), 5, id, '2099-01-01' FROM visit"
    )
    said = sqlite_desk(*registration()).refused(4)
    assert "50001 of the 100000 PINs of 5 digits" in said
    assert "pin-length=6" in said


def test_nothing_half_written(sqlite_desk: Nexio) -> None:
    """After a refusal every table has the rows that it had."""
    rows = sqlite_desk.rows()
    for options in (
        {"email": "zoe"},
        {"arrival": "10/11/2099"},
        {"arrival": "2020-01-01 10:00"},
        {"notes": "a\x1b"},
        {"pin": "1234"},
        {"location": "Nowhere"},
    ):
        assert sqlite_desk(*registration(**options)).exit_code in {2, 3}
        assert sqlite_desk.rows() == rows


def test_several_locations(sqlite_desk: Nexio) -> None:
    """Without --location exit 2 with the names; with it, in any case, its zone and settings."""
    sqlite_desk.done("location", "add", "Annex", "--timezone", "Asia/Tokyo")
    said = sqlite_desk(*registration()).refused(2)
    assert "Annex, Harbour House" in said
    visit = sqlite_desk.register("--location", "ANNEX", "--arrival", "2099-01-02 09:00")
    assert visit["location"] == "Annex"
    assert visit["expected_arrival"] == "2099-01-02T09:00:00+09:00"
    assert visit["token"] is None


def test_no_location_yet(sqlite_nexio: Nexio) -> None:
    """Exit 2, and the advice is to make one."""
    assert "nexio init" in sqlite_nexio(*registration()).refused(2)


def test_more_guests_than_planned(desk: Nexio) -> None:
    """R9: where the PIN alone logs in, a token too many is refused and nothing is written."""
    desk.done("settings", "set", "wifi-login=pin", "planned-guests=1")
    desk.register()
    rows = desk.rows()
    assert "planned for 1" in desk(*registration(email="ada@example.com")).refused(4)
    assert desk.rows() == rows
    desk.register("--arrival", "+1h", email="ada@example.com")


def test_r6_a_chosen_pin_that_is_easy_to_guess(sqlite_desk: Nexio) -> None:
    """Exit 4 with the chance; who insists reads it again, and the visit is registered."""
    said = sqlite_desk(*registration("--pin", "04821")).refused(4)
    assert "1 in 8,333" in said
    assert "--insecure-short-pin" in said
    ran = sqlite_desk.done(*registration("--pin", "04821", "--insecure-short-pin", "--json"))
    assert ran.json["pin"] == "04821"
    assert "Warning: A PIN of 5 digits is guessed in a day with a chance of 1 in 8,333." in ran.err
    assert "04821" not in ran.err
