"""``nexio config``."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from nexio.configuration_file import TABLES, VARIABLES, find_file, masked, read_file
from nexio_cli.terminal import once, options, output

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nexio_cli.terminal.json_types import ConfigurationJson


@click.group(cls=once.Group)
def command() -> None:
    """Show the configuration of this deployment, and where it comes from."""


@command.command()
@options.as_json
def show(*, as_json: bool) -> None:
    """Show each key of the configuration file, its value, and where that comes from.

    An option counts before a variable of the environment, that before the file, and the file
    before what nexio takes by itself. Passwords are not shown. The keys of [radiusd] and [webd]
    are shown where they are set; what a server would not take is told as a warning.
    """
    shown = list(_values())
    output.print_list(
        shown,
        lambda each: each,
        ["key", "value", "from"],
        lambda each: [each["key"], each["value"] or "not set", each["origin"]],
        "",
        as_json=as_json,
    )
    for table in TABLES:
        if any(each["key"].startswith(f"{table}.") for each in shown):
            output.warn(_refused_by(Path(sys.executable).with_name(f"nexio-{table}")))


def _refused_by(server: Path) -> list[str]:
    """What a server says of its options, if they are wrong: each program reads its own."""
    named = options.named_file()
    ran = subprocess.run(  # noqa: S603 - our own program
        [server, "--check", *(["--config", named] if named else [])],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if ran.returncode == 0:
        return []
    # Lines of its log, each behind its time.
    messages = [line.rpartition(" ERROR ")[2] for line in ran.stderr.splitlines()]
    return [f"{server.name} would not start: {'. '.join(messages)}"]


def _values() -> Iterator[ConfigurationJson]:
    configuration = options.configuration()
    path = find_file(os.environ, options.named_file())
    of_file = {} if path is None else read_file(path)
    taken = {
        "home": str(configuration.home),
        "key-file": str(configuration.key_file),
        "nas-key-file": str(configuration.nas_key_file),
        "database-url": configuration.database_url,
        "operator": configuration.operator,
    }
    for key, variable in VARIABLES.items():
        given, origin = os.environ.get(variable), f"environment {variable}"
        if not given:
            given, origin = of_file.get(variable), f"file {path}"
        if not given:
            given, origin = taken.get(key), "default"
        if given or "." not in key:
            value = masked(given) if given and key.endswith("-url") else given or None
            yield {"key": key, "value": value, "origin": origin, "variable": variable}
