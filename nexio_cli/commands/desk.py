"""``nexio desk``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from nexio_cli.terminal import once, options, output

if TYPE_CHECKING:
    from nexio_cli.terminal.json_types import DeskLinkJson


@click.group(cls=once.Group)
def command() -> None:
    """Manage the browsers of reception, which see who is in the building."""


@command.command()
@click.option(
    "--name",
    metavar="TEXT",
    help="What to call the desk, such as 'Front desk'; else it gets one.",
)
@click.option(
    "--url",
    default=options.setting("NEXIO_WEB_URL", "http://127.0.0.1:8080"),
    show_default="http://127.0.0.1:8080",
    metavar="URL",
    help="Where nexio-webd is reached from that browser.  [env: NEXIO_WEB_URL]",
)
@options.location
@options.as_json
def link(name: str | None, url: str, location_name: str | None, *, as_json: bool) -> None:
    """Print a link that logs one browser in as a desk, within ten minutes.

    Whoever opens it sees and changes who is in the building, and registers visitors.
    """
    from nexio.checkin.desks import GOOD_FOR, issue_link
    from nexio.input.web_urls import parse_web_url
    from nexio.locations.locations import get_location

    pages = parse_web_url(url)
    with options.writing() as work:
        desk, secret = issue_link(work, get_location(work, location_name), name)
    address = f"{pages}desk#{secret}"
    if as_json:
        shape: DeskLinkJson = {"name": desk.name, "location": desk.location.name, "link": address}
        output.print_json(shape)
        return
    output.print_headline(address)
    minutes = int(GOOD_FOR.total_seconds() // 60)
    output.say(
        f"It logs one browser in as the desk {desk.name} of {desk.location.name}, within {minutes}"
        " minutes."
    )


@command.command("list")
@options.paged
@options.location_or_all
@options.as_json
def list_(
    limit: int | None, after: int | None, location_name: str | None, *, as_json: bool
) -> None:
    """List the desks that are logged in, and when each was there last."""
    from nexio.checkin.desks import list_desks
    from nexio.input.zones import show
    from nexio.locations.locations import get_location
    from nexio_cli.terminal.shapes import desk_json

    with options.reading() as work:
        location = get_location(work, location_name) if location_name is not None else None
        found = list_desks(work, location)
    output.print_list(
        options.page(found, limit, after),
        desk_json,
        ["desk", "location", "last seen", "from", "until"],
        lambda desk: [
            desk.name,
            desk.location.name,
            show(desk.seen_at, desk.location.zone),
            desk.seen_from or "",
            show(desk.ends_at, desk.location.zone),
        ],
        "No desk is logged in. Log a browser in with: nexio desk link",
        as_json=as_json,
        only_wide=("from", "until"),
    )


@command.command()
@click.argument("name")
@options.yes
@options.as_json
def revoke(name: str, *, yes: bool, as_json: bool) -> None:
    """Turn a desk away: within seconds its browser shows nobody any more."""
    from nexio.checkin.desks import get_desk, revoke_desk
    from nexio_cli.terminal.shapes import desk_json

    with options.reading() as work:
        desk = get_desk(work, name)
    options.confirm(f"Turn {desk.name} at {desk.location.name} away?", yes=yes)
    with options.writing() as work:
        revoke_desk(work, get_desk(work, name))
    output.print_answer(desk_json(desk), f"{desk.name} is turned away.", as_json=as_json)
