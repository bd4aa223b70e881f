"""``nexio visitor``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from nexio_cli import options, output

if TYPE_CHECKING:
    from nexio.visits import Visit

ARRIVAL_HELP = "today 14:00, tomorrow 9am, monday 10:30, +2h, 2026-11-20T14:00 and so on."
STATES = click.Choice(["expected", "expired", "deleted"])


@click.group()
def command() -> None:
    """Register, list, show and delete visitors.

    VISIT is the number of a visit, or the visitor's e-mail.
    """


@command.command()
@click.option("--first-name", required=True, metavar="NAME", cls=options.Asked)
@click.option("--last-name", required=True, metavar="NAME", cls=options.Asked)
@click.option("--email", required=True, metavar="ADDRESS", cls=options.Asked)
@click.option("--arrival", "expected_arrival", metavar="WHEN", help=f"Default: now. {ARRIVAL_HELP}")
@click.option("--host", metavar="NAME", help="Whom the visitor comes to see.")
@click.option("--company", metavar="NAME")
@click.option("--phone", metavar="NUMBER")
@click.option("--notes", metavar="TEXT")
@click.option("--pin", metavar="PIN", help="A PIN that was sent already; '-' reads it from stdin.")
@options.location
@options.as_json
def register(location_name: str | None, *, as_json: bool, **texts: str | None) -> None:
    """Register a visitor.

    The visitor gets a PIN, and an access token for the Wi-Fi where the location generates them
    (see 'nexio token on').
    """
    from nexio.locations import get_location
    from nexio.registration import read_registration, register

    texts["pin"] = options.typed_or_read(texts["pin"])
    with options.writing() as work:
        location = get_location(work, location_name)
        visit = register(work, location, read_registration(texts, work.now, location))
    _print_visit(visit, as_json=as_json, headline=f"Registered {visit.name} at {location.name}.")
    if visit.token is None and not as_json:
        output.say("No Wi-Fi: token generation is off here. Turn it on with: nexio token on")


@command.command("list")
@click.option("--date", "day", metavar="DAY", help="Arrivals of one day: today, 2026-11-20.")
@click.option("--state", type=STATES, help="Only visits in this state.")
@click.option("--search", default="", metavar="TEXT", help="Part of a name, e-mail, host, company.")
@click.option("--all", "everything", is_flag=True, help="Past and deleted visits too.")
@options.location
@options.as_json
def list_(
    day: str | None,
    state: str | None,
    search: str,
    location_name: str | None,
    *,
    everything: bool,
    as_json: bool,
) -> None:
    """List the visits from today on."""
    from nexio.calendar_days import parse_day
    from nexio.locations import get_location
    from nexio.visits import VisitFilter, VisitState, list_visits
    from nexio_cli.shapes import visit_json

    with options.reading() as work:
        location = get_location(work, location_name)
        which = VisitFilter(
            day=parse_day(day, work.now, location.zone) if day is not None else None,
            state=VisitState(state) if state is not None else None,
            search=search,
            past_and_deleted=everything,
        )
        visits = list_visits(work, location, which)
    if as_json:
        output.print_json([visit_json(visit) for visit in visits])
    else:
        output.print_table(
            ["visit", "arrival", "visitor", "e-mail", "host", "PIN", "state", "Wi-Fi"],
            [_row(visit) for visit in visits],
            "No visit is like that (past and deleted ones: --all)."
            if day or state or search
            else "No visits here. Register one with: nexio visitor register",
            only_wide=("e-mail", "host"),
        )


@command.command()
@options.visit
@options.location
@options.as_json
def show(visit: str, location_name: str | None, *, as_json: bool) -> None:
    """Show a visit with its PIN and its Wi-Fi window."""
    from nexio.visits import get_visit

    with options.reading() as work:
        found = get_visit(work, visit, location_name)
    _print_visit(found, as_json=as_json, headline=f"{found.name} at {found.location.name}")


@command.command()
@options.visit
@click.option("--first-name", metavar="NAME")
@click.option("--last-name", metavar="NAME")
@click.option("--email", metavar="ADDRESS", help="Another e-mail means a new PIN.")
@click.option("--host", metavar="NAME", help="'' empties it, as with the next three.")
@click.option("--company", metavar="NAME")
@click.option("--phone", metavar="NUMBER")
@click.option("--notes", metavar="TEXT")
@options.location
@options.as_json
def edit(visit: str, location_name: str | None, *, as_json: bool, **texts: str | None) -> None:
    """Correct what is known of a visitor."""
    from nexio.changing import edit_visit
    from nexio.visits import get_visit

    with options.writing() as work:
        before = get_visit(work, visit, location_name)
        after = edit_visit(work, before.id, texts)
    _print_visit(after, as_json=as_json, headline=f"Changed visit {after.id} of {after.name}.")
    if before.pin != after.pin and not as_json:
        output.say("The e-mail is another one, so the PIN is too: the old PIN is refused.")


@command.command()
@options.visit
@click.option("--arrival", required=True, metavar="WHEN", cls=options.Asked, help=ARRIVAL_HELP)
@options.location
@options.as_json
def reschedule(visit: str, arrival: str, location_name: str | None, *, as_json: bool) -> None:
    """Move a visit to another time; PIN and length of the Wi-Fi stay."""
    from nexio.arrivals import parse_arrival
    from nexio.changing import reschedule
    from nexio.visits import get_visit

    with options.writing() as work:
        found = get_visit(work, visit, location_name)
        instant = parse_arrival(arrival, work.now, found.location.zone)
        moved = reschedule(work, found.id, instant)
    _print_visit(moved, as_json=as_json, headline=f"Moved visit {moved.id} of {moved.name}.")


@command.command()
@options.visit
@options.location
@options.yes
@options.as_json
def delete(visit: str, location_name: str | None, *, yes: bool, as_json: bool) -> None:
    """Delete a visit: its PIN is refused and free for somebody else.

    A device that is on the Wi-Fi stays on until its time is over.
    """
    from nexio.visits import delete_visit, get_visit

    with options.reading() as work:
        found = get_visit(work, visit, location_name)
    options.confirm(f"Delete visit {found.id} of {found.name}?", yes=yes)
    with options.writing() as work:
        deleted = delete_visit(work, found.id)
    headline = f"Deleted visit {deleted.id} of {deleted.name}. Its PIN is refused from now on."
    if as_json:
        _print_visit(deleted, as_json=True, headline=headline)
    else:
        output.print_headline(headline)


@command.command()
@options.visit
@click.option("--text", is_flag=True, help="Print what the code says instead of drawing it.")
@options.location
def qr(visit: str, location_name: str | None, *, text: bool) -> None:
    """Draw the visitor's QR code, which names the visit and is not the PIN."""
    from nexio.qr_codes import qr_text
    from nexio.visits import get_visit

    with options.reading() as work:
        content = qr_text(work, get_visit(work, visit, location_name))
    if text:
        click.echo(content)
    else:
        output.print_qr(content)


def _print_visit(visit: Visit, *, headline: str, as_json: bool) -> None:
    from nexio.zones import show
    from nexio_cli.shapes import visit_json

    if as_json:
        output.print_json(visit_json(visit))
        return
    output.print_headline(headline)
    output.print_fields(
        [
            ("visit", str(visit.id)),
            ("PIN", visit.pin),
            ("e-mail", visit.email),
            ("arrival", show(visit.expected_arrival, visit.location.zone)),
            ("Wi-Fi", _wifi_words(visit)),
            ("network", visit.location.settings.ssid if visit.token is not None else None),
            ("host", visit.host),
            ("company", visit.company),
            ("phone", visit.phone),
            ("notes", visit.notes),
            ("state", visit.state.value),
        ]
    )


def _wifi_words(visit: Visit) -> str:
    from nexio.zones import show_window

    token, zone = visit.token, visit.location.zone
    if token is None:
        return "no access token"
    if token.valid_from is None or token.valid_until is None:
        return f"from the check-in on ({token.state})"
    return f"{show_window(token.valid_from, token.valid_until, zone)} ({token.state})"


def _row(visit: Visit) -> list[str]:
    from nexio.zones import show

    return [
        str(visit.id),
        show(visit.expected_arrival, visit.location.zone),
        visit.name,
        visit.email,
        visit.host or "",
        visit.pin,
        visit.state.value,
        "no" if visit.token is None else visit.token.state.value,
    ]
