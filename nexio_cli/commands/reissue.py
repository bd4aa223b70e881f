"""``nexio visitor reissue``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from nexio.errors import InvalidValue, NexioError, Refused, Rule
from nexio_cli.terminal import finding, once, options, output, posting
from nexio_cli.terminal.session_view import report_ended_sessions
from nexio_cli.terminal.shapes import visit_json
from nexio_cli.terminal.visit_view import COLUMNS, print_visit, row_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from nexio.reception.visits import Visit
    from nexio.store.engine import Reading
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

    If some cannot be, the others are done, the exit code is 4, and a line says how to repeat the
    failed ones. Those that can are done together, or none of them: without enough free PINs, or
    if more visitors than planned would have Wi-Fi at one time, nothing changes.
    """
    from nexio.reception.reissue import reissue_all

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
    numbers = [visit.id for visit in chosen]
    with options.opened():
        with options.writing() as work:
            answers = reissue_all(work, numbers)
        failed = _print_outcomes(chosen, answers)
        report_ended_sessions(list(set(numbers) - set(failed)))
        with options.reading() as work:
            if as_json:
                output.print_json_array(_results(work, numbers, answers))
            else:
                _print_summary(work, answers)
    if again := [number for number, error in failed.items() if not _is_final(error)]:
        output.say(f"When you have fixed that: nexio visitor reissue {' '.join(map(str, again))}")
    if len(failed) < len(numbers):
        posting.deliver_now(quiet=as_json)
    context.exit(Refused.exit_code if failed else 0)


def _choose(visits: Sequence[str], location_name: str | None) -> list[Visit]:
    from nexio.locations.locations import get_location
    from nexio.reception.reissue import list_without_token
    from nexio.reception.visits import get_visits

    with options.reading() as work:
        if visits:
            return get_visits(work, visits, location_name)
        return list_without_token(work, get_location(work, location_name))


def _is_final(error: NexioError) -> bool:
    """Whether the visit cannot be reissued later either."""
    return isinstance(error, Refused) and error.rule in {Rule.REPLACED, Rule.DELETED}


def _print_outcomes(
    chosen: Sequence[Visit], answers: Sequence[int | NexioError]
) -> dict[int, NexioError]:
    """Print a line for each visit; return the numbers of those that failed, and why."""
    failed = {}
    for number, (visit, answer) in enumerate(zip(chosen, answers, strict=True), 1):
        outcome = f"now visit {answer}"
        if isinstance(answer, NexioError):
            failed[visit.id] = answer
            outcome = f"{answer}. {answer.advice}"
        output.say(f"{number}/{len(chosen)}  visit {visit.id}, {visit.name}: {outcome}")
    return failed


def _print_summary(work: Reading, answers: Sequence[int | NexioError]) -> None:
    """Print how many were reissued, and the new PIN: the old one is refused from now on."""
    from nexio.reception.visits import visits_of_numbers

    new = [each for each in answers if isinstance(each, int)]
    words = f"Reissued: {len(new)}. Failed: {len(answers) - len(new)}."
    if len(new) == len(answers) == 1:
        print_visit(next(visits_of_numbers(work, new)), headline=words, as_json=False)
        return
    output.print_headline(words)
    if new:
        output.say("See a new PIN: nexio visitor show NUMBER")
    elif not answers:
        output.say("No visit needs it.")


def _results(
    work: Reading, numbers: Sequence[int], answers: Sequence[int | NexioError]
) -> Iterator[ReissuedJson | ReissueFailedJson]:
    from nexio.reception.visits import visits_of_numbers

    new = visits_of_numbers(work, [each for each in answers if isinstance(each, int)])
    for number, answer in zip(numbers, answers, strict=True):
        if isinstance(answer, NexioError):
            yield {"visit": number, **output.error_json(answer)}
        else:
            yield {"visit": number, "reissued": visit_json(next(new))}
