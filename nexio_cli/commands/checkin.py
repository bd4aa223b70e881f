"""``nexio checkin``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from nexio.errors import InvalidValue
from nexio_cli.commands.checkin_list import list_
from nexio_cli.commands.tapping import How, Who, check_in_or_out
from nexio_cli.terminal import finding, once, options, output
from nexio_cli.terminal.shapes import tap_json

if TYPE_CHECKING:
    from nexio.checkin.taps import Direction

check_in = click.option("--in", "only_in", is_flag=True, help="Only check in: who is in stays in.")
check_out = click.option(
    "--out",
    "only_out",
    is_flag=True,
    help="Only check out, also right after the check-in; nexio checkout is the same.",
)

qr_option = click.option(
    "--qr", metavar="TEXT", help="What the visitor's QR code says; '-' reads it from stdin."
)

visits_option = click.option(
    "--visit",
    "visits",
    multiple=True,
    metavar="VISIT",
    help="A visit by number, e-mail or a part of the name, without its code. Several: all of "
    "them or none.",
)

group_option = options.group_option(
    "All visits of a group that are not over: all of them or none. Who is in already stays in."
)

member_option = click.option(
    "--member",
    metavar="MEMBER",
    help="A member by number, e-mail or a part of the name, without their code.",
)

reader_option = click.option(
    "--reader", is_flag=True, help="Codes line by line from a scanner, until Ctrl-D."
)


class PinOrCommand(once.Group):
    """``nexio checkin 123456``: what is no command is a PIN."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Take a word that no command has for a PIN; options may stand before it or after it."""
        words = args if args[0] in self.commands else ["pin", *args]
        name, command, rest = super().resolve_command(ctx, words)
        return name, command, [*_given_before(ctx, is_pin=name == "pin"), *rest]


def _given_before(context: click.Context, *, is_pin: bool) -> list[str]:
    given = context.params
    place = given.get("location_name")
    ways = {"--in": given.get("only_in"), "--out": given.get("only_out")} if is_pin else {}
    flags = [
        flag for flag, is_given in {"--json": given.get("as_json"), **ways}.items() if is_given
    ]
    return [*flags, *([] if place is None else ["--location", place])]


@click.group(
    cls=PinOrCommand, invoke_without_command=True, subcommand_metavar="[PIN | COMMAND] [ARGS]..."
)
@qr_option
@visits_option
@group_option
@member_option
@reader_option
@check_in
@check_out
@click.option(
    "--override",
    is_flag=True,
    help="With --visit or --group: let a visitor in before or after their day, or once more on "
    "the same day.",
)
@options.location
@options.as_json
@click.pass_context
def command(
    context: click.Context,
    qr: str | None,
    visits: tuple[str, ...],
    group: str | None,
    member: str | None,
    location_name: str | None,
    *,
    reader: bool,
    only_in: bool,
    only_out: bool,
    override: bool,
    as_json: bool,
) -> None:
    """Check somebody in or out; see who is in the building.

    Name somebody in one of these ways: PIN ('-' reads it from stdin; a scanner may type a QR
    code instead), --qr, --visit, --group, --member or --reader. A QR code needs no --location, and
    is good until the visitor gets another PIN or the visit is deleted.

    The first use of a code checks in, the second checks out. The same code within 10 seconds
    counts once. From then until 5 minutes after the check-in, a code alone does not check out:
    say --out. --visit and --member check out at once. --in for somebody who is in, and --out for
    somebody who is out, change nothing.

    A visitor may check in on the day of the arrival, or while the Wi-Fi lasts: in and out once
    a day. Members come and go as they like. The cut-off of the location (midnight, unless it is
    set) checks out whoever is still in.

    With token-starts=check-in the first check-in starts the Wi-Fi. With end-wifi-at-checkout=on
    a check-out revokes it: the next login is refused, an open session goes on. At the first
    check-in of a visit the host gets a mail, if the host is a member.

    --reader goes on after a code that it refuses, and ends with exit code 0. After five wrong
    codes within a quarter of an hour it waits before it reads the next: 1, 2, 4, … seconds, up
    to a minute.
    """
    who = Who(qr=qr, visits=visits, group=group, member=member, reader=reader)
    other = context.invoked_subcommand
    who.require_one(other)
    if override and not visits and group is None:
        raise InvalidValue("--override goes with --visit", "Name the visit by number or e-mail.")
    if override and only_out:
        raise InvalidValue("--override lets somebody in", "Leave out --out, or --override.")
    way = _way(only_in=only_in or (group is not None and not only_out), only_out=only_out)
    if other in {None, "pin"}:
        if other is None:
            check_in_or_out(
                who, How(way=way, location_name=location_name, override=override, as_json=as_json)
            )
    elif way is not None:
        raise InvalidValue(
            "--in and --out go with a PIN, --qr, --visit, --group, --member or --reader",
            "Leave them out.",
        )


@command.command(hidden=True)
@click.argument("pin")
@check_in
@check_out
@options.location
@options.as_json
def pin(
    pin: str, location_name: str | None, *, only_in: bool, only_out: bool, as_json: bool
) -> None:
    """Use a PIN; '-' reads it from stdin."""
    way = _way(only_in=only_in, only_out=only_out)
    check_in_or_out(Who(pin=pin), How(way=way, location_name=location_name, as_json=as_json))


def _way(*, only_in: bool, only_out: bool) -> Direction | None:
    if only_in and only_out:
        raise InvalidValue("in or out?", "Give --in or --out, not both.")
    if not only_in and not only_out:
        return None
    from nexio.checkin.taps import Direction

    return Direction.IN if only_in else Direction.OUT


@command.command()
@click.argument("visit", metavar="[VISIT]", required=False)
@member_option
@options.location
@options.as_json
def undo(
    visit: str | None, member: str | None, location_name: str | None, *, as_json: bool
) -> None:
    """Take the last check-in or check-out back, with what it did to the Wi-Fi.

    VISIT is a number, an e-mail or a part of a name; a member's e-mail will do, too. Run it twice
    to take two back. A check-out by the cut-off cannot be taken back, nor anything of a deleted
    visit.
    """
    from nexio.checkin.check_ins import undo as take_back
    from nexio.checkin.check_ins import undo_of_member
    from nexio.checkin.desk_wifi import wifi_words_after_undo
    from nexio.reception.members import get_member
    from nexio.reception.visits import get_visit

    if (visit is None) == (member is None):
        raise InvalidValue("whose check-in?", "Give a visit, or --member.")
    if visit is not None:
        visit, member = finding.visit_or_member_to_change(visit, location_name)
    elif member is not None:
        member = finding.member_to_change(member, location_name)
    with options.writing() as work:
        if member is not None:
            taken = undo_of_member(work, get_member(work, member, location_name).id)
        else:
            taken = take_back(work, get_visit(work, visit or "", location_name).id)
        wifi = wifi_words_after_undo(work, taken)
    sentence = f"Taken back: the check-{taken.direction} of {taken.name}."
    output.print_answer(tap_json(taken), " ".join((sentence, *wifi)), as_json=as_json)


command.add_command(list_)
