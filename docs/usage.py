"""How the programs are called: usage, options and help, from Click and argparse."""

from __future__ import annotations

import re
from inspect import cleandoc
from pathlib import Path
from typing import TYPE_CHECKING

import click

from docs.markdown import code, fenced, marked, table
from nexio_cli.main import COMMANDS, nexio
from nexio_web import options as webd_options
from radius_auth.server import options as radiusd_options

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

JSON_PAGE = Path(__file__).resolve().parent / "json.md"
ALIASES = {"checkin pin", "guard clear"}
"""Other names for a command; its page mentions them."""


def every_command() -> Iterator[tuple[str, click.Command]]:
    """Each command that does something, by the words that follow ``nexio``."""
    with click.Context(nexio, info_name="nexio") as context:
        for name in COMMANDS:
            found = nexio.get_command(context, name)
            assert found is not None, name
            yield from _below(name, found)


def _below(words: str, found: click.Command) -> Iterator[tuple[str, click.Command]]:
    if not isinstance(found, click.Group) or found.params:
        yield words, found
    if isinstance(found, click.Group):
        for verb, each in found.commands.items():
            if f"{words} {verb}" not in ALIASES:
                yield from _below(f"{words} {verb}", each)


def command(what: str) -> str:
    """What a command does, how it is called, and its options: all that ``--help`` says."""
    found = dict(every_command())[what]
    context = click.Context(found, info_name=what)
    given = [each for each in found.params if isinstance(each, click.Option) and not each.hidden]
    usage = fenced(["nexio", what, *map(_usage, given), *_arguments(found, context)])
    rows = [_row(each, what, context) for each in given]
    options_table = [table(["option", "meaning"], *rows)] if rows else []
    return "\n\n".join([_help(found), usage, *options_table])


def _help(found: click.Command) -> str:
    paragraphs = cleandoc(found.help or "").replace("\b\n", "").split("\n\n")
    return "\n\n".join(
        marked(text if text.startswith("- ") else " ".join(text.split())) for text in paragraphs
    )


def _usage(option: click.Option) -> str:
    spelled = " | ".join([*_long(option.opts), *_long(option.secondary_opts)])
    value = "" if option.is_flag else f" {option.metavar or _choices(option) or 'VALUE'}"
    usage = f"{spelled}{value}" if option.required else f"[{spelled}{value}]"
    return f"{usage}..." if option.multiple else usage


def _choices(option: click.Option) -> str:
    return str(option.name).upper() if isinstance(option.type, click.Choice) else ""


def _long(names: Sequence[str]) -> list[str]:
    return [name for name in names if name.startswith("--")]


def _arguments(found: click.Command, context: click.Context) -> list[str]:
    if isinstance(found, click.Group):
        return ["[PIN]"]
    return [each.make_metavar(context) for each in found.params if isinstance(each, click.Argument)]


def _row(option: click.Option, what: str, context: click.Context) -> list[str]:
    spelled = [_spelled(name, option) for name in [*_long(option.opts), *option.secondary_opts]]
    record = option.get_help_record(context)
    assert record is not None, option.name
    meaning = marked(record[1].replace("|", "\\|"))
    meaning = re.sub(r"  \[env: (\w+)\]", r" Environment: `\1`", meaning)
    if "--json" in option.opts:
        meaning = meaning.replace("JSON", f"[JSON](../json.md#{json_heading(what)})", 1)
    return [", ".join(spelled), meaning]


def _spelled(name: str, option: click.Option) -> str:
    if option.is_flag:
        return code(name)
    choices = "|".join(option.type.choices) if isinstance(option.type, click.Choice) else ""
    return code(f"{name} {option.metavar or choices or 'VALUE'}")


def json_heading(what: str) -> str:
    """The anchor of the section of ``json.md`` that names a command."""
    for section in JSON_PAGE.read_text().split("\n## ")[1:]:
        heading, _, text = section.partition("\n")
        if f"`{what}`" in text:
            return heading.lower().replace(" ", "-")
    raise LookupError(f"docs/json.md does not say what `{what}` prints")


SERVERS = {"nexio-radiusd": radiusd_options, "nexio-webd": webd_options}


def server_options(name: str) -> str:
    """The options of a server, with their variables."""
    rows = []
    parser, variable = SERVERS[name].parser({}), SERVERS[name].variable
    for action in parser._actions:  # noqa: SLF001 - argparse shows them nowhere else
        spelled = ", ".join(
            code(f"{each} {action.metavar}" if action.metavar else each)
            for each in action.option_strings
        )
        is_own = action.dest not in {"help", "version", "check"}
        rows.append([spelled, code(variable(action.dest)) if is_own else "", f"{action.help}"])
    usage = [
        f"[{' '.join(filter(None, (action.option_strings[-1], action.metavar)))}]"
        for action in parser._actions  # noqa: SLF001
        if action.dest not in {"help", "version"}
    ]
    return f"{fenced([parser.prog, *usage])}\n\n" + table(
        ["option", "environment", "meaning"], *rows
    )


def command_rows(_: str) -> str:
    """The nouns of ``nexio``, and what each is for."""
    rows = [[f"[nexio {name}](commands/{name}.md)", meaning] for name, meaning in COMMANDS.items()]
    return table(["command", "for"], *rows)
