"""``nexio visitor``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from nexio.errors import InvalidValue
from nexio_cli.commands.reissue import reissue
from nexio_cli.commands.visitor_changes import ARRIVAL_HELP, delete, edit, reschedule, resend
from nexio_cli.commands.visitor_devices import devices
from nexio_cli.commands.visitor_files import export, import_, slip
from nexio_cli.terminal import asking, finding, once, options, output, posting
from nexio_cli.terminal.shapes import visit_json
from nexio_cli.terminal.visit_view import COLUMNS, WIDE_ONLY, print_visit, row_of

if TYPE_CHECKING:
    from nexio.reception.visits import Visit
    from nexio.store.engine import Reading

NONE_MATCHES = "No visit matches. To search past and deleted ones, too: --all"

STATES = click.Choice(["expected", "checked_in", "checked_out", "expired", "deleted"])


@click.group(cls=once.Group)
def command() -> None:
    """Register, list, show, change and delete visitors.

    VISIT is the number of a visit, the visitor's e-mail or login, or a part of the name that
    only one has: then a command that changes something asks whether you mean that one.
    """


@command.command()
@asking.first_name
@asking.last_name
@asking.email_or_none
@asking.no_email
@click.option("--arrival", "expected_arrival", metavar="WHEN", help=f"Default: now. {ARRIVAL_HELP}")
@click.option(
    "--until",
    metavar="WHEN",
    help="When the Wi-Fi ends, instead of the default duration: 19:00, friday 18:00. Not "
    "with --duration, nor with an arrival that names its end.",
)
@click.option(
    "--duration",
    metavar="DURATION",
    help="How long the Wi-Fi lasts, instead of the default duration: 1 minute to 30 days, "
    "such as 2h or 3d.",
)
@click.option(
    "--devices",
    "max_devices",
    metavar="N",
    help="How many devices get on the Wi-Fi, instead of the setting max-devices; 'none': any "
    "number.",
)
@click.option(
    "--language",
    metavar="CODE",
    shell_complete=options.languages,
    help="Of the mails to the visitor: en, de, fr, es, vi or zh. Default: the setting language.",
)
@click.option("--host", metavar="NAME", help="Whom the visitor comes to see.")
@click.option("--company", metavar="NAME", help="At most 100 characters.")
@click.option("--phone", metavar="NUMBER", help="At most 100 characters.")
@click.option("--notes", metavar="TEXT", help="At most 1000 characters.")
@click.option(
    "--pin",
    metavar="PIN",
    help="A PIN of 6 to 10 digits that was sent already; '-' reads it from stdin. Default: a "
    "new one, as long as it has to be.",
)
@options.insecure_short_pin
@click.option(
    "--by",
    metavar="MEMBER",
    help="Registered by this member (number or e-mail), who is the host. Not with --host or "
    "--walk-in.",
)
@click.option(
    "--walk-in",
    is_flag=True,
    help="Registered at the door, without being announced. Wi-Fi only with the setting "
    "walk-in-tokens=on, whatever visitor-tokens says.",
)
@options.group_option("A group that is listed, checked in, mailed and deleted as one.")
@click.option("--check-in-now", is_flag=True, help="Check the visitor in as well.")
@click.option(
    "--again",
    is_flag=True,
    help="Register although the same e-mail is expected at the same time already.",
)
@click.option(
    "--idempotency-key",
    "key",
    metavar="KEY",
    help="For scripts, at most 100 characters. The same key for the same registration, however "
    "it is typed, gives the same visit again; for another one it is refused.",
)
@options.far
@options.location
@options.as_json
def register(
    location_name: str | None,
    *,
    far: bool,
    no_email: bool,
    insecure_short_pin: bool,
    by: str | None,
    walk_in: bool,
    check_in_now: bool,
    again: bool,
    key: str | None,
    as_json: bool,
    **texts: str | None,
) -> None:
    """Register a visitor.

    The visitor gets a PIN, and an access token for the Wi-Fi where the location gives them (see
    'nexio token on'). nexio mails the PIN at once. If that fails, a note says why; the
    registration holds, and 'nexio mail deliver' tries again.

    The Wi-Fi lasts for the default duration, unless one of these says its end: an arrival such
    as "tomorrow 9:30-10:30", --until, or --duration. With token-starts=check-in only --duration
    can.

    A visitor without an e-mail (--no-email) logs in by a name, which is printed; 'nexio visitor
    slip' makes a page for the visitor.

    On a terminal you are asked for names and e-mail if you leave them out, and then for the
    arrival, too. Return alone means that there is no such name, or that the arrival is now. After
    an answer that cannot be, the question comes again.
    """
    from nexio.checkin.check_ins import tap_visit
    from nexio.locations.locations import get_location, zone_for_entry
    from nexio.reception.registration_texts import Allowed, parse_key
    from nexio.reception.risk import chosen_pin_words
    from nexio.reception.visits import VisitState, get_visit
    from nexio_cli.commands.registering import Asked

    if sum([by is not None, walk_in, by is not None and texts["host"] is not None]) > 1:
        raise InvalidValue(
            "--by says who registers the visitor and is the host",
            "Leave out --walk-in and --host, or --by.",
        )
    texts["pin"] = options.typed_or_read(texts["pin"])
    texts["source"] = "walk-in" if walk_in else None
    if no_email:
        texts["email"] = ""
    asked = Asked(
        texts=texts,
        allowed=Allowed(insecure_short_pin=insecure_short_pin, no_email=no_email),
        by=by,
        check_in_now=check_in_now,
        again=again,
        key=None if key is None else parse_key(key),
    )
    with options.opened() as store:
        with store.read() as work:
            location = get_location(work, location_name)
            expected = asked.look_over(work, location)
        if expected is not None:
            options.confirm_far(expected, zone_for_entry(location), far=far)
        asked = asked.complete(store, location_name)
        with store.write() as work:
            location = get_location(work, location_name)
            visit = asked.register(work, location)
            if check_in_now and visit.state is VisitState.EXPECTED:  # not out again, if repeated
                tap_visit(work, visit.id)
                visit = get_visit(work, str(visit.id), None)
            why = _why_no_wifi(work, visit) if visit.token is None and not as_json else ""
            risk = [chosen_pin_words(work, visit.id)] if insecure_short_pin and texts["pin"] else []
        output.warn(risk)
        print_visit(visit, as_json=as_json, headline=f"Registered {visit.name} at {location.name}.")
        if why:
            output.say(why)
        if visit.email:
            posting.deliver_now(quiet=as_json)


@command.command("list")
@click.option(
    "--date",
    "day",
    metavar="DAY",
    help="Arrivals of one day: today, tomorrow, yesterday, monday, 24 Dec (the nearest one), "
    "24/12; an ISO 8601 date, too.",
)
@click.option("--state", type=STATES, help="Only visits in this state, of any day.")
@click.option(
    "--search",
    default="",
    metavar="TEXT",
    help="Part of a name, e-mail, host or company, in upper or lower case of any script.",
)
@options.group_option("Only the visits of a group.")
@click.option("--all", "everything", is_flag=True, help="Past and deleted visits too.")
@options.paged
@options.location
@options.as_json
def list_(
    day: str | None,
    state: str | None,
    search: str,
    group: str | None,
    limit: int | None,
    after: int | None,
    location_name: str | None,
    *,
    everything: bool,
    as_json: bool,
) -> None:
    """List the visits from today on by arrival, without deleted ones."""
    from nexio.input.calendar_days import parse_day
    from nexio.locations.locations import get_location, option_for
    from nexio.reception.visits import VisitFilter, VisitState, each_visit

    with options.reading() as work:
        location = get_location(work, location_name)
        which = VisitFilter(
            day=parse_day(day, work.now, location.zone) if day is not None else None,
            state=VisitState(state) if state is not None else None,
            search=search,
            group=group,
            past_and_deleted=everything,
            after=after,
            limit=limit,
        )
        there = option_for(work, location)
        output.print_list(
            each_visit(work, location, which),
            visit_json,
            COLUMNS,
            row_of,
            ("No visit matches." if everything else NONE_MATCHES)
            if day or state or search or group
            else f"No visits here. Register one with: nexio visitor register{there}",
            as_json=as_json,
            only_wide=WIDE_ONLY,
        )


@command.command()
@options.visit
@options.location
@options.as_json
def show(visit: str, location_name: str | None, *, as_json: bool) -> None:
    """Show a visit with its PIN and its Wi-Fi window."""
    from nexio.reception.visits import VisitState, deleted

    with options.reading() as work:
        found = finding.visit_to_show(work, visit, location_name)
        is_gone = found.state is VisitState.DELETED
        gone = deleted(work, found.id) if is_gone else None
    print_visit(found, as_json=as_json, headline=f"{found.name} at {found.location.name}")
    if gone is not None:
        output.warn([f"{gone}. {gone.advice}"])


@command.command()
@options.visit
@click.option("--text", is_flag=True, help="Print what the code says instead of drawing it.")
@options.location
@options.as_json
def qr(visit: str, location_name: str | None, *, text: bool, as_json: bool) -> None:
    """Draw the visitor's QR code, which 'nexio checkin' reads.

    It names the visit, is signed, and does not hold the PIN.
    """
    from nexio.reception.qr_codes import qr_text

    with options.reading() as work:
        found = finding.visit_to_show(work, visit, location_name)
        content = qr_text(work, found)
    if as_json:
        output.print_json({"visit": found.id, "text": content})
    elif text:
        output.print_line(content)
    else:
        output.print_qr(content)


for _each in (devices, edit, reschedule, delete, resend, reissue, import_, export, slip):
    command.add_command(_each)


def _why_no_wifi(work: Reading, visit: Visit) -> str:
    from nexio.reception.registration import command_for_tokens

    why = "walk-ins get none here" if visit.source == "walk-in" else "token generation is off here"
    command = command_for_tokens(work, visit.location, visit.source)
    return (
        f"No Wi-Fi: {why}. Turn it on with: {command}, and then for this visit, with a new PIN:"
        f" nexio visitor reissue {visit.id}"
    )
