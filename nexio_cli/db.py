"""``nexio db``."""

from __future__ import annotations

import click

from nexio.errors import Refused
from nexio_cli import options, output


@click.group()
def command() -> None:
    """Upgrade and check the store."""


@command.command()
def upgrade() -> None:
    """Bring a store of an older version up to this one, all of it or nothing."""
    from nexio.store import schema
    from nexio.store.engine import connect, readable

    engine = connect(options.configuration().database_url)
    with readable(engine):
        before = schema.upgrade(engine)
    engine.dispose()
    if before == schema.HEAD:
        output.print_headline(f"The store has version {before} already.")
    else:
        output.print_headline(f"The store has version {schema.HEAD} now (it had {before}).")


@command.command()
@options.as_json
def current(*, as_json: bool) -> None:
    """Show the store's version, and the one that this software needs."""
    from nexio.store import schema
    from nexio.store.engine import connect, readable

    engine = connect(options.configuration().database_url)
    with readable(engine), engine.connect() as connection:
        version = schema.current_version(connection)
    engine.dispose()
    if as_json:
        output.print_json({"version": version, "needed": schema.HEAD})
    else:
        output.print_headline(f"The store has version {version}; {schema.HEAD} is needed.")


@command.command()
@options.as_json
@click.pass_context
def check(context: click.Context, *, as_json: bool) -> None:
    """Look for damage: the file, the tables, and every sealed value."""
    from nexio.checking import find_damage

    with options.reading() as work:
        damage = find_damage(work)
    if as_json:
        output.print_json(damage)
    else:
        for line in damage:
            click.echo(line)
    if not damage:
        output.say("The store is sound.")
    context.exit(Refused.exit_code if damage else 0)
