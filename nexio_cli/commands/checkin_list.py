"""``nexio checkin list``: who came and went, and the list for an evacuation."""

from __future__ import annotations

import csv
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import click

from nexio.errors import InvalidValue
from nexio.input.spreadsheets import neutral
from nexio.input.zones import day_end, day_start, iso, local_date, show
from nexio_cli.terminal import once, options, output, places
from nexio_cli.terminal.shapes import tap_json

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import date, datetime
    from zoneinfo import ZoneInfo

    from nexio.checkin.taps import Tap
    from nexio.locations.locations import Location
    from nexio.store.engine import Reading

COLUMNS: Final = (
    *("name", "kind", "host", "direction", "at", "method"),
    *("company", "phone", "location"),
)
NEVER_OUT: Final = "never out"
"""In the column "direction": whom the cut-off checked out, and nobody did."""


@click.command("list", cls=once.Command)
@click.option(
    "--open",
    "open_only",
    is_flag=True,
    help="Only who is in the building now or never checked out; of all locations, unless you "
    "name one.",
)
@click.option("--date", "day", metavar="DAY", help="Another day: yesterday, monday, 24 Dec.")
@click.option("--from", "first", metavar="DAY", help="From this day on, until today or --to.")
@click.option("--to", "last", metavar="DAY", help="With --from: the last day.")
@click.option("--csv", "as_csv", is_flag=True, help="Print a spreadsheet, with times by ISO 8601.")
@options.paged
@options.location
@places.all_locations
@options.as_json
def list_(
    day: str | None,
    first: str | None,
    last: str | None,
    limit: int | None,
    after: int | None,
    location_name: str | None,
    *,
    open_only: bool,
    as_csv: bool,
    all_locations: bool,
    as_json: bool,
) -> None:
    """List today's check-ins and check-outs, or those of other days.

    --open is the list for an evacuation, with company and phone. Below those in the building it
    has, for 24 hours, who was still in at the cut-off (midnight, unless it is set): they never
    checked out, and may still be there. --json has those in the building alone; 'nexio today
    --json' has both.
    """
    if as_csv and as_json:
        raise InvalidValue("--csv and --json do not go together", "Give one of them.")
    days = _Days(day=day, first=first, last=last)
    if open_only and (limit is not None or after is not None):
        raise InvalidValue("the list for an evacuation is whole", "Leave out --limit and --after.")
    if open_only and days.are_given:
        raise InvalidValue("--open is about now", "Leave out the days, or --open.")
    if open_only:
        everywhere = all_locations or location_name is None
        _list_open(location_name, everywhere=everywhere, as_csv=as_csv, as_json=as_json)
        return
    from nexio.checkin.taps import list_taps_between

    with options.reading() as work:
        taps = [
            tap
            for location in places.chosen_locations(work, location_name, everywhere=all_locations)
            for tap in list_taps_between(work, location, *days.between(work.now, location.zone))
        ]
    taps.sort(key=lambda tap: (tap.at, tap.number))
    taps = [*options.page(taps, limit, after, lambda tap: tap.number)]
    if as_csv:
        _print_csv(_directed(taps))
        return
    output.print_list(
        taps,
        tap_json,
        COLUMNS,
        lambda tap: _row(tap, tap.direction.value),
        "No check-ins on these days." if days.are_given else "No check-ins today.",
        as_json=as_json,
        only_wide=("kind", "method", "company", "phone", "location"),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Days:
    """As they were typed; none is today."""

    day: str | None
    first: str | None
    last: str | None

    @property
    def are_given(self) -> bool:
        """Whether somebody has named one."""
        return any(each is not None for each in (self.day, self.first, self.last))

    def between(self, now: datetime, zone: ZoneInfo) -> tuple[datetime, datetime]:
        """The instants between which they lie.

        Raises:
            InvalidValue: one cannot be read, or they do not go together.
        """
        if self.day is not None and (self.first is not None or self.last is not None):
            raise InvalidValue("--date is one day", "Give --date, or --from and --to.")
        if self.last is not None and self.first is None:
            raise InvalidValue("--to needs --from", "Say from which day on.")
        begin = _read_day(self.first if self.day is None else self.day, now, zone)
        end = _read_day(self.last if self.day is None else self.day, now, zone)
        if end < begin:
            raise InvalidValue(
                f"the list would end on {end}, before it begins on {begin}",
                "Write the year where a day is further away.",
            )
        return day_start(begin, zone), day_end(end, zone)


def _read_day(text: str | None, now: datetime, zone: ZoneInfo) -> date:
    from nexio.input.past_times import parse_past_day

    return local_date(now, zone) if text is None else parse_past_day(text, now, zone)


# The list for an evacuation


@dataclass(frozen=True, slots=True, kw_only=True)
class _Roll:
    """Who is in the building of a location, and who may be."""

    location: Location
    inside: list[Tap]
    never_out: list[Tap]

    @property
    def count(self) -> int:
        """How many are on it."""
        return len(self.inside) + len(self.never_out)


def _list_open(location_name: str | None, *, everywhere: bool, as_csv: bool, as_json: bool) -> None:
    with options.reading() as work:
        chosen = places.chosen_locations(work, location_name, everywhere=everywhere)
        rolls = [_roll(work, each) for each in chosen]
        known = {each.id for each in chosen}
        others = places.chosen_locations(work, None, everywhere=True)
        left_out = [_roll(work, each) for each in others if each.id not in known]
    inside = [tap for roll in rolls for tap in roll.inside]
    never_out = [tap for roll in rolls for tap in roll.never_out]
    if as_json:
        output.print_json([tap_json(tap) for tap in inside])
    elif as_csv:
        _print_csv(_directed(inside, never_out))
    else:
        of_each = ", ".join(f"{roll.location.name} {len(roll.inside)}" for roll in rolls)
        at = show(work.now, chosen[0].zone) + (f": {of_each}" if len(rolls) > 1 else "")
        output.say(f"{len(inside)} in the building at {at}")
        _print_rolls(inside, never_out, work.now, several=len(chosen) > 1)
    if never_out and (as_json or not sys.stdout.isatty()):
        output.say(f"Never checked out: {len(never_out)}.")
    missing = [roll for roll in left_out if roll.count]
    if missing:
        there = ", ".join(f"{each.location.name} {each.count}" for each in missing)
        output.say(f"Not on this list: {there}. For all: --all-locations")


def _roll(work: Reading, location: Location) -> _Roll:
    from nexio.checkin.taps import list_never_out, list_taps

    return _Roll(
        location=location,
        inside=list_taps(work, location, open_only=True),
        never_out=list_never_out(work, location),
    )


def _print_rolls(
    inside: Sequence[Tap], never_out: Sequence[Tap], now: datetime, *, several: bool
) -> None:
    if sys.stdout.isatty():
        from nexio_cli.terminal.people_view import print_people

        print_people(inside, now, several=several)
        if never_out:
            output.print_headline(f"Never checked out: {len(never_out)}")
            print_people(never_out, now, several=several)
        return
    rows = [_row(*each) for each in _directed(inside, never_out)]
    output.print_table(COLUMNS, rows, "Nobody.")


# Rows


def _directed(taps: Iterable[Tap], never_out: Iterable[Tap] = ()) -> list[tuple[Tap, str]]:
    """Each with what stands in the column "direction"."""
    return [*((tap, tap.direction.value) for tap in taps), *((tap, NEVER_OUT) for tap in never_out)]


def _row(tap: Tap, direction: str, at: str = "") -> list[str]:
    return [
        *(tap.name, tap.kind, tap.host or "", direction),
        *(at or show(tap.at, tap.location.zone), tap.method.value),
        *(tap.company or "", tap.phone or "", tap.location.name),
    ]


def _print_csv(taps: Iterable[tuple[Tap, str]]) -> None:
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(COLUMNS)
    for tap, direction in taps:
        row = _row(tap, direction, iso(tap.at, tap.location.zone))
        writer.writerow([neutral(output.plain(cell)) for cell in row])
