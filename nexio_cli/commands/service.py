"""``nexio service``."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from nexio_cli.terminal import installing, once, options, output

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

SERVICES = ("radiusd", "webd", "housekeeping")

folder = click.option(
    "--units",
    "folder",
    metavar="DIR",
    default="/etc/systemd/system",
    show_default=True,
    type=click.Path(path_type=Path, exists=True, file_okay=False, resolve_path=True),
    help="systemd's folder.",
)

user = click.option(
    "--user", default="nexio", show_default=True, metavar="NAME", help="Who the services run as."
)


@click.group(cls=once.Group)
def command() -> None:
    """Let systemd run the servers and the periodic jobs."""


@command.command()
@click.argument("services", nargs=-1, type=click.Choice(SERVICES), metavar="[SERVICE]...")
@folder
@user
@installing.dry_run
@options.as_json
def install(
    services: Sequence[str], folder: Path, user: str, *, dry_run: bool, as_json: bool
) -> None:
    """Write the units of systemd, or renew them; all of it or nothing.

    SERVICE is radiusd (the RADIUS server), webd (the pages for tablets, desks and phones) or
    housekeeping (a timer, every five minutes); without one, all three. Beside FreeRADIUS with
    the plugin, leave out radiusd. Those that were installed before and are not named are removed,
    unless you have changed them.

    nexio renews the units that nobody has changed, and keeps what you have changed: a newer
    version of such a unit goes into nexio/new there. 'systemctl edit' is the better way to
    change one.

    The units name the folder of data, the key and the programs that this command finds. The
    address of a database belongs into the configuration file, or into the files that the units
    name. The services get a copy of the key from systemd at their start: restart them after
    'nexio key rotate'.
    """
    from nexio.operations.units import UNITS, plan_install

    services = services or SERVICES
    plan = plan_install(folder, services, user, options.configuration())
    installing.carry_out(plan, "The units are in", dry_run=dry_run, as_json=as_json)
    if not as_json:
        output.warn(_unseen())
    if not dry_run:
        names = " ".join(UNITS[each][-1] for each in SERVICES if each in services)
        output.say(f"Then: systemctl daemon-reload; systemctl enable --now {names}")


def _unseen() -> Iterator[str]:
    if os.environ.get("NEXIO_DATABASE_URL"):
        yield (
            "the services do not see NEXIO_DATABASE_URL of this shell: write it to database-url in"
            " /etc/nexio/nexio.toml, or to the files in /etc/nexio that the units name"
        )


@command.command()
@folder
@installing.dry_run
@options.yes
@options.as_json
def uninstall(folder: Path, *, dry_run: bool, yes: bool, as_json: bool) -> None:
    """Remove the units, and the links with which systemd starts them.

    Units that you have changed stay, and nexio names them. Running it twice does no harm.
    """
    from nexio.operations.units import plan_uninstall, units_to_enable

    plan, names = plan_uninstall(folder), " ".join(units_to_enable(folder))
    if plan.changes and not dry_run:
        options.confirm(f"Remove the units from {folder}?", yes=yes)
    installing.carry_out(plan, "The units are removed from", dry_run=dry_run, as_json=as_json)
    if names and not dry_run:
        output.say(f"Then: systemctl stop {names}; systemctl daemon-reload")


@command.command()
@folder
@user
@options.as_json
@click.pass_context
def check(context: click.Context, folder: Path, user: str, *, as_json: bool) -> None:
    """Check the units and what they need; exit code 4 when something is wrong."""
    from nexio.operations.units import look_over

    findings = list(look_over(folder, user, options.configuration()))
    context.exit(output.print_findings(findings, as_json=as_json))
