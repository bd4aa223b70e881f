"""Export visits as a spreadsheet that an import can read."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from typing import Final, TextIO

from nexio.input.durations import format_duration
from nexio.input.spreadsheets import neutral
from nexio.input.zones import iso
from nexio.reception.visits import Visit

COLUMNS: Final = (
    *("first name", "last name", "email", "arrival", "duration"),
    *("host", "company", "phone", "notes", "pin", "devices", "group", "language"),
)


def write_visits(visits: Iterable[Visit], file: TextIO) -> int:
    """Write a header and a row for each visit, including its PIN; return the number of visits.

    Args:
        visits: in the order of the file.
        file: opened without translation of line breaks.
    """
    writer = csv.writer(file)
    writer.writerow(COLUMNS)
    number = 0
    for visit in visits:
        writer.writerow(neutral(cell or "") for cell in _cells(visit))
        number += 1
    return number


def _cells(visit: Visit) -> tuple[str | None, ...]:
    duration = None if visit.token_duration is None else format_duration(visit.token_duration)
    devices = None if visit.max_devices is None else str(visit.max_devices or "none")
    return (
        *(visit.first_name, visit.last_name, visit.email),
        *(iso(visit.expected_arrival, visit.location.zone), duration),
        *(visit.host, visit.company, visit.phone, visit.notes, visit.pin, devices, visit.group),
        visit.language,
    )
