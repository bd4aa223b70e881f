"""``nexio checkin``."""

from __future__ import annotations

import io
import sys
from typing import TYPE_CHECKING

import click

from nexio.errors import InvalidValue, NexioError
from nexio_cli import options, output, posting

if TYPE_CHECKING:
    from nexio.taps import Tap


class PinOrCommand(click.Group):
    """``nexio checkin 123456``: what is no command is a PIN."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Take a word that no command has for a PIN; options may stand before it or after it."""
        words = args if args[0] in self.commands else ["pin", *args]
        name, command, rest = super().resolve_command(ctx, words)
        return name, command, [*_said_before(ctx), *rest]


def _said_before(context: click.Context) -> list[str]:
    place = context.params.get("location_name")
    as_json = ["--json"] if context.params.get("as_json") else []
    return [*as_json, *([] if place is None else ["--location", place])]


@click.group(
    cls=PinOrCommand, invoke_without_command=True, subcommand_metavar="[PIN | COMMAND] [ARGS]..."
)
@click.option("--qr", metavar="TEXT", help="What the visitor's QR code says.")
@click.option("--visit", metavar="VISIT", help="A visit by number or e-mail, without its code.")
@click.option("--override", is_flag=True, help="With --visit: outside its day, or once more.")
@click.option("--reader", is_flag=True, help="Codes line by line from a scanner, until Ctrl-D.")
@options.location
@options.as_json
@click.pass_context
def command(
    context: click.Context,
    qr: str | None,
    visit: str | None,
    location_name: str | None,
    *,
    override: bool,
    reader: bool,
    as_json: bool,
) -> None:
    """Check somebody in or out; see who is in the building.

    nexio checkin PIN: the first use of a code checks in, the second checks out.
    """
    other = context.invoked_subcommand
    chosen = [word for word in (other, qr, visit, reader or None) if word is not None]
    if len(chosen) != 1:
        raise InvalidValue("who is it?", "Give one PIN, --qr, --visit or --reader.")
    if override and visit is None:
        raise InvalidValue("--override goes with --visit", "Name the visit by number or e-mail.")
    if other is not None:
        return
    if reader:
        _read_codes(location_name, as_json=as_json)
    elif visit is not None:
        _print(_tap_visit(visit, location_name, override=override), as_json=as_json)
    else:
        _print(_tap(options.typed_or_read(qr) or "", location_name, is_qr=True), as_json=as_json)
    posting.deliver_now(quiet=True)


@command.command(hidden=True)
@click.argument("pin")
@options.location
@options.as_json
def pin(pin: str, location_name: str | None, *, as_json: bool) -> None:
    """Use a PIN; '-' reads it from stdin."""
    typed = options.typed_or_read(pin) or ""
    _print(_tap(typed, location_name, is_qr=False), as_json=as_json)
    posting.deliver_now(quiet=True)


@command.command("list")
@click.option("--open", "open_only", is_flag=True, help="Only who is in the building now.")
@options.location
@options.as_json
def list_(location_name: str | None, *, open_only: bool, as_json: bool) -> None:
    """List today's check-ins and check-outs; --open is the list for an evacuation."""
    from nexio.locations import get_location
    from nexio.taps import list_taps
    from nexio.zones import show
    from nexio_cli.shapes import tap_json

    with options.reading() as work:
        location = get_location(work, location_name)
        taps = list_taps(work, location, open_only=open_only)
    if as_json:
        output.print_json([tap_json(tap) for tap in taps])
        return
    if open_only:
        output.say(f"{len(taps)} in the building at {show(work.now, location.zone)}")
    output.print_table(
        ["name", "kind", "host", "direction", "at", "method"],
        [
            [
                tap.name,
                tap.kind,
                tap.host or "",
                tap.direction.value,
                show(tap.at, location.zone),
                tap.method.value,
            ]
            for tap in taps
        ],
        "Nobody." if open_only else "No check-ins today.",
        only_wide=("kind", "method"),
    )


@command.command()
@options.visit
@options.location
@options.as_json
def undo(visit: str, location_name: str | None, *, as_json: bool) -> None:
    """Take the last check-in or check-out of a visit back."""
    from nexio.check_ins import undo as take_back
    from nexio.visits import get_visit
    from nexio_cli.shapes import tap_json

    with options.writing() as work:
        taken = take_back(work, get_visit(work, visit, location_name).id)
    if as_json:
        output.print_json(tap_json(taken))
    else:
        output.print_headline(f"Taken back: the check-{taken.direction} of {taken.name}.")


def _tap(code: str, location_name: str | None, *, is_qr: bool) -> Tap:
    from nexio.check_ins import tap_pin, tap_qr
    from nexio.locations import find_only_location, get_location

    with options.writing() as work:
        if is_qr:
            return tap_qr(work, find_only_location(work, location_name), code)
        return tap_pin(work, get_location(work, location_name), code)


def _tap_visit(which: str, location_name: str | None, *, override: bool) -> Tap:
    from nexio.check_ins import tap_visit
    from nexio.visits import get_visit

    with options.writing() as work:
        found = get_visit(work, which, location_name)
        return tap_visit(work, found.id, override=override)


def _read_codes(location_name: str | None, *, as_json: bool) -> None:
    """A keyboard-wedge scanner types each code and a line break; each is answered."""
    from nexio.qr_codes import PREFIX

    if isinstance(sys.stdin, io.TextIOWrapper):
        sys.stdin.reconfigure(errors="replace")  # a misread code is no fault of ours
    for line in sys.stdin:
        code = line.strip()
        if not code:
            continue
        try:
            tap = _tap(code, location_name, is_qr=code.upper().startswith(PREFIX))
        except NexioError as error:
            _print_refused(error, as_json=as_json)
            continue
        _print_line(tap, as_json=as_json)
        posting.deliver_now(quiet=True)


def _print(tap: Tap, *, as_json: bool) -> None:
    from nexio_cli.shapes import tap_json

    if as_json:
        output.print_json(tap_json(tap))
    else:
        output.print_headline(_sentence(tap))


def _print_line(tap: Tap, *, as_json: bool) -> None:
    from nexio_cli.shapes import tap_json

    if as_json:
        output.print_json_line(tap_json(tap))
    else:
        output.print_line(_sentence(tap))


def _print_refused(error: NexioError, *, as_json: bool) -> None:
    if as_json:
        output.print_json_line({"refused": str(error), "advice": error.advice})
    else:
        output.print_line(f"Refused: {error}")


def _sentence(tap: Tap) -> str:
    from nexio.zones import show

    just_now = " already, just now" if tap.repeated else ""
    when = show(tap.at, tap.location.zone)
    return f"{tap.name} is checked {tap.direction}{just_now}: {when} at {tap.location.name}."
