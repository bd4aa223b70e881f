"""Shows and carries out the plan of an installation."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from nexio_cli.terminal import output

if TYPE_CHECKING:
    from nexio.installing.plan import Plan
    from nexio_cli.terminal.json_types import InstallationJson

dry_run = click.option("--dry-run", is_flag=True, help="Show what would be done; change nothing.")


def carry_out(plan: Plan, done: str, *, dry_run: bool, as_json: bool) -> None:
    """Carry out a plan, and print it.

    Args:
        plan: the plan.
        done: begins the sentence that ends with the folder.
        dry_run: only print it.
        as_json: print it for scripts.
    """
    if not dry_run:
        plan.carry_out()
    if as_json:
        output.print_json(_shape(plan, dry_run=dry_run))
    else:
        _print(plan, done, dry_run=dry_run)


def _print(plan: Plan, done: str, *, dry_run: bool) -> None:
    for change in plan.changes:
        verb, what = change.words
        output.print_line(f"{verb:<6}  {what}")
    for path, why in plan.preserved:
        output.print_line(f"keep    {path} ({why})")
    if dry_run:
        output.say("Nothing was changed.")
    elif plan.changes:
        output.print_headline(f"{done} {plan.folder}.")
    else:
        output.print_headline(f"There is nothing to do in {plan.folder}.")


def _shape(plan: Plan, *, dry_run: bool) -> InstallationJson:
    return {
        "folder": str(plan.folder),
        "done": not dry_run,
        "changes": [
            {"verb": verb, "what": what} for verb, what in (each.words for each in plan.changes)
        ],
        "kept": [{"file": path, "why": why} for path, why in plan.preserved],
    }
