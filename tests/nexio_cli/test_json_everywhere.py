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
    pytest.param(words, command, id=" ".join(words))
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


@pytest.mark.parametrize(("words", "command"), ACTING)
def test_every_command_has_json(words: tuple[str, ...], command: click.Command) -> None:
    """Scripts call all of them."""
    assert "--json" in options_of(command)


@pytest.mark.parametrize(("words", "command"), ACTING)
def test_a_wrong_command_line_is_an_object(
    words: tuple[str, ...], command: click.Command, sqlite_nexio: Nexio
) -> None:
    """Also where click sees it, before the command knows its options."""
    ran = sqlite_nexio(*words, "--no-such-option", "--json")
    assert (ran.exit_code, ran.out) == (2, "")
    assert last_line(ran.err)["code"] == "usage"


@pytest.mark.parametrize(("words", "command"), ACTING)
def test_what_goes_wrong_is_an_object(
    words: tuple[str, ...],
    command: click.Command,
    sqlite_nexio: Nexio,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Without a store most commands fail; those that need none, or look for faults, print JSON."""
    monkeypatch.setenv("NEXIO_DATABASE_URL", "postgresql://desk@127.0.0.1:1/nexio")
    ran = sqlite_nexio(*words, *needed(command), "--json")
    assert ran.exit_code != NexioError.exit_code, ran
    if ran.out:  # done, or looked over and found wrong
        json.loads(ran.out)
    else:
        last_line(ran.err)


def needed(command: click.Command) -> list[str]:
    """Something for all that the command requires."""
    given = []
    for each in command.params:
        if each.required:
            choices = each.type.choices if isinstance(each.type, click.Choice) else ["1"]
            name = each.opts[-1:] if isinstance(each, click.Option) else []
            given += [*name, str(choices[0])]
    return given
