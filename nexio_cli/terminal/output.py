"""Prints for persons and scripts: results on stdout, messages on stderr.

All text passes :func:`plain`: the store's content may come from elsewhere, and must not control a
terminal or start a new line.
"""

from __future__ import annotations

import itertools
import json
import os
import re
import sys
from typing import TYPE_CHECKING, TypeVar

import click

from nexio.errors import Refused
from nexio.input.spreadsheets import neutral
from nexio.streams import silence

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from nexio.errors import NexioError
    from nexio.operations.health import Finding
    from nexio_cli.terminal.json_types import ErrorJson, FindingJson, Printed

Thing = TypeVar("Thing")

COLOR = False if os.environ.get("NO_COLOR") else None
"""None means colour on a terminal (https://no-color.org)."""
_STEERING = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]"
)
"""Control characters, line breaks, and characters that change the order in which a line is shown
("Trojan Source", CVE-2021-42574).  The joiners of Persian and Hindi names are not among them."""

WIDE = 110
"""Columns of a terminal that is not narrow."""

PART = 500
"""How many rows of a long list to print at a time."""

_TWO_DOTS = re.compile(r"(?<!\.)\.\.(?=\s|$)")
"""The end of a sentence that ends with "King, Jr." or "Harbour Ltd."; three dots are left alone."""


def sentence(text: str) -> str:
    """Our own words as :func:`plain` text; a sentence that ends with "Jr." gets no second dot."""
    return _TWO_DOTS.sub(".", plain(text))


def plain(text: str) -> str:
    r"""Text on one line that cannot steer a terminal: ``\\x1b``, ``\\n``, ``\\u202e``."""
    return _STEERING.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


def print_json(value: Printed | Sequence[Printed] | Sequence[str]) -> None:
    """One object or one array."""
    click.echo(json_text(value, indent=2))


def print_json_line(value: Printed) -> None:
    """One object on a line of its own, in a sequence of objects."""
    click.echo(json_text(value))


def json_text(value: object, indent: int | None = None) -> str:
    r"""JSON with letters as they are; what steers a terminal as ``\\u009b``."""
    text = json.dumps(value, indent=indent, ensure_ascii=False)
    return _STEERING.sub(_escaped_in_json, text)


def _escaped_in_json(found: re.Match[str]) -> str:
    return "\n" if found[0] == "\n" else f"\\u{ord(found[0]):04x}"


def print_list(
    things: Iterable[Thing],
    shape: Callable[[Thing], Printed],
    header: Sequence[str],
    row: Callable[[Thing], Sequence[str]],
    nothing: str,
    *,
    as_json: bool,
    only_wide: Sequence[str] = (),
    whole: Sequence[str] = (),
) -> None:
    """A table with a row for each thing, or a JSON array of their shapes."""
    if as_json:
        print_json_array(shape(thing) for thing in things)
    else:
        print_table(header, (row(thing) for thing in things), nothing, only_wide, whole)


def print_json_array(values: Iterable[Printed]) -> None:
    """:func:`print_json` of many, some at a time: the first do not wait until the last are made."""
    begins = "["
    for part in _parts(values):
        texts = [json_text(value, indent=2).replace("\n", "\n  ") for value in part]
        click.echo(begins + ",".join(f"\n  {text}" for text in texts), nl=False)
        begins = ","
    click.echo("[]" if begins == "[" else "\n]")


def print_table(
    header: Sequence[str],
    rows: Iterable[Sequence[str]],
    nothing: str,
    only_wide: Sequence[str] = (),
    whole: Sequence[str] = (),
) -> None:
    """A table on a terminal; tabs between the columns where the output goes into a pipe.

    Many rows are printed some at a time, on a terminal as one table after the other.

    Args:
        header: names of the columns.
        rows: cells.
        nothing: the message on stderr if there is no row.
        only_wide: columns that a narrow terminal leaves out.
        whole: columns that are never wrapped, so that they can be copied.
    """
    parts = _parts([plain(plain_cell(cell)) for cell in row] for row in rows)
    first = next(parts, [])  # before the header: an immediate error is printed alone
    if not first:
        say(nothing)
    is_terminal = sys.stdout.isatty()
    if not is_terminal:
        click.echo("\t".join(header))
    for part in itertools.chain([first] if first else [], parts):
        if is_terminal:
            _print_rich_table(header, part, only_wide, whole)
        else:
            click.echo("\n".join("\t".join(row) for row in part))


def _parts(things: Iterable[Thing]) -> Iterator[list[Thing]]:
    """All of them, up to :data:`PART` at a time."""
    rest = iter(things)
    while part := list(itertools.islice(rest, PART)):
        yield part


def plain_cell(text: str) -> str:
    """A cell that no spreadsheet reads as a formula: a visitor's company may be ``=cmd|…``."""
    return neutral(text)


def print_sentence(text: str) -> None:
    """A line of the result that is a sentence."""
    click.echo(sentence(text))


def print_fields(fields: Iterable[tuple[str, str | None]]) -> None:
    """Names and values below each other; empty values and None are left out."""
    shown = [(name, value) for name, value in fields if value]
    width = max((len(name) for name, _ in shown), default=0)
    for name, value in shown:
        click.echo(f"  {click.style(f'{name:<{width}}', dim=True)}  {plain(value)}")


def print_headline(text: str) -> None:
    """The first line of an answer."""
    click.echo(click.style(sentence(text), bold=True))


def print_answer(
    shape: Printed | Sequence[Printed],
    text: str,
    fields: Iterable[tuple[str, str | None]] = (),
    *,
    as_json: bool,
) -> None:
    """The answer in one line, with details below it; or as JSON."""
    if as_json:
        print_json(shape)
    else:
        print_headline(text)
        print_fields(fields)


def print_line(text: str) -> None:
    """A line of the result."""
    click.echo(plain(text))


def print_findings(findings: Sequence[Finding], *, as_json: bool) -> int:
    """Findings, a line each, with advice for those that are not well.

    Returns:
        The exit code.
    """
    if as_json:
        print_json([_finding_shape(finding) for finding in findings])
    for finding in findings if not as_json else []:
        mark = click.style("ok   ", fg="green") if finding.well else click.style("WRONG", fg="red")
        click.echo(f"{mark}  {finding.subject}: {sentence(finding.message)}")
        if finding.advice:
            print_sentence(f"       {finding.advice}")
    return 0 if all(finding.well for finding in findings) else Refused.exit_code


def _finding_shape(finding: Finding) -> FindingJson:
    return {
        "subject": finding.subject,
        "well": finding.well,
        "message": finding.message,
        "advice": finding.advice,
    }


def print_qr(content: str) -> None:
    """A QR code in half blocks, dark on light, whatever the colours of the terminal."""
    from qrcode import QRCode
    from qrcode.constants import ERROR_CORRECT_M

    code = QRCode(error_correction=ERROR_CORRECT_M, border=2)
    code.add_data(content)
    code.print_ascii(out=sys.stdout, invert=not sys.stdout.isatty(), tty=sys.stdout.isatty())


def say(text: str) -> None:
    """A message beside the result."""
    say_styled(sentence(text))


def say_styled(text: str) -> None:
    """The same for our own text, with colours; if stderr is closed the work goes on."""
    try:
        click.echo(text, err=True, color=COLOR)
    except OSError:
        silence(sys.stderr)


def say_error(message: str, advice: str) -> None:
    """An error and the advice for it, a line each."""
    if message.split(maxsplit=1)[0].isalpha():  # a setting or a name stays as it is written
        message = message[:1].upper() + message[1:]
    say_styled(f"{click.style('Error:', fg='red', bold=True)} {sentence(message)}")
    if advice:
        say_styled(f"{click.style('Hint:', bold=True)}  {sentence(advice)}")


def say_wrong(wrong: ErrorJson, *, as_json: bool) -> None:
    """The error that ended the command, for a person or as one line of JSON."""
    if as_json:
        say_styled(json_text(wrong))
    else:
        say_error(wrong["error"], wrong["advice"])


def error_json(error: NexioError) -> ErrorJson:
    """The same for scripts."""
    return {"error": str(error), "code": error.code, "advice": error.advice}


def warn(texts: Iterable[str]) -> None:
    """Warnings about something that was done nevertheless."""
    for text in texts:
        say_styled(f"{click.style('Warning:', fg='yellow', bold=True)} {sentence(text)}")


_MOMENT = re.compile(r"(\w{3} \d{1,2} \w{3} \d{4} \d\d:\d\d)(?: ([+-]\d\d:\d\d))?")
"""What :func:`nexio.input.zones.show` writes."""


def _without_offset(rows: Sequence[Sequence[str]]) -> tuple[Sequence[Sequence[str]], str | None]:
    """Rows without the offset of their times if all have the same one; and that offset."""
    moments = [_MOMENT.fullmatch(cell) for row in rows for cell in row]
    offsets = {found[2] for found in moments if found is not None}
    if len(offsets) != 1:
        return rows, None
    return [[_MOMENT.sub(r"\1", cell) for cell in row] for row in rows], offsets.pop()


def _print_rich_table(
    header: Sequence[str],
    rows: Iterable[Sequence[str]],
    only_wide: Sequence[str],
    whole: Sequence[str],
) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console(highlight=False)
    shown = [i for i, name in enumerate(header) if console.width >= WIDE or name not in only_wide]
    rows = [[row[i] for i in shown] for row in rows]
    rows, offset = _without_offset(rows)
    table = Table(box=SIMPLE_HEAD, pad_edge=False, header_style="bold", caption_justify="left")
    table.caption = offset and f"Times are {offset}."
    times = {i for row in rows for i, cell in enumerate(row) if _MOMENT.fullmatch(cell)}
    for i, name in enumerate(header[i] for i in shown):
        table.add_column(name, overflow="fold", no_wrap=name in whole or i in times)
    for row in rows:
        table.add_row(*map(Text, row))  # as text: a name may look like markup
    console.print(table)
