"""Rows that cannot be used, from a store that was damaged or changed by other software.

Such a row is left out, with one line in the log.  ``nexio db check`` names it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

from nexio.errors import NexioError
from nexio.store.tables.row import Row

log = logging.getLogger(__name__)

Source = TypeVar("Source", bound="Row")
Made = TypeVar("Made")


class BadRows:
    """The damaged rows that were found so far; each is reported once."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def usable(self, rows: Iterable[Source], make: Callable[[Source], Made]) -> Iterator[Made]:
        """What ``make`` makes of the rows, in their order, without those that cannot be used."""
        for row in rows:
            try:
                made = make(row)
            except (NexioError, ValueError, TypeError) as error:
                # Not the error's own words where they are Python's: they may quote the row.
                why = str(error) if isinstance(error, NexioError) else "it cannot be read"
                self.report(row, f"is left out: {why}")
            else:
                yield made

    def report(self, row: Row, what: str) -> None:
        """Log what is wrong with a row, if that is new."""
        line = f"{row.__tablename__} {row.id} {what} (see: nexio db check)"  # type: ignore[attr-defined]
        if line not in self.lines:
            self.lines.append(line)
            log.warning("%s", line)
