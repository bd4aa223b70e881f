"""Asks on a terminal for values that the command line leaves out.

A command first checks the given values and asks then, so that nobody types answers for a command
that cannot succeed.  After an answer that cannot be read, the question is repeated; the other
answers stay.
"""

from __future__ import annotations

import sys
from functools import partial
from typing import TYPE_CHECKING, Any

import click

from nexio.errors import InvalidValue, Refused
from nexio_cli.terminal import options, output

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from nexio.locations.locations import Location
    from nexio.store.engine import Reading, Store

NOW = "now"

_STAND_INS = {"first_name": "X", "last_name": "X", "email": "x@example.com"}


class Asked(click.Option):
    """A required option; on a terminal it is None where it is missing, and the command asks."""

    def process_value(self, ctx: click.Context, value: Any) -> Any:
        """Require a value where nobody can be asked."""
        # Resilient: the shell asks for completions; then no question may be asked.
        if self.value_is_missing(value) and not ctx.resilient_parsing and sys.stdin.isatty():
            return None
        return super().process_value(ctx, value)


first_name = click.option(
    "--first-name", required=True, metavar="NAME", cls=Asked, help=options.NAME_HELP
)
last_name = click.option(
    "--last-name", required=True, metavar="NAME", cls=Asked, help=options.NAME_HELP
)


class AskedOrNone(Asked):
    """The same for a person who may have no e-mail."""

    def process_value(self, ctx: click.Context, value: Any) -> Any:
        """Name the other option where this one is missing."""
        try:
            return super().process_value(ctx, value)
        except click.MissingParameter:
            other = "Without an e-mail: --no-email"
            raise click.MissingParameter(other, ctx, self) from None

    def handle_parse_result(
        self, ctx: click.Context, opts: Mapping[str, Any], args: list[str]
    ) -> tuple[Any, list[str]]:
        """Accept --no-email as an answer.

        Raises:
            InvalidValue: an e-mail is given all the same.
        """
        if not opts.get("no_email"):
            return super().handle_parse_result(ctx, opts, args)
        if opts.get("email") is not None:
            raise InvalidValue("--email and --no-email do not go together", "Give one of them.")
        ctx.params["email"] = None
        return None, args


_email_option = partial(
    click.option,
    "--email",
    required=True,
    metavar="ADDRESS",
    help="The e-mail. Whether it can be reached is not tried.",
)
email, email_or_none = _email_option(cls=Asked), _email_option(cls=AskedOrNone)
no_email = click.option(
    "--no-email",
    is_flag=True,
    help="The visitor has no e-mail, and logs in by a name, which is printed. No mail is sent.",
)


def ask(label: str, reads: Callable[[str], object], *, may_be_empty: bool = False) -> str:
    """Ask until the answer can be read.

    Args:
        label: the question.
        reads: raises InvalidValue or Refused for an answer that is not accepted.
        may_be_empty: whether Return alone is an answer.
    """
    while True:
        default = "" if may_be_empty else None
        answer: str = click.prompt(label, default=default, show_default=False, err=True)
        try:
            reads(answer)
        except (InvalidValue, Refused) as error:
            output.say_error(str(error), error.advice)
        else:
            return answer


def ask_arrival(
    store: Store, location_name: str | None, reads: Callable[[Reading, Location, str], None]
) -> str:
    """Ask for the arrival of somebody whose other data are known; Return alone is now.

    Args:
        store: is read again after each answer.
        location_name: the location whose time zone applies.
        reads: gets the reading of the store, the location and the answer; raises InvalidValue or
            Refused for an answer that is not accepted.
    """
    from nexio.input.arrivals import parse_expected
    from nexio.input.zones import show
    from nexio.locations.locations import get_location, zone_for_entry

    def read(answer: str) -> None:
        with store.read() as work:
            location = get_location(work, location_name)
            zone = zone_for_entry(location)
            expected = parse_expected(answer or NOW, work.now, zone)
            reads(work, location, answer or NOW)
        when = show(expected.arrival, zone)
        if expected.is_far and not click.confirm(
            f"You gave no year. Do you mean {when}?", err=True
        ):
            raise InvalidValue("the arrival is another one, then", "Write it with its year.")

    return ask("Arrival (Return: now)", read, may_be_empty=True) or NOW


def is_incomplete(texts: Mapping[str, str | None]) -> bool:
    """Whether data of a person is missing and will be asked for."""
    return any(texts[name] is None for name in _STAND_INS)


def with_stand_ins(texts: Mapping[str, str | None]) -> dict[str, str | None]:
    """The given values, with placeholders for those that will be asked for, to check them."""
    return {name: _STAND_INS.get(name) if text is None else text for name, text in texts.items()}


def ask_person(texts: Mapping[str, str | None]) -> dict[str, str | None]:
    """Ask for missing names and address of a person; a person with one name leaves one empty.

    An empty address is the answer for a person without e-mail.

    Raises:
        InvalidValue: a given value cannot be read.
    """
    from nexio.input.addresses import parse_email
    from nexio.input.names import parse_full_name

    seen = with_stand_ins(texts)
    parse_full_name(seen["first_name"] or "", seen["last_name"] or "")
    if texts["email"] != "":
        parse_email(seen["email"] or "")
    first, last, address = (texts[name] for name in _STAND_INS)
    if first is None:
        other = seen["last_name"] or ""
        first = ask("First name", lambda name: parse_full_name(name, other), may_be_empty=True)
    if last is None:
        other = first
        last = ask("Last name", lambda name: parse_full_name(other, name), may_be_empty=True)
    if address is None:
        address = ask("Email", parse_email)
    return {**texts, "first_name": first, "last_name": last, "email": address}
