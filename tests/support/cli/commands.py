"""Every command and subcommand of ``nexio``, found by walking from the top."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from nexio_cli.main import nexio

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


def every_command() -> list[tuple[tuple[str, ...], click.Command]]:
    """The words of each command, and the command; a group comes before its commands."""
    with click.Context(nexio, info_name="nexio") as context:
        return list(_below((), nexio, context))


def options_of(command: click.Command) -> list[str]:
    """Its long options as they are written: ``--pin``, ``--require-… ``, ``--insecure-…``."""
    named = [parameter for parameter in command.params if isinstance(parameter, click.Option)]
    spelled = [word for option in named for word in [*option.opts, *option.secondary_opts]]
    return [word for word in spelled if word.startswith("--")]


def _below(
    words: Sequence[str], command: click.Command, context: click.Context
) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    yield tuple(words), command
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            found = command.get_command(context, name)
            assert found is not None, name
            yield from _below([*words, name], found, context)
