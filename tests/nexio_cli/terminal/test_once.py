"""No option is given twice where the last one would win without a word."""

from __future__ import annotations

import click
import pytest

from nexio_cli.terminal.once import Command, Group
from tests.support.cli.commands import every_command
from tests.support.cli.running import Nexio

COMMANDS = [(words, command) for words, command in every_command() if words]
HOLDING_ONE = [
    (words, option)
    for words, command in COMMANDS
    for option in command.params
    if isinstance(option, click.Option)
    and not option.is_eager
    and not option.multiple
    and not (option.is_flag and not option.secondary_opts)
]


def test_every_command_is_one_that_looks() -> None:
    """Also the ones that are added later."""
    for words, command in COMMANDS:
        assert isinstance(command, Command | Group), words


def test_an_option_given_twice_is_refused(sqlite_nexio: Nexio) -> None:
    """Before anything else is looked at; with the same value, too."""
    for words, option in HOLDING_ONE:
        first, last = option.opts[-1], [*option.opts, *option.secondary_opts][-1]
        typed = [first, last] if option.is_flag else [first, "1", f"{last}=1"]
        said = sqlite_nexio(*words, *typed).refused(2)
        assert f"{first}" in said, words
        assert "is given 2 times and takes one value" in said, words


@pytest.mark.parametrize(
    "line", ["visitor list --json --json", "visitor list --location a --location b --help"]
)
def test_what_loses_nothing_is_taken(line: str, sqlite_desk: Nexio) -> None:
    """A flag says the same twice; --help helps whatever else was typed."""
    sqlite_desk.done(*line.split())


def test_several_visits_where_one_is_taken(sqlite_desk: Nexio) -> None:
    """The other commands that take a VISIT refuse a second one."""
    taking = [
        (words, [word for each in command.params if each.required for word in each.opts])
        for words, command in COMMANDS
        for parameter in command.params
        if isinstance(parameter, click.Argument) and "VISIT" in (parameter.metavar or "")
    ]
    assert len(taking) >= 12
    rows = sqlite_desk.rows()
    for words, required in taking:
        if words != ("visitor", "reissue"):
            needed = [f"{word}=1h" for word in required if word.startswith("--")]
            said = sqlite_desk(*words, "7", "8", *needed).refused(2)
            assert "unexpected extra argument" in said
    assert sqlite_desk.rows() == rows
