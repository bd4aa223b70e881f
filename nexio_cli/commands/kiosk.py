"""``nexio kiosk``."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

import click

from nexio_cli.terminal import once, options, output

if TYPE_CHECKING:
    from nexio.checkin.tablets import Tablet
    from nexio.locations.locations import Location
    from nexio.store.engine import Store

PATIENCE: Final = 15.0
"""Seconds that a tablet has to answer; it asks every few seconds."""

PAUSE: Final = 0.2


@click.group(cls=once.Group)
def command() -> None:
    """Manage the tablets at the door, where people check in and out themselves."""


@command.command()
@click.argument("code")
@click.option(
    "--name",
    metavar="TEXT",
    help="What to call the tablet, such as 'Front door'; else it gets one.",
)
@options.location
@options.as_json
def pair(code: str, name: str | None, location_name: str | None, *, as_json: bool) -> None:
    """Make the tablet that shows CODE one of a location.

    Open /kiosk of nexio-webd on the tablet: the code is on its screen.
    """
    from nexio.locations.locations import get_location
    from nexio_cli.terminal.shapes import tablet_json

    with options.opened() as store:
        with store.read() as work:
            location = get_location(work, location_name)
        tablet = _pair(store, location, code, name)
    words = f"{tablet.name} is paired: it checks people in and out at {tablet.location.name}."
    output.print_answer(tablet_json(tablet), words, as_json=as_json)


@command.command("list")
@options.paged
@options.location_or_all
@options.as_json
def list_(
    limit: int | None, after: int | None, location_name: str | None, *, as_json: bool
) -> None:
    """List the tablets, and when each was there last."""
    from nexio.checkin.tablets import list_tablets
    from nexio.input.zones import show
    from nexio.locations.locations import get_location
    from nexio_cli.terminal.shapes import tablet_json

    with options.reading() as work:
        location = get_location(work, location_name) if location_name is not None else None
        found = list_tablets(work, location)
    output.print_list(
        options.page(found, limit, after),
        tablet_json,
        ["tablet", "location", "last seen", "from", "paired"],
        lambda tablet: [
            tablet.name,
            tablet.location.name,
            "" if tablet.seen_at is None else show(tablet.seen_at, tablet.location.zone),
            tablet.seen_from or "",
            show(tablet.paired_at, tablet.location.zone),
        ],
        "There is no tablet. Open /kiosk of nexio-webd on one, and type: nexio kiosk pair CODE",
        as_json=as_json,
        only_wide=("from", "paired"),
    )


@command.command()
@click.argument("name")
@options.yes
@options.as_json
def revoke(name: str, *, yes: bool, as_json: bool) -> None:
    """Turn a tablet away: within seconds it checks nobody in or out."""
    from nexio.checkin.tablets import get_tablet, revoke_tablet
    from nexio_cli.terminal.shapes import tablet_json

    with options.reading() as work:
        tablet = get_tablet(work, name)
    options.confirm(f"Turn {tablet.name} at {tablet.location.name} away?", yes=yes)
    with options.writing() as work:
        revoke_tablet(work, name)
    words = f"{tablet.name} is turned away."
    output.print_answer(tablet_json(tablet), words, as_json=as_json)


@command.command()
@options.paged
@options.location_or_all
@options.as_json
def taps(limit: int | None, after: int | None, location_name: str | None, *, as_json: bool) -> None:
    """List the codes that a tablet took without the server, and that were not applied.

    Look at each, check the visitor in or out where it is right, and type: nexio kiosk settle
    """
    from nexio.checkin.offline_taps import list_offline_taps
    from nexio.input.zones import show
    from nexio.locations.locations import get_location
    from nexio_cli.terminal.shapes import offline_tap_json

    with options.reading() as work:
        location = get_location(work, location_name) if location_name is not None else None
        found = list_offline_taps(work, location)
    output.print_list(
        options.page(found, limit, after),
        offline_tap_json,
        ["tap", "time", "visit", "name", "tablet", "why it was not applied"],
        lambda tap: [
            str(tap.id),
            "" if tap.at is None else show(tap.at, tap.location.zone),
            "" if tap.visit is None else str(tap.visit),
            tap.name or "",
            tap.tablet,
            tap.words,
        ],
        "There is no tap to look at.",
        as_json=as_json,
        only_wide=("tablet",),
    )


@command.command("settle")
@click.argument("numbers", metavar="TAP...", type=int, nargs=-1, required=True)
@options.as_json
def settle_(numbers: tuple[int, ...], *, as_json: bool) -> None:
    """Put taps aside that you have looked at."""
    from nexio.checkin.offline_taps import mark_settled
    from nexio.input.names import counted

    with options.writing() as work:
        mark_settled(work, numbers)
    words = f"{counted(len(numbers), 'tap')} put aside."
    output.print_answer({"taps": list(numbers)}, words, as_json=as_json)


def _pair(store: Store, location: Location, code: str, name: str | None) -> Tablet:
    """Offer a place to the tablet, and wait until it has taken it.

    Raises:
        NotFound: no tablet shows the code.
    """
    from nexio.checkin.tablets import is_paired, offer, withdraw
    from nexio.errors import NotFound

    with store.write() as work:
        tablet = offer(work, location, code, name)
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        with store.read() as work:
            if is_paired(work, tablet.id):
                return tablet
        time.sleep(PAUSE)
    with store.write() as work:
        if not withdraw(work, tablet.id):
            return tablet
    raise NotFound(
        "no tablet has answered that shows this code",
        "Type what is on its screen now; the code changes every ten minutes.",
    )
