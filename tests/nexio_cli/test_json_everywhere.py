"""Every command has ``--json``: what it prints is JSON, and so is what goes wrong.

A new command is found here by itself.  It takes ``options.as_json``, prints what a type in
``nexio_cli/terminal/json_types.py`` says, and raises a ``NexioError`` where something is wrong.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click
import pytest

from nexio.errors import NexioError
from tests.support.cli.commands import every_command, options_of

if TYPE_CHECKING:
    from tests.support.cli.running import Nexio

ACTING = [
    (words, command)
    for words, command in every_command()
    if not isinstance(command, click.Group) or (command.params and words)
]
"""All that do something; a group that does nothing by itself shows its help."""


def last_line(err: str) -> dict[str, str]:
    """The error on stderr."""
    said: dict[str, str] = json.loads(err.splitlines()[-1])
    assert set(said) == {"error", "code", "advice"}
    assert said["error"]
    return said


def test_every_command_has_json() -> None:
    """Scripts call all of them."""
    for words, command in ACTING:
        assert "--json" in options_of(command), words


def test_a_wrong_command_line_is_an_object(sqlite_nexio: Nexio) -> None:
    """Also where click sees it, before the command knows its options."""
    for words, _ in ACTING:
        ran = sqlite_nexio(*words, "--no-such-option", "--json")
        assert (ran.exit_code, ran.out) == (2, ""), words
        assert last_line(ran.err)["code"] == "usage", words


def test_what_goes_wrong_is_an_object(sqlite_nexio: Nexio, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a store most commands fail; those that need none, or look for faults, print JSON."""
    monkeypatch.setenv("NEXIO_DATABASE_URL", "postgresql://desk@127.0.0.1:1/nexio")
    for words, command in ACTING:
        ran = sqlite_nexio(*words, *needed(command), "--json")
        assert ran.exit_code != NexioError.exit_code, ran
        if ran.out:  # done, or looked over and found wrong
            json.loads(ran.out)
        else:
            last_line(ran.err)


def is_list(word: str, command: click.Command) -> bool:
    """Whether a command lists what there may be much of."""
    return word in {"list", "taps"} or "--last" in options_of(command)


PARTS = {
    "visitor list": "id",
    "visitor list --all --search example": "id",
    "visitor list --state checked_in --all": "id",
    "token list": "visit",
    "member list": "id",
    "nas list": "id",
    "location list": "id",
    "mail list": "id",
    "checkin list": "tap",
}
"""Lists, and what --after takes of each."""

LISTS = [
    pytest.param(command, id=" ".join(words))
    for words, command in every_command()
    if words and is_list(words[-1], command)
]


@pytest.mark.parametrize("command", LISTS)
def test_a_list_is_read_in_parts(command: click.Command) -> None:
    """Whoever reads a long one asks for so many, and for those after the last."""
    assert {"--limit", "--after"} <= set(options_of(command))


def test_parts_make_the_whole(
    sqlite_desk: Nexio, monkeypatch: pytest.MonkeyPatch, subtests: pytest.Subtests
) -> None:
    """Each list by one at a time; what has no number to go on after is refused."""
    for name in "cabd":
        sqlite_desk.register(email=f"{name}@example.com", first_name=name)
        person = ["--first-name", name, "--last-name", "L", "--email", f"{name}@example.com"]
        sqlite_desk.done("member", "add", *person)
        sqlite_desk.done("nas", "add", name, f"192.0.2.{ord(name)}")
    for name in "cab":
        sqlite_desk.done("location", "add", f"Annex {name}", "--timezone", "UTC")
    monkeypatch.setenv("NEXIO_LOCATION", "Harbour House")
    for number in "1234":
        sqlite_desk.done("checkin", "--visit", number)
    sqlite_desk.done("checkout", "--visit", "2")
    for words, key in PARTS.items():
        with subtests.test(words):
            whole = sqlite_desk.done(*words.split(), "--json").json
            assert len(whole) >= 3
            for before, each in zip([None, *whole], whole, strict=False):
                after = [] if before is None else ["--after", str(before[key])]
                part = sqlite_desk.done(*words.split(), "--json", "--limit", "1", *after).json
                assert part == [each]
            last = str(whole[-1][key])
            assert sqlite_desk.done(*words.split(), "--json", "--after", last).json == []
    assert sqlite_desk("nas", "list", "--after", "99").exit_code == 3
    assert sqlite_desk("visitor", "list", "--after", "99").exit_code == 3


def needed(command: click.Command) -> list[str]:
    """Something for all that the command requires."""
    given = []
    for each in command.params:
        if each.required:
            choices = each.type.choices if isinstance(each.type, click.Choice) else ["1"]
            name = each.opts[-1:] if isinstance(each, click.Option) else []
            given += [*name, str(choices[0])]
    return given
