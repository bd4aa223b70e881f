"""Options that several commands have, each spelled once; and the store they work on."""

from __future__ import annotations

import os
import sys
from contextlib import closing, contextmanager
from operator import attrgetter
from typing import TYPE_CHECKING, TypeVar

import click

from nexio.clock import utc_now
from nexio.errors import InvalidValue, NotFound, Refused
from nexio.input.zones import show
from nexio_cli.terminal import output

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from zoneinfo import ZoneInfo

    from nexio.configuration import Configuration
    from nexio.input.arrivals import Expected
    from nexio.input.reply_settings import ReplySetting
    from nexio.reception.visits import Visit
    from nexio.store.engine import Reading, Store, Writing

Callback = TypeVar("Callback", bound="Callable[..., object]")
Thing = TypeVar("Thing")

_STORE = "nexio.store"
"""Where a command keeps the store that it has open."""

LARGEST_ID = 2**63 - 1

INTERRUPTED = 130
"""The exit code of Ctrl-C."""

_FILE = "nexio.config"
_SETTINGS = "nexio.settings"
"""Where a command keeps the name of the configuration file, and what it says."""

SHOWN = 5
"""Lines about bad rows; the rest is counted."""

as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON for scripts.")


def languages(_context: click.Context, _option: click.Parameter, start: str) -> list[str]:
    """What a shell proposes for ``--language``."""
    from nexio.languages import LANGUAGES

    return [each for each in LANGUAGES if each.startswith(start)]


@contextmanager
def until_ctrl_c() -> Iterator[None]:
    """What goes on until Ctrl-C ends by it: the exit code says so, and nothing went wrong."""
    try:
        yield
    except KeyboardInterrupt:
        raise click.exceptions.Exit(INTERRUPTED) from None


def named_file() -> str | None:
    """The configuration file, where ``--config`` names one."""
    context = click.get_current_context(silent=True)
    file: str | None = None if context is None else context.meta.get(_FILE)
    return file


def settings() -> dict[str, str]:
    """The environment, and what the configuration file says beyond it; it is read once."""
    from nexio.configuration_file import with_file

    context = click.get_current_context(silent=True)
    known = {} if context is None else context.meta
    if _SETTINGS not in known:
        known[_SETTINGS] = with_file(os.environ, named_file())
    read: dict[str, str] = known[_SETTINGS]
    return read


def setting(variable: str, otherwise: str | None = None) -> Callable[[], str | None]:
    """What a variable says, or the configuration file, as the default of an option."""

    def default() -> str | None:
        if click.get_current_context().resilient_parsing:  # the shell wants to know what may follow
            return otherwise
        return settings().get(variable, otherwise)

    return default


def configuration() -> Configuration:
    """The settings of this deployment."""
    from nexio.configuration import Configuration

    return Configuration.from_environment(settings())


def _remember_file(context: click.Context, _: click.Parameter, file: str | None) -> None:
    if file is not None:
        context.meta[_FILE] = file


config = click.option(
    "--config",
    metavar="FILE",
    expose_value=False,
    callback=_remember_file,
    help="The configuration file.  [env: NEXIO_CONFIG]",
)


def parsed_replies(words: Sequence[str]) -> dict[str, list[ReplySetting]] | None:
    """What ``--reply`` says, checked against the dictionary; None where it is not given."""
    if not words:
        return None
    from nexio.input.reply_settings import parse_replies
    from radius_auth.protocol.pyrad_codec import encode_reply_attribute

    return parse_replies(words, encode_reply_attribute)


def location_option(meaning: str) -> Callable[[Callback], Callback]:
    """``--location``, with what it means to a command."""
    return click.option(
        "--location",
        "location_name",
        default=setting("NEXIO_LOCATION"),
        metavar="NAME",
        help=f"{meaning}  [env: NEXIO_LOCATION]",
    )


def group_option(meaning: str) -> Callable[[Callback], Callback]:
    """``--group``, with what it means to a command."""
    return click.option("--group", metavar="NAME", help=meaning)


location = location_option("Which location; not needed where there is only one.")
location_or_all = location_option("Only this location; default: all.")

NAME_HELP = (
    "Letters of any script, blanks, apostrophes, hyphens, dots, commas and brackets; no "
    "digits; at most 100 characters. One of both names may be empty: ''."
)

yes = click.option("--yes", is_flag=True, help="Do it without asking; needed in scripts.")

last = click.option(
    "--last",
    "--limit",
    "last",
    default=50,
    show_default=True,
    type=click.IntRange(0, 100_000),
    metavar="N",
    help="How many to show, the newest.",
)

done: list[str] = []
"""What this command has committed so far: it stays so where its output cannot be written."""

after_option = click.option(
    "--after",
    metavar="ID",
    type=click.IntRange(0, LARGEST_ID),
    help="Go on after this number, where a list ended.",
)
"""The last number of a list that a script has is where it reads on."""

_limit = click.option(
    "--limit", metavar="N", type=click.IntRange(0, 100_000), help="How many to show at most."
)


def paged(callback: Callback) -> Callback:
    """``--limit`` and ``--after`` of a list; :func:`page` does what they say."""
    return _limit(after_option(callback))


def page(
    things: Sequence[Thing],
    limit: int | None,
    after: int | None,
    number: Callable[[Thing], int | None] = attrgetter("id"),
) -> Sequence[Thing]:
    """The part of a list that is asked for, in the order of the list.

    Raises:
        NotFound: nothing on the list has the number to go on after.
    """
    if after is not None:
        numbers = [number(each) for each in things]
        if after not in numbers:
            raise NotFound(
                f"nothing on this list has the number {after}", "Read it from its beginning."
            )
        things = things[numbers.index(after) + 1 :]
    return things if limit is None else things[:limit]


reply = click.option(
    "--reply",
    metavar="NAME=VALUE",
    multiple=True,
    help="What Access-Accepts say beside the end of the time: vlan, bandwidth-down, bandwidth-up, "
    "role, idle-timeout, interim-interval, end-time, or an attribute by its name; "
    "walk-in:vlan=30 for visitors of that source; 'vlan=none' sends none, 'vlan=' unsets it.",
)

insecure_short_pin = click.option(
    "--insecure-short-pin",
    is_flag=True,
    help="Allow PINs that are easy to guess: of 5 digits, or too many of few digits on a "
    "day. Prints the chance.",
)

visit = click.argument("visit", metavar="VISIT")
"""A number, an e-mail, a login, or a part of a name (see ``finding.py``)."""

visit_or_not = click.argument("visit", metavar="[VISIT]", required=False)
"""A visit, or the group of :func:`group_option`."""

far = click.option(
    "--far",
    is_flag=True,
    help="An arrival whose year you did not write may be more than 90 days away. Without it "
    "you are asked; a script gets exit code 4.",
)


@contextmanager
def opened() -> Iterator[Store]:
    """The store of this deployment; within this block it is opened only once."""
    from nexio.store.engine import Store

    command = click.get_current_context().meta
    if _STORE in command:
        yield command[_STORE]
        return
    clock = click.get_current_context().obj or utc_now
    with closing(Store.open(configuration(), clock)) as store:
        command[_STORE] = store
        try:
            yield store
        finally:
            del command[_STORE]
            done.extend(store.done)
            _warn_of(store.bad_rows.lines)


def _warn_of(bad_rows: Sequence[str]) -> None:
    """Once in a command, however often that opens the store."""
    shown: set[str] = click.get_current_context().meta.setdefault("nexio.bad_rows", set())
    new = [line for line in bad_rows if line not in shown]
    more = len(new) - SHOWN
    are = "row is" if more == 1 else "rows are"
    rest = [f"{more} more {are} damaged: nexio db check"] if more > 0 else []
    output.warn(new[:SHOWN] + rest)
    shown.update(new)


def chosen(
    work: Reading, visit: str | None, group: str | None, location_name: str | None
) -> list[Visit]:
    """The visit that is named, or those of a group that are neither deleted nor over.

    Raises:
        InvalidValue: neither or both are given.
        NotFound: there is none.
    """
    from nexio.reception.visits import get_group, get_visit

    if (visit is None) == (group is None):
        raise InvalidValue("which visit?", "Give its number or e-mail, or --group NAME.")
    if group is not None:
        return get_group(work, group, location_name)
    return [get_visit(work, visit or "", location_name)]


@contextmanager
def reading() -> Iterator[Reading]:
    """A look at the store of this deployment."""
    with opened() as store, store.read() as work:
        yield work


@contextmanager
def writing() -> Iterator[Writing]:
    """A transaction in the store of this deployment: all of the command or nothing."""
    with opened() as store, store.write() as work:
        yield work


def confirm(question: str, *, yes: bool) -> None:
    """Ask before something is destroyed; nothing is done until then.

    Raises:
        click.Abort: the answer is no.
        Refused: there is no terminal to ask on, and no --yes.
    """
    if not yes:
        refusal = f"this needs a terminal or --yes: {question}"
        ask_or_refuse(question, Refused(refusal, "To do it without being asked, add --yes."))


def ask_or_refuse(question: str, refusal: Refused) -> None:
    """Ask; where nobody can be asked, refuse.

    Raises:
        click.Abort: the answer is no.
        Refused: there is no terminal to ask on.
    """
    if not sys.stdin.isatty():
        raise refusal
    click.confirm(question, abort=True, err=True)


def confirm_far(expected: Expected, zone: ZoneInfo, *, far: bool) -> None:
    """Ask whether an arrival without a year is right, where another year is likely (R20).

    Raises:
        Refused: there is nobody to ask.
        click.Abort: the answer is no.
    """
    if expected.is_far and not far:
        arrival = show(expected.arrival, zone)
        refusal = f"the arrival would be on {arrival}, and no year was given"
        advice = "Give the year, or confirm this one with --far."
        ask_or_refuse(f"You gave no year. Do you mean {arrival}?", Refused(refusal, advice))


def parse_mac(text: str) -> str:
    """A MAC address in any notation, in the one that the store has.

    Raises:
        InvalidValue: it is none.
    """
    from radius_auth.decision.devices import mac_of

    mac = mac_of(text.encode(errors="surrogateescape"))
    if mac is None:
        raise InvalidValue(f"{text!r} is not a MAC address", "Write it like 02:00:00:ab:cd:ef.")
    return mac


def refuse_two_on_stdout(file: str, *, as_json: bool) -> None:
    """Hold that JSON is alone on stdout.

    Raises:
        InvalidValue: the file goes there, too.
    """
    if as_json and file == "-":
        raise InvalidValue(
            "the file goes to stdout, and so would the JSON", "Name a file, or leave out --json."
        )


def typed_or_read(value: str | None) -> str | None:
    """``-`` reads a PIN or a secret from the first line of stdin, so that no history keeps it."""
    return sys.stdin.readline().rstrip("\r\n") if value == "-" else value
