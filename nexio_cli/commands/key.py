"""``nexio key``."""

from __future__ import annotations

import click

from nexio_cli.terminal import once, options, output


@click.group(cls=once.Group)
def command() -> None:
    """Change the key that PINs and secrets are sealed with."""


@command.command()
@options.yes
def rotate(*, yes: bool) -> None:
    """Seal the store with a new key, while servers run; the old key is put aside.

    Backups made before need the old key, and so does another store with this key file: it is
    kept in a file beside it, whose name ends in .retired.
    """
    from nexio.operations.rotation import rotate_key

    options.confirm("Seal the store with a new key?", yes=yes)
    key_file = options.configuration().key_file
    with options.opened() as store:
        new = rotate_key(store, key_file)
    output.print_headline(f"The store is sealed with the new key {new} in {key_file}.")
    output.say(f"The old key is in {key_file}.retired: move it to where older backups are kept.")
    output.say("Make a copy of the key file now, and a backup.")
