"""Rows from a store that was damaged, or written by somebody else: one bad row costs one row."""

from __future__ import annotations

import re

import pytest

from tests.support.cli.running import Nexio

NASTY = "Zoë\x1b[31m\r\nvisit 9\tgone\x07\x9b2J\u2028\u202etxt\u0085\x7f"
"""Escape sequences of both kinds, line breaks, a tab, and what turns the order of reading."""

STEERING = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")

STEERED = {
    "visit": ("first_name", "last_name", "host", "company", "phone", "notes"),
    "member": ("first_name", "last_name", "email"),
    "nas": ("name", "ssid", "identifier"),
    "location": ("name", "ssid"),
    "outbox": ("answer", "to_name", "to_address"),
}

COMMANDS = [
    "visitor list --all",
    "visitor show 1",
    "visitor qr 1 --text",
    "member list",
    "nas list",
    "log",
    "session list",
    "mail list",
    "checkin list",
    "today",
    "token list",
    "location list",
    "settings show",
    "explain 1",
    "doctor",
    "db check",
    "visitor reschedule 1 --arrival +2h",
    "checkin --visit 1",
    "visitor delete 1 --yes",
]


@pytest.fixture
def nasty(desk: Nexio) -> Nexio:
    """Harbour House with a steering text wherever the store takes one."""
    desk.register(host="Bo", company="Ltd")
    desk.done("member", "add", "--first-name", "B", "--last-name", "P", "--email", "b@example.com")
    desk.done("nas", "add", "lobby", "192.0.2.1", "--ssid", "Guest")
    for table, columns in STEERED.items():
        sets = ", ".join(f"{column} = :text" for column in columns)
        desk.sql(f"UPDATE {table} SET {sets}", text=NASTY)  # noqa: S608 (names of ours)
    desk.sql("UPDATE outbox SET state = 'failed'")
    desk.sql(
        "INSERT INTO auth_event (record_id, at, user_name, device, nas, outcome, reason,"
        " latency_us) VALUES ('1', '2026-11-20 08:30:00.000000', :text, :text, :text, 'reject',"
        " :text, 1)",
        text=NASTY,
    )
    desk.sql(
        "INSERT INTO wifi_session (sender, key, occurrence, nas, source_address, nas_identifier,"
        " session_id, user_name, calling_station, device, started_at, heard_at, seconds,"
        " octets_in, octets_out) VALUES ('s', 'k', 1, :text, :text, :text, :text, :text, :text,"
        " :text, '2026-11-20 08:30:00.000000', '2026-11-20 08:30:00.000000', 1, 1, 1)",
        text=NASTY,
    )
    return desk


def test_no_text_of_the_store_steers_the_terminal(nasty: Nexio) -> None:
    """Escaped at the one place of output, one row is one line."""
    for words in COMMANDS:
        ran = nasty(*words.split())
        assert ran.exit_code in {0, 4}, (words, ran)
        said = ran.out + ran.err
        assert not STEERING.search(said), (words, ran)
        assert "\nvisit 9" not in said, (words, ran)
    assert r"Zoë\x1b[31m" in nasty.done("visitor", "list", "--all").out


def test_tables_keep_their_columns(nasty: Nexio) -> None:
    """In a pipe a tab begins a column and a line break a row: the store's are escaped."""
    header, row = nasty.done("visitor", "list", "--all").out.splitlines()
    assert header.count("\t") == row.count("\t")


def test_json_keeps_the_text(nasty: Nexio) -> None:
    """A script gets what the store holds; on a terminal it steers nothing either."""
    for words, key in (("visitor list --all", "first_name"), ("log", "user_name")):
        ran = nasty.done(*words.split(), "--json")
        assert not STEERING.search(ran.out)
        assert ran.json[0][key] == NASTY


def test_names_with_joiners_are_shown_as_they_are(desk: Nexio, zoe: object) -> None:
    """U+200C and U+200D belong to names in Persian and Hindi."""
    desk.sql("UPDATE visit SET first_name = :text", text="می\u200cخواهم")
    assert "می\u200cخواهم" in desk.done("visitor", "list").out


# Rows that cannot be used


BROKEN_ZONES = ["Atlantis/Capital", "../etc/passwd", "", "Europe", "x" * 300, "Mars\x1b[31m", "a/b"]


def test_an_unknown_zone_stops_no_command(sqlite_desk: Nexio, zoe: object) -> None:
    """What is shown goes by UTC, with its offset and a warning; what is typed is refused."""
    for zone in BROKEN_ZONES:
        sqlite_desk.sql("UPDATE location SET time_zone = :zone", zone=zone)
        assert "+00:00" in sqlite_desk.done("visitor", "list", "--all").out
        (line,) = sqlite_desk("db", "check").out.splitlines()
        assert line.startswith("location 1 has an unknown time zone: ")
    for words in ("visitor list", "visitor show 1", "log", "checkin list", "settings show"):
        sqlite_desk.done(*words.split())
    ran = sqlite_desk("visitor", "reschedule", "1", "--arrival", "tomorrow 9am")
    assert ran.exit_code == 4
    assert "location edit" in ran.err
    doctor = sqlite_desk("doctor")
    assert doctor.exit_code == 4
    assert "row: location 1 has an unknown time zone" in doctor.out
    sqlite_desk.done("location", "edit", "Harbour House", "--timezone", "Europe/London")
    assert sqlite_desk.done("db", "check").out == ""


def test_a_broken_nas_costs_one_nas(sqlite_desk: Nexio) -> None:
    """The others are listed, ``db check`` names it, and it can be mended by its name."""
    for number in (1, 2):
        sqlite_desk.done("nas", "add", f"ap{number}", f"192.0.2.{number}")
    for address in ["", "none", "192.0.2.300", "192.0.2.1/8", "\x1b[31m"]:
        sqlite_desk.sql("UPDATE nas SET address = :address WHERE id = 1", address=address)
        ran = sqlite_desk.done("nas", "list")
        assert ("ap1" in ran.out, "ap2" in ran.out) == (False, True)
        assert ran.err.startswith("Warning: nas 1 is left out: the NAS 'ap1' has the address")
        (line,) = sqlite_desk("db", "check").out.splitlines()
        assert line.startswith("nas 1 cannot be used: ")
        assert "row: nas 1 is left out" in sqlite_desk("doctor").out
        assert "nas edit" in sqlite_desk("nas", "remove", "ap1", "--yes").refused(5)
        sqlite_desk.done("nas", "edit", "ap1", "--address", "192.0.2.9")
        assert sqlite_desk.done("db", "check").out == ""


def test_an_unreadable_secret_is_mended_by_another_one(sqlite_desk: Nexio) -> None:
    """A NAS whose secret cannot be opened: the same."""
    sqlite_desk.done("nas", "add", "ap1", "192.0.2.1")
    sqlite_desk.sql("UPDATE nas SET secret_sealed = :junk", junk=b"x" * 60)
    assert "ap1" not in sqlite_desk.done("nas", "list").out
    sqlite_desk.done("nas", "edit", "ap1", "--secret", "another long secret")
    assert "ap1" in sqlite_desk.done("nas", "list").out


def test_an_unreadable_pin_of_a_member_costs_the_pin(sqlite_desk: Nexio) -> None:
    """``member list`` goes on, and another PIN mends it."""
    named = ["--first-name", "Bo", "--last-name", "Peep", "--email", "bo@example.com"]
    sqlite_desk.done("member", "add", *named)
    sqlite_desk.sql("UPDATE member SET pin_sealed = :junk", junk=b"x" * 60)
    ran = sqlite_desk.done("member", "list")
    assert "bo@example.com" in ran.out
    assert ran.err.count("member 1 shows no PIN") == 1
    assert "member.pin of row 1" in sqlite_desk("db", "check").out
    sqlite_desk.done("member", "set-pin", "1")
    assert sqlite_desk.done("db", "check").out == ""


def test_a_mail_of_a_kind_that_nobody_knows(sqlite_desk: Nexio) -> None:
    """It is left out of the list, and the others are in it."""
    for number in (1, 2):
        sqlite_desk.register(email=f"zoe{number}@example.com")
    sqlite_desk.sql("UPDATE outbox SET template = 'birthday' WHERE id = 1")
    ran = sqlite_desk.done("mail", "list")
    assert ("zoe1" in ran.out, "zoe2" in ran.out) == (False, True)
    assert "outbox 1 is left out" in ran.err


BROKEN_COLUMNS = {
    "table_age": "old",
    "requests": "inf",
    "spooled": b"\xff",
    "clock_off": 1e300,
    "seen_at": "yesterday",
    "started_at": 5,
}


def test_a_broken_server_costs_one_server(sqlite_desk: Nexio) -> None:
    """The others are listed, and the doctor names it."""
    for column, value in BROKEN_COLUMNS.items():
        sqlite_desk.sql("DELETE FROM server")
        for number in (1, 2):
            sqlite_desk.sql(
                "INSERT INTO server (id, kind, host, place, version, writer, started_at, seen_at,"
                " table_age, spool_age, requests, spooled) VALUES (:id, 'nexio-radiusd', :host,"
                " '1812', '1', 'a', '2026-11-20 08:30:00.000000', '2026-11-20 08:30:00.000000',"
                " 0, 0, 0, 0)",
                id=number,
                host=f"harbour-{number}",
            )
        sqlite_desk.sql(f"UPDATE server SET {column} = :value WHERE id = 1", value=value)  # noqa: S608
        ran = sqlite_desk.done("servers")
        assert ("harbour-1" in ran.out, "harbour-2" in ran.out) == (False, True), column
        assert ran.err.startswith("Warning: server 1 is left out: "), column
        doctor = sqlite_desk("doctor")
        assert doctor.exit_code == 4, column
        assert "row: server 1 is left out: " in doctor.out, column
        assert "harbour-2" in doctor.out, column
        if isinstance(value, str | bytes):
            (line,) = sqlite_desk("db", "check").out.splitlines()
            assert line.startswith("server 1 cannot be read"), column


def test_a_time_that_is_none_is_named(sqlite_desk: Nexio) -> None:
    """SQLite takes any text for a time; the row is found among the others."""
    for number in (1, 2):
        sqlite_desk.register(email=f"zoe{number}@example.com")
    sqlite_desk.sql("UPDATE visit SET registered_at = 'yesterday' WHERE id = 2")
    (line,) = sqlite_desk("db", "check").out.splitlines()
    assert line.startswith("visit 2 cannot be read")
