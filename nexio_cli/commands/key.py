"""``nexio key``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from nexio_cli.terminal import once, options, output

if TYPE_CHECKING:
    from nexio_cli.terminal.json_types import RotatedJson


@click.group(cls=once.Group)
def command() -> None:
    """Change the key that encrypts PINs and secrets."""


@command.command()
@options.yes
@options.as_json
def rotate(*, yes: bool, as_json: bool) -> None:
    """Encrypt the store with a new key, while servers run.

    One transaction encrypts every PIN and secret again. The old key moves to a file beside the
    key file whose name ends in .retired: backups made before need it, and so does another store
    with this key file.

    Servers take the new key at once; services that systemd gave a copy of the key
    ('nexio service install') when they are restarted.

    If it is interrupted, the key file holds both keys and opens the store: run it again.
    """
    from nexio.operations.rotation import rotate_key

    options.confirm("Seal the store with a new key?", yes=yes)
    key_file = options.configuration().key_file
    with options.opened() as store:
        new = rotate_key(store, key_file)
    retired = f"{key_file}.retired"
    shape: RotatedJson = {"key": new, "key_file": str(key_file), "retired": retired}
    words = f"The store is encrypted with the new key {new} in {key_file}."
    output.print_answer(shape, words, as_json=as_json)
    output.say(f"The old key is in {retired}: move it to where older backups are kept.")
    output.say("Make a copy of the key file now, and a backup.")
    output.say("Services of systemd have a copy of the old one: systemctl restart nexio-radiusd …")
