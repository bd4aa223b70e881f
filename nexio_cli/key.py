"""``nexio key``."""

from __future__ import annotations

import click

from nexio_cli import options, output


@click.group()
def command() -> None:
    """Change the key that PINs and secrets are sealed with."""


@command.command()
@options.yes
def rotate(*, yes: bool) -> None:
    """Seal the store with a new key, while servers run; the old key is taken out of the file.

    Backups made before need the old key: keep a copy of the key file with them.
    """
    from nexio.rotation import rotate_key

    options.confirm("Seal the store with a new key?", yes=yes)
    key_file = options.configuration().key_file
    with options.opened() as store:
        new = rotate_key(store, key_file)
    output.print_headline(f"The store is sealed with the new key {new} in {key_file}.")
    output.say("Make a copy of the key file now, and a backup: older backups need the older key.")
