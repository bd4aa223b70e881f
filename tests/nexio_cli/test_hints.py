"""Commands that a message tells to type: they exist, and so do their options."""

from __future__ import annotations

import ast
import re
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tests.support.cli.commands import every_command, options_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.cli.running import Nexio

ROOT = Path(__file__).parents[2]
COMMANDS = dict(every_command())
TYPED = re.compile(r"(?:: |'|\(|then )nexio ([^'();]*)")
"""What follows a colon, a quote, a bracket or "then"; elsewhere nexio is the software."""


def told() -> Iterator[tuple[str, str]]:
    """Each command that a string of the software tells to type, and where it stands."""
    for folder in ("nexio", "radius_auth", "nexio_cli"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text())):
                for words in TYPED.findall(_text_of(node)):
                    yield f"{path.relative_to(ROOT)}:{getattr(node, 'lineno', 0)}", words


def _text_of(node: ast.AST) -> str:
    """A string as it reads, with X for what is filled in; empty for what is none."""
    if isinstance(node, ast.JoinedStr):
        return "".join(map(_text_of, node.values))
    if isinstance(node, ast.FormattedValue):
        return "X"
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


def command_of(words: str) -> tuple[click.Command, str]:
    """The command that words name, and what follows it."""
    path: tuple[str, ...] = ()
    rest = words
    while isinstance(COMMANDS[path], click.Group):
        word, _, after = rest.partition(" ")
        name = re.sub(r"(?<=[a-z])[^a-z-].*|^[^a-z].*", "", word)
        if (*path, name) not in COMMANDS:
            assert path, f"there is no command: nexio {words}"
            assert not name, f"there is no command: nexio {words}"
            break
        path, rest = (*path, name), after
    return COMMANDS[path], rest


def test_a_command_that_is_told_exists() -> None:
    """A message says what to do, and that can be done."""
    for where, words in told():
        command, rest = command_of(words.strip())
        for option in re.findall(r"--[a-z-]+", rest.partition(". ")[0]):
            assert option in [*options_of(command), "--help"], (where, words)


def test_commands_are_found() -> None:
    """The test above looks at many."""
    assert len(list(told())) > 40


ELSEWHERE = [
    ("visitor extend 1", "nexio token extend"),
    ("visitor revoke 1", "nexio token revoke"),
    ("visitor checkin 1", "nexio checkin"),
    ("register", "nexio visitor register"),
    ("reissue 1", "nexio visitor reissue"),
    ("session log", "nexio log"),
    ("token frobnicate", "nexio token --help"),
]


def test_a_command_that_stands_elsewhere(sqlite_nexio: Nexio) -> None:
    """Exit 2, and the command that was meant."""
    for typed, hint in ELSEWHERE:
        assert hint in sqlite_nexio(*typed.split()).refused(2)


def test_there_is_one_answer(sqlite_nexio: Nexio) -> None:
    """Not a similar word beside it: "resend" for "extend" would send a mail."""
    said = sqlite_nexio("visitor", "extend", "1").refused(2)
    assert "resend" not in said
    assert said.endswith("Hint:  Do you mean: nexio token extend\n")


def test_a_mistyped_command(sqlite_nexio: Nexio) -> None:
    """A similar word is named where no command has that name."""
    assert "'register'" in sqlite_nexio("visitor", "regster").refused(2)


def test_an_extension_by_nothing(sqlite_desk: Nexio, zoe: object) -> None:
    """The hint is a line that can be typed."""
    hint = sqlite_desk("token", "extend", "1").refused(2).partition("Hint:")[2]
    sqlite_desk.done(*hint.partition(": nexio ")[2].split())


def test_a_duration_without_a_unit(sqlite_desk: Nexio) -> None:
    """8 what?  The setting is named, and each unit."""
    said = sqlite_desk("settings", "set", "token-duration=8").refused(2)
    assert "token-duration" in said
    assert all(unit in said for unit in ('"8h"', '"8m"', '"8d"'))


def test_a_default_duration_without_a_unit(sqlite_desk: Nexio) -> None:
    """What was typed is named, and not the setting behind it."""
    said = sqlite_desk("token", "on", "--duration", "60").refused(2)
    assert "--duration 60 cannot be read" in said
    assert "token-duration" not in said


def test_an_extension_of_nothing(sqlite_desk: Nexio) -> None:
    """Following the hint of each refusal, word for word, ends with Wi-Fi."""
    sqlite_desk.done("token", "off")
    sqlite_desk.register()
    said = sqlite_desk("token", "extend", "1", "--by", "30m").refused(4)
    hint = said.partition("Hint:")[2].strip()
    assert hint == "Give it one, with a new PIN: nexio token on, then: nexio visitor reissue 1"
    for words in ("token on", "visitor reissue 1"):
        assert f"nexio {words}" in hint
        sqlite_desk.done(*words.split(), *(["--yes"] if "reissue" in words else []))
    sqlite_desk.done("token", "extend", "2", "--by", "30m")
    sqlite_desk.done("token", "revoke", "2", "--yes")
    said = sqlite_desk("token", "extend", "2", "--until", "23:59").refused(4)
    assert said.strip().endswith("Give it one, with a new PIN: nexio visitor reissue 2")


def test_wifi_where_there_are_several_locations(sqlite_desk: Nexio) -> None:
    """Each command of the note can be typed; then this visitor has Wi-Fi, too."""
    sqlite_desk.done("location", "add", "The Annex", "--timezone", "Europe/London")
    there = ("--location", "the annex")
    assert "register --location 'The Annex'" in sqlite_desk.done("visitor", "list", *there).err
    assert "token on --location 'The Annex'" in sqlite_desk.done("token", "list", *there).err
    ada = (
        "--first-name",
        "Ada",
        "--last-name",
        "Moore",
        "--email",
        "ada@example.com",
        "--check-in-now",
    )
    for kind, setting in (
        ([], "token on --location 'The Annex'"),
        (["--walk-in", "--again"], "settings set walk-in-tokens=on --location 'The Annex'"),
    ):
        said = sqlite_desk.done("visitor", "register", *ada, *kind, *there).err
        reissue = re.findall(r"nexio (visitor reissue \d)", said)[0]
        assert f"nexio {setting}, and then" in said
        sqlite_desk.done(*shlex.split(setting))
        sqlite_desk.done(*reissue.split(), "--yes")
    tokens = sqlite_desk.done("token", "list", *there, "--json").json
    assert len([each for each in tokens if each["state"] == "valid"]) == 2
