"""``nexio visitor devices``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from nexio.input.zones import show
from nexio_cli.terminal import finding, once, options, output
from nexio_cli.terminal.session_view import report_open_sessions
from nexio_cli.terminal.shapes import devices_json

if TYPE_CHECKING:
    from nexio.network.devices import Device
    from nexio.reception.visits import Visit

COLUMNS = ["device", "first used", "last used", "address", "counts"]


@click.command(cls=once.Command)
@options.visit
@click.option(
    "--free",
    "mac",
    metavar="MAC",
    help="Take this device's place away: another one can have it at once, on every server. "
    "Where it is on the Wi-Fi it is disconnected.",
)
@options.location
@options.as_json
def devices(visit: str, mac: str | None, location_name: str | None, *, as_json: bool) -> None:
    """List the devices that logged in with the PIN of a visit, or free one.

    Where the visit has a limit (the setting max-devices, or --devices at the registration), a
    device counts from its first login until it is freed. Without a limit none counts; with
    remember-devices=on it is remembered, and --free makes it forgotten.

    Most phones make their address up ("randomised"), and take another one about every two
    weeks: such a phone is a new device then.
    """
    from nexio.network.devices import free_device, list_devices

    freed = None if mac is None else options.parse_mac(mac)
    with options.opened() as store:
        if freed is not None:
            visit = finding.visit_to_change(visit, location_name)
        with store.read() as work:
            found = finding.visit_to_show(work, visit, location_name)
        if freed is not None:
            with store.write() as work:
                free_device(work, found.id, freed)
        with store.read() as work:
            known = list_devices(work, found.id)
    if as_json:
        output.print_json(devices_json(found, known))
    elif freed is not None:
        output.print_headline(f"Freed {freed}. {_limit_words(found, known)}")
    else:
        zone = found.location.zone
        rows = [
            [
                each.mac,
                show(each.first_at, zone),
                show(each.last_at, zone),
                "randomised" if each.is_randomised else "fixed",
                _state(found, each),
            ]
            for each in known
        ]
        nothing = f"No device has logged in for visit {found.id}."
        output.print_table(COLUMNS, rows, nothing, only_wide=["first used"], whole=["device"])
        output.say(_limit_words(found, known))
    if freed is not None:
        report_open_sessions(found.id, device=freed, wait=not as_json)


def _state(visit: Visit, device: Device) -> str:
    if device.holds_slot:
        return "remembered" if _limit_of(visit) is None else "yes"
    if device.freed_at is not None:
        return f"freed {show(device.freed_at, visit.location.zone)}"
    return "no"


def _limit_of(visit: Visit) -> int | None:
    return None if visit.token is None else visit.token.max_devices


def _limit_words(visit: Visit, known: list[Device]) -> str:
    most = _limit_of(visit)
    who = f"{visit.name} (visit {visit.id})"
    if most is None:
        return f"{who} has no limit of devices."
    count = sum(each.holds_slot for each in known)
    return f"{who} uses {count} of {most} {'device' if most == 1 else 'devices'}."
