"""``nexio init``."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import available_timezones

import click

from nexio.input.zones import get_zone
from nexio_cli.terminal import once, options, output
from nexio_cli.terminal.shapes import location_json

if TYPE_CHECKING:
    from nexio_cli.terminal.json_types import InitJson

ZONEINFO = "zoneinfo/"


@click.command(cls=once.Command)
@click.option(
    "--location", "name", metavar="NAME", help="Name of the first location (default: Main)."
)
@click.option(
    "--timezone",
    metavar="ZONE",
    help="Its time zone, such as Europe/London (default: this machine's).",
)
@options.as_json
def command(name: str | None, timezone: str | None, *, as_json: bool) -> None:
    """Make the key, the store and the first location; keep what is there already.

    NEXIO_HOME, NEXIO_KEY_FILE and NEXIO_DATABASE_URL say where. If the store is there and its
    key is not, nexio makes no new key: bring the old one back.
    """
    from nexio.locations.locations import add_first_location
    from nexio.store.creation import create_store

    configuration = options.configuration()
    if timezone is not None:
        get_zone(timezone)  # refused before anything is made
    made = create_store(configuration)
    output.say("Store made." if made else "The store is there already.")
    with options.writing() as work:
        location = add_first_location(work, name, timezone or system_zone())
    if location is not None:
        output.say(f"Location added: {location.name} ({location.time_zone}).")
    if as_json:
        shape: InitJson = {
            "home": str(configuration.home),
            "key_file": str(configuration.key_file),
            "made": made,
            "location": None if location is None else location_json(location),
        }
        output.print_json(shape)
        return
    output.print_fields(
        [
            ("data", str(configuration.home)),
            ("key", f"{configuration.key_file} (keep a copy in a safe place)"),
        ]
    )


def system_zone() -> str:
    """The name of this machine's time zone, UTC where it has none."""
    named = os.environ.get("TZ", "").lstrip(":")
    if named in available_timezones():
        return named
    _, found, zone = str(Path("/etc/localtime").resolve()).rpartition(ZONEINFO)
    return zone if found else "UTC"
