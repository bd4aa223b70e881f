"""``nexio member``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from nexio.errors import Refused
from nexio_cli.terminal import asking, once, options, output, posting
from nexio_cli.terminal.shapes import member_json

if TYPE_CHECKING:
    from nexio.reception.members import Member

member = click.argument("member", metavar="MEMBER")
EMAIL_HELP = "An e-mail belongs to one member of a location."

send_pin = click.option("--send-pin", is_flag=True, help="Mail the PIN to the member.")


@click.group(cls=once.Group)
def command() -> None:
    """Manage members, who host visitors and check in with a PIN of their own.

    MEMBER is the member's number or e-mail.
    """


@command.command()
@asking.first_name
@asking.last_name
@asking.email
@click.option("--pin", metavar="PIN", help="A PIN of their own; '-' reads it from stdin.")
@options.insecure_short_pin
@send_pin
@options.location
@options.as_json
def add(
    location_name: str | None,
    *,
    insecure_short_pin: bool,
    send_pin: bool,
    as_json: bool,
    **texts: str | None,
) -> None:
    """Add a member, with a PIN for checking in.

    On a terminal you are asked for names and e-mail if you leave them out.
    """
    from nexio.locations.locations import get_location
    from nexio.reception.members import add_member
    from nexio.reception.pins import parse_pin

    texts["pin"] = options.typed_or_read(texts["pin"])
    if texts["pin"] is not None:
        parse_pin(texts["pin"])
    with options.reading() as work:
        get_location(work, location_name)
    texts = asking.ask_person(texts)
    with options.writing() as work:
        location = get_location(work, location_name)
        added = add_member(
            work, location, texts, send_pin=send_pin, insecure_short_pin=insecure_short_pin
        )
    output.warn(_risk(added) if insecure_short_pin and texts["pin"] else [])
    _print_member(added, as_json=as_json, headline=f"Added {added.name} at {location.name}.")
    if send_pin:
        posting.deliver_now(quiet=as_json)


@command.command("list")
@options.paged
@options.location
@options.as_json
def list_(
    limit: int | None, after: int | None, location_name: str | None, *, as_json: bool
) -> None:
    """List the members of a location by name, without their PINs."""
    from nexio.locations.locations import get_location
    from nexio.reception.members import list_members

    with options.reading() as work:
        members = list_members(work, get_location(work, location_name))
    output.print_list(
        options.page(members, limit, after),
        member_json,
        ["member", "name", "e-mail"],
        lambda each: [str(each.id), each.name, each.email],
        "No members here. Add one with: nexio member add",
        as_json=as_json,
    )


@command.command()
@member
@options.location
@options.as_json
def show(member: str, location_name: str | None, *, as_json: bool) -> None:
    """Show a member with the PIN."""
    from nexio.reception.members import get_member

    with options.reading() as work:
        found = get_member(work, member, location_name)
    _print_member(found, as_json=as_json, headline=f"{found.name} at {found.location.name}")


@command.command()
@member
@click.option("--first-name", metavar="NAME", help=options.NAME_HELP)
@click.option("--last-name", metavar="NAME", help=options.NAME_HELP)
@click.option("--email", metavar="ADDRESS", help=EMAIL_HELP)
@options.location
@options.as_json
def edit(member: str, location_name: str | None, *, as_json: bool, **texts: str | None) -> None:
    """Correct a member's name or e-mail; what you leave out stays, and so does the PIN."""
    from nexio.reception.members import edit_member, get_member

    with options.writing() as work:
        after = edit_member(work, get_member(work, member, location_name).id, texts)
    _print_member(after, as_json=as_json, headline=f"Changed member {after.id}, {after.name}.")


@command.command("set-pin")
@member
@click.option(
    "--pin",
    metavar="PIN",
    help="A PIN of 6 to 10 digits; '-' reads it from stdin. Default: a new one.",
)
@options.insecure_short_pin
@send_pin
@options.location
@options.as_json
def set_pin(
    member: str,
    pin: str | None,
    location_name: str | None,
    *,
    insecure_short_pin: bool,
    send_pin: bool,
    as_json: bool,
) -> None:
    """Give a member another PIN; the old one is refused at once."""
    from nexio.reception.members import get_member
    from nexio.reception.members import set_pin as give

    typed = options.typed_or_read(pin)
    with options.writing() as work:
        found = get_member(work, member, location_name)
        after = give(
            work, found.id, typed, send_pin=send_pin, insecure_short_pin=insecure_short_pin
        )
    output.warn(_risk(after) if insecure_short_pin and typed else [])
    _print_member(after, as_json=as_json, headline=f"{after.name} has another PIN.")
    if send_pin:
        posting.deliver_now(quiet=as_json)


@command.command("pass")
@member
@click.option("--revoke", is_flag=True, help="Take the pass away instead, at once.")
@options.location
@options.as_json
def pass_(member: str, location_name: str | None, *, revoke: bool, as_json: bool) -> None:
    """Mail a member the link that makes their phone a pass.

    The phone's page shows a QR code that changes every 30 seconds, for the tablet's camera or a
    scanner. The link works once and within 7 days. Each link replaces the pass from before, so a
    lost phone needs no more. NEXIO_WEB_URL says where the pages are.
    """
    from nexio.input.web_urls import parse_web_url
    from nexio.reception.members import get_member
    from nexio.reception.passes import issue_pass, revoke_pass

    if not revoke:
        parse_web_url(options.configuration().web_url)
    with options.writing() as work:
        found = get_member(work, member, location_name)
        if not revoke:
            issue_pass(work, found.id)
        elif not revoke_pass(work, found.id):
            raise Refused(f"{found.name} has no pass", "There is nothing to do.")
    words = f"{found.name} gets the link to a pass by mail, to {found.email}."
    if revoke:
        words = f"The pass of {found.name} is refused now."
    output.print_answer(member_json(found), words, as_json=as_json)
    if not revoke:
        posting.deliver_now(quiet=as_json)


@command.command()
@member
@options.location
@options.yes
@options.as_json
def remove(member: str, location_name: str | None, *, yes: bool, as_json: bool) -> None:
    """Remove a member, and check them out if they are in; the visits that they host stay."""
    from nexio.reception.members import get_member, remove_member

    with options.reading() as work:
        found = get_member(work, member, location_name)
    options.confirm(f"Remove member {found.id}, {found.name}?", yes=yes)
    with options.writing() as work:
        remove_member(work, get_member(work, str(found.id), location_name).id)
    words = f"Removed member {found.id}, {found.name}. The PIN is refused now."
    output.print_answer(member_json(found), words, as_json=as_json)


def _print_member(member: Member, *, headline: str, as_json: bool) -> None:

    fields = [("member", str(member.id)), ("PIN", member.pin), ("e-mail", member.email)]
    output.print_answer(member_json(member), headline, fields, as_json=as_json)


def _risk(member: Member) -> list[str]:
    from nexio.reception.risk import short_pin_words

    return [short_pin_words(len(member.pin))]
