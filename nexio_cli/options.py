"""Options that several commands have, each spelled once; and the store they work on."""

from __future__ import annotations

import os
import sys
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

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

visit = click.argument("visit", metavar="VISIT")


def configuration() -> Configuration:
    """The settings of this deployment."""
    from nexio.configuration import Configuration

    return Configuration.from_environment(os.environ)


@contextmanager
def reading() -> Iterator[Reading]:
    """A look at the store of this deployment."""
    with closing(_open_store()) as store, store.read() as work:
        yield work


@contextmanager
def writing() -> Iterator[Writing]:
    """A transaction in the store of this deployment: all of the command or nothing."""
    with closing(_open_store()) as store, store.write() as work:
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


def _open_store() -> Store:
    from nexio.store.engine import Store

    return Store.open(configuration())
