"""Showing and carrying out the plan of an installation."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from nexio_cli.terminal import output

if TYPE_CHECKING:
    from nexio.installing.plan import Plan

dry_run = click.option("--dry-run", is_flag=True, help="Show what would be done; change nothing.")


def carry_out(plan: Plan, done: str, *, dry_run: bool) -> None:
    """Do what is planned, and print it.

    Args:
        plan: what is to be done.
        done: begins the sentence that ends with the folder.
        dry_run: only print it.
    """
    if not dry_run:
        plan.carry_out()
    for change in plan.changes:
        verb, what = change.words
        output.print_line(f"{verb:<6}  {what}")
    for path, why in plan.kept:
        output.print_line(f"keep    {path} ({why})")
    if dry_run:
        output.say("Nothing was changed.")
    elif plan.changes:
        output.print_headline(f"{done} {plan.folder}.")
    else:
        output.print_headline(f"There is nothing to do in {plan.folder}.")
