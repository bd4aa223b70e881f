"""``nexio freeradius``."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from nexio.errors import Refused
from nexio_cli.terminal import installing, once, options, output

raddb = click.option(
    "--raddb",
    "named",
    metavar="DIR",
    type=click.Path(path_type=Path, readable=False),
    help="FreeRADIUS's folder of configuration (default: /etc/freeradius/3.0, or where it is).",
)


@click.group(cls=once.Group)
def command() -> None:
    """Install and check the plugin for FreeRADIUS."""


@command.command()
@raddb
@installing.dry_run
@click.option(
    "--replace-default/--keep-default",
    default=None,
    help="FreeRADIUS's own site, which listens on port 1812, too: take its link out, or not.",
)
@click.option("--yes", is_flag=True, help="Do not ask about that site: take its link out.")
@options.as_json
def install(
    named: Path | None, *, dry_run: bool, replace_default: bool | None, yes: bool, as_json: bool
) -> None:
    """Put the plugin into FreeRADIUS's configuration, or renew it; all of it or nothing.

    nexio renews the files that nobody has changed, and keeps what you have changed: a newer
    version of such a file goes into mods-config/nexio/new. mods-config/nexio/installed.json
    notes what was written.

    FreeRADIUS's own site "default" listens on port 1812, as ours does: say --replace-default or
    --keep-default. --replace-default removes links only, never files; 'nexio freeradius
    uninstall' puts them back.

    It is refused where a file of one of our names is not ours, where another python3 module is
    enabled (FreeRADIUS can have one only), and where FreeRADIUS has another version of Python
    than nexio.

    Run it again after each new version of nexio, or when the store has moved.
    """
    from radius_auth.raddb.folder import find_raddb
    from radius_auth.raddb.installation import plan_install
    from radius_auth.raddb.obstacles import has_default
    from radius_auth.raddb.package import fill_in, packaged
    from radius_auth.raddb.program import require_same_python

    folder, configuration = find_raddb(named), options.configuration()
    require_same_python(folder)
    if replace_default is None and has_default(folder):
        replace_default = yes or _ask_about_default()
    source = fill_in(packaged(), configuration)
    plan = plan_install(folder, source, replace_default=bool(replace_default))
    installing.carry_out(plan, "The plugin is installed in", dry_run=dry_run, as_json=as_json)
    places = [("data", str(configuration.home)), ("key", str(configuration.key_file))]
    output.print_fields(places if not as_json else [])
    if not dry_run:
        where = "" if named is None else f" --raddb {folder}"
        output.say(f"Look it over: nexio freeradius check{where}. Then restart FreeRADIUS.")


@command.command()
@raddb
@installing.dry_run
@options.yes
@options.as_json
def uninstall(named: Path | None, *, dry_run: bool, yes: bool, as_json: bool) -> None:
    """Take the plugin out, and put back the links that it replaced.

    Files that you have changed stay, and nexio names them. Running it twice does no harm.
    """
    from radius_auth.raddb.folder import find_raddb
    from radius_auth.raddb.installation import plan_uninstall

    plan = plan_uninstall(find_raddb(named))
    if plan.changes and not dry_run:
        options.confirm(f"Take the plugin out of {plan.folder}?", yes=yes)
    installing.carry_out(plan, "The plugin is taken out of", dry_run=dry_run, as_json=as_json)


@command.command()
@raddb
@options.as_json
@click.pass_context
def check(context: click.Context, named: Path | None, *, as_json: bool) -> None:
    """Check FreeRADIUS and say what to do; exit code 4 when something is wrong.

    As root it tries key, store and spool as the user that FreeRADIUS runs as, and makes the
    spool where there is none; it changes nothing else. Anybody else tries key and store as
    themselves.
    """
    from radius_auth.raddb.checks import look_over
    from radius_auth.raddb.folder import find_raddb
    from radius_auth.raddb.program import find_program

    findings = list(look_over(find_raddb(named), find_program()))
    context.exit(output.print_findings(findings, as_json=as_json))


def _ask_about_default() -> bool:
    """Ask the engineer, who alone can know whether FreeRADIUS's own site is in use.

    Raises:
        Refused: nobody can be asked, or the answer is no.
    """
    question = "FreeRADIUS's own site `default` listens on port 1812, too. Take it out?"
    if not sys.stdin.isatty() or not click.confirm(question, err=True):
        raise Refused(
            "FreeRADIUS's own site `default` listens on port 1812, too",
            "--replace-default takes its link out of sites-enabled (uninstall puts it back);"
            " --keep-default leaves it, and you change the port in one of the two sites.",
        )
    return True
