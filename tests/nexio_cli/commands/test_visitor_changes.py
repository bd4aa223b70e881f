"""``nexio visitor edit``, ``nexio visitor reschedule``, ``nexio token extend``."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tests.support.cli.running import Nexio
from tests.support.cli.visits import LISTED_KEYS, VISIT_KEYS, window


def changed(before: dict[str, Any], after: dict[str, Any]) -> set[str]:
    """The keys whose values differ."""
    assert before.keys() == after.keys()
    return {key for key in before if before[key] != after[key]}


def test_correct_a_name(desk: Nexio) -> None:
    """What is given changes, all else stays, the PIN too."""
    before = desk.register(host="Ada Lovelace")
    words = ["--first-name", "Zoe", "--host", ""]
    after = desk.done("visitor", "edit", "zoe@example.com", *words, "--json").json
    assert list(after) == VISIT_KEYS
    assert changed(before, after) == {"first_name", "host"}
    assert (after["first_name"], after["host"]) == ("Zoe", None)


def test_another_address_is_another_pin(desk: Nexio) -> None:
    """A changed e-mail means a new PIN, and a person is told; the same one in capitals not."""
    before = desk.register()
    ran = desk.done("visitor", "edit", "1", "--email", "ada@example.com")
    assert "the old PIN is refused" in ran.err
    after = desk.done("visitor", "show", "1", "--json").json
    assert changed(before, after) == {"email", "login", "pin"}
    same = desk.done("visitor", "edit", "1", "--email", "ADA@example.com", "--json").json
    assert changed(after, same) == {"email", "login"}


@pytest.mark.parametrize(
    ("words", "exit_code"),
    [
        ([], 2),
        (["--first-name", "<b>"], 2),
        (["--first-name", "R2D2"], 2),
        (["--email", "zoe"], 2),
        (["--first-name", "Ada", "--email", "zoe"], 2),
        (["--notes", "a\x1b"], 2),
        (["--notes", "x" * 1001], 2),
    ],
)
def test_what_is_refused_at_edit(words: list[str], exit_code: int, sqlite_desk: Nexio) -> None:
    """Nothing to change or a value that is not allowed: all of it or nothing."""
    before = sqlite_desk.register()
    rows = sqlite_desk.rows()
    sqlite_desk("visitor", "edit", "1", *words).refused(exit_code)
    assert sqlite_desk.done("visitor", "show", "1", "--json").json == before
    assert sqlite_desk.rows() == rows


def test_reschedule(desk: Nexio) -> None:
    """R13: the window moves with its length, whatever the default duration is by now."""
    before = desk.register()
    desk.done("token", "on", "--duration", "8h")
    words = ["--arrival", "2099-11-20 09:00Z", "--json"]
    after = desk.done("visitor", "reschedule", "1", *words).json
    assert list(after) == VISIT_KEYS
    assert changed(before, after) == {"expected_arrival", "token"}
    assert window(after) == timedelta(hours=1)
    assert after["token"]["valid_from"] == after["expected_arrival"]
    assert (after["token"]["id"], after["token"]["state"]) == (before["token"]["id"], "upcoming")


def test_what_is_refused_at_reschedule(sqlite_desk: Nexio) -> None:
    """R20 holds here as at the registration, and the visit stays where it was."""
    before = sqlite_desk.register()
    for arrival in ["10/11/2099", "2099-11-20", "2020-11-20 09:00", "soon", ""]:
        sqlite_desk("visitor", "reschedule", "1", "--arrival", arrival).refused(2)
        assert sqlite_desk.done("visitor", "show", "1", "--json").json == before


def test_extend(desk: Nexio) -> None:
    """R2's one exception: the same token is good for longer."""
    before = desk.register()
    extended = desk.done("token", "extend", "zoe@example.com", "--by", "30m", "--json").json
    assert list(extended) == LISTED_KEYS
    after = desk.done("visitor", "show", "1", "--json").json
    assert changed(before, after) == {"token"}
    assert window(after) == timedelta(minutes=90)
    assert "has Wi-Fi until" in desk.done("token", "extend", "1", "--by", "1h30m").out
    assert window(desk.done("visitor", "show", "1", "--json").json) == timedelta(hours=3)


def test_what_is_refused_at_extend(sqlite_desk: Nexio) -> None:
    """No length, or beyond 30 days."""
    before = sqlite_desk.register()
    for by, exit_code in [("30", 2), ("0m", 2), ("-5m", 2), ("soon", 2), ("30d", 4)]:
        sqlite_desk("token", "extend", "1", f"--by={by}").refused(exit_code)
        assert sqlite_desk.done("visitor", "show", "1", "--json").json == before


CHANGES = [
    "visitor edit 1 --notes x",
    "visitor reschedule 1 --arrival +1h",
    "token extend 1 --by 1h",
]


def test_a_deleted_visit(sqlite_desk: Nexio, zoe: object) -> None:
    """Nothing brings it back: exit 4, and the advice is to register again."""
    sqlite_desk.done("visitor", "delete", "--yes", "1")
    rows = sqlite_desk.rows()
    for words in CHANGES:
        assert "Register the visitor again" in sqlite_desk(*words.split()).refused(4)
    assert sqlite_desk.rows() == rows


def test_a_visit_that_is_over(sqlite_desk: Nexio) -> None:
    """The same for one of days ago."""
    sqlite_desk.register_ago(timedelta(days=3))
    for words in CHANGES:
        assert "Register the visitor again" in sqlite_desk(*words.split()).refused(4)


def test_extend_what_there_is_not(sqlite_desk: Nexio, zoe: object) -> None:
    """No token and a revoked one cannot be extended."""
    sqlite_desk.done("token", "off", "--revoke", "--yes")
    sqlite_desk.register(email="ada@example.com")
    for number in ("1", "2"):
        sqlite_desk("token", "extend", number, "--by", "30m").refused(4)


def test_more_guests_than_planned(desk: Nexio) -> None:
    """R9: neither moving nor extending brings one guest too many on at a time."""
    desk.done("settings", "set", "wifi-login=pin", "planned-guests=1")
    desk.register()
    desk.register("--arrival", "+1h", email="ada@example.com")
    assert "planned for 1" in desk("token", "extend", "1", "--by", "5m").refused(4)
    assert "planned for 1" in desk("visitor", "reschedule", "2", "--arrival", "+30m").refused(4)
    desk.done("visitor", "reschedule", "2", "--arrival", "+2h")
    desk.done("token", "extend", "1", "--by", "5m")
