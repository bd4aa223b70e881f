"""Timeouts for a database.

A PostgreSQL that hangs keeps its connections open, and its kernel still acknowledges keepalives:
only we can notice.  Every wait on a connection has a limit here.  When it is exceeded, the
connection is closed, and the waiting code gets an error.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Self


@dataclass(slots=True, kw_only=True)
class Patience:
    """The limits for one program; all the stores that it opens share them."""

    silence: float = 10.0
    """Seconds of silence after which we check whether PostgreSQL is still alive."""

    longest: float = 3600.0
    """Seconds of silence after which we give up even if it is alive: an upgrade may take long."""

    connecting: float = 5.0
    """Seconds that PostgreSQL may take to accept a connection, for each of its addresses."""

    busy: float = 30.0
    """Seconds that we wait for another writer."""

    _end: float = field(default=float("inf"), init=False)

    @classmethod
    def of_a_server(cls) -> Self:
        """The limits for a program that can work from memory and retry."""
        return cls(silence=1.0, longest=60.0, connecting=2.0, busy=5.0)

    def end_in(self, seconds: float) -> None:
        """Stop all waits after so many seconds: the program is stopping."""
        self._end = time.monotonic() + seconds

    @property
    def is_over(self) -> bool:
        """Whether that moment has come."""
        return time.monotonic() >= self._end

    @property
    def busy_now(self) -> float:
        """:attr:`busy`, or the time that is left until that moment."""
        return max(0.0, min(self.busy, self._end - time.monotonic()))
