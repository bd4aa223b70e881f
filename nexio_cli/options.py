"""Options that several commands have, each spelled once; and the store they work on."""

from __future__ import annotations

import os
import sys
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nexio.configuration import Configuration
    from nexio.store.engine import Reading, Store, Writing

as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON for scripts.")

location = click.option(
    "--location",
    "location_name",
    envvar="NEXIO_LOCATION",
    metavar="NAME",
    help="Which location; not needed where there is only one.  [env: NEXIO_LOCATION]",
)

yes = click.option("--yes", is_flag=True, help="Do not ask whether you are sure.")

insecure_short_pin = click.option(
    "--insecure-short-pin",
    is_flag=True,
    help="Allow PINs that are easy to guess: of 5 digits, or too many of few digits on a day.",
)

visit = click.argument("visit", metavar="VISIT")


class Asked(click.Option):
    """A required option that is asked for on a terminal, instead of an error."""

    def process_value(self, ctx: click.Context, value: Any) -> Any:
        """Ask where the command line, the environment and the default are silent."""
        missing = self.required and self.value_is_missing(value)
        # Resilient: the shell wants to know what may follow; the keyboard is its own then.
        if missing and not ctx.resilient_parsing and sys.stdin.isatty():
            value = click.prompt(str(self.name).replace("_", " ").capitalize(), err=True)
        return super().process_value(ctx, value)


def configuration() -> Configuration:
    """The settings of this deployment."""
    from nexio.configuration import Configuration

    return Configuration.from_environment(os.environ)


@contextmanager
def opened() -> Iterator[Store]:
    """The store of this deployment."""
    from nexio.store.engine import Store

    with closing(Store.open(configuration())) as store:
        yield store


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
    """Ask on a terminal before something is destroyed.

    Raises:
        click.Abort: the answer is no.
    """
    if not yes and sys.stdin.isatty():
        click.confirm(question, abort=True, err=True)


def typed_or_read(value: str | None) -> str | None:
    """``-`` reads a PIN or a secret from the first line of stdin, so that no history keeps it."""
    return sys.stdin.readline().rstrip("\r\n") if value == "-" else value
