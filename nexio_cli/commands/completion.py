"""``nexio completion``."""

from __future__ import annotations

import click
from click.shell_completion import BashComplete, FishComplete, ZshComplete

from nexio_cli.terminal import once, options, output

VARIABLE = "_NEXIO_COMPLETE"
"""By which the script asks nexio what may follow."""


SHELLS = {"bash": BashComplete, "zsh": ZshComplete, "fish": FishComplete}


@click.command(cls=once.Command)
@click.argument("shell", type=click.Choice(list(SHELLS)))
@options.as_json
@click.pass_context
def command(context: click.Context, shell: str, *, as_json: bool) -> None:
    """Print the script by which a shell completes commands, options and choices.

    bash: add the line eval "$(nexio completion bash)" to ~/.bashrc. zsh: the same with zsh in
    ~/.zshrc. fish: nexio completion fish > ~/.config/fish/completions/nexio.fish
    """
    script = SHELLS[shell](context.find_root().command, {}, "nexio", VARIABLE).source()
    if as_json:
        output.print_json({"shell": shell, "script": script})
    else:
        click.echo(script, nl=False)
