"""``nexio visitor import``, ``export`` and ``slip``: visitors as files."""

from __future__ import annotations

import io
import os
import shutil
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, TextIO

import click

from nexio.errors import InvalidValue, NotFound, Unreachable
from nexio.input.names import counted
from nexio_cli.terminal import finding, once, options, output, posting, progress

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from nexio.reception.importing import Imported, Remark
    from nexio_cli.terminal.json_types import ImportJson, RemarkJson

BOM = "\ufeff"


@click.command("import", cls=once.Command)
@click.argument("file", metavar="FILE")
@click.option("--dry-run", is_flag=True, help="Only look whether all of it can be registered.")
@options.group_option("A group for the visitors of rows that name none.")
@click.option(
    "--duplicates",
    type=click.Choice(["refuse", "skip"]),
    default="refuse",
    show_default=True,
    help="What to do with a row whose e-mail (or name, without one) is expected at the same time "
    "already, by the store or by an earlier row.",
)
@click.option(
    "--no-email",
    is_flag=True,
    help="The e-mail may be missing; the visitor logs in by a name then.",
)
@options.far
@options.insecure_short_pin
@options.location
@options.as_json
def import_(
    file: str,
    group: str | None,
    duplicates: str,
    location_name: str | None,
    *,
    dry_run: bool,
    no_email: bool,
    far: bool,
    insecure_short_pin: bool,
    as_json: bool,
) -> None:
    """Register the visitors of a CSV file: all of them or nobody.

    '-' reads stdin. The first row names the columns: "first name", "last name", "email" and
    "arrival"; if needed "until", "duration", "host", "company", "phone", "notes", "pin",
    "devices", "group" and
    "language". A PIN that another system has sent stays good in the column "pin".

    The file is UTF-8 or UTF-16, as Excel saves it, with comma, semicolon or tab. Arrivals are
    written as at 'nexio visitor register'.

    Every row that cannot be registered is listed with its line and the reason. Then nobody is.
    """
    from nexio.reception.importing import Wishes, import_visits
    from nexio.reception.registration_texts import Allowed, parse_group

    wishes = Wishes(
        group=parse_group(group or "")[0],
        skip_duplicates=duplicates == "skip",
        far=far,
        allowed=Allowed(insecure_short_pin=insecure_short_pin, no_email=no_email),
        dry_run=dry_run,
    )
    with options.opened() as store, _opened(file) as opened:
        with progress.watching(quiet=as_json) as watch:
            imported = import_visits(store, location_name, opened, wishes, watch)
        if as_json:
            output.print_json(_shape(imported))
        _report(imported, dry_run=dry_run, quiet=as_json)
        if imported.visits:
            posting.deliver_now(quiet=as_json)


@click.command(cls=once.Command)
@click.argument("file", metavar="[FILE]", default="-")
@click.option("--date", "day", metavar="DAY", help="Only arrivals of one day.")
@options.group_option("Only the visits of a group.")
@click.option("--all", "everything", is_flag=True, help="Past visits too.")
@options.location
@options.as_json
def export(
    file: str,
    day: str | None,
    group: str | None,
    location_name: str | None,
    *,
    everything: bool,
    as_json: bool,
) -> None:
    """Write the visits from today on to a CSV file, or to stdout, as 'import' reads them.

    It holds the PINs: only you may read the file. It must not exist yet. A cell that a
    spreadsheet would take for a formula gets an apostrophe in front, which 'import' takes off.

    --json says what was written into a FILE; for the visits as JSON see 'nexio visitor list'.
    """
    from nexio.input.calendar_days import parse_day
    from nexio.locations.locations import get_location
    from nexio.reception.exporting import write_visits
    from nexio.reception.visits import VisitFilter, VisitState, each_visit

    options.refuse_two_on_stdout(file, as_json=as_json)
    with options.reading() as work:
        location = get_location(work, location_name)
        which = VisitFilter(
            day=parse_day(day, work.now, location.zone) if day is not None else None,
            group=group,
            past_and_deleted=everything,
        )
        found = each_visit(work, location, which)
        visits = (visit for visit in found if visit.state is not VisitState.DELETED)
        with _created(file) as created:
            if file != "-":
                created.write(BOM)  # by which Excel knows UTF-8
            number = write_visits(visits, created)
    if as_json:
        output.print_json({"file": file, "rows": number})
    output.say(f"{counted(number, 'visit')} of {location.name}.")


@click.command(cls=once.Command)
@options.visit_or_not
@options.group_option("One for each visitor of a group, instead.")
@click.option("--output", "file", metavar="FILE", default="-", help="Default: stdout.")
@options.location
@options.as_json
def slip(
    visit: str | None, group: str | None, file: str, location_name: str | None, *, as_json: bool
) -> None:
    """Make a slip to print: PIN, QR code, network, and when the Wi-Fi works.

    It is a page of HTML for any browser, a sheet of paper for each visitor. It holds the PIN:
    only you may read the file. It must not exist yet. A terminal is no browser: there, name a
    file.
    """
    from nexio.mail.slips import slip_page

    options.refuse_two_on_stdout(file, as_json=as_json)
    if file == "-" and sys.stdout.isatty():
        raise InvalidValue(
            "a slip is a page for a browser", "Write it into a file: --output slip.html"
        )
    with options.reading() as work:
        if visit is not None:
            visit = str(finding.visit_to_show(work, visit, location_name).id)
        visits = options.chosen(work, visit, group, location_name)
        page = slip_page(work, visits)
    with _created(file) as created:
        created.write(page)
    if as_json:
        output.print_json({"file": file, "rows": len(visits)})


@contextmanager
def _opened(name: str) -> Iterator[BinaryIO]:
    """A file that can be read anew from its beginning, which stdin cannot."""
    if name == "-":
        with tempfile.TemporaryFile() as copy:
            shutil.copyfileobj(getattr(sys.stdin, "buffer", None) or _octets(sys.stdin), copy)
            yield copy
        return
    try:
        with Path(name).open("rb") as file:
            yield file
    except FileNotFoundError:
        raise NotFound(f"there is no file {name}", "Look at its name.") from None
    except OSError as error:
        if error.filename is None:  # nothing of this file
            raise
        raise Unreachable(
            f"the file {name} cannot be read: {error.strerror}", "Look at its rights."
        ) from error


def _octets(stream: TextIO) -> BinaryIO:
    return io.BytesIO(stream.read().encode())


@contextmanager
def _created(name: str) -> Iterator[TextIO]:
    """A new file that only its owner may read, or stdout; no file that ends in the middle stays."""
    if name == "-":
        yield sys.stdout
        return
    try:
        descriptor = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise InvalidValue(f"there is a file {name} already", "Choose another name.") from None
    except OSError as error:
        raise Unreachable(
            f"the file {name} cannot be made: {error.strerror}", "Choose another place."
        ) from error
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as file:
            yield file
    except BaseException:  # a full disk may be noticed no earlier than as it is closed
        Path(name).unlink()
        raise


def _report(imported: Imported, *, dry_run: bool, quiet: bool) -> None:
    """What became of the file.

    Raises:
        InvalidValue: some rows are wrong.
    """
    if not quiet:
        skipped = [each for each in imported.duplicates if each not in imported.faults]
        _list(skipped, "left out: ")
        _list(imported.faults)
    rows = {fault.line for fault in imported.faults}
    if rows:
        be = "row is" if len(rows) == 1 else "rows are"
        raise InvalidValue(
            f"{len(rows)} {be} wrong, so nobody was registered",
            "Correct the file, and look it over with --dry-run.",
        )
    if quiet:
        return
    visitors = counted(imported.ready, "visitor")
    if dry_run:
        output.print_headline(f"{visitors} can be registered at {imported.location.name}.")
    else:
        output.print_headline(f"Registered {visitors} at {imported.location.name}.")


def _list(remarks: Sequence[Remark], what: str = "") -> None:
    for each in remarks:
        output.say(f"line {each.line}: {what}{each.message}. {each.advice}".rstrip())


def _shape(imported: Imported) -> ImportJson:
    return {
        "location": imported.location.name,
        "ready": imported.ready,
        "visits": list(imported.visits),
        "duplicates": [_remark(each) for each in imported.duplicates],
        "faults": [_remark(each) for each in imported.faults],
    }


def _remark(remark: Remark) -> RemarkJson:
    return {"line": remark.line, "message": remark.message, "advice": remark.advice}
