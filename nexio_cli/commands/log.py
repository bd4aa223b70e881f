"""``nexio log``."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import click

from nexio.input.zones import iso
from nexio_cli.terminal import once, options, output

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nexio.locations.locations import Location
    from nexio.network.event_log import LoggedEvent
    from nexio.network.events import AuthEvent

LOOK_SECONDS = 0.5

EVENTS_PER_LOOK = 1000
"""Decisions at each look; what is beyond comes with the next one."""


@click.command(cls=once.Command)
@click.option("--follow", is_flag=True, help="Go on with new ones as they come, until Ctrl-C.")
@options.last
@options.location_option("This location, and requests that led to none; default: all.")
@options.as_json
def command(location_name: str | None, last: int, *, follow: bool, as_json: bool) -> None:
    """Show what the RADIUS servers decided, oldest first.

    A line has the time of the request, the outcome, the name as typed, the device, the NAS, its
    location, and the reason. ****** stands for a name with digits and no letter: probably a
    PIN. Requests that led to no location are shown with every --location.

    A decision appears about a second after the answer. Requests without an answer are in the
    log of nexio-radiusd.
    """
    from nexio.locations.locations import get_location, list_locations
    from nexio.network.event_log import list_events, newest_event

    with options.reading() as work:
        locations = list_locations(work)
        location = get_location(work, location_name) if location_name is not None else None
        events = list_events(work, location, limit=last)
        after = newest_event(work)
    _print(events, locations, as_json=as_json, follow=follow)
    if not events:
        output.say("No decisions yet." if not follow else "Waiting for decisions.")
    while follow:
        time.sleep(LOOK_SECONDS)
        with options.reading() as work:
            events = list_events(work, location, limit=EVENTS_PER_LOOK, after=after)
        _print(events, locations, as_json=as_json, follow=True)
        after = events[-1].number if events else after


def _print(
    events: Sequence[LoggedEvent], locations: Sequence[Location], *, as_json: bool, follow: bool
) -> None:
    by_number = {location.id: location for location in locations}
    shown = [(logged.event, by_number.get(logged.event.location_id or 0)) for logged in events]
    if as_json:
        from nexio_cli.terminal.shapes import event_json

        shapes = [event_json(event, location) for event, location in shown]
        if not follow:
            output.print_json(shapes)
        for shape in shapes if follow else []:
            output.print_json_line(shape)
        return
    for event, location in shown:
        click.echo(_sentence(event, location))


def _sentence(event: AuthEvent, location: Location | None) -> str:
    """``2026-11-20T17:11:25+00:00  accept  zoe@example.com  …: the PIN is right …``."""
    from radius_auth.decision.reasons import Reason
    from radius_auth.decision.words import LOGGED

    known = event.reason in set(Reason)
    words = LOGGED[Reason(event.reason)] if known else event.reason
    outcome = click.style(f"{event.outcome:<6}", fg="green" if event.outcome == "accept" else "red")
    device = f" on {event.device}" if event.device else ""
    place = f"{event.nas}, {location.name}" if location else event.nas
    rest = output.plain(f"{event.user_name or '(no name)'}{device} at {place}: {words}")
    when = iso(event.at, location.zone if location else ZoneInfo("UTC"))
    return f"{when}  {outcome}  {rest}"
