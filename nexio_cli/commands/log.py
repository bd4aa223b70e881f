"""``nexio log``."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import click

from nexio.errors import InvalidValue
from nexio.input.zones import iso
from nexio_cli.terminal import once, options, output

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from nexio.locations.locations import Location
    from nexio.network.event_log import EventFilter, LoggedEvent
    from nexio.network.events import AuthEvent
    from nexio.store.engine import Reading

LOOK_SECONDS = 0.5

EVENTS_PER_LOOK = 1000
"""Decisions at each look; what is beyond comes with the next one."""


@click.command(cls=once.Command)
@click.option("--follow", is_flag=True, help="Go on with new ones as they come, until Ctrl-C.")
@click.option(
    "--since", metavar="TIME", help="From this day or time on: yesterday, 'today 14:00', 20 Nov."
)
@click.option("--until", metavar="TIME", help="Before this time, or to the end of this day.")
@click.option("--email", metavar="ADDRESS", help="Only of this visitor, by e-mail or login.")
@click.option("--device", metavar="MAC", help="Only from this device.")
@click.option("--outcome", type=click.Choice(["accept", "reject"]), help="Only these.")
@click.option("--reason", metavar="REASON", help="Only with this reason, such as 'wrong PIN'.")
@options.last
@options.after_option
@options.location_option("This location, and requests that led to none; default: all.")
@options.as_json
def command(
    location_name: str | None,
    last: int,
    after: int | None,
    *,
    follow: bool,
    as_json: bool,
    **words: str | None,
) -> None:
    """Show what the RADIUS servers decided, oldest first.

    A line has the time of the request, the outcome, the name as typed, the device, the NAS, its
    location, and the reason, and, where there are several, the server that decided it.
    ****** stands for a name with digits and no letter: probably a PIN. Requests that led to no
    location are shown with every --location.

    With --after the oldest of those above that number are shown, so that a script that has seen
    some reads on where it was: --json has the numbers.

    A decision appears about a second after the answer. Requests without an answer are in the
    log of nexio-radiusd.
    """
    from nexio.locations.locations import get_location, list_locations
    from nexio.network.event_log import list_events, newest_event
    from nexio.network.servers import server_names

    with options.reading() as work:
        locations = list_locations(work)
        location = get_location(work, location_name) if location_name is not None else None
        which = _which(work, words, location, locations)
        events = list_events(work, location, which, limit=last, after=after)
        servers = server_names(work)
        newest = events[-1].number if events else after
        after = newest_event(work) if after is None else newest
    _print(events, locations, servers, as_json=as_json, follow=follow)
    if not events:
        none = (
            "No decision fits."
            if any(words.values()) or not last
            else "No decisions yet: one appears about a second after the answer."
        )
        output.say("Waiting for decisions." if follow else none)
    with options.until_ctrl_c():
        while follow:
            time.sleep(LOOK_SECONDS)
            with options.reading() as work:
                events = list_events(work, location, which, limit=EVENTS_PER_LOOK, after=after)
                servers = server_names(work)
            _print(events, locations, servers, as_json=as_json, follow=True)
            after = events[-1].number if events else after


def _which(
    work: Reading,
    words: Mapping[str, str | None],
    location: Location | None,
    locations: Sequence[Location],
) -> EventFilter:
    """What is looked for; a time without a place is of the only time zone, else in UTC.

    Raises:
        InvalidValue: a time, a device or a reason cannot be read.
    """
    from nexio.input.past_times import parse_since, parse_until
    from nexio.network.event_log import EventFilter

    zones = {each.zone for each in ([location] if location is not None else locations)}
    zone = zones.pop() if len(zones) == 1 else ZoneInfo("UTC")
    since, until, device = words["since"], words["until"], words["device"]
    return EventFilter(
        since=None if since is None else parse_since(since, work.now, zone),
        before=None if until is None else parse_until(until, work.now, zone),
        email=words["email"],
        device=None if device is None else options.parse_mac(device),
        outcome=words["outcome"],
        reason=None if words["reason"] is None else _reason(words["reason"]),
    )


def _reason(text: str) -> str:
    from radius_auth.decision.reasons import Reason

    reason = " ".join(text.lower().split())
    found = {each.value.lower(): each.value for each in Reason}.get(reason)
    if found is None:
        known = ", ".join(Reason)
        raise InvalidValue(f"{text!r} is not a reason", f"Give one of: {known}.")
    return found


def _print(
    events: Sequence[LoggedEvent],
    locations: Sequence[Location],
    servers: Mapping[int, str],
    *,
    as_json: bool,
    follow: bool,
) -> None:
    by_number = {location.id: location for location in locations}
    shown = [
        (
            logged,
            by_number.get(logged.event.location_id or 0),
            servers.get(logged.server_id or 0),
        )
        for logged in events
    ]
    if as_json:
        from nexio_cli.terminal.shapes import event_json

        shapes = [event_json(*each) for each in shown]
        if not follow:
            output.print_json(shapes)
        for shape in shapes if follow else []:
            output.print_json_line(shape)
        return
    for logged, location, server in shown:
        click.echo(_sentence(logged.event, location, server if len(servers) > 1 else None))


def _sentence(event: AuthEvent, location: Location | None, server: str | None) -> str:
    """``2026-11-20T17:11:25+00:00  accept  zoe@example.com  …: the PIN is right …``."""
    from radius_auth.decision.reasons import Reason
    from radius_auth.decision.words import LOGGED

    known = event.reason in set(Reason)
    words = LOGGED[Reason(event.reason)] if known else event.reason
    outcome = click.style(f"{event.outcome:<6}", fg="green" if event.outcome == "accept" else "red")
    device = f" on {event.device}" if event.device else ""
    place = f"{event.nas}, {location.name}" if location else event.nas
    by = f" ({server})" if server else ""
    rest = output.plain(f"{event.user_name or '(no name)'}{device} at {place}: {words}{by}")
    when = iso(event.at, location.zone if location else ZoneInfo("UTC"))
    return f"{when}  {outcome}  {rest}"
