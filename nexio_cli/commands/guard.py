"""``nexio guard``."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

import click

from nexio.errors import InvalidValue
from nexio.input.zones import show
from nexio_cli.terminal import finding, once, options, output

if TYPE_CHECKING:
    from datetime import datetime

    from nexio.locations.locations import Location
    from nexio.reception.visits import Visit
    from nexio.store.engine import Reading
    from nexio_cli.terminal.json_types import ReleasedJson, WaitJson
    from radius_auth.guard.desk import Wait

PLACE_COLUMNS: Final = ("visit", "e-mail", "location", "new devices wait until")
DEVICE_COLUMNS: Final = ("device", "NAS", "last try", "wrong", "refused", "waits until")


@click.group(cls=once.Group)
def command() -> None:
    """See where somebody guesses PINs, and let a guest try again."""


@command.command("list")
@options.paged
@options.location_or_all
@options.as_json
def list_(
    limit: int | None, after: int | None, location_name: str | None, *, as_json: bool
) -> None:
    """List the visits at which somebody has to wait, and the devices that tried in 24 hours.

    These are devices that guessed wrong, and devices that were refused. With wifi-login=pin the
    location is listed too, and so is one whose tablets ask for the e-mail for now. The latest
    try comes last. Of the devices that were only refused, the last 20 are shown; 'nexio log'
    has all of them. Where several servers count guesses together, it says how many.
    """
    from nexio.locations.locations import get_location
    from nexio.network.guard_table import servers_at_work
    from radius_auth.explain.waiting import list_waits

    with options.reading() as work:
        only = get_location(work, location_name).name if location_name is not None else None
        places = [_place(work, each) for each in list_waits(work)]
        places += _at_tablets(work)
        servers = len(servers_at_work(work.session.connection(), work.now))
    places = [each for each in places if only in {None, each.location and each.location.name}]
    places = [*options.page(places, limit, after, lambda each: each.wait.visit_id)]
    if as_json:
        output.print_json([_shape(each) for each in places])
    elif places and sys.stdout.isatty():
        for each in places:
            output.print_headline(_headline(each))
            output.print_table(
                DEVICE_COLUMNS, _devices(each), "", only_wide=["NAS"], whole=["device"]
            )
    else:
        output.print_table(
            [*PLACE_COLUMNS, *DEVICE_COLUMNS],
            [row for each in places for row in _rows(each)],
            "Nobody has to wait.",
        )
    if servers > 1 and not as_json:
        output.say(f"{servers} servers count guesses together.")


@command.command()
@click.argument("visit", metavar="[VISIT]", required=False)
@click.option(
    "--tablet",
    metavar="NAME",
    help="In the place of a visit: a tablet at the door, whose guests are asked for their e-mail.",
)
@click.option(
    "--device",
    metavar="MAC",
    help="The guest's device: in 'nexio guard list' the one that was refused just now.",
)
@options.location
@options.yes
@options.as_json
def release(
    visit: str | None,
    tablet: str | None,
    device: str | None,
    location_name: str | None,
    *,
    yes: bool,
    as_json: bool,
) -> None:
    """Give a guest's device, or a tablet, three tries at once, whatever happened before.

    Running servers follow within a second. At one visit 4 devices can be released in 24 hours.
    For more, or where the access point names no device, give the visit a new PIN: 'nexio
    visitor reissue'. 'nexio guard clear' is the same command.
    """
    if tablet is not None:
        if visit is not None or device is not None:
            raise InvalidValue("--tablet stands alone", "Leave the visit and --device out.")
        _release_tablet(tablet, yes=yes, as_json=as_json)
        return
    if visit is None:
        raise InvalidValue("which visit?", "Name it by number or e-mail, or name a --tablet.")
    _release_device(visit, device, location_name, yes=yes, as_json=as_json)


def _release_device(
    visit: str, device: str | None, location_name: str | None, *, yes: bool, as_json: bool
) -> None:
    from nexio.reception.visits import get_visit
    from radius_auth.guard.desk import release as release_device
    from radius_auth.guard.guard import FREE_TRIES

    if device is None:
        raise InvalidValue(
            "no device was named",
            "Let the guest try once more: in 'nexio guard list' it is the one that was refused"
            " just now. Where the access point names none,"
            " give the guest a new PIN: nexio visitor reissue",
        )
    mac = options.parse_mac(device)
    visit = finding.visit_to_change(visit, location_name)
    options.confirm("Is that the guest's device, and not somebody else's?", yes=yes)
    with options.writing() as work:
        found = get_visit(work, visit, location_name)
        release_device(work, found.id, mac)
    shape: ReleasedJson = {"visit": found.id, "device": mac, "tablet": None, "tries": FREE_TRIES}
    words = f"{mac} has three tries at visit {found.id} ({found.name})."
    output.print_answer(shape, words, as_json=as_json)


def _release_tablet(name: str, *, yes: bool, as_json: bool) -> None:
    from nexio.checkin.tablets import get_tablet
    from nexio.input.names import counted
    from radius_auth.guard.tablets import Place, release_tablet

    with options.reading() as work:
        tablet = get_tablet(work, name)
    options.confirm("Do you know who stands at the tablet?", yes=yes)
    with options.writing() as work:
        place = Place(tablet_id=tablet.id, location_id=tablet.location.id)
        tries = release_tablet(work, place)
    shape: ReleasedJson = {"visit": None, "device": None, "tablet": tablet.name, "tries": tries}
    words = f"{tablet.name} looks at {counted(tries, 'more wrong PIN')} within an hour."
    output.print_answer(shape, words, as_json=as_json)


command.add_command(release, "clear")


@dataclass(frozen=True, slots=True)
class _Place:
    """A visit or a location where somebody has to wait."""

    wait: Wait
    visit: Visit | None
    location: Location | None
    at_tablets: bool = False

    def show(self, at: datetime | None) -> str:
        """A time there; of a place that is gone in UTC."""
        zone = ZoneInfo("UTC") if self.location is None else self.location.zone
        return "" if at is None else show(at, zone)


def _place(work: Reading, wait: Wait) -> _Place:
    from nexio.locations.locations import list_locations
    from nexio.reception.visits import find_visit

    if wait.visit_id is not None:
        visit = find_visit(work, wait.visit_id)
        return _Place(wait, visit, None if visit is None else visit.location)
    found = (each for each in list_locations(work) if each.id == wait.location_id)
    return _Place(wait, None, next(found, None))


def _at_tablets(work: Reading) -> list[_Place]:
    """The locations at whose tablets the PIN alone is not enough; those that are gone left out."""
    from nexio.checkin.tablets import list_tablets
    from nexio.locations.locations import list_locations
    from radius_auth.guard.desk import Tried, Wait
    from radius_auth.guard.tablets import tablet_waits

    names = {tablet.id: tablet.name for tablet in list_tablets(work)}
    locations = {location.id: location for location in list_locations(work)}
    return [
        _Place(
            Wait(
                visit_id=None,
                location_id=each.location_id,
                until=each.until,
                tried=tuple(
                    Tried(
                        device=None,
                        nas=names.get(tried.tablet_id, ""),
                        at=tried.at,
                        guesses=tried.guesses,
                        was_in=False,
                        until=None if tried.is_released else each.until,
                    )
                    for tried in each.tried
                ),
            ),
            None,
            locations.get(each.location_id),
            at_tablets=True,
        )
        for each in tablet_waits(work, work.now)
    ]


def _shape(place: _Place) -> WaitJson:
    from nexio_cli.terminal.shapes import wait_json

    shape = wait_json(place.wait, place.visit, place.location)
    if place.at_tablets:
        shape["tablets"] = True
    return shape


def _headline(place: _Place) -> str:
    """``Visit 7, zoe@example.com, Harbour House: new devices wait until …``."""
    if place.at_tablets and place.location is not None:
        until = place.show(place.wait.until)
        return f"Tablets at {place.location.name}: they ask for the e-mail as well until {until}"
    where = [
        "" if place.wait.visit_id is None else f"Visit {place.wait.visit_id}",
        "" if place.visit is None else place.visit.login,
        "" if place.location is None else place.location.name,
    ]
    until = place.show(place.wait.until)
    waits = f"new devices wait until {until}" if until else "new devices need not wait"
    return f"{', '.join(each for each in where if each)}: {waits}"


def _rows(place: _Place) -> list[list[str]]:
    """One line for each device, below the visit."""
    first = [
        "" if place.wait.visit_id is None else str(place.wait.visit_id),
        "" if place.visit is None else place.visit.login,
        "" if place.location is None else place.location.name,
        place.show(place.wait.until),
    ]
    devices = _devices(place) or [[""] * len(DEVICE_COLUMNS)]
    return [[*(first if n == 0 else [""] * len(first)), *each] for n, each in enumerate(devices)]


def _devices(place: _Place) -> list[list[str]]:
    return [
        [
            each.device or "",
            each.nas,
            place.show(each.at),
            str(each.guesses),
            str(each.refused),
            place.show(each.until),
        ]
        for each in place.wait.tried
    ]
