"""``nexio visitor reissue``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from nexio.errors import InvalidValue, NexioError, Refused
from nexio_cli.terminal import finding, once, options, output, posting
from nexio_cli.terminal.session_view import tell_of_open_sessions
from nexio_cli.terminal.shapes import visit_json
from nexio_cli.terminal.visit_view import COLUMNS, row_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nexio.reception.visits import Visit
    from nexio_cli.terminal.json_types import ReissuedJson, ReissueFailedJson


@click.command("reissue", cls=once.Command)
@click.argument("visits", metavar="VISIT...", nargs=-1)
@click.option(
    "--without-token",
    is_flag=True,
    help="Instead of VISIT: all visits of the location that are not over, have no Wi-Fi, and "
    "would get it today.",
)
@click.option("--dry-run", is_flag=True, help="Only list them.")
@options.location
@options.yes
@options.as_json
@click.pass_context
def reissue(
    context: click.Context,
    visits: tuple[str, ...],
    location_name: str | None,
    *,
    without_token: bool,
    dry_run: bool,
    yes: bool,
    as_json: bool,
) -> None:
    """Register visits anew: a new number, a new PIN, a new mail, Wi-Fi by today's settings.

    Host, notes, check-ins, and an end or duration that was named come along. nexio deletes the
    original, mails nothing about that, and refuses its PIN. A visit that is deleted or over
    cannot be reissued.

    Each visit is reissued by itself. If some fail, the others are done, the exit code is 4, and
    a line says how to repeat the failed ones.
    """
    if bool(visits) == without_token:
        raise InvalidValue("which visits?", "Give visits, or --without-token for all that need it.")
    chosen = _choose(finding.visits_to_change(visits, location_name), location_name)
    if dry_run:
        output.print_list(
            chosen,
            visit_json,
            COLUMNS[:4],
            lambda visit: row_of(visit)[:4],
            "No visit needs it.",
            as_json=as_json,
        )
        return
    if chosen:
        what = "1 visit, with" if len(chosen) == 1 else f"{len(chosen)} visits, each with"
        options.confirm(f"Reissue {what} a new PIN and mail?", yes=yes)
    with options.opened():  # once: SQLAlchemy prepares each statement for an open store
        results = [_reissue(visit, number, len(chosen)) for number, visit in enumerate(chosen, 1)]
    failed = [str(result["visit"]) for result in results if "error" in result]
    words = f"Reissued: {len(results) - len(failed)}. Failed: {len(failed)}."
    output.print_answer(results, words, as_json=as_json)
    if failed:
        output.say(f"When you have fixed that: nexio visitor reissue {' '.join(failed)}")
    if len(failed) < len(results):
        posting.deliver_now(quiet=as_json)
    context.exit(Refused.exit_code if failed else 0)


def _choose(visits: Sequence[str], location_name: str | None) -> list[Visit]:
    from nexio.locations.locations import get_location
    from nexio.reception.reissue import list_without_token
    from nexio.reception.visits import get_visit

    with options.reading() as work:
        if visits:
            found = [get_visit(work, visit, location_name) for visit in visits]
            return list({visit.id: visit for visit in found}.values())  # nobody twice
        return list_without_token(work, get_location(work, location_name))


def _reissue(visit: Visit, number: int, of: int) -> ReissuedJson | ReissueFailedJson:
    """One visit in its own transaction; what went wrong is told and the others go on."""
    from nexio.reception.reissue import reissue as renew

    try:
        with options.writing() as work:
            new = renew(work, visit.id)
    except NexioError as error:
        output.say(f"{number}/{of}  visit {visit.id}, {visit.name}: {error}. {error.advice}")
        return {"visit": visit.id, **output.error_json(error)}
    output.say(f"{number}/{of}  visit {visit.id}, {visit.name}: now visit {new.id}")
    tell_of_open_sessions(visit.id, wait=False)
    return {"visit": visit.id, "reissued": visit_json(new)}
