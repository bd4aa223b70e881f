"""``nexio key``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from nexio_cli.terminal import once, options, output

if TYPE_CHECKING:
    from nexio_cli.terminal.json_types import RotatedJson


@click.group(cls=once.Group)
def command() -> None:
    """Change the key that encrypts PINs and secrets."""


@command.command()
@click.option(
    "--nas",
    is_flag=True,
    help="Only the key of NAS secrets, in a file of its own, which is made where it is missing.",
)
@options.yes
@options.as_json
def rotate(*, nas: bool, yes: bool, as_json: bool) -> None:
    """Encrypt the store with a new key, while servers run.

    One transaction encrypts every PIN and secret again. The old key moves to a file beside the
    key file whose name ends in .retired: backups made before need it, and so does another store
    with this key file.

    Servers take the new key at once; services that systemd gave a copy of the key
    ('nexio service install') when they are restarted.

    With --nas the secrets of access points get a key of their own, in the file nas-key beside
    the key file (NEXIO_NAS_KEY_FILE). Servers need both files, reception only the first: a new
    file may be read by whoever may read the key file, until you close it to others. From then on
    'nexio key rotate' changes both keys.

    If it is interrupted, the key file holds both keys and opens the store: run it again.
    """
    from nexio.operations.rotation import rotate_key, rotate_nas_key

    what = "the secrets of access points" if nas else "the store"
    options.confirm(f"Seal {what} with a new key?", yes=yes)
    configuration = options.configuration()
    files = configuration.key_file, configuration.nas_key_file
    key_file = configuration.nas_key_file if nas else configuration.key_file
    with options.opened() as store:
        new = (rotate_nas_key if nas else rotate_key)(store, *files)
        has_second = store.keyring.second is not None
    retired = f"{key_file}.retired"
    shape: RotatedJson = {"key": new, "key_file": str(key_file), "retired": retired}
    words = f"{what} {'are' if nas else 'is'} encrypted with the new key {new} in {key_file}."
    output.print_answer(shape, f"{words[:1].upper()}{words[1:]}", as_json=as_json)
    if Path(retired).exists():
        output.say(f"The old key is in {retired}: move it to where older backups are kept.")
    copies = "both key files" if has_second else "the key file"
    output.say(f"Make a copy of {copies} now, and a backup.")
    if nas:
        output.say(f"Let only the servers read {key_file}: chgrp, chmod 640, or chmod 600.")
    output.say("Services of systemd have a copy of the old one: systemctl restart nexio-radiusd …")
