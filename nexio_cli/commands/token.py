"""``nexio token``."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from nexio.errors import InvalidValue
from nexio.input.durations import parse_duration, words_for
from nexio.input.names import counted
from nexio.input.zones import show
from nexio.locations.settings import as_words, parse_changes
from nexio_cli.terminal import asking, finding, once, options, output, posting
from nexio_cli.terminal.session_view import report_open_sessions, report_sessions
from nexio_cli.terminal.shapes import held_token_json

if TYPE_CHECKING:
    from nexio.locations.locations import Location
    from nexio.reception.visits import Visit
    from nexio_cli.terminal.json_types import TokensJson

STATES = click.Choice(["upcoming", "valid", "expired", "revoked"])


@click.group(cls=once.Group)
def command() -> None:
    """Turn Wi-Fi for visitors on and off; list and revoke access tokens."""


@command.command()
@click.option("--duration", metavar="DURATION", help="Default duration, such as 60m, 8h or 2d.")
@options.location
@options.as_json
def on(duration: str | None, location_name: str | None, *, as_json: bool) -> None:
    """Give every visitor who is registered from now on an access token.

    Visitors who are registered already get none: see 'nexio visitor reissue --without-token'.
    --duration changes the default duration; without it the last one stays (1 hour at first).
    """
    from nexio.locations.locations import change_settings, get_location, option_for
    from nexio.reception.reissue import list_without_token

    changes = parse_changes(["visitor-tokens=on"])
    if duration:
        try:
            changes["token_duration"] = parse_duration(duration)
        except InvalidValue as error:
            message = f"--duration {duration} cannot be read: {error}"
            raise InvalidValue(message, error.advice) from error
    with options.opened():
        with options.writing() as work:
            location = change_settings(work, get_location(work, location_name), changes)
        with options.reading() as work:  # nobody else waits while they are counted
            without = 0 if as_json else len(list_without_token(work, location))
            where = option_for(work, location)
    words = (
        f"Visitors registered at {location.name} from now on get Wi-Fi for"
        f" {words_for(location.settings.token_duration)} from their expected arrival."
    )
    output.print_answer(_switched(location, None), words, as_json=as_json)
    if without:
        who = f"{counted(without, 'registered visitor')} {'has' if without == 1 else 'have'}"
        output.say(f"{who} no Wi-Fi yet: nexio visitor reissue --without-token{where}")


@command.command()
@click.option("--revoke", is_flag=True, help="Revoke the tokens that were issued, too.")
@options.location
@options.yes
@options.as_json
def off(location_name: str | None, *, revoke: bool, yes: bool, as_json: bool) -> None:
    """Give visitors who are registered from now on no access token.

    Tokens that were issued stay, unless --revoke ends all of the location that are not over.
    Devices that are on are disconnected then; the command waits a few seconds and says how many.
    """
    from nexio.locations.locations import change_settings, get_location
    from nexio.network.endings import list_past_end
    from nexio.reception.tokens import revoke_all

    if revoke:
        options.confirm("Revoke the Wi-Fi of every visitor of this location?", yes=yes)
    with options.writing() as work:
        location = get_location(work, location_name)
        location = change_settings(work, location, parse_changes(["visitor-tokens=off"]))
        ended = revoke_all(work, location) if revoke else None
        work.session.flush()
        on = list_past_end(work, location.id) if revoke else []
    words = f"Visitors registered at {location.name} from now on get no Wi-Fi."
    output.print_answer(_switched(location, ended), words, as_json=as_json)
    if ended is not None and not as_json:
        output.say(f"Tokens revoked: {ended}.")
    report_sessions(on, "nexio session disconnect --past-end", wait=not as_json)


def _switched(location: Location, revoked: int | None) -> TokensJson:
    settings = as_words(location.settings)
    return {
        "location": location.name,
        "visitor_tokens": location.settings.visitor_tokens,
        "token_duration": str(settings["token-duration"]),
        "revoked": revoked,
    }


@command.command("list")
@click.option("--state", type=STATES, help="Only tokens in this state.")
@options.paged
@options.location
@options.as_json
def list_(
    state: str | None,
    limit: int | None,
    after: int | None,
    location_name: str | None,
    *,
    as_json: bool,
) -> None:
    """List the access tokens of a location by arrival, also those of past and deleted visits.

    A token that waits for the check-in has "check-in" in the column "from". --after takes the
    number of a visit.
    """
    from nexio.locations.locations import get_location, option_for
    from nexio.reception.tokens import TokenState
    from nexio.reception.visits import VisitFilter, each_visit

    with options.reading() as work:
        location = get_location(work, location_name)
        which = VisitFilter(
            token_state=TokenState(state) if state is not None else None,
            with_token=True,
            past_and_deleted=True,
            after=after,
            limit=limit,
        )
        there = option_for(work, location)
        output.print_list(
            each_visit(work, location, which),
            held_token_json,
            ["visit", "visitor", "e-mail", "from", "until", "state"],
            _row,
            f"No tokens here. Turn them on with: nexio token on{there}",
            as_json=as_json,
            only_wide=("e-mail",),
        )


def _row(visit: Visit) -> list[str]:

    token, zone = visit.token, visit.location.zone
    start = "check-in" if token is None or not token.valid_from else show(token.valid_from, zone)
    end = "" if token is None or not token.valid_until else show(token.valid_until, zone)
    state = "" if token is None else token.state.value
    return [str(visit.id), visit.name, visit.login, start, end, state]


@command.command()
@options.visit
@click.option("--by", metavar="DURATION", help="How much longer, such as 30m.")
@click.option("--until", metavar="WHEN", help="Or the new end: 19:00, friday 18:00.")
@options.location
@options.as_json
def extend(
    visit: str, by: str | None, until: str | None, location_name: str | None, *, as_json: bool
) -> None:
    """Let one visitor stay on the Wi-Fi longer, with the same PIN.

    Such as: nexio token extend 7 --by 30m, or: nexio token extend 7 --until 19:00. --by counts
    from the end of the Wi-Fi, not from now. A time alone in --until is today, or on the day of
    the arrival if that is later. On a terminal you are asked for --by if you give neither.

    It works until the day of the arrival is over, also after the Wi-Fi has ended. A token lasts
    30 days at most. A visitor who is on the Wi-Fi logs in again when the first time is over. The
    visitor gets a mail about it.
    """
    from nexio.reception.changing import extend_token, extend_token_until
    from nexio.reception.visits import get_visit

    visit = finding.visit_to_change(visit, location_name)
    if by is None and until is None and sys.stdin.isatty():
        with options.reading() as work:
            get_visit(work, visit, location_name)
        by = asking.ask("By", parse_duration)
    if by is None and until is None:
        raise InvalidValue(
            "Missing option '--by' or '--until'",
            f"For example: nexio token extend {visit} --by 30m",
        )
    if by is not None and until is not None:
        raise click.UsageError("'--by' and '--until' say the same: give one.")
    with options.writing() as work:
        found = get_visit(work, visit, location_name)
        if until is not None:
            after = extend_token_until(work, found.id, until)
        else:
            after = extend_token(work, found.id, parse_duration(by or ""))
    if as_json:
        output.print_json(held_token_json(after))
    elif after.token is not None and after.token.valid_until is not None:
        until = show(after.token.valid_until, after.location.zone)
        output.print_headline(f"{after.name} (visit {after.id}) has Wi-Fi until {until}.")
    if after.email:
        posting.deliver_now(quiet=True)


@command.command()
@options.visit
@options.location
@options.yes
@options.as_json
def revoke(visit: str, location_name: str | None, *, yes: bool, as_json: bool) -> None:
    """End one visitor's Wi-Fi: the next login is refused, and devices that are on are disconnected.

    A running nexio-radiusd asks the access points to end the sessions; the command waits a few
    seconds for it and says what they answered. See 'nexio session list --open'.

    There is no way back, but 'nexio visitor reissue' gives the visitor a new PIN and a new
    token.
    """
    from nexio.reception.tokens import revoke_token
    from nexio.reception.visits import get_visit

    visit = finding.visit_to_change(visit, location_name)
    with options.reading() as work:
        found = get_visit(work, visit, location_name)
    options.confirm(f"Revoke the Wi-Fi of {found.name} (visit {found.id})?", yes=yes)
    with options.writing() as work:
        revoke_token(work, found.id)
        after = get_visit(work, str(found.id), location_name)
    done = f"{found.name} (visit {found.id}) cannot log in any more."
    output.print_answer(held_token_json(after), done, as_json=as_json)
    report_open_sessions(found.id, wait=not as_json)
