"""Arrivals that are a range or far away, and ends that are named: R2, R20."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from tests.support.cli.programs import Terminal, program
from tests.support.cli.running import Nexio, registration

FAR = f"{datetime.now().astimezone() + timedelta(days=150):%d %b} 9:00"
NEAR = f"{datetime.now().astimezone() + timedelta(days=30):%d %b} 9:00"
"""Without a year."""

NEXIO = program("nexio")


def hours(visit: dict[str, dict[str, str]]) -> tuple[str, str]:
    """Both ends of the Wi-Fi on the clock."""
    token = visit["token"]
    return token["valid_from"][11:16], token["valid_until"][11:16]


# Ends


@pytest.mark.parametrize(
    ("words", "ends"),
    [
        (("--arrival", "tomorrow 9:30-10:30"), ("09:30", "10:30")),
        (("--arrival", "tomorrow 9am-11"), ("09:00", "11:00")),
        (("--arrival", "tomorrow 9:00-12:00"), ("09:00", "12:00")),
        (("--arrival", "tomorrow 9:00", "--until", "18:00"), ("09:00", "18:00")),
        (("--arrival", "tomorrow 9:00", "--duration", "90m"), ("09:00", "10:30")),
    ],
)
def test_an_end_at_the_registration(
    sqlite_desk: Nexio, words: tuple[str, ...], ends: tuple[str, str]
) -> None:
    """R2: as a range, as an end, as a length; a person and a script read the same."""
    visit = sqlite_desk.register(*words)
    assert (visit["expected_arrival"][11:16], *hours(visit)) == (ends[0], *ends)
    assert f"{ends[0]} to {ends[1]}" in sqlite_desk.done("visitor", "show", "1").out


CONTRADICTIONS = [
    (("--arrival", "tomorrow 9:00-10:00", "--until", "11:00"), 2),
    (("--until", "23:59", "--duration", "1h"), 2),
    (("--arrival", "tomorrow 10:00-9:00"), 2),
    (("--arrival", "tomorrow 14:00+01:00"), 2),
    (("--arrival", "tomorrow 9:00 -12:00"), 2),
    (("--duration", "31d"), 2),
    (("--duration", "2h", "--walk-in"), 4),
]


def test_a_contradiction(sqlite_desk: Nexio) -> None:
    """One line of what is wrong, one of what to do, and nothing is written."""
    rows = sqlite_desk.rows()
    for words, code in CONTRADICTIONS:
        sqlite_desk(*registration(*words)).refused(code)
        assert sqlite_desk.rows() == rows


def test_the_same_key_with_another_end(sqlite_desk: Nexio) -> None:
    """An end is among the words that a key stands for; --far and --json are not."""
    words = ("--arrival", "2099-11-20 9:00-10:00", "--idempotency-key", "order-7")
    first = sqlite_desk.done(*registration(*words, "--json")).json
    assert sqlite_desk.done(*registration(*words, "--json", "--far")).json == first
    other = ("--arrival", "2099-11-20 9:00-11:00", "--idempotency-key", "order-7")
    assert "other words" in sqlite_desk(*registration(*other)).refused(4)


def test_extend_until(desk: Nexio) -> None:
    """R2: to an end; a length and an end at once, or neither, are errors."""
    desk.register("--arrival", "2099-11-20 9:00")
    token = desk.done("token", "extend", "1", "--until", "19:00", "--json").json
    assert token["valid_until"].startswith("2099-11-20T19:00")
    desk("token", "extend", "1", "--until", "20:00", "--by", "1h").refused(2)
    assert "'--by' or '--until'" in desk("token", "extend", "1").refused(2)
    assert "until" in desk("token", "extend", "1", "--until", "18:00").refused(4)


@pytest.mark.parametrize("end", ["9:00", "8:00", "18:00"])
def test_an_end_that_is_no_longer_one(sqlite_desk: Nexio, end: str) -> None:
    """R2, R20: what the hint tells to type is taken, also where the Wi-Fi lasts for days."""
    sqlite_desk.register("--arrival", "2099-11-20 9:00", "--until", "22 nov 2099 19:00")
    extend = ("token", "extend", "1", "--until")
    said = sqlite_desk(*extend, end).refused(4 if end == "18:00" else 2)
    hint = said.partition("Hint:")[2].split('"')[1]
    assert hint.startswith("Mon 23 Nov 2099 ")
    sqlite_desk.done(*extend, hint)


def test_an_end_before_the_arrival(sqlite_desk: Nexio) -> None:
    """R20: what the hint tells to type is taken by the option that was typed."""
    typed = registration("--arrival", "2099-11-20 19:00", "--until", "9:00")
    said = sqlite_desk(*typed).refused(2)
    typed[-1] = said.partition("Hint:")[2].split('"')[1]
    sqlite_desk.done(*typed)


def test_move_to_a_range(desk: Nexio) -> None:
    """R13: both ends move; a single time keeps the length."""
    desk.register("--arrival", "2099-11-20 9:00")
    move = ("visitor", "reschedule", "1", "--json", "--arrival")
    assert hours(desk.done(*move, "2099-11-21 10:00-15:00").json) == ("10:00", "15:00")
    assert hours(desk.done(*move, "2099-11-22 8:00").json) == ("08:00", "13:00")


# Far away


@pytest.mark.parametrize(
    "command", [registration("--arrival", FAR), ["visitor", "reschedule", "1", "--arrival", FAR]]
)
def test_a_far_date_without_a_year_in_a_script(sqlite_desk: Nexio, command: list[str]) -> None:
    """R20: exit 4 with the date as it was read; --far confirms it, and so does a year."""
    sqlite_desk.register(email="other@example.com")
    rows = sqlite_desk.rows()
    said = sqlite_desk(*command).refused(4)
    assert "--far" in said
    assert "20" in said.partition("on ")[2]
    assert sqlite_desk.rows() == rows
    sqlite_desk.done(*command, "--far")


def test_a_near_date_without_a_year(sqlite_desk: Nexio) -> None:
    """It is what it says."""
    sqlite_desk.register("--arrival", NEAR)


@pytest.mark.parametrize(("answer", "code"), [("y\n", 0), ("n\n", 130)])
def test_a_far_date_without_a_year_on_a_terminal(
    sqlite_desk: Nexio, answer: str, code: int
) -> None:
    """R20: it is repeated back with its year, and nobody waits for it in a transaction."""
    rows = sqlite_desk.rows()
    with Terminal((NEXIO, *registration("--arrival", FAR))) as terminal:
        terminal.wait_for("?")
        sqlite_desk.register(email="meanwhile@example.com")
        terminal.type(answer)
        assert terminal.end() == code, terminal.shown
    assert "You gave no year. Do you mean " in terminal.shown
    registered = sqlite_desk.rows()["visit"] - rows["visit"]
    assert registered == (2 if code == 0 else 1)


def test_a_list_takes_the_nearest_date(sqlite_desk: Nexio) -> None:
    """R20: yesterday's date is yesterday's."""
    sqlite_desk.register_ago(timedelta(days=1))
    yesterday = sqlite_desk.done("visitor", "list", "--all", "--json").json[0]["expected_arrival"]
    words = f"{datetime.fromisoformat(yesterday):%b %d}"
    assert len(sqlite_desk.done("visitor", "list", "--date", words, "--json").json) == 1
