"""Options that several commands share, and the store that they work on."""

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
"""Key of click's context for the open store of a command."""

LARGEST_ID = 2**63 - 1

INTERRUPTED = 130
"""The exit code of Ctrl-C."""

_FILE = "nexio.config"
_SETTINGS = "nexio.settings"
"""Key of click's context for the name and the content of the configuration file."""

SHOWN = 5
"""How many bad rows to show; the rest is counted."""

as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON for scripts.")


def languages(_context: click.Context, _option: click.Parameter, start: str) -> list[str]:
    """The completions of ``--language``."""
    from nexio.languages import LANGUAGES

    return [each for each in LANGUAGES if each.startswith(start)]


@contextmanager
def until_ctrl_c() -> Iterator[None]:
    """A context that runs until Ctrl-C, which sets the exit code and is no error."""
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
    """The environment, completed by the configuration file, which is read once."""
    from nexio.configuration_file import with_file

    context = click.get_current_context(silent=True)
    known = {} if context is None else context.meta
    if _SETTINGS not in known:
        known[_SETTINGS] = with_file(os.environ, named_file())
    read: dict[str, str] = known[_SETTINGS]
    return read


def setting(variable: str, otherwise: str | None = None) -> Callable[[], str | None]:
    """A variable, from the environment or the configuration file, as the default of an option."""

    def default() -> str | None:
        if click.get_current_context().resilient_parsing:  # the shell asks for completions
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
    """The values of ``--reply``, checked against the dictionary; None where it is not given."""
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
"""What this command has committed so far; it stays committed if the output cannot be written."""

after_option = click.option(
    "--after",
    metavar="ID",
    type=click.IntRange(0, LARGEST_ID),
    help="Go on after this number, where a list ended.",
)
"""A script continues a list after the last number that it has."""

_limit = click.option(
    "--limit", metavar="N", type=click.IntRange(0, 100_000), help="How many to show at most."
)


def paged(callback: Callback) -> Callback:
    """``--limit`` and ``--after`` of a list; :func:`page` applies them."""
    return _limit(after_option(callback))


def page(
    things: Sequence[Thing],
    limit: int | None,
    after: int | None,
    number: Callable[[Thing], int | None] = attrgetter("id"),
) -> Sequence[Thing]:
    """The requested part of a list, in the order of the list.

    Raises:
        NotFound: nothing on the list has the number of ``--after``.
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
    """The store of this deployment; nested blocks share one that is open."""
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
    """Warn once in a command, however often it opens the store."""
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
    """A read transaction in the store of this deployment."""
    with opened() as store, store.read() as work:
        yield work


@contextmanager
def writing() -> Iterator[Writing]:
    """A write transaction in the store of this deployment: all of the command or nothing."""
    with opened() as store, store.write() as work:
        yield work


def confirm(question: str, *, yes: bool) -> None:
    """Ask before something is destroyed.

    Raises:
        click.Abort: the answer is no.
        Refused: there is no terminal to ask on, and no --yes.
    """
    if not yes:
        refusal = f"this needs a terminal or --yes: {question}"
        ask_or_refuse(question, Refused(refusal, "To do it without being asked, add --yes."))


def ask_or_refuse(question: str, refusal: Refused) -> None:
    """Ask, or refuse where nobody can be asked.

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
    """Convert a MAC address of any notation into that of the store.

    Raises:
        InvalidValue: it is no MAC address.
    """
    from radius_auth.decision.devices import mac_of

    mac = mac_of(text.encode(errors="surrogateescape"))
    if mac is None:
        raise InvalidValue(f"{text!r} is not a MAC address", "Write it like 02:00:00:ab:cd:ef.")
    return mac


def refuse_two_on_stdout(file: str, *, as_json: bool) -> None:
    """Refuse to write both JSON and a file to stdout.

    Raises:
        InvalidValue: both would go there.
    """
    if as_json and file == "-":
        raise InvalidValue(
            "the file goes to stdout, and so would the JSON", "Name a file, or leave out --json."
        )


def typed_or_read(value: str | None) -> str | None:
    """Read a PIN or secret of ``-`` from the first line of stdin, so that no history has it."""
    return sys.stdin.readline().rstrip("\r\n") if value == "-" else value
