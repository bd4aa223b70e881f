"""``nexio checkout``."""

from __future__ import annotations

import click

from nexio_cli.commands.checkin import (
    group_option,
    member_option,
    qr_option,
    reader_option,
    visits_option,
)
from nexio_cli.commands.tapping import How, Who, check_in_or_out
from nexio_cli.terminal import once, options


@click.command(cls=once.Command)
@click.argument("pin", required=False)
@qr_option
@visits_option
@group_option
@member_option
@reader_option
@options.location
@options.as_json
def command(
    pin: str | None,
    qr: str | None,
    visits: tuple[str, ...],
    group: str | None,
    member: str | None,
    location_name: str | None,
    *,
    reader: bool,
    as_json: bool,
) -> None:
    """Check somebody out, also right after they came.

    The same as 'nexio checkin --out'. Who is out already stays out; who never came in is
    refused.
    """
    from nexio.checkin.taps import Direction

    who = Who(pin=pin, qr=qr, visits=visits, group=group, member=member, reader=reader)
    who.require_one()
    check_in_or_out(who, How(way=Direction.OUT, location_name=location_name, as_json=as_json))
