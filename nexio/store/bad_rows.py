"""Skip rows that cannot be used, after damage to the store or changes by other software.

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
    """The damaged rows found so far; each is reported once."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def usable(self, rows: Iterable[Source], make: Callable[[Source], Made]) -> Iterator[Made]:
        """The results of ``make`` for the rows, in order, without those that cannot be used."""
        for row in rows:
            try:
                made = make(row)
            except (NexioError, ValueError, TypeError) as error:
                # Do not show a message of Python's own: it may quote the row.
                why = str(error) if isinstance(error, NexioError) else "it cannot be read"
                self.report(row, f"is left out: {why}")
            else:
                yield made

    def report(self, row: Row, what: str) -> None:
        """Log a fault of a row, once."""
        line = f"{row.__tablename__} {row.id} {what} (see: nexio db check)"  # type: ignore[attr-defined]
        if line not in self.lines:
            self.lines.append(line)
            log.warning("%s", line)
