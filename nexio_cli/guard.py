"""``nexio guard``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from nexio.errors import InvalidValue
from nexio_cli import once, options, output

if TYPE_CHECKING:
    from radius_auth.guard_file import GuardFile


@click.group(cls=once.Group)
def command() -> None:
    """See whom the guard against guessing slows, and let them try again.

    It is about the RADIUS servers of this machine.
    """


@command.command("list")
@options.location
@options.as_json
def list_(location_name: str | None, *, as_json: bool) -> None:
    """List who has typed too many wrong PINs and has to wait now."""
    from nexio.locations import get_location, list_locations
    from nexio_cli.shapes import slowed_json
    from radius_auth.guard import Guard

    with options.reading() as work:
        locations = {location.id: location for location in list_locations(work)}
        only = get_location(work, location_name).id if location_name is not None else None
        now = work.now
    guard, file = Guard(), _file()
    if file.exists():
        guard.apply(file.exchange())
    slowed = [each for each in guard.slowed(now) if only in {None, each.location}]
    shapes = [slowed_json(each, locations.get(each.location)) for each in slowed]
    if as_json:
        output.print_json(shapes)
        return
    output.print_table(
        ["slowed", "e-mail", "device", "NAS", "location", "failures", "until"],
        [["" if value is None else str(value) for value in shape.values()] for shape in shapes],
        "Nobody is slowed.",
    )


@command.command()
@click.option("--email", metavar="ADDRESS", help="Logins with this e-mail, from any device.")
@click.option("--device", metavar="MAC", help="This device, with any e-mail.")
@click.option("--location", "location_name", metavar="NAME", help="The budget of this location.")
@click.option("--all", "everything", is_flag=True, help="Everybody, everywhere.")
@options.yes
def clear(
    email: str | None,
    device: str | None,
    location_name: str | None,
    *,
    everything: bool,
    yes: bool,
) -> None:
    """Let somebody try again at once; running servers follow within a second."""
    from nexio.addresses import email_key
    from nexio.locations import get_location
    from radius_auth.guesses import Cleared

    if not everything and email is None and device is None and location_name is None:
        raise InvalidValue(
            "nobody was named", "Give --email, --device or --location, or --all for everybody."
        )
    with options.reading() as work:
        location = None if location_name is None else get_location(work, location_name)
        now = work.now
    cleared = Cleared(
        at=now.timestamp(),
        email=None if email is None else email_key(email),
        device=None if device is None else _mac(device),
        location=None if location is None else location.id,
        everything=everything,
    )
    options.confirm("Let them try again, an attacker too?", yes=yes)
    file = _file()
    if file.exists():  # else nobody was ever slowed, and the file is the server's to make
        file.exchange([cleared])
    output.print_headline("They can try again.")


def _file() -> GuardFile:
    from nexio.ownership import require_closed
    from radius_auth.guard_file import GuardFile
    from radius_auth.guard_keeper import guard_path

    configuration = options.configuration()
    require_closed(configuration)
    return GuardFile(guard_path(configuration.home))


def _mac(text: str) -> str:
    from radius_auth.devices import mac_of

    mac = mac_of(text.encode())
    if mac is None:
        raise InvalidValue("this is not a MAC address", "Write it like aa:bb:cc:00:11:22.")
    return mac
