"""``nexio visitor`` list, show, delete and qr."""

from __future__ import annotations

from datetime import timedelta

import pytest
from qrcode import QRCode
from qrcode.constants import ERROR_CORRECT_M

from tests.support.cli.running import Nexio
from tests.support.cli.visits import VISIT_KEYS


def listed(desk: Nexio, *words: str) -> list[int]:
    """The numbers of the listed visits."""
    return [visit["id"] for visit in desk.done("visitor", "list", "--json", *words).json]


FILTERS: list[tuple[list[str], list[int]]] = [
    ([], [2, 5, 3]),
    (["--all"], [1, 2, 4, 5, 3]),
    (["--state", "expected"], [2, 5, 3]),
    (["--state", "expired"], [1]),
    (["--state", "deleted"], [4]),
    (["--state", "deleted", "--all"], [4]),
    (["--date", "today"], [2, 5]),
    (["--date", "today", "--all"], [2, 4, 5]),
    (["--date", "tomorrow"], []),
    (["--search", "ADA"], [2, 3]),
    (["--search", "ZOË n"], [2]),
    (["--search", "nguyễn"], [2, 5, 3]),
    (["--search", "acme 100%"], [2]),
    (["--search", "%"], [2]),
    (["--search", "_"], [5]),
    (["--search", "old", "--all"], [1]),
    (["--search", "nobody"], []),
    (["--search", "'; DROP TABLE visit; --"], []),
]


def a_week(desk: Nexio) -> Nexio:
    """Five visits: 1 long ago, 2 now, 3 in two days, 4 deleted, 5 now without Wi-Fi."""
    desk.register_ago(timedelta(days=3), email="old@example.com", first_name="Oldřich")
    desk.register_ago(timedelta(0), host="Ada Lovelace", company="ACME 100%")
    desk.register("--arrival", "+2d", email="ada@example.com", first_name="Ada")
    desk.register_ago(timedelta(0), email="gone@example.com")
    desk.done("visitor", "delete", "--yes", "4")
    desk.done("token", "off")
    desk.register_ago(timedelta(0), email="bob_b@example.com", first_name="Bob")
    return desk


def test_filters(desk: Nexio) -> None:
    """Without options neither past nor deleted; by state, day, or part of a text in any case."""
    week = a_week(desk)
    for words, numbers in FILTERS:
        assert (words, listed(week, *words)) == (words, numbers)


@pytest.mark.parametrize("day", ["10/11/2026", "someday", "today 9am", "2026-02-30", ""])
def test_a_day_that_cannot_be_read(day: str, sqlite_desk: Nexio) -> None:
    """Exit 2."""
    sqlite_desk("visitor", "list", "--date", day).refused(2)


def test_the_list_for_a_pipe(sqlite_desk: Nexio) -> None:
    """Tabs between the columns, one line for each visit below the names of the columns."""
    week = a_week(sqlite_desk)
    lines = [line.split("\t") for line in week.done("visitor", "list").out.splitlines()]
    assert lines[0] == ["visit", "arrival", "visitor", "e-mail", "host", "PIN", "state", "Wi-Fi"]
    assert [(line[0], line[7]) for line in lines[1:]] == [
        ("2", "valid"),
        ("5", "no"),
        ("3", "upcoming"),
    ]
    assert all(len(line) == len(lines[0]) for line in lines)


def test_an_empty_list(sqlite_desk: Nexio) -> None:
    """A script reads an empty array; a person is told how to register one."""
    assert sqlite_desk.done("visitor", "list", "--json").json == []
    assert "nexio visitor register" in sqlite_desk.done("visitor", "list").err


def test_one_location_s_visits(desk: Nexio, zoe: object) -> None:
    """Each location lists its own."""
    desk.done("location", "add", "Annex", "--timezone", "Europe/Berlin")
    desk("visitor", "list").refused(2)
    assert listed(desk, "--location", "Harbour House") == [1]
    assert listed(desk, "--location", "Annex") == []


def test_show(desk: Nexio) -> None:
    """By number or by e-mail, in any case; the same JSON that registering gave."""
    visit = desk.register(notes="brings a dog")
    for which in ("1", "zoe@example.com", "ZOE@Example.COM", " zoe@example.com "):
        shown = desk.done("visitor", "show", which, "--json").json
        assert shown == visit
        assert list(shown) == VISIT_KEYS
    out = desk.done("visitor", "show", "1").out
    assert visit["pin"] in out
    assert "brings a dog" in out


NOBODY = ["2", "0", "99999999999999999999", "ada@example.com", "-", "", "１", "1; --"]


def test_nobody_there(sqlite_desk: Nexio, zoe: object) -> None:
    """Exit 3, and the advice is where to look."""
    rows = sqlite_desk.rows()
    for which in NOBODY:
        for words in SEVERAL:
            assert "nexio visitor list" in sqlite_desk(*words.split(), which).refused(3)
        assert sqlite_desk.rows() == rows


SEVERAL = ["visitor show", "visitor edit --notes x", "visitor reschedule --arrival +1h"]
SEVERAL += ["visitor qr", "token extend --by 5m", "token revoke --yes", "visitor delete --yes"]


def test_several_visits_of_one_address(sqlite_desk: Nexio) -> None:
    """R10: exit 4 with the numbers and the arrivals; the number says which."""
    sqlite_desk.register("--arrival", "2099-11-20 09:00")
    sqlite_desk.register("--arrival", "2099-11-21 09:00")
    for words in SEVERAL:
        said = sqlite_desk(*words.split(), "zoe@example.com").refused(4)
        assert "1 (Fri 20 Nov 2099 09:00" in said
        assert "2 (Sat 21 Nov 2099 09:00" in said
    for words in SEVERAL:
        sqlite_desk.done(*words.split(), "2")
    sqlite_desk.done("visitor", "show", "zoe@example.com")


def test_delete(desk: Nexio, zoe: object) -> None:
    """R13: the token is revoked, the number still shows the visit, the address finds nobody."""
    deleted = desk.done("visitor", "delete", "--yes", "zoe@example.com", "--json").json
    assert list(deleted) == VISIT_KEYS
    assert (deleted["state"], deleted["token"]["state"]) == ("deleted", "revoked")
    shown = desk.done("visitor", "show", "1", "--json")
    assert shown.json == deleted
    assert shown.err == "Warning: visit 1 was deleted. Register the visitor again.\n"
    desk("visitor", "show", "zoe@example.com").refused(3)


def test_delete_twice(sqlite_desk: Nexio, zoe: object) -> None:
    """Exit 4, and the store is as after the first time."""
    assert (
        "Deleted visit 1 of Zoë Nguyễn Văn."
        in sqlite_desk.done("visitor", "delete", "1", "--yes").out
    )
    rows = sqlite_desk.rows()
    assert "deleted before" in sqlite_desk("visitor", "delete", "--yes", "1").refused(4)
    assert sqlite_desk.rows() == rows


def test_the_text_of_a_qr_code(sqlite_desk: Nexio) -> None:
    """Signed by the store, another one for each visit, the same every time, and not the PIN."""
    pins = [sqlite_desk.register(email=f"zoe{number}@example.com")["pin"] for number in (1, 2)]
    texts = [
        sqlite_desk.done("visitor", "qr", number, "--text").out.strip() for number in ("1", "2")
    ]
    assert texts == [
        sqlite_desk.done("visitor", "qr", number, "--text").out.strip() for number in ("1", "2")
    ]
    for number, (text, pin) in enumerate(zip(texts, pins, strict=True), 1):
        assert text.startswith(f"NEXIO1:{number}:")
        assert text.isascii()
        assert text.upper() == text
        assert pin not in text
    assert texts[0].rpartition(":")[2] != texts[1].rpartition(":")[2]


def test_a_drawn_qr_code(sqlite_desk: Nexio, zoe: object) -> None:
    """The drawing has the modules of the text's code, two rows in a line, with a quiet zone."""
    text = sqlite_desk.done("visitor", "qr", "1", "--text").out.strip()
    code = QRCode(error_correction=ERROR_CORRECT_M, border=2)
    code.add_data(text)
    rows = code.get_matrix()
    lines = sqlite_desk.done("visitor", "qr", "1").out.splitlines()
    light = [[character in f"█{half}" for character in line] for line in lines for half in "▀▄"]
    assert {len(line) for line in lines} == {len(rows)}
    assert light[: len(rows)] == [[not module for module in row] for row in rows]
