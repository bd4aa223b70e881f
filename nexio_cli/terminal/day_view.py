"""The day on a screen of 80 columns and 24 lines, as far as it fits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from rich.columns import Columns
from rich.console import Console, Group
from rich.table import Table
from rich.text import Text

from nexio.input.zones import show
from nexio_cli.terminal import output
from nexio_cli.terminal.day_rows import late_of, left_of, mail_words, refusal_words
from nexio_cli.terminal.people_view import short_time

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rich.console import ConsoleOptions, RenderableType, RenderResult

    from nexio.checkin.days import Person
    from nexio.checkin.today import Today
    from nexio.errors import Unreachable

_NAME: Final = 25
"""Cells of a time and a name where several stand on a line: three on 80 columns."""

_ON_A_LINE: Final = 3


@dataclass(frozen=True, slots=True)
class _Layout:
    """How much room to use."""

    line_for_each: bool
    most: int | None = None
    """How many entries of each list; None is all."""


_ROOMY, _DENSE = _Layout(line_for_each=True), _Layout(line_for_each=False)


@dataclass(frozen=True, slots=True)
class Screen:
    """The days of some locations, in as much detail as the screen has room for."""

    days: Sequence[Today]
    away: Unreachable | None = None
    """Why the data is not current."""

    may_scroll: bool = False
    """Whether to show everybody, however long it gets."""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Use the first layout that fits, or else the last."""
        layouts = [_ROOMY, _DENSE]
        height = options.max_height - self.may_scroll  # the prompt follows
        if not self.may_scroll:
            fewer = range(_ON_A_LINE * height, 0, -_ON_A_LINE)
            layouts += [_Layout(line_for_each=False, most=most) for most in fewer]
        for layout in layouts:
            whole = Group(*self._parts(layout))
            lines = console.render_lines(whole, options.update(height=None), pad=False)
            if len(lines) <= height:
                break
        yield whole

    def _parts(self, layout: _Layout) -> Iterator[RenderableType]:
        if self.away is not None:
            words = output.sentence(f"This is from before: {self.away}.")
            yield Text(words, style="bold red")
        for number, today in enumerate(self.days):
            if number:
                yield Text()
            yield from _parts_of(today, layout)


def console() -> Console:
    """The terminal, without markup or highlighting in names."""
    return Console(highlight=False, markup=False)


def _parts_of(today: Today, layout: _Layout) -> Iterator[RenderableType]:
    day, zone = today.day, today.location.zone
    yield Text.assemble((output.plain(today.location.name), "bold"), f"   {show(today.at, zone)}")
    late = len(late_of(today))
    heading = f"Expected {len(day.expected)}" + (f", {late} late" if late else "")
    yield from _people(heading, day.expected, today, layout)
    yield from _people(f"In the building {len(day.inside)}", day.inside, today, layout)
    left = left_of(today)
    yield from _people(f"Out {len(left)}", left, today, layout)
    always = _Layout(line_for_each=True, most=layout.most)
    if day.never_out:
        title = f"Never checked out {len(day.never_out)}"
        yield from _people(title, day.never_out, today, always)
    mails = [mail_words(each) for each in today.undelivered]
    yield from _lines("Mail not sent", mails, always)
    refused = [
        f"{each.at.astimezone(zone):%H:%M}  {refusal_words(each)}" for each in today.refusals
    ]
    yield from _lines("Refused by the Wi-Fi", refused, always)


def _people(
    title: str, people: Sequence[Person], today: Today, layout: _Layout
) -> Iterator[RenderableType]:
    shown = people[: layout.most]
    yield _title(title, len(people) - len(shown))
    late = late_of(today) if people is today.day.expected else []
    times = [
        short_time(each.at, today.location.zone, today.at) + (" late" if each in late else "")
        for each in shown
    ]
    if layout.line_for_each:
        table = Table.grid(padding=(0, 2, 0, 0))
        for _ in range(4):
            table.add_column(no_wrap=True, overflow="ellipsis")
        for at, each in zip(times, shown, strict=True):
            where = each.phone if each in today.day.never_out else _whom(each)
            cells = (at, each.name, each.company or "", where or "")
            table.add_row(*(Text(output.plain(cell)) for cell in cells))
        yield table
    else:
        names = [
            Text(output.plain(f"{at} {each.name}")) for at, each in zip(times, shown, strict=True)
        ]
        for name in names:
            name.truncate(_NAME, overflow="ellipsis")
        yield Columns(names, column_first=True, padding=(0, 2, 0, 0))


def _whom(person: Person) -> str | None:
    if person.kind == "member":
        return "member"
    return f"to see {person.host}" if person.host else None


def _lines(title: str, lines: Sequence[str], layout: _Layout) -> Iterator[RenderableType]:
    if lines:
        shown = lines[: layout.most]
        yield _title(f"{title} {len(lines)}", len(lines) - len(shown))
        yield from (Text(output.plain(line)) for line in shown)


def _title(title: str, missing: int) -> Text:
    return Text.assemble((title, "bold"), f" ({missing} of them not shown)" if missing else "")
