"""A file of 100,000 visitors, while another desk registers: `make test-long`."""

from __future__ import annotations

import os
import subprocess
import time
from contextlib import closing
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import func, select

from nexio.store.engine import Store
from nexio.store.tables import VisitRow
from tests.support.cli.programs import program
from tests.support.people import add_location, register

if TYPE_CHECKING:
    from pathlib import Path

    from nexio.configuration import Configuration
    from nexio.locations.locations import Location

SECONDS = 60
MEMORY = 64 * 1024
"""KiB that ten times as many rows may need beyond those of the smaller file."""

WAITS = {("sqlite", 10_000): 1.0, ("sqlite", 100_000): 5.0}
"""Seconds that a desk may wait; on PostgreSQL it is 1 whatever the file."""


@pytest.mark.long
def test_a_large_file_keeps_nobody_waiting(
    configuration: Configuration, environment: dict[str, str], tmp_path: Path
) -> None:
    """Within a minute and in bounded memory; the desk waits for a moment only."""
    with closing(Store.open(configuration)) as store:
        house = add_location(store, "Harbour House", "Europe/London", "visitor-tokens=on")
        peaks = {}
        for number in (10_000, 100_000):
            file = tmp_path / f"{number}.csv"
            file.write_text("".join(rows(number)), encoding="utf-8")
            peaks[number], longest = imported(store, house, file, environment)
            assert longest <= WAITS.get((store.engine.dialect.name, number), 1.0)
        assert peaks[100_000] - peaks[10_000] < MEMORY
        with store.read() as work:
            count = work.session.scalar(
                select(func.count()).where(VisitRow.email.like("visitor%@example.com"))
            )
        assert count == 110_000


def rows(number: int) -> list[str]:
    """A file of so many visitors on 28 days."""
    return ["first name;last name;email;arrival;company\n"] + [
        f"Zoë;Nguyễn;visitor{each}of{number}@example.com;"
        f"in {1 + each % 28} days {8 + each % 10}:{each // 100 % 60:02};Example Ltd\n"
        for each in range(number)
    ]


def imported(
    store: Store, house: Location, file: Path, environment: dict[str, str]
) -> tuple[int, float]:
    """Import a file, and register at a desk meanwhile.

    Returns:
        The memory of the program at most, in KiB, and how long the desk waited at most.
    """
    begin, longest = time.monotonic(), 0.0
    process = subprocess.Popen(
        [program("nexio"), "visitor", "import", str(file)],
        env=os.environ | environment,
        stderr=subprocess.DEVNULL,
    )
    number = 0
    while True:
        ended, status, usage = os.wait4(process.pid, os.WNOHANG)
        if ended:
            break
        at = time.monotonic()
        register(store, house, email=f"desk{number}@{file.stem}.example.com", arrival="now")
        longest, number = max(longest, time.monotonic() - at), number + 1
        time.sleep(0.1)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0
    assert number > 1
    assert time.monotonic() - begin < SECONDS
    return usage.ru_maxrss, longest
