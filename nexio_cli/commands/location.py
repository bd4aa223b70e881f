"""``nexio location``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from nexio.input.zones import get_zone
from nexio_cli.terminal import asking, once, options, output
from nexio_cli.terminal.shapes import location_json, reply_words

if TYPE_CHECKING:
    from nexio.locations.locations import Location


@click.group(cls=once.Group)
def command() -> None:
    """Manage locations: places with a reception desk."""


@command.command()
@click.argument("name")
@click.option(
    "--timezone", metavar="ZONE", required=True, cls=asking.Asked, help="Such as Europe/London."
)
@options.as_json
def add(name: str, timezone: str | None, *, as_json: bool) -> None:
    """Add a location: a place with its own time zone, settings, visitors, PINs and NAS."""
    from nexio.locations.locations import add_location

    if timezone is None:
        timezone = asking.ask("Timezone", get_zone)
    with options.writing() as work:
        location = add_location(work, name, timezone)
    added = f"Added {location.name} ({location.time_zone})."
    output.print_answer(location_json(location), added, as_json=as_json)


@command.command("list")
@options.paged
@options.as_json
def list_(limit: int | None, after: int | None, *, as_json: bool) -> None:
    """List the locations."""
    from nexio.locations.locations import list_locations

    with options.reading() as work:
        locations = list_locations(work)
    output.print_list(
        options.page(locations, limit, after),
        location_json,
        ["location", "time zone"],
        lambda location: [location.name, location.time_zone],
        "There is no location yet. Add one with: nexio location add NAME --timezone ZONE",
        as_json=as_json,
    )


@command.command()
@click.argument("name")
@click.option("--name", "new_name", metavar="NAME", help="A new name.")
@click.option("--timezone", metavar="ZONE", help="Another time zone; visits keep their instants.")
@options.reply
@options.as_json
def edit(
    name: str,
    new_name: str | None,
    timezone: str | None,
    *,
    reply: tuple[str, ...],
    as_json: bool,
) -> None:
    """Rename a location, change its time zone, or what Access-Accepts say there.

    Visits keep their instants: 09:00 in London is 10:00 in Paris. Running servers follow within
    a second; whoever is on keeps what the login got.
    """
    from nexio.locations.locations import edit_location, get_location

    with options.writing() as work:
        before = get_location(work, name)
        location = edit_location(
            work,
            before,
            name=new_name,
            time_zone=timezone,
            reply=options.parsed_replies(reply),
        )
    named = new_name is not None or timezone is not None
    changed = f"{before.name} is now {location.name} ({location.time_zone})."
    words = changed if named else f"Changed {location.name}."
    fields = _fields(location) if reply else []
    output.print_answer(location_json(location), words, fields, as_json=as_json)


@command.command()
@click.argument("name")
@options.yes
@options.as_json
def remove(name: str, *, yes: bool, as_json: bool) -> None:
    """Remove a location with all that belongs to it.

    Its past visits, members, NAS, tablets, desks, mail and log go with it, for good; backups
    still have them. It is refused while a visit there is not over, and for the only location.
    They go a few at a time, so other desks go on meanwhile; the location goes last, so if this is
    interrupted, run it again. Running servers follow within a second.
    """
    from nexio.locations.locations import get_location
    from nexio.operations.removal import contents_of, remove_location

    with options.reading() as work:
        location = get_location(work, name)
        goes = contents_of(work, location).words
    options.confirm(f"Remove {location.name}{goes and f' with {goes}'}?", yes=yes)
    with options.opened() as store:
        remove_location(store, location)
    output.print_answer(location_json(location), f"Removed {location.name}.", as_json=as_json)


@command.command()
@click.argument("name")
@options.as_json
def show(name: str, *, as_json: bool) -> None:
    """Show a location: its time zone, and what Access-Accepts say there.

    For its other settings see 'nexio settings show'.
    """
    from nexio.locations.locations import get_location

    with options.reading() as work:
        location = get_location(work, name)
    headline = f"{location.name} ({location.time_zone})."
    output.print_answer(location_json(location), headline, _fields(location), as_json=as_json)


def _fields(location: Location) -> list[tuple[str, str]]:
    return [("reply", words) for words in reply_words(location.reply or ())]
