"""``nexio visitor edit``, ``reschedule``, ``delete`` and ``resend``: what is there already."""

from __future__ import annotations

import click

from nexio.input.names import counted
from nexio_cli.terminal import asking, finding, once, options, output, posting
from nexio_cli.terminal.session_view import report_open_sessions
from nexio_cli.terminal.shapes import visit_json
from nexio_cli.terminal.visit_view import print_visit

ARRIVAL_HELP = (
    "tomorrow at 9, monday 9:30-10:30, in 2 hours, in 3 days at noon and so on; a date with the "
    "month by name or in numbers, or ISO 8601."
)


@click.command(cls=once.Command)
@options.visit
@click.option("--first-name", metavar="NAME", help=options.NAME_HELP)
@click.option("--last-name", metavar="NAME", help=options.NAME_HELP)
@click.option(
    "--email",
    metavar="ADDRESS",
    help="Another e-mail means another PIN: the old one is refused from then on, and the new "
    "one is mailed to the new address.",
)
@click.option("--host", metavar="NAME", help="Whom the visitor comes to see; '' empties it.")
@click.option("--company", metavar="NAME", help="At most 100 characters; '' empties it.")
@click.option("--phone", metavar="NUMBER", help="At most 100 characters; '' empties it.")
@click.option("--notes", metavar="TEXT", help="At most 1000 characters; '' empties them.")
@click.option(
    "--language",
    metavar="CODE",
    shell_complete=options.languages,
    help="Of the mails to the visitor: en, de, fr, es, vi or zh; '' is the setting language.",
)
@options.location
@options.as_json
def edit(visit: str, location_name: str | None, *, as_json: bool, **texts: str | None) -> None:
    """Correct the data of a visitor; what you leave out stays.

    Another e-mail means another PIN, which is mailed to the new address; the old one is
    refused. A visit that is deleted or over cannot be changed.
    """
    from nexio.reception.changing import edit_visit
    from nexio.reception.visits import get_visit

    visit = finding.visit_to_change(visit, location_name)
    with options.writing() as work:
        before = get_visit(work, visit, location_name)
        after = edit_visit(work, before.id, texts)
    print_visit(after, as_json=as_json, headline=f"Changed visit {after.id} of {after.name}.")
    if before.pin != after.pin and not as_json:
        output.say("The e-mail is another one, so the PIN is too: the old PIN is refused,")
        output.say("and so is the QR code in the old mail.")
    if before.pin != after.pin:
        posting.deliver_now(quiet=as_json)


@click.command(cls=once.Command)
@options.visit
@click.option("--arrival", required=True, metavar="WHEN", cls=asking.Asked, help=ARRIVAL_HELP)
@options.far
@options.location
@options.as_json
def reschedule(
    visit: str, arrival: str | None, location_name: str | None, *, far: bool, as_json: bool
) -> None:
    """Move a visit to another time, and mail that to the visitor; the PIN stays.

    The Wi-Fi moves along and keeps its length, unless you name its end: "tomorrow 9:30-10:30".
    A revoked token stays revoked. On a terminal you are asked for the arrival if you leave it
    out.

    A visit that is deleted or over cannot be moved: register the visitor again. A device that
    is on the Wi-Fi is disconnected where its new time does not include now; the command waits a
    few seconds and says what the access point answered.
    """
    from nexio.input.arrivals import parse_expected
    from nexio.locations.locations import zone_for_entry
    from nexio.reception.changing import reschedule
    from nexio.reception.tokens import TokenState
    from nexio.reception.visits import get_visit

    with options.opened() as store:
        visit = finding.visit_to_change(visit, location_name)
        with store.read() as work:
            found = get_visit(work, visit, location_name)
            now, zone = work.now, zone_for_entry(found.location)
        if arrival is None:
            arrival = asking.ask("Arrival", lambda when: parse_expected(when, now, zone))
        expected = parse_expected(arrival, now, zone)
        options.confirm_far(expected, found.location.zone, far=far)
        with store.write() as work:
            moved = reschedule(work, found.id, expected.arrival, expected.until)
        print_visit(moved, as_json=as_json, headline=f"Moved visit {moved.id} of {moved.name}.")
        if (found.expected_arrival, found.token) != (moved.expected_arrival, moved.token):
            posting.deliver_now(quiet=as_json)
        if moved.token is not None and moved.token.state is not TokenState.VALID:
            report_open_sessions(moved.id, wait=not as_json)


@click.command(cls=once.Command)
@options.visit_or_not
@options.group_option("All visits of a group, instead of one: all of them or none.")
@click.option("--no-mail", is_flag=True, help="Do not tell the visitor.")
@options.location
@options.yes
@options.as_json
def delete(
    visit: str | None,
    group: str | None,
    location_name: str | None,
    *,
    no_mail: bool,
    yes: bool,
    as_json: bool,
) -> None:
    """Delete a visit: its PIN is refused, and free for somebody else.

    The visitor gets a mail that takes the visit out of the calendar, if a mail has told of it
    before and the visit is not over.

    Devices that are on the Wi-Fi are disconnected by a running server; the command waits a few
    seconds and says what the access points answered. The visit stays in the store: see
    'nexio visitor list --all'.
    """
    from nexio.reception.visits import delete_visit

    visit = visit and finding.visit_to_change(visit, location_name)
    with options.reading() as work:
        found = options.chosen(work, visit, group, location_name)
    which = f"visit {found[0].id} of {found[0].name}"
    if group is not None:
        which = f"{counted(len(found), 'visit')} of the group {found[0].group}"
    options.confirm(f"Delete {which}?", yes=yes)
    with options.writing() as work:
        deleted = [delete_visit(work, each.id, mail=not no_mail) for each in found]
    shapes = [visit_json(each) for each in deleted]
    its = "Its PIN is" if group is None else "Their PINs are"
    headline = f"Deleted {which}. {its} refused from now on."
    output.print_answer(shapes if group is not None else shapes[0], headline, as_json=as_json)
    if not no_mail:
        posting.deliver_now(quiet=True)
    for each in deleted:
        report_open_sessions(each.id, wait=not as_json and group is None)


@click.command(cls=once.Command)
@options.visit_or_not
@options.group_option("To all visitors of a group who have an e-mail, instead of one.")
@options.location
@options.as_json
def resend(
    visit: str | None, group: str | None, location_name: str | None, *, as_json: bool
) -> None:
    """Send the registration e-mail again, with the same PIN; say what became of it.

    A visit that is deleted or over gets none.
    """
    from nexio.reception.changing import resend_mail
    from nexio.reception.visits import get_visit

    visit = visit and finding.visit_to_change(visit, location_name)
    with options.writing() as work:
        found = options.chosen(work, visit, group, location_name)
        reachable = [each for each in found if each.email or group is None]
        for each in reachable:
            resend_mail(work, each.id)
    posting.deliver_now()
    with options.reading() as work:
        after = [get_visit(work, str(each.id), location_name) for each in reachable]
    shapes = [visit_json(each) for each in after]
    if as_json:
        output.print_json(shapes if group is not None else shapes[0])
        return
    for each in after:
        became = _RESENT[each.mail.value]
        output.print_headline(f"The mail to {each.name} ({each.email}) {became}.")
    lacking = len(found) - len(reachable)
    if lacking:
        output.say(f"{counted(lacking, 'visitor')} of the group without an e-mail: see the slips.")


_RESENT = {
    "sent": "was sent once more",
    "queued": "is not sent yet: it waits",
    "failed": "cannot be sent",
}
