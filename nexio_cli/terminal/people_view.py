"""People as a terminal of 80 columns shows them: with phone and company, and short times."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nexio.input.zones import WEEKDAYS, local_date
from nexio_cli.terminal import output

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from zoneinfo import ZoneInfo

    from nexio.checkin.taps import Tap


def print_people(taps: Sequence[Tap], now: datetime, *, several: bool) -> None:
    """A table of who is in the building, by name; with the location where there are several."""
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    if not taps:
        output.say("Nobody.")
        return
    table = Table(box=SIMPLE_HEAD, pad_edge=False, header_style="bold")
    for name in ("name", "company", "phone", "to see"):
        table.add_column(name, overflow="fold", no_wrap=name == "phone")
    table.add_column("since", no_wrap=True)
    if several:
        table.add_column("location", overflow="fold")
    for tap in sorted(taps, key=lambda tap: tap.name.casefold()):
        who = tap.host or ("member" if tap.kind == "member" else "")
        cells = [tap.name, tap.company or "", tap.phone or "", who]
        cells.append(short_time(tap.at, tap.location.zone, now))
        cells += [tap.location.name] if several else []
        table.add_row(*(Text(output.plain(cell)) for cell in cells))
    Console(highlight=False).print(table)


def short_time(instant: datetime, zone: ZoneInfo, now: datetime) -> str:
    """A time of day; with the day of the week, or the date, where it is not today."""
    local = instant.astimezone(zone)
    days = (local_date(now, zone) - local.date()).days
    if days == 0:
        return f"{local:%H:%M}"
    day = WEEKDAYS[local.weekday()][:3] if 0 < days < len(WEEKDAYS) else f"{local:%Y-%m-%d}"
    return f"{day} {local:%H:%M}"
