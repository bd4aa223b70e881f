"""A part of a name on the command line: looked up, confirmed, and never guessed in a script."""

from __future__ import annotations

import shlex
from dataclasses import replace
from datetime import timedelta

import pytest

from nexio.clock import utc_now
from tests.support.cli.running import Keyboard, Nexio
from tests.support.clocks import Clock

CHANGES = (
    "visitor edit king --notes x",
    "visitor reschedule king --arrival +2h",
    "visitor delete king --yes",
    "visitor resend king",
    "visitor reissue king --yes",
    "visitor devices king --free 02:00:00:00:00:01",
    "token extend king --by 30m",
    "token revoke king --yes",
    "checkin --visit king",
    "checkout --visit king",
    "checkin undo king",
    "guard release king --device 02:00:00:00:00:01 --yes",
    "session disconnect king --yes",
    "session close king --yes",
    "checkin --member hopper",
    "checkout --member hopper",
    "checkin undo --member hopper",
    "checkin undo hopper",
)


@pytest.fixture
def house(sqlite_desk: Nexio) -> Nexio:
    """Harbour House with two visitors and a member."""
    ada = {"first_name": "Ada", "last_name": "King", "email": "ada@example.com"}
    sqlite_desk.register_ago(timedelta(0), **ada)
    sqlite_desk.register_ago(timedelta(0))
    grace = ["--first-name", "Grace", "--last-name", "Hopper", "--email", "grace@example.com"]
    sqlite_desk.done("member", "add", *grace)
    return sqlite_desk


def test_a_script_does_not_act_on_a_guess(house: Nexio) -> None:
    """Exit 4 with the number, and nothing is done."""
    rows = house.rows()
    for words in CHANGES:
        said = house(*words.split()).refused(4)
        whom = "member 1, Grace Hopper" if "hopper" in words else "visit 1, Ada King"
        assert f"is no number and no e-mail; it is in the name of {whom}" in said
        assert house.rows() == rows


def test_a_no_at_the_terminal_changes_nothing(house: Nexio) -> None:
    """The question names the one who is meant; --yes is about what follows."""
    rows = house.rows()
    for words in CHANGES:
        ran = house(*words.split(), stdin=Keyboard("n\n"))
        whom = "member 1, Grace Hopper" if "hopper" in words else "visit 1, Ada King, expected "
        assert (ran.exit_code, f"Do you mean {whom}" in ran.err) == (130, True), ran
        assert house.rows() == rows


def test_a_yes_at_the_terminal_does_it(house: Nexio) -> None:
    """To the one in the question."""
    clock = Clock(utc_now())
    house = replace(house, clock=clock)
    for words, said in (
        ("visitor edit king --company Engines", "Changed visit 1 of Ada King."),
        ("checkin --visit king", "Ada King is checked in"),
        ("checkin undo king", "Taken back: the check-in of Ada King."),
        ("checkin --member hopp", "Grace Hopper is checked in"),
        ("checkin --member hopp", "Grace Hopper is checked out"),
        ("checkin undo hopper", "Taken back: the check-out of Grace Hopper."),
        ("checkout --member grace", "Grace Hopper is checked out"),
        ("visitor delete king --yes", "Deleted visit 1 of Ada King."),
    ):
        assert said in house.done(*words.split(), stdin=Keyboard("y\n")).out, words
        clock.advance(minutes=1)


LOOKS = [
    ("visitor show king", "Ada King at Harbour House"),
    ("visitor qr king --text", ""),
    ("visitor slip king", "Ada King"),
    ("visitor devices king", ""),
    ("explain king", "Yes"),
    ("session list king", ""),
    ("visitor show 'ada king'", "Ada King at Harbour House"),
]


def test_what_changes_nothing_takes_the_only_one(house: Nexio) -> None:
    """Also in a script."""
    for words, said in LOOKS:
        command, _, name = words.partition(" '")
        ran = house.done(*command.split(), *([name.rstrip("'")] if name else []))
        assert said in ran.out
        assert "Do you mean" not in ran.err


OF_SEVERAL = ["visitor show en", "explain en", "visitor edit en --notes x", "checkin --visit en"]


def test_several_are_listed(house: Nexio) -> None:
    """Exit 4 with the numbers, on a terminal and in a script."""
    house.register(first_name="Ben", last_name="Owens", email="ben@example.com")
    house.register(first_name="Jens", last_name="Ola", email="jens@example.com")
    for words in OF_SEVERAL:
        for stdin in ("", Keyboard("y\n")):
            said = house(*words.split(), stdin=stdin).refused(4)
            assert "3 Ben Owens (" in said
            assert "4 Jens Ola (" in said
            assert "1 Ada King" not in said


def test_members_by_hand(house: Nexio) -> None:
    """By number or e-mail nobody is asked; in, out, and each way by its option."""
    for words, outcome in (
        ("checkin --member grace@example.com", "checked_in"),
        ("checkin --member 1 --in", "already_in"),
        ("checkout --member 1", "checked_out"),
        ("checkout --member grace@example.com", "already_out"),
    ):
        tap = house.done(*words.split(), "--json").json
        assert (tap["kind"], tap["id"], tap["outcome"]) == ("member", 1, outcome)
    assert "To check in: nexio checkin --member 1" in house.done("checkout", "--member", "1").out
    assert house.done("checkin", "undo", "grace@example.com", "--json").json["direction"] == "out"
    assert house.done("checkin", "undo", "--member", "1", "--json").json["direction"] == "in"
    assert "has no check-in to take back" in house("checkin", "undo", "--member", "1").refused(4)
    assert "whose check-in?" in house("checkin", "undo").refused(2).lower()
    house("checkin", "--member", "7").refused(3)


def test_a_name_in_the_place_of_a_pin(house: Nexio) -> None:
    """The hint is the command that finds it."""
    for name in ("king", "Ada King"):
        hint = house("checkin", name).refused(2).partition(": nexio ")[2]
        ran = house.done(*shlex.split(hint), "--in", stdin=Keyboard("y\n"))
        assert "Ada King is checked in" in ran.out


def test_nobody_of_that_name(house: Nexio) -> None:
    """Exit 3, as for a number; a guest's login that is mistyped is explained as before."""
    for words in ("visitor show bob", "visitor edit bob --notes x", "checkin undo bob"):
        house(*words.split()).refused(3)
    house("checkin", "--member", "bob").refused(3)
    assert house.done("explain", "bob").out.startswith("No")
