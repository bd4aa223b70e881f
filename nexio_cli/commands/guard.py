"""``nexio guard``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from nexio.errors import InvalidValue
from nexio_cli.terminal import once, options, output

if TYPE_CHECKING:
    from nexio.store.engine import Reading
    from radius_auth.guard.desk import Wait


@click.group(cls=once.Group)
def command() -> None:
    """See where somebody guesses PINs, and let a guest try again."""


@command.command("list")
@options.location_or_all
@options.as_json
def list_(location_name: str | None, *, as_json: bool) -> None:
    """List the visits at which somebody has to wait, and the devices that tried."""
    from nexio.locations.locations import get_location
    from radius_auth.guard.desk import guard_in, waits

    with options.reading() as work:
        only = get_location(work, location_name).name if location_name is not None else None
        shapes = [_shape(work, each) for each in waits(guard_in(work, work.now), work.now)]
    shapes = [shape for shape in shapes if only in {None, shape["location"]}]
    if as_json:
        output.print_json(shapes)
        return
    output.print_table(
        [
            "visit",
            "e-mail",
            "location",
            "others until",
            "device",
            "NAS",
            "last try",
            "wrong",
            "until",
        ],
        [row for shape in shapes for row in _rows(shape)],
        "Nobody has to wait.",
    )


@command.command()
@options.visit
@click.option("--device", metavar="MAC", help="The guest's device, as 'nexio guard list' shows it.")
@options.location
@options.yes
def release(visit: str, device: str | None, location_name: str | None, *, yes: bool) -> None:
    """Give a guest's device three tries at once, whatever was before.

    Running servers follow within a second.
    """
    from nexio.reception.visits import get_visit
    from radius_auth.guard.desk import release as release_device

    if device is None:
        raise InvalidValue(
            "no device was named",
            "See its address with 'nexio guard list'. Where the access point names none,"
            " give the guest a new PIN: nexio visitor reissue",
        )
    mac = _mac(device)
    options.confirm("Is that the guest's device, and not somebody else's?", yes=yes)
    with options.writing() as work:
        found = get_visit(work, visit, location_name)
        release_device(work, found.id, mac)
    output.print_headline(f"{mac} has three tries at visit {found.id} ({found.name}).")


command.add_command(release, "clear")


def _shape(work: Reading, wait: Wait) -> dict[str, Any]:
    from nexio.locations.locations import list_locations
    from nexio.reception.visits import find_visit
    from nexio_cli.terminal.shapes import wait_json

    visit = None if wait.visit_id is None else find_visit(work, wait.visit_id)
    location = None if visit is None else visit.location
    if wait.location_id is not None:
        location = next(
            (each for each in list_locations(work) if each.id == wait.location_id), None
        )
    return wait_json(wait, visit, location)


def _rows(shape: dict[str, Any]) -> list[list[str]]:
    """One line for each device, below the visit."""
    first = [shape[key] for key in ("visit", "email", "location", "until")]
    keys = ("device", "nas", "at", "guesses", "until")
    devices = [[each[key] for key in keys] for each in shape["devices"]] or [[None] * len(keys)]
    rows = [[*(first if n == 0 else [None] * len(first)), *each] for n, each in enumerate(devices)]
    return [["" if value is None else str(value) for value in row] for row in rows]


def _mac(text: str) -> str:
    from radius_auth.decision.devices import mac_of

    mac = mac_of(text.encode())
    if mac is None:
        raise InvalidValue("this is not a MAC address", "Write it like aa:bb:cc:00:11:22.")
    return mac
